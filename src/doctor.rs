//! `guichet doctor`: what this machine needs to build and run Guichet, what it has, and what to do.
//!
//! Looks only, and changes nothing. Must find the same things in the same places as the script
//! `./guichet`, which installs what is missing.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use nix::sys::statvfs::statvfs;
use serde::Serialize;

use crate::nats_server::{self, Search, Verdict};

/// The libclang that `./guichet` fetches where it may not install one.
const LIBCLANG_PINNED: &str = "18.1.1";
/// Less than this and a desk of some size soon cannot write any more, which halts it.
const FREE_GIBIBYTES_MIN: f64 = 1.0;

/// The settings that doctor needs from the environment and the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    pub(crate) search: Search,
    /// `CXX`, such as `ccache g++`.
    pub(crate) cxx: Option<String>,
    /// `LIBCLANG_PATH`: the library or the folder that it is in.
    pub(crate) libclang_path: Option<PathBuf>,
    /// `GUICHET_SHARED`: the folder with the data sets that some tests compare with.
    pub(crate) shared: Option<PathBuf>,
    /// The folder that holds the log. It need not exist yet.
    pub(crate) data_dir: PathBuf,
}

/// One line of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Need {
    pub(crate) need: &'static str,
    pub(crate) state: State,
    pub(crate) required: bool,
    /// The finding, or the fault.
    pub(crate) detail: String,
    /// The command that repairs it. None if there is nothing to repair.
    pub(crate) fix: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// There, and good enough.
    Found,
    /// There and it works, but a newer one is advised.
    Old,
    /// Not there, or not good enough.
    Missing,
}

/// Writes the table, or with `json` one document. True if all that is required was found.
pub(crate) fn run(around: &Surroundings, json: bool, out: &mut dyn Write) -> anyhow::Result<bool> {
    let needs = examine(around);
    let ok = needs.iter().all(|need| !need.required || need.state != State::Missing);
    if json {
        serde_json::to_writer_pretty(&mut *out, &Answer { ok, needs: &needs })?;
        writeln!(out)?;
    } else {
        write_table(&needs, out)?;
    }
    Ok(ok)
}

/// Looks at everything, in the order in which a build and a start need it.
pub(crate) fn examine(around: &Surroundings) -> Vec<Need> {
    let libclang = libclang(around);
    let nats = nats(&around.search);
    let something_to_fetch = [&libclang, &nats].iter().any(|need| need.state == State::Missing);
    vec![
        rust(),
        cxx(around.cxx.as_deref()),
        make(),
        libclang,
        nats,
        pip(!is_root() && something_to_fetch),
        disk(&around.data_dir),
        ccache(),
        shared(around.shared.as_deref()),
    ]
}

#[derive(Serialize)]
struct Answer<'a> {
    ok: bool,
    needs: &'a [Need],
}

impl Need {
    fn new(need: &'static str, required: bool, found: anyhow::Result<String>, fix: &str) -> Need {
        match found {
            Ok(detail) => Need { need, state: State::Found, required, detail, fix: None },
            Err(why) => Need {
                need,
                state: State::Missing,
                required,
                detail: format!("{why:#}"),
                fix: Some(fix.to_owned()),
            },
        }
    }
}

fn rust() -> Need {
    let least = env!("CARGO_PKG_RUST_VERSION");
    let version = first_line("cargo", &["--version"]).and_then(|_| first_line("rustc", &["--version"]));
    let fix = match version {
        Ok(_) => "rustup update stable",
        Err(_) => "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh",
    };
    let new_enough = |said: String| {
        let version = said.split(' ').nth(1).unwrap_or_default().to_owned();
        anyhow::ensure!(release(&version) >= release(least), "{version} is older than {least}");
        Ok(version)
    };
    Need::new("Rust with cargo", true, version.and_then(new_enough), fix)
}

/// Major and minor number.
fn release(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

fn cxx(configured: Option<&str>) -> Need {
    let compiler = || {
        let mut words = configured.unwrap_or("g++").split_whitespace();
        let program = words.next().context("CXX is empty")?;
        let words: Vec<&str> = words.collect();
        let standard = ["-std=c++20", "-x", "c++", "-fsyntax-only", "/dev/null"];
        first_line(program, &[words.as_slice(), &standard].concat())
            .context("no compiler for C++20, which RocksDB is written in")?;
        first_line(program, &[words.as_slice(), &["--version"]].concat())
    };
    Need::new("C++20 compiler", true, compiler(), "apt-get install g++    (as root)")
}

/// The allocator is built with it.
fn make() -> Need {
    Need::new("make", true, first_line("make", &["--version"]), "apt-get install make    (as root)")
}

fn libclang(around: &Surroundings) -> Need {
    let fetched = around
        .search
        .home
        .iter()
        .map(|home| home.join(format!(".cache/guichet/tools/libclang-{LIBCLANG_PINNED}")));
    let mut places: Vec<PathBuf> = around.libclang_path.iter().cloned().chain(fetched).collect();
    places.extend(["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from));
    for folder in entries(Path::new("/usr/lib")) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("llvm-") {
            places.push(folder.join("lib"));
        } else if name.contains("-linux-") {
            places.push(folder);
        }
    }
    let mut files =
        places.iter().flat_map(|place| if place.is_file() { vec![place.clone()] } else { entries(place) });
    let found = files.find(|file| is_libclang(file)).map(|file| file.display().to_string());
    let fix =
        "apt-get install --no-install-recommends libclang-dev    (as root; else ./guichet demo fetches it)";
    Need::new("libclang", true, found.context("needed for the bindings to RocksDB"), fix)
}

/// `libclang.so`, `libclang-14.so.1` and the like, but not `libclang-cpp`, which is another library.
fn is_libclang(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    (name.starts_with("libclang.so") || name.starts_with("libclang-") && name.contains(".so"))
        && !name.contains("-cpp.")
}

/// In the order of their names, so that the answer is the same every time.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn nats(search: &Search) -> Need {
    let fix = "./guichet demo    (fetches it; or point GUICHET_NATS_SERVER to one of your own)";
    let found = nats_server::find(search);
    let is_old = found.as_ref().is_ok_and(|found| nats_server::check_version(&found.version) == Verdict::Old);
    let told = found.map(|found| format!("{} at {}", found.version, found.path.display()));
    let need = Need::new("nats-server", true, told, fix);
    if is_old { Need { state: State::Old, fix: Some(fix.to_owned()), ..need } } else { need }
}

fn pip(required: bool) -> Need {
    let fix = "apt-get install python3-pip    (as root)";
    let found =
        first_line("python3", &["-m", "pip", "--version"]).context("python3 with pip, to fetch the rest");
    Need::new("Python with pip", required, found, fix)
}

fn disk(data_dir: &Path) -> Need {
    let free = || {
        let absolute = std::path::absolute(data_dir)?;
        let there = absolute.ancestors().find(|folder| folder.exists()).context("no such folder")?;
        let disk = statvfs(there)?;
        // In floating point because the integer types differ from system to system.
        let gibibytes = disk.blocks_available() as f64 * disk.fragment_size() as f64 / f64::from(1 << 30);
        let told = format!("{gibibytes:.1} GiB free at {}", there.display());
        anyhow::ensure!(gibibytes >= FREE_GIBIBYTES_MIN, "only {told}");
        Ok(told)
    };
    Need::new("disk space", true, free(), "make room, or choose another disk with --data-dir")
}

fn ccache() -> Need {
    let found = first_line("ccache", &["--version"]).context("spares the second compilation of RocksDB");
    Need::new("ccache", false, found, "apt-get install ccache    (as root)")
}

fn shared(folder: Option<&Path>) -> Need {
    let found = || {
        let folder =
            folder.context("GUICHET_SHARED is not set: tests that need its data sets are left out")?;
        anyhow::ensure!(folder.is_dir(), "GUICHET_SHARED names {}, which is not there", folder.display());
        Ok(folder.display().to_string())
    };
    Need::new("shared test data", false, found(), "GUICHET_SHARED=/its/folder ./guichet test")
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The first line that a program prints, if it ends well.
fn first_line(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{program} cannot be run"))?;
    anyhow::ensure!(output.status.success(), "{program} {} failed", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}

fn write_table(needs: &[Need], out: &mut dyn Write) -> std::io::Result<()> {
    let width = needs.iter().map(|need| need.need.len()).max().unwrap_or(0);
    for Need { need, state, required, detail, fix } in needs {
        let word = match (state, required) {
            (State::Found, _) => "found",
            (State::Old, _) => "old",
            (State::Missing, true) => "MISSING",
            (State::Missing, false) => "optional",
        };
        let indent = " ".repeat(width + 12);
        writeln!(out, "{word:<8}  {need:<width$}  {}", detail.replace('\n', &format!("\n{indent}")))?;
        if let Some(fix) = fix {
            writeln!(out, "{indent}fix: {fix}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(needs: &[Need]) -> String {
        let mut out = Vec::new();
        write_table(needs, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_table_names_the_fix_of_what_is_missing() {
        let needs = [
            Need::new("Rust with cargo", true, Ok("1.95.0".to_owned()), "install it"),
            Need::new("libclang", true, Err(anyhow::anyhow!("not there\nreally")), "apt-get"),
            Need::new("ccache", false, Err(anyhow::anyhow!("not there")), "apt-get install ccache"),
        ];
        let expected = "\
found     Rust with cargo  1.95.0
MISSING   libclang         not there
                           really
                           fix: apt-get
optional  ccache           not there
                           fix: apt-get install ccache
";
        assert_eq!(told(&needs), expected);
    }

    #[test]
    fn libclang_cpp_is_not_libclang() {
        for name in ["libclang.so", "libclang.so.1", "libclang-14.so", "libclang-14.so.14.0.6"] {
            assert!(is_libclang(Path::new(name)), "{name}");
        }
        for name in ["libclang-cpp.so.14", "libclang.a", "libclangAST.a", "llvm.so"] {
            assert!(!is_libclang(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn a_folder_that_does_not_exist_yet_is_on_the_disk_of_its_parent() {
        let temp = tempfile::tempdir().unwrap();
        let need = disk(&temp.path().join("not/yet"));
        assert!(need.detail.contains(&temp.path().display().to_string()), "{need:?}");
    }

    #[test]
    fn the_document_and_the_answer_agree() {
        let around = Surroundings { data_dir: std::env::temp_dir(), ..Surroundings::default() };
        let mut out = Vec::new();
        let ok = run(&around, true, &mut out).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(document["ok"], ok);
        let missing = |need: &serde_json::Value| need["required"] == true && need["state"] == "missing";
        assert_eq!(document["needs"].as_array().unwrap().iter().any(missing), !ok);
    }
}

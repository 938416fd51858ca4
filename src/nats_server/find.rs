//! Which nats-server program to run: where to look for it, and which versions will do.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

/// The version that `./guichet` fetches.
const PINNED: &str = "2.15.1";
/// Older servers have holes that a client without an account can use: refused.
pub(crate) const FLOOR: &str = "2.12.8";
/// From here on no fault is known that concerns us.
pub(super) const ADVISED: &str = "2.14.5";

/// A nats-server program that is new enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Absolute path of the program.
    pub(crate) path: PathBuf,
    /// Its own account of its version, such as `2.15.1`.
    pub(crate) version: String,
}

/// Where to look, in this order. The values come from the environment, which is not ours to read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Search {
    /// `GUICHET_NATS_SERVER`. If there is one, nothing else is tried.
    pub(crate) configured: Option<PathBuf>,
    /// Where our own program is: a package brings the server along, beside it or in `../lib/guichet`.
    pub(crate) program: Option<PathBuf>,
    /// The home directory; `./guichet` keeps below it what it fetched.
    pub(crate) home: Option<PathBuf>,
    /// `PATH`. `/usr/sbin`, where Debian puts the program, is tried after it.
    pub(crate) path: Option<OsString>,
}

/// Our verdict on a version of nats-server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Refused: it has known holes, or does not say its version in a way that we can read.
    TooOld,
    /// Works, with a warning: later versions repair faults that concern us.
    Old,
    /// Nothing to say.
    Good,
}

/// Judges `2.15.1` or `v2.15.1`. What follows a hyphen, as in `2.15.1-RC.1`, does not count.
pub(crate) fn check_version(version: &str) -> Verdict {
    match numbers(version) {
        None => Verdict::TooOld,
        found if found < numbers(FLOOR) => Verdict::TooOld,
        found if found < numbers(ADVISED) => Verdict::Old,
        Some(_) => Verdict::Good,
    }
}

/// The first program on the way that is new enough; the error lists all that was tried.
pub(crate) fn find(search: &Search) -> anyhow::Result<Found> {
    if let Some(configured) = &search.configured {
        return examine(configured)
            .with_context(|| format!("GUICHET_NATS_SERVER names {}", configured.display()));
    }
    let mut tried = String::new();
    for place in places(search) {
        if !place.exists() {
            tried.push_str(&format!("\n    {}: not there", place.display()));
            continue;
        }
        match examine(&place) {
            Ok(found) => return Ok(found),
            Err(why) => tried.push_str(&format!("\n    {}: {why:#}", place.display())),
        }
    }
    bail!("no nats-server {FLOOR} or newer found; tried{tried}")
}

fn numbers(version: &str) -> Option<(u32, u32, u32)> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let release = version.split_once('-').map_or(version, |(release, _)| release);
    let mut parts = release.split('.').map(str::parse);
    let numbers = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    parts.next().is_none().then_some(numbers)
}

fn places(search: &Search) -> Vec<PathBuf> {
    let fetched = search
        .home
        .iter()
        .map(|home| home.join(format!(".cache/guichet/tools/nats-server-{PINNED}/nats-server")));
    let on_path = search.path.iter().flat_map(std::env::split_paths).map(|folder| folder.join("nats-server"));
    let folder = search.program.as_deref().and_then(Path::parent);
    let packed = folder
        .into_iter()
        .flat_map(|folder| [folder.join("nats-server"), folder.join("../lib/guichet/nats-server")]);
    // What is not there is not worth a word: most installations have neither.
    let mut places: Vec<PathBuf> = packed.filter(|place| place.exists()).chain(fetched).collect();
    places.extend(on_path.filter(|place| place.exists()));
    places.push(PathBuf::from("/usr/sbin/nats-server"));
    places
}

fn examine(program: &Path) -> anyhow::Result<Found> {
    let path = std::path::absolute(program)?;
    let output = Command::new(&path).arg("-v").stdin(Stdio::null()).output().context("cannot be run")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let version = said.trim().strip_prefix("nats-server: v").context("is not a nats-server")?.to_owned();
    ensure!(check_version(&version) != Verdict::TooOld, "{version} is older than {FLOOR}");
    Ok(Found { path, version })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (version, verdict) in [
            ("2.15.1", Verdict::Good),
            ("v2.15.1", Verdict::Good),
            ("2.14.5", Verdict::Good),
            ("3.0.0", Verdict::Good),
            ("2.15.0-RC.2", Verdict::Good),
            ("2.14.4", Verdict::Old),
            ("2.12.8", Verdict::Old),
            ("2.12.7", Verdict::TooOld),
            ("2.9.15", Verdict::TooOld),
            ("1.99.99", Verdict::TooOld),
        ] {
            assert_eq!(check_version(version), verdict, "{version}");
        }
    }

    #[test]
    fn a_version_that_cannot_be_read_is_too_old() {
        for version in ["", "v", "2", "2.15", "2.15.1.9", "two", "2.15.x", "-2.15.1"] {
            assert_eq!(check_version(version), Verdict::TooOld, "{version}");
        }
    }

    /// A program that answers like a nats-server of that version.
    fn pretender(folder: &Path, version: &str) -> PathBuf {
        let path = folder.join("nats-server");
        fs::create_dir_all(folder).unwrap();
        // Written by another process: if we had it open for writing while another test forks, it would be
        // busy when we run it.
        let write = r#"printf '#!/bin/sh\necho "nats-server: v%s"\n' "$1" >"$0" && chmod 755 "$0""#;
        let written = Command::new("sh").arg("-c").arg(write).arg(&path).arg(version).status().unwrap();
        assert!(written.success());
        path
    }

    #[test]
    fn the_fetched_server_comes_before_the_path() {
        let temp = tempfile::tempdir().unwrap();
        let on_path = pretender(&temp.path().join("bin"), "2.15.0");
        let mut search = Search {
            configured: None,
            program: None,
            home: Some(temp.path().join("home")),
            path: Some(temp.path().join("bin").into_os_string()),
        };
        assert_eq!(find(&search).unwrap(), Found { path: on_path, version: "2.15.0".to_owned() });
        let tools = temp.path().join(format!("home/.cache/guichet/tools/nats-server-{PINNED}"));
        let fetched = pretender(&tools, PINNED);
        assert_eq!(find(&search).unwrap().path, fetched);
        let configured = pretender(&temp.path().join("own"), "2.14.5");
        search.configured = Some(configured.clone());
        assert_eq!(find(&search).unwrap().path, configured);
    }

    #[test]
    fn a_server_that_came_in_the_package_comes_first() {
        let temp = tempfile::tempdir().unwrap();
        let on_path = pretender(&temp.path().join("bin"), "2.15.0");
        let mut search = Search { path: Some(on_path.parent().unwrap().into()), ..Search::default() };
        search.program = Some(temp.path().join("usr/bin/guichet"));
        assert_eq!(find(&search).unwrap().path, on_path, "a package without one takes what there is");
        fs::create_dir_all(temp.path().join("usr/bin")).unwrap();
        let packed = pretender(&temp.path().join("usr/lib/guichet"), PINNED);
        let found = find(&search).unwrap().path;
        assert_eq!(found.canonicalize().unwrap(), packed);
        let beside = pretender(&temp.path().join("usr/bin"), PINNED);
        assert_eq!(find(&search).unwrap().path, beside);
    }

    #[test]
    fn a_configured_server_that_is_too_old_is_an_error_and_not_skipped() {
        let temp = tempfile::tempdir().unwrap();
        let search = Search {
            configured: Some(pretender(&temp.path().join("own"), "2.9.15")),
            program: None,
            home: None,
            path: Some(pretender(&temp.path().join("bin"), "2.15.1").parent().unwrap().into()),
        };
        let told = format!("{:#}", find(&search).unwrap_err());
        assert!(
            told.contains("GUICHET_NATS_SERVER") && told.contains("2.9.15 is older than 2.12.8"),
            "{told}"
        );
    }

    #[test]
    fn what_was_tried_is_told() {
        let temp = tempfile::tempdir().unwrap();
        let old = pretender(&temp.path().join("bin"), "2.9.15");
        let search = Search {
            configured: None,
            program: None,
            home: Some(temp.path().join("home")),
            path: Some(temp.path().join("bin").into_os_string()),
        };
        // A machine with a good one in /usr/sbin finds that, which is right too.
        let Err(told) = find(&search) else { return };
        let told = told.to_string();
        assert!(told.contains(&format!("{}: 2.9.15 is older than", old.display())), "{told}");
        assert!(told.contains("home/.cache/guichet/tools"), "{told}");
    }
}

//! What a nats-server cannot read of its own store, and how that is put aside.
//!
//! The stream is a copy of the log: where the server cannot bring it back, it starts without, and the engine publishes
//! all of it anew. What was put aside is kept in a folder `nats.damaged-<time>` beside the store, for whoever wants to
//! look at it, and as the last copy there is where the log itself has a fault too.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use guichet_engine::clock;

use super::place::Place;

/// Where JetStream keeps its files in its store.
const JETSTREAM: &str = "jetstream";
/// Prefix of the folders into which damaged parts are moved.
const ASIDE: &str = "nats.damaged-";

/// The part of the store that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Damaged {
    /// This part of it, as a path in the folder of JetStream.
    Part(PathBuf),
    /// Nobody can say which.
    Store,
}

/// The part of the store that `/healthz` calls lost, where it says so. Its body as JSON.
///
/// Streams are brought back before the server tells its ports, so what is missing once it has told them stays missing.
pub(super) fn complaint(body: &[u8]) -> Option<Damaged> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    let error = answer["error"].as_str()?;
    let (what, rest) = error.strip_prefix("JetStream ")?.split_once(" '")?;
    let (named, fate) = rest.rsplit_once('\'')?;
    if !matches!(fate.trim(), "could not be recovered" | "could not be resolved") {
        return None;
    }
    let names: Vec<&str> = named.split(" > ").collect();
    let path: PathBuf = match (what, &names[..]) {
        ("account", [account]) => PathBuf::from(account),
        ("stream", [account, stream]) => [account, "streams", stream].iter().collect(),
        ("consumer", [account, stream, consumer]) => {
            [account, "streams", stream, "obs", consumer].iter().collect()
        }
        _ => return Some(Damaged::Store),
    };
    let is_inside =
        names.iter().all(|name| !name.is_empty() && *name != "." && *name != ".." && !name.contains('/'));
    Some(if is_inside { Damaged::Part(path) } else { Damaged::Store })
}

/// Refusals of the system, as a Go program prints them. Then the store may be whole, and another one in its place would
/// meet the same. A server that ended has nothing but words.
const REFUSALS: [&str; 12] = [
    "no space left on device",
    "disk quota exceeded",
    "file too large",
    "too many open files",
    "cannot allocate memory",
    "out of memory",
    "permission denied",
    "operation not permitted",
    "read-only file system",
    "input/output error",
    "resource temporarily unavailable",
    "address already in use",
];

/// True where the last words of a server say that it ended over its store.
pub(super) fn ended_over_store(log: &str) -> bool {
    let over = ["Can't start JetStream", "panic: ", "fatal error: "].iter().any(|words| log.contains(words));
    let said = log.to_lowercase();
    over && !REFUSALS.iter().any(|refusal| said.contains(refusal))
}

impl Place {
    fn jetstream(&self) -> PathBuf {
        self.store_dir.join(JETSTREAM)
    }

    /// Puts a damaged part of the store aside. Says where it is now.
    pub(super) fn put_aside(&self, damaged: &Damaged) -> io::Result<PathBuf> {
        let aside = self.dir.join(format!("{ASIDE}{}", clock::wall().0));
        DirBuilder::new().recursive(true).mode(0o700).create(&aside)?;
        let (from, name) = match damaged {
            Damaged::Part(part) => (self.jetstream().join(part), part.clone()),
            Damaged::Store => (self.jetstream(), PathBuf::from(JETSTREAM)),
        };
        let to = aside.join(name);
        if let Some(parent) = to.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        fs::rename(from, &to)?;
        Ok(to)
    }

    /// How many folders with damaged parts are kept.
    pub(super) fn kept_aside(&self) -> usize {
        let entries = fs::read_dir(&self.dir).map(|entries| entries.flatten().collect::<Vec<_>>());
        let is_one = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(ASIDE);
        entries.unwrap_or_default().iter().filter(|entry| is_one(entry)).count()
    }

    /// The first part of the store that does not have the shape of one, before a server is given it: something else is
    /// where a folder has to be. The server says nothing of some of these, and refuses every stream later.
    pub(super) fn misshapen(&self) -> Option<Damaged> {
        let root = self.jetstream();
        match fs::symlink_metadata(&root) {
            Err(_) => return None,
            Ok(found) if !found.is_dir() => return Some(Damaged::Store),
            Ok(_) => {}
        }
        let no_folders = |path: &Path| -> Vec<PathBuf> {
            let entries = fs::read_dir(path).map(|entries| entries.flatten().collect::<Vec<_>>());
            let entries = entries.unwrap_or_default();
            entries.iter().filter(|e| !e.path().is_dir()).map(fs::DirEntry::path).collect()
        };
        let folders = |path: &Path| -> Vec<PathBuf> {
            let entries = fs::read_dir(path).map(|entries| entries.flatten().collect::<Vec<_>>());
            let entries = entries.unwrap_or_default();
            entries.iter().map(fs::DirEntry::path).filter(|path| path.is_dir()).collect()
        };
        let mut wrong = no_folders(&root);
        for account in folders(&root) {
            let streams = account.join("streams");
            if streams.exists() && !streams.is_dir() {
                wrong.push(streams);
                continue;
            }
            wrong.extend(no_folders(&streams));
            for stream in folders(&streams) {
                let parts = ["msgs", "obs"].map(|part| stream.join(part));
                wrong.extend(parts.into_iter().filter(|part| part.exists() && !part.is_dir()));
            }
        }
        let first = wrong.into_iter().next()?;
        Some(first.strip_prefix(&root).map_or(Damaged::Store, |part| Damaged::Part(part.to_owned())))
    }

    /// Gives the owner back what some chmod took: the server cannot read what its own user may not.
    pub(super) fn make_readable(&self) {
        let mut folders = vec![self.store_dir.clone()];
        while let Some(folder) = folders.pop() {
            own(&folder, 0o700);
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                    Ok(kind) if kind.is_file() => own(&entry.path(), 0o600),
                    Ok(_) | Err(_) => {}
                }
            }
        }
    }
}

fn own(path: &Path, wanted: u32) {
    let Ok(found) = fs::symlink_metadata(path) else { return };
    let mode = found.permissions().mode();
    if mode & wanted != wanted
        && let Err(error) = fs::set_permissions(path, Permissions::from_mode(mode | wanted))
    {
        tracing::warn!(path = %path.display(), %error, "cannot be made readable for nats-server");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(error: &str) -> Option<Damaged> {
        complaint(serde_json::json!({"status": "unavailable", "error": error}).to_string().as_bytes())
    }

    #[test]
    fn a_server_that_the_system_refused_something_did_not_end_over_its_store() {
        assert!(ended_over_store("[FTL] Can't start JetStream: unexpected end of JSON input"));
        assert!(ended_over_store("panic: runtime error: slice bounds out of range [:7] with capacity 4"));
        assert!(!ended_over_store("[INF] Server is ready"));
        for refusal in REFUSALS {
            assert!(
                !ended_over_store(&format!("[FTL] Can't start JetStream: open x: {refusal}")),
                "{refusal}"
            );
        }
        assert!(!ended_over_store("fatal error: runtime: out of memory"));
        assert!(!ended_over_store("[FTL] Can't start JetStream: open meta.inf: Too many open files"));
    }

    #[test]
    fn the_server_says_what_it_could_not_bring_back() {
        let part = |path: &str| Some(Damaged::Part(PathBuf::from(path)));
        assert_eq!(of("JetStream stream '$G > S' could not be recovered"), part("$G/streams/S"));
        assert_eq!(of("JetStream consumer 'A > S > c' could not be recovered"), part("A/streams/S/obs/c"));
        assert_eq!(of("JetStream account 'X' could not be resolved"), part("X"));
        assert_eq!(of("JetStream stream '$G > ..' could not be recovered"), Some(Damaged::Store));
        assert_eq!(of("JetStream stream 'a/b > S' could not be recovered"), Some(Damaged::Store));
        // Not yet, or not about the store.
        assert_eq!(of("JetStream has not established contact with a meta leader"), None);
        assert_eq!(of("JetStream stream '$G > S' is not current"), None);
        assert_eq!(complaint(b"{\"status\":\"ok\"}"), None);
        assert_eq!(complaint(b"no JSON"), None);
    }
}

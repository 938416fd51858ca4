//! The data folder is its owner's alone, whatever the umask of whoever starts us: what is made from now on, and what
//! was made before.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use nix::sys::stat::{Mode, umask};
use nix::unistd::Uid;

/// The files of a data folder. Anything else in it is somebody else's, and left as it is.
const OURS: &[&str] = &[
    "log-",
    "anchor-",
    "projection-",
    "keys-",
    "nats",
    "kek",
    "signing.key",
    "log.vkey",
    "clock.json",
    "run.json",
    "http.json",
];

/// Files of this process, and of those that it starts, are for their owner only from now on.
pub(crate) fn by_default() {
    umask(Mode::from_bits_truncate(0o077));
}

/// Makes the folder where there is none, and takes from all others what they may do with it and with what is ours in it.
pub(crate) fn folder(data_dir: &Path) -> anyhow::Result<()> {
    let make = || -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir)?;
        let of = fs::metadata(data_dir)?;
        // The folder of many users, such as /tmp, is not ours to close.
        if of.uid() == Uid::effective().as_raw() && of.mode() & 0o1000 == 0 {
            set(data_dir, &of, 0o700)?;
        }
        Ok(())
    };
    make().with_context(|| format!("make the folder {}", data_dir.display()))?;
    let within = || -> io::Result<()> {
        for entry in fs::read_dir(data_dir)? {
            let entry = entry?;
            let name = entry.file_name();
            if OURS.iter().any(|ours| name.as_encoded_bytes().starts_with(ours.as_bytes())) {
                close(&entry.path())?;
            }
        }
        Ok(())
    };
    within().with_context(|| format!("make what is in {} private", data_dir.display()))
}

/// Follows no links: they may lead out.
fn close(path: &Path) -> io::Result<()> {
    let of = match fs::symlink_metadata(path) {
        // A database of another process may delete a file meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        of => of?,
    };
    if of.is_dir() {
        set(path, &of, 0o700)?;
        for entry in fs::read_dir(path)? {
            close(&entry?.path())?;
        }
    } else if of.is_file() {
        set(path, &of, 0o600)?;
    }
    Ok(())
}

fn set(path: &Path, of: &fs::Metadata, mode: u32) -> io::Result<()> {
    if of.mode() & 0o777 == mode {
        return Ok(());
    }
    match fs::set_permissions(path, fs::Permissions::from_mode(mode)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_is_closed_and_nothing_else() {
        let temp = tempfile::tempdir().unwrap();
        let data = temp.path().join("data");
        fs::create_dir_all(data.join("log-0/deep")).unwrap();
        let files = ["log-0/deep/000001.sst", "run.json", "photo.jpg"].map(|name| data.join(name));
        for file in &files {
            fs::write(file, "x").unwrap();
            fs::set_permissions(file, fs::Permissions::from_mode(0o666)).unwrap();
        }
        let outside = temp.path().join("outside");
        fs::write(&outside, "x").unwrap();
        fs::set_permissions(&outside, fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink(&outside, data.join("log-0/link")).unwrap();

        folder(&data).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(files.each_ref().map(|file| mode(file)), [0o600, 0o600, 0o666]);
        assert_eq!([mode(&data), mode(&data.join("log-0/deep")), mode(&outside)], [0o700, 0o700, 0o644]);
    }
}

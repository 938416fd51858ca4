//! `clock.json`: a data folder whose clock goes faster than the wall's, for rehearsals. Decided when the folder is made,
//! and for good: times of records that had gone faster and then as on the wall would prove nothing.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, bail};
use guichet_engine::clock::{self, Pace};
use guichet_schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

const FILE: &str = "clock.json";

#[derive(Serialize, Deserialize)]
struct Written {
    rate: u32,
    from: String,
}

/// The pace of a folder, which may be new. `asked`: what the command line says.
pub(crate) fn of(data_dir: &Path, log: &Path, asked: Option<u32>) -> anyhow::Result<Pace> {
    let path = data_dir.join(FILE);
    let written = match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice::<Written>(&bytes).with_context(|| {
            format!("read {}: it says how fast the clock of this folder goes", path.display())
        })?),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    };
    match (written, asked) {
        (Some(written), asked) if asked.is_none_or(|asked| asked == written.rate) => {
            let from = Timestamp::parse(&written.from);
            let from = from.with_context(|| format!("read {}: from must be an instant", path.display()))?;
            Ok(Pace::faster(from, written.rate))
        }
        (Some(written), _) => {
            bail!(
                "the clock of {} goes {} times as fast as the wall's, and always will; leave --clock-rate out, or use another folder",
                data_dir.display(),
                written.rate
            )
        }
        (None, None | Some(1)) => Ok(Pace::TRUE),
        (None, Some(_)) if log.exists() => {
            bail!(
                "{} was made with a clock that goes as the wall's, and always will; use --clock-rate with a new folder",
                data_dir.display()
            )
        }
        (None, Some(rate)) => {
            let from = clock::wall();
            let written = Written { rate, from: from.to_string() };
            std::fs::write(&path, serde_json::to_vec(&written)?)
                .with_context(|| format!("write {}", path.display()))?;
            Ok(Pace::faster(from, rate))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_of_a_folder_is_decided_once() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log-0");
        let of = |asked| of(dir.path(), &log, asked);
        assert_eq!(of(None).unwrap(), Pace::TRUE);
        let fast = of(Some(60)).unwrap();
        assert_ne!(fast, Pace::TRUE);
        assert_eq!(of(None).unwrap(), fast);
        assert_eq!(of(Some(60)).unwrap(), fast);
        assert!(of(Some(1)).unwrap_err().to_string().contains("60 times"));
        std::fs::remove_file(dir.path().join(FILE)).unwrap();
        std::fs::create_dir(&log).unwrap();
        assert!(of(Some(60)).unwrap_err().to_string().contains("new folder"));
        assert_eq!(of(Some(1)).unwrap(), Pace::TRUE);
    }
}

//! The descriptors of the process, shared out once: the log comes first, and who comes in from outside gets what
//! remains. A log that cannot open a table halts, so no number of connections may ever take its share.

use anyhow::Context as _;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Beyond this nobody of us gains anything.
const WANTED: u64 = 65_536;
/// Descriptors that are open whatever happens: 90 in a node that has just begun, most of them a folder for each family
/// of a database, its log, lock and manifest; then those of compactions.
const OURS: u64 = 128;
/// Fewer leave no room for anybody.
const LEAST: u64 = 256;
/// A database keeps so many fewer tables open than it is told.
const ASIDE: u64 = 10;
/// The least number of open tables for a database; it accepts no smaller one.
const TABLES_LEAST: u64 = 20;
/// Tables of the key store, see its options.
const KEY_TABLES: u64 = 22;
/// Read models of a desk, and next generations that are built beside them.
const MODELS: u64 = 6;
/// The listener of HTTP, and connections that were asked to go and are still there.
const HTTP_OWN: u64 = 9;
/// Connections over HTTP where there are hardly any descriptors.
const HTTP_LEAST: u64 = 8;

/// The shares of the descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Descriptors {
    /// The limit that the system sets this process.
    pub(crate) limit: u64,
    /// Tables of the log, as its database is told.
    pub(crate) log_tables: i32,
    /// Tables of each read model, likewise.
    pub(crate) model_tables: i32,
    /// Connections over HTTP.
    pub(crate) http: usize,
}

impl Descriptors {
    /// Raises the limit as far as the system lets us, and shares it out.
    ///
    /// # Errors
    /// There are too few for a node.
    pub(crate) fn prepare() -> anyhow::Result<Self> {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("ask for the limit of open files")?;
        let wanted = hard.min(WANTED).max(soft);
        // Where it may not be raised, what there is has to do.
        let limit = match setrlimit(Resource::RLIMIT_NOFILE, wanted, hard) {
            Ok(()) => wanted,
            Err(error) => {
                tracing::warn!(%error, "the limit of open files stays at {soft}");
                soft
            }
        };
        let shared = Self::share(limit).with_context(|| {
            format!("this process may have {limit} files open, and needs {LEAST} at least; raise the limit (ulimit -n)")
        })?;
        tracing::info!(?shared, "descriptors");
        Ok(shared)
    }

    /// Half for tables, of these a good third for the log; what the databases leave is for HTTP.
    fn share(limit: u64) -> Option<Self> {
        let free = limit.checked_sub(OURS).filter(|_| limit >= LEAST)?;
        let tables = free / 2;
        let told = |share: u64, most: u64| share.saturating_add(ASIDE).clamp(TABLES_LEAST, most);
        let log = told(tables * 3 / 8, 512);
        let model = told(tables / 2 / MODELS, 256);
        let used = (log - ASIDE) + (model - ASIDE) * MODELS + KEY_TABLES;
        let http = free.saturating_sub(used + HTTP_OWN).max(HTTP_LEAST);
        Some(Self {
            limit,
            log_tables: i32::try_from(log).unwrap_or(i32::MAX),
            model_tables: i32::try_from(model).unwrap_or(i32::MAX),
            http: usize::try_from(http).unwrap_or(usize::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_what_another_needs() {
        for limit in (LEAST..5_000).chain([65_536, 1 << 20]) {
            let d = Descriptors::share(limit).unwrap();
            let tables = |told: i32| told as u64 - ASIDE;
            let used = tables(d.log_tables) + MODELS * tables(d.model_tables) + KEY_TABLES;
            assert!(used + d.http as u64 + HTTP_OWN + OURS <= limit, "{limit}: {d:?}");
            assert!(d.http >= 8 && d.log_tables >= 20, "{limit}: {d:?}");
        }
        assert_eq!(Descriptors::share(LEAST - 1), None);
        let (few, many) = (Descriptors::share(256).unwrap(), Descriptors::share(65_536).unwrap());
        assert!(few.http >= 12 && many.http >= 1_024, "{few:?} {many:?}");
        assert_eq!((many.log_tables, many.model_tables), (512, 256), "as ever where there is enough");
    }
}

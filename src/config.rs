//! The only reader of the environment, and the flags that every role shares.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use guichet_client::{AccessArgs, ClientError, ConnectOptions};
use guichet_engine::protection::Protection;
use guichet_keys::KekSource;
use guichet_schemas::position::Partition;
use zeroize::Zeroizing;

use crate::doctor::Surroundings;
use crate::nats_server::Search;

/// Events that a projection writes in one batch, at most.
const PROJECTION_BATCH: usize = 4000;

/// Where a node keeps its things and which servers it talks to.
#[derive(Debug, Clone, Args)]
pub(crate) struct NodeArgs {
    /// Folder of the log, the read models and the embedded nats-server
    #[arg(long, default_value = "./guichet-data", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// Port of the embedded nats-server; 0: any free one
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    pub(crate) nats_port: u16,
    /// Port of the HTTP API and the pages; 0: any free one
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    pub(crate) http_port: u16,
    /// Address on which HTTP listens; other than loopback, the token travels unprotected
    #[arg(long, default_value_t = std::net::IpAddr::from([127, 0, 0, 1]), value_name = "ADDRESS")]
    pub(crate) http_host: std::net::IpAddr,
    /// A name under which browsers may reach HTTP, besides its addresses and localhost; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) http_name: Vec<String>,
    /// Connections that HTTP takes at the same time, as far as the limit of open files allows [default: 1024]
    #[arg(long, value_name = "N")]
    pub(crate) http_connections: Option<std::num::NonZeroUsize>,
    /// Of these, from one address [default: half of them]
    #[arg(long, value_name = "N")]
    pub(crate) http_connections_per_source: Option<std::num::NonZeroUsize>,
    /// A reverse proxy in front of HTTP: its connections are bounded in all only, and the last address in its
    /// X-Forwarded-For is whom a request counts for; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) http_proxy: Vec<std::net::IpAddr>,
    /// Free space below which commands are told busy, in MiB
    #[arg(long, default_value_t = 256, value_name = "MIB")]
    pub(crate) disk_reserve: u64,
    /// Events that a read model folds in one batch. What it holds does not depend on that
    #[arg(long, default_value_t = PROJECTION_BATCH, value_name = "EVENTS", hide = true)]
    pub(crate) fold_batch: usize,
    /// Start although the wall clock is far behind the newest record: records keep its time until the clock has
    /// caught up
    #[arg(long)]
    pub(crate) accept_clock: bool,
    /// Start although a start was refused because this is lost: records-from-POSITION, answers or keys, as it said
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub(crate) accept_loss: Vec<String>,
    /// Let the clock go so many times as fast as the wall's, for a rehearsal; only for a new folder, and then for good
    #[arg(long, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) clock_rate: Option<u32>,
    #[command(flatten)]
    pub(crate) protection: ProtectionArgs,
    /// A NATS server to use instead of an embedded one
    #[command(flatten)]
    pub(crate) access: AccessArgs,
}

impl NodeArgs {
    /// The server that was named; none: the embedded one is meant.
    pub(crate) fn named(&self) -> Result<Option<ConnectOptions>, ClientError> {
        self.access.options(CONNECT_WITHIN)
    }
}

/// How long a connection of a role may take.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Where the files are that protect the log, if not in the data folder.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProtectionArgs {
    /// File with the key-encryption key, 64 hex digits; default: DIR/kek, made at the first start. GUICHET_KEK holds
    /// the digits themselves instead
    #[arg(long, value_name = "FILE")]
    kek_file: Option<PathBuf>,
    /// Key that signs the checkpoints of the log [default: signing.key in the data folder, made at the first start]
    #[arg(long, value_name = "FILE")]
    signing_key: Option<PathBuf>,
    /// Where the newest checkpoint is kept, best on another disk [default: anchor-0/checkpoint in the data folder]
    #[arg(long, value_name = "FILE")]
    anchor: Option<PathBuf>,
}

impl ProtectionArgs {
    /// Where they are, for one partition.
    pub(crate) fn within(&self, data_dir: &Path, partition: Partition) -> Protection {
        let mut protection = Protection::within(data_dir, partition);
        if let Some(key) = &self.signing_key {
            protection.signing_key.clone_from(key);
        }
        if let Some(anchor) = &self.anchor {
            protection.anchor.clone_from(anchor);
        }
        if let Some(file) = &self.kek_file {
            protection.kek = KekSource::File(file.clone());
        } else if let Some(digits) = variable("GUICHET_KEK") {
            let digits = Zeroizing::new(digits.to_string_lossy().into_owned());
            protection.kek = KekSource::Digits { digits, from: "GUICHET_KEK" };
        }
        protection
    }
}

/// How much memory the databases of a process share: blocks read, and tables not yet written.
pub(crate) const CACHE_BYTES: usize = 32 << 20;
/// See [`CACHE_BYTES`]. With 40 MiB the small tables of an import pile up, RocksDB slows its writers down, and half the
/// speed is gone.
pub(crate) const WRITE_BUFFER_BYTES: usize = 56 << 20;

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|v| !v.is_empty())
}

/// Where to look for a nats-server.
pub(crate) fn search() -> Search {
    Search {
        configured: variable("GUICHET_NATS_SERVER").map(PathBuf::from),
        program: std::env::current_exe().ok(),
        home: std::env::home_dir(),
        path: variable("PATH"),
    }
}

pub(crate) fn surroundings(data_dir: PathBuf) -> Surroundings {
    Surroundings {
        search: search(),
        cxx: variable("CXX").map(|v| v.to_string_lossy().into_owned()),
        libclang_path: variable("LIBCLANG_PATH").map(PathBuf::from),
        shared: variable("GUICHET_SHARED").map(PathBuf::from),
        data_dir,
    }
}

/// Arms the crash point that `GUICHET_CRASH_POINT` names, for the rig that kills us.
pub(crate) fn arm_crash_point() -> anyhow::Result<()> {
    let Some(named) = variable("GUICHET_CRASH_POINT") else { return Ok(()) };
    guichet_crash::arm(&named.to_string_lossy()).context("GUICHET_CRASH_POINT")
}

/// Chooses the fault that `GUICHET_SABOTAGE` names. This variable means something in one build only.
#[cfg(feature = "sabotage")]
pub(crate) fn choose_sabotage() -> anyhow::Result<()> {
    let Some(named) = variable("GUICHET_SABOTAGE") else { return Ok(()) };
    guichet_crash::sabotage(&named.to_string_lossy()).context("GUICHET_SABOTAGE")
}

/// The filter of the log, from `GUICHET_LOG`; warnings by default, so that a terminal shows only what matters.
///
/// The client library tells every message whole at its lowest level, with the texts in it: never, whoever asks.
pub(crate) fn log_filter() -> String {
    let asked = variable("GUICHET_LOG")
        .map_or_else(|| "warn,async_nats=error".to_owned(), |v| v.to_string_lossy().into_owned());
    // The longest target goes before the others, and the last of equal ones.
    format!("{asked},async_nats::connection=debug")
}

//! Where records come from: a stopped data folder, a folder of `guichet audit` or of a backup, the log service of a
//! running desk. All hand over the same bytes in the same order.

use std::path::PathBuf;

use clap::Args;
use guichet_client::Client;
use guichet_proof::SignedCheckpoint;
use guichet_replay_tools::audit::Folder;
use guichet_replay_tools::verify;
use guichet_schemas::codec::Head;
use guichet_schemas::position::Partition;
use guichet_schemas::time::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::HistoryError;
use crate::reveal::Reveal;

/// Records of a folder of static files that stand in one file.
const BUNDLE: u64 = 256;
/// Answers of the log service that wait to be read.
const ANSWERS_AHEAD: usize = 2;

/// Which history.
#[derive(Debug, Clone, Default, Args)]
pub struct SourceArgs {
    /// Read this folder: a stopped data folder, a backup, or a copy by `guichet audit` [default: the desk]
    #[arg(long, value_name = "DIR")]
    pub source: Option<PathBuf>,
    /// Public key of the log, a file or the text itself, for a copy by `guichet audit`
    #[arg(long, value_name = "FILE|KEY", requires = "source")]
    pub key: Option<String>,
}

/// A log, oldest record first. Several threads may read it.
pub trait Source: Send + Sync {
    /// Visits the records from `first` to `last`, until the visitor says stop.
    ///
    /// # Errors
    /// What the disk or the desk said. A missing record is none: whoever reads sees the gap.
    fn scan(
        &self,
        first: u64,
        last: u64,
        visit: &mut dyn FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), HistoryError>;

    /// True where several ranges are read in less time at once than one after the other: files of this machine.
    fn is_here(&self) -> bool {
        false
    }
}

/// A source with what is known of it.
pub struct History {
    /// The records.
    pub source: Box<dyn Source>,
    /// The last position that is read: the newest that a checkpoint covers, or the newest where nothing was signed.
    pub head: u64,
    /// The newest checkpoint.
    pub checkpoint: Option<SignedCheckpoint>,
    /// Records behind the newest checkpoint: they are left out.
    pub unsigned: u64,
    /// Opens personal texts, where somebody may read them.
    pub reveal: Option<Reveal>,
}

impl History {
    /// Ends at the newest checkpoint, so that everything in it can be proven.
    #[must_use]
    pub fn new(source: Box<dyn Source>, newest: u64, checkpoint: Option<SignedCheckpoint>) -> Self {
        let head = checkpoint.as_ref().map_or(newest, |signed| signed.size().min(newest));
        Self { source, head, checkpoint, unsigned: newest.saturating_sub(head), reveal: None }
    }

    /// The first position whose record was recorded at an instant or later; one beyond the last where none was.
    ///
    /// `recorded_at` never goes back, so a search in halves finds it.
    ///
    /// # Errors
    /// A record cannot be read.
    pub fn position_at(&self, time: Timestamp) -> Result<u64, HistoryError> {
        let (mut low, mut high) = (1, self.head.saturating_add(1));
        while low < high {
            let middle = low.midpoint(high);
            if self.recorded_at(middle)? < time { low = middle.saturating_add(1) } else { high = middle }
        }
        Ok(low)
    }

    /// When a record was recorded.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn recorded_at(&self, position: u64) -> Result<Timestamp, HistoryError> {
        let mut found = None;
        self.source.scan(position, position, &mut |at, bytes| {
            found =
                (at == position).then(|| Head::read(bytes).map(|head| Timestamp(head.recorded_at))).flatten();
            false
        })?;
        found.ok_or(HistoryError::Missing(position))
    }
}

/// A log that the auditor's commands read too.
pub struct Stopped<S>(pub S);

impl<S: verify::Source + Send + Sync> Source for Stopped<S> {
    fn scan(
        &self,
        first: u64,
        last: u64,
        visit: &mut dyn FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), HistoryError> {
        Ok(self.0.scan(first, last, visit)?)
    }

    fn is_here(&self) -> bool {
        true
    }
}

/// A folder of static files, as `guichet audit` and `guichet backup` write it.
pub struct Copied {
    folder: Folder,
    size: u64,
}

impl Copied {
    /// A copy of so many records.
    #[must_use]
    pub const fn new(folder: Folder, size: u64) -> Self {
        Self { folder, size }
    }
}

impl Source for Copied {
    fn scan(
        &self,
        first: u64,
        last: u64,
        visit: &mut dyn FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), HistoryError> {
        let last = last.min(self.size);
        let mut bundle = first.saturating_sub(1) / BUNDLE;
        loop {
            let before = bundle.saturating_mul(BUNDLE);
            if before >= last {
                return Ok(());
            }
            let records = self.folder.records(bundle, self.size)?;
            for (record, position) in records.iter().zip(before.saturating_add(1)..=last) {
                if position >= first && !visit(position, record) {
                    return Ok(());
                }
            }
            bundle = bundle.saturating_add(1);
        }
    }

    fn is_here(&self) -> bool {
        true
    }
}

/// The log service of a running desk. Reads on a thread that may wait: never on one of the runtime.
pub struct Live {
    client: Client,
    runtime: Handle,
}

impl Live {
    /// Asks through this connection.
    #[must_use]
    pub const fn new(client: Client, runtime: Handle) -> Self {
        Self { client, runtime }
    }
}

impl Source for Live {
    fn scan(
        &self,
        first: u64,
        last: u64,
        visit: &mut dyn FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), HistoryError> {
        let (answers, mut answered) = mpsc::channel(ANSWERS_AHEAD);
        let client = self.client.clone();
        // The next answer is on its way while this one is read.
        let asking = self.runtime.spawn(async move {
            let mut next = first;
            while next <= last {
                let answer = client.log(Partition::default(), next).await;
                let count = answer.as_ref().map_or(0, |batch| batch.records.len() as u64);
                next = next.saturating_add(count);
                if answers.send(answer).await.is_err() || count == 0 {
                    break;
                }
            }
        });
        let mut next = first;
        while let Some(answer) = answered.blocking_recv() {
            for record in answer?.records {
                if next > last || !visit(next, &record) {
                    asking.abort();
                    return Ok(());
                }
                next = next.saturating_add(1);
            }
        }
        Ok(())
    }
}

//! The log over NATS: the record bytes themselves, for workers that miss a range and auditors that want all.

use bytes::Bytes;
use guichet_schemas::position::{LogPosition, Partition};
use guichet_schemas::subject;
use guichet_schemas::wire::{LogBatch, LogRequest};
use guichet_service::{Bounds, Metadata, No, Service};
use prost::Message as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::halt::Halt;
use crate::log::{LogReader, StoreFault, TreeReader};
use crate::publish::Progress;
use crate::publish::standing::Publishing;

/// Records in one answer, whatever is asked.
const EVENTS_MAX: u32 = 10_000;
/// Bytes of records in one answer: NATS carries 1 MiB.
const BYTES_MAX: u32 = 768 * 1024;
/// An answer holds 768 KiB twice while it is encoded, so those under way hold some MiB.
const BOUNDS: Bounds = Bounds { of: "log", under_way: 4, held: 64, held_each: 16, request_bytes: 1_024 };

/// Begins to answer on `guichet.v1.log.<partition>`.
///
/// # Errors
/// NATS.
pub async fn start(
    service: &Service,
    partition: Partition,
    reader: LogReader,
    tree: TreeReader,
    publishing: Option<(watch::Receiver<Publishing>, Progress)>,
    halt: Halt,
) -> Result<JoinHandle<()>, async_nats::Error> {
    let metadata = Metadata::from([
        ("format".to_owned(), "application/protobuf".to_owned()),
        ("schema.request".to_owned(), "guichet.v1.LogRequest".to_owned()),
        ("schema.response".to_owned(), "guichet.v1.LogBatch".to_owned()),
    ]);
    let endpoint = service.endpoint("log", subject::log(partition), metadata).await?;
    Ok(tokio::spawn(guichet_service::serve(endpoint, BOUNDS, move |body| {
        let asked = LogRequest::decode(body).map_err(|_| No::MALFORMED)?;
        // Before the head is looked at: what is published is never beyond it.
        let publishing =
            publishing.as_ref().map(|(told, progress)| (told.borrow().clone(), progress.published()));
        match batch(&asked, &reader, &tree, publishing.as_ref()) {
            Ok(batch) => Ok(batch.encode_to_vec().into()),
            Err(fault) => {
                // Nobody would ever see these records again: the next start can make the log whole, this one cannot.
                halt.stop(fault.into());
                Err(No::UNAVAILABLE)
            }
        }
    })))
}

fn batch(
    asked: &LogRequest,
    reader: &LogReader,
    tree: &TreeReader,
    publishing: Option<&(Publishing, u64)>,
) -> Result<LogBatch, StoreFault> {
    let or = |asked: u32, max: u32| if asked == 0 { max } else { asked.min(max) } as usize;
    let records: Vec<Bytes> = match LogPosition::new(asked.from) {
        Some(from) => reader.read(from, or(asked.max_events, EVENTS_MAX), or(asked.max_bytes, BYTES_MAX))?,
        None => Vec::new(),
    };
    let head = LogPosition::or_zero(reader.head());
    Ok(LogBatch {
        generation: reader.generation().0,
        epoch: reader.epoch().0,
        head,
        checkpoint: tree.newest().map(|newest| newest.checkpoint().note().into()),
        records: records.into_iter().map(Vec::from).collect(),
        publishing: publishing.map(|(publishing, published)| publishing.view(head, *published)),
    })
}

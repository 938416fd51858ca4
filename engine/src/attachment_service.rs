//! The bytes of attachments over NATS, in bounded chunks, and the threads that clear up behind them.
//!
//! `guichet.v1.attachment.<tenant>.<caller>.<ticket>.put.<sha256>.<size>.<offset>`: the body is the part of the file that
//! begins there. The answer says how many bytes are here, and after the last part, once all are on disk, `stored`.
//! `….get.<sha256>.<offset>`: the answer is the part of the file that begins there, with its size in a header. Who may
//! fetch is who may ask for the timeline of the ticket: an infected or redacted attachment is given to nobody. The bytes
//! of a restricted ticket need a recorded look.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::{HeaderMap, Message};
use bytes::Bytes;
use guichet_rules::Ticket;
use guichet_schemas::codec::{Encoding, decode_record, encode_reply};
use guichet_schemas::command::limits::ATTACHMENT_CHUNK;
use guichet_schemas::event::{Event, LogEvent};
use guichet_schemas::ids::KeyId;
use guichet_schemas::position::LogPosition;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::subject::{self, AttachmentSubject, Carry};
use guichet_schemas::words::ScanVerdict;
use guichet_service::{Bounds, Metadata, No, Service};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::attachments::{AttachmentStore, Place, ReadError, Received, Standing};
use crate::clock;
use crate::intake::Pressure;
use crate::log::{LogReader, StoreFault};

/// The header of a part that says how large the whole is.
pub const SIZE_HEADER: &str = "Guichet-Size";

/// The header of a request about a restricted ticket: the position of the look that was recorded.
pub const ACCESS_HEADER: &str = "Guichet-Access";
/// So long after it was recorded a look shows what it is about, as in the read models.
const LOOK_MS: u64 = 5 * 60_000;

const BOUNDS: Bounds =
    Bounds { of: "attachments", under_way: 4, held: 32, held_each: 8, request_bytes: ATTACHMENT_CHUNK };
/// How long a ticket or an attachment that was just accepted may take to be seen here.
const SEEN_WITHIN: Duration = Duration::from_secs(2);
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// Begins to take and to give bytes.
///
/// # Errors
/// NATS.
pub async fn start(
    service: &Service,
    reader: LogReader,
    store: Arc<AttachmentStore>,
    pressure: Arc<Pressure>,
) -> Result<Vec<JoinHandle<()>>, async_nats::Error> {
    let metadata = Metadata::from([
        ("format".to_owned(), "application/octet-stream".to_owned()),
        ("chunk".to_owned(), ATTACHMENT_CHUNK.to_string()),
    ]);
    let endpoint = service.endpoint("attachments", subject::ATTACHMENTS, metadata).await?;
    let desk = Carrier { reader: reader.clone(), store: Arc::clone(&store), pressure };
    let serving = guichet_service::serve_messages(endpoint, BOUNDS, move |message| {
        desk.answer(message).map_err(|rejection| {
            let body = encode_reply(Err(rejection.clone()), Encoding::Json);
            (No(rejection.number(), rejection.code()), body)
        })
    });
    let removing = remove_redacted(reader.clone(), Arc::clone(&store));
    Ok(vec![tokio::spawn(serving), tokio::spawn(removing), tokio::spawn(sweep(reader, store))])
}

struct Carrier {
    reader: LogReader,
    store: Arc<AttachmentStore>,
    pressure: Arc<Pressure>,
}

impl Carrier {
    fn answer(&self, message: &Message) -> Result<(Bytes, HeaderMap), Rejection> {
        let asked = AttachmentSubject::parse(&message.subject)?;
        match asked.act {
            Carry::Put { size } => self.put(asked, size, message),
            Carry::Get => self.get(&asked, message),
        }
    }

    fn put(
        &self,
        asked: AttachmentSubject,
        size: u64,
        message: &Message,
    ) -> Result<(Bytes, HeaderMap), Rejection> {
        self.pressure.check()?;
        let (ticket, key_id) = self.ticket(&asked, |_| true)?;
        self.sees(&asked, &ticket, message)?;
        // Only a log that is measured without protection has a ticket whose requester has no key.
        let key_id =
            key_id.ok_or_else(|| Rejection::Unsupported("an attachment without a key".to_owned()))?;
        let was_redacted = ticket.attachments.get(&asked.sha256).is_some_and(|known| known.redacted);
        let AttachmentSubject { tenant, caller, ticket, sha256, offset, .. } = asked;
        let place = Place { tenant, key_id, sha256, ticket };
        let Received { received, stored } =
            self.store.put(&place, &caller, was_redacted, size, offset, &message.payload)?;
        let body = json!({"ok": true, "received": received, "stored": stored});
        Ok((body.to_string().into(), HeaderMap::new()))
    }

    fn get(&self, asked: &AttachmentSubject, message: &Message) -> Result<(Bytes, HeaderMap), Rejection> {
        let (ticket, _) = self.ticket(asked, |ticket| ticket.attachments.contains_key(&asked.sha256))?;
        self.sees(asked, &ticket, message)?;
        let found = ticket.attachments.get(&asked.sha256);
        let missing = |what: &str| Rejection::NotFound { what: what.to_owned() };
        let found = found.ok_or_else(|| missing("the attachment"))?;
        if found.redacted {
            return Err(missing("the attachment (its bytes were redacted)"));
        }
        if !found.is_stored() {
            return Err(missing("the attachment (its bytes were not imported with the history)"));
        }
        if found.verdict == Some(ScanVerdict::Infected) {
            let why = "a scan found the attachment infected: it is given to nobody";
            return Err(Rejection::Forbidden(why.to_owned()));
        }
        if asked.offset >= found.size {
            let rule = format!("must be below {}, the size of the attachment", found.size);
            return Err(FieldError::new("offset", rule).into());
        }
        let place = Place {
            tenant: asked.tenant.clone(),
            key_id: found.key_id,
            sha256: asked.sha256,
            ticket: asked.ticket,
        };
        let bytes = self.store.read(&place, found.size, asked.offset, ATTACHMENT_CHUNK);
        let bytes = bytes.map_err(|error| unread(&place, &error))?;
        let mut headers = HeaderMap::new();
        headers.insert(SIZE_HEADER, found.size.to_string());
        Ok((bytes.into(), headers))
    }

    /// A restricted ticket is there for nobody but the caller of a look that was recorded first (decision 36).
    fn sees(&self, asked: &AttachmentSubject, ticket: &Ticket, message: &Message) -> Result<(), Rejection> {
        if ticket.restricted_to.is_empty() {
            return Ok(());
        }
        let named = message.headers.as_ref().and_then(|headers| headers.get(ACCESS_HEADER));
        let position = named.and_then(|position| position.as_str().parse().ok()).and_then(LogPosition::new);
        let record =
            position.map(|position| self.reader.record(position)).transpose().map_err(unavailable)?;
        let looks = record.flatten().and_then(|bytes| decode_record(&bytes).ok()).is_some_and(|record| {
            let is_of_ticket = if let Event::Log(LogEvent::AccessRecorded(access)) = &record.event {
                access.ticket_id == Some(asked.ticket)
            } else {
                false
            };
            is_of_ticket
                && record.tenant == asked.tenant.as_str()
                && record.caller == asked.caller.as_str()
                && clock::wall().since(record.recorded_at) <= LOOK_MS
        });
        if looks { Ok(()) } else { Err(Rejection::NotFound { what: "the ticket".to_owned() }) }
    }

    /// The ticket as soon as it is as `looked_for`. What was accepted is seen here a moment later.
    fn ticket(
        &self,
        asked: &AttachmentSubject,
        looked_for: impl Fn(&Ticket) -> bool,
    ) -> Result<(Ticket, Option<KeyId>), Rejection> {
        let head = self.reader.head();
        let begun = Instant::now();
        loop {
            let is_all = head.map_or(Ok(true), |head| self.reader.is_derived(head)).map_err(unavailable)?;
            let found = self.reader.ticket(&asked.tenant, asked.ticket).map_err(unavailable)?;
            let waited = is_all || begun.elapsed() > SEEN_WITHIN;
            match found {
                Some((ticket, key)) if waited || looked_for(&ticket) => return Ok((ticket, key)),
                None if waited => return Err(Rejection::NotFound { what: "the ticket".to_owned() }),
                Some(_) | None => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    }
}

fn unavailable(fault: StoreFault) -> Rejection {
    tracing::error!(%fault, "a ticket could not be read for its attachment");
    Rejection::Unavailable { reason: "the ticket cannot be read".to_owned(), as_of_position: None }
}

fn unread(place: &Place, error: &ReadError) -> Rejection {
    if matches!(error, ReadError::Erased) {
        let what = "the attachment (its key was destroyed)".to_owned();
        return Rejection::NotFound { what };
    }
    metrics::counter!("guichet_attachments_unread_total").increment(1);
    tracing::error!(%error, sha256 = %place.sha256, ticket = %place.ticket, "an attachment cannot be read");
    Rejection::Unavailable { reason: format!("the attachment cannot be read: {error}"), as_of_position: None }
}

/// Removes what was redacted, soon after the log says so for good.
async fn remove_redacted(reader: LogReader, store: Arc<AttachmentStore>) {
    let mut every = tokio::time::interval(Duration::from_secs(1));
    loop {
        every.tick().await;
        if let Some(head) = reader.head().filter(|_| store.has_doomed()) {
            let store = Arc::clone(&store);
            blocking(move || store.remove_doomed(head)).await;
        }
    }
}

async fn sweep(reader: LogReader, store: Arc<AttachmentStore>) {
    let mut every = tokio::time::interval(SWEEP_EVERY);
    loop {
        every.tick().await;
        let (reader, store) = (reader.clone(), Arc::clone(&store));
        blocking(move || {
            if let Err(error) = store.sweep(|place| standing(&reader, place))
                && !store.is_closed()
            {
                tracing::error!(%error, "the attachment folder could not be swept; it is tried again");
            }
        })
        .await;
    }
}

async fn blocking(work: impl FnOnce() + Send + 'static) {
    if tokio::task::spawn_blocking(work).await.is_err() {
        tracing::error!("clearing up attachments panicked; it is tried again");
    }
}

/// What the ticket says about bytes; `None`: it cannot be read.
fn standing(reader: &LogReader, place: &Place) -> Option<Standing> {
    let found = reader.ticket(&place.tenant, place.ticket).map_err(unavailable).ok()?;
    let known = found.as_ref().and_then(|(ticket, _)| ticket.attachments.get(&place.sha256));
    Some(match known {
        Some(known) if known.redacted => Standing::Redacted,
        Some(known) if known.key_id == place.key_id => Standing::Named,
        Some(_) | None => Standing::Unnamed,
    })
}

/// Where a stop may not wait for a sweep.
pub(crate) fn stop(store: &AttachmentStore, tasks: Vec<JoinHandle<()>>, head: Option<LogPosition>) {
    store.close();
    for task in tasks {
        task.abort();
    }
    if let Some(head) = head {
        store.remove_doomed(head);
    }
}

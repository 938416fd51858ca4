//! Sends an export to the engine: a thread reads, a window of commands is on its way, and the parts of one
//! ticket keep their order.

use std::time::Duration;

use async_nats::Client;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use guichet_schemas::command::{Entity, Import};
use guichet_schemas::event::Actor;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CallerId, CommandId, TenantId};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::words::ActorKind;
use guichet_schemas::{subject, wire};
use prost::Message as _;
use tokio::sync::mpsc;
use uuid::Uuid;

use std::sync::Arc;

use super::balance::{Balance, Counts, Note, Reason};
use super::deliver::{Courier, Delivered, Parcel};
use super::error::ImportError;
use super::reader::{Progress, Reader, TicketRows};
use super::rejects::Rejects;

/// Commands read ahead of those on their way.
const AHEAD: usize = 64;

#[derive(Debug, Clone, Copy)]
pub struct SendOptions {
    /// Commands on their way at once, at least 1. Memory: up to 150 KiB each.
    pub window: usize,
    /// How long one command may wait for an engine that does not answer, restarts included.
    pub patience: Duration,
}

impl Default for SendOptions {
    fn default() -> Self {
        Self { window: 256, patience: Duration::from_secs(300) }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub read: Progress,
    /// Commands that wrote events now.
    pub accepted: u64,
    /// Commands that had been accepted before, by an earlier run or an attempt whose answer was lost.
    pub replayed: u64,
    /// Commands whose facts are all here already; nothing was written.
    pub unchanged: u64,
    /// Commands refused, with the later parts of their tickets; they stand in the rejects file.
    pub refused: u64,
    /// Events of the accepted and replayed commands.
    pub events: u64,
    /// Attempts that were repeated.
    pub retries: u64,
    /// The fate of every row and ticket.
    pub balance: Balance,
    /// Newest position among the answers; 0: none. Ask a read model with it as `min_position`.
    pub position: u64,
}

/// The id of an import command: the same facts of the same caller are the same command, today and in ten years.
#[must_use]
pub fn command_id(tenant: &TenantId, caller: &CallerId, import: &Import) -> CommandId {
    import.clone().to_wire().map_or(CommandId(Uuid::nil()), |w| id_of(tenant, caller, &w))
}

fn id_of(tenant: &TenantId, caller: &CallerId, import: &wire::Import) -> CommandId {
    // The caller is part of the engine's request hash, so the same facts by another caller are another command. So is
    // where they begin: older versions did not say it, and an id of theirs with another request would be refused.
    let facts = Hash::of_record(&import.encode_to_vec());
    let name = format!(
        "guichet:import\0{tenant}\0{caller}\0{}\0{}\0{}\0{facts}",
        import.source, import.external_id, import.part
    );
    CommandId(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))
}

/// Sends what the reader reads, and waits for every answer. `on_progress` is called after each.
///
/// # Errors
/// The export or the mapping turned out unusable, or no engine answered within the patience. What was
/// accepted stays; sending the same export again goes on where this ended.
pub async fn send(
    client: Client,
    tenant: &TenantId,
    caller: &CallerId,
    reader: Reader,
    options: SendOptions,
    on_progress: impl FnMut(&Summary),
) -> Result<Summary, ImportError> {
    let (watch, rejects, counts) = (reader.watch(), reader.rejects(), reader.counts());
    let (sender, mut parcels) = mpsc::channel(AHEAD);
    let desk = (tenant.clone(), caller.clone());
    let thread = std::thread::Builder::new()
        .name("import-reader".to_owned())
        .spawn(move || read(reader, &desk.0, &desk.1, &sender))
        .map_err(|_| ImportError::ReaderDied)?;
    let courier =
        Courier::new(client, subject::command(tenant, caller, Entity::New, "import"), options.patience);
    let mut window = Window {
        courier: &courier,
        rejects: &rejects,
        counts: &counts,
        ticket: Landed::default(),
        summary: Summary::default(),
        on_progress,
        refused: None,
    };

    let mut flying = FuturesUnordered::new();
    // The next part of a ticket whose part before is still on its way. Parts follow each other, so there is
    // at most one such ticket; nothing else is taken until it may go.
    let mut waiting: Option<Parcel> = None;
    let mut parts_flying = 0_usize;
    let mut more = true;
    while more || waiting.is_some() || !flying.is_empty() {
        if parts_flying == 0
            && let Some(parcel) = waiting.take()
        {
            if window.refused.as_ref() == Some(&parcel.external_id) {
                window.skipped();
                continue;
            }
            parts_flying = parts_flying.saturating_add(1);
            flying.push(fly(&courier, parcel));
        }
        tokio::select! {
            Some((parcel, delivered)) = flying.next(), if !flying.is_empty() => {
                parts_flying = parts_flying.saturating_sub(usize::from(parcel.parts > 1));
                window.summary.read = watch.progress();
                window.landed(&parcel, delivered?)?;
            }
            parcel = parcels.recv(), if more && waiting.is_none() && flying.len() < options.window.max(1) => {
                more = parcel.is_some();
                waiting = parcel.transpose()?;
                if let Some(p) = waiting.take_if(|p| p.part == 1) {
                    parts_flying = parts_flying.saturating_add(usize::from(p.parts > 1));
                    flying.push(fly(&courier, p));
                }
            }
        }
    }
    thread.join().map_err(|_| ImportError::ReaderDied)?;
    rejects.flush()?;
    window.summary.read = watch.progress();
    window.summary.balance = counts.balance();
    Ok(window.summary)
}

async fn fly(courier: &Courier, parcel: Parcel) -> (Parcel, Result<Delivered, ImportError>) {
    let delivered = courier.deliver(&parcel).await;
    (parcel, delivered)
}

/// Runs on its own thread; ends when the export does, or when nobody listens any more.
fn read(
    reader: Reader,
    tenant: &TenantId,
    caller: &CallerId,
    parcels: &mpsc::Sender<Result<Parcel, ImportError>>,
) {
    let mut reader = reader;
    while let Some(import) = reader.next() {
        let parcel = import.map(|i| pack(i, reader.ticket_rows(), tenant, caller));
        if parcels.blocking_send(parcel).is_err() {
            return;
        }
    }
}

fn pack(import: Import, rows: TicketRows, tenant: &TenantId, caller: &CallerId) -> Parcel {
    let (external_id, part, parts) = (import.external_id.as_str().to_owned(), import.part, import.parts);
    let import = import.to_wire().unwrap_or_default();
    let actor = Actor { kind: ActorKind::Service, id: caller.as_str().to_owned(), on_behalf_of: None };
    let command = wire::Command {
        command_id: id_of(tenant, caller, &import).to_wire(),
        actor: actor.to_wire(),
        data: Some(wire::command::Data::Import(import)),
        ..wire::Command::default()
    };
    Parcel { external_id, part, parts, rows, body: command.encode_to_vec().into() }
}

struct Window<'a, F> {
    courier: &'a Courier,
    rejects: &'a Rejects,
    counts: &'a Arc<Counts>,
    summary: Summary,
    on_progress: F,
    /// Of the ticket whose parts are on their way; there is at most one with several.
    ticket: Landed,
    /// Newest ticket of which a part was refused: its later parts are not sent.
    refused: Option<String>,
}

/// The fate of the parts of one ticket.
#[derive(Debug, Clone, Copy, Default)]
struct Landed {
    /// It was not here before.
    began: bool,
    /// It got facts.
    wrote: bool,
}

impl<F: FnMut(&Summary)> Window<'_, F> {
    /// A part whose part before was refused; that one stands in the rejects file for all.
    fn skipped(&mut self) {
        self.summary.refused = self.summary.refused.saturating_add(1);
        (self.on_progress)(&self.summary);
    }

    fn landed(&mut self, parcel: &Parcel, delivered: Delivered) -> Result<(), ImportError> {
        match delivered {
            Delivered::Accepted(accepted) => {
                let wrote = !accepted.replayed && !accepted.events.is_empty();
                let kind = match (accepted.replayed, wrote) {
                    (true, _) => &mut self.summary.replayed,
                    (false, false) => &mut self.summary.unchanged,
                    (false, true) => &mut self.summary.accepted,
                };
                *kind = kind.saturating_add(1);
                self.summary.events = self.summary.events.saturating_add(accepted.events.len() as u64);
                self.summary.position = self.summary.position.max(accepted.position);
                let began = wrote && accepted.events.first().is_some_and(|event| event.version == 1);
                self.accepted(parcel, Landed { began, wrote });
            }
            Delivered::Refused(error) => self.refuse(parcel, &error)?,
        }
        self.summary.retries = self.courier.retries();
        (self.on_progress)(&self.summary);
        Ok(())
    }

    fn accepted(&mut self, parcel: &Parcel, part: Landed) {
        let mut ticket = part;
        if parcel.parts > 1 {
            let before = if parcel.part == 1 { Landed::default() } else { self.ticket };
            ticket = Landed { began: before.began || part.began, wrote: before.wrote || part.wrote };
            self.ticket = ticket;
            if parcel.part < parcel.parts {
                return;
            }
        }
        self.counts.ticket(ticket.began, ticket.wrote);
    }

    fn refuse(&mut self, parcel: &Parcel, error: &wire::Error) -> Result<(), ImportError> {
        self.summary.refused = self.summary.refused.saturating_add(1);
        let (part, parts) = (parcel.part, parcel.parts);
        let which = if parts > 1 { format!(" (part {part} of {parts})") } else { String::new() };
        let text = format!("the engine refused it{which}: {}: {}", error.code, error.message);
        let guard = error.details.as_ref().and_then(|details| details.guard.as_deref());
        let reason = match guard {
            Some("rewritten_past") => Reason::RewrittenPast,
            Some("unmarked_import") => Reason::NotContinued,
            Some(_) | None => Reason::Refused,
        };
        self.rejects.add(None, &parcel.external_id, &Note::new(reason, text))?;
        self.counts.refuse(reason, parcel.rows.used, parcel.rows.without_effect);
        self.refused = (parts > 1).then(|| parcel.external_id.clone());
        Ok(())
    }
}

//! Where personal texts stand in records and in answers: what [`crate::Opener::open`] needs to know of each.

use guichet_schemas::any_report;
use guichet_schemas::event::{ResolutionProposed, TicketCreated, TicketResolved, WorkaroundPublished};
use guichet_schemas::ids::{CommandId, KeyId, TicketId};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::personal::{self, Field};
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::{self, personal::Form};

/// A personal text of a ticket, and what it is bound to.
#[derive(Debug)]
pub struct Text<'a> {
    /// The ticket that it belongs to.
    pub ticket: TicketId,
    /// The command that wrote it.
    pub command: CommandId,
    /// The field in which it was sealed.
    pub field: Field,
    /// The text, which is opened in place.
    pub text: &'a mut wire::Personal,
}

impl Text<'_> {
    /// The key that it needs; `None` where it is readable already.
    pub(crate) fn key_id(&self) -> Option<KeyId> {
        let Some(Form::Sealed(sealed)) = &self.text.form else { return None };
        KeyId::from_slice(&sealed.key_id)
    }
}

/// The texts of a record.
pub fn of_record(record: &mut wire::Record) -> Vec<Text<'_>> {
    let (Some(ticket), Ok(command)) =
        (TicketId::parse(&record.stream_id), CommandId::from_wire(record.command_id.clone()))
    else {
        return Vec::new();
    };
    let texts = record.data.as_mut().into_iter().flat_map(personal::on_wire);
    texts.map(|(field, text)| Text { ticket, command, field, text }).collect()
}

/// The texts of an answer.
pub fn of_reply(reply: &mut wire::QueryReply) -> Vec<Text<'_>> {
    match &mut reply.data {
        Some(Data::Ticket(view)) => of_ticket(view),
        Some(Data::Tickets(view)) => view.tickets.iter_mut().flat_map(of_ticket).collect(),
        Some(Data::Timeline(view)) => {
            view.entries.iter_mut().filter_map(|entry| entry.data.as_mut()).flat_map(of_record).collect()
        }
        Some(Data::Events(view)) => {
            view.events.iter_mut().filter_map(|event| event.record.as_mut()).flat_map(of_record).collect()
        }
        Some(Data::Queue(view)) => view.tickets.iter_mut().filter_map(of_queue_entry).collect(),
        Some(
            Data::Projections(_)
            | Data::Queues(_)
            | any_report!(Data, _)
            | Data::SlaClocks(_)
            | Data::SlaBreaches(_)
            | Data::Figures(_)
            | Data::Article(_)
            | Data::Articles(_)
            | Data::SuggestedArticles(_)
            | Data::KnowledgeGaps(_)
            | Data::Error(_),
        )
        | None => Vec::new(),
    }
}

/// The texts of a ticket's row.
fn of_ticket(view: &mut wire::TicketView) -> Vec<Text<'_>> {
    let Ok(ticket) = TicketId::from_wire(view.ticket_id.clone()) else { return Vec::new() };
    let created = command(view.created_command_id.as_deref());
    let resolved = command(view.resolution.as_ref().and_then(|r| r.command_id.as_deref()));
    let workaround = command(view.workaround.as_ref().and_then(|w| w.command_id.as_deref()));
    let proposed = command(view.proposal.as_ref().and_then(|p| p.command_id.as_deref()));
    let texts = [
        (TicketCreated::SUBJECT, created, view.subject.as_mut()),
        (TicketCreated::DESCRIPTION, created, view.description.as_mut()),
        (TicketCreated::REQUESTER_NAME, created, view.requester_name.as_mut()),
        (TicketCreated::REQUESTER_EMAIL, created, view.requester_email.as_mut()),
        (TicketCreated::REQUESTER_PHONE, created, view.requester_phone.as_mut()),
        (TicketResolved::SUMMARY, resolved, view.resolution.as_mut().and_then(|r| r.summary.as_mut())),
        (ResolutionProposed::SUMMARY, proposed, view.proposal.as_mut().and_then(|p| p.summary.as_mut())),
        (WorkaroundPublished::TEXT, workaround, view.workaround.as_mut().and_then(|w| w.text.as_mut())),
    ];
    let bound = |(field, command, text): (Field, Option<CommandId>, Option<_>)| {
        Some(Text { ticket, command: command?, field, text: text? })
    };
    texts.into_iter().filter_map(bound).collect()
}

/// The subject of a ticket in a queue.
fn of_queue_entry(entry: &mut wire::QueueEntry) -> Option<Text<'_>> {
    let ticket = TicketId::from_wire(entry.ticket_id.clone()).ok()?;
    let command = command(entry.created_command_id.as_deref())?;
    Some(Text { ticket, command, field: TicketCreated::SUBJECT, text: entry.subject.as_mut()? })
}

fn command(id: Option<&[u8]>) -> Option<CommandId> {
    CommandId::from_wire(id?.to_vec()).ok()
}

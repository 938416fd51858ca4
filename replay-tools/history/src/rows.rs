//! A row of the table of events, from the bytes of a record.

use guichet_schemas::codec::{DecodeError, Head};
use guichet_schemas::event::{Event, Meaning as _, SlaEvent};
use guichet_schemas::json::record::content_to;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::rejection::FieldError;
use guichet_schemas::wire;
use guichet_schemas::words::{ActorKind, Channel, StreamKind};
use guichet_schemas::{codec, personal};
use uuid::Uuid;

use crate::HistoryError;
use crate::reveal::Reveal;
use crate::table::Cell;

/// An event, decoded, with its content as JSON. Kept from row to row, so that its buffers are.
#[derive(Default)]
pub struct Decoded {
    /// The content, personal texts taken away.
    pub json: Vec<u8>,
    /// Who acted.
    pub actor: wire::Actor,
    /// The event.
    pub event: Option<Event>,
    /// Personal texts that were taken away.
    pub withheld: u64,
    reveal: Option<Reveal>,
}

impl Decoded {
    /// With what opens personal texts, where somebody may read them.
    #[must_use]
    pub fn revealing(reveal: Option<Reveal>) -> Self {
        Self { reveal, ..Self::default() }
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// Its content or its actor cannot be read.
    pub fn read(&mut self, head: &Head<'_>) -> Result<(), HistoryError> {
        let wrong = |problem| HistoryError::Record { position: head.position, problem };
        let mut content = head.content().map_err(wrong)?;
        self.withheld = 0;
        if let Some(reveal) = &self.reveal {
            content = reveal.open(head, content).ok_or(HistoryError::Missing(head.position))?;
        }
        for (_, text) in personal::on_wire(&mut content) {
            if self.reveal.is_none() || !matches!(text.form, Some(wire::personal::Form::Plain(_))) {
                text.form = None;
                self.withheld += 1;
            }
        }
        self.json.clear();
        content_to(&mut self.json, &content);
        if self.withheld > 0 {
            // The domain knows no personal text that is neither plain nor sealed; none of it is shown.
            for (_, text) in
                personal::on_wire(&mut content).into_iter().filter(|(_, text)| text.form.is_none())
            {
                text.form = Some(wire::personal::Form::Plain(String::new()));
            }
        }
        self.event = Some(head.event(content).map_err(wrong)?);
        self.actor = codec::decode_actor(head.actor).map_err(wrong)?;
        Ok(())
    }

    /// Why it happened, in somebody's words.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self.event.as_ref()? {
            Event::Ticket(event) => event.reason(),
            Event::Sla(SlaEvent::SlaBreachVoided(event)) => Some(&event.reason),
            Event::Log(_) | Event::Sla(_) | Event::Config(_) => None,
        }
    }

    /// The state that the ticket enters.
    #[must_use]
    pub fn state(&self) -> Option<&'static str> {
        match self.event.as_ref()? {
            Event::Ticket(event) => event.enters().map(guichet_schemas::words::TicketState::as_str),
            Event::Log(_) | Event::Sla(_) | Event::Config(_) => None,
        }
    }

    /// The kind of whoever acted.
    ///
    /// # Errors
    /// A kind that this program does not know.
    pub fn actor_kind(&self) -> Result<ActorKind, FieldError> {
        ActorKind::from_wire(self.actor.kind)
    }

    /// Hands the cells of the row over, in the order of the columns.
    ///
    /// # Errors
    /// A field breaks its rule, or whoever takes the row says no.
    pub fn row(
        &self,
        head: &Head<'_>,
        take: &mut dyn FnMut(&[Cell<'_>]) -> Result<(), HistoryError>,
    ) -> Result<(), HistoryError> {
        let wrong = |problem: FieldError| HistoryError::Record {
            position: head.position,
            problem: DecodeError::Field(problem),
        };
        let kind = StreamKind::from_wire(head.stream_kind).map_err(wrong)?;
        let is_ticket = kind == StreamKind::Ticket;
        let channel = Option::<Channel>::from_wire(head.channel).map_err(wrong)?;
        let mut ids = [[0_u8; 36]; 4];
        let [event_id, command_id, causation_id, correlation_id] = &mut ids;
        let json = std::str::from_utf8(&self.json).unwrap_or_default();
        take(&[
            Cell::whole(head.position),
            Cell::Time(head.recorded_at),
            Cell::Time(head.occurred_at),
            Cell::Text(head.r#type),
            if is_ticket { Cell::Text(head.stream_id) } else { Cell::Null },
            Cell::Text(kind.as_str()),
            if is_ticket { Cell::Null } else { Cell::Text(head.stream_id) },
            Cell::whole(head.version),
            Cell::text(self.state()),
            Cell::text(self.reason()),
            Cell::Text(self.actor_kind().map_err(wrong)?.as_str()),
            Cell::Text(&self.actor.id),
            Cell::text(self.actor.on_behalf_of.as_deref()),
            Cell::Text(head.caller),
            Cell::text(channel.map(Channel::as_str)),
            Cell::text(id(Some(head.event_id), event_id)),
            Cell::text(id(Some(head.command_id), command_id)),
            Cell::whole(head.command_index.into()),
            Cell::whole(head.command_count.into()),
            Cell::text(id(head.causation_id, causation_id)),
            Cell::text(id(head.correlation_id, correlation_id)),
            Cell::whole(head.config_version),
            Cell::time(head.source_time),
            Cell::whole(head.epoch),
            Cell::whole(head.schema_version.into()),
            Cell::Text(json),
        ])
    }
}

/// The hyphenated form of a UUID.
pub(crate) fn id<'a>(bytes: Option<&[u8]>, buffer: &'a mut [u8; 36]) -> Option<&'a str> {
    let id = Uuid::from_slice(bytes?).ok()?;
    Some(id.as_hyphenated().encode_lower(buffer))
}

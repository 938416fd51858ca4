//! A row of the table of events, from the bytes of a record.

use guichet_schemas::codec::{DecodeError, Head};
use guichet_schemas::event::{Event, Meaning as _, SlaEvent};
use guichet_schemas::json::record::content_to;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::rejection::FieldError;
use guichet_schemas::wire;
use guichet_schemas::words::{ActorKind, Channel, StreamKind};
use guichet_schemas::{codec, personal};
use uuid::Uuid;

use crate::HistoryError;
use crate::reader::is_of_life_cycle;
use crate::reveal::Reveal;
use crate::table::Cell;

/// Columns of the table of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns(u32);

impl Columns {
    /// Every one.
    pub const ALL: Self = Self(u32::MAX);

    /// Those at some places of the table.
    #[must_use]
    pub fn at(places: impl IntoIterator<Item = usize>) -> Self {
        Self(places.into_iter().fold(0, |mask, place| mask | 1_u32.checked_shl(place as u32).unwrap_or(0)))
    }

    const fn has(self, place: usize) -> bool {
        self.0 & (1 << place) != 0
    }
}

/// An event, decoded, with its content as JSON. Kept from row to row, so that its buffers are.
#[derive(Default)]
pub struct Decoded {
    /// The content, personal texts taken away.
    pub json: Vec<u8>,
    pub actor: wire::Actor,
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
        self.read_for(head, Columns::ALL)
    }

    /// Takes of the next record what some columns need, and no more.
    ///
    /// # Errors
    /// Its content or its actor cannot be read.
    pub fn read_for(&mut self, head: &Head<'_>, columns: Columns) -> Result<(), HistoryError> {
        let wrong = |problem| HistoryError::Record { position: head.position, problem };
        self.withheld = 0;
        self.json.clear();
        self.event = None;
        if columns.has(DATA) || columns.has(REASON) || (columns.has(STATE) && is_of_life_cycle(head.r#type)) {
            let mut content = head.content().map_err(wrong)?;
            if columns.has(DATA) {
                if let Some(reveal) = &self.reveal {
                    content = reveal.open(head, content).ok_or(HistoryError::Missing(head.position))?;
                }
                self.withheld = withhold(&mut content, self.reveal.is_some());
                content_to(&mut self.json, &content);
            }
            if self.withheld > 0 {
                // The domain knows no personal text that is neither plain nor sealed; none of it is shown.
                for (_, text) in personal::on_wire(&mut content).filter(|(_, text)| text.form.is_none()) {
                    text.form = Some(wire::personal::Form::Plain(String::new()));
                }
            }
            self.event = Some(head.event(content).map_err(wrong)?);
        }
        if columns.has(ACTOR_KIND) || columns.has(ACTOR) || columns.has(ON_BEHALF_OF) {
            self.actor = codec::decode_actor(head.actor).map_err(wrong)?;
        }
        Ok(())
    }

    /// Lends the whole record to somebody, as it was decoded.
    ///
    /// # Errors
    /// A field breaks its rule.
    pub fn lend(&mut self, head: &Head<'_>, to: impl FnOnce(&Record)) -> Result<(), HistoryError> {
        let wrong = |problem| HistoryError::Record { position: head.position, problem };
        let event = match self.event.take() {
            Some(event) => event,
            None => head.event(head.content().map_err(wrong)?).map_err(wrong)?,
        };
        let record = head.record_of(event).map_err(wrong)?;
        to(&record);
        self.event = Some(record.event);
        Ok(())
    }

    /// Why it happened, in somebody's words.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self.event.as_ref()? {
            Event::Ticket(event) => event.reason(),
            Event::Sla(SlaEvent::SlaBreachVoided(event)) => Some(&event.reason),
            Event::Log(_) | Event::Sla(_) | Event::Config(_) | Event::Desk(_) => None,
        }
    }

    /// The state that the ticket enters.
    #[must_use]
    pub fn state(&self) -> Option<&'static str> {
        match self.event.as_ref()? {
            Event::Ticket(event) => event.enters().map(guichet_schemas::words::TicketState::as_str),
            Event::Log(_) | Event::Sla(_) | Event::Config(_) | Event::Desk(_) => None,
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
        self.row_of(head, Columns::ALL, take)
    }

    /// The same for some columns, as they were read. The cells of the others are null.
    ///
    /// # Errors
    /// A field breaks its rule, or whoever takes the row says no.
    pub fn row_of(
        &self,
        head: &Head<'_>,
        columns: Columns,
        take: &mut dyn FnMut(&[Cell<'_>]) -> Result<(), HistoryError>,
    ) -> Result<(), HistoryError> {
        let wrong = |problem: FieldError| HistoryError::Record {
            position: head.position,
            problem: DecodeError::Field(problem),
        };
        let kind = StreamKind::from_wire(head.stream_kind).map_err(wrong)?;
        let is_ticket = kind == StreamKind::Ticket;
        let channel = Option::<Channel>::from_wire(head.channel).map_err(wrong)?;
        let actor_kind = if columns.has(ACTOR_KIND) {
            Cell::Text(self.actor_kind().map_err(wrong)?.as_str())
        } else {
            Cell::Null
        };
        let mut ids = [[0_u8; 36]; 4];
        let [event_id, command_id, causation_id, correlation_id] = &mut ids;
        let json = std::str::from_utf8(&self.json).unwrap_or_default();
        let asked = |column: usize, bytes| if columns.has(column) { bytes } else { None };
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
            actor_kind,
            Cell::Text(&self.actor.id),
            Cell::text(self.actor.on_behalf_of.as_deref()),
            Cell::Text(head.caller),
            Cell::text(channel.map(Channel::as_str)),
            Cell::text(id(asked(EVENT_ID, Some(head.event_id)), event_id)),
            Cell::text(id(asked(COMMAND_ID, Some(head.command_id)), command_id)),
            Cell::whole(head.command_index.into()),
            Cell::whole(head.command_count.into()),
            Cell::text(id(asked(CAUSATION_ID, head.causation_id), causation_id)),
            Cell::text(id(asked(CORRELATION_ID, head.correlation_id), correlation_id)),
            Cell::whole(head.config_version),
            Cell::time(head.source_time),
            Cell::whole(head.epoch),
            Cell::whole(head.schema_version.into()),
            Cell::Text(json),
        ])
    }
}

/// Takes the personal texts away, but for those that were opened; says how many there were.
fn withhold(content: &mut wire::record::Data, opened: bool) -> u64 {
    let mut withheld = 0;
    for (_, text) in personal::on_wire(content) {
        if !opened || !matches!(text.form, Some(wire::personal::Form::Plain(_))) {
            text.form = None;
            withheld += 1;
        }
    }
    withheld
}

/// The hyphenated form of a UUID.
pub(crate) fn id<'a>(bytes: Option<&[u8]>, buffer: &'a mut [u8; 36]) -> Option<&'a str> {
    let id = Uuid::from_slice(bytes?).ok()?;
    Some(id.as_hyphenated().encode_lower(buffer))
}

/// Places of those columns of the events that cost something to fill.
const STATE: usize = 8;
const REASON: usize = 9;
const ACTOR_KIND: usize = 10;
const ACTOR: usize = 11;
const ON_BEHALF_OF: usize = 12;
const EVENT_ID: usize = 15;
const COMMAND_ID: usize = 16;
const CAUSATION_ID: usize = 19;
const CORRELATION_ID: usize = 20;
const DATA: usize = 25;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::EVENTS;

    #[test]
    fn the_places_are_those_of_the_table() {
        let named = |place: usize| EVENTS.columns[place].name;
        let places = [
            (STATE, "state"),
            (REASON, "reason"),
            (ACTOR_KIND, "actor_kind"),
            (ACTOR, "actor"),
            (ON_BEHALF_OF, "on_behalf_of"),
            (EVENT_ID, "event_id"),
            (COMMAND_ID, "command_id"),
            (CAUSATION_ID, "causation_id"),
            (CORRELATION_ID, "correlation_id"),
            (DATA, "data"),
        ];
        for (place, name) in places {
            assert_eq!(named(place), name);
        }
    }
}

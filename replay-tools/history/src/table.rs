//! The tables of an export: their columns, in order, with type and meaning. Each stands here once; the schema of Parquet,
//! the header of CSV and `docs/EXPORT.md` follow from it. Columns are added at the end, and none changes.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number of 64 bits.
    Whole,
    /// An instant, UTC.
    Time,
    /// Yes or no.
    Flag,
    /// A text that rarely stands twice.
    Text,
    /// A text that often stands again.
    Word,
    /// A UUID in its hyphenated form.
    Id,
    /// Texts, in order.
    Texts,
    /// A JSON object.
    Json,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    /// May a row have nothing there?
    pub nullable: bool,
    pub about: &'static str,
}

/// A table.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    pub about: &'static str,
    /// In order.
    pub columns: &'static [Column],
}

/// A value of a row.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'a> {
    /// Nothing.
    Null,
    /// A whole number.
    Whole(i64),
    /// Milliseconds since 1970, UTC.
    Time(i64),
    /// Yes or no.
    Flag(bool),
    /// Text, word, id or JSON.
    Text(&'a str),
    Texts(&'a [String]),
}

impl<'a> Cell<'a> {
    /// A count, a position or a version: beyond 2^63 there are none.
    #[must_use]
    pub fn whole(number: u64) -> Self {
        Self::Whole(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// A text that may be absent.
    #[must_use]
    pub fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }

    /// An instant that may be absent.
    #[must_use]
    pub fn time(ms: Option<i64>) -> Self {
        ms.map_or(Self::Null, Self::Time)
    }
}

const fn column(name: &'static str, kind: Kind, about: &'static str) -> Column {
    Column { name, kind, nullable: false, about }
}

const fn or_null(name: &'static str, kind: Kind, about: &'static str) -> Column {
    Column { name, kind, nullable: true, about }
}

use Kind::{Flag, Id, Json, Text, Texts, Time, Whole, Word};

/// One row per event, in the order of positions.
pub const EVENTS: Table = Table {
    name: "events",
    about: "One row per event, in the order of the log.",
    columns: &[
        column(
            "position",
            Whole,
            "place in the log of all tenants; the proof of the row is `guichet proof POSITION`",
        ),
        column("recorded_at", Time, "when the engine wrote it; never goes back"),
        column("occurred_at", Time, "when it happened; differs for imports and for what a timer found"),
        column("type", Word, "name of the event"),
        or_null("ticket_id", Id, "the ticket that it is about"),
        column("stream_kind", Word, "what it is about: ticket, config, directory, system or subject"),
        or_null(
            "stream_id",
            Text,
            "what it is about where that is no ticket: name of a configuration, id of a requester",
        ),
        column("version", Whole, "place among the events of its ticket or of what else it is about, from 1"),
        or_null("state", Word, "state that the ticket enters by it"),
        or_null("reason", Text, "why, in somebody's words"),
        column("actor_kind", Word, "kind of whoever acted"),
        column("actor", Word, "who acted"),
        or_null("on_behalf_of", Word, "for whom"),
        column("caller", Word, "service that sent the command"),
        or_null("channel", Word, "where the contact came from"),
        column("event_id", Id, "its own id"),
        column("command_id", Id, "command that led to it"),
        column("command_index", Whole, "place among the events of that command, from 0"),
        column("command_count", Whole, "how many events that command led to"),
        or_null("causation_id", Id, "what caused the command, as its sender said"),
        or_null("correlation_id", Id, "what belongs together, as its sender said"),
        column("config_version", Whole, "configuration in force; 0: the built-in defaults"),
        or_null(
            "source_time",
            Time,
            "time that the source of an import gave, where it stepped back and was lifted",
        ),
        column("epoch", Whole, "start of the engine that wrote it"),
        column("schema_version", Whole, "version of the schema of its content"),
        column("data", Json, "its content, as in the contract; personal texts are null"),
    ],
};

/// One row per ticket, as of the end.
pub const TICKETS: Table = Table {
    name: "tickets",
    about: "One row per ticket, as of the last position that was read.",
    columns: &[
        column("ticket_id", Id, "id for machines"),
        column("number", Whole, "number for people, without its T-"),
        column("state", Word, "new, open, pending, hold, resolved, closed or cancelled"),
        or_null("custom_status", Word, "name of its status within the state"),
        or_null("hold_reason", Word, "why it is on hold"),
        column("state_since", Time, "since when it is in its state"),
        or_null("group", Word, "group that has it"),
        or_null("assignee", Word, "agent who has it"),
        column("tier", Whole, "level of support, 0 to 4"),
        column("type", Word, "kind of request"),
        or_null("category", Word, "path"),
        column("priority", Word, "order of work"),
        or_null("urgency", Word, "how soon it hurts"),
        or_null("impact", Word, "how much it hurts"),
        or_null("channel", Word, "where it came from"),
        or_null("origin", Word, "who noticed first"),
        column("requester", Text, "who has the problem; a pseudonym"),
        or_null("requester_kind", Word, "relation of the requester to the desk"),
        or_null("organisation", Word, "organisation of the requester"),
        or_null("product", Word, "product concerned"),
        or_null("brand", Word, "brand"),
        or_null("language", Word, "language of the requester"),
        or_null("external_source", Word, "system that it came from"),
        or_null("external_id", Text, "its id there"),
        column("imported", Flag, "its history came from another system"),
        column("synthetic", Flag, "a training ticket, left out of every figure"),
        column("created_at", Time, "when it began"),
        or_null("first_resolved_at", Time, "its first resolution"),
        or_null("last_resolved_at", Time, "its newest resolution"),
        or_null("closed_at", Time, "when it was closed or cancelled last"),
        or_null("due_at", Time, "by when somebody wants it done"),
        column("resolutions", Whole, "how often it was resolved"),
        column("reopens", Whole, "how often it was reopened"),
        column("assignments", Whole, "how often it was assigned"),
        column("comments", Whole, "how many comments it has"),
        column("events", Whole, "how many events it has"),
        column("first_position", Whole, "its first event"),
        column("last_position", Whole, "its newest event"),
        column("tags", Texts, "in the order in which they came"),
        column("fields", Json, "its custom fields"),
    ],
};

/// One row per clock of a ticket, as of the end.
pub const SLA_INSTANCES: Table = Table {
    name: "sla_instances",
    about: "One row per clock of a ticket, as of the instant that the manifest names.",
    columns: &[
        column("ticket_id", Id, "its ticket"),
        column("number", Whole, "number of the ticket"),
        column("metric", Word, "what it measures"),
        column("instance", Whole, "which clock of its metric, from 1"),
        column("standing", Word, "running, paused, met, breached, voided or cancelled"),
        column("policy", Word, "policy that promises it"),
        column("policy_version", Whole, "version of that policy"),
        column("target_s", Whole, "how long it may take, seconds"),
        column("hours", Word, "which time counts: business or calendar"),
        or_null("calendar", Word, "calendar of business hours"),
        column("started_at", Time, "when it began"),
        or_null("due_at", Time, "when it is due; null while it stands still and after its end"),
        or_null("breached_at", Time, "when it was broken"),
        or_null("ended_at", Time, "when it ended"),
        column("consumed_s", Whole, "seconds used that count"),
        column("voided", Flag, "a supervisor said that the breach does not count"),
    ],
};

/// One row per stretch in which a ticket stayed in one state.
pub const STATUS_INTERVALS: Table = Table {
    name: "status_intervals",
    about: "One row per stretch in which a ticket stayed in one state under one status, oldest first.",
    columns: &[
        column("ticket_id", Id, "its ticket"),
        column("number", Whole, "number of the ticket"),
        column("sequence", Whole, "place among the stretches of the ticket, from 1"),
        column("state", Word, "the state"),
        or_null("custom_status", Word, "name of the status within the state"),
        or_null("hold_reason", Word, "why it was on hold"),
        column("from_at", Time, "its beginning"),
        or_null("to_at", Time, "its end; null: it lasts"),
        column("from_position", Whole, "event that began it"),
        or_null("to_position", Whole, "event that ended it"),
        column("by", Word, "who began it"),
    ],
};

/// One row per stretch in which a ticket had one owner.
pub const ASSIGNMENTS: Table = Table {
    name: "assignments",
    about: "One row per stretch in which a ticket was with one group and one agent, oldest first; none while nobody had it.",
    columns: &[
        column("ticket_id", Id, "its ticket"),
        column("number", Whole, "number of the ticket"),
        column("sequence", Whole, "place among the stretches of the ticket, from 1"),
        or_null("group", Word, "the group"),
        or_null("assignee", Word, "the agent"),
        column("tier", Whole, "level of support at its beginning"),
        column("from_at", Time, "its beginning"),
        or_null("to_at", Time, "its end; null: it lasts"),
        column("from_position", Whole, "event that began it"),
        or_null("to_position", Whole, "event that ended it"),
        column("by", Word, "who began it"),
    ],
};

/// All of them.
pub const TABLES: [&Table; 5] = [&EVENTS, &TICKETS, &SLA_INSTANCES, &STATUS_INTERVALS, &ASSIGNMENTS];

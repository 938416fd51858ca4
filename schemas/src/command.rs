//! Everything one can ask of a ticket, checked: a value of these types keeps every limit of the contract.

use std::collections::BTreeMap;

use crate::event::{self, Actor, Event, ExternalRef, FieldValue, TicketEvent};
use crate::hash::Hash;
use crate::ids::{CallerId, CommandId, CommentId, CorrelationId, TenantId, TicketId};
use crate::position::StreamVersion;
use crate::rejection::FieldError;
use crate::text::{Body, CategoryPath, Label, Note, Subject, Tag};
use crate::time::Timestamp;
use crate::wire;
use crate::words::{
    Apply, CancelReason, Channel, CommentKind, EscalationKind, EscalationReason, HoldReason, Impact, Origin,
    Priority, RequesterKind, ResolutionCode, SlaMetric, TicketState, TicketType, Urgency, Visibility,
};

/// Limits of the contract.
pub mod limits {
    /// Bytes of a command body.
    pub const COMMAND_BYTES: usize = 256 * 1024;
    /// Largest whole number in a command, a query or an answer: 2^53 - 1. Beyond it JSON readers disagree.
    pub const WHOLE_MAX: u64 = (1 << 53) - 1;
    /// Depth of arrays and objects in a JSON body.
    pub const DEPTH: usize = 16;
    /// Bytes of a record.
    pub const RECORD_BYTES: usize = 60 * 1024;
    /// Tags of a ticket.
    pub const TAGS: usize = 64;
    /// Custom fields of a ticket.
    pub const FIELDS: usize = 100;
    /// Bytes of all custom fields of a ticket, names and texts together.
    pub const FIELDS_BYTES: usize = 8 * 1024;
    /// Attachments of a comment.
    pub const ATTACHMENTS: usize = 50;
    /// Facts of one imported part.
    pub const FACTS: usize = 2_000;
    /// Bytes that the records of one command repeat of their ticket, such as the tags at each escalation.
    pub const COPIED_BYTES: usize = 1024 * 1024;
    /// Bytes of all records of one command.
    pub const RECORDS_BYTES: usize = 2 * 1024 * 1024;
    /// Bytes of the body of a configuration.
    pub const CONFIG_BYTES: usize = 48 * 1024;
    /// Highest tier.
    pub const TIER: u32 = 4;
}

/// What the command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entity {
    /// A ticket that the engine names.
    New,
    /// This ticket.
    Ticket(TicketId),
    /// What the tenant has configured.
    Config,
}

/// A request to change something, as the engine takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Whose desk.
    pub tenant: TenantId,
    /// Who calls, from the subject.
    pub caller: CallerId,
    /// What it is about.
    pub entity: Entity,
    /// One id, one outcome.
    pub command_id: CommandId,
    /// Who acts, as claimed.
    pub actor: Actor,
    /// Refuse unless the ticket is at this version.
    pub expected_version: Option<u64>,
    /// What belongs together.
    pub correlation_id: Option<CorrelationId>,
    /// What caused it.
    pub causation_id: Option<CorrelationId>,
    /// Where the contact came from.
    pub channel: Option<Channel>,
    /// Decide and answer, write nothing.
    pub dry_run: bool,
    /// W3C trace context of the caller.
    pub traceparent: Option<String>,
    /// What to do.
    pub order: Order,
}

macro_rules! orders {
    ($($verb:literal => $variant:ident on $about:ident,)*) => {
        /// What to do. One variant per verb.
        #[derive(Debug, Clone, PartialEq)]
        #[expect(clippy::large_enum_variant, reason = "an order lives for one decision")]
        pub enum Order { $(#[doc = concat!("`", $verb, "`")] $variant($variant),)* }
    };
}
each_verb!(orders);

/// The person or system with the problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Requester {
    /// A pseudonym.
    pub id: Label,
    /// Name.
    pub name: Option<Label>,
    /// E-mail address.
    pub email: Option<Label>,
    /// Telephone number.
    pub phone: Option<Label>,
    /// Relation to the desk.
    pub kind: Option<RequesterKind>,
}
message!(
    Requester,
    wire::Requester,
    |w| {
        use crate::mirror::Wire;
        Ok(Self {
            id: Wire::from_wire(w.id).map_err(|e: FieldError| e.in_field("id"))?,
            name: Wire::from_wire(w.name).map_err(|e: FieldError| e.in_field("name"))?,
            email: Wire::from_wire(w.email).map_err(|e: FieldError| e.in_field("email"))?,
            phone: Wire::from_wire(w.phone).map_err(|e: FieldError| e.in_field("phone"))?,
            kind: Wire::from_wire(w.kind).map_err(|e: FieldError| e.in_field("kind"))?,
        })
    },
    |v| wire::Requester {
        id: v.id.into(),
        name: v.name.map(Into::into),
        email: v.email.map(Into::into),
        phone: v.phone.map(Into::into),
        kind: crate::mirror::Wire::to_wire(v.kind),
    }
);

mirror! {
    /// Open a ticket.
    pub struct Create {
        /// One line.
        pub subject: Subject,
        /// As told by the requester.
        pub description: Body,
        /// Where it came from.
        pub channel: Channel,
        /// Who has the problem.
        pub requester: Requester,
        /// Default: by the kind of actor.
        pub origin: Option<Origin>,
        /// Default: incident.
        pub r#type: Option<TicketType>,
        /// Path.
        pub category: Option<CategoryPath>,
        /// How soon it hurts.
        pub urgency: Option<Urgency>,
        /// How much it hurts.
        pub impact: Option<Impact>,
        /// Default: normal.
        pub priority: Option<Priority>,
        /// At most 64.
        pub tags: Vec<Tag>,
        /// Group from the start.
        pub group: Option<Label>,
        /// Assignee from the start: the ticket starts open.
        pub assignee: Option<Label>,
        /// Product concerned.
        pub product: Option<Label>,
        /// Brand.
        pub brand: Option<Label>,
        /// Language of the requester.
        pub language: Option<Label>,
        /// Organisation of the requester.
        pub organisation: Option<Label>,
        /// Identity elsewhere, unique per source.
        pub external_ref: Option<ExternalRef>,
        /// Custom fields.
        pub fields: BTreeMap<String, FieldValue>,
        /// Manual due instant.
        pub due_at: Option<Timestamp>,
        /// Training ticket, left out of every figure.
        pub synthetic: bool,
    }
}

mirror! {
    /// Give the ticket to an agent, a group, or both.
    pub struct Assign {
        /// New assignee.
        pub assignee: Option<Label>,
        /// New group.
        pub group: Option<Label>,
        /// Why.
        pub reason: Option<Note>,
        /// What the next one must know; becomes an internal comment.
        pub handover_note: Option<Note>,
    }
}

mirror! {
    /// Take the ticket from its assignee.
    pub struct Unassign {
        /// Why.
        pub reason: Note,
        /// Clear the group too.
        pub group: bool,
    }
}

mirror! {
    /// Ask for a higher tier, or for a manager.
    pub struct Escalate {
        /// Tier or manager.
        pub kind: EscalationKind,
        /// Above the present tier.
        pub to_tier: Option<u32>,
        /// Which manager.
        pub to_manager: Option<Label>,
        /// Why.
        pub reason: EscalationReason,
        /// What the next one must know; becomes an internal comment.
        pub note: Option<Note>,
        /// At least one unless the configuration says otherwise; added to the ticket.
        pub tags: Vec<Tag>,
    }
}

/// Back to a lower tier.
#[derive(Debug, Clone, PartialEq)]
pub struct Deescalate {
    /// Below the present tier.
    pub to_tier: u32,
    /// Why.
    pub reason: Note,
}
// Tier 0 is a tier: on the wire, a forgotten one must differ from it.
message!(
    Deescalate,
    wire::Deescalate,
    |w| Ok(Self {
        to_tier: w.to_tier.ok_or_else(|| FieldError::new("to_tier", "is required"))?,
        reason: crate::mirror::Wire::from_wire(w.reason).map_err(|e: FieldError| e.in_field("reason"))?,
    }),
    |v| wire::Deescalate { to_tier: Some(v.to_tier), reason: v.reason.into() }
);

mirror! {
    /// Between open, pending and hold.
    pub struct SetStatus {
        /// Where to.
        pub to: TicketState,
        /// Name of a custom status in that state.
        pub custom_status: Option<Label>,
        /// Required for hold.
        pub hold_reason: Option<HoldReason>,
        /// When the wait should end.
        pub expected_until: Option<Timestamp>,
        /// A public reply that goes with it.
        pub comment: Option<Body>,
    }
}

mirror! {
    /// Write something.
    pub struct AddComment {
        /// Who may read it.
        pub visibility: Visibility,
        /// Default: message.
        pub kind: Option<CommentKind>,
        /// The text.
        pub body: Body,
        /// SHA-256 of each attachment.
        pub attachments: Vec<Hash>,
        /// Which comment it answers.
        pub in_reply_to: Option<CommentId>,
        /// Default: true for a public message of a human agent.
        pub counts_as_reply: Option<bool>,
        /// A thank-you that must not reopen.
        pub no_reopen: bool,
    }
}

mirror! {
    /// It is solved.
    pub struct Resolve {
        /// What it turned out to be.
        pub code: ResolutionCode,
        /// What was done.
        pub summary: Note,
        /// Step by step.
        pub steps: Vec<Note>,
        /// Root cause.
        pub root_cause: Option<Note>,
        /// Why a guard was overridden.
        pub override_reason: Option<Note>,
    }
}

mirror! {
    /// It is not solved after all.
    pub struct Reopen {
        /// Why.
        pub reason: Note,
    }
}

/// End a resolved ticket: there is nothing more to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close;
message!(Close, wire::Close, |_w| Ok(Self), |_v| wire::Close {});

mirror! {
    /// Give it up.
    pub struct Cancel {
        /// Why.
        pub reason: CancelReason,
    }
}

mirror! {
    /// Change priority, urgency or impact; at least one.
    pub struct SetPriority {
        /// How soon it hurts.
        pub urgency: Option<Urgency>,
        /// How much it hurts.
        pub impact: Option<Impact>,
        /// Order of work.
        pub priority: Option<Priority>,
        /// Why.
        pub reason: Option<Note>,
    }
}

mirror! {
    /// Change the category; none clears it.
    pub struct SetCategory {
        /// Path.
        pub category: Option<CategoryPath>,
    }
}

mirror! {
    /// Add and remove tags; at least one.
    pub struct ChangeTags {
        /// To add.
        pub add: Vec<Tag>,
        /// To remove.
        pub remove: Vec<Tag>,
    }
}

mirror! {
    /// Replay a history from another system.
    pub struct Import {
        /// Name of that system.
        pub source: Label,
        /// Identifier of the ticket there.
        pub external_id: Label,
        /// From 1.
        pub part: u32,
        /// How many.
        pub parts: u32,
        /// In order.
        pub events: Vec<Fact>,
        /// Which mapping made the facts.
        pub mapping_version: Option<Label>,
    }
}

mirror! {
    /// Configure something.
    pub struct PublishConfig {
        /// Which kind of thing.
        pub kind: Label,
        /// Which of its kind; default: the only one.
        pub id: Option<Label>,
        /// JSON object.
        pub body: String,
        /// From when on it holds; default: now.
        pub effective_from: Option<Timestamp>,
        /// Default: open clocks too.
        pub apply: Option<Apply>,
        /// It may hold from before now, although another held then.
        pub retroactive: bool,
    }
}

mirror! {
    /// End what was configured.
    pub struct RetireConfig {
        /// Which kind of thing.
        pub kind: Label,
        /// Which of its kind; default: the only one.
        pub id: Option<Label>,
        /// From when on it does not hold; default: now.
        pub effective_from: Option<Timestamp>,
    }
}

mirror! {
    /// A clock reached a share of its target.
    pub struct RecordSlaWarning {
        /// What is measured.
        pub metric: SlaMetric,
        /// Which clock of its metric, from 1.
        pub instance: u32,
        /// Share of the target, percent.
        pub pct: u32,
        /// When it was reached.
        pub at: Timestamp,
        /// When the target runs out.
        pub due_at: Option<Timestamp>,
        /// A change jumped over the threshold.
        pub immediate: bool,
        /// Configuration under which it was found.
        pub config_version: Option<u64>,
    }
}

mirror! {
    /// A promise was broken.
    pub struct RecordSlaBreach {
        /// What is measured.
        pub metric: SlaMetric,
        /// Which clock of its metric, from 1.
        pub instance: u32,
        /// When it was broken.
        pub at: Timestamp,
        /// Under which policy.
        pub policy: Label,
        /// Its version.
        pub policy_version: u32,
        /// When it was due.
        pub due_at: Timestamp,
        /// Whole seconds of the hours that count.
        pub consumed_s: Option<u64>,
        /// It was past due when it was found, because of a change.
        pub immediate: bool,
        /// Configuration under which it was found.
        pub config_version: Option<u64>,
    }
}

mirror! {
    /// A ticket stayed as it is for too long.
    pub struct FireTimeRule {
        /// Id of the rule.
        pub rule: Label,
        /// How often it was armed, from 1.
        pub instance: u32,
        /// When it was due.
        pub due_at: Timestamp,
        /// Configuration under which it was found.
        pub config_version: Option<u64>,
        /// What it waited for still lasts at the expected version.
        pub holds: bool,
        /// Of a rule that repeats: so many further times it was due in the past, all of which this fact stands for.
        pub skipped: Option<u32>,
    }
}

mirror! {
    /// A breach does not count.
    pub struct VoidSlaBreach {
        /// What is measured.
        pub metric: SlaMetric,
        /// Which clock of its metric, from 1.
        pub instance: u32,
        /// Why.
        pub reason: Note,
    }
}

/// One imported fact.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// When it happened, by the source.
    pub occurred_at: Timestamp,
    /// Who did it; default: the actor of the command.
    pub actor: Option<Actor>,
    /// What happened.
    pub event: Event,
}

/// Facts that may be imported: every event of a ticket, and nothing that only the engine writes.
macro_rules! facts {
    (
        Ticket: TicketEvent { $($family:ident { $($fact:ident,)* })* }
        $($about:ident: $about_event:ident { $($other:ident,)* })*
    ) => {
        scalar!([] Fact, wire::Fact,
            |w| {
                use crate::mirror::Wire;
                let event: Event = match w.data.ok_or_else(|| FieldError::new("data", "is required"))? {
                    $($(wire::fact::Data::$fact(d) => <event::$fact as Wire>::from_wire(Some(d)).map_err(|e: FieldError| e.in_field("data"))?.into(),)*)*
                };
                if w.r#type != event.type_name() {
                    return Err(FieldError::new("type", format!("is {:?}, but data is {}", w.r#type, event.type_name())));
                }
                // On the wire, a forgotten time is 0; a ticket of the first millisecond of 1970 is less likely.
                if w.occurred_at == 0 {
                    return Err(FieldError::new("occurred_at", "is required"));
                }
                let occurred_at = Wire::from_wire(w.occurred_at).map_err(|e: FieldError| e.in_field("occurred_at"))?;
                Ok(Fact { occurred_at, actor: Wire::from_wire(w.actor).map_err(|e: FieldError| e.in_field("actor"))?, event })
            },
            |v| {
                use crate::mirror::Wire;
                let r#type = v.event.type_name().to_owned();
                let data = match v.event {
                    $($(Event::Ticket(TicketEvent::$family(event::$family::$fact(e))) => Wire::to_wire(e).map(wire::fact::Data::$fact),)*)*
                    $(Event::$about(_) => None,)*
                };
                wire::Fact { r#type, occurred_at: v.occurred_at.0, actor: Wire::to_wire(v.actor), data }
            });

        /// Reads the content of a fact, chosen by its type.
        pub(crate) fn fact_data(r#type: &str, json: &str) -> Result<wire::fact::Data, serde_json::Error> {
            match r#type {
                $($(stringify!($fact) => crate::json::path::read(".data", json.as_bytes()).map(wire::fact::Data::$fact),)*)*
                _ => Err(serde::de::Error::custom(format!(".type: {} is not one of {}", crate::json::text::quoted(r#type), [$($(stringify!($fact)),*),*].join(", ")))),
            }
        }
    };
}

each_event!(facts);

impl Order {
    /// True where somebody writes an internal note by it: a comment, or what the next one must know.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        if let Self::AddComment(order) = self {
            order.visibility == Visibility::Internal
        } else if let Self::Assign(order) = self {
            order.handover_note.is_some()
        } else if let Self::Escalate(order) = self {
            order.note.is_some()
        } else {
            false
        }
    }
}

impl Command {
    /// The version that the command expects, as a version; 0 stands for "does not exist yet".
    #[must_use]
    pub fn expects(&self, actual: Option<StreamVersion>) -> bool {
        self.expected_version.is_none_or(|v| v == StreamVersion::or_zero(actual))
    }
}

//! Everything one can ask of a ticket, checked: a value of these types keeps every limit of the contract. Each verb has a
//! file of its own, with the events that it leads to.

mod verb;

use crate::event::{self, Actor, Event, TicketEvent};
use crate::ids::{CallerId, CommandId, CorrelationId, TenantId, TicketId};
use crate::position::StreamVersion;
use crate::rejection::FieldError;
use crate::text::Label;
use crate::time::Timestamp;
use crate::verb::About;
use crate::wire;
use crate::words::{Channel, RequesterKind, TicketState};

pub use verb::{Name, Verb};

macro_rules! files {
    ($($verb:ident => $variant:ident on $about:ident,)*) => {
        $(pub(crate) mod $verb;)*
        $(pub use $verb::$variant;)*
    };
}
each_verb!(files);

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
    /// Ties of a ticket to others.
    pub const LINKS: usize = 200;
    /// Tickets that go into another one by one command.
    pub const SOURCES: usize = 20;
    /// Tickets that ever went into one.
    pub const MERGED: u32 = 200;
    /// Links of a ticket to other systems.
    pub const EXTERNALS: usize = 50;
    /// Equipment that a ticket is about.
    pub const ASSETS: usize = 50;
    /// Incidents of a problem.
    pub const INCIDENTS: usize = 1_000;
    /// Comments that one command copies from one ticket to another.
    pub const COPIED_COMMENTS: usize = 500;
    /// Custom fields of a ticket.
    pub const FIELDS: usize = 100;
    /// Bytes of all custom fields of a ticket, names and texts together.
    pub const FIELDS_BYTES: usize = 8 * 1024;
    /// Bytes of the name of a custom field.
    pub const FIELD_NAME_BYTES: usize = 64;
    /// Steps of a resolution.
    pub const STEPS: usize = 100;
    /// People who read along.
    pub const PARTICIPANTS: usize = 200;
    /// Groups that a ticket is restricted to.
    pub const RESTRICTED_TO: usize = 20;
    /// Tasks of a ticket.
    pub const TASKS: usize = 200;
    /// Approvals of a ticket.
    pub const APPROVALS: usize = 50;
    /// People who are asked to agree in one approval.
    pub const APPROVERS: usize = 50;
    /// Procedures of a ticket.
    pub const PROCEDURES: usize = 20;
    /// Categories of an article.
    pub const ARTICLE_CATEGORIES: usize = 20;
    /// Articles that helped with a ticket, each with its version.
    pub const ARTICLES: usize = 100;
    /// Seconds of a call, and of time that is logged at once: a day.
    pub const SECONDS: u32 = 86_400;
    /// Attachments of a comment.
    pub const ATTACHMENTS: usize = 50;
    /// Spans of a comment that are redacted, each apart from the others.
    pub const SPANS: usize = 100;
    /// Replies of a ticket that waited for approval, those that are decided included.
    pub const DRAFTS: usize = 200;
    /// Side conversations of a ticket, those that are over included.
    pub const SIDES: usize = 50;
    /// Suggestions of a ticket.
    pub const SUGGESTIONS: usize = 200;
    /// Attachments of a ticket, redacted ones included.
    pub const ATTACHMENTS_OF_TICKET: usize = 200;
    /// Bytes of an attachment that travel at a time.
    pub const ATTACHMENT_CHUNK: usize = 256 * 1024;
    /// Bytes of an attachment: 25 MiB.
    pub const ATTACHMENT_BYTES: u64 = 25 * 1024 * 1024;
    /// Facts of one imported part.
    pub const FACTS: usize = 2_000;
    /// Bytes that the records of one command repeat of tickets, such as the tags at each escalation, or the comments of a
    /// ticket that goes into another one.
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
    /// The desk as a whole.
    Desk,
    /// The articles of the knowledge base; the payload names the one.
    Articles,
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
    ($($verb:ident => $variant:ident on $about:ident,)*) => {
        /// The order to carry out. One variant per verb.
        #[derive(Debug, Clone, PartialEq)]
        #[expect(clippy::large_enum_variant, reason = "an order lives for one decision")]
        pub enum Order { $(#[doc = concat!("`", stringify!($verb), "`")] $variant($variant),)* }

        $(impl $variant {
            /// The verb, as in the subject.
            pub const VERB: &str = stringify!($verb);
        })*

        impl Order {
            /// The verb, as in the subject.
            #[must_use]
            pub const fn verb(&self) -> &'static str {
                match self { $(Self::$variant(_) => stringify!($verb),)* }
            }

            /// What the verb is about.
            #[must_use]
            pub const fn about(&self) -> About {
                match self { $(Self::$variant(_) => About::$about,)* }
            }

            /// See [`Verb::STATES`].
            #[must_use]
            pub const fn states(&self) -> &'static [TicketState] {
                match self { $(Self::$variant(_) => $variant::STATES,)* }
            }

            /// See [`Verb::check`].
            ///
            /// # Errors
            /// The field and the rule.
            pub fn check(&self) -> Result<(), FieldError> {
                match self { $(Self::$variant(order) => order.check(),)* }
            }

            /// See [`Verb::names`].
            #[must_use]
            pub fn names(&self) -> Vec<Name<'_>> {
                match self { $(Self::$variant(order) => order.names(),)* }
            }

            /// See [`Verb::is_internal`].
            #[must_use]
            pub fn is_internal(&self) -> bool {
                match self { $(Self::$variant(order) => order.is_internal(),)* }
            }
        }
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

/// One imported fact.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// When it happened, by the source.
    pub occurred_at: Timestamp,
    /// The actor; default: that of the command.
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

impl Command {
    /// The version that the command expects, as a version; 0 stands for "does not exist yet".
    #[must_use]
    pub fn expects(&self, actual: Option<StreamVersion>) -> bool {
        self.expected_version.is_none_or(|v| v == StreamVersion::or_zero(actual))
    }
}

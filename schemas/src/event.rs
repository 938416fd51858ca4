//! Everything that can have happened. The names and shapes are the storage format: they grow, they never change.

use std::collections::BTreeMap;

use crate::hash::Hash;
use crate::ids::{CommentId, KeyId};
use crate::rejection::FieldError;
use crate::time::Timestamp;
use crate::wire;
use crate::words::{
    ActorKind, Apply, AuthorKind, CancelReason, Channel, CloseReason, CommentKind, ConfirmedBy,
    EscalationKind, EscalationReason, HoldReason, Impact, Origin, Priority, RequesterKind, ResolutionCode,
    SlaMetric, StatusCause, Strategy, TicketState, TicketType, Urgency, Visibility,
};

/// Who acts, as claimed by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Kind of actor.
    pub kind: ActorKind,
    /// Identifier in the caller's directory; a pseudonym.
    pub id: String,
    /// For whom.
    pub on_behalf_of: Option<String>,
}
message!(
    Actor,
    wire::Actor,
    |w| Ok(Self {
        kind: crate::mirror::Wire::from_wire(w.kind).map_err(|e: FieldError| e.in_field("kind"))?,
        id: w.id,
        on_behalf_of: w.on_behalf_of,
    }),
    |v| wire::Actor { kind: crate::mirror::Wire::to_wire(v.kind), id: v.id, on_behalf_of: v.on_behalf_of }
);

/// A text that belongs to a person, readable or sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Personal {
    /// Readable.
    Plain(String),
    /// Encrypted under a key that can be destroyed.
    Sealed(Sealed),
}
message!(
    Personal,
    wire::Personal,
    |w| match w.form {
        Some(wire::personal::Form::Plain(text)) => Ok(Self::Plain(text)),
        Some(wire::personal::Form::Sealed(s)) if s.key_id.len() != 16 =>
            Err(FieldError::new("sealed.key_id", "must be a UUID of 16 bytes")),
        Some(wire::personal::Form::Sealed(s)) if s.nonce.is_empty() =>
            Err(FieldError::new("sealed.nonce", "is required")),
        Some(wire::personal::Form::Sealed(s)) if s.ciphertext.is_empty() =>
            Err(FieldError::new("sealed.ciphertext", "is required")),
        Some(wire::personal::Form::Sealed(s)) =>
            Ok(Self::Sealed(Sealed { key_id: s.key_id, nonce: s.nonce, ciphertext: s.ciphertext })),
        None => Err(FieldError::rule("must be plain or sealed")),
    },
    |v| wire::Personal {
        form: Some(match v {
            Self::Plain(text) => wire::personal::Form::Plain(text),
            Self::Sealed(s) => wire::personal::Form::Sealed(wire::Sealed {
                key_id: s.key_id,
                nonce: s.nonce,
                ciphertext: s.ciphertext
            }),
        })
    }
);

impl<const MAX: usize> From<crate::text::Line<MAX>> for Personal {
    fn from(text: crate::text::Line<MAX>) -> Self {
        Self::Plain(text.into())
    }
}

impl<const MAX: usize> From<crate::text::Text<MAX>> for Personal {
    fn from(text: crate::text::Text<MAX>) -> Self {
        Self::Plain(text.into())
    }
}

/// The sealed form of a personal text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which key.
    pub key_id: Vec<u8>,
    /// Nonce of the cipher.
    pub nonce: Vec<u8>,
    /// Ciphertext with its tag.
    pub ciphertext: Vec<u8>,
}

/// Identity of a ticket in another system, unique per source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalRef {
    /// Name of that system.
    pub source: String,
    /// Its identifier there.
    pub id: String,
}
message!(ExternalRef, wire::ExternalRef, |w| Ok(Self { source: w.source, id: w.id }), |v| {
    wire::ExternalRef { source: v.source, id: v.id }
});

/// Value of a custom field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

impl FieldValue {
    /// Bytes that it counts against the limit of a ticket's fields.
    #[must_use]
    pub const fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Number(_) => 8,
            Self::Flag(_) => 1,
        }
    }
}

message!(
    FieldValue,
    wire::FieldValue,
    |w| match w.value {
        Some(wire::field_value::Value::Text(v)) => Ok(Self::Text(v)),
        // JSON has no word for the others, and a value that is not equal to itself breaks every comparison.
        Some(wire::field_value::Value::Number(v)) if !v.is_finite() =>
            Err(FieldError::rule("must be a finite number")),
        Some(wire::field_value::Value::Number(v)) => Ok(Self::Number(v)),
        Some(wire::field_value::Value::Flag(v)) => Ok(Self::Flag(v)),
        None => Err(FieldError::rule("must be a text, a number or a flag")),
    },
    |v| wire::FieldValue {
        value: Some(match v {
            Self::Text(v) => wire::field_value::Value::Text(v),
            Self::Number(v) => wire::field_value::Value::Number(v),
            Self::Flag(v) => wire::field_value::Value::Flag(v),
        })
    }
);

mirror! {
    /// A ticket came into being. With an assignee it starts open, else new.
    pub struct TicketCreated {
        /// Dense per tenant, from 1.
        pub number: u64,
        /// Subject.
        pub subject: Personal,
        /// Description.
        pub description: Personal,
        /// Identifier of the requester; a pseudonym.
        pub requester: String,
        /// Requester kind.
        pub requester_kind: Option<RequesterKind>,
        /// Requester name.
        pub requester_name: Option<Personal>,
        /// Requester email.
        pub requester_email: Option<Personal>,
        /// Requester phone.
        pub requester_phone: Option<Personal>,
        /// Channel.
        pub channel: Channel,
        /// Origin.
        pub origin: Origin,
        /// Type.
        pub r#type: TicketType,
        /// Path, such as technical/network.
        pub category: Option<String>,
        /// Urgency.
        pub urgency: Option<Urgency>,
        /// Impact.
        pub impact: Option<Impact>,
        /// Priority.
        pub priority: Priority,
        /// Tags.
        pub tags: Vec<String>,
        /// Group.
        pub group: Option<String>,
        /// Assignee.
        pub assignee: Option<String>,
        /// 0 to 4; the entry tier is 1.
        pub tier: u32,
        /// Product.
        pub product: Option<String>,
        /// Brand.
        pub brand: Option<String>,
        /// Language.
        pub language: Option<String>,
        /// Organisation.
        pub organisation: Option<String>,
        /// External ref.
        pub external_ref: Option<ExternalRef>,
        /// Fields.
        pub fields: BTreeMap<String, FieldValue>,
        /// Due at.
        pub due_at: Option<Timestamp>,
        /// Synthetic.
        pub synthetic: bool,
    }
}

mirror! {
    /// The facts that follow, up to the next command, come from another system.
    pub struct TicketImported {
        /// Source.
        pub source: String,
        /// External id.
        pub external_id: String,
        /// From 1; a long history arrives in several parts.
        pub part: u32,
        /// Parts.
        pub parts: u32,
        /// Original created at.
        pub original_created_at: Option<Timestamp>,
        /// Mapping version.
        pub mapping_version: Option<String>,
    }
}

mirror! {
    /// The ticket moved between new, open, pending and hold.
    pub struct StatusChanged {
        /// From.
        pub from: TicketState,
        /// To.
        pub to: TicketState,
        /// Custom status.
        pub custom_status: Option<String>,
        /// Hold reason.
        pub hold_reason: Option<HoldReason>,
        /// Expected until.
        pub expected_until: Option<Timestamp>,
        /// Cause.
        pub cause: StatusCause,
        /// It began to wait for a requester who had no answer, and the agent was warned.
        pub unanswered: bool,
    }
}

mirror! {
    /// The ticket was resolved.
    pub struct TicketResolved {
        /// Identifier of the resolver.
        pub by: String,
        /// Code.
        pub code: ResolutionCode,
        /// Summary.
        pub summary: Personal,
        /// Steps.
        pub steps: Vec<String>,
        /// Root cause.
        pub root_cause: Option<String>,
        /// Confirmed by.
        pub confirmed_by: ConfirmedBy,
        /// Override reason.
        pub override_reason: Option<String>,
        /// From 1, one more at each resolution of the ticket.
        pub resolution_no: u32,
    }
}

mirror! {
    /// A resolved (imported: or closed) ticket is open again.
    pub struct TicketReopened {
        /// By kind.
        pub by_kind: ActorKind,
        /// Reason.
        pub reason: Option<String>,
        /// The resolution that did not hold.
        pub resolution_no: u32,
        /// Resolver of last.
        pub resolver_of_last: Option<String>,
        /// Since resolved ms.
        pub since_resolved_ms: u64,
        /// Follow up.
        pub follow_up: bool,
    }
}

mirror! {
    /// The ticket is over.
    pub struct TicketClosed {
        /// Reason.
        pub reason: CloseReason,
        /// Auto.
        pub auto: bool,
    }
}

mirror! {
    /// The ticket was given up before it was resolved.
    pub struct TicketCancelled {
        /// Reason.
        pub reason: CancelReason,
    }
}

mirror! {
    /// The ticket moved to another group, or to none, and keeps its assignee.
    pub struct TicketRouted {
        /// From group.
        pub from_group: Option<String>,
        /// Absent: the group was cleared.
        pub to_group: Option<String>,
        /// Rule.
        pub rule: Option<String>,
        /// Strategy.
        pub strategy: Strategy,
        /// Reason.
        pub reason: Option<String>,
    }
}

mirror! {
    /// The ticket has a new assignee.
    pub struct TicketAssigned {
        /// From.
        pub from: Option<String>,
        /// To.
        pub to: String,
        /// The group from now on; absent: none.
        pub group: Option<String>,
        /// Strategy.
        pub strategy: Strategy,
        /// Comment with the handover note.
        pub handover_comment: Option<CommentId>,
        /// Count of assignments of this ticket, this one included.
        pub station_no: u32,
        /// Reason.
        pub reason: Option<String>,
    }
}

mirror! {
    /// The ticket has no assignee any more.
    pub struct TicketUnassigned {
        /// From.
        pub from: String,
        /// Reason.
        pub reason: Option<String>,
    }
}

mirror! {
    /// The ticket went to a higher tier, or to a manager.
    pub struct TicketEscalated {
        /// Kind.
        pub kind: EscalationKind,
        /// From tier.
        pub from_tier: u32,
        /// To tier.
        pub to_tier: u32,
        /// To manager.
        pub to_manager: Option<String>,
        /// Reason.
        pub reason: EscalationReason,
        /// Tags and category at that time, for reports that must not depend on later edits.
        pub tags_at: Vec<String>,
        /// Category at.
        pub category_at: Option<String>,
        /// Note comment.
        pub note_comment: Option<CommentId>,
    }
}

mirror! {
    /// The ticket went back to a lower tier.
    pub struct TicketDeescalated {
        /// From tier.
        pub from_tier: u32,
        /// To tier.
        pub to_tier: u32,
        /// Reason.
        pub reason: Option<String>,
    }
}

mirror! {
    /// Somebody wrote something.
    pub struct CommentAdded {
        /// Comment id.
        pub comment_id: CommentId,
        /// Visibility.
        pub visibility: Visibility,
        /// Kind.
        pub kind: CommentKind,
        /// Author.
        pub author: String,
        /// Author kind.
        pub author_kind: AuthorKind,
        /// Channel.
        pub channel: Option<Channel>,
        /// Body.
        pub body: Personal,
        /// SHA-256 of each attachment.
        pub attachments: Vec<Hash>,
        /// In reply to.
        pub in_reply_to: Option<CommentId>,
        /// A public reply by a human agent, for reply clocks.
        pub counts_as_reply: bool,
        /// A thank-you that must not reopen.
        pub no_reopen: bool,
    }
}

mirror! {
    /// Priority, urgency or impact changed.
    pub struct PriorityChanged {
        /// From.
        pub from: Priority,
        /// To.
        pub to: Priority,
        /// Urgency.
        pub urgency: Option<Urgency>,
        /// Impact.
        pub impact: Option<Impact>,
        /// Cause.
        pub cause: StatusCause,
        /// Reason.
        pub reason: Option<String>,
    }
}

mirror! {
    /// The category changed.
    pub struct CategoryChanged {
        /// From.
        pub from: Option<String>,
        /// To.
        pub to: Option<String>,
    }
}

mirror! {
    /// Tags were added or removed.
    pub struct TagsChanged {
        /// Added.
        pub added: Vec<String>,
        /// Removed.
        pub removed: Vec<String>,
    }
}

mirror! {
    /// A custom field changed; absent: it has no value.
    pub struct FieldChanged {
        /// Field.
        pub field: String,
        /// From.
        pub from: Option<FieldValue>,
        /// To.
        pub to: Option<FieldValue>,
    }
}

mirror! {
    /// An engine took the log over. Written at every start, before any answer.
    pub struct EpochStarted {
        /// Epoch.
        pub epoch: u64,
        /// Lineage of the log: 1, and one more after each restore that gave records up.
        pub generation: u64,
        /// Version of the program.
        pub program: String,
        /// First record that the log had lost and that was brought back from the stream.
        pub repaired_from: Option<u64>,
        /// The last one.
        pub repaired_through: Option<u64>,
        /// The wall clock was behind the newest record by so many milliseconds, and the operator accepted it.
        pub clock_behind_ms: Option<u64>,
        /// The anchor was lost or damaged; it was made anew because the stream held nothing that the log did not.
        pub anchor_replaced: Option<bool>,
        /// The log was restored from a backup that ended here.
        pub restored_through: Option<u64>,
        /// Records beyond it had been signed; an operator gave them up, and this is why.
        pub restored_behind: Option<String>,
        /// From this position on the stream held messages that no engine of this log had written; none was taken.
        pub stream_refused_from: Option<u64>,
    }
}

mirror! {
    /// A data subject, the requester of tickets, has a key: their personal texts are sealed under it from here on.
    pub struct KeyCreated {
        /// Identifier of the requester; a pseudonym.
        pub subject: String,
        /// Names the key in every text that is sealed under it.
        pub key_id: KeyId,
        /// SHA-256("kc" ‖ key): nobody can open a text with another key to another text.
        pub commitment: Hash,
    }
}

mirror! {
    /// A clock reached a share of its target. Occurred at the instant that the fold found.
    pub struct SlaWarned {
        /// What is measured.
        pub metric: SlaMetric,
        /// Which clock of its metric, from 1.
        pub instance: u32,
        /// Share of the target, percent; beyond 100: after the breach.
        pub pct: u32,
        /// When the target runs out.
        pub due_at: Option<Timestamp>,
        /// A change jumped over the threshold.
        pub immediate: bool,
    }
}

mirror! {
    /// A promise was broken. Once per clock, whatever happens. Occurred at the instant that the fold found.
    pub struct SlaBreached {
        /// What is measured.
        pub metric: SlaMetric,
        /// Which clock of its metric, from 1.
        pub instance: u32,
        /// Under which policy.
        pub policy: String,
        /// Its version.
        pub policy_version: u32,
        /// When it was due.
        pub due_at: Timestamp,
        /// Whole seconds of the hours that count.
        pub consumed_s: u64,
        /// It was past due when it was found, because of a change.
        pub immediate: bool,
        /// From the breach to its record.
        pub detected_late_ms: u64,
    }
}

mirror! {
    /// A supervisor says that a breach does not count. The breach stays.
    pub struct SlaBreachVoided {
        /// What is measured.
        pub metric: SlaMetric,
        /// Which clock of its metric, from 1.
        pub instance: u32,
        /// Why.
        pub reason: String,
    }
}

mirror! {
    /// A ticket stayed as it is for so long that a rule acts. Occurred when it was due.
    pub struct TimeRuleFired {
        /// Its id.
        pub rule: String,
        /// Version of the configuration that holds the rule.
        pub version: u64,
        /// How often it was armed, from 1.
        pub instance: u32,
        /// When it was due.
        pub due_at: Timestamp,
        /// Names of its actions.
        pub actions: Vec<String>,
        /// Its condition did not hold any more when it was recorded: nothing was done.
        pub suppressed: bool,
        /// Of a rule that repeats: so many further times it was due in the past, all of which this fact stands for.
        pub skipped: Option<u32>,
    }
}

mirror! {
    /// Something was configured.
    pub struct ConfigPublished {
        /// Such as calendar or `sla_policies`.
        pub kind: String,
        /// Which of its kind.
        pub id: String,
        /// Of this kind and id; from 1, no gaps.
        pub version: u64,
        /// From when on it holds.
        pub effective_from: Timestamp,
        /// For which clocks.
        pub apply: Apply,
        /// Canonical JSON: keys in order, no white space, nothing that is null.
        pub body: String,
        /// SHA-256 of the body.
        pub body_hash: Hash,
        /// Version of the zone data that it was checked with.
        pub zone_data: Option<String>,
        /// It changes what held before it was published.
        pub retroactive: bool,
    }
}

mirror! {
    /// What was configured holds no longer.
    pub struct ConfigRetired {
        /// Its kind.
        pub kind: String,
        /// Which of its kind.
        pub id: String,
        /// Of this kind and id; from 1, no gaps.
        pub version: u64,
        /// From when on it does not hold.
        pub effective_from: Timestamp,
    }
}

impl EpochStarted {
    /// A start at which nothing had to be repaired or overlooked.
    #[must_use]
    pub fn uneventful(epoch: u64, generation: u64, program: &str) -> Self {
        Self {
            epoch,
            generation,
            program: program.to_owned(),
            repaired_from: None,
            repaired_through: None,
            clock_behind_ms: None,
            anchor_replaced: None,
            restored_through: None,
            restored_behind: None,
            stream_refused_from: None,
        }
    }
}

macro_rules! events {
    ($($variant:ident,)*) => {
        /// One fact.
        #[derive(Debug, Clone, PartialEq)]
        #[expect(clippy::large_enum_variant, reason = "an event lives for one decision; boxing the commonest would cost more")]
        pub enum Event { $(#[doc = concat!("See [`", stringify!($variant), "`].")] $variant($variant),)* }

        impl Event {
            /// Every type name.
            pub const TYPES: &[&str] = &[$(stringify!($variant),)*];

            /// The name of the event, as in `Record.type`.
            #[must_use]
            pub const fn type_name(&self) -> &'static str {
                match self { $(Self::$variant(_) => stringify!($variant),)* }
            }

            /// Version of its schema.
            #[must_use]
            pub const fn schema_version(&self) -> u32 {
                match self { $(Self::$variant(_) => 1,)* }
            }
        }

        impl crate::mirror::Wire for Event {
            type Repr = wire::record::Data;
            fn from_wire(repr: wire::record::Data) -> Result<Self, FieldError> {
                Ok(match repr { $(wire::record::Data::$variant(w) => Self::$variant(crate::mirror::Wire::from_wire(Some(w))?),)* })
            }
            fn to_wire(self) -> wire::record::Data {
                match self { $(Self::$variant(e) => wire::record::Data::$variant(crate::mirror::Wire::to_wire(e).unwrap_or_default()),)* }
            }
        }
    };
}

events! {
    TicketCreated, TicketImported, StatusChanged, TicketResolved,
    TicketReopened, TicketClosed, TicketCancelled, TicketRouted,
    TicketAssigned, TicketUnassigned, TicketEscalated, TicketDeescalated,
    CommentAdded, PriorityChanged, CategoryChanged, TagsChanged,
    FieldChanged, EpochStarted, KeyCreated, SlaWarned,
    SlaBreached, SlaBreachVoided, TimeRuleFired, ConfigPublished,
    ConfigRetired,
}

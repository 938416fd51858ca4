//! What the rules know of a ticket. Only what a decision needs; read models keep the rest.

mod assistance;
mod attachment;
mod elsewhere;
mod moderation;
mod said;
mod survey;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use guichet_schemas::event::{FieldValue, TicketCreated};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{
    ActorKind, Channel, HoldReason, Impact, LinkKind, Priority, TicketState, TicketType, Urgency,
};
use serde::{Deserialize, Serialize};

pub use assistance::{Assistance, Side, Suggestion};
pub use attachment::Attachment;
pub use elsewhere::Elsewhere;
pub use moderation::{DraftState, Moderation, REDACTED, Redacted, ReplyDraft};
pub use said::{Merged, Said};
pub use survey::{SURVEYS_MAX, Survey};
pub use work::{Approval, Lease, Procedure, Step, Task, TaskState, Work};

/// Raised whenever the fold changes, or [`Ticket`] or one of its parts, so that stored states of an older fold are not
/// used: they do not say the names of their fields.
pub const FOLD_VERSION: u32 = 12;

/// The most reopenings by requesters that a limit counts.
pub const REOPEN_LIMIT_MAX: u32 = 100;

/// Where a ticket stands, with what is true only there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Nobody has it.
    New,
    /// Somebody works on it.
    Open,
    /// It waits for the requester.
    Pending,
    /// It waits for somebody else.
    Hold(HoldReason),
    /// Solved, and may come back.
    Resolved,
    /// Over.
    Closed,
    /// Given up.
    Cancelled,
}

/// The newest resolution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastResolution {
    /// From 1, one more at each.
    pub number: u32,
    pub by: String,
    pub at: Timestamp,
    /// The requester has said that it is solved.
    pub confirmed: bool,
}

/// What was proposed to the requester, who has not decided yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Who proposed.
    pub by: String,
    /// What that is.
    pub by_kind: ActorKind,
    /// The version of the ticket at which it was proposed: there stands what.
    pub version: u64,
    /// The requester has written since, so silence means nothing.
    pub answered: bool,
}

/// How much of a history has been imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProgress {
    /// Parts done, from the first on without a gap.
    pub done: u32,
    /// Parts announced.
    pub parts: u32,
    /// Facts done and their digest; absent where the log is older than such marks.
    pub mark: Option<ImportMark>,
}

/// The facts of a ticket that were imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportMark {
    pub facts: u64,
    /// See `Import::digest`.
    pub digest: Hash,
}

/// A ticket, folded from its events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// Short number for people.
    pub number: TicketNumber,
    pub phase: Phase,
    /// Name of the custom status within the phase.
    pub custom_status: Option<String>,
    /// Group that has it.
    pub group: Option<String>,
    /// Agent that has it.
    pub assignee: Option<String>,
    /// 0 to 4.
    pub tier: u32,
    /// Kind of request.
    pub r#type: TicketType,
    /// Path.
    pub category: Option<String>,
    pub urgency: Option<Urgency>,
    pub impact: Option<Impact>,
    /// Order of work.
    pub priority: Priority,
    /// By when somebody wants it done.
    pub due_at: Option<Timestamp>,
    /// In the order in which they came.
    pub tags: Vec<String>,
    /// Custom fields: a follow-up has them too.
    pub fields: BTreeMap<String, FieldValue>,
    pub stations: u32,
    /// So many events it has: the version of the newest.
    pub version: u64,
    /// What was proposed and not yet decided.
    pub proposal: Option<Proposal>,
    /// The newest resolution.
    pub last_resolution: Option<LastResolution>,
    /// When its newest event occurred; imported facts never step back behind it.
    pub last_occurred_at: Timestamp,
    pub requester: String,
    /// Set for imported tickets.
    pub import: Option<ImportProgress>,
    /// Since when it is in its state.
    pub state_since: Timestamp,
    /// The desk has answered in public since the requester last wrote.
    pub answered: bool,
    /// When requesters brought it back, oldest first: the newest [`REOPEN_LIMIT_MAX`].
    pub reopenings: Vec<Timestamp>,
    /// A message of a requester would have brought it back once more, and waits for a person.
    pub reopen_held: bool,
    /// Other tickets that it is tied to, how, and whether that is read from there.
    pub links: BTreeSet<(TicketId, LinkKind, bool)>,
    /// The newest ticket that goes on where this one ended.
    pub follow_up: Option<TicketId>,
    /// Names of what its clocks and rules found and the log has: none of it is recorded twice.
    pub facts: BTreeSet<String>,
    /// Who was asked how it was, oldest first: the newest [`SURVEYS_MAX`].
    pub surveys: Vec<Survey>,
    /// Where the contact goes on.
    pub channel: Option<Channel>,
    /// Who claimed it last; [`Self::lease`] says whether they hold it still.
    pub claim: Option<Lease>,
    /// Who reads along.
    pub participants: BTreeSet<String>,
    /// Groups that alone see it; none: everybody does.
    pub restricted_to: BTreeSet<String>,
    /// What is done, and must be done.
    pub work: Work,
    /// Where it went; [`Self::merged`] says whether that still holds.
    pub merged_into: Option<Merged>,
    /// So many tickets went into it.
    pub merges: u32,
    /// Where its comments stand.
    pub said: Said,
    /// What was taken back, and what is not out yet.
    pub moderation: Moderation,
    /// The help of others.
    pub assistance: Assistance,
    /// Files, by the SHA-256 of their bytes.
    pub attachments: BTreeMap<Hash, Attachment>,
    /// What other systems have to do with it.
    pub elsewhere: Elsewhere,
}

impl Ticket {
    /// The state before the first event.
    pub(crate) fn blank() -> Self {
        Self {
            number: TicketNumber(0),
            phase: Phase::New,
            custom_status: None,
            group: None,
            assignee: None,
            tier: 1,
            r#type: TicketType::Incident,
            category: None,
            urgency: None,
            impact: None,
            priority: Priority::Normal,
            due_at: None,
            tags: Vec::new(),
            fields: BTreeMap::new(),
            stations: 0,
            version: 0,
            proposal: None,
            last_resolution: None,
            last_occurred_at: Timestamp(i64::MIN),
            requester: String::new(),
            import: None,
            state_since: Timestamp(i64::MIN),
            answered: false,
            reopenings: Vec::new(),
            reopen_held: false,
            links: BTreeSet::new(),
            follow_up: None,
            facts: BTreeSet::new(),
            surveys: Vec::new(),
            channel: None,
            claim: None,
            participants: BTreeSet::new(),
            restricted_to: BTreeSet::new(),
            work: Work::default(),
            merged_into: None,
            merges: 0,
            said: Said::default(),
            moderation: Moderation::default(),
            assistance: Assistance::default(),
            attachments: BTreeMap::new(),
            elsewhere: Elsewhere::default(),
        }
    }

    /// Takes over the contents of the event of creation.
    pub(crate) fn begin(&mut self, e: &TicketCreated) {
        self.number = TicketNumber(e.number);
        self.phase = if e.assignee.is_some() { Phase::Open } else { Phase::New };
        self.stations = u32::from(e.assignee.is_some());
        self.group.clone_from(&e.group);
        self.assignee.clone_from(&e.assignee);
        self.tier = e.tier;
        self.r#type = e.r#type;
        self.category.clone_from(&e.category);
        self.urgency = e.urgency;
        self.impact = e.impact;
        self.priority = e.priority;
        self.due_at = e.due_at;
        self.tags.clone_from(&e.tags);
        self.fields.clone_from(&e.fields);
        self.requester.clone_from(&e.requester);
        self.channel = Some(e.channel);
        self.restricted_to = e.restricted_to.iter().cloned().collect();
    }

    /// Another phase begins without the custom status of the last, and somebody has looked at what was held.
    pub(crate) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.custom_status = None;
        self.reopen_held = false;
    }

    /// It is over, or begins again: what was proposed is decided.
    pub(crate) fn end(&mut self, phase: Phase) {
        self.enter(phase);
        self.proposal = None;
    }

    /// A requester brought it back.
    pub(crate) fn note_reopening(&mut self, at: Timestamp) {
        if self.reopenings.len() >= REOPEN_LIMIT_MAX as usize {
            self.reopenings.remove(0);
        }
        self.reopenings.push(at);
    }

    /// Bytes of its custom fields, names and values together.
    #[must_use]
    pub fn field_bytes(&self) -> usize {
        let each = self.fields.iter();
        each.map(|(name, value)| name.len().saturating_add(value.weight())).fold(0, usize::saturating_add)
    }

    /// The state of the contract.
    #[must_use]
    pub const fn state(&self) -> TicketState {
        match self.phase {
            Phase::New => TicketState::New,
            Phase::Open => TicketState::Open,
            Phase::Pending => TicketState::Pending,
            Phase::Hold(_) => TicketState::Hold,
            Phase::Resolved => TicketState::Resolved,
            Phase::Closed => TicketState::Closed,
            Phase::Cancelled => TicketState::Cancelled,
        }
    }

    #[must_use]
    pub const fn hold_reason(&self) -> Option<HoldReason> {
        match self.phase {
            Phase::Hold(reason) => Some(reason),
            Phase::New
            | Phase::Open
            | Phase::Pending
            | Phase::Resolved
            | Phase::Closed
            | Phase::Cancelled => None,
        }
    }

    /// Count of resolutions.
    #[must_use]
    pub fn resolutions(&self) -> u32 {
        self.last_resolution.as_ref().map_or(0, |r| r.number)
    }
}

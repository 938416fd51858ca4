//! What a desk has configured, as far as a decision looks at it. The rules ask; whoever holds the configuration
//! answers. Without any, [`Unconfigured`] does.

use std::fmt::Debug;

use guichet_schemas::command::{
    AddComment, ChangeTags, Close, Command, Escalate, FireTimeRule, Order, RecordAccess, RecordSlaBreach,
    RecordSlaWarning, Resolve, SetPriority,
};
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::verb::{About, about};
use guichet_schemas::words::{ActorKind, EscalationReason, Priority, TicketState};
use serde::{Deserialize, Serialize};

use crate::permission::Reach;
use crate::permission::supervises;
use crate::state::Ticket;

/// The caller of the SLA worker: it alone records what clocks found, and it records nothing else.
pub const SLA_CALLER: &str = "sla";
/// The caller of the command line: it configures as long as no callers are configured, for somebody must begin.
pub const CLI_CALLER: &str = "cli";

/// The rule that closes what has been resolved for long enough: every desk has it. Its delay is of the configuration
/// kind `lifecycle`.
pub const AUTO_CLOSE: &str = "auto_close";

/// The configuration at the instant of a decision.
pub trait DeskRules: Debug {
    /// Refuses what the caller, or the actor for whom it speaks, may not do.
    ///
    /// # Errors
    /// `forbidden`.
    fn may(&self, command: &Command) -> Result<(), Rejection>;

    /// Whether a role by which the caller may send the command has a reach of which this holds.
    fn any_reach(&self, _: &Command, holds: &dyn Fn(Reach) -> bool) -> bool {
        holds(Reach::Every)
    }

    /// The groups of an agent; `None`: nobody has said who is in which.
    fn groups_of(&self, _agent: &str) -> Option<&[String]> {
        None
    }

    /// Whether somebody is known to be in a group.
    fn has_members(&self, _group: &str) -> bool {
        false
    }

    /// The highest tier that an agent works in; `None`: any.
    fn tier_of(&self, _agent: &str) -> Option<u32> {
        None
    }

    /// Refuses names that are not listed where there is a list.
    ///
    /// # Errors
    /// The field, from `data` on, and the rule.
    fn knows(&self, order: &Order) -> Result<(), FieldError>;

    /// Guards and delays.
    fn life(&self) -> Life;

    /// True where tickets of several requesters may become one.
    fn may_merge_any(&self, command: &Command) -> bool {
        supervises(command.actor.kind)
    }

    /// Custom fields without which nothing is resolved, and which the ticket has not.
    fn missing_on_resolve(&self, _: &Ticket) -> Vec<String> {
        Vec::new()
    }

    /// What the actor writes to requesters waits for somebody's approval: they are a trainee.
    fn is_supervised(&self, _: &Command) -> bool {
        false
    }

    /// Who approves what an agent writes, beside supervisors.
    fn mentor(&self, _: &str) -> Option<String> {
        None
    }

    /// The highest priority of a ticket of which an agent says that it is solved; none: any.
    fn authority(&self, _: &str) -> Option<Priority> {
        None
    }

    /// A procedure by its id; `None`: there is none of that name.
    fn procedure(&self, _: &str) -> Option<ProcedureRule> {
        None
    }

    /// A time rule by its id, [`AUTO_CLOSE`] among them; `None`: there is none any more.
    fn time_rule(&self, id: &str) -> Option<FiredRule>;
}

/// Guards and delays of the life of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Of a ticket that is to wait for a requester whom nobody has answered.
    pub pending_guard: PendingGuard,
    /// Whoever resolves a ticket that nobody has becomes its assignee; else somebody must have it.
    pub auto_assign_on_resolve: bool,
    /// An escalation names a tag, so that reports can say why tickets escalate.
    pub escalation_needs_tag: bool,
    /// A ticket is resolved by its requester, by time, or by a supervisor who says why.
    pub resolve_requires_confirmation: bool,
    /// A resolved ticket may be reopened for so long; `None`: until it is closed.
    pub reopen_window_ms: Option<u64>,
    /// A supervisor may reopen a closed ticket for so long; `None`: never.
    pub reopen_closed_ms: Option<u64>,
    /// What becomes of a requester's message to a closed ticket.
    pub closed_message: ClosedMessage,
    /// Messages of requesters bring a ticket back so often within [`Self::reopen_limit_within_ms`]; then a person decides. 0: as
    /// often as they write.
    pub reopen_limit: u32,
    /// The time that [`Self::reopen_limit`] looks back.
    pub reopen_limit_within_ms: u64,
    /// Whoever is asked how it was may answer for so long.
    pub rating_window_ms: u64,
    /// What a bot writes to the requester ends reply clocks, as an answer of a person does.
    pub bot_replies_count: bool,
}

/// [`Life::reopen_limit`] without configuration: more often than a person does it, and soon reached by two programs that
/// answer each other.
pub const REOPEN_LIMIT: u32 = 3;
/// [`Life::reopen_limit_within_ms`] without configuration: a day.
pub const REOPEN_LIMIT_WITHIN_MS: u64 = 86_400_000;
/// [`Life::rating_window_ms`] without configuration: 30 days.
pub const RATING_WINDOW_MS: u64 = 30 * 86_400_000;

impl Default for Life {
    fn default() -> Self {
        Self {
            pending_guard: PendingGuard::Off,
            auto_assign_on_resolve: true,
            escalation_needs_tag: true,
            resolve_requires_confirmation: false,
            reopen_window_ms: None,
            reopen_closed_ms: None,
            closed_message: ClosedMessage::FollowUp,
            reopen_limit: REOPEN_LIMIT,
            reopen_limit_within_ms: REOPEN_LIMIT_WITHIN_MS,
            rating_window_ms: RATING_WINDOW_MS,
            bot_replies_count: false,
        }
    }
}

/// How an agent is answered who sets a ticket to pending without having answered its requester: the pause of its clocks
/// would begin right after the customer wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingGuard {
    /// Nothing.
    #[default]
    Off,
    /// The command is accepted with a warning.
    Warn,
    /// The command is refused.
    Enforce,
}

/// What becomes of a requester's message to a closed ticket. None of them loses it in silence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosedMessage {
    /// It begins a follow-up, or goes to the one that there is.
    #[default]
    FollowUp,
    /// It stands in the history of the closed ticket.
    Keep,
    /// It is refused, and whoever sent it is told so.
    Refuse,
}

/// A procedure, as it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcedureRule {
    pub version: u32,
    /// Its steps in their order, each with whether it must be done before a ticket is resolved.
    pub steps: Vec<(String, bool)>,
}

/// A time rule at the instant at which it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiredRule {
    /// States of tickets that it looks at.
    pub states: Vec<TicketState>,
    pub actions: Vec<Action>,
}

impl FiredRule {
    /// The rule [`AUTO_CLOSE`], whatever its delay.
    #[must_use]
    pub fn auto_close() -> Self {
        Self { states: vec![TicketState::Resolved], actions: vec![Action::Close {}] }
    }
}

/// An action of a time rule, as a configuration writes it: a table with its name in `type`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Closes a resolved ticket.
    Close {},
    /// Resolves it as it was proposed: the requester has said nothing since.
    Resolve {},
    /// Gives it another priority.
    SetPriority {
        priority: Priority,
    },
    AddTags {
        tags: Vec<String>,
    },
    /// Gives it to a higher tier.
    Escalate {
        to_tier: u32,
        reason: EscalationReason,
    },
    /// Writes an internal note.
    Note {
        text: String,
    },
    /// Tells somebody; whoever follows the events does it.
    Notify {
        /// `assignee`, `group`, `requester`, or `group:<name>` or `agent:<name>`.
        to: String,
    },
}

impl Action {
    /// Its name in the event.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Close {} => "close",
            Self::Resolve {} => "resolve",
            Self::SetPriority { .. } => "set_priority",
            Self::AddTags { .. } => "add_tags",
            Self::Escalate { .. } => "escalate",
            Self::Note { .. } => "note",
            Self::Notify { .. } => "notify",
        }
    }

    /// The verb by which a person would do the same, whether the state of the ticket allows it or not. `None`: the
    /// ticket is not changed.
    pub(crate) const fn verb(&self) -> Option<&'static str> {
        match self {
            Self::Close {} => Some(Close::VERB),
            Self::Resolve {} => Some(Resolve::VERB),
            Self::SetPriority { .. } => Some(SetPriority::VERB),
            Self::AddTags { .. } => Some(ChangeTags::VERB),
            Self::Escalate { .. } => Some(Escalate::VERB),
            Self::Note { .. } => Some(AddComment::VERB),
            Self::Notify { .. } => None,
        }
    }
}

/// A desk of which nothing is configured: every caller has all roles except admin and auditor and speaks for every
/// kind of actor except admin and system; every name is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unconfigured;

impl Unconfigured {
    /// Refuses what nobody may do before callers are configured.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn permits(self, asking: &Asking<'_>) -> Result<(), Rejection> {
        match asking.whose() {
            Whose::Clocks(allowed) => allowed,
            Whose::Configuration | Whose::Access if asking.caller == CLI_CALLER => Ok(()),
            Whose::Configuration => Err(forbidden(format!(
                "caller {} may not configure; as long as the configuration kind callers is not published, only {CLI_CALLER} may",
                asking.caller
            ))),
            Whose::Access => Err(forbidden(format!(
                "caller {} may not read personal texts outside of answers; as long as the configuration kind callers is not published, only {CLI_CALLER} may",
                asking.caller
            ))),
            Whose::Look | Whose::Anybody => match asking.actor {
                ActorKind::Admin | ActorKind::System => Err(forbidden(format!(
                    "caller {} may not speak for actors of kind {}; the configuration kind callers can allow it",
                    asking.caller, asking.actor
                ))),
                ActorKind::Requester
                | ActorKind::Agent
                | ActorKind::LightAgent
                | ActorKind::Supervisor
                | ActorKind::Bot
                | ActorKind::Service => Ok(()),
            },
        }
    }
}

impl DeskRules for Unconfigured {
    fn may(&self, command: &Command) -> Result<(), Rejection> {
        self.permits(&Asking::of(command))
    }

    fn knows(&self, _: &Order) -> Result<(), FieldError> {
        Ok(())
    }

    fn life(&self) -> Life {
        Life::default()
    }

    fn time_rule(&self, id: &str) -> Option<FiredRule> {
        (id == AUTO_CLOSE).then(FiredRule::auto_close)
    }
}

#[derive(Debug)]
pub enum Whose {
    /// The SLA worker's, and whether it is allowed.
    Clocks(Result<(), Rejection>),
    /// An administrator's.
    Configuration,
    /// Of whoever may read personal texts outside of answers.
    Access,
    /// Of whoever may look at restricted tickets: which, the tickets say.
    Look,
    /// Anybody's who has the role.
    Anybody,
}

/// Who asks for what: all that a permission looks at. The engine takes it from a command, an auditor from a record.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The service that sent the command.
    pub caller: &'a str,
    /// For what kind of actor it speaks.
    pub actor: ActorKind,
    /// What it wants to do.
    pub verb: &'a str,
    about: Option<About>,
    is_look: bool,
}

impl<'a> Asking<'a> {
    /// What a command asks for.
    #[must_use]
    pub fn of(command: &'a Command) -> Self {
        let (caller, verb) = (command.caller.as_str(), command.order.verb());
        let is_look = if let Order::RecordAccess(order) = &command.order { order.is_look() } else { false };
        Self { caller, actor: command.actor.kind, verb, about: Some(command.order.about()), is_look }
    }

    /// What somebody must have asked for.
    #[must_use]
    pub fn for_verb(caller: &'a str, actor: ActorKind, verb: &'a str) -> Self {
        Self { caller, actor, verb, about: about(verb), is_look: false }
    }

    /// What somebody must have asked for who looked at restricted tickets.
    #[must_use]
    pub const fn for_look(caller: &'a str, actor: ActorKind) -> Self {
        let about = Some(About::Desk);
        Self { caller, actor, verb: RecordAccess::VERB, about, is_look: true }
    }

    /// Tells whose it is; what the SLA worker does needs no configuration.
    #[must_use]
    pub fn whose(&self) -> Whose {
        let by_sla = self.caller == SLA_CALLER;
        let found = [RecordSlaWarning::VERB, RecordSlaBreach::VERB, FireTimeRule::VERB].contains(&self.verb);
        if found && by_sla && self.actor == ActorKind::System {
            Whose::Clocks(Ok(()))
        } else if found {
            Whose::Clocks(Err(forbidden(format!(
                "only the SLA worker, caller {SLA_CALLER} with an actor of kind system, records what clocks found"
            ))))
        } else if by_sla {
            Whose::Clocks(Err(forbidden(format!("caller {SLA_CALLER} only records what clocks found"))))
        } else if self.about == Some(About::Config) {
            Whose::Configuration
        } else if self.is_look {
            Whose::Look
        } else if self.about == Some(About::Desk) {
            Whose::Access
        } else {
            Whose::Anybody
        }
    }
}

fn forbidden(why: String) -> Rejection {
    Rejection::Forbidden(why)
}

//! What somebody does, what the desk has configured, and the command that says so to the rules.

use guichet_rules::{Action, ClosedMessage, FiredRule, Life, PendingGuard};
use guichet_schemas::command::{
    AddComment, Assign, Cancel, Close, Command, ConfirmResolution, CreateFollowUp, Entity, FireTimeRule,
    Order, ProposeResolution, RejectResolution, Reopen, RequestInformation, Resolve, SetField, SetStatus,
    Unassign,
};
use guichet_schemas::event::FieldValue;
use guichet_schemas::ids::{CommandId, TicketId};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, CancelReason, HoldReason, ResolutionCode, TicketState, Visibility};
use proptest::prelude::*;
use uuid::Uuid;

use crate::support::{self, House, actor, command, label, text};

/// What somebody does. The number picks the ticket.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Assign,
    Unassign,
    Pending {
        answering: bool,
    },
    Ask,
    Hold,
    Open,
    /// The requester writes; a thank-you changes nothing.
    Message {
        thanks: bool,
    },
    Reply,
    Note,
    BotReply,
    Fill,
    Propose {
        bot: bool,
    },
    Confirm {
        requester: bool,
    },
    Reject {
        requester: bool,
    },
    Resolve {
        supervisor: bool,
        reason: bool,
    },
    Reopen {
        supervisor: bool,
        requester: bool,
    },
    Close,
    Cancel,
    FollowUp,
    Silence,
    Late,
}

/// What the desk has configured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) guard: PendingGuard,
    pub(crate) auto_assign: bool,
    pub(crate) confirmation: bool,
    pub(crate) required: bool,
    /// Hours.
    pub(crate) window: Option<u64>,
    pub(crate) reopen_closed: Option<u64>,
    pub(crate) closed: ClosedMessage,
    pub(crate) limit: u32,
}
pub(crate) fn steps() -> impl Strategy<Value = Step> {
    let twice = || (any::<bool>(), any::<bool>());
    prop_oneof![
        3 => Just(Step::Assign),
        1 => Just(Step::Unassign),
        3 => any::<bool>().prop_map(|answering| Step::Pending { answering }),
        1 => Just(Step::Ask),
        2 => Just(Step::Hold),
        1 => Just(Step::Open),
        4 => prop::bool::weighted(0.2).prop_map(|thanks| Step::Message { thanks }),
        2 => Just(Step::Reply),
        1 => Just(Step::Note),
        1 => Just(Step::BotReply),
        2 => Just(Step::Fill),
        3 => any::<bool>().prop_map(|bot| Step::Propose { bot }),
        3 => prop::bool::weighted(0.8).prop_map(|requester| Step::Confirm { requester }),
        2 => prop::bool::weighted(0.8).prop_map(|requester| Step::Reject { requester }),
        4 => twice().prop_map(|(supervisor, reason)| Step::Resolve { supervisor, reason }),
        2 => prop::sample::select(vec![(true, false), (false, true), (false, false)])
            .prop_map(|(supervisor, requester)| Step::Reopen { supervisor, requester }),
        4 => Just(Step::Close),
        1 => prop::bool::weighted(0.2).prop_map(|gives_up| if gives_up { Step::Cancel } else { Step::Close }),
        2 => Just(Step::FollowUp),
        2 => Just(Step::Silence),
        1 => Just(Step::Late),
    ]
}

pub(crate) fn rules() -> impl Strategy<Value = Rules> {
    let guard = prop::sample::select(vec![PendingGuard::Off, PendingGuard::Warn, PendingGuard::Enforce]);
    let closed =
        vec![ClosedMessage::FollowUp, ClosedMessage::FollowUp, ClosedMessage::Keep, ClosedMessage::Refuse];
    let hours = || prop::option::of(0u64..6);
    (guard, any::<(bool, bool, bool)>(), hours(), hours(), prop::sample::select(closed), 0u32..3).prop_map(
        |(guard, (auto_assign, confirmation, required), window, reopen_closed, closed, limit)| Rules {
            guard,
            auto_assign,
            confirmation,
            required,
            window,
            reopen_closed,
            closed,
            limit,
        },
    )
}

pub(crate) fn house(rules: Rules) -> House {
    let ms = |hours: u64| hours * 3_600_000;
    House {
        life: Life {
            pending_guard: rules.guard,
            auto_assign_on_resolve: rules.auto_assign,
            resolve_requires_confirmation: rules.confirmation,
            reopen_window_ms: rules.window.map(ms),
            reopen_closed_ms: rules.reopen_closed.map(ms),
            closed_message: rules.closed,
            reopen_limit: rules.limit,
            ..Life::default()
        },
        rule: Some(FiredRule { states: TicketState::ALL.to_vec(), actions: vec![Action::Resolve {}] }),
        required: if rules.required { vec!["cause"] } else { Vec::new() },
        procedures: Vec::new(),
    }
}

/// The command of a step, on a ticket.
pub(crate) fn order(step: Step, ticket: TicketId, n: u128) -> Command {
    let comment = |visibility, no_reopen| {
        Order::AddComment(AddComment {
            visibility,
            kind: None,
            body: text("words"),
            attachments: Vec::new(),
            in_reply_to: None,
            counts_as_reply: None,
            no_reopen,
        })
    };
    let status = |to, hold_reason, answering: bool| {
        let comment = answering.then(|| text("we look into it"));
        Order::SetStatus(SetStatus { to, custom_status: None, hold_reason, expected_until: None, comment })
    };
    let code = ResolutionCode::Other;
    let (kind, id, order) = match step {
        Step::Assign => {
            let to = Some(label("ann"));
            (
                ActorKind::Agent,
                "ann",
                Order::Assign(Assign { assignee: to, group: None, reason: None, handover_note: None }),
            )
        }
        Step::Unassign => {
            (ActorKind::Agent, "ann", Order::Unassign(Unassign { reason: text("away"), group: false }))
        }
        Step::Pending { answering } => {
            (ActorKind::Agent, "ann", status(TicketState::Pending, None, answering))
        }
        Step::Ask => {
            let order = RequestInformation { comment: text("which one?"), expected_until: None };
            (ActorKind::Agent, "ann", Order::RequestInformation(order))
        }
        Step::Hold => (ActorKind::Agent, "ann", status(TicketState::Hold, Some(HoldReason::Vendor), false)),
        Step::Open => (ActorKind::Agent, "ann", status(TicketState::Open, None, false)),
        Step::Message { thanks } => (ActorKind::Requester, "r-1", comment(Visibility::Public, thanks)),
        Step::Reply => (ActorKind::Agent, "ann", comment(Visibility::Public, false)),
        Step::Note => (ActorKind::Agent, "ann", comment(Visibility::Internal, false)),
        Step::BotReply => (ActorKind::Bot, "bot", comment(Visibility::Public, false)),
        Step::Fill => {
            let value = Some(FieldValue::Flag(true));
            (ActorKind::Agent, "ann", Order::SetField(SetField { field: "cause".to_owned(), value }))
        }
        Step::Propose { bot } => {
            let order = ProposeResolution { code, summary: text("try"), steps: Vec::new(), root_cause: None };
            let (kind, id) = if bot { (ActorKind::Bot, "bot") } else { (ActorKind::Agent, "ann") };
            (kind, id, Order::ProposeResolution(order))
        }
        Step::Confirm { requester } => {
            let (kind, id) =
                if requester { (ActorKind::Requester, "r-1") } else { (ActorKind::Requester, "r-2") };
            (kind, id, Order::ConfirmResolution(ConfirmResolution))
        }
        Step::Reject { requester } => {
            let (kind, id) =
                if requester { (ActorKind::Requester, "r-1") } else { (ActorKind::Agent, "ann") };
            (kind, id, Order::RejectResolution(RejectResolution { reason: text("no") }))
        }
        Step::Resolve { supervisor, reason } => {
            let kind = if supervisor { ActorKind::Supervisor } else { ActorKind::Agent };
            let order = Resolve {
                code,
                summary: text("done"),
                steps: Vec::new(),
                root_cause: None,
                override_reason: reason.then(|| text("on leave")),
            };
            (kind, "ann", Order::Resolve(order))
        }
        Step::Reopen { supervisor, requester } => {
            let (kind, id) = match (supervisor, requester) {
                (true, _) => (ActorKind::Supervisor, "sue"),
                (false, true) => (ActorKind::Requester, "r-1"),
                (false, false) => (ActorKind::Agent, "ann"),
            };
            (kind, id, Order::Reopen(Reopen { reason: text("again") }))
        }
        Step::Close => (ActorKind::Agent, "ann", Order::Close(Close)),
        Step::Cancel => (ActorKind::Agent, "ann", Order::Cancel(Cancel { reason: CancelReason::Spam })),
        Step::FollowUp => {
            let order =
                CreateFollowUp { of: ticket, subject: None, description: None, group: None, assignee: None };
            (ActorKind::Agent, "ann", Order::CreateFollowUp(order))
        }
        Step::Silence | Step::Late => {
            let order = FireTimeRule {
                rule: label("confirm"),
                instance: u32::try_from(n).unwrap(),
                due_at: Timestamp(0),
                holds: matches!(step, Step::Silence),
                config_version: Some(support::VERSION),
                skipped: None,
            };
            (ActorKind::System, "sla", Order::FireTimeRule(order))
        }
    };
    let entity = if matches!(step, Step::FollowUp) { Entity::New } else { Entity::Ticket(ticket) };
    let clocks = matches!(step, Step::Silence | Step::Late);
    Command {
        entity,
        command_id: CommandId(Uuid::from_u128(1_000 + n)),
        actor: actor(kind, id),
        expected_version: clocks.then_some(1),
        caller: guichet_schemas::ids::CallerId::parse(if clocks { "sla" } else { "tests" }).unwrap(),
        ..command(order)
    }
}

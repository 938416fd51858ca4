//! The life of a ticket against a second telling of it: the table of the state machine, written down here as plainly as it
//! goes, by states as words and without a line of the rules. Random lists of commands must lead both to the same events,
//! the same refusals and the same states; and what they leave must keep the invariants of a stream.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the examples")]
mod support;

use std::collections::BTreeSet;

use guichet_rules::{Action, ClosedMessage, FiredRule, Life, PendingGuard};
use guichet_schemas::command::{
    AddComment, Assign, Cancel, Close, Command, ConfirmResolution, CreateFollowUp, Entity, FireTimeRule,
    Order, ProposeResolution, RejectResolution, Reopen, RequestInformation, Resolve, SetField, SetStatus,
    Unassign,
};
use guichet_schemas::event::{Event, FieldValue, LifeCycle, Relations, TicketEvent};
use guichet_schemas::ids::{CommandId, TicketId};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, CancelReason, HoldReason, ResolutionCode, TicketState, Visibility};
use proptest::prelude::*;
use support::{Desk, House, OWN, actor, command, create, label, text};
use uuid::Uuid;

/// What somebody does. The number picks the ticket.
#[derive(Debug, Clone, Copy)]
enum Step {
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
struct Rules {
    guard: PendingGuard,
    auto_assign: bool,
    confirmation: bool,
    required: bool,
    /// Hours.
    window: Option<u64>,
    reopen_closed: Option<u64>,
    closed: ClosedMessage,
    limit: u32,
}

/// A ticket as a person would keep it on paper.
#[derive(Debug, Clone)]
struct Paper {
    state: &'static str,
    assigned: bool,
    answered: bool,
    filled: bool,
    /// Proposed by a person or a bot, and whether the requester has written since.
    proposed: Option<(bool, bool)>,
    resolutions: u32,
    confirmed: bool,
    since: i64,
    /// When requesters brought it back.
    came_back: Vec<i64>,
    held: bool,
    next: Option<usize>,
}

impl Paper {
    fn new(filled: bool, now: i64) -> Self {
        Self {
            state: "new",
            assigned: false,
            answered: false,
            filled,
            proposed: None,
            resolutions: 0,
            confirmed: false,
            since: now,
            came_back: Vec::new(),
            held: false,
            next: None,
        }
    }

    fn is_over(&self) -> bool {
        ["closed", "cancelled"].contains(&self.state)
    }

    fn goes(&mut self, state: &'static str, now: i64) {
        if self.state != state {
            self.since = now;
        }
        self.state = state;
        self.held = false;
        if ["resolved", "closed", "cancelled"].contains(&state) {
            self.proposed = None;
        }
    }

    fn refuses(&self, states: &[&str]) -> Option<&'static str> {
        match (states.contains(&self.state), self.is_over()) {
            (true, _) => None,
            (false, true) => Some("terminal_state"),
            (false, false) => Some("invalid_transition"),
        }
    }
}

type Told = Result<Vec<&'static str>, &'static str>;

/// All tickets of the desk.
#[derive(Debug, Clone)]
struct Book {
    tickets: Vec<Paper>,
    rules: Rules,
}

const WORK: &[&str] = &["new", "open", "pending", "hold"];
const PROPOSABLE: &[&str] = &["open", "pending", "hold"];
const ANSWERABLE: &[&str] = &["open", "pending", "hold", "resolved"];
const UNTIL_CLOSED: &[&str] = &["new", "open", "pending", "hold", "resolved"];

impl Book {
    /// Where a message to a closed ticket goes on.
    fn addressed(&self, mut at: usize, step: Step) -> usize {
        let Step::Message { thanks: false } = step else { return at };
        if self.rules.closed != ClosedMessage::FollowUp {
            return at;
        }
        while self.tickets[at].state == "closed" {
            match self.tickets[at].next {
                Some(next) if self.tickets[next].state != "cancelled" => at = next,
                _ => break,
            }
        }
        at
    }

    fn tell(&mut self, at: usize, step: Step, now: i64) -> Told {
        let at = self.addressed(at, step);
        let rules = self.rules;
        if let Step::Message { thanks } = step
            && self.tickets[at].state == "closed"
        {
            return self.after_the_end(at, thanks, now);
        }
        if let Step::FollowUp = step {
            return match self.tickets[at].refuses(&["closed"]) {
                Some(code) => Err(code),
                None => {
                    self.follow(at, now);
                    Ok(vec!["FollowUpCreated", "TicketCreated", "TicketsLinked"])
                }
            };
        }
        let t = &mut self.tickets[at];
        let mut told = Vec::new();
        let refused = match step {
            Step::Assign | Step::Unassign | Step::Reply | Step::Note | Step::BotReply | Step::Fill => {
                t.refuses(UNTIL_CLOSED)
            }
            Step::Message { .. } => t.refuses(UNTIL_CLOSED),
            Step::Pending { .. } | Step::Ask | Step::Hold | Step::Open | Step::Cancel => t.refuses(WORK),
            Step::Propose { .. } => t.refuses(PROPOSABLE),
            Step::Confirm { requester } | Step::Reject { requester } => {
                if requester {
                    t.refuses(ANSWERABLE)
                } else {
                    Some("forbidden")
                }
            }
            Step::Resolve { .. } | Step::Reopen { .. } | Step::Close | Step::Silence | Step::Late => None,
            Step::FollowUp => None,
        };
        // Where the effect holds already, nobody is refused.
        let is_so = matches!(step, Step::Cancel) && t.state == "cancelled"
            || matches!(step, Step::Unassign) && !t.assigned && !t.is_over();
        if is_so {
            return Ok(told);
        }
        if let Some(code) = refused {
            return Err(code);
        }
        match step {
            Step::Assign => {
                if !t.assigned {
                    told.push("TicketAssigned");
                    if t.state == "new" {
                        told.push("StatusChanged");
                        t.goes("open", now);
                    }
                }
                t.assigned = true;
            }
            Step::Unassign => {
                told.push("TicketUnassigned");
                t.assigned = false;
            }
            Step::Pending { answering } => {
                let waits = t.state != "pending" && !t.answered && !answering;
                if waits && rules.guard == PendingGuard::Enforce {
                    return Err("guard_failed");
                }
                if answering {
                    told.push("CommentAdded");
                    t.answered = true;
                }
                if t.state != "pending" {
                    told.push("StatusChanged");
                    t.goes("pending", now);
                }
            }
            Step::Ask => {
                told.push("CommentAdded");
                t.answered = true;
                if t.state != "pending" {
                    told.push("StatusChanged");
                    t.goes("pending", now);
                }
            }
            Step::Hold | Step::Open => {
                let to = if matches!(step, Step::Hold) { "hold" } else { "open" };
                if t.state != to {
                    told.push("StatusChanged");
                    t.goes(to, now);
                }
            }
            Step::Message { thanks } => {
                told.push("CommentAdded");
                t.answered = false;
                if let Some((_, answered)) = &mut t.proposed
                    && !thanks
                {
                    *answered = true;
                }
                if ["pending", "hold"].contains(&t.state) {
                    told.push("StatusChanged");
                    t.goes("open", now);
                } else if t.state == "resolved" && !thanks && in_time(rules.window, now, t.since) {
                    let recent = t.came_back.iter().filter(|at| now - **at <= 24).count();
                    if rules.limit > 0 && recent >= rules.limit as usize {
                        told.push("ReopenHeld");
                        t.held = true;
                    } else {
                        told.push("TicketReopened");
                        t.goes("open", now);
                        t.came_back.push(now);
                    }
                }
            }
            Step::Reply => {
                told.push("CommentAdded");
                t.answered = true;
                if t.state == "new" {
                    told.push("StatusChanged");
                    t.goes("open", now);
                }
            }
            Step::Note | Step::BotReply => told.push("CommentAdded"),
            Step::Fill => {
                if !t.filled {
                    told.push("FieldChanged");
                }
                t.filled = true;
            }
            Step::Propose { bot } => {
                if rules.required && !t.filled {
                    return Err("guard_failed");
                }
                told.push("ResolutionProposed");
                t.proposed = Some((bot, false));
            }
            Step::Confirm { .. } if t.state == "resolved" => {
                if !t.confirmed {
                    told.push("ResolutionConfirmed");
                }
                t.confirmed = true;
            }
            Step::Confirm { .. } => {
                let Some((bot, _)) = t.proposed else { return Err("guard_failed") };
                told.push("ResolutionConfirmed");
                as_proposed(t, bot, true, rules, now, &mut told);
            }
            Step::Reject { .. } if t.state == "resolved" => {
                if !in_time(rules.window, now, t.since) {
                    return Err("guard_failed");
                }
                told.extend(["ResolutionRejected", "TicketReopened"]);
                t.goes("open", now);
                t.answered = false;
                t.came_back.push(now);
            }
            Step::Reject { .. } => {
                if t.proposed.take().is_none() {
                    return Err("guard_failed");
                }
                told.push("ResolutionRejected");
                t.answered = false;
                if t.state != "open" {
                    told.push("StatusChanged");
                    t.goes("open", now);
                }
            }
            Step::Resolve { supervisor, reason } => {
                if t.state == "resolved" {
                    return Ok(told);
                }
                if let Some(code) = t.refuses(WORK) {
                    return Err(code);
                }
                let overrides = supervisor && reason;
                let refused = (rules.confirmation || rules.required && !t.filled) && !overrides;
                if refused || !t.assigned && !rules.auto_assign {
                    return Err("guard_failed");
                }
                if !t.assigned {
                    told.push("TicketAssigned");
                    t.assigned = true;
                }
                told.push("TicketResolved");
                t.resolutions += 1;
                t.confirmed = false;
                t.goes("resolved", now);
            }
            Step::Reopen { supervisor, requester } => match t.state {
                "new" | "open" | "pending" | "hold" => {}
                "resolved" if !in_time(rules.window, now, t.since) => return Err("guard_failed"),
                "closed" if !supervisor => return Err("terminal_state"),
                "closed" if rules.reopen_closed.is_none_or(|most| now - t.since > most as i64) => {
                    return Err("terminal_state");
                }
                "cancelled" => return Err("terminal_state"),
                _ => {
                    told.push("TicketReopened");
                    t.goes("open", now);
                    if requester {
                        t.came_back.push(now);
                    }
                }
            },
            Step::Close => match t.state {
                "closed" => {}
                "resolved" => {
                    told.push("TicketClosed");
                    t.goes("closed", now);
                }
                "cancelled" => return Err("terminal_state"),
                _ => return Err("invalid_transition"),
            },
            Step::Cancel => {
                told.push("TicketCancelled");
                t.goes("cancelled", now);
            }
            Step::Silence | Step::Late => {
                told.push("TimeRuleFired");
                if let Some((bot, false)) = t.proposed
                    && matches!(step, Step::Silence)
                {
                    as_proposed(t, bot, false, rules, now, &mut told);
                }
            }
            Step::FollowUp => unreachable!(),
        }
        Ok(told)
    }

    fn after_the_end(&mut self, at: usize, thanks: bool, now: i64) -> Told {
        match self.rules.closed {
            ClosedMessage::Refuse => Err("terminal_state"),
            ClosedMessage::FollowUp if !thanks => {
                let new = self.follow(at, now);
                self.tickets[new].answered = false;
                Ok(vec!["FollowUpCreated", "TicketCreated", "TicketsLinked", "CommentAdded"])
            }
            ClosedMessage::Keep | ClosedMessage::FollowUp => {
                self.tickets[at].answered = false;
                Ok(vec!["CommentAdded"])
            }
        }
    }

    fn follow(&mut self, at: usize, now: i64) -> usize {
        let new = self.tickets.len();
        self.tickets[at].next = Some(new);
        let filled = self.tickets[at].filled;
        self.tickets.push(Paper::new(filled, now));
        new
    }
}

fn in_time(window: Option<u64>, now: i64, since: i64) -> bool {
    window.is_none_or(|most| now - since <= most as i64)
}

fn as_proposed(
    t: &mut Paper,
    bot: bool,
    confirmed: bool,
    rules: Rules,
    now: i64,
    told: &mut Vec<&'static str>,
) {
    if !t.assigned && !bot && rules.auto_assign {
        told.push("TicketAssigned");
        t.assigned = true;
    }
    told.push("TicketResolved");
    t.resolutions += 1;
    t.confirmed = confirmed;
    t.goes("resolved", now);
}

fn steps() -> impl Strategy<Value = Step> {
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

fn rules() -> impl Strategy<Value = Rules> {
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

fn house(rules: Rules) -> House {
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
    }
}

/// The command of a step, on a ticket.
fn order(step: Step, ticket: TicketId, n: u128) -> Command {
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

fn tickets(desk: &Desk) -> Vec<(TicketId, &guichet_rules::Ticket, Vec<&Event>)> {
    let own = desk
        .ticket
        .as_ref()
        .map(|ticket| (OWN, ticket, desk.events.iter().map(|(event, _)| event).collect()));
    let others = desk.others.iter().map(|(id, ticket, events)| (*id, ticket, events.iter().collect()));
    own.into_iter().chain(others).collect()
}

/// What must hold of every stream, whatever was asked for.
fn invariants(events: &[&Event], ticket: &guichet_rules::Ticket) -> Result<(), String> {
    let mut last = 0;
    let mut over = None;
    for (n, event) in events.iter().enumerate() {
        if (n == 0) != event.created().is_some() {
            return Err(format!("event {n} is {}", event.type_name()));
        }
        let Event::Ticket(event) = event else { continue };
        let may_follow = matches!(event, TicketEvent::Relations(_) | TicketEvent::Conversation(_))
            || matches!(event, TicketEvent::LifeCycle(LifeCycle::TicketReopened(_)));
        if let Some(state) = over
            && !may_follow
        {
            return Err(format!("{event:?} follows {state}"));
        }
        if let TicketEvent::LifeCycle(LifeCycle::TicketResolved(e)) = event {
            if e.resolution_no != last + 1 {
                return Err(format!("resolution {} follows {last}", e.resolution_no));
            }
            last = e.resolution_no;
        } else if let TicketEvent::LifeCycle(LifeCycle::TicketReopened(e)) = event {
            over = None;
            if e.resolution_no != last {
                return Err(format!("resolution {last} did not hold, not {}", e.resolution_no));
            }
        } else if let TicketEvent::LifeCycle(LifeCycle::TicketClosed(_)) = event {
            over = Some("closed");
        } else if let TicketEvent::LifeCycle(LifeCycle::TicketCancelled(_)) = event {
            over = Some("cancelled");
        }
    }
    if ticket.version != events.len() as u64 {
        return Err(format!("version {} after {} events", ticket.version, events.len()));
    }
    Ok(())
}

/// So many lists are tried; the long run tries more.
fn cases() -> u32 {
    if std::env::var_os("GUICHET_LONG").is_some_and(|long| long == "1") { 10_000 } else { 400 }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn the_rules_and_the_table_tell_the_same(rules in rules(), list in prop::collection::vec((steps(), 0usize..4), 0..60)) {
        let mut desk = Desk { house: Some(house(rules)), hour: 1, ..Desk::default() };
        desk.tell(&command(Order::Create(create()))).unwrap();
        let mut book = Book { tickets: vec![Paper::new(false, desk.hour)], rules };
        for (n, (step, pick)) in (1..).zip(list) {
            let at = pick % book.tickets.len();
            let id = tickets(&desk)[at].0;
            let asked = order(step, id, n);
            let told = desk.tell(&asked).map_err(|refused| refused.code());
            let told = told.map(|events| events.iter().map(Event::type_name).collect::<Vec<_>>());
            let expected = book.tell(at, step, desk.hour);
            prop_assert_eq!(&told, &expected, "{:?} on ticket {}: {:?}", step, at, book.tickets[at]);
            for ((id, ticket, _), paper) in tickets(&desk).iter().zip(&book.tickets) {
                prop_assert_eq!(ticket.state().as_str(), paper.state, "{} after {:?}", id, step);
                prop_assert_eq!(ticket.assignee.is_some(), paper.assigned);
                prop_assert_eq!(ticket.proposal.is_some(), paper.proposed.is_some());
                prop_assert_eq!((ticket.resolutions(), ticket.reopen_held), (paper.resolutions, paper.held));
            }
            prop_assert_eq!(desk.others.len() + 1, book.tickets.len());
        }
        let mut followed = BTreeSet::new();
        for (id, ticket, events) in tickets(&desk) {
            prop_assert_eq!(invariants(&events, ticket), Ok(()), "{}", id);
            for event in events {
                if let Event::Ticket(TicketEvent::Relations(Relations::FollowUpCreated(e))) = event {
                    prop_assert!(e.of == id && followed.insert(e.new_ticket), "a ticket follows one other");
                }
            }
        }
        prop_assert_eq!(followed.len(), desk.others.len());
    }
}

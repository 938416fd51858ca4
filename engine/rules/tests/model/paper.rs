//! The second telling: each ticket on a sheet of paper, by the table of the state machine.

use guichet_rules::{ClosedMessage, PendingGuard};

use crate::steps::{Rules, Step};

/// A ticket as a person would keep it on paper.
#[derive(Debug, Clone)]
pub(crate) struct Paper {
    pub(crate) state: &'static str,
    pub(crate) assigned: bool,
    pub(crate) answered: bool,
    /// Answers since the requester last wrote, and whether each was a draft once.
    pub(crate) answers: Vec<bool>,
    /// The draft of the ticket: it waits, went out, or did not.
    pub(crate) draft: Option<Option<bool>>,
    /// It went out once, and was taken back since.
    pub(crate) went_out: bool,
    pub(crate) private: bool,
    /// It was handed off once, and is in the group of that.
    pub(crate) handed_off: bool,
    pub(crate) filled: bool,
    /// Proposed by a person or a bot, and whether the requester has written since.
    pub(crate) proposed: Option<(bool, bool)>,
    pub(crate) resolutions: u32,
    pub(crate) confirmed: bool,
    pub(crate) since: i64,
    /// When requesters brought it back.
    pub(crate) came_back: Vec<i64>,
    pub(crate) held: bool,
    pub(crate) next: Option<usize>,
    /// The ticket that it went into.
    pub(crate) into: Option<usize>,
}

impl Paper {
    pub(crate) fn new(filled: bool, now: i64) -> Self {
        Self {
            state: "new",
            assigned: false,
            answered: false,
            answers: Vec::new(),
            draft: None,
            went_out: false,
            private: false,
            handed_off: false,
            filled,
            proposed: None,
            resolutions: 0,
            confirmed: false,
            since: now,
            came_back: Vec::new(),
            held: false,
            next: None,
            into: None,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
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

    fn answers(&mut self, was_draft: bool) {
        self.answered = true;
        self.answers.push(was_draft);
    }

    fn asks(&mut self) {
        self.answered = false;
        self.answers.clear();
    }

    fn take_back(&mut self) {
        self.private = true;
        if let Some(n) = self.answers.iter().position(|was_draft| *was_draft) {
            self.answers.remove(n);
            self.answered = !self.answers.is_empty();
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

pub(crate) type Told = Result<Vec<&'static str>, &'static str>;

/// All tickets of the desk.
#[derive(Debug, Clone)]
pub(crate) struct Book {
    pub(crate) tickets: Vec<Paper>,
    pub(crate) rules: Rules,
}

const WORK: &[&str] = &["new", "open", "pending", "hold"];
const PROPOSABLE: &[&str] = &["open", "pending", "hold"];
const ANSWERABLE: &[&str] = &["open", "pending", "hold", "resolved"];
const UNTIL_CLOSED: &[&str] = &["new", "open", "pending", "hold", "resolved"];

impl Book {
    /// Where a message to a closed ticket goes on.
    fn addressed(&self, mut at: usize, step: Step) -> usize {
        let Step::Message { thanks } = step else { return at };
        let follows = !thanks && self.rules.closed == ClosedMessage::FollowUp;
        while self.tickets[at].state == "closed" {
            let t = &self.tickets[at];
            match t.into.or(t.next.filter(|_| follows)) {
                Some(next) if self.tickets[next].state != "cancelled" => at = next,
                _ => break,
            }
        }
        at
    }

    pub(crate) fn tell(&mut self, at: usize, step: Step, now: i64) -> Told {
        let at = self.addressed(at, step);
        let rules = self.rules;
        if let Step::Merge { of } = step {
            return self.merge(at, of % self.tickets.len(), now);
        }
        if self.tickets[at].into.is_some() && !matches!(step, Step::Silence | Step::Late) {
            return Err("terminal_state");
        }
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
            Step::Message { .. } | Step::Draft | Step::HandOff => t.refuses(UNTIL_CLOSED),
            Step::Approve { .. } | Step::RejectDraft if t.draft.is_none() => Some("not_found"),
            Step::Approve { supervisor: false } => Some("forbidden"),
            Step::Approve { .. } | Step::RejectDraft => t.refuses(UNTIL_CLOSED),
            Step::TakeBack => (!t.went_out).then_some("not_found"),
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
            Step::FollowUp | Step::Merge { .. } => None,
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
                    t.answers(false);
                }
                if t.state != "pending" {
                    told.push("StatusChanged");
                    t.goes("pending", now);
                }
            }
            Step::Ask => {
                told.push("CommentAdded");
                t.answers(false);
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
                t.asks();
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
                t.answers(false);
                if t.state == "new" {
                    told.push("StatusChanged");
                    t.goes("open", now);
                }
            }
            Step::Note | Step::BotReply => told.push("CommentAdded"),
            Step::Draft => {
                told.push("ReplyDrafted");
                t.draft = Some(None);
            }
            Step::Approve { .. } | Step::RejectDraft => {
                let approves = !matches!(step, Step::RejectDraft);
                match t.draft.flatten() {
                    Some(decided) if decided == approves => return Ok(told),
                    Some(_) => return Err("guard_failed"),
                    None => t.draft = Some(Some(approves)),
                }
                if !approves {
                    told.push("ReplyRejected");
                    return Ok(told);
                }
                told.extend(["ReplyApproved", "CommentAdded"]);
                t.went_out = true;
                t.answers(true);
                if t.state == "new" {
                    told.push("StatusChanged");
                    t.goes("open", now);
                }
            }
            Step::HandOff => {
                told.push("HandedOff");
                if !t.handed_off {
                    told.push("TicketRouted");
                    t.handed_off = true;
                }
                if t.state == "pending" {
                    told.push("StatusChanged");
                    t.goes("open", now);
                }
            }
            Step::TakeBack => {
                if !t.private {
                    told.push("CommentMadePrivate");
                    t.take_back();
                }
            }
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
                t.asks();
                t.came_back.push(now);
            }
            Step::Reject { .. } => {
                if t.proposed.take().is_none() {
                    return Err("guard_failed");
                }
                told.push("ResolutionRejected");
                t.asks();
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
            Step::FollowUp | Step::Merge { .. } => unreachable!(),
        }
        Ok(told)
    }

    fn after_the_end(&mut self, at: usize, thanks: bool, now: i64) -> Told {
        match self.rules.closed {
            ClosedMessage::Refuse => Err("terminal_state"),
            ClosedMessage::FollowUp if !thanks => {
                let new = self.follow(at, now);
                self.tickets[new].asks();
                Ok(vec!["FollowUpCreated", "TicketCreated", "TicketsLinked", "CommentAdded"])
            }
            ClosedMessage::Keep | ClosedMessage::FollowUp => {
                self.tickets[at].asks();
                Ok(vec!["CommentAdded"])
            }
        }
    }

    fn merge(&mut self, at: usize, of: usize, now: i64) -> Told {
        match self.tickets[of].into {
            _ if of == at => return Err("validation_failed"),
            Some(into) if into == at => return Ok(Vec::new()),
            Some(_) => return Err("already_merged"),
            None => {}
        }
        if self.tickets[at].is_over() || self.tickets[of].is_over() {
            return Err("terminal_state");
        }
        self.tickets[of].goes("closed", now);
        self.tickets[of].into = Some(at);
        Ok(vec!["TicketMerged", "TicketClosed", "MergeReceived"])
    }

    fn follow(&mut self, at: usize, now: i64) -> usize {
        let new = self.tickets.len();
        self.tickets[at].next = Some(new);
        let (filled, handed_off) = (self.tickets[at].filled, self.tickets[at].handed_off);
        self.tickets.push(Paper { handed_off, ..Paper::new(filled, now) });
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

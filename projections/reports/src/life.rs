//! A ticket's life as far as it was walked: the state that the figures ask for.

use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::store::{Moment, MomentCreated};
use guichet_schemas::words::{CloseReason, Origin, TicketState};

/// The values that parts of a report group by. Empty: none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Dimensions<'a> {
    pub(crate) channel: i32,
    pub(crate) priority: i32,
    pub(crate) tier: u32,
    pub(crate) category: &'a str,
    pub(crate) group: &'a str,
    pub(crate) product: &'a str,
    pub(crate) agent: &'a str,
}

/// A ticket after some of its moments. Times in milliseconds UTC.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Life<'a> {
    pub(crate) now: Dimensions<'a>,
    pub(crate) state: Option<TicketState>,
    pub(crate) state_since: i64,
    pub(crate) created_at: i64,
    pub(crate) outbound: bool,
    pub(crate) merged: bool,
    pub(crate) first_resolved_at: Option<i64>,
    pub(crate) last_resolved_at: Option<i64>,
    pub(crate) first_reopened_at: Option<i64>,
    pub(crate) first_followed_up_at: Option<i64>,
    pub(crate) resolver: &'a str,
    pub(crate) resolver_is_human: bool,
    proposer_is_human: bool,
    pub(crate) reopens: u64,
    pub(crate) resolutions: u64,
    pub(crate) origin: i32,
    /// Time in resolved and closed, spells that are over.
    done_ms: i64,
    /// Time in pending and hold, spells that are over.
    waiting_ms: i64,
    /// Both as they were at the last resolution.
    at_last_resolution: (i64, i64),
    pub(crate) human_replies: u64,
    pub(crate) first_human_reply_at: Option<i64>,
    pub(crate) first_bot_reply_at: Option<i64>,
    pub(crate) last_reply_at: Option<i64>,
    pub(crate) escalations: u64,
    /// Last assignee and group that were not none.
    last_agent: &'a str,
    last_group: &'a str,
    first_agent: &'a str,
    several_agents: bool,
}

/// A change of hands, by its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handover {
    /// From one assignee to another.
    Agent,
    /// From one group to another.
    Group,
}

impl<'a> Life<'a> {
    /// Goes on by one moment.
    pub(crate) fn step(&mut self, moment: &'a Moment) {
        let at = moment.at;
        match &moment.what {
            Some(What::Created(created)) => self.created(created, at),
            Some(What::State(state)) => self.enter(TicketState::from_wire(*state).ok(), at),
            Some(What::Resolved(resolved)) => {
                self.enter(Some(TicketState::Resolved), at);
                self.first_resolved_at = self.first_resolved_at.or(Some(at));
                self.last_resolved_at = Some(at);
                self.resolutions = self.resolutions.saturating_add(1);
                self.at_last_resolution = (self.done_ms, self.waiting_ms);
                self.resolver = &resolved.by;
                self.resolver_is_human =
                    if resolved.as_proposed { self.proposer_is_human } else { resolved.human };
            }
            Some(What::Reopened(_)) => {
                self.enter(Some(TicketState::Open), at);
                self.first_reopened_at = self.first_reopened_at.or(Some(at));
                self.reopens = self.reopens.saturating_add(1);
            }
            Some(What::Closed(reason)) => {
                self.enter(Some(TicketState::Closed), at);
                self.merged |= CloseReason::from_wire(*reason) == Ok(CloseReason::Merged);
            }
            Some(What::Cancelled(_)) => self.enter(Some(TicketState::Cancelled), at),
            Some(What::Group(group)) => self.set_group(group),
            Some(What::Assignee(agent)) => self.set_agent(agent),
            Some(What::Category(category)) => self.now.category = category,
            Some(What::Priority(priority)) => self.now.priority = *priority,
            Some(What::Escalated(escalated)) => {
                self.escalations = self.escalations.saturating_add(1);
                self.now.tier = escalated.to_tier;
            }
            Some(What::Deescalated(tier)) => self.now.tier = *tier,
            Some(What::Reply(reply)) => {
                self.last_reply_at = Some(at);
                if reply.human {
                    self.human_replies = self.human_replies.saturating_add(1);
                    self.first_human_reply_at = self.first_human_reply_at.or(Some(at));
                } else {
                    self.first_bot_reply_at = self.first_bot_reply_at.or(Some(at));
                }
            }
            Some(What::Proposed(by_human)) => self.proposer_is_human = *by_human,
            Some(What::FollowedUp(_)) => {
                self.first_followed_up_at = self.first_followed_up_at.or(Some(at));
            }
            Some(
                What::Inbound(_)
                | What::Clock(_)
                | What::Survey(_)
                | What::Rated(_)
                | What::Nps(_)
                | What::Worked(_)
                | What::Article(_),
            )
            | None => {}
        }
    }

    /// New, open, pending or hold.
    pub(crate) fn is_unresolved(&self) -> bool {
        self.state.is_some_and(|state| !state.is_done())
    }

    /// New or open: waits for us.
    pub(crate) fn is_actionable(&self) -> bool {
        matches!(self.state, Some(TicketState::New | TicketState::Open))
    }

    /// Resolved, or closed after a resolution.
    pub(crate) fn is_resolved(&self) -> bool {
        self.last_resolved_at.is_some()
            && matches!(self.state, Some(TicketState::Resolved | TicketState::Closed))
    }

    /// Exactly one assignee so far.
    pub(crate) fn has_one_agent(&self) -> bool {
        !self.first_agent.is_empty() && !self.several_agents
    }

    /// Never handed from one assignee to another.
    pub(crate) fn has_at_most_one_agent(&self) -> bool {
        !self.several_agents
    }

    /// The change of hands that the next moment would make.
    pub(crate) fn handover(&self, what: Option<&What>) -> Option<Handover> {
        let changes = |last: &str, to: &str| !last.is_empty() && !to.is_empty() && last != to;
        match what {
            Some(What::Assignee(to)) if changes(self.last_agent, to) => Some(Handover::Agent),
            Some(What::Group(to)) if changes(self.last_group, to) => Some(Handover::Group),
            Some(_) | None => None,
        }
    }

    /// From the creation to the last resolution: whole, less the time resolved, and less that of waiting too.
    pub(crate) fn resolution_times(&self) -> Option<(i64, i64, i64)> {
        let full = self.last_resolved_at?.saturating_sub(self.created_at);
        let (done, waiting) = self.at_last_resolution;
        let net = full.saturating_sub(done);
        Some((full, net, net.saturating_sub(waiting)))
    }

    fn created(&mut self, created: &'a MomentCreated, at: i64) {
        let state = if created.assignee.is_empty() { TicketState::New } else { TicketState::Open };
        self.enter(Some(state), at);
        self.created_at = at;
        self.origin = created.origin;
        self.outbound = Origin::from_wire(created.origin) == Ok(Origin::Agent);
        self.now = Dimensions {
            channel: created.channel,
            priority: created.priority,
            tier: created.tier,
            category: &created.category,
            group: "",
            product: &created.product,
            agent: "",
        };
        self.set_group(&created.group);
        self.set_agent(&created.assignee);
    }

    fn set_group(&mut self, group: &'a str) {
        self.now.group = group;
        if !group.is_empty() {
            self.last_group = group;
        }
    }

    fn set_agent(&mut self, agent: &'a str) {
        self.now.agent = agent;
        if agent.is_empty() {
            return;
        }
        if self.first_agent.is_empty() {
            self.first_agent = agent;
        }
        self.several_agents |= self.first_agent != agent;
        self.last_agent = agent;
    }

    fn enter(&mut self, to: Option<TicketState>, at: i64) {
        if self.state == to {
            return;
        }
        let spell = at.saturating_sub(self.state_since);
        match self.state {
            Some(TicketState::Resolved | TicketState::Closed) => {
                self.done_ms = self.done_ms.saturating_add(spell);
            }
            Some(TicketState::Pending | TicketState::Hold) => {
                self.waiting_ms = self.waiting_ms.saturating_add(spell);
            }
            Some(TicketState::New | TicketState::Open | TicketState::Cancelled) | None => {}
        }
        self.state = to;
        self.state_since = at;
    }
}

//! The facts of one made-up ticket, in order, folded on the way: each is written with what the ticket was then.
//! What would happen after the end of the demo does not happen: such a ticket is still under way.

use guichet_rules::{Ticket, evolve};
use guichet_schemas::command::Fact;
use guichet_schemas::event::{
    Actor, CommentAdded, Event, Personal, StatusChanged, TicketAssigned, TicketRouted,
};
use guichet_schemas::ids::CommentId;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{
    ActorKind, AuthorKind, Channel, CommentKind, HoldReason, StatusCause, Strategy, TicketState, Visibility,
};
use uuid::Uuid;

use super::calendar::{awake, working};

pub(super) struct Story {
    external_id: String,
    until: Timestamp,
    now: Timestamp,
    ticket: Option<Ticket>,
    facts: Vec<Fact>,
    comments: u32,
}

impl Story {
    /// Nothing has happened yet.
    pub(super) fn new(external_id: &str, now: Timestamp, until: Timestamp) -> Self {
        Self { external_id: external_id.to_owned(), until, now, ticket: None, facts: Vec::new(), comments: 0 }
    }

    pub(super) fn into_facts(self) -> Vec<Fact> {
        self.facts
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Time passes.
    pub(super) fn wait(&mut self, ms: i64) {
        self.now = Timestamp(self.now.0 + ms);
    }

    /// Working time passes.
    pub(super) fn work(&mut self, ms: i64) {
        self.now = working(self.now, ms);
    }

    /// Time passes, and then it is day.
    pub(super) fn sleep(&mut self, ms: i64) {
        self.now = awake(Timestamp(self.now.0 + ms));
    }

    /// Time passes until an instant, if that is to come.
    pub(super) fn wait_until(&mut self, at: Timestamp) {
        self.now = self.now.max(at);
    }

    /// Something happens, unless the demo has ended before.
    pub(super) fn fact(&mut self, actor: &Actor, event: Event) {
        if self.now <= self.until {
            self.ticket = Some(evolve(self.ticket.take(), &event, self.now));
            self.facts.push(Fact { occurred_at: self.now, actor: Some(actor.clone()), event });
        }
    }

    pub(super) fn state(&self) -> TicketState {
        self.ticket.as_ref().map_or(TicketState::New, Ticket::state)
    }

    pub(super) fn assignee(&self) -> Option<String> {
        self.ticket.as_ref().and_then(|t| t.assignee.clone())
    }

    pub(super) fn ticket(&self) -> Option<&Ticket> {
        self.ticket.as_ref()
    }

    /// A status, unless it is so already.
    pub(super) fn status(
        &mut self,
        actor: &Actor,
        to: TicketState,
        hold_reason: Option<HoldReason>,
        cause: StatusCause,
    ) {
        let from = self.state();
        if from != to {
            self.fact(
                actor,
                Event::from(StatusChanged {
                    from,
                    to,
                    custom_status: None,
                    hold_reason,
                    expected_until: None,
                    cause,
                    unanswered: false,
                }),
            );
        }
    }

    /// Gives the ticket to an agent of a group, and opens it if it is new.
    pub(super) fn assign(
        &mut self,
        by: &Actor,
        to: &str,
        group: &str,
        strategy: Strategy,
        handover: Option<(CommentId, String)>,
    ) {
        let (handover_comment, reason) = handover.unzip();
        let event = TicketAssigned {
            from: self.assignee(),
            to: to.to_owned(),
            group: Some(group.to_owned()),
            strategy,
            handover_comment,
            station_no: self.ticket.as_ref().map_or(1, |t| t.stations + 1),
            reason,
        };
        self.fact(by, event.into());
        if self.state() == TicketState::New {
            self.status(by, TicketState::Open, None, StatusCause::Command);
        }
    }

    /// Moves the ticket to a group.
    pub(super) fn route(&mut self, by: &Actor, to: &str, rule: Option<&str>) {
        let event = TicketRouted {
            from_group: self.ticket.as_ref().and_then(|t| t.group.clone()),
            to_group: Some(to.to_owned()),
            rule: rule.map(str::to_owned),
            strategy: if rule.is_some() { Strategy::Rule } else { Strategy::Manual },
            reason: None,
        };
        self.fact(by, event.into());
    }

    /// Somebody writes.
    pub(super) fn comment(
        &mut self,
        by: &Actor,
        visibility: Visibility,
        kind: CommentKind,
        channel: Option<Channel>,
        body: &str,
    ) -> CommentId {
        let event = self.words(by, visibility, kind, channel, body);
        let comment_id = event.comment_id;
        self.fact(by, event.into());
        comment_id
    }

    /// Somebody says thank you, which is no reason to open a ticket again.
    pub(super) fn thanks(&mut self, by: &Actor, channel: Channel, body: &str) {
        let event = self.words(by, Visibility::Public, CommentKind::Message, Some(channel), body);
        self.fact(by, Event::from(CommentAdded { no_reopen: true, ..event }));
    }

    fn words(
        &mut self,
        by: &Actor,
        visibility: Visibility,
        kind: CommentKind,
        channel: Option<Channel>,
        body: &str,
    ) -> CommentAdded {
        self.comments += 1;
        let name = format!("guichet:{}:comment:{}", self.external_id, self.comments);
        let comment_id = CommentId(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()));
        let author_kind = match by.kind {
            ActorKind::Requester => AuthorKind::Requester,
            ActorKind::Agent | ActorKind::LightAgent | ActorKind::Supervisor | ActorKind::Admin => {
                AuthorKind::Agent
            }
            ActorKind::Bot => AuthorKind::Bot,
            ActorKind::Service | ActorKind::System => AuthorKind::System,
        };
        CommentAdded {
            comment_id,
            visibility,
            kind,
            author: by.id.clone(),
            author_kind,
            channel,
            body: Personal::Plain(body.to_owned()),
            attachments: Vec::new(),
            in_reply_to: None,
            counts_as_reply: visibility == Visibility::Public && author_kind == AuthorKind::Agent,
            no_reopen: false,
        }
    }
}

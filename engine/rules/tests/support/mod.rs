//! given / when / then: the only caller of the rules in the tests.

use guichet_rules::{
    Context, Draft, FiredRule, Found, KnownArticle, Life, Other, Past, ProcedureRule, Reads, Stored, Ticket,
    Unconfigured, decide, evolve, goes_on_to, looks_at, looks_at_others,
};
use guichet_schemas::command::{Assign, Command, Create, Entity, Order, Reopen, Requester, Resolve};
use guichet_schemas::event::{Actor, Conversation, Event, Relations, TicketEvent};
use guichet_schemas::ids::{CallerId, CommandId, CommentId, EventId, TenantId, TicketId, TicketNumber};
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::text::{Label, Line, Text};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, Channel, Priority, ResolutionCode, TicketState};
use uuid::Uuid;

/// The ticket that a desk begins with.
pub(crate) const OWN: TicketId = TicketId(Uuid::nil());
pub(crate) const HOUR: i64 = 3_600_000;
/// Version of what is configured, where something is.
pub(crate) const VERSION: u64 = 7;

pub(crate) fn at(hour: i64) -> Timestamp {
    Timestamp(hour * HOUR)
}

pub(crate) fn label(text: &str) -> Label {
    Label::parse(text.to_owned()).unwrap()
}

pub(crate) fn line<const MAX: usize>(text: &str) -> Line<MAX> {
    Line::parse(text.to_owned()).unwrap()
}

pub(crate) fn text<const MAX: usize>(words: &str) -> Text<MAX> {
    Text::parse(words.to_owned()).unwrap()
}

pub(crate) fn actor(kind: ActorKind, id: &str) -> Actor {
    Actor { kind, id: id.to_owned(), on_behalf_of: None }
}

pub(crate) fn command(order: Order) -> Command {
    Command {
        tenant: TenantId::default_tenant(),
        caller: CallerId::parse("tests").unwrap(),
        entity: Entity::Ticket(OWN),
        command_id: CommandId(Uuid::from_u128(7)),
        actor: actor(ActorKind::Agent, "alice"),
        expected_version: None,
        correlation_id: None,
        causation_id: None,
        channel: None,
        dry_run: false,
        traceparent: None,
        order,
    }
}

pub(crate) fn by(kind: ActorKind, id: &str, order: Order) -> Command {
    Command { actor: actor(kind, id), ..command(order) }
}

pub(crate) fn create() -> Create {
    Create {
        subject: line("VPN drops"),
        description: text("Every ten minutes."),
        channel: Channel::Email,
        requester: Requester { id: label("r-1"), name: None, email: None, phone: None, kind: None },
        origin: None,
        r#type: None,
        category: None,
        urgency: None,
        impact: None,
        priority: None,
        tags: Vec::new(),
        group: None,
        assignee: None,
        product: None,
        brand: None,
        language: None,
        organisation: None,
        external_ref: None,
        fields: std::collections::BTreeMap::new(),
        due_at: None,
        synthetic: false,
        restricted_to: Vec::new(),
    }
}

pub(crate) fn assign(to: &str) -> Order {
    Order::Assign(Assign { assignee: Some(label(to)), group: None, reason: None, handover_note: None })
}

pub(crate) fn resolve() -> Order {
    Order::Resolve(Resolve {
        code: ResolutionCode::Configuration,
        summary: text("Set the MTU."),
        steps: Vec::new(),
        root_cause: None,
        override_reason: None,
    })
}

pub(crate) fn reopen() -> Order {
    Order::Reopen(Reopen { reason: text("It is back.") })
}

/// A ticket with its history, and the tickets that came of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Desk {
    pub(crate) ticket: Option<Ticket>,
    pub(crate) events: Vec<(Event, Timestamp)>,
    /// Of the other tickets, in the order in which they began.
    pub(crate) others: Vec<(TicketId, Ticket, Vec<Event>)>,
    /// Who caused each of [`Self::events`].
    pub(crate) actors: Vec<Actor>,
    pub(crate) hour: i64,
    /// The article that commands name.
    pub(crate) article: KnownArticle,
    /// What is configured; none: nothing.
    pub(crate) house: Option<House>,
    /// Bytes that were uploaded.
    pub(crate) stored: Option<Stored>,
}

/// A desk that has configured its life, and one time rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct House {
    pub(crate) life: Life,
    pub(crate) rule: Option<FiredRule>,
    /// Fields without which nothing is resolved.
    pub(crate) required: Vec<&'static str>,
    /// Trainees, each with their mentor.
    pub(crate) trainees: Vec<(&'static str, &'static str)>,
    /// The highest priority of which alice says that it is solved.
    pub(crate) authority: Option<Priority>,
    pub(crate) procedures: Vec<(&'static str, ProcedureRule)>,
}

impl guichet_rules::DeskRules for House {
    fn may(&self, command: &Command) -> Result<(), Rejection> {
        Unconfigured.may(command)
    }
    fn knows(&self, _: &Order) -> Result<(), FieldError> {
        Ok(())
    }
    fn life(&self) -> Life {
        self.life
    }
    fn missing_on_resolve(&self, ticket: &Ticket) -> Vec<String> {
        let missing = self.required.iter().filter(|field| !ticket.fields.contains_key(**field));
        missing.map(|field| (*field).to_owned()).collect()
    }
    fn is_supervised(&self, command: &Command) -> bool {
        self.trainees.iter().any(|(trainee, _)| *trainee == command.actor.id)
    }
    fn mentor(&self, agent: &str) -> Option<String> {
        let found = self.trainees.iter().find(|(trainee, _)| *trainee == agent);
        found.map(|(_, mentor)| (*mentor).to_owned())
    }
    fn authority(&self, agent: &str) -> Option<Priority> {
        self.authority.filter(|_| agent == "alice")
    }
    fn procedure(&self, id: &str) -> Option<ProcedureRule> {
        self.procedures.iter().find(|(known, _)| *known == id).map(|(_, rule)| rule.clone())
    }
    fn time_rule(&self, _: &str) -> Option<FiredRule> {
        self.rule.clone()
    }
}

impl Desk {
    /// Decides one command an hour after the last and folds what happened.
    pub(crate) fn tell(&mut self, command: &Command) -> Result<Vec<Event>, Rejection> {
        self.hour += 1;
        let addressed = self.addressed(command);
        let drafts = self.ask(command)?;
        for draft in &drafts {
            let when = draft.occurred_at.unwrap_or(at(self.hour));
            match draft.of.or(addressed).filter(|id| *id != OWN) {
                Some(id) => self.fold_other(id, &draft.event, when),
                None => {
                    self.ticket = Some(evolve(self.ticket.take(), &draft.event, when));
                    self.events.push((draft.event.clone(), when));
                    self.actors.push(command.actor.clone());
                }
            }
        }
        Ok(drafts.into_iter().map(|d| d.event).collect())
    }

    fn fold_other(&mut self, id: TicketId, event: &Event, when: Timestamp) {
        let known = self.others.iter().position(|(other, ..)| *other == id);
        let (_, ticket, mut events) = known.map_or((id, None, Vec::new()), |n| {
            let (id, ticket, events) = self.others.remove(n);
            (id, Some(ticket), events)
        });
        events.push(event.clone());
        let at = known.unwrap_or(self.others.len());
        self.others.insert(at, (id, evolve(ticket, event, when), events));
    }

    /// The other ticket that a command is about; none: the first one.
    fn addressed(&self, command: &Command) -> Option<TicketId> {
        let mut at = if let Entity::Ticket(id) = command.entity { Some(id) } else { Some(self.fresh()) };
        if command.entity == Entity::New && self.ticket.is_none() {
            return None;
        }
        while let Some(id) = at {
            let Some(ticket) = self.known(id) else { break };
            let Some(next) = goes_on_to(ticket, command, self.desk()) else { break };
            if self.known(next).is_none_or(|next| next.state() == TicketState::Cancelled) {
                break;
            }
            at = Some(next);
        }
        at.filter(|id| *id != OWN)
    }

    fn known(&self, id: TicketId) -> Option<&Ticket> {
        if id == OWN {
            return self.ticket.as_ref();
        }
        self.others.iter().find(|(other, ..)| *other == id).map(|(_, ticket, _)| ticket)
    }

    /// The id of the next ticket.
    fn fresh(&self) -> TicketId {
        TicketId(Uuid::from_u128(100 + self.others.len() as u128))
    }

    fn desk(&self) -> &dyn guichet_rules::DeskRules {
        match &self.house {
            Some(house) => house,
            None => &Unconfigured,
        }
    }

    /// Decides and changes nothing.
    pub(crate) fn ask(&self, command: &Command) -> Result<Vec<Draft>, Rejection> {
        let id = self.addressed(command).unwrap_or(OWN);
        let ticket = self.known(id);
        let other = looks_at(ticket, command).and_then(|looks| {
            let id = looks.ticket.unwrap_or(id);
            let mut events = self.events_of(id);
            let mut found = None;
            let event = match looks.reads {
                Reads::Nothing => None,
                Reads::Creation => events.find(|event| event.created().is_some()).cloned(),
                Reads::Version(version) => events.nth(version as usize - 1).cloned(),
                Reads::Comment(id) => {
                    let last = events.enumerate().filter(|(_, event)| is_comment(event, id)).last();
                    let by = actor(ActorKind::Agent, "alice");
                    found = last.map(|(n, _)| Found { version: n as u64 + 1, by });
                    last.map(|(_, event)| event.clone())
                }
                // The tests name an event by its version.
                Reads::Event(EventId(id)) => {
                    let n = id.as_u128() as usize;
                    found = self.actors.get(n - 1).map(|by| Found { version: n as u64, by: by.clone() });
                    events.nth(n - 1).cloned()
                }
            };
            Some(Other { id, ticket: self.known(id)?.clone(), event, said: Vec::new(), found })
        });
        let others = looks_at_others(ticket, command);
        let others: Vec<Other> = others.tickets.iter().filter_map(|id| self.look(*id, others.said)).collect();
        let context = Context {
            now: at(self.hour),
            next_number: TicketNumber(self.others.len() as u64 + 1 + u64::from(self.ticket.is_some())),
            external_ref_of: None,
            desk: self.desk(),
            config_version: self.house.as_ref().map_or(0, |_| VERSION),
            fresh: self.fresh(),
            article: self.article,
            other: other.as_ref(),
            others: &others,
            stored: self.stored,
        };
        decide(ticket, command, &context)
    }

    /// A ticket as the engine shows it to a decision that looks at several.
    fn look(&self, id: TicketId, said: bool) -> Option<Other> {
        let ticket = self.known(id)?.clone();
        let is_said = |version: u64| version == 1 || ticket.said.versions.contains(&version);
        let past = |(n, event): (usize, &Event)| Past {
            event: event.clone(),
            occurred_at: at(n as i64),
            source_time: None,
            actor: actor(ActorKind::Agent, "alice"),
            command: CommandId(Uuid::nil()),
        };
        let events = (1..).zip(self.events_of(id)).filter(|(n, _)| said && is_said(*n as u64));
        let said = events.map(past).collect();
        Some(Other { id, ticket, event: None, said, found: None })
    }

    fn events_of(&self, id: TicketId) -> Box<dyn Iterator<Item = &Event> + '_> {
        if id == OWN {
            return Box::new(self.events.iter().map(|(event, _)| event));
        }
        let of = self.others.iter().find(|(other, ..)| *other == id);
        Box::new(of.into_iter().flat_map(|(_, _, events)| events))
    }
}

fn is_comment(event: &Event, id: CommentId) -> bool {
    let added = matches!(event, Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) if e.comment_id == id);
    added
        || matches!(event, Event::Ticket(TicketEvent::Relations(Relations::CommentCopied(e))) if e.comment_id == id)
}

/// A desk after these orders, all of which must be accepted.
pub(crate) fn given(orders: impl IntoIterator<Item = Order>) -> Desk {
    let mut desk = Desk::default();
    desk.tell(&command(Order::Create(create()))).unwrap();
    for order in orders {
        desk.tell(&command(order)).unwrap();
    }
    desk
}

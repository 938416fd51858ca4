//! The life of one made-up ticket, from the first word to the closing.

use std::collections::BTreeMap;

use guichet_schemas::command::Fact;
use guichet_schemas::event::{
    Actor, CategoryChanged, Event, Personal, PriorityChanged, TagsChanged, TicketCancelled, TicketClosed, TicketCreated, TicketDeescalated,
    TicketEscalated, TicketReopened, TicketResolved,
};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{
    ActorKind, CancelReason, Channel, CloseReason, CommentKind, ConfirmedBy, EscalationKind, EscalationReason, HoldReason, Impact, Origin,
    Priority, RequesterKind, ResolutionCode, StatusCause, Strategy, TicketState, TicketType, Urgency, Visibility,
};
use rand::Rng as _;
use rand::rngs::StdRng;

use super::arrivals::Arrival;
use super::calendar::{DAY, HOUR, MINUTE, instant, date};
use super::cast::{Group, MANAGER, Requester, SERVICE_DESK, agent, by_requester, one, requester, supervisor, system};
use super::story::Story;
use super::topics::{ENGLISH, FRENCH, OUTAGE, Phrases, TOPICS, Topic, Words};

/// Resolved tickets close by themselves after this.
const AUTO_CLOSE: i64 = 4 * DAY;

/// The facts of a ticket, up to `until`.
pub(super) fn of(arrival: &Arrival, external_id: &str, until: Timestamp, dice: StdRng) -> Vec<Fact> {
    let mut life = Life::new(arrival, external_id, until, dice);
    life.begin();
    match arrival.outage_until {
        Some(_) if !arrival.is_first => life.wait_for_the_line(),
        Some(_) | None if life.chance(0.05) && arrival.outage_until.is_none() => life.give_up(),
        Some(_) | None => life.be_worked_on(),
    }
    life.story.into_facts()
}

struct Life {
    arrival: Arrival,
    story: Story,
    dice: StdRng,
    topic: &'static Topic,
    words: Words,
    phrases: &'static Phrases,
    requester: Requester,
    channel: Channel,
    group: &'static Group,
    /// A number of a device, an invoice, an order.
    number: u32,
}

impl Life {
    fn new(arrival: &Arrival, external_id: &str, until: Timestamp, mut dice: StdRng) -> Self {
        let topic = if arrival.outage_until.is_some() { &OUTAGE } else { topic(&mut dice) };
        let french = topic.french.filter(|_| dice.random_bool(0.4));
        let kind = match topic.category.split('/').next() {
            Some("hr") => RequesterKind::Employee,
            Some("sales") if topic.tag != "delivery" => RequesterKind::Prospect,
            Some("billing" | "sales") => RequesterKind::Customer,
            _ if dice.random_bool(0.75) => RequesterKind::Employee,
            _ => RequesterKind::Customer,
        };
        Self {
            arrival: *arrival,
            story: Story::new(external_id, arrival.at, until),
            topic,
            words: french.unwrap_or(topic.english),
            phrases: if french.is_some() { &FRENCH } else { &ENGLISH },
            requester: requester(&mut dice, kind),
            channel: channel(&mut dice, topic.kind),
            group: topic.desk,
            number: dice.random_range(1000..9999),
            dice,
        }
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.dice.random_bool(probability)
    }

    fn minutes(&mut self, from: i64, to: i64) -> i64 {
        self.dice.random_range(from * MINUTE..to * MINUTE)
    }

    fn asker(&self) -> Actor {
        by_requester(&self.requester.id)
    }

    /// Whoever has the ticket now.
    fn owner(&self) -> Actor {
        agent(&self.story.assignee().unwrap_or_else(|| self.group.agents[0].to_owned()))
    }

    fn text(&self, text: &str) -> String {
        text.replace("{n}", &self.number.to_string())
    }

    fn begin(&mut self) {
        let (urgency, impact) = (urgency(&mut self.dice), impact(&mut self.dice));
        let outage = self.arrival.outage_until.is_some();
        let routed = self.chance(0.7);
        let (actor, origin) = match self.channel {
            Channel::Phone => (agent(one(&mut self.dice, SERVICE_DESK.agents)), Origin::Agent),
            Channel::System => (Actor { kind: ActorKind::Service, id: "monitoring".to_owned(), on_behalf_of: None }, Origin::System),
            Channel::Email
            | Channel::Chat
            | Channel::Form
            | Channel::Social
            | Channel::Portal
            | Channel::InApp
            | Channel::Sms
            | Channel::Forum
            | Channel::Api => (self.asker(), Origin::Requester),
        };
        let personal = |text: &str| Some(Personal::Plain(text.to_owned()));
        let created = TicketCreated {
            // The engine chooses the number.
            number: 0,
            subject: Personal::Plain(self.text(self.words.subject)),
            description: Personal::Plain(self.text(self.words.description)),
            requester: self.requester.id.clone(),
            requester_kind: Some(self.requester.kind),
            requester_name: personal(&self.requester.name),
            requester_email: personal(&self.requester.email),
            requester_phone: if self.channel == Channel::Phone { personal(&self.requester.phone) } else { None },
            channel: self.channel,
            origin,
            r#type: self.topic.kind,
            category: Some(self.topic.category.to_owned()),
            urgency: Some(urgency),
            impact: Some(impact),
            priority: if outage { Priority::High } else { priority(urgency, impact) },
            tags: vec![self.topic.tag.to_owned()],
            group: routed.then(|| self.topic.desk.name.to_owned()),
            assignee: None,
            tier: 1,
            product: None,
            brand: None,
            language: Some(self.phrases.code.to_owned()),
            organisation: self.requester.organisation.map(str::to_owned),
            external_ref: None,
            fields: BTreeMap::new(),
            due_at: None,
            synthetic: false,
        };
        self.story.fact(&actor, Event::TicketCreated(created));
        if !routed {
            let pause = self.dice.random_range(200..4000);
            self.story.wait(pause);
            self.story.route(&system("routing"), self.topic.desk.name, Some("by-category"));
        }
    }

    /// Reported by many, solved by one: closed with the others when the line is back.
    fn wait_for_the_line(&mut self) {
        let pause = self.minutes(2, 25);
        self.story.wait(pause);
        let by = one(&mut self.dice, self.group.agents);
        self.story.assign(&agent(by), by, self.group.name, Strategy::Pull, None);
        self.internal(self.words.finding);
        self.story.status(&agent(by), TicketState::Hold, Some(HoldReason::ThirdParty), StatusCause::Command);
        if let Some(until) = self.arrival.outage_until {
            self.story.wait_until(until);
        }
        let pause = self.minutes(3, 40);
        self.story.wait(pause);
        self.resolve(false);
        self.end();
    }

    fn give_up(&mut self) {
        let pause = self.minutes(5, 300);
        self.story.sleep(pause);
        let (reason, note) = match self.dice.random_range(0..3) {
            0 => (CancelReason::Spam, "Advertisement, no request."),
            1 => (CancelReason::Duplicate, "The same request came by phone."),
            _ => (CancelReason::Withdrawn, "Requester called: it has settled itself."),
        };
        let by = agent(one(&mut self.dice, self.group.agents));
        self.story.comment(&by, Visibility::Internal, CommentKind::Message, None, note);
        self.story.fact(&by, Event::TicketCancelled(TicketCancelled { reason }));
    }

    fn be_worked_on(&mut self) {
        // Some requests fall between two chairs and nobody takes them.
        if self.chance(0.02) {
            return;
        }
        self.wait_in_queue();
        self.take(self.group);
        self.first_reply();
        let steps = self.dice.random_range(0..4);
        for _ in 0..steps {
            self.step();
        }
        if self.arrival.is_first {
            self.escalate();
            self.hold(HoldReason::ThirdParty);
            if let Some(until) = self.arrival.outage_until {
                self.story.wait_until(until);
            }
        }
        self.finish();
    }

    fn finish(&mut self) {
        let effort = self.minutes(5, 150);
        self.story.work(effort);
        if self.story.state() == TicketState::Pending && self.chance(0.3) {
            return;
        }
        self.back_to_work();
        self.resolve(true);
        if self.chance(0.13) {
            self.come_back();
        }
        self.end();
    }

    fn wait_in_queue(&mut self) {
        let priority = self.story.ticket().map_or(Priority::Normal, |t| t.priority);
        let pause = match priority {
            // Somebody is on call.
            Priority::Urgent => {
                let pause = self.minutes(2, 20);
                return self.story.wait(pause);
            }
            Priority::High => self.minutes(5, 60),
            Priority::Normal => self.minutes(10, 240),
            Priority::Low => self.minutes(40, 800),
        };
        // Who calls or chats is not left waiting.
        let pause = if matches!(self.channel, Channel::Phone | Channel::Chat) { pause / 10 } else { pause };
        self.story.work(pause);
    }

    fn take(&mut self, group: &'static Group) {
        self.group = group;
        let to = one(&mut self.dice, group.agents);
        match self.dice.random_range(0..10) {
            0..6 => self.story.assign(&agent(to), to, group.name, Strategy::Pull, None),
            6..9 => self.story.assign(&system("routing"), to, group.name, Strategy::RoundRobin, None),
            _ => self.story.assign(&supervisor(), to, group.name, Strategy::Manual, None),
        }
    }

    fn first_reply(&mut self) {
        let pause = self.minutes(1, 30);
        self.story.work(pause);
        let text = one(&mut self.dice, self.phrases.first_replies);
        self.public(text);
    }

    fn public(&mut self, text: &str) {
        let (by, text) = (self.owner(), self.text(text));
        self.story.comment(&by, Visibility::Public, CommentKind::Message, Some(self.channel), &text);
    }

    fn internal(&mut self, text: &str) {
        let (by, text) = (self.owner(), self.text(text));
        self.story.comment(&by, Visibility::Internal, CommentKind::Troubleshooting, None, &text);
    }

    fn reply(&mut self, text: &str) {
        let (by, text) = (self.asker(), self.text(text));
        self.story.comment(&by, Visibility::Public, CommentKind::Message, Some(self.channel), &text);
    }

    /// One of the things that happen while somebody works on a ticket.
    fn step(&mut self) {
        if self.story.state() == TicketState::Pending {
            return;
        }
        let pause = self.minutes(10, 180);
        self.story.work(pause);
        match self.dice.random_range(0..100) {
            0..30 => self.ask_back(),
            30..52 => self.internal(self.words.finding),
            52..64 => self.hand_over(),
            64..80 => self.escalate(),
            80..90 => {
                let reason = *[HoldReason::Vendor, HoldReason::ThirdParty, HoldReason::Change, HoldReason::Asset]
                    .get(self.dice.random_range(0..4_usize))
                    .unwrap_or(&HoldReason::Internal);
                self.hold(reason);
            }
            90..95 => self.weigh_anew(),
            _ => self.classify_anew(),
        }
    }

    fn ask_back(&mut self) {
        self.public(self.words.question);
        let by = self.owner();
        self.story.status(&by, TicketState::Pending, None, StatusCause::Command);
        if self.chance(0.2) {
            self.story.work(2 * DAY / 3);
            self.public(self.phrases.reminder);
        }
        // Not everybody answers.
        if self.chance(0.08) {
            return;
        }
        let pause = self.minutes(8, 1500);
        self.story.sleep(pause);
        self.reply(self.words.answer);
        let by = self.asker();
        self.story.status(&by, TicketState::Open, None, StatusCause::RequesterComment);
    }

    fn hold(&mut self, reason: HoldReason) {
        let by = self.owner();
        self.story.status(&by, TicketState::Hold, Some(reason), StatusCause::Command);
        let pause = self.minutes(120, 1600);
        self.story.work(pause);
        self.story.status(&by, TicketState::Open, None, StatusCause::Command);
    }

    /// To a colleague of the same group, with a note.
    fn hand_over(&mut self) {
        let by = self.owner();
        let others: Vec<&str> = self.group.agents.iter().copied().filter(|a| *a != by.id).collect();
        if others.is_empty() {
            return;
        }
        let to = one(&mut self.dice, &others);
        let reasons = ["end of my shift", "you know this system better", "on leave from tomorrow"];
        let reason = one(&mut self.dice, &reasons);
        let note = format!("{} Next: {}", self.text(self.words.finding), self.text(self.words.solution));
        let comment = self.story.comment(&by, Visibility::Internal, CommentKind::Handover, None, &note);
        self.story.assign(&by, to, self.group.name, Strategy::Manual, Some((comment, reason.to_owned())));
    }

    fn escalate(&mut self) {
        let Some(ticket) = self.story.ticket() else { return };
        let (by, from_tier) = (self.owner(), ticket.tier);
        let (tags, category_at) = (ticket.tags.clone(), ticket.category.clone());
        let above = self.group.above.filter(|g| g.tier > from_tier);
        let reasons = [EscalationReason::Expertise, EscalationReason::Complexity, EscalationReason::Authority, EscalationReason::TimeLimit];
        let reason = reasons[self.dice.random_range(0..reasons.len())];
        let mut tags_at = tags.clone();
        if let Some(group) = above {
            let tag = format!("to-{}", group.name);
            if !tags_at.contains(&tag) {
                tags_at.push(tag.clone());
                self.story.fact(&by, Event::TagsChanged(TagsChanged { added: vec![tag], removed: Vec::new() }));
            }
        }
        let note = self.text(self.words.finding);
        let comment = self.story.comment(&by, Visibility::Internal, CommentKind::Handover, None, &note);
        let escalated = TicketEscalated {
            kind: if above.is_some() { EscalationKind::Functional } else { EscalationKind::Hierarchical },
            from_tier,
            to_tier: above.map_or(from_tier, |g| g.tier),
            to_manager: above.is_none().then(|| MANAGER.to_owned()),
            reason,
            tags_at,
            category_at,
            note_comment: Some(comment),
        };
        self.story.fact(&by, Event::TicketEscalated(escalated));
        let pause = self.minutes(5, 120);
        self.story.work(pause);
        match above {
            Some(group) => {
                self.take(group);
                let pause = self.minutes(10, 90);
                self.story.work(pause);
                if self.chance(0.12) {
                    self.give_back(from_tier);
                }
            }
            None => {
                self.story.comment(&supervisor(), Visibility::Internal, CommentKind::Message, None, "Agreed, go ahead.");
            }
        }
    }

    fn give_back(&mut self, to_tier: u32) {
        let by = self.owner();
        let from_tier = self.group.tier;
        let reason = Some("Known case, the procedure is in the handbook.".to_owned());
        self.story.fact(&by, Event::TicketDeescalated(TicketDeescalated { from_tier, to_tier, reason }));
        self.take(self.topic.desk);
    }

    fn weigh_anew(&mut self) {
        let Some(ticket) = self.story.ticket() else { return };
        let (from, urgency, impact) = (ticket.priority, ticket.urgency, ticket.impact);
        let (to, reason) = match from {
            Priority::Low => (Priority::Normal, "more people are concerned"),
            Priority::Normal => (Priority::High, "the team cannot work"),
            Priority::High => (Priority::Urgent, "the whole site is concerned"),
            Priority::Urgent => (Priority::High, "there is a way around it"),
        };
        let by = self.owner();
        let event = PriorityChanged { from, to, urgency, impact, cause: StatusCause::Command, reason: Some(reason.to_owned()) };
        self.story.fact(&by, Event::PriorityChanged(event));
    }

    fn classify_anew(&mut self) {
        let from = self.story.ticket().and_then(|t| t.category.clone());
        let to = topic(&mut self.dice).category.to_owned();
        if from.as_ref() != Some(&to) {
            let by = self.owner();
            self.story.fact(&by, Event::CategoryChanged(CategoryChanged { from, to: Some(to) }));
        }
    }

    fn back_to_work(&mut self) {
        let by = self.owner();
        if matches!(self.story.state(), TicketState::Pending | TicketState::Hold) {
            self.story.status(&by, TicketState::Open, None, StatusCause::Command);
        }
    }

    fn resolve(&mut self, with_steps: bool) {
        let by = self.owner();
        let solution = self.text(self.words.solution);
        let opening = one(&mut self.dice, self.phrases.solved);
        self.public(&format!("{opening} {solution}"));
        let code = if self.chance(0.85) { self.topic.code } else { any_code(&mut self.dice) };
        let found = self.text(self.words.finding);
        let resolved = TicketResolved {
            by: by.id.clone(),
            code,
            summary: Personal::Plain(solution.clone()),
            steps: if with_steps && self.chance(0.4) { vec![found.clone(), solution] } else { Vec::new() },
            root_cause: (with_steps && self.chance(0.3)).then_some(found),
            confirmed_by: ConfirmedBy::None,
            override_reason: None,
            resolution_no: self.story.ticket().map_or(1, |t| t.resolutions() + 1),
        };
        self.story.fact(&by, Event::TicketResolved(resolved));
    }

    /// It was not solved after all.
    fn come_back(&mut self) {
        let pause = self.minutes(30, 2800);
        self.story.sleep(pause);
        let text = one(&mut self.dice, self.phrases.not_solved);
        self.reply(text);
        let by = self.asker();
        let last = self.story.ticket().and_then(|t| t.last_resolution.clone());
        let reopened = TicketReopened {
            by_kind: by.kind,
            reason: None,
            resolution_no: last.as_ref().map_or(0, |r| r.number),
            resolver_of_last: last.as_ref().map(|r| r.by.clone()),
            since_resolved_ms: last.as_ref().map_or(0, |r| self.story.now().since(r.at)),
            follow_up: false,
        };
        self.story.fact(&by, Event::TicketReopened(reopened));
        if self.chance(0.4) {
            self.escalate();
        }
        let effort = self.minutes(15, 400);
        self.story.work(effort);
        self.resolve(true);
    }

    fn end(&mut self) {
        if self.chance(0.35) {
            let pause = self.minutes(3, 700);
            self.story.sleep(pause);
            let text = one(&mut self.dice, self.phrases.thanks);
            // A thank-you does not reopen: whoever sees it closes the ticket.
            self.reply(text);
            let pause = self.minutes(2, 90);
            self.story.work(pause);
            let by = self.owner();
            return self.story.fact(&by, Event::TicketClosed(TicketClosed { reason: CloseReason::Resolved, auto: false }));
        }
        // The clock that closes looks once an hour.
        let due = Timestamp(self.story.now().0 + AUTO_CLOSE);
        let hour = (due.0 - instant(date(due), 0).0).div_euclid(HOUR) + 1;
        self.story.wait_until(Timestamp(instant(date(due), 0).0 + hour * HOUR));
        self.story.fact(&system("auto-close"), Event::TicketClosed(TicketClosed { reason: CloseReason::Resolved, auto: true }));
    }
}

fn topic(dice: &mut StdRng) -> &'static Topic {
    let mut left = dice.random_range(0..TOPICS.iter().map(|t| t.weight).sum::<u32>());
    for topic in TOPICS {
        match left.checked_sub(topic.weight) {
            Some(rest) => left = rest,
            None => return topic,
        }
    }
    &TOPICS[0]
}

fn channel(dice: &mut StdRng, kind: TicketType) -> Channel {
    if kind == TicketType::Alert {
        return Channel::System;
    }
    match dice.random_range(0..100) {
        0..40 => Channel::Email,
        40..66 => Channel::Portal,
        66..86 => Channel::Phone,
        _ => Channel::Chat,
    }
}

fn urgency(dice: &mut StdRng) -> Urgency {
    match dice.random_range(0..10) {
        0..4 => Urgency::Low,
        4..8 => Urgency::Medium,
        _ => Urgency::High,
    }
}

fn impact(dice: &mut StdRng) -> Impact {
    match dice.random_range(0..10) {
        0..5 => Impact::Low,
        5..9 => Impact::Medium,
        _ => Impact::High,
    }
}

const fn priority(urgency: Urgency, impact: Impact) -> Priority {
    match (urgency, impact) {
        (Urgency::High, Impact::High) => Priority::Urgent,
        (Urgency::High, Impact::Medium) | (Urgency::Medium, Impact::High) => Priority::High,
        (Urgency::Low, Impact::Low) => Priority::Low,
        (Urgency::Low | Urgency::Medium | Urgency::High, Impact::Low | Impact::Medium | Impact::High) => Priority::Normal,
    }
}

fn any_code(dice: &mut StdRng) -> ResolutionCode {
    ResolutionCode::ALL[dice.random_range(0..ResolutionCode::ALL.len())]
}

//! The life of one made-up ticket, from the first word to the closing.

mod chance;
mod ending;
mod steps;

use std::collections::BTreeMap;

use guichet_schemas::command::Fact;
use guichet_schemas::event::{Actor, Personal, TicketCreated};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{
    ActorKind, Channel, CommentKind, HoldReason, Origin, Priority, RequesterKind, Strategy, Visibility,
};
use rand::Rng as _;
use rand::rngs::StdRng;

use self::chance::{channel, impact, priority, topic, urgency};
use super::arrivals::Arrival;
use super::calendar::MINUTE;
use super::cast::{Group, Requester, SERVICE_DESK, agent, by_requester, one, requester, supervisor, system};
use super::story::Story;
use super::topics::{ENGLISH, FRENCH, OUTAGE, Phrases, Topic, Words};

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
            Channel::System => (
                Actor { kind: ActorKind::Service, id: "monitoring".to_owned(), on_behalf_of: None },
                Origin::System,
            ),
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
            requester_phone: if self.channel == Channel::Phone {
                personal(&self.requester.phone)
            } else {
                None
            },
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
            restricted_to: Vec::new(),
        };
        self.story.fact(&actor, created.into());
        if !routed {
            let pause = self.dice.random_range(200..4000);
            self.story.wait(pause);
            self.story.route(&system("routing"), self.topic.desk.name, Some("by-category"));
        }
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
}

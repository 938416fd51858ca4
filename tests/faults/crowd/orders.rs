//! What a client wants next. Half of it is about a few hot tickets, so that commands meet.

use std::sync::{Mutex, PoisonError};

use rand::Rng;
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::new_ticket;

/// Tickets on which everybody works.
const HOT: usize = 3;
const AGENTS: [&str; 4] = ["alice", "bob", "carol", "dan"];

/// A command before it has an id.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) entity: String,
    pub(crate) verb: &'static str,
    pub(crate) data: Value,
    pub(crate) expected_version: Option<u64>,
    pub(crate) dry_run: bool,
}

/// What a client does next.
#[derive(Debug, Clone)]
pub(crate) enum Plan {
    /// Send this.
    Send(Order),
    /// Send this twice at the same time under one id.
    Twice(Order),
    /// Send an accepted command again; the number chooses it.
    Again(usize),
    /// Send something else under the id of an accepted command.
    Forge(usize),
}

/// The tickets that the clients know.
pub(crate) struct Tickets {
    known: Mutex<Vec<Uuid>>,
    /// Characters of a note, at most.
    longest: usize,
}

impl Tickets {
    pub(crate) fn new(seed: u64, longest: usize) -> Self {
        let hot = (0..HOT).map(|n| uuid(u128::from(seed), n as u128)).collect();
        Self { known: Mutex::new(hot), longest }
    }

    fn add(&self, id: Uuid) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }

    fn any(&self, dice: &mut impl Rng) -> Uuid {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = if dice.random_bool(0.5) { &known[..HOT] } else { &known[..] };
        *known.choose(dice).expect("there is always a hot ticket")
    }

    /// Throws the dice for the next thing to do.
    pub(crate) fn plan(&self, dice: &mut impl Rng) -> Plan {
        let chosen = dice.random_range(0..100);
        match chosen {
            0..5 => Plan::Again(dice.random_range(0..usize::MAX)),
            5..7 => Plan::Forge(dice.random_range(0..usize::MAX)),
            7..12 => Plan::Twice(self.comment(dice)),
            12..15 => Plan::Send(Order { dry_run: true, ..self.comment(dice) }),
            // The version of the creation: on a hot ticket long gone.
            15..20 => Plan::Send(Order { expected_version: Some(1), ..self.comment(dice) }),
            20..40 => Plan::Send(self.create(dice)),
            _ => Plan::Send(self.work(dice)),
        }
    }

    fn create(&self, dice: &mut impl Rng) -> Order {
        let n = dice.random_range(0..1000);
        if dice.random_bool(0.2) {
            return Order::of("new".to_owned(), "create", new_ticket(n));
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let hot = known[dice.random_range(0..HOT)];
        drop(known);
        // Now and then somebody opens a hot ticket: once it works, then it is a conflict.
        let id = if dice.random_bool(0.2) { hot } else { uuid(dice.random(), dice.random()) };
        self.add(id);
        Order::of(id.to_string(), "create", new_ticket(n))
    }

    fn comment(&self, dice: &mut impl Rng) -> Order {
        let body =
            format!("note {}: {}", dice.random::<u32>(), "x".repeat(dice.random_range(0..self.longest)));
        Order::of(self.any(dice).to_string(), "add_comment", json!({"visibility": "internal", "body": body}))
    }

    fn work(&self, dice: &mut impl Rng) -> Order {
        let ticket = self.any(dice).to_string();
        let agent = AGENTS.choose(dice).expect("there are agents");
        match dice.random_range(0..10) {
            0..2 => Order::of(ticket, "assign", json!({"assignee": agent, "group": "network"})),
            2 => Order::of(ticket, "resolve", json!({"code": "defect", "summary": "a new fuse"})),
            3 => Order::of(ticket, "reopen", json!({"reason": "it happened again"})),
            _ => self.comment(dice),
        }
    }
}

impl Order {
    fn of(entity: String, verb: &'static str, data: Value) -> Self {
        Self { entity, verb, data, expected_version: None, dry_run: false }
    }

    /// Subject and body under an id.
    pub(crate) fn message(&self, id: Uuid) -> (String, Vec<u8>) {
        let mut body = json!({
            "command_id": id, "actor": {"kind": "agent", "id": "alice"}, "dry_run": self.dry_run, "data": self.data,
        });
        if let Some(version) = self.expected_version {
            body["expected_version"] = version.into();
        }
        let subject = format!("guichet.v1.cmd.default.outside.{}.{}", self.entity, self.verb);
        (subject, body.to_string().into_bytes())
    }
}

/// An id that the same dice give again.
pub(crate) fn uuid(high: u128, low: u128) -> Uuid {
    let mut name = high.to_be_bytes().to_vec();
    name.extend(low.to_be_bytes());
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &name)
}

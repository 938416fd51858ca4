//! What the clients of a run ask for: few tickets, many hands, and now and then something that must be refused.

use guichet_schemas::codec::{Encoding, Request, RequestKey, decode_command};
use guichet_schemas::command::Entity;
use guichet_schemas::ids::{CallerId, TenantId, TicketId};
use guichet_schemas::subject::CommandSubject;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sim::Sim;

/// Makes the commands of one client.
#[derive(Clone)]
pub(crate) struct Orders {
    sim: Sim,
    client: usize,
    tickets: u64,
    made: u64,
}

impl Orders {
    pub(crate) fn of(sim: &Sim, client: usize, tickets: u64) -> Self {
        Self { sim: sim.clone(), client, tickets, made: 0 }
    }

    /// The next command.
    pub(crate) fn next(&mut self) -> Request {
        self.made += 1;
        let id = (self.client as u128 + 1) << 64 | u128::from(self.made);
        self.request(id, 0)
    }

    /// The command of the same id with another content.
    pub(crate) fn twisted(&self, like: &Request) -> Request {
        self.request(like.command.command_id.0.as_u128(), 1)
    }

    fn request(&self, id: u128, twist: u64) -> Request {
        let sim = &self.sim;
        let ticket =
            Entity::Ticket(TicketId(Uuid::from_u128(0xface_0000 + u128::from(sim.below(self.tickets)))));
        let requester = format!("r-{}", sim.below(3));
        let create = json!({"subject": "VPN drops", "description": "Often.", "channel": "email",
            "requester": {"id": requester}});
        // Whoever asks for help writes now and then, to closed tickets too: two tickets in one command.
        let kind = if sim.chance(150) { "requester" } else { "agent" };
        let (entity, verb, data) = match sim.below(16) {
            0 => (Entity::New, "create", create),
            1..=3 => (ticket, "create", create),
            4..=6 => {
                let visibility = if kind == "requester" { "public" } else { "internal" };
                (ticket, "add_comment", json!({"visibility": visibility, "body": "Looked at it."}))
            }
            14 => (ticket, "close", json!({})),
            15 => {
                let Entity::Ticket(of) = ticket else { unreachable!() };
                (Entity::New, "create_follow_up", json!({"of": of.to_string()}))
            }
            7 => (ticket, "assign", json!({"assignee": format!("a-{}", sim.below(2))})),
            8 => {
                (ticket, "set_priority", json!({"priority": if sim.chance(500) { "urgent" } else { "low" }}))
            }
            9 => (ticket, "resolve", json!({"code": "configuration", "summary": "Done."})),
            10 => (ticket, "reopen", json!({"reason": "it happened again"})),
            12 => {
                let at = sim.chance(700).then_some("2026-03-01T10:00:00.000Z");
                (ticket, "set_due_date", json!({"at": at, "reason": "promised"}))
            }
            11 => (ticket, "set_type", json!({"type": if sim.chance(500) { "problem" } else { "question" }})),
            _ => (ticket, "change_tags", json!({"add": [format!("t-{}", sim.below(3))]})),
        };
        let mut body = json!({"command_id": Uuid::from_u128(id).to_string(),
            "actor": {"kind": kind, "id": format!("a-{twist}")}, "data": data});
        if sim.chance(50) {
            body["expected_version"] = Value::from(sim.below(6) + 1);
        }
        if sim.chance(20) {
            body["dry_run"] = Value::from(true);
        }
        let subject = CommandSubject {
            tenant: TenantId::default_tenant(),
            caller: CallerId::parse("sim").expect("a token"),
            entity,
            verb,
        };
        let key = RequestKey([7; 32]);
        decode_command(subject, Encoding::Json, body.to_string().as_bytes(), None, &key)
            .unwrap_or_else(|refused| panic!("our own command {verb} is refused: {refused}"))
    }
}

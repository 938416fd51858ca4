//! Some fifty commands through the ordinary verbs: what a desk does in its first hour.
//!
//! Nothing in them depends on the time, and their ids follow from the seed: sent again, each is answered as the
//! first time.

use guichet_schemas::command::Entity;
use guichet_schemas::event::Actor;
use guichet_schemas::ids::{CommandId, TicketId};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::words::{ActorKind, Channel};
use guichet_schemas::{json, wire};
use uuid::Uuid;

/// A command on its way to a ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveCommand {
    pub entity: Entity,
    pub verb: &'static str,
    /// The command itself.
    pub command: wire::Command,
}

/// Ticket, verb, who acts, by which channel, payload.
type Line = (u32, &'static str, (ActorKind, &'static str), Option<Channel>, &'static str);

/// The commands, in the order in which they are to be sent.
///
/// # Panics
/// Never: the payloads are constants, and a test reads every one.
#[must_use]
pub fn live(seed: u64) -> Vec<LiveCommand> {
    let id = |what: &str, n: usize| {
        Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("guichet:demo:{seed}:{what}:{n}").as_bytes())
    };
    LINES
        .iter()
        .enumerate()
        .map(|(n, (ticket, verb, (kind, who), channel, data))| {
            let data = json::command::read(verb, format!("{{\"data\":{data}}}").as_bytes())
                .expect("the demo's payloads follow the schema")
                .data;
            let actor = Actor { kind: *kind, id: (*who).to_owned(), on_behalf_of: None };
            let command = wire::Command {
                command_id: CommandId(id("command", n)).to_wire(),
                actor: actor.to_wire(),
                correlation_id: Some(id("ticket", *ticket as usize).as_bytes().to_vec()),
                channel: channel.to_wire(),
                data,
                ..wire::Command::default()
            };
            LiveCommand { entity: Entity::Ticket(TicketId(id("ticket", *ticket as usize))), verb, command }
        })
        .collect()
}

const ALICE: (ActorKind, &str) = (ActorKind::Agent, "alice");
const BOB: (ActorKind, &str) = (ActorKind::Agent, "bob");
const BRUNO: (ActorKind, &str) = (ActorKind::Agent, "bruno");
const INGRID: (ActorKind, &str) = (ActorKind::Agent, "ingrid");
const SOFIA: (ActorKind, &str) = (ActorKind::Agent, "sofia");
const ODILE: (ActorKind, &str) = (ActorKind::Agent, "odile");
const CLAIRE: (ActorKind, &str) = (ActorKind::Supervisor, "claire");
const HELPER: (ActorKind, &str) = (ActorKind::Bot, "helper");
const CAMILLE: (ActorKind, &str) = (ActorKind::Requester, "e-1007");
const JONAS: (ActorKind, &str) = (ActorKind::Requester, "c-1042");
const MONITORING: (ActorKind, &str) = (ActorKind::Service, "monitoring");

#[rustfmt::skip]
const LINES: &[Line] = &[
    // A paper jam, from the first word to the closing.
    (1, "create", CAMILLE, None, r#"{"subject": "Printer at the front desk jams", "description": "The printer at the front desk jams with every second page.", "channel": "portal", "requester": {"id": "e-1007", "name": "Camille Moreau", "email": "camille.moreau@example.org", "kind": "employee"}, "category": "technical/diagnosis", "urgency": "medium", "impact": "low", "tags": ["printer"], "group": "service-desk", "language": "en"}"#),
    (1, "assign", CLAIRE, None, r#"{"assignee": "alice", "reason": "she is in the building"}"#),
    (1, "add_comment", ALICE, Some(Channel::Portal), r#"{"visibility": "public", "body": "Good morning, I will have a look right away."}"#),
    (1, "set_status", ALICE, Some(Channel::Portal), r#"{"to": "pending", "comment": "Is it the upper or the lower tray?"}"#),
    (1, "add_comment", CAMILLE, Some(Channel::Portal), r#"{"visibility": "public", "body": "The lower one."}"#),
    (1, "add_comment", ALICE, None, r#"{"visibility": "internal", "kind": "troubleshooting", "body": "Rollers of tray 2 are worn, 180,000 pages. Spare ones are in the cupboard."}"#),
    (1, "resolve", ALICE, Some(Channel::Portal), r#"{"code": "defect", "summary": "Replaced the rollers of the lower tray.", "steps": ["Took out tray 2", "Replaced the rollers", "Printed 50 pages"], "root_cause": "Worn rollers"}"#),
    (1, "close", CLAIRE, None, "{}"),
    // A new office, up to the third tier and back, and not solved at first.
    (2, "create", BOB, Some(Channel::Phone), r#"{"subject": "No connection from the new office in Lyon", "description": "Twelve people in the new office cannot reach the file server. Internet works.", "channel": "phone", "requester": {"id": "c-1042", "name": "Jonas Keller", "phone": "+33 1 99 00 42 42", "kind": "customer"}, "origin": "requester", "category": "technical/network", "organisation": "Kestrel Foods", "fields": {"site": "Lyon", "people": 12}}"#),
    (2, "assign", BOB, None, r#"{"assignee": "bob", "group": "service-desk"}"#),
    (2, "set_priority", BOB, None, r#"{"urgency": "high", "impact": "high", "priority": "urgent", "reason": "twelve people cannot work"}"#),
    (2, "escalate", BOB, None, r#"{"kind": "functional", "to_tier": 2, "reason": "expertise", "note": "Routes look right from here; the firewall of the site is not ours to see.", "tags": ["vpn", "new-site"]}"#),
    (2, "assign", CLAIRE, None, r#"{"assignee": "bruno", "group": "network", "reason": "network is on call", "handover_note": "Called at 9:10, call back on the number in the ticket."}"#),
    (2, "add_comment", BRUNO, Some(Channel::Phone), r#"{"visibility": "public", "body": "Hello, this is Bruno of the network team. I see the tunnel, but nothing comes back through it."}"#),
    (2, "set_status", BRUNO, None, r#"{"to": "hold", "hold_reason": "vendor"}"#),
    (2, "set_status", BRUNO, None, r#"{"to": "open"}"#),
    (2, "escalate", BRUNO, None, r#"{"kind": "functional", "to_tier": 3, "reason": "complexity", "note": "The provider says that the line is fine. Both ends announce the same network.", "tags": ["routing"]}"#),
    (2, "assign", INGRID, None, r#"{"assignee": "ingrid", "group": "infrastructure"}"#),
    (2, "resolve", INGRID, None, r#"{"code": "configuration", "summary": "The office had the address range of the warehouse. It has its own now."}"#),
    (2, "add_comment", JONAS, Some(Channel::Phone), r#"{"visibility": "public", "body": "Three of us still cannot reach the server."}"#),
    (2, "deescalate", INGRID, None, r#"{"to_tier": 2, "reason": "only the laptops with a fixed address are left"}"#),
    (2, "assign", INGRID, None, r#"{"assignee": "bruno", "group": "network", "reason": "three laptops to change"}"#),
    (2, "resolve", BRUNO, None, r#"{"code": "configuration", "summary": "Three laptops had fixed addresses of the old range; they take theirs from the network now.", "root_cause": "Same address range in two places"}"#),
    // An invoice, in French, and a second word with the manager.
    (3, "create", JONAS, None, r#"{"subject": "Deux fois la même facture", "description": "Bonjour,\n\nnous avons reçu deux fois la facture de novembre, avec deux numéros différents.", "channel": "email", "requester": {"id": "c-1042", "name": "Jonas Keller", "email": "jonas.keller@example.org", "kind": "customer"}, "type": "complaint", "group": "billing", "language": "fr", "organisation": "Kestrel Foods", "external_ref": {"source": "mailbox", "id": "<20261120.7@example.org>"}}"#),
    (3, "set_category", SOFIA, None, r#"{"category": "billing/invoice"}"#),
    (3, "change_tags", SOFIA, None, r#"{"add": ["invoice", "november"]}"#),
    (3, "assign", SOFIA, None, r#"{"assignee": "sofia"}"#),
    (3, "add_comment", SOFIA, Some(Channel::Email), r#"{"visibility": "public", "body": "Bonjour, je regarde tout de suite laquelle des deux est la bonne."}"#),
    (3, "escalate", SOFIA, None, r#"{"kind": "hierarchical", "to_manager": "claire", "reason": "authority", "note": "A credit note of this amount needs your agreement.", "tags": ["credit-note"]}"#),
    (3, "add_comment", CLAIRE, None, r#"{"visibility": "internal", "body": "Agreed."}"#),
    (3, "resolve", SOFIA, Some(Channel::Email), r#"{"code": "defect", "summary": "Seconde facture annulée par un avoir."}"#),
    (3, "reopen", CLAIRE, None, r#"{"reason": "the credit note shows the wrong customer number"}"#),
    (3, "change_tags", SOFIA, None, r#"{"remove": ["november"], "add": ["corrected"]}"#),
    // A newcomer, waiting for a laptop.
    (4, "create", CAMILLE, None, r#"{"subject": "Newcomer in logistics on the 1st", "description": "Badge, laptop and accounts for a new colleague, building B, second floor.", "channel": "portal", "requester": {"id": "e-1007", "name": "Camille Moreau", "kind": "employee"}, "type": "task", "category": "hr/onboarding", "priority": "low", "group": "hr", "assignee": "odile"}"#),
    (4, "set_status", ODILE, None, r#"{"to": "hold", "hold_reason": "asset"}"#),
    // Advertisement.
    (5, "create", MONITORING, None, r#"{"subject": "You have won", "description": "Click here.", "channel": "email", "requester": {"id": "unknown-1"}, "origin": "requester"}"#),
    (5, "cancel", ALICE, None, r#"{"reason": "spam"}"#),
    // An alert that nobody keeps.
    (6, "create", MONITORING, None, r#"{"subject": "Disk of srv-files-2 is 93 % full", "description": "Threshold of 90 % exceeded for 15 minutes on srv-files-2:/var.", "channel": "system", "requester": {"id": "monitoring", "kind": "system"}, "type": "alert", "category": "technical/diagnosis", "priority": "high", "tags": ["monitoring"], "group": "infrastructure"}"#),
    (6, "assign", CLAIRE, None, r#"{"assignee": "ingrid"}"#),
    (6, "unassign", INGRID, None, r#"{"reason": "in a maintenance window until noon"}"#),
    // The invoice again: it was a mistake of ours.
    (3, "set_type", SOFIA, None, r#"{"type": "incident"}"#),
    // The newcomer: who is at it, what is to be done, who must agree.
    (4, "claim", ODILE, None, r#"{"ttl_s": 1800}"#),
    (4, "add_task", ODILE, None, r#"{"title": "Order a laptop", "owner": "odile", "blocks_resolve": true}"#),
    (4, "request_approval", ODILE, None, r#"{"approvers": ["claire"], "quorum": 1}"#),
    (4, "set_participants", ODILE, None, r#"{"add": ["e-1031"]}"#),
    (4, "use_article", ODILE, None, r#"{"article": "first-day", "version": 2}"#),
    (4, "log_time", ODILE, None, r#"{"seconds": 900}"#),
    (4, "release_claim", ODILE, None, "{}"),
    // The office in Lyon: whether it held, and whether they would recommend the desk.
    (2, "switch_channel", BRUNO, None, r#"{"to": "email"}"#),
    (2, "record_follow_up", BRUNO, None, r#"{"effective": true}"#),
    (2, "request_survey", BRUNO, None, r#"{"kind": "nps"}"#),
    (2, "record_nps", JONAS, Some(Channel::Email), r#"{"score": 9}"#),
    // The alert: what a program makes of it, before people go on.
    (6, "suggest", HELPER, None, r#"{"kind": "tag", "value": "disk", "score": 88, "model": "triage/3"}"#),
    (6, "hand_off", HELPER, None, r#"{"to_group": "infrastructure", "reason": "nothing was left to delete", "packet": "Deleted the logs of last month: 91 % now."}"#),
    // The newcomer: a word with the shop, and one that somebody else looks at first.
    (4, "open_side_conversation", ODILE, None, r#"{"with": "laptop-shop", "party": "third_party", "subject": "One laptop by the 1st"}"#),
    (4, "draft_reply", ODILE, None, r#"{"body": "The laptop comes on Friday."}"#),
];

//! The queue board as another team would ask for it.

use guichet_schemas::event::{Event, LifeCycle, TicketCreated, TicketEvent};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::Priority;
use serde_json::json;

use crate::history::{self, History, START, assigned, resolved, ticket_id};
use crate::queries::ask;
use crate::rig::{NOW, Rig, is_live, reaches};

/// Four tickets that wait, one that does not.
fn story() -> History {
    let mut history = History::new();
    for (number, priority, group, due_at) in [
        (1, Priority::Low, Some("desk"), None),
        (2, Priority::Urgent, Some("network"), None),
        (3, Priority::Normal, Some("desk"), Some(Timestamp(NOW - 3_600_000))),
        (4, Priority::High, None, Some(Timestamp(NOW + 3_600_000))),
        (5, Priority::Urgent, Some("desk"), None),
    ] {
        let group = group.map(str::to_owned);
        let event = TicketCreated { priority, group, due_at, ..history::created(number) };
        history.push(
            ticket_id(number),
            "alice",
            Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(event))),
        );
    }
    history.push(ticket_id(2), "alice", assigned("bob", Some("network")));
    history.push(ticket_id(5), "alice", resolved(1));
    history
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_shows_every_ticket_that_waits_in_one_row() {
    let history = story();
    let Some(rig) = Rig::with(&history).await else { return };
    let running = rig.start().await;
    reaches(&running, history.head()).await;
    is_live(&running).await;
    let reply = ask(&rig, "queues", json!({})).await;
    assert_eq!(reply["as_of_position"], json!(8));
    let at = |position: usize| history.entries[position - 1].record.occurred_at.to_string();
    let due = |ms| Timestamp(ms).to_string();
    let head = |number: u64, at: String| json!({"ticket_id": ticket_id(number).to_string(), "number": format!("T-{number}"), "at": at});
    let desk = json!({
        "group": "desk", "tickets": 2, "unassigned": 2, "overdue": 1, "reopen_held": 0,
        "by_status": {"new": 2, "open": 0, "pending": 0, "hold": 0},
        "by_priority": {"low": 1, "normal": 1, "high": 0, "urgent": 0},
        "oldest": head(1, at(2)), "nearest_due": head(3, due(NOW - 3_600_000)),
    });
    assert_eq!(reply["data"][0], desk);
    assert_eq!((&reply["data"][1]["group"], &reply["data"][1]["tickets"]), (&json!("network"), &json!(1)));
    assert_eq!(reply["data"][2].get("group"), None, "without a group comes last: {reply}");
    assert_eq!((&reply["data"][2]["overdue"], &reply["data"][2]["tickets"]), (&json!(0), &json!(1)));
    let by_agent = ask(&rig, "queues", json!({"by": "agent"})).await;
    assert_eq!(by_agent["data"][0]["agent"], json!("bob"));
    assert_eq!(by_agent["data"][1]["tickets"], json!(3));
    for (query, expected) in [
        (json!({}), vec!["T-1", "T-2", "T-3", "T-4"]),
        (json!({"order": "due"}), vec!["T-3", "T-4", "T-1", "T-2"]),
        // Due within the hour weighs more than a step of priority.
        (json!({"order": "priority"}), vec!["T-4", "T-3", "T-2", "T-1"]),
        (json!({"order": "priority", "group": "desk"}), vec!["T-3", "T-1"]),
        (json!({"unassigned": true, "without_group": true}), vec!["T-4"]),
        (json!({"agent": "bob"}), vec!["T-2"]),
        (json!({"group": "nobody's"}), vec![]),
    ] {
        let reply = ask(&rig, "queue", query.clone()).await;
        let numbers: Vec<_> =
            reply["data"].as_array().unwrap().iter().map(|t| t["number"].as_str().unwrap()).collect();
        assert_eq!(numbers, expected, "{query}");
    }
    let entry = &ask(&rig, "queue", json!({"agent": "bob"})).await["data"][0];
    assert_eq!(
        (&entry["subject"]["plain"], &entry["state"], &entry["age_ms"]),
        (&json!("Printer 2 is on fire"), &json!("new"), &json!(NOW - START - 3_000))
    );
    assert_eq!(
        entry["score"]["inputs"][0],
        json!({"name": "priority", "value": 3.0, "weight": 100.0, "points": 300.0})
    );
    // A page holds for the instant of the first.
    let first = ask(&rig, "queue", json!({"order": "priority", "limit": 3})).await;
    let cursor = first["next_cursor"].clone();
    let second = ask(&rig, "queue", json!({"order": "priority", "limit": 3, "cursor": cursor})).await;
    assert_eq!((&second["data"][0]["number"], &second["as_of_time"]), (&json!("T-1"), &first["as_of_time"]));
    assert_eq!(second.get("next_cursor"), None);
    running.stop().await.unwrap();
}

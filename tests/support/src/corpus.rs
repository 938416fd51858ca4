//! Real input to begin with: the golden records, the examples of the published contract, the shipped mappings, and
//! in `corpus/<target>/` whatever once found a fault.

use std::path::Path;

use guichet_schemas::{codec, json, verb};
use prost::Message as _;
use serde_json::{Value, json as value};

/// What there is for a target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let mut found = match target {
        "record" => files("schemas/golden", "bin"),
        "mapping" => files("replay-tools/import/mappings", "toml"),
        "command_json" => commands().map(|(n, body)| framed(n, body.to_string().into_bytes())).collect(),
        "command_protobuf" => commands().map(|(n, body)| framed(n, protobuf(n, &body))).collect(),
        "query_json" => queries().map(|(n, body)| framed(n, body.to_string().into_bytes())).collect(),
        "query_protobuf" => queries()
            .map(|(n, body)| {
                let query =
                    codec::decode_query(verb::QUERIES[n], codec::Encoding::Json, body.to_string().as_bytes());
                framed(n, query.unwrap().encode_to_vec())
            })
            .collect(),
        "subject" => subjects(),
        other => panic!("no corpus for {other}"),
    };
    found.extend(files(&format!("tests/fuzz/corpus/{target}"), ""));
    found
}

fn files(folder: &str, extension: &str) -> Vec<Vec<u8>> {
    // Cargo runs tests in the folder of their package.
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let wanted = |path: &Path| path.extension().unwrap_or_default() == extension;
    paths.iter().filter(|path| wanted(path)).map(|path| std::fs::read(path).unwrap()).collect()
}

/// The first byte says which verb or query.
fn framed(chosen: usize, body: Vec<u8>) -> Vec<u8> {
    [vec![u8::try_from(chosen).unwrap()], body].concat()
}

fn protobuf(verb: usize, body: &Value) -> Vec<u8> {
    json::command::read(verb::VERBS[verb], body.to_string().as_bytes()).unwrap().encode_to_vec()
}

/// Every verb with its index and the payload of a plausible command.
fn commands() -> impl Iterator<Item = (usize, Value)> {
    verb::VERBS.iter().enumerate().map(|(n, verb)| {
        let data = match *verb {
            "create" => value!({"subject": "Printer", "description": "hums\nand blinks", "channel": "email",
                "requester": {"id": "c-1", "name": "Ana", "email": "ana@example.org", "kind": "customer"},
                "category": "technical/printer", "tags": ["vip", "paper"], "priority": "high", "fields": {"floor": 3,
                "red": true, "room": "B12"}, "external_ref": {"source": "mail", "id": "<7@x>"},
                "due_at": "2026-03-01T10:00:00.000Z"}),
            "assign" => value!({"assignee": "bob", "group": "network", "reason": "on call", "handover_note": "hot"}),
            "unassign" => value!({"reason": "ill", "group": true}),
            "escalate" => value!({"kind": "functional", "to_tier": 2, "reason": "expertise", "note": "n", "tags": ["x"]}),
            "deescalate" => value!({"to_tier": 1, "reason": "done"}),
            "set_status" => value!({"to": "hold", "hold_reason": "vendor", "comment": "we wait"}),
            "add_comment" => value!({"visibility": "public", "body": "é中🖨", "no_reopen": true}),
            "resolve" => value!({"code": "workaround", "summary": "off and on", "steps": ["off", "on"]}),
            "reopen" => value!({"reason": "it came back"}),
            "cancel" => value!({"reason": "duplicate"}),
            "create_follow_up" => value!({"of": "01980000-0000-7000-8000-000000000001", "subject": "Printer, again"}),
            "request_information" => value!({"comment": "which one?", "expected_until": "2026-03-01T10:00:00.000Z"}),
            "propose_resolution" => value!({"code": "workaround", "summary": "off and on", "steps": ["off", "on"]}),
            "reject_resolution" => value!({"reason": "it hums"}),
            "set_field" => value!({"field": "floor", "value": 3}),
            "link" | "unlink" => value!({"other": "01980000-0000-7000-8000-000000000002", "kind": "caused_by"}),
            "set_due_date" => value!({"at": "2026-03-01T10:00:00.000Z", "reason": "promised"}),
            "set_priority" => value!({"priority": "urgent", "urgency": "high", "impact": "low"}),
            "set_type" => value!({"type": "problem"}),
            "set_category" => value!({"category": "a/b"}),
            "change_tags" => value!({"add": ["a"], "remove": ["b"]}),
            "request_survey" => value!({"kind": "ces", "to": "r-1"}),
            "rate" => value!({"scale": "good_bad", "score": 1, "comment": "thanks", "token": "01980000-0000-7000-8000-000000000007"}),
            "record_nps" => value!({"score": 7}),
            "claim" => value!({"ttl_s": 60, "force": true}),
            "set_participants" => value!({"add": ["r-2"], "remove": ["r-3"]}),
            "log_call" => value!({"direction": "inbound", "started_at": "2026-03-01T10:00:00.000Z", "duration_s": 9, "outcome": "answered", "note": "n"}),
            "switch_channel" => value!({"to": "phone"}),
            "add_task" => value!({"title": "look", "owner": "bob", "due": "2026-03-01T10:00:00.000Z", "blocks_resolve": true}),
            "complete_task" | "cancel_task" => value!({"task_id": "01980000-0000-7000-8000-000000000007"}),
            "log_time" => value!({"seconds": 60, "kind": "travel"}),
            "schedule_follow_up" => value!({"at": "2026-03-01T10:00:00.000Z"}),
            "record_follow_up" => value!({"effective": false}),
            "attach_procedure" => value!({"procedure": "vpn"}),
            "complete_step" => value!({"step": "mtu", "outcome": "done", "procedure": "vpn"}),
            "publish_article" => value!({"article": "kb-1", "title": "t", "body": "b", "audience": "public", "keywords": ["k"]}),
            "publish_article_from_ticket" => value!({"article": "kb-1", "ticket_id": "01980000-0000-7000-8000-000000000002", "title": "t"}),
            "retire_article" => value!({"article": "kb-1", "reason": "old"}),
            "use_article" => value!({"article": "kb-1", "version": 2}),
            "request_approval" => value!({"approvers": ["sue", "tom"], "quorum": 2}),
            "decide_approval" => value!({"approval_id": "01980000-0000-7000-8000-000000000007", "verdict": "approved", "reason": "r"}),
            "set_restriction" => value!({"restricted_to": ["hr"], "reason": "r"}),
            "add_attachment" => value!({"sha256": "11".repeat(32), "size": 9, "media_type": "image/png", "name": "a.png"}),
            "report_scan" => value!({"sha256": "11".repeat(32), "verdict": "infected", "engine": "clamav"}),
            "redact_attachment" => value!({"sha256": "11".repeat(32), "reason": "r"}),
            "import" => value!({"source": "old", "external_id": "7", "part": 1, "parts": 1, "events": [
                {"type": "TicketClosed", "occurred_at": "2020-01-01T00:00:00.000Z", "data": {"reason": "resolved", "auto": false}}]}),
            _ => value!({}),
        };
        let body = value!({"command_id": "01980000-0000-7000-8000-000000000009", "actor": {"kind": "agent", "id": "a"},
            "expected_version": 3, "data": data});
        (n, body)
    })
}

fn queries() -> impl Iterator<Item = (usize, Value)> {
    verb::QUERIES.iter().enumerate().map(|(n, name)| {
        let mut body = match *name {
            "ticket" | "timeline" => value!({"number": "T-42", "as_of_position": 7}),
            "tickets" => value!({"status": ["open"], "text": "printer", "limit": 10, "cursor": "x"}),
            "queue" => value!({"group": "network", "order": "priority"}),
            report if report.starts_with("report_") => {
                value!({"from": "2026-01-01", "to": "2026-02-01", "zone":
                "Europe/Paris", "period": "week", "as_of": "2026-01-15T00:00:00.000Z"})
            }
            _ => value!({}),
        };
        body["min_position"] = 3.into();
        // Not every query takes every filter: what is refused is a poor beginning.
        if codec::decode_query(name, codec::Encoding::Json, body.to_string().as_bytes()).is_err() {
            body = value!({});
        }
        (n, body)
    })
}

fn subjects() -> Vec<Vec<u8>> {
    let ticket = "01980000-0000-7000-8000-000000000001";
    let of_verb = verb::VERBS.iter().map(|verb| {
        let entity = if matches!(*verb, "create" | "create_follow_up" | "import") { "new" } else { ticket };
        format!("guichet.v1.cmd.default.cli.{entity}.{verb}")
    });
    let of_query = verb::QUERIES.iter().map(|name| format!("guichet.v1.query.default.cli.{name}"));
    let replies = ["_INBOX.abc.1", "_R_.x"].map(str::to_owned);
    of_verb.chain(of_query).chain(replies).map(String::into_bytes).collect()
}

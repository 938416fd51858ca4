//! `verbs.md`: every verb with its payload, its errors and an example, for people.

use std::fmt::Write as _;

use guichet_schemas::verb;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::descriptors::{self, Format, Limit};
use crate::published::payload;
use crate::samples;
use crate::schema::{Side, is_required, plain_fields};

/// Errors that every command can meet, with their numbers.
const ALWAYS: &str = "`malformed` 400, `bad_subject` 400, `validation_failed` 422, `forbidden` 403, `command_id_reused` 409, \
`payload_too_large` 413, `busy` 429, `unavailable` 503, `outcome_unknown` 504, `internal` 500, `unsupported` 501";

/// Errors of a verb, apart from those.
fn errors(verb: &str) -> &'static str {
    match verb {
        "create" => {
            "`version_conflict` 409 (the UUID has a ticket), `duplicate` 409 (`external_ref` is taken; `details.of`), `guard_failed` 409 (`assignee_group`, `assignee_tier`, `restricted`)"
        }
        "import" => "`duplicate` 409 (another ticket has this source and id; `details.of`)",
        "add_comment" => {
            "`not_found` 404; `version_conflict`, `terminal_state` 409 (a public message of a requester to a closed ticket begins a follow-up instead, or goes to the one that there is: the answer names that ticket)"
        }
        "assign" => {
            "`not_found` 404; `version_conflict`, `terminal_state`, `guard_failed` 409 (`assignee_group`, `assignee_tier`, \
             `restricted`: the assignee may not have it)"
        }
        "unassign" | "set_due_date" | "set_field" | "set_priority" | "set_type" | "set_category" => {
            "`not_found` 404; `version_conflict`, `terminal_state` 409"
        }
        "link" => {
            "`not_found` 404 (of the ticket, or of the other); `version_conflict`, `cycle_detected` 409 (the other is tied to it in the same way)"
        }
        "unlink" => "`not_found` 404; `version_conflict` 409; a closed ticket takes it too",
        "confirm_resolution" | "reject_resolution" => {
            "`not_found` 404; `forbidden` 403 (not its requester); `version_conflict`, `terminal_state`, `invalid_transition`, `guard_failed` 409 (`proposed`: nothing is; `reopen_window`)"
        }
        "propose_resolution" => {
            "`not_found` 404; `version_conflict`, `terminal_state`, `invalid_transition`, `guard_failed` 409 (`required_fields`)"
        }
        "escalate"
        | "deescalate"
        | "set_status"
        | "request_information"
        | "resolve"
        | "reopen"
        | "close"
        | "cancel" => {
            "`not_found` 404; `version_conflict`, `terminal_state`, `invalid_transition`, `guard_failed` 409"
        }
        "create_follow_up" => {
            "`not_found` 404 (no ticket `of`); `terminal_state` 409 (it is cancelled), `invalid_transition` 409 (it is not closed)"
        }
        "publish_config" => {
            "`config_invalid` 422 (`details.path`), `version_conflict` 409 (of the configuration)"
        }
        "retire_config" => {
            "`not_found` 404; `config_invalid` 422 (something refers to it; `details.path`); `version_conflict` 409"
        }
        "record_sla_warning" | "record_sla_breach" | "fire_time_rule" => {
            "`not_found` 404; `version_conflict`, `config_stale` 409"
        }
        "attach_procedure" => {
            "`not_found` 404; `version_conflict`, `terminal_state`, `guard_failed` 409 (20 are attached)"
        }
        "complete_step" => {
            "`not_found` 404 (of the ticket, or of the step); `version_conflict`, `terminal_state` 409"
        }
        "publish_article" => "`version_conflict` 409 (of the article)",
        "publish_article_from_ticket" => {
            "`not_found` 404 (of the ticket); `version_conflict` 409 (of the article), `guard_failed` 409 (the ticket has no \
                 resolution that holds, or its texts cannot be read any more); `busy` 429"
        }
        "retire_article" => "`not_found` 404 (of the article); `version_conflict` 409 (of the article)",
        "record_access" => {
            "`not_found` 404 (of the ticket, for whoever may not see it too); `version_conflict` 409 (of the record of accesses)"
        }
        "void_sla_breach" => "`not_found` 404 (of the ticket, or of the breach); `version_conflict` 409",
        "request_survey" => "`not_found` 404; `version_conflict`, `terminal_state`, `guard_failed` 409",
        "rate" => {
            "`not_found` 404 (of the ticket, or of the survey); `version_conflict`, `terminal_state` (it is over, and the survey \
             has expired), `guard_failed` 409 (it is not over)"
        }
        "claim" | "renew_claim" | "release_claim" => {
            "`not_found` 404; `version_conflict`, `terminal_state`, `claim_held` 409 (`details.claimed_by`, \
             `details.claimed_until`), `guard_failed` 409 (there is no claim to renew; `assignee_tier`: the ticket is in a higher one than the actor works in)"
        }
        "set_restriction" => {
            "`not_found` 404; `version_conflict`, `terminal_state`, `guard_failed` 409 (`restricted`: its assignee is in none of \
             the groups)"
        }
        "set_participants" | "log_call" | "switch_channel" | "log_time" | "schedule_follow_up" => {
            "`not_found` 404; `version_conflict`, `terminal_state` 409"
        }
        "add_task" | "use_article" | "request_approval" | "record_follow_up" => {
            "`not_found` 404; `version_conflict`, `terminal_state`, `guard_failed` 409"
        }
        "complete_task" | "cancel_task" => {
            "`not_found` 404 (of the ticket, or of the task); `version_conflict`, `terminal_state`, `guard_failed` 409 \
             (the task ended otherwise)"
        }
        "decide_approval" => {
            "`not_found` 404 (of the ticket, or of the approval); `version_conflict`, `terminal_state`, `guard_failed` 409 \
             (it is decided)"
        }
        "merge" => {
            "`not_found` 404 (of the ticket, or of a source); `forbidden` 403 (they are of several requesters); \
             `version_conflict`, `already_merged` (`details.merged_into`), `terminal_state` (of the ticket, or of a source), \
             `guard_failed` 409 (`comments`: more than one merge copies; `merged`: too many tickets went into it)"
        }
        "declare_problem" => {
            "`not_found` 404 (of the ticket, or of an incident); `version_conflict`, `already_merged` \
             (`details.merged_into`), `terminal_state`, `guard_failed` 409 (`incidents`: too many); `cycle_detected` 409 (the \
             ticket is caused by that incident)"
        }
        "broadcast_to_linked" => {
            "`not_found` 404; `version_conflict`, `terminal_state`, `guard_failed` 409 (`incidents`: none is open)"
        }
        "link_external" | "link_asset" => {
            "`not_found` 404; `version_conflict`, `guard_failed` 409 (too many); a closed ticket takes it too"
        }
        "split" => {
            "`not_found` 404 (of the ticket, or of the comment); `version_conflict`, `terminal_state`, `guard_failed` 409 \
             (`comments`: more than one command copies; `links`)"
        }
        "make_comment_private" | "redact_comment" => {
            "`not_found` 404 (of the ticket, or of the comment); `forbidden` 403 (an actor of kind requester); \
             `version_conflict`, `guard_failed` 409 (`sealed`: the key is gone, so only the whole text can be hidden; `spans`: too many); \
             a closed ticket takes it too"
        }
        "draft_reply" => {
            "`not_found` 404; `version_conflict`, `terminal_state`, `guard_failed` 409 (`drafts`: too many)"
        }
        "approve_reply" | "reject_reply" => {
            "`not_found` 404 (of the ticket, or of the draft); `forbidden` 403 (neither the mentor of the author nor a \
             supervisor, or the author); `version_conflict`, `terminal_state`, `guard_failed` 409 (`draft`: it is decided \
             otherwise; `sealed`: the key is gone, send `edits`)"
        }
        "review_decision" => {
            "`not_found` 404 (of the ticket, or of the event); `forbidden` 403 (neither the mentor nor a supervisor, or their \
             own); `version_conflict`, `terminal_state` 409"
        }
        "hand_off" | "open_side_conversation" | "suggest" => {
            "`not_found` 404; `version_conflict`, `terminal_state`, `guard_failed` 409 (`side conversations`, `suggestions`: too \
             many)"
        }
        "add_side_message" | "close_side_conversation" => {
            "`not_found` 404 (of the ticket, or of the side conversation); `version_conflict`, `terminal_state`, `guard_failed` \
             409 (`side_conversation`: it is over)"
        }
        "accept_suggestion" => {
            "`not_found` 404 (of the ticket, or of the suggestion); `version_conflict`, `terminal_state`, `guard_failed` 409 \
             (`suggestion`: the desk does not know the value)"
        }
        "add_attachment" => {
            "`not_found` 404; `validation_failed` 422 (`data.sha256`: the bytes were not uploaded to the ticket; `data.size`: they \
             are more or fewer); `version_conflict`, `terminal_state`, `guard_failed` 409"
        }
        "report_scan" | "redact_attachment" => {
            "`not_found` 404; `validation_failed` 422 (`data.sha256`: the ticket has no such attachment); `version_conflict` 409; a \
             closed ticket takes it too"
        }
        "record_nps" => "`not_found` 404; `version_conflict`, `terminal_state` 409",
        "change_tags" => "`not_found` 404; `version_conflict` 409; a closed ticket takes it too",
        other => panic!("say here which errors {other} can meet"),
    }
}

/// The whole page.
pub(crate) fn document() -> String {
    let mut out = String::from(
        "<!-- Generated from schemas/proto by the tests of guichet-schemas; do not edit. -->\n# Verbs\n\n\
         A command goes to `guichet.v1.cmd.<tenant>.<caller>.<entity>.<verb>`; `<entity>` is the UUID of the ticket, `new` for \
         `create`, `create_follow_up` and `import`, `config` for `publish_config` and `retire_config`, `articles` for `publish_article`, `publish_article_from_ticket` and `retire_article`, or `desk` for `record_access`. The JSON Schemas beside this page (`commands/`, `replies/`, `events/`, `queries/`) say the same to machines.\n\n## Around every payload\n\n",
    );
    table(&mut out, &descriptors::message("Command"), Side::Caller);
    out.push_str("| `data` | object | if any of its fields is | The payload of the verb, below. |\n");
    writeln!(out, "\n`null` means absent. Unknown and duplicate fields are refused. Every command can be answered with {ALWAYS}.").unwrap();
    let commands = samples::commands::all();
    for (verb, command) in verb::VERBS.iter().zip(commands) {
        let payload = payload("Command", verb);
        write!(out, "\n## {verb}\n\n{}\n\n", descriptors::message_comment(&payload)).unwrap();
        table(&mut out, &payload, Side::Caller);
        for inner in plain_fields(&payload)
            .iter()
            .filter_map(|f| f.kind().as_message().cloned())
            .filter(|m| !m.is_map_entry())
        {
            write!(out, "\n`{}`: {}\n\n", inner.name(), descriptors::message_comment(&inner)).unwrap();
            table(&mut out, &inner, Side::Caller);
        }
        if *verb == "import" {
            out.push_str("\n`data` of a fact is the content of that event; see `events/`. What follows from the ticket itself (such as `from`, `number`) is filled in by the engine.\n");
        }
        write!(out, "\nErrors: {}\n\n```json\n{}\n```\n", errors(verb), example(command)).unwrap();
    }
    out
}

fn table(out: &mut String, message: &MessageDescriptor, side: Side) {
    let fields = plain_fields(message);
    if fields.is_empty() {
        out.push_str("No fields.\n");
        return;
    }
    out.push_str("| field | type | required | |\n|---|---|---|---|\n");
    for field in fields {
        let required = if is_required(&field, side) { "yes" } else { "" };
        writeln!(
            out,
            "| `{}` | {} | {required} | {} |",
            field.name(),
            kind(&field),
            descriptors::field_comment(&field)
        )
        .unwrap();
    }
}

fn kind(field: &FieldDescriptor) -> String {
    let name = match (descriptors::format(field), field.kind()) {
        (Format::Time, _) => "time".to_owned(),
        (Format::Uuid, _) => "UUID".to_owned(),
        (Format::Hex, _) => "hex".to_owned(),
        (Format::Object, _) => "object".to_owned(),
        (_, Kind::Enum(e)) => {
            descriptors::words(&e).iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
        }
        (_, Kind::Message(_)) if field.is_map() => return "object: name → text, number or flag".to_owned(),
        (_, Kind::Message(m)) => format!("`{}`", m.name()),
        (_, Kind::Bool) => "boolean".to_owned(),
        (_, Kind::String) => match descriptors::limit(field) {
            Limit::Characters(max) => format!("line ≤ {max} characters"),
            Limit::Bytes(max) => format!("text ≤ {} KiB", max / 1024),
        },
        _ => "integer".to_owned(),
    };
    if field.is_list() { format!("list of {name}") } else { name }
}

/// The command as JSON. The many facts of an import are cut to three, which its own schema still takes.
fn example(mut command: guichet_schemas::command::Command) -> String {
    use guichet_schemas::command::Order;
    if let Order::Import(import) = &mut command.order {
        import
            .events
            .retain(|f| matches!(f.event.type_name(), "TicketCreated" | "TicketAssigned" | "TicketResolved"));
    }
    serde_json::to_string_pretty(&guichet_schemas::codec::command_to_wire(command)).unwrap()
}

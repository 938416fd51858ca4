//! Facts in the words of the file.

use guichet_schemas::time::Timestamp;
use guichet_sla::{Fact, Kind};
use serde_json::{Map, Value, json};

use super::written;

/// A fact as an object, with exactly the fields that a file has.
pub(super) fn shown(fact: &Fact) -> Value {
    let mut shown = Map::new();
    shown.insert("at".to_owned(), json!(written(fact.at)));
    shown.insert("type".to_owned(), json!(fact.kind.name()));
    shown.insert("metric".to_owned(), json!(fact.of.to_string()));
    shown.insert("instance".to_owned(), json!(fact.instance));
    if let Value::Object(more) = details(&fact.kind) {
        shown.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
    Value::Object(shown)
}

/// Nulls are left out.
fn details(kind: &Kind) -> Value {
    let time = |at: &Option<Timestamp>| at.map(written);
    let yes = |flag: bool| flag.then_some(true);
    match kind {
        Kind::Started { policy, target_s, hours, calendar, due_at, .. } => json!({
            "policy": policy, "target_s": target_s, "hours": hours.as_str(), "calendar": calendar,
            "due_at": time(due_at),
        }),
        Kind::Paused { consumed_s } => json!({"consumed_s": consumed_s}),
        Kind::Resumed { consumed_s, due_at, after_reopen } => json!({
            "consumed_s": consumed_s, "due_at": time(due_at), "after": after_reopen.then_some("reopen"),
        }),
        Kind::TargetChanged { policy, target_s, revision, mode, consumed_s, due_at, .. } => json!({
            "policy": policy, "target_s": target_s, "revision": revision, "mode": mode.as_str(),
            "consumed_s": consumed_s, "due_at": time(due_at),
        }),
        Kind::Rescheduled { due_before, due_at, cause } => {
            json!({"due_before": time(due_before), "due_at": time(due_at), "cause": cause})
        }
        Kind::Warned { pct, due_at, immediate } => {
            json!({"pct": pct, "due_at": time(due_at), "immediate": yes(*immediate)})
        }
        Kind::Breached { due_at, consumed_s, immediate, .. } => {
            json!({"due_at": written(*due_at), "consumed_s": consumed_s, "immediate": yes(*immediate)})
        }
        Kind::Voided { by, reason } => json!({"by": by, "reason": reason}),
        Kind::Fulfilled { reason, consumed_s, outcome } => {
            json!({"reason": reason, "consumed_s": consumed_s, "outcome": outcome.as_str()})
        }
        Kind::Cancelled { reason, consumed_s } => json!({"reason": reason, "consumed_s": consumed_s}),
        Kind::Armed { due_at } => json!({"due_at": time(due_at)}),
        Kind::Disarmed { reason } => json!({"reason": reason}),
        Kind::Fired { rule, skipped } => json!({"rule": rule, "skipped": (*skipped > 0).then_some(skipped)}),
    }
}

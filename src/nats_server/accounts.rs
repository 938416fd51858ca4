//! The users of the embedded server in its configuration.
//!
//! Two accounts: what one publishes the other does not hear, unless it is let through. The stream is in `EVENTS`, which
//! only the engine's own users are in; everybody else is in `DESK` and reaches JetStream through a door that has the
//! requests of readers and no others. So nobody can make JetStream write into the stream either: an answer to a
//! request from `DESK` is delivered in `DESK`, whatever subject was asked for it.

use std::fmt::Write as _;

use guichet_schemas::position::Partition;
use guichet_schemas::subject;

use super::keys::{CALLER, Keys};
use super::rights::{Rights, Role};

/// The account of the stream, which is the name of its folder below the store too.
pub(super) const EVENTS: &str = "EVENTS";
/// Where requests of JetStream go in `DESK`: every account has the usual subjects for a JetStream of its own.
const JETSTREAM: &str = "_js";

/// `accounts { … }` and what belongs to it.
pub(super) fn accounts(keys: &Keys) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut add = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    let through = through();
    add("accounts {");
    add("  SYS {}");
    add(&format!("  {EVENTS} {{"));
    add("    jetstream: enabled");
    add("    exports: [");
    for subject in &through {
        add(&format!("      {{service: {subject:?}, response_type: stream, accounts: [DESK]}}"));
    }
    add("      {stream: \"guichet.v1.evt.>\", accounts: [DESK]}");
    // Where consumers that push deliver to.
    add("      {stream: \"_INBOX.>\", accounts: [DESK]}");
    add("    ]");
    add("    users: [");
    for role in [Role::Publisher, Role::Healer] {
        add(&user(keys, role, &role.rights())?);
    }
    add("    ]");
    add("  }");
    add("  DESK {");
    add(&format!("    mappings: {{ \"$JS.API.>\": \"{JETSTREAM}.>\" }}"));
    add("    imports: [");
    for subject in &through {
        let to = mapped(subject);
        add(&format!("      {{service: {{account: {EVENTS}, subject: {subject:?}}}, to: {to:?}}}"));
    }
    for subject in ["guichet.v1.evt.>", "_INBOX.>"] {
        add(&format!("      {{stream: {{account: {EVENTS}, subject: {subject:?}}}}}"));
    }
    add("    ]");
    add("    users: [");
    let others =
        [Role::Engine, Role::Worker, Role::Clocks, Role::Http, Role::Tools, Role::Auditor, Role::Caller];
    for role in others {
        let Rights { publish, never, subscribe, answers } = role.rights();
        let publish = publish.iter().map(|subject| mapped(subject)).collect();
        add(&user(keys, role, &Rights { publish, never, subscribe, answers })?);
    }
    add("    ]");
    add("  }");
    add("}");
    add("system_account: SYS");
    Ok(text)
}

/// The part of JetStream that users in `DESK` may use at all.
fn through() -> Vec<String> {
    let roles = [Role::Worker, Role::Tools, Role::Caller];
    let mut all: Vec<String> = roles.iter().flat_map(|role| role.rights().publish).collect();
    all.retain(|subject| subject.starts_with("$JS."));
    all.sort();
    all.dedup();
    let stream = subject::stream(Partition(0));
    // One of two that overlap is enough.
    all.retain(|subject| *subject != format!("$JS.API.CONSUMER.CREATE.{stream}.*"));
    all
}

fn mapped(subject: &str) -> String {
    subject.strip_prefix("$JS.API.").map_or_else(|| subject.to_owned(), |rest| format!("{JETSTREAM}.{rest}"))
}

fn user(keys: &Keys, role: Role, rights: &Rights) -> anyhow::Result<String> {
    let mut text = String::from("      {");
    if role == Role::Caller {
        write!(text, "user: {CALLER}, password: {:?}", keys.password_hash()?)?;
    } else {
        let key = keys.public().iter().find(|(of, _)| *of == role).map(|(_, key)| key.as_str());
        write!(text, "nkey: {}", key.unwrap_or_default())?;
    }
    write!(text, ", permissions: {{\n        publish: {{allow: {:?}", rights.publish)?;
    if !rights.never.is_empty() {
        write!(text, ", deny: {:?}", rights.never)?;
    }
    write!(text, "}}\n        subscribe: {{allow: {:?}}}\n", rights.subscribe)?;
    if rights.answers {
        text.push_str("        allow_responses: true\n");
    }
    text.push_str("      }}");
    Ok(text)
}

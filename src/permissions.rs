//! `guichet doctor --role`: what the user of a connection may do at a NATS server, beside what its role needs.
//!
//! Asks the server itself and changes nothing. A message that wants its answer on a subject of the server's own is
//! always refused; whether for that reason or for the subject that it goes to says what the user may do, and nobody
//! ever gets it.

use std::io::Write;
use std::time::Duration;

use anyhow::Context as _;
use async_nats::{Client, Event, ServerError};
use bytes::Bytes;
use clap::ValueEnum;
use guichet_client::{Act, ConnectOptions, Denial};
use guichet_schemas::ids::TenantId;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::nats_server::rights::{Role, covers};

/// Where no answer may be asked for.
const RESERVED: &str = "_R_.guichet-doctor";
/// A subject that nobody has, to see that the server is through with what came before.
const FENCE: &str = "guichet-doctor.fence";
/// How long the server may take for one refusal.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A process of a desk, or who calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Process {
    /// `guichet serve` with --nats-url: engine, read models and HTTP with one user
    Serve,
    /// `guichet engine`
    Engine,
    /// `guichet project`
    Project,
    /// `guichet http`
    Http,
    /// The command line
    Tools,
    /// `guichet audit` and nothing else
    Auditor,
    /// Any other client
    Caller,
}

impl Process {
    fn roles(self) -> &'static [Role] {
        match self {
            Self::Serve => {
                &[Role::Engine, Role::Publisher, Role::Healer, Role::Worker, Role::Clocks, Role::Http]
            }
            Self::Engine => &[Role::Engine, Role::Publisher, Role::Healer],
            Self::Project => &[Role::Worker, Role::Clocks],
            Self::Http => &[Role::Http],
            Self::Tools => &[Role::Tools],
            Self::Auditor => &[Role::Auditor],
            Self::Caller => &[Role::Caller],
        }
    }
}

/// The use of a right to a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wanted {
    /// It cannot work without.
    Needed,
    /// It works without, in a way.
    Useful,
    /// Nobody should be able to do this with it.
    Harmful,
}

/// A right, and whether the user has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Right {
    /// Publish or subscribe.
    pub(crate) act: &'static str,
    /// The subject; a stand-in for a wildcard where it is published to.
    pub(crate) subject: String,
    pub(crate) wanted: Wanted,
    /// Its use, or its harm.
    pub(crate) what: &'static str,
    pub(crate) allowed: bool,
}

impl Right {
    fn is_well(&self) -> bool {
        self.allowed == (self.wanted != Wanted::Harmful) || self.wanted == Wanted::Useful
    }
}

/// Rights that nobody has who does not need them.
const HARMFUL: &[(Act, &str, &str)] = &[
    (Act::Publish, "guichet.v1.evt.TENANT.0.TicketCreated", "writes into the stream"),
    (Act::Publish, "guichet.v1.checkpoint.0", "tells auditors of checkpoints"),
    (Act::Publish, "guichet.v1.key.0", "asks for the keys of personal texts"),
    (Act::Publish, "guichet.v1.cmd.TENANT.sla.new.create", "speaks as the clocks of the desk"),
    (Act::Publish, "guichet.v1.cmd._system.doctor.new.create", "commands the desk's own tenant"),
    (Act::Publish, "guichet.v1.cmd.TENANT.doctor.new.create", "sends commands"),
    (Act::Publish, "guichet.v1.query.TENANT.doctor.ticket", "asks the read models"),
    (Act::Publish, "guichet.v1.projection.0.ticket.rebuild", "orders read models about"),
    (Act::Publish, "$JS.API.STREAM.CREATE.GUICHET_EVENTS_0", "makes the stream"),
    (Act::Publish, "$JS.API.STREAM.UPDATE.GUICHET_EVENTS_0", "configures the stream"),
    (Act::Publish, "$JS.API.STREAM.DELETE.GUICHET_EVENTS_0", "deletes the stream"),
    (Act::Publish, "$JS.API.STREAM.PURGE.GUICHET_EVENTS_0", "empties the stream"),
    (Act::Publish, "$JS.API.STREAM.MSG.DELETE.GUICHET_EVENTS_0", "deletes messages"),
    (Act::Publish, "$JS.API.STREAM.RESTORE.GUICHET_EVENTS_0", "puts another stream in its place"),
    (Act::Publish, "$JS.API.CONSUMER.DELETE.GUICHET_EVENTS_0.doctor", "deletes consumers of others"),
    (Act::Publish, "_INBOX.doctor", "answers in the place of others"),
    (Act::Publish, "_INBOX_worker.doctor", "answers workers in the place of the engine"),
    (Act::Publish, "$SYS.REQ.SERVER.PING.CONNZ", "asks the server about all connections"),
    (Act::Subscribe, ">", "reads everything"),
    (Act::Subscribe, "_INBOX.>", "reads the answers to others"),
    (Act::Subscribe, "_INBOX_worker.>", "reads the answers to workers, keys of personal texts among them"),
    (Act::Subscribe, "guichet.v1.cmd.>", "reads all commands, and may answer them"),
    (Act::Subscribe, "guichet.v1.query.>", "reads all queries, and may answer them"),
    (Act::Subscribe, "guichet.v1.attachment.>", "reads the files that are attached, and may answer for them"),
    (Act::Subscribe, "guichet.v1.key.0", "may answer in the place of the key service"),
    (Act::Subscribe, "guichet.v1.log.0", "may answer in the place of the log"),
    (Act::Subscribe, "$JS.API.>", "reads what is asked of JetStream"),
];

/// Everything that matters of a process.
pub(crate) fn matters(process: Process, tenant: &TenantId, inbox: &str) -> Vec<Right> {
    let mut all: Vec<Right> = Vec::new();
    let mut covered = |act: &'static str, subject: String, wanted: Wanted, what: &'static str| {
        if !all.iter().any(|right| right.act == act && right.subject == subject) {
            all.push(Right { act, subject, wanted, what, allowed: false });
        }
    };
    let rights = || process.roles().iter().map(|role| (*role, role.rights()));
    for (role, rights) in rights() {
        for pattern in &rights.publish {
            covered("publish", stand_in(pattern, tenant), worth(role, pattern), role.name());
        }
        for pattern in &rights.subscribe {
            let own = format!("{}.>", role.inbox());
            let subject = if *pattern == own { format!("{inbox}.>") } else { pattern.clone() };
            covered("subscribe", subject, worth(role, pattern), role.name());
        }
    }
    for (act, subject, harm) in HARMFUL {
        let subject = subject.replace("TENANT", tenant.as_str());
        let needed = rights().any(|(_, rights)| {
            let (among, never) = match act {
                Act::Publish => (rights.publish, rights.never),
                Act::Subscribe => (rights.subscribe, Vec::new()),
            };
            among.iter().any(|pattern| covers(pattern, &subject))
                && !never.iter().any(|pattern| covers(pattern, &subject))
        });
        let is_own = *act == Act::Subscribe && subject == format!("{inbox}.>");
        // All roles of one user share its inbox.
        if !needed && !is_own {
            covered(word(*act), subject, Wanted::Harmful, harm);
        }
    }
    all
}

const fn word(act: Act) -> &'static str {
    match act {
        Act::Publish => "publish",
        Act::Subscribe => "subscribe",
    }
}

fn worth(role: Role, pattern: &str) -> Wanted {
    let useful = role == Role::Healer && pattern.starts_with("$JS.")
        || role == Role::Caller && (pattern.starts_with("$") || pattern.starts_with("guichet.v1.checkpoint"))
        || pattern.starts_with("$SRV.")
        || pattern.starts_with("guichet.v1.attachment.")
        || pattern.starts_with("$JS.API.CONSUMER.INFO.")
        || pattern.starts_with("$JS.ACK.")
        || pattern == guichet_service::CONNECTIONS
        || pattern.starts_with("guichet.v1.key.") && role == Role::Tools
        || pattern.starts_with("guichet.v1.projection.")
        || pattern == "guichet.v1.evt.>" && role == Role::Caller;
    if useful { Wanted::Useful } else { Wanted::Needed }
}

/// One subject of a pattern: a wildcard cannot be published to.
fn stand_in(pattern: &str, tenant: &TenantId) -> String {
    let mut is_first = pattern.starts_with("guichet.v1.");
    let tokens = pattern.split('.').map(|token| match token {
        "*" | ">" if is_first => {
            is_first = false;
            if token == ">" { format!("{tenant}.doctor.new.create") } else { tenant.to_string() }
        }
        "*" | ">" => "doctor".to_owned(),
        token => token.to_owned(),
    });
    tokens.collect::<Vec<_>>().join(".")
}

/// Asks the server about each.
pub(crate) async fn examine(options: &ConnectOptions, mut rights: Vec<Right>) -> anyhow::Result<Vec<Right>> {
    let mut server = Asked::connect(options).await?;
    let publish = rights.iter().filter(|right| right.act == "publish").map(|right| right.subject.clone());
    let mut allowed = server.may_publish(publish.collect()).await?.into_iter();
    for right in &mut rights {
        right.allowed = match right.act {
            "publish" => allowed.next().unwrap_or_default(),
            _ => server.may_subscribe(&right.subject).await?,
        };
    }
    Ok(rights)
}

/// Which of these subjects the user may not publish to.
pub(crate) async fn not_published(
    options: &ConnectOptions,
    subjects: Vec<String>,
) -> anyhow::Result<Vec<String>> {
    let allowed = Asked::connect(options).await?.may_publish(subjects.clone()).await?;
    Ok(subjects
        .into_iter()
        .zip(allowed)
        .filter(|(_, allowed)| !allowed)
        .map(|(subject, _)| subject)
        .collect())
}

/// A server that is asked what a user may.
struct Asked {
    client: Client,
    said: mpsc::UnboundedReceiver<String>,
}

impl Asked {
    async fn connect(options: &ConnectOptions) -> anyhow::Result<Self> {
        let (say, said) = mpsc::unbounded_channel();
        let told = async_nats::ConnectOptions::new().name("guichet doctor").event_callback(move |event| {
            if let Event::ServerError(ServerError::Other(text)) = event {
                // Nobody listens any more only when all is over.
                say.send(text).ok();
            }
            std::future::ready(())
        });
        Ok(Self { client: options.dial(told).await?, said })
    }

    /// Sends to each what nobody gets. The server refuses one after the other.
    async fn may_publish(&mut self, subjects: Vec<String>) -> anyhow::Result<Vec<bool>> {
        for subject in &subjects {
            self.client.publish_with_reply(subject.clone(), RESERVED, Bytes::new()).await?;
        }
        self.client.flush().await?;
        let mut allowed = Vec::new();
        for subject in &subjects {
            allowed.push(self.refusal(subject).await?.1);
        }
        Ok(allowed)
    }

    async fn may_subscribe(&mut self, subject: &str) -> anyhow::Result<bool> {
        let subscribed = self.client.subscribe(subject.to_owned()).await?;
        self.client.publish_with_reply(FENCE, RESERVED, Bytes::new()).await?;
        self.client.flush().await?;
        let (before, _) = self.refusal(FENCE).await?;
        drop(subscribed);
        Ok(before == 0)
    }

    /// The next refusal of a message: how many subscriptions were refused before it, and whether it was for its answer
    /// only.
    async fn refusal(&mut self, subject: &str) -> anyhow::Result<(usize, bool)> {
        let mut before = 0;
        loop {
            let text = tokio::time::timeout(ANSWER_WITHIN, self.said.recv()).await.ok().flatten();
            let text = text.with_context(|| {
                format!("the server says nothing about {subject}; it may be too old for this question")
            })?;
            match Denial::read(&text) {
                Some(denial) if denial.act == Act::Publish => return Ok((before, false)),
                Some(_) => before += 1,
                None if text.contains(RESERVED) => return Ok((before, true)),
                None => {}
            }
        }
    }
}

/// Writes what was found, or with `json` one document. True if nothing is too little or too much.
pub(crate) fn show(rights: &[Right], json: bool, out: &mut dyn Write) -> anyhow::Result<bool> {
    let ok = rights.iter().all(Right::is_well);
    if json {
        serde_json::to_writer_pretty(&mut *out, &serde_json::json!({"ok": ok, "rights": rights}))?;
        writeln!(out)?;
        return Ok(ok);
    }
    for Right { act, subject, wanted, what, allowed } in rights {
        let (word, why) = match (wanted, allowed) {
            (Wanted::Needed | Wanted::Useful, true) => ("has", format!("for the {what}")),
            (Wanted::Needed, false) => ("LACKS", format!("the {what} cannot work without")),
            (Wanted::Useful, false) => ("without", format!("the {what} can do without")),
            (Wanted::Harmful, true) => ("TOO MUCH", (*what).to_owned()),
            (Wanted::Harmful, false) => ("has not", (*what).to_owned()),
        };
        writeln!(out, "{word:<8}  {act:<9}  {subject}: {why}")?;
    }
    if !ok {
        writeln!(out, "docs/OPERATIONS.md lists what each role needs; allow_responses cannot be asked for")?;
    }
    Ok(ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matters_of(process: Process) -> Vec<Right> {
        matters(process, &TenantId::default_tenant(), "_INBOX_me")
    }

    #[test]
    fn what_a_role_needs_does_it_no_harm() {
        for process in Process::value_variants() {
            let rights = matters_of(*process);
            for (n, right) in rights.iter().enumerate() {
                let twice =
                    rights.iter().skip(n + 1).any(|r| (r.act, &r.subject) == (right.act, &right.subject));
                assert!(!twice, "{process:?} {right:?}");
                assert!(right.act == "subscribe" || !right.subject.contains(['*', '>']), "{right:?}");
            }
        }
        let harm = |process, subject: &str| {
            let found = matters_of(process).into_iter().find(|right| right.subject == subject);
            found.map(|right| right.wanted)
        };
        let evt = "guichet.v1.evt.default.0.TicketCreated";
        assert_eq!(harm(Process::Http, evt), Some(Wanted::Harmful));
        assert_eq!(harm(Process::Engine, evt), None);
        assert_eq!(harm(Process::Project, "guichet.v1.key.0"), Some(Wanted::Needed));
    }

    #[test]
    fn the_table_says_what_is_wrong() {
        let right = |wanted, allowed| Right {
            act: "publish",
            subject: "a.b".to_owned(),
            wanted,
            what: "engine",
            allowed,
        };
        let shown = |rights: &[Right]| {
            let mut out = Vec::new();
            let ok = show(rights, false, &mut out).unwrap();
            (ok, String::from_utf8(out).unwrap())
        };
        assert!(shown(&[right(Wanted::Needed, true), right(Wanted::Useful, false)]).0);
        let (ok, told) = shown(&[right(Wanted::Needed, false)]);
        assert!(!ok && told.contains("LACKS"), "{told}");
        let (ok, told) = shown(&[right(Wanted::Harmful, true)]);
        assert!(!ok && told.contains("TOO MUCH"), "{told}");
    }
}

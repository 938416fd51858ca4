//! The NATS subjects and stream names, all of them, and the grammar that refuses every other.

use crate::command::Entity;
use crate::hash::Hash;
use crate::ids::{CallerId, TenantId, TicketId};
use crate::position::Partition;
use crate::rejection::Rejection;
use crate::verb::{self, About, Known};

/// Everything that the engine answers as commands.
pub const COMMANDS: &str = "guichet.v1.cmd.>";
/// Everything that the projections answer as queries.
pub const QUERIES: &str = "guichet.v1.query.>";

/// Everything about the bytes of attachments.
pub const ATTACHMENTS: &str = "guichet.v1.attachment.>";

/// Where one command goes.
#[must_use]
pub fn command(tenant: &TenantId, caller: &CallerId, entity: Entity, verb: &str) -> String {
    match entity {
        Entity::New => format!("guichet.v1.cmd.{tenant}.{caller}.new.{verb}"),
        Entity::Ticket(id) => format!("guichet.v1.cmd.{tenant}.{caller}.{id}.{verb}"),
        Entity::Config => format!("guichet.v1.cmd.{tenant}.{caller}.config.{verb}"),
        Entity::Desk => format!("guichet.v1.cmd.{tenant}.{caller}.desk.{verb}"),
        Entity::Articles => format!("guichet.v1.cmd.{tenant}.{caller}.articles.{verb}"),
    }
}

/// Where one query goes.
#[must_use]
pub fn query(tenant: &TenantId, caller: &CallerId, name: &str) -> String {
    format!("guichet.v1.query.{tenant}.{caller}.{name}")
}

/// The queries of one name, of all tenants and callers.
#[must_use]
pub fn queries_named(name: &str) -> String {
    format!("guichet.v1.query.*.*.{name}")
}

/// Messages between the processes of one desk about a read model. Ours alone, no part of the contract.
#[must_use]
pub fn projection(partition: Partition, model: &str, verb: &str) -> String {
    format!("guichet.v1.projection.{partition}.{model}.{verb}")
}

/// Where an event is published.
#[must_use]
pub fn event(tenant: &str, partition: Partition, type_name: &str) -> String {
    format!("guichet.v1.evt.{tenant}.{partition}.{type_name}")
}

/// The subjects of a partition's stream.
#[must_use]
pub fn events_of(partition: Partition) -> String {
    format!("guichet.v1.evt.*.{partition}.*")
}

/// Every event of a tenant.
#[must_use]
pub fn events_to(tenant: &TenantId) -> String {
    format!("guichet.v1.evt.{tenant}.>")
}

/// The stream that holds a partition's events.
#[must_use]
pub fn stream(partition: Partition) -> String {
    format!("GUICHET_EVENTS_{partition}")
}

/// The log service of a partition.
#[must_use]
pub fn log(partition: Partition) -> String {
    format!("guichet.v1.log.{partition}")
}

/// The key service of a partition, for workers only.
#[must_use]
pub fn keys(partition: Partition) -> String {
    format!("guichet.v1.key.{partition}")
}

/// Where every signed checkpoint of a partition is published.
#[must_use]
pub fn checkpoint(partition: Partition) -> String {
    format!("guichet.v1.checkpoint.{partition}")
}

/// The tree of a partition: checkpoint and tiles on request.
#[must_use]
pub fn tile(partition: Partition) -> String {
    format!("guichet.v1.tile.{partition}")
}

/// True where an answer may be sent: an inbox, or the reply of a service import. Anything else could make
/// us publish on a subject of the requester's choice, such as one of JetStream's own.
#[must_use]
pub fn is_reply(subject: &str) -> bool {
    (subject.starts_with("_INBOX") || subject.starts_with("_R_")) && !subject.contains(['*', '>', ' '])
}

/// The parts of a command's subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSubject {
    /// Whose desk.
    pub tenant: TenantId,
    /// Who calls.
    pub caller: CallerId,
    /// About what.
    pub entity: Entity,
    /// A verb of this build.
    pub verb: &'static str,
}

impl CommandSubject {
    /// Reads `guichet.v1.cmd.<tenant>.<caller>.<entity>.<verb>`.
    ///
    /// # Errors
    /// `bad_subject` with the token that breaks the grammar; `unsupported` for what the contract has and this build has not.
    pub fn parse(subject: &str) -> Result<Self, Rejection> {
        let rest = subject
            .strip_prefix("guichet.v1.cmd.")
            .ok_or_else(|| bad("the subject must begin with guichet.v1.cmd"))?;
        let tokens: Vec<&str> = rest.split('.').collect();
        let [tenant, caller, entity, verb] = tokens[..] else {
            return Err(bad(&format!(
                "the subject must be guichet.v1.cmd.<tenant>.<caller>.<entity>.<verb>; it has {} tokens after cmd, not 4",
                tokens.len()
            )));
        };
        let tenant =
            TenantId::parse(tenant).ok_or_else(|| bad("the tenant token must match [A-Za-z0-9_-]{1,64}"))?;
        let caller =
            CallerId::parse(caller).ok_or_else(|| bad("the caller token must match [A-Za-z0-9_-]{1,64}"))?;
        let known = verb::verb(verb).ok_or_else(|| bad("the verb is not one of the contract's"))?;
        let entity = parse_entity(entity, verb)?;
        let built = verb::VERBS.iter().find(|v| **v == verb);
        match (known, entity, built) {
            (Known::Built, Some(entity), Some(verb)) => Ok(Self { tenant, caller, entity, verb }),
            _ => Err(Rejection::Unsupported(format!("verb {verb} on this entity"))),
        }
    }
}

fn parse_entity(entity: &str, verb: &str) -> Result<Option<Entity>, Rejection> {
    let about = verb::about(verb);
    match entity {
        "new" if about == Some(About::New) => Ok(Some(Entity::New)),
        "new" => {
            let takes = listed(&verbs_about(About::New));
            Err(bad(&format!("the entity new takes only {takes}; name the ticket by its UUID")))
        }
        "config" if about == Some(About::Config) => Ok(Some(Entity::Config)),
        "config" => {
            let takes = listed(&verbs_about(About::Config));
            Err(bad(&format!("the entity config takes only {takes}")))
        }
        "desk" if about == Some(About::Desk) => Ok(Some(Entity::Desk)),
        "articles" if about == Some(About::Articles) => Ok(Some(Entity::Articles)),
        "intake" | "directory" | "subjects" | "articles" | "desk" => Ok(None),
        id => match (TicketId::parse(id), about) {
            (None, _) => Err(bad(
                "the entity must be a ticket UUID with hyphens, or new, intake, config, directory, subjects, articles, desk",
            )),
            // Whoever creates a ticket may choose its UUID.
            (Some(id), Some(About::New)) if verb == "create" => Ok(Some(Entity::Ticket(id))),
            (Some(_), Some(About::New)) => Err(bad(&format!("{verb} goes to the entity new"))),
            (Some(_), Some(About::Config)) => {
                Err(bad(&format!("{} go to the entity config", listed(&verbs_about(About::Config)))))
            }
            (Some(_), Some(About::Desk)) => Err(bad(&format!("{verb} goes to the entity desk"))),
            (Some(_), Some(About::Articles)) => Err(bad(&format!("{verb} goes to the entity articles"))),
            (Some(id), Some(About::Ticket) | None) => Ok(Some(Entity::Ticket(id))),
        },
    }
}

fn verbs_about(what: About) -> Vec<&'static str> {
    verb::VERBS.iter().copied().filter(|verb| verb::about(verb) == Some(what)).collect()
}

/// The words as a sentence has them: `a, b and c`.
fn listed(words: &[&str]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => words.concat(),
    }
}

/// The parts of a subject about the bytes of an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentSubject {
    /// Whose desk.
    pub tenant: TenantId,
    /// Who calls.
    pub caller: CallerId,
    /// The ticket that has it, or will.
    pub ticket: TicketId,
    /// Of the bytes.
    pub sha256: Hash,
    /// Bring a part, or fetch one.
    pub act: Carry,
    /// Where the part begins.
    pub offset: u64,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carry {
    /// To the desk; so many are all of them.
    Put {
        /// Bytes of the whole.
        size: u64,
    },
    /// From the desk.
    Get,
}

impl AttachmentSubject {
    const GRAMMAR: &'static str = "the subject must be guichet.v1.attachment.<tenant>.<caller>.<ticket>.put.<sha256>.<size>.<offset> or guichet.v1.attachment.<tenant>.<caller>.<ticket>.get.<sha256>.<offset>";

    /// Reads a subject below [`ATTACHMENTS`].
    ///
    /// # Errors
    /// `bad_subject`, as for a command.
    pub fn parse(subject: &str) -> Result<Self, Rejection> {
        let rest = subject.strip_prefix("guichet.v1.attachment.").ok_or_else(|| bad(Self::GRAMMAR))?;
        let tokens: Vec<&str> = rest.split('.').collect();
        let [tenant, caller, ticket, ref act @ ..] = tokens[..] else { return Err(bad(Self::GRAMMAR)) };
        let token = |of: &str| bad(&format!("the {of} token must match [A-Za-z0-9_-]{{1,64}}"));
        let tenant = TenantId::parse(tenant).ok_or_else(|| token("tenant"))?;
        let caller = CallerId::parse(caller).ok_or_else(|| token("caller"))?;
        let ticket = TicketId::parse(ticket).ok_or_else(|| bad("the ticket must be a UUID with hyphens"))?;
        let (act, sha256, offset) = match *act {
            ["put", sha256, size, offset] => (Carry::Put { size: whole(size)? }, sha256, offset),
            ["get", sha256, offset] => (Carry::Get, sha256, offset),
            _ => return Err(bad(Self::GRAMMAR)),
        };
        let is_lower = !sha256.contains(|c: char| c.is_ascii_uppercase());
        let sha256 = Hash::parse(sha256).filter(|_| is_lower);
        let sha256 = sha256.ok_or_else(|| bad("the SHA-256 must be 64 lower-case hexadecimal digits"))?;
        Ok(Self { tenant, caller, ticket, sha256, act, offset: whole(offset)? })
    }
}

impl std::fmt::Display for AttachmentSubject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { tenant, caller, ticket, sha256, act, offset } = self;
        write!(f, "guichet.v1.attachment.{tenant}.{caller}.{ticket}.")?;
        match act {
            Carry::Put { size } => write!(f, "put.{sha256}.{size}.{offset}"),
            Carry::Get => write!(f, "get.{sha256}.{offset}"),
        }
    }
}

/// One number has one form.
fn whole(token: &str) -> Result<u64, Rejection> {
    let number = token.parse::<u64>().ok().filter(|number| number.to_string() == token);
    number.ok_or_else(|| bad("a size or an offset must be a whole number"))
}

/// The parts of a query's subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuerySubject {
    /// Whose desk.
    pub tenant: TenantId,
    /// Who asks.
    pub caller: CallerId,
    /// A query of this build.
    pub name: &'static str,
}

impl QuerySubject {
    /// Reads `guichet.v1.query.<tenant>.<caller>.<name>`.
    ///
    /// # Errors
    /// As for a command.
    pub fn parse(subject: &str) -> Result<Self, Rejection> {
        let rest = subject
            .strip_prefix("guichet.v1.query.")
            .ok_or_else(|| bad("the subject must begin with guichet.v1.query"))?;
        let tokens: Vec<&str> = rest.split('.').collect();
        let [tenant, caller, name] = tokens[..] else {
            return Err(bad(&format!(
                "the subject must be guichet.v1.query.<tenant>.<caller>.<name>; it has {} tokens after query, not 3",
                tokens.len()
            )));
        };
        let tenant =
            TenantId::parse(tenant).ok_or_else(|| bad("the tenant token must match [A-Za-z0-9_-]{1,64}"))?;
        let caller =
            CallerId::parse(caller).ok_or_else(|| bad("the caller token must match [A-Za-z0-9_-]{1,64}"))?;
        match (verb::query(name), verb::QUERIES.iter().find(|q| **q == name)) {
            (Some(Known::Built), Some(name)) => Ok(Self { tenant, caller, name }),
            (Some(_), _) => Err(Rejection::Unsupported(format!("query {name}"))),
            (None, _) => Err(bad("the query is not one of the contract's")),
        }
    }
}

fn bad(rule: &str) -> Rejection {
    Rejection::BadSubject(rule.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_subject_has_exactly_its_tokens() {
        let id = "01980000-0000-7000-8000-000000000001";
        assert!(CommandSubject::parse(&format!("guichet.v1.cmd.default.cli.{id}.assign")).is_ok());
        assert!(CommandSubject::parse("guichet.v1.cmd.default.cli.new.create").is_ok());
        for (subject, code) in [
            ("guichet.v1.cmd.default.cli.new", "bad_subject"),
            ("guichet.v1.cmd.default.cli.new.create.now", "bad_subject"),
            ("guichet.v1.cmd.*.cli.new.create", "bad_subject"),
            ("guichet.v1.cmd.default.>.new.create", "bad_subject"),
            ("guichet.v1.cmd.default..new.create", "bad_subject"),
            ("guichet.v1.cmd.default.cli.new.assign", "bad_subject"),
            ("guichet.v1.cmd.default.cli.T-42.assign", "bad_subject"),
            ("guichet.v1.cmd.default.cli.01980000000070008000000000000001.assign", "bad_subject"),
            ("guichet.v1.cmd.default.cli.new.fly", "bad_subject"),
            ("guichet.v1.cmd.default.cli.directory.register_agent", "unsupported"),
            ("guichet.v1.cmd.default.cli.config.assign", "bad_subject"),
        ] {
            assert_eq!(CommandSubject::parse(subject).unwrap_err().code(), code, "{subject}");
        }
    }

    #[test]
    fn a_verb_at_another_entity_is_told_where_it_goes() {
        let id = "01980000-0000-7000-8000-000000000001";
        let said = |entity: &str, verb: &str| {
            CommandSubject::parse(&format!("guichet.v1.cmd.default.cli.{entity}.{verb}"))
                .err()
                .map(|rejection| rejection.to_string())
        };
        let ends = |said: Option<String>, rule: &str| {
            assert!(said.as_ref().is_some_and(|s| s.ends_with(rule)), "{said:?}")
        };
        ends(
            said("new", "assign"),
            "the entity new takes only create, create_follow_up and import; name the ticket by its UUID",
        );
        ends(said("config", "assign"), "the entity config takes only publish_config and retire_config");
        ends(said(id, "import"), "import goes to the entity new");
        ends(said(id, "record_access"), "record_access goes to the entity desk");
        assert_eq!(said("desk", "record_access"), None);
        ends(said(id, "retire_article"), "retire_article goes to the entity articles");
        assert_eq!(said("articles", "retire_article"), None);
        ends(said(id, "retire_config"), "publish_config and retire_config go to the entity config");
        assert_eq!(said(id, "create"), None);
        assert_eq!(said("new", "import"), None);
    }

    #[test]
    fn only_inboxes_are_answered() {
        assert!(is_reply("_INBOX.abc.1"));
        assert!(is_reply("_R_.abc.1"));
        assert!(!is_reply("$JS.API.STREAM.PURGE.GUICHET_EVENTS_0"));
        assert!(!is_reply("_INBOX.>"));
    }
}

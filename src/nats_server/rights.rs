//! Who may do what over NATS: the least that each part of a desk needs, subject by subject. The embedded server gives
//! its users exactly this; on another server it is what an operator has to give.

use guichet_schemas::position::Partition;
use guichet_schemas::subject;

/// The one partition there is until scale-out.
const PARTITION: Partition = Partition(0);

/// A user of NATS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Takes commands, answers for the log, its keys and its tree.
    Engine,
    /// The engine's other half: writes the stream.
    Publisher,
    /// Configures and deletes the stream where it is damaged; connected only then.
    Healer,
    /// Folds the stream and answers queries.
    Worker,
    /// Records what the clocks of tickets find.
    Clocks,
    /// Asks the read models for browsers.
    Http,
    /// The command line.
    Tools,
    /// Reads the log, its tree and the stream, and writes nothing anywhere.
    Auditor,
    /// Everybody else: whoever has the password in `run.json`.
    Caller,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rights {
    /// Subjects to publish to.
    pub(crate) publish: Vec<String>,
    /// Subjects among them that are somebody else's all the same.
    pub(crate) never: Vec<String>,
    /// Subjects to listen to.
    pub(crate) subscribe: Vec<String>,
    /// May answer whoever asks.
    pub(crate) answers: bool,
}

impl Role {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::Engine,
        Self::Publisher,
        Self::Healer,
        Self::Worker,
        Self::Clocks,
        Self::Http,
        Self::Tools,
        Self::Auditor,
        Self::Caller,
    ];

    /// Its name in messages and of its file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Publisher => "publisher",
            Self::Healer => "healer",
            Self::Worker => "worker",
            Self::Clocks => "clocks",
            Self::Http => "http",
            Self::Tools => "tools",
            Self::Auditor => "auditor",
            Self::Caller => "caller",
        }
    }

    /// Prefix of the subjects of answers to it. Nobody else may listen there; only callers, whose clients know nothing
    /// of this, share theirs.
    pub(crate) fn inbox(self) -> String {
        if self == Self::Caller { "_INBOX".to_owned() } else { format!("_INBOX_{}", self.name()) }
    }

    /// The least that it needs.
    pub(crate) fn rights(self) -> Rights {
        let own = format!("{}.>", self.inbox());
        match self {
            Self::Engine => Rights {
                publish: vec![subject::checkpoint(PARTITION)],
                subscribe: [
                    vec![subject::COMMANDS.to_owned()],
                    vec![subject::log(PARTITION), subject::keys(PARTITION), subject::tile(PARTITION)],
                    vec![subject::ATTACHMENTS.to_owned()],
                    discovery("guichet-engine"),
                    vec![own],
                ]
                .concat(),
                answers: true,
                ..Rights::default()
            },
            Self::Publisher => Rights {
                publish: [
                    vec!["guichet.v1.evt.>".to_owned()],
                    stream(&["STREAM.INFO", "STREAM.CREATE", "STREAM.MSG.GET", "DIRECT.GET"], ""),
                ]
                .concat(),
                subscribe: vec![own],
                ..Rights::default()
            },
            Self::Healer => Rights {
                publish: stream(&["STREAM.UPDATE", "STREAM.DELETE"], ""),
                subscribe: vec![own],
                ..Rights::default()
            },
            Self::Worker => Rights {
                publish: [
                    vec![subject::log(PARTITION), subject::keys(PARTITION)],
                    vec![subject::projection(PARTITION, "*", "status")],
                    stream(&["STREAM.INFO", "STREAM.MSG.GET", "CONSUMER.CREATE"], ""),
                    stream(&["CONSUMER.MSG.NEXT", "CONSUMER.INFO"], ".*"),
                    // Never used: its consumers acknowledge nothing. But a user that may answer gets a permission for
                    // the reply subject of every message, unless it has one: the server would book and prune one per
                    // event, which costs a third of the events per second.
                    vec![acknowledgements()],
                    vec![guichet_service::CONNECTIONS.to_owned()],
                ]
                .concat(),
                subscribe: [
                    vec![subject::QUERIES.to_owned(), subject::projection(PARTITION, "*", "*")],
                    discovery("guichet-projections"),
                    vec![own],
                ]
                .concat(),
                answers: true,
                ..Rights::default()
            },
            Self::Clocks => {
                Rights { publish: vec![OF_THE_CLOCKS.to_owned()], subscribe: vec![own], ..Rights::default() }
            }
            Self::Http => Rights {
                publish: vec![
                    "guichet.v1.query.*.http.*".to_owned(),
                    "guichet.v1.attachment.*.http.*.get.>".to_owned(),
                ],
                subscribe: vec![own, "guichet.v1.evt.*.>".to_owned()],
                ..Rights::default()
            },
            Self::Tools => Rights {
                publish: [
                    everybodys(),
                    // Whoever can read the key of this user can read the keys of texts beside it.
                    vec![subject::keys(PARTITION), subject::projection(PARTITION, "*", "*")],
                    stream(&["STREAM.INFO", "STREAM.MSG.GET", "CONSUMER.CREATE"], ""),
                    stream(&["CONSUMER.MSG.NEXT", "CONSUMER.INFO"], ".*"),
                ]
                .concat(),
                never: ours(),
                subscribe: vec![own],
                ..Rights::default()
            },
            Self::Auditor => Rights {
                publish: [
                    vec![subject::log(PARTITION), subject::tile(PARTITION)],
                    stream(&["STREAM.INFO", "CONSUMER.CREATE"], ""),
                    stream(&["CONSUMER.MSG.NEXT", "CONSUMER.INFO"], ".*"),
                ]
                .concat(),
                subscribe: vec![own],
                ..Rights::default()
            },
            Self::Caller => Rights {
                publish: [everybodys(), discovery_questions(), followers()].concat(),
                never: ours(),
                subscribe: vec![own, "guichet.v1.evt.>".to_owned(), subject::checkpoint(PARTITION)],
                ..Rights::default()
            },
        }
    }
}

/// Commands that only the worker of the clocks may send: the engine takes its word for when a promise was broken.
const OF_THE_CLOCKS: &str = "guichet.v1.cmd.*.sla.>";

/// Commands, queries, the log and its tree.
fn everybodys() -> Vec<String> {
    vec![
        subject::COMMANDS.to_owned(),
        subject::QUERIES.to_owned(),
        subject::ATTACHMENTS.to_owned(),
        subject::log(PARTITION),
        subject::tile(PARTITION),
    ]
}

/// Commands and queries that are ours alone.
fn ours() -> Vec<String> {
    vec![
        OF_THE_CLOCKS.to_owned(),
        "guichet.v1.cmd._system.>".to_owned(),
        "guichet.v1.query._system.>".to_owned(),
        "guichet.v1.attachment._system.>".to_owned(),
    ]
}

/// Requests that the client libraries of followers make to JetStream, whichever they are: by pull, by push, ordered,
/// durable.
fn followers() -> Vec<String> {
    [
        vec!["$JS.API.INFO".to_owned(), "$JS.API.STREAM.NAMES".to_owned()],
        stream(&["STREAM.INFO", "STREAM.MSG.GET", "DIRECT.GET", "CONSUMER.CREATE"], ""),
        stream(&["CONSUMER.CREATE"], ".>"),
        stream(&["CONSUMER.DURABLE.CREATE", "CONSUMER.INFO", "CONSUMER.DELETE", "CONSUMER.MSG.NEXT"], ".*"),
        vec![acknowledgements()],
        vec![format!("$JS.FC.{}.>", subject::stream(PARTITION))],
    ]
    .concat()
}

/// Reply subjects of the messages that consumers of our stream deliver.
fn acknowledgements() -> String {
    format!("$JS.ACK.{}.>", subject::stream(PARTITION))
}

/// Requests of JetStream about our stream.
fn stream(requests: &[&str], rest: &str) -> Vec<String> {
    requests.iter().map(|of| format!("$JS.API.{of}.{}{rest}", subject::stream(PARTITION))).collect()
}

/// Where the questions of discovery arrive.
fn discovery(service: &str) -> Vec<String> {
    let verbs = ["PING", "INFO", "STATS"];
    verbs
        .iter()
        .flat_map(|verb| {
            ["".to_owned(), format!(".{service}"), format!(".{service}.*")]
                .map(|rest| format!("$SRV.{verb}{rest}"))
        })
        .collect()
}

fn discovery_questions() -> Vec<String> {
    ["PING", "INFO", "STATS"].iter().flat_map(|v| [format!("$SRV.{v}"), format!("$SRV.{v}.>")]).collect()
}

/// True where the subject is one of the pattern.
pub(crate) fn covers(pattern: &str, subject: &str) -> bool {
    let mut subject = subject.split('.');
    for token in pattern.split('.') {
        match (token, subject.next()) {
            (">", Some(_)) => return true,
            // A wildcard asked for is covered by a wildcard only.
            ("*", Some(asked)) if asked != ">" => {}
            (token, Some(asked)) if token == asked => {}
            _ => return false,
        }
    }
    subject.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_whole_tokens() {
        for (pattern, subject, is) in [
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            ("a.*.c", "a.b.c", true),
            ("a.*.c", "a.>", false),
            ("a.b*", "a.bc", false),
            ("a.b", "a.b.c", false),
            ("a.*", "a.*", true),
            ("a.>", "a.>", true),
        ] {
            assert_eq!(covers(pattern, subject), is, "{pattern} {subject}");
        }
    }

    #[test]
    fn nobody_but_the_publisher_writes_the_stream_and_nobody_purges_it() {
        for role in Role::ALL {
            let may = |subject: &str| {
                let rights = role.rights();
                rights.publish.iter().any(|p| covers(p, subject))
                    && !rights.never.iter().any(|p| covers(p, subject))
            };
            assert_eq!(may("guichet.v1.evt.default.0.TicketCreated"), role == Role::Publisher, "{role:?}");
            assert_eq!(may("guichet.v1.checkpoint.0"), role == Role::Engine, "{role:?}");
            let reads_texts = matches!(role, Role::Worker | Role::Tools);
            assert_eq!(may("guichet.v1.key.0"), reads_texts, "{role:?}");
            assert_eq!(may("guichet.v1.cmd.default.sla.new.create"), role == Role::Clocks, "{role:?}");
            assert!(!may("$JS.API.STREAM.PURGE.GUICHET_EVENTS_0"), "{role:?}");
        }
    }

    #[test]
    fn tools_find_their_key() {
        use guichet_client::{TOOLS_INBOX, TOOLS_KEY};
        let folder = std::path::Path::new(super::super::keys::FOLDER);
        assert_eq!(super::super::keys::file_of(folder, Role::Tools), std::path::Path::new(TOOLS_KEY));
        assert_eq!(Role::Tools.inbox(), TOOLS_INBOX);
    }
}

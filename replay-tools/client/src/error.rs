//! Why a tool could not do what it was asked: what happened, why, and what to do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::denied::Denial;
use super::server::Server;
use crate::exit;

/// Why a tool stops. A refused command is no error: it is an answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing says where NATS is.
    #[error("no guichet runs on {} and no NATS server is named; start one with `guichet serve --data-dir {}`, or name a server with --nats-url, --context or NATS_URL", .data_dir.display(), .data_dir.display())]
    NoServer {
        /// Where a running node was looked for.
        data_dir: PathBuf,
    },
    /// Nobody answers at the address.
    #[error("could not reach NATS at {server}: {problem}; {}", server.advice())]
    Unreachable {
        /// Which server, and who named it.
        server: Server,
        problem: String,
    },
    /// The server is there and does not let us in.
    #[error(
        "NATS at {server} does not let us in: {problem}; check --user and --password, --token, --creds or --nkey, or the context"
    )]
    NotAllowed {
        /// Which server, and who named it.
        server: Server,
        problem: String,
    },
    /// The certificates do not fit.
    #[error(
        "the TLS of NATS at {server} is not as it should be: {problem}; check --tlsca, --tlscert and --tlskey, and that the server speaks TLS"
    )]
    Untrusted {
        /// Which server, and who named it.
        server: Server,
        problem: String,
    },
    /// The user that we are lacks a permission.
    #[error(
        "the user of this connection {denial} on NATS at {server}; give it that permission, or name another user with --user, --creds or --nkey; `guichet doctor --role` says what each role needs"
    )]
    Denied { denial: Denial, server: Server },
    /// The connection broke while an answer was due.
    #[error(
        "the connection to NATS at {server} broke ({problem}); a command under way may have been done: send it again with the same command id"
    )]
    Lost { server: Server, problem: String },
    /// NATS is there, our service is not.
    #[error(
        "nobody listens on {subject} of NATS at {server}; start the service with `guichet serve`, or `guichet engine` and `guichet project ticket`"
    )]
    NobodyListens { subject: String, server: Server },
    /// The service is there and does not answer.
    #[error("no answer from {subject} within {}; for a command the outcome is unknown: send it again with the same command id; --timeout waits longer", seconds(*waited))]
    TimedOut { subject: String, waited: Duration },
    /// NATS does not carry the request.
    #[error("NATS does not carry the request to {subject}: {problem}")]
    TooLarge {
        /// Where the request was to go.
        subject: String,
        problem: String,
    },
    /// The answer is not from a Guichet, or from another version.
    #[error(
        "{what} from {server} cannot be read: {problem}; is another program, or another version of guichet, connected there"
    )]
    Strange { what: String, server: Server, problem: String },
    /// There is no event stream.
    #[error(
        "the stream {stream} of NATS at {server} cannot be read: {problem}; the engine makes it at its start, see `guichet serve`"
    )]
    Stream {
        /// Name of the stream.
        stream: String,
        server: Server,
        problem: String,
    },
    /// A question that the desk refuses.
    #[error("{code}: {message}")]
    Refused {
        /// The code word of the contract.
        code: String,
        /// For a person.
        message: String,
    },
    /// The words on the command line make no request.
    #[error("{0}")]
    Usage(String),
    /// A file of the user cannot be used.
    #[error("could not read {}: {problem}", path.display())]
    File { path: PathBuf, problem: String },
    /// Nobody takes what we print.
    #[error("could not write the answer")]
    Output(#[from] io::Error),
}

impl ClientError {
    /// True where another attempt may succeed.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Lost { .. } | Self::NobodyListens { .. } | Self::TimedOut { .. } => true,
            Self::NoServer { .. }
            | Self::Unreachable { .. }
            | Self::NotAllowed { .. }
            | Self::Untrusted { .. }
            | Self::Denied { .. }
            | Self::TooLarge { .. }
            | Self::Strange { .. }
            | Self::Stream { .. }
            | Self::Refused { .. }
            | Self::Usage(_)
            | Self::File { .. }
            | Self::Output(_) => false,
        }
    }

    /// The exit code of the contract.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoServer { .. }
            | Self::Unreachable { .. }
            | Self::NotAllowed { .. }
            | Self::Untrusted { .. }
            | Self::Denied { .. }
            | Self::Lost { .. }
            | Self::NobodyListens { .. }
            | Self::TimedOut { .. }
            | Self::Stream { .. } => exit::UNREACHABLE,
            Self::TooLarge { .. } | Self::Strange { .. } | Self::Refused { .. } => exit::REFUSED,
            Self::Usage(_) | Self::File { .. } => exit::USAGE,
            // `guichet tail | head` ends like this, and that is no fault.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => exit::DONE,
            Self::Output(_) => exit::REFUSED,
        }
    }

    /// True where saying it would only disturb: the reader of our output has gone.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

fn seconds(span: Duration) -> String {
    if span.subsec_millis() == 0 {
        format!("{} s", span.as_secs())
    } else {
        format!("{} ms", span.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::NamedBy;

    #[test]
    fn what_cannot_be_reached_is_exit_code_3_and_says_what_to_do() {
        let server = Server::new("nats://bob:secret@127.0.0.1:1", NamedBy::Flag);
        let error = ClientError::Unreachable { server, problem: "connection refused".to_owned() };
        assert_eq!(error.exit_code(), exit::UNREACHABLE);
        let text = error.to_string();
        assert!(text.contains("nats://127.0.0.1:1") && text.contains("--nats-url"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_fault() {
        let error = ClientError::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(error.is_silent());
        assert_eq!(error.exit_code(), exit::DONE);
    }
}

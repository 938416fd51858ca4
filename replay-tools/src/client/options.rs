//! Where NATS is and how to get in.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::ConnectErrorKind;

use super::error::ClientError;

/// Who said where the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedBy {
    /// `--nats-url` or `NATS_URL`.
    Flag,
    /// A context of the nats command line tool.
    Context(String),
    /// The `run.json` of a running node.
    RunFile(PathBuf),
}

/// A server, or several of one cluster, and who named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    url: String,
    named_by: NamedBy,
}

impl Server {
    /// Addresses of one cluster are separated by commas.
    #[must_use]
    pub const fn new(url: String, named_by: NamedBy) -> Self {
        Self { url, named_by }
    }

    /// What to try when nobody answers there.
    pub(super) fn advice(&self) -> String {
        match &self.named_by {
            NamedBy::Flag => "is the server running, and is --nats-url (or NATS_URL) right".to_owned(),
            NamedBy::Context(name) => format!("is the server of the context {name} running"),
            NamedBy::RunFile(path) => format!(
                "{} names it, so the guichet that wrote that file has probably died; start it again with `guichet serve`",
                path.display()
            ),
        }
    }
}

/// Without what stands before `@`: passwords do not belong in messages.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, url) in self.url.split(',').enumerate() {
            let (scheme, rest) = url.split_once("://").unwrap_or(("nats", url));
            let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
            write!(f, "{}{}://{}", if i > 0 { "," } else { "" }, scheme.trim(), place.trim())?;
        }
        Ok(())
    }
}

/// How to get in. Whatever is absent is not offered.
#[derive(Clone, Default)]
pub struct Credentials {
    /// User name.
    pub user: Option<String>,
    /// Password of that user.
    pub password: Option<String>,
    /// Token.
    pub token: Option<String>,
    /// File with a user JWT and its seed.
    pub creds: Option<PathBuf>,
    /// File with the seed of an nkey.
    pub nkey: Option<PathBuf>,
    /// File with the certificates of an own authority.
    pub ca: Option<PathBuf>,
    /// Files with our own certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Secrets never reach a log.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Everything about one connection.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Where.
    pub server: Server,
    /// How to get in.
    pub credentials: Credentials,
    /// For the connection, and for each request.
    pub timeout: Duration,
}

impl ConnectOptions {
    /// A server of this URL, no credentials, five seconds.
    #[must_use]
    pub fn to(url: &str) -> Self {
        let server = Server::new(url.to_owned(), NamedBy::Flag);
        Self { server, credentials: Credentials::default(), timeout: Duration::from_secs(5) }
    }

    pub(super) async fn connect(self) -> Result<async_nats::Client, ClientError> {
        let urls: Vec<String> = self
            .server
            .url
            .split(',')
            .map(|url| url.trim().to_owned())
            .filter(|url| !url.is_empty())
            .collect();
        let options = self.credentials.apply(async_nats::ConnectOptions::new()).await?;
        let connecting = options.name("guichet").connection_timeout(self.timeout).connect(urls);
        connecting.await.map_err(|error| {
            let problem =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            match error.kind() {
                ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                    ClientError::NotAllowed { server: self.server, problem }
                }
                ConnectErrorKind::ServerParse => ClientError::Usage(format!(
                    "{} is no address of a NATS server ({problem}); it looks like nats://host:4222",
                    self.server
                )),
                ConnectErrorKind::Dns
                | ConnectErrorKind::TimedOut
                | ConnectErrorKind::Tls
                | ConnectErrorKind::Io
                | ConnectErrorKind::MaxReconnects => {
                    ClientError::Unreachable { server: self.server, problem }
                }
            }
        })
    }
}

impl Credentials {
    async fn apply(
        self,
        mut options: async_nats::ConnectOptions,
    ) -> Result<async_nats::ConnectOptions, ClientError> {
        if let Some(user) = self.user {
            options = options.user_and_password(user, self.password.unwrap_or_default());
        }
        if let Some(token) = self.token {
            options = options.token(token);
        }
        if let Some(path) = self.nkey {
            let seed = std::fs::read_to_string(&path)
                .map_err(|e| ClientError::File { path, problem: e.to_string() })?;
            options = options.nkey(seed.trim().to_owned());
        }
        if let Some(path) = self.creds {
            let with = options.credentials_file(&path).await;
            options = with.map_err(|e| ClientError::File { path, problem: e.to_string() })?;
        }
        if let Some(path) = self.ca {
            options = options.add_root_certificates(path);
        }
        if let Some((certificate, key)) = self.identity {
            options = options.add_client_certificate(certificate, key);
        }
        Ok(options)
    }
}

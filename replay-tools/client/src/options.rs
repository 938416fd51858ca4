//! How to get in, and the one place that connects: tools and roles alike.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::ConnectErrorKind;

use super::denied::Refusals;
use super::error::ClientError;
use super::secret::{Login, Secret};
use super::server::{NamedBy, Server};

/// How to get in. Whatever is absent is not offered.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// Our name for the server; none: that in the URL, else nobody's.
    pub login: Option<Login>,
    /// File with the certificates of an own authority.
    pub ca: Option<PathBuf>,
    /// Files with our own certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// TLS before the greeting of the server.
    pub tls_first: bool,
    /// Prefix of the subjects of our answers, such as `_INBOX_engine`; none: `_INBOX`, which all share.
    pub inbox_prefix: Option<String>,
}

/// Everything about one connection.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    pub server: Server,
    pub credentials: Credentials,
    /// For the connection, and for each request.
    pub timeout: Duration,
}

impl ConnectOptions {
    /// A server of this URL, no credentials but those in it, five seconds.
    #[must_use]
    pub fn to(url: &str) -> Self {
        let server = Server::new(url, NamedBy::Flag);
        Self { server, credentials: Credentials::default(), timeout: Duration::from_secs(5) }
    }

    /// Connects. `options` says what is special about this connection, and whom its events are told to.
    ///
    /// # Errors
    /// Nobody answers there, or the server does not let us in, or a file of the credentials cannot be used.
    pub async fn dial(&self, options: async_nats::ConnectOptions) -> Result<async_nats::Client, ClientError> {
        if self.server.addresses().is_empty() {
            return Err(ClientError::Usage(
                "the NATS URL is empty; it looks like nats://host:4222".to_owned(),
            ));
        }
        let login = match &self.credentials.login {
            Some(login) => Some(login),
            None => self.server.login()?,
        };
        let options = self.credentials.transport(options)?;
        let options = match login {
            Some(login) => login.offered(options).await?,
            None => options,
        };
        let dialled = options.connection_timeout(self.timeout).connect(self.server.addresses());
        dialled.await.map_err(|error| self.failed(&error))
    }

    /// Connects as a tool does: once, and with everything that is refused noted.
    pub(super) async fn connect(&self, refusals: &Refusals) -> Result<async_nats::Client, ClientError> {
        let refusals = refusals.clone();
        let options = async_nats::ConnectOptions::new().name("guichet").event_callback(move |event| {
            refusals.note(&event);
            std::future::ready(())
        });
        self.dial(options).await
    }

    fn failed(&self, error: &async_nats::ConnectError) -> ClientError {
        let server = self.server.clone();
        let problem = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
        match error.kind() {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                ClientError::NotAllowed { server, problem }
            }
            ConnectErrorKind::ServerParse => ClientError::Usage(format!(
                "{server} is no address of a NATS server ({problem}); it looks like nats://host:4222"
            )),
            ConnectErrorKind::Tls => ClientError::Untrusted { server, problem },
            ConnectErrorKind::Dns
            | ConnectErrorKind::TimedOut
            | ConnectErrorKind::Io
            | ConnectErrorKind::MaxReconnects => ClientError::Unreachable { server, problem },
        }
    }
}

impl Login {
    async fn offered(
        &self,
        options: async_nats::ConnectOptions,
    ) -> Result<async_nats::ConnectOptions, ClientError> {
        Ok(match self {
            Self::User { name, password } => {
                options.user_and_password(name.clone(), password.reveal().to_owned())
            }
            Self::Token(token) => options.token(token.reveal().to_owned()),
            Self::Nkey(path) => options.nkey(Secret::read(path)?.reveal().to_owned()),
            Self::Creds(path) => options
                .credentials_file(path)
                .await
                .map_err(|e| ClientError::File { path: path.clone(), problem: e.to_string() })?,
            Self::Jwt { jwt, seed } => options
                .credentials(&creds(jwt, seed))
                .map_err(|e| ClientError::Usage(format!("the user JWT and seed cannot be used: {e}")))?,
        })
    }
}

/// The form of a credentials file.
fn creds(jwt: &Secret, seed: &Secret) -> String {
    format!(
        "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
        jwt.reveal().trim(),
        seed.reveal().trim()
    )
}

impl Credentials {
    fn transport(
        &self,
        mut options: async_nats::ConnectOptions,
    ) -> Result<async_nats::ConnectOptions, ClientError> {
        let files =
            self.ca.iter().chain(self.identity.iter().flat_map(|(certificate, key)| [certificate, key]));
        for path in files {
            // The library would only say that a file is missing, and not which.
            std::fs::File::open(path)
                .map_err(|e| ClientError::File { path: path.clone(), problem: e.to_string() })?;
        }
        if let Some(ca) = &self.ca {
            options = options.add_root_certificates(ca.clone());
        }
        if let Some((certificate, key)) = &self.identity {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        // Whoever names certificates does not mean a connection that anybody can read.
        if self.ca.is_some() || self.identity.is_some() || self.tls_first {
            options = options.require_tls(true);
        }
        if self.tls_first {
            options = options.tls_first();
        }
        if let Some(prefix) = &self.inbox_prefix {
            options = options.custom_inbox_prefix(prefix);
        }
        Ok(options)
    }
}

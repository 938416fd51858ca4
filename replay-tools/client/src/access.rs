//! The flags that say where NATS is and how to get in: the same for every role and every tool, with the environment
//! names of the `nats` tool.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::options::{ConnectOptions, Credentials};
use super::secret::{Login, Secret};
use super::server::{NamedBy, Server};
use super::{ClientError, context};

/// A server and the way in. A secret on the command line is seen by whoever lists processes: name a file, or use the
/// environment.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct AccessArgs {
    /// NATS server, several of one cluster with commas between them; user:password@ or token@ may stand before a host
    #[arg(long, short = 's', env = "NATS_URL", hide_env_values = true, value_name = "URL")]
    pub nats_url: Option<Secret>,
    /// Context of the nats tool to take server and credentials from
    #[arg(long, env = "NATS_CONTEXT", value_name = "NAME")]
    pub context: Option<String>,
    /// User name; without a password, a token
    #[arg(long, env = "NATS_USER", hide_env_values = true, value_name = "NAME")]
    pub user: Option<Secret>,
    /// Password
    #[arg(long, env = "NATS_PASSWORD", hide_env_values = true, value_name = "TEXT")]
    pub password: Option<Secret>,
    /// File with the password; goes before --password
    #[arg(long, env = "NATS_PASSWORD_FILE", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Token
    #[arg(long, env = "NATS_TOKEN", hide_env_values = true, value_name = "TEXT")]
    pub token: Option<Secret>,
    /// File with the token; goes before --token
    #[arg(long, env = "NATS_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// File with a user's credentials: a JWT and its seed
    #[arg(long, env = "NATS_CREDS", value_name = "FILE")]
    pub creds: Option<PathBuf>,
    /// File with the seed of an nkey
    #[arg(long, env = "NATS_NKEY", value_name = "FILE")]
    pub nkey: Option<PathBuf>,
    /// File with the certificates of the authority that the server's certificate is of
    #[arg(long, env = "NATS_CA", value_name = "FILE")]
    pub tlsca: Option<PathBuf>,
    /// File with our own certificate
    #[arg(long, env = "NATS_CERT", value_name = "FILE")]
    pub tlscert: Option<PathBuf>,
    /// File with the key of our own certificate
    #[arg(long, env = "NATS_KEY", value_name = "FILE")]
    pub tlskey: Option<PathBuf>,
    /// Begin TLS before the server greets
    #[arg(long)]
    pub tlsfirst: bool,
    /// Prefix of the subjects of our answers, where the user may not listen to all of _INBOX, such as _INBOX_me
    #[arg(long, env = "NATS_INBOX_PREFIX", value_name = "SUBJECT")]
    pub inbox_prefix: Option<String>,
    #[arg(long, env = "XDG_CONFIG_HOME", hide = true)]
    config_home: Option<PathBuf>,
    #[arg(long, env = "HOME", hide = true)]
    home: Option<PathBuf>,
}

impl AccessArgs {
    /// A server of this URL, whatever it carries.
    #[must_use]
    pub fn to(url: &str) -> Self {
        Self { nats_url: Some(Secret::from(url.to_owned())), ..Self::default() }
    }

    /// True where a server is named, by URL or by context.
    #[must_use]
    pub fn names_a_server(&self) -> bool {
        self.url().is_some() || self.context_name().is_some()
    }

    /// The connection that was asked for; none where neither a URL nor a context names a server. What was said goes
    /// before what the URL carries, and that before the context.
    ///
    /// # Errors
    /// What was said contradicts itself, or a file of it cannot be read.
    pub fn options(&self, timeout: Duration) -> Result<Option<ConnectOptions>, ClientError> {
        self.options_or(timeout, || Ok(None))
    }

    /// The same, with a server for those who name none.
    pub(super) fn options_or(
        &self,
        timeout: Duration,
        otherwise: impl FnOnce() -> Result<Option<Server>, ClientError>,
    ) -> Result<Option<ConnectOptions>, ClientError> {
        let mut base = Credentials::default();
        let mut server = None;
        if let Some(name) = self.context_name() {
            let found = self.read_context(name)?;
            base = found.credentials;
            server = found.url.map(|url| Server::new(url.reveal(), NamedBy::Context(name.to_owned())));
        }
        if let Some(url) = self.url() {
            let named = Server::new(url.reveal(), NamedBy::Flag);
            base.login = named.login()?.cloned().or(base.login);
            server = Some(named);
        }
        let server = match server {
            Some(server) => Some(server),
            None => otherwise()?,
        };
        let Some(server) = server else { return Ok(None) };
        if base.login.is_none() {
            base.login = server.login()?.cloned();
        }
        Ok(Some(ConnectOptions { server, credentials: self.over(base)?, timeout }))
    }

    fn url(&self) -> Option<&Secret> {
        self.nats_url.as_ref().filter(|url| !url.is_empty())
    }

    fn context_name(&self) -> Option<&str> {
        self.context.as_deref().filter(|name| !name.is_empty())
    }

    fn read_context(&self, name: &str) -> Result<context::Context, ClientError> {
        let home = self.home.clone().unwrap_or_default();
        let config_home = self.config_home.clone().unwrap_or_else(|| home.join(".config"));
        context::read(name, &config_home, &home)
    }

    fn over(&self, base: Credentials) -> Result<Credentials, ClientError> {
        let identity = pair(self.tlscert.clone(), self.tlskey.clone())?;
        let inbox_prefix = self.inbox_prefix.clone().filter(|prefix| !prefix.is_empty());
        let inbox_prefix = inbox_prefix.or(base.inbox_prefix).map(checked_prefix).transpose()?;
        Ok(Credentials {
            login: self.login(base.login)?,
            ca: self.tlsca.clone().or(base.ca),
            identity: identity.or(base.identity),
            tls_first: self.tlsfirst || base.tls_first,
            inbox_prefix,
        })
    }

    fn login(&self, base: Option<Login>) -> Result<Option<Login>, ClientError> {
        let given = |secret: &Option<Secret>, file: &Option<PathBuf>| match file {
            Some(file) => Secret::read(file).map(Some),
            None => Ok(secret.clone().filter(|secret| !secret.is_empty())),
        };
        let (password, token) =
            (given(&self.password, &self.password_file)?, given(&self.token, &self.token_file)?);
        let user = self.user.clone().filter(|user| !user.is_empty());
        let mut ways = Vec::new();
        match (user, password) {
            (Some(user), Some(password)) => {
                ways.push(("--user", Login::User { name: user.reveal().to_owned(), password }));
            }
            (Some(user), None) => ways.push(("--user", Login::Token(user))),
            (None, Some(password)) => match &base {
                Some(Login::User { name, .. }) => {
                    ways.push(("--password", Login::User { name: name.clone(), password }));
                }
                _ => return Err(usage("--password needs a --user")),
            },
            (None, None) => {}
        }
        ways.extend(token.map(|token| ("--token", Login::Token(token))));
        ways.extend(self.creds.clone().map(|file| ("--creds", Login::Creds(file))));
        ways.extend(self.nkey.clone().map(|file| ("--nkey", Login::Nkey(file))));
        match ways.as_slice() {
            [] => Ok(base),
            [(_, login)] => Ok(Some(login.clone())),
            [(one, _), (other, _), ..] => Err(usage(&format!(
                "{one} and {other} are two ways in, by flag or by the environment; NATS takes one"
            ))),
        }
    }
}

/// Certificate and key belong together.
pub(super) fn pair(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<(PathBuf, PathBuf)>, ClientError> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(usage("--tlscert needs its --tlskey")),
        (None, Some(_)) => Err(usage("--tlskey needs its --tlscert")),
    }
}

/// A desk answers to inboxes only.
fn checked_prefix(prefix: String) -> Result<String, ClientError> {
    let is_token = |token: &str| {
        !token.is_empty() && token.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
    };
    if prefix.starts_with("_INBOX") && prefix.split('.').all(is_token) {
        return Ok(prefix);
    }
    Err(usage(&format!(
        "{prefix:?} is no prefix of inboxes: it begins with _INBOX, or no desk answers there, and has tokens of letters, digits, _ and -"
    )))
}

fn usage(what: &str) -> ClientError {
    ClientError::Usage(what.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        access: AccessArgs,
    }

    /// Without what the environment of the test says.
    fn args(words: &[&str]) -> AccessArgs {
        let parsed = Cli::try_parse_from(std::iter::once(&"guichet").chain(words)).unwrap().access;
        let said = |flag: &str| words.contains(&flag);
        AccessArgs {
            nats_url: parsed.nats_url.filter(|_| said("--nats-url")),
            context: parsed.context.filter(|_| said("--context")),
            ..parsed
        }
    }

    fn login(words: &[&str]) -> Result<Option<Login>, String> {
        let options = args(words).options(Duration::from_secs(1)).map_err(|e| e.to_string())?;
        Ok(options.expect("a server").credentials.login)
    }

    fn user(name: &str, password: &str) -> Option<Login> {
        Some(Login::User { name: name.to_owned(), password: Secret::from(password.to_owned()) })
    }

    #[test]
    fn what_is_said_goes_before_the_url_and_that_before_the_context() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("nats/context");
        std::fs::create_dir_all(&folder).unwrap();
        let json =
            r#"{"url": "nats://one:4222", "user": "carl", "password": "c", "inbox_prefix": "_INBOX_carl"}"#;
        std::fs::write(folder.join("prod.json"), json).unwrap();
        let at = home.path().to_str().unwrap();
        let context = ["--config-home", at, "--context", "prod"];
        let with = |words: &[&str]| login(&[&context, words].concat());

        assert_eq!(with(&[]), Ok(user("carl", "c")));
        assert_eq!(with(&["--nats-url", "nats://ursula:u@two:4222"]), Ok(user("ursula", "u")));
        assert_eq!(
            with(&["--nats-url", "nats://ursula:u@two", "--user", "fay", "--password", "f"]),
            Ok(user("fay", "f"))
        );
        assert_eq!(with(&["--password", "f"]), Ok(user("carl", "f")));
        assert_eq!(with(&["--nkey", "file"]), Ok(Some(Login::Nkey("file".into()))));
        let options = args(&context).options(Duration::from_secs(1)).unwrap().unwrap();
        assert_eq!(options.credentials.inbox_prefix.as_deref(), Some("_INBOX_carl"));
        assert_eq!(options.server.to_string(), "nats://one:4222");
    }

    #[test]
    fn secrets_come_from_files() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        std::fs::write(&file, "hush\n").unwrap();
        let file = file.to_str().unwrap();
        let to = ["--nats-url", "nats://one:4222"];
        let with = |words: &[&str]| login(&[&to, words].concat());
        assert_eq!(with(&["--user", "bob", "--password-file", file]), Ok(user("bob", "hush")));
        assert_eq!(with(&["--token-file", file]), Ok(Some(Login::Token(Secret::from("hush".to_owned())))));
        assert_eq!(with(&["--user", "hush"]), Ok(Some(Login::Token(Secret::from("hush".to_owned())))));
        assert!(with(&["--token-file", "/no/such"]).unwrap_err().contains("/no/such"));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let to = ["--nats-url", "nats://one:4222"];
        for (words, told) in [
            (["--token", "t", "--creds", "c"].as_slice(), "two ways in"),
            (&["--password", "p"], "--user"),
            (&["--tlscert", "c"], "--tlskey"),
            (&["--inbox-prefix", "inbox"], "_INBOX"),
            (&["--inbox-prefix", "_INBOX_a.>"], "_INBOX"),
            (&["--context", "no-such"], "no-such"),
        ] {
            let said = login(&[&to, words].concat()).unwrap_err();
            assert!(said.contains(told), "{words:?}: {said}");
        }
    }

    #[test]
    fn nothing_shows_a_secret() {
        let words =
            ["--nats-url", "nats://b:hush@one", "--user", "hush", "--password", "hush", "--token", "hush"];
        let args = args(&words);
        assert!(!format!("{args:?}").contains("hush"), "{args:?}");
        let options = AccessArgs::to("nats://b:hush@one").options(Duration::from_secs(1)).unwrap().unwrap();
        assert!(!format!("{options:?} {}", options.server).contains("hush"), "{options:?}");
    }
}

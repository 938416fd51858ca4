//! The flags of every tool that talks to a running desk.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use guichet_schemas::ids::{CallerId, TenantId};
use serde::Deserialize;

use super::access::AccessArgs;
use super::options::{ConnectOptions, Credentials};
use super::secret::{Login, Secret};
use super::server::{NamedBy, Server};
use super::{Client, ClientError};

/// Where the desk is and who calls.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectArgs {
    /// The server and the way in [default: those of the node that runs on --data-dir]
    #[command(flatten)]
    pub access: AccessArgs,
    /// Folder of a running `guichet serve` or `guichet demo`, whose server is used where none is named
    #[arg(long, default_value = "./guichet-data", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// How long to wait for the connection and for each answer, such as 500ms, 5s or 1m
    #[arg(long, env = "NATS_TIMEOUT", default_value = "5s", value_parser = span, value_name = "TIME")]
    pub timeout: Duration,
    /// Tenant whose desk it is
    #[arg(long, default_value = "default", value_parser = tenant, value_name = "NAME")]
    pub tenant: TenantId,
    /// Caller to send and ask as
    #[arg(long, default_value = "cli", value_parser = caller, value_name = "NAME")]
    pub caller: CallerId,
}

impl ConnectArgs {
    /// Connects.
    ///
    /// # Errors
    /// No server is known, or it cannot be reached.
    pub async fn connect(&self) -> Result<Client, ClientError> {
        Client::connect(self.options()?, self.tenant.clone(), self.caller.clone()).await
    }

    /// Server and credentials: what was said goes before the context, the context before a running node.
    ///
    /// # Errors
    /// No server is known, or the context or `run.json` cannot be read.
    pub fn options(&self) -> Result<ConnectOptions, ClientError> {
        options_within(&self.access, &self.data_dir, self.timeout)?
            .ok_or_else(|| ClientError::NoServer { data_dir: self.data_dir.clone() })
    }
}

/// Where a node with an embedded server keeps the key of these tools, below its data folder.
pub const TOOLS_KEY: &str = "nats-keys/tools.nk";
/// Prefix of the subjects of answers to the user of that key.
pub const TOOLS_INBOX: &str = "_INBOX_tools";

/// The connection that was asked for, else that of the node that runs on a folder; none where no node does.
///
/// The embedded server of a node knows the users of that node and no others: what the environment says about another
/// server is not meant there.
///
/// # Errors
/// What was said contradicts itself, or a file of it, or `run.json`, cannot be read.
pub fn options_within(
    access: &AccessArgs,
    data_dir: &Path,
    timeout: Duration,
) -> Result<Option<ConnectOptions>, ClientError> {
    if access.names_a_server() {
        return access.options(timeout);
    }
    let Some((server, is_embedded)) = running(data_dir)? else { return Ok(None) };
    if !is_embedded {
        return access.options_or(timeout, || Ok(Some(server)));
    }
    let key = data_dir.join(TOOLS_KEY);
    // Whoever may read run.json alone is a caller.
    let credentials = match std::fs::File::open(&key) {
        Ok(_) => Credentials {
            login: Some(Login::Nkey(key)),
            inbox_prefix: Some(TOOLS_INBOX.to_owned()),
            ..Credentials::default()
        },
        Err(_) => Credentials::default(),
    };
    Ok(Some(ConnectOptions { server, credentials, timeout }))
}

/// The server of the node that runs on a folder, and whether it is the node's own.
fn running(data_dir: &Path) -> Result<Option<(Server, bool)>, ClientError> {
    #[derive(Deserialize)]
    struct RunFile {
        nats_url: Secret,
        nats_pid: Option<u32>,
    }
    let path = data_dir.join("run.json");
    let Ok(text) = std::fs::read(&path) else { return Ok(None) };
    match serde_json::from_slice::<RunFile>(&text) {
        Ok(run) => {
            let server = Server::new(run.nats_url.reveal(), NamedBy::RunFile(path));
            Ok(Some((server, run.nats_pid.is_some())))
        }
        Err(e) => Err(ClientError::File { path, problem: e.to_string() }),
    }
}

fn tenant(text: &str) -> Result<TenantId, &'static str> {
    TenantId::parse(text).ok_or("1 to 64 letters, digits, _ and -")
}

fn caller(text: &str) -> Result<CallerId, &'static str> {
    CallerId::parse(text).ok_or("1 to 64 letters, digits, _ and -")
}

/// Reads `500ms`, `5s`, `2m`, or a bare number of seconds.
fn span(text: &str) -> Result<Duration, &'static str> {
    const RULE: &str = "a number with ms, s or m, such as 500ms or 5s";
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let count: u64 = digits.parse().map_err(|_| RULE)?;
    let ms = match unit {
        "ms" => Some(count),
        "s" | "" => count.checked_mul(1000),
        "m" => count.checked_mul(60_000),
        _ => None,
    };
    ms.filter(|ms| *ms > 0).map(Duration::from_millis).ok_or(RULE)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        connect: ConnectArgs,
    }

    fn args(words: &[&str]) -> ConnectArgs {
        Cli::try_parse_from(std::iter::once(&"guichet").chain(words)).unwrap().connect
    }

    #[test]
    fn without_a_url_the_running_node_is_asked() {
        let dir = tempfile::tempdir().unwrap();
        let mut args = args(&["--data-dir", dir.path().to_str().unwrap()]);
        args.access = AccessArgs::default();

        let nobody = args.options().unwrap_err();
        assert_eq!(nobody.exit_code(), crate::exit::UNREACHABLE);
        assert!(nobody.to_string().contains("guichet serve"), "{nobody}");

        let run =
            r#"{"pid": 7, "nats_url": "nats://bob:hush@127.0.0.1:4555", "http_url": null, "nats_pid": null}"#;
        std::fs::write(dir.path().join("run.json"), run).unwrap();
        assert_eq!(args.options().unwrap().server.to_string(), "nats://127.0.0.1:4555");
        assert!(args.options().unwrap().credentials.login.is_some());

        args.access.nats_url = Some(Secret::from("nats://10.0.0.1:4222".to_owned()));
        assert_eq!(args.options().unwrap().server.to_string(), "nats://10.0.0.1:4222");
        assert!(args.options().unwrap().credentials.login.is_none());
    }

    #[test]
    fn the_server_of_a_node_has_a_key_for_us() {
        let dir = tempfile::tempdir().unwrap();
        let run =
            r#"{"pid": 7, "nats_url": "nats://caller:hush@127.0.0.1:4555", "http_url": null, "nats_pid": 8}"#;
        std::fs::write(dir.path().join("run.json"), run).unwrap();
        let mut access = args(&[]).access;
        (access.nats_url, access.context) = (None, None);
        access.inbox_prefix = Some("_INBOX_me".to_owned());
        access.token = Some(Secret::from("of another server".to_owned()));
        let options = || options_within(&access, dir.path(), Duration::from_secs(1)).unwrap().unwrap();
        assert_eq!(options().credentials.login, None, "what the URL carries");

        std::fs::create_dir(dir.path().join("nats-keys")).unwrap();
        std::fs::write(dir.path().join(TOOLS_KEY), "seed").unwrap();
        assert_eq!(options().credentials.login, Some(Login::Nkey(dir.path().join(TOOLS_KEY))));
        assert_eq!(options().credentials.inbox_prefix.as_deref(), Some(TOOLS_INBOX));
    }

    #[test]
    fn spans_have_units() {
        assert_eq!(span("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(span("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(span("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(span("7"), Ok(Duration::from_secs(7)));
        assert!(span("0s").is_err() && span("").is_err() && span("5 years").is_err());
    }
}

//! The flags of every tool that talks to a running desk, with the environment names of the `nats` tool.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use guichet_schemas::ids::{CallerId, TenantId};
use serde::Deserialize;

use super::options::{ConnectOptions, Credentials, NamedBy, Server};
use super::{Client, ClientError, context};

/// Where the desk is and who calls.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectArgs {
    /// NATS server [default: that of the node that runs on --data-dir]
    #[arg(long, short = 's', env = "NATS_URL", value_name = "URL")]
    pub nats_url: Option<String>,
    /// Folder of a running `guichet serve` or `guichet demo`, whose server is used
    #[arg(long, default_value = "./guichet-data", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Context of the nats tool to take server and credentials from
    #[arg(long, env = "NATS_CONTEXT", value_name = "NAME")]
    pub context: Option<String>,
    /// User name
    #[arg(long, env = "NATS_USER", value_name = "NAME")]
    pub user: Option<String>,
    /// Password
    #[arg(long, env = "NATS_PASSWORD", hide_env_values = true, value_name = "TEXT")]
    pub password: Option<String>,
    /// Token
    #[arg(long, env = "NATS_TOKEN", hide_env_values = true, value_name = "TEXT")]
    pub token: Option<String>,
    /// File with a user's credentials
    #[arg(long, env = "NATS_CREDS", value_name = "FILE")]
    pub creds: Option<PathBuf>,
    /// File with the seed of an nkey
    #[arg(long, env = "NATS_NKEY", value_name = "FILE")]
    pub nkey: Option<PathBuf>,
    /// How long to wait for the connection and for each answer, such as 500ms, 5s or 1m
    #[arg(long, env = "NATS_TIMEOUT", default_value = "5s", value_parser = span, value_name = "TIME")]
    pub timeout: Duration,
    /// Whose desk
    #[arg(long, default_value = "default", value_parser = tenant, value_name = "NAME")]
    pub tenant: TenantId,
    /// Who calls
    #[arg(long, default_value = "cli", value_parser = caller, value_name = "NAME")]
    pub caller: CallerId,
    #[arg(long, env = "XDG_CONFIG_HOME", hide = true)]
    config_home: Option<PathBuf>,
    #[arg(long, env = "HOME", hide = true)]
    home: Option<PathBuf>,
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
        let context =
            self.context.as_deref().map(|name| self.read_context(name).map(|c| (name, c))).transpose()?;
        let (mut credentials, mut server) = (Credentials::default(), None);
        if let Some((name, found)) = context {
            credentials = found.credentials;
            server = found.url.map(|url| Server::new(url, NamedBy::Context(name.to_owned())));
        }
        if let Some(url) = &self.nats_url {
            server = Some(Server::new(url.clone(), NamedBy::Flag));
        }
        let server = server.map_or_else(|| running(&self.data_dir), Ok)?;
        for (said, from) in [
            (&self.user, &mut credentials.user),
            (&self.password, &mut credentials.password),
            (&self.token, &mut credentials.token),
        ] {
            *from = said.clone().or_else(|| from.take());
        }
        credentials.creds = self.creds.clone().or(credentials.creds);
        credentials.nkey = self.nkey.clone().or(credentials.nkey);
        Ok(ConnectOptions { server, credentials, timeout: self.timeout })
    }

    fn read_context(&self, name: &str) -> Result<context::Context, ClientError> {
        let home = self.home.clone().unwrap_or_default();
        let config_home = self.config_home.clone().unwrap_or_else(|| home.join(".config"));
        context::read(name, &config_home, &home)
    }
}

/// The server of the node that runs on a folder.
fn running(data_dir: &Path) -> Result<Server, ClientError> {
    #[derive(Deserialize)]
    struct RunFile {
        nats_url: String,
    }
    let path = data_dir.join("run.json");
    let Ok(text) = std::fs::read(&path) else {
        return Err(ClientError::NoServer { data_dir: data_dir.to_owned() });
    };
    match serde_json::from_slice::<RunFile>(&text) {
        Ok(run) => Ok(Server::new(run.nats_url, NamedBy::RunFile(path))),
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
        args.nats_url = None;
        args.context = None;

        let nobody = args.options().unwrap_err();
        assert_eq!(nobody.exit_code(), crate::exit::UNREACHABLE);
        assert!(nobody.to_string().contains("guichet serve"), "{nobody}");

        let run = r#"{"pid": 7, "nats_url": "nats://127.0.0.1:4555", "http_url": null, "nats_pid": 8}"#;
        std::fs::write(dir.path().join("run.json"), run).unwrap();
        assert_eq!(args.options().unwrap().server.to_string(), "nats://127.0.0.1:4555");

        args.nats_url = Some("nats://10.0.0.1:4222".to_owned());
        assert_eq!(args.options().unwrap().server.to_string(), "nats://10.0.0.1:4222");
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

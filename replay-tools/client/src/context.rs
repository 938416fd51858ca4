//! The contexts of the `nats` command line tool: JSON files that name a server and how to get in.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::access::pair;
use super::error::ClientError;
use super::options::Credentials;
use super::secret::{Login, Secret};

/// The part of a context that we read; the tool keeps more in it, about its own output.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    url: String,
    user: String,
    password: String,
    token: String,
    creds: String,
    nkey: String,
    ca: String,
    cert: String,
    key: String,
    tls_first: bool,
    inbox_prefix: String,
    user_jwt: String,
    user_seed: String,
    // What we cannot do, and must not pass over in silence: the connection would be another one.
    nsc: String,
    socks_proxy: String,
    jetstream_domain: String,
    jetstream_api_prefix: String,
}

/// A context.
#[derive(Debug)]
pub(super) struct Context {
    /// Where; none: the context leaves it open.
    pub(super) url: Option<Secret>,
    pub(super) credentials: Credentials,
}

/// Reads the context of that name from `nats/context/` of the folder of configurations.
///
/// # Errors
/// There is none of that name, or it is no JSON.
pub(super) fn read(name: &str, config_home: &Path, home: &Path) -> Result<Context, ClientError> {
    let folder = config_home.join("nats").join("context");
    let path = folder.join(format!("{name}.json"));
    // The name becomes a path: it must not lead out of the folder.
    if name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.') {
        return Err(ClientError::Usage(format!(
            "{name:?} is no name of a NATS context; `nats context ls` lists them"
        )));
    }
    let text = std::fs::read(&path)
        .map_err(|e| ClientError::File { path: path.clone(), problem: format!("{e}; {}", known(&folder)) })?;
    let form: Form = serde_json::from_slice(&text)
        .map_err(|e| ClientError::File { path: path.clone(), problem: e.to_string() })?;
    form.into_context(home).map_err(|problem| ClientError::File { path, problem })
}

/// The names that the user could have meant.
fn known(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = files
        .filter_map(|f| f.file_name().to_string_lossy().strip_suffix(".json").map(str::to_owned))
        .collect();
    names.sort();
    if names.is_empty() {
        "there are no contexts".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    }
}

impl Form {
    fn into_context(self, home: &Path) -> Result<Context, String> {
        let text = |value: String| Some(value).filter(|v| !v.is_empty());
        let secret = |value: String| text(value).map(Secret::from);
        let path = |value: String| {
            text(value)
                .map(|v| v.strip_prefix("~/").map_or_else(|| PathBuf::from(&v), |rest| home.join(rest)))
        };
        for (field, value) in [
            ("nsc", &self.nsc),
            ("socks_proxy", &self.socks_proxy),
            ("jetstream_domain", &self.jetstream_domain),
            ("jetstream_api_prefix", &self.jetstream_api_prefix),
        ] {
            if !value.is_empty() {
                return Err(format!("it has {field}, which guichet does not know"));
            }
        }
        let mut ways = Vec::new();
        match (text(self.user), secret(self.password)) {
            (Some(name), Some(password)) => ways.push(("user", Login::User { name, password })),
            (Some(token), None) => ways.push(("user", Login::Token(Secret::from(token)))),
            (None, _) => {}
        }
        ways.extend(secret(self.token).map(|token| ("token", Login::Token(token))));
        ways.extend(path(self.creds).map(|file| ("creds", Login::Creds(file))));
        ways.extend(path(self.nkey).map(|file| ("nkey", Login::Nkey(file))));
        let signed = secret(self.user_jwt).zip(secret(self.user_seed));
        ways.extend(signed.map(|(jwt, seed)| ("user_jwt", Login::Jwt { jwt, seed })));
        if let [(one, _), (other, _), ..] = ways.as_slice() {
            return Err(format!("it has {one} and {other}, two ways in; NATS takes one"));
        }
        Ok(Context {
            url: secret(self.url),
            credentials: Credentials {
                login: ways.pop().map(|(_, login)| login),
                ca: path(self.ca),
                identity: pair(path(self.cert), path(self.key)).map_err(|e| e.to_string())?,
                tls_first: self.tls_first,
                inbox_prefix: text(self.inbox_prefix),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_of_the_nats_tool_is_read_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".config/nats/context");
        std::fs::create_dir_all(&folder).unwrap();
        let json = r#"{"description": "prod", "url": "tls://nats.example.org:4222", "creds": "~/desk.creds", "user": "", "inbox_prefix": ""}"#;
        std::fs::write(folder.join("prod.json"), json).unwrap();

        let config_home = home.path().join(".config");
        let context = read("prod", &config_home, home.path()).unwrap();
        assert_eq!(context.url.as_ref().map(Secret::reveal), Some("tls://nats.example.org:4222"));
        assert_eq!(context.credentials.login, Some(Login::Creds(home.path().join("desk.creds"))));

        let missing = read("porд", &config_home, home.path()).unwrap_err().to_string();
        assert!(missing.contains("there are prod"), "{missing}");
        assert!(read("../prod", &config_home, home.path()).is_err());
    }

    #[test]
    fn a_context_that_we_could_only_follow_in_part_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("nats/context");
        std::fs::create_dir_all(&folder).unwrap();
        for (json, told) in [
            (r#"{"socks_proxy": "socks5://x"}"#, "socks_proxy"),
            (r#"{"user": "bob", "password": "hush", "creds": "x"}"#, "two ways in"),
            (r#"{"cert": "x"}"#, "--tlskey"),
        ] {
            std::fs::write(folder.join("odd.json"), json).unwrap();
            let said = read("odd", home.path(), home.path()).unwrap_err().to_string();
            assert!(said.contains(told) && said.contains("odd.json") && !said.contains("hush"), "{said}");
        }
    }
}

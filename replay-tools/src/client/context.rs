//! The contexts of the `nats` command line tool: JSON files that name a server and how to get in.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::ClientError;
use super::options::Credentials;

/// What we read of a context; the tool keeps more in it.
#[derive(Debug, Default, Deserialize)]
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
}

/// A context.
#[derive(Debug)]
pub(super) struct Context {
    /// Where; none: the context leaves it open.
    pub(super) url: Option<String>,
    /// How to get in.
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
    let form: Form =
        serde_json::from_slice(&text).map_err(|e| ClientError::File { path, problem: e.to_string() })?;
    Ok(form.into_context(home))
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
    fn into_context(self, home: &Path) -> Context {
        let text = |value: String| Some(value).filter(|v| !v.is_empty());
        let path = |value: String| {
            text(value)
                .map(|v| v.strip_prefix("~/").map_or_else(|| PathBuf::from(&v), |rest| home.join(rest)))
        };
        Context {
            url: text(self.url),
            credentials: Credentials {
                user: text(self.user),
                password: text(self.password),
                token: text(self.token),
                creds: path(self.creds),
                nkey: path(self.nkey),
                ca: path(self.ca),
                identity: path(self.cert).zip(path(self.key)),
            },
        }
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
        assert_eq!(context.url.as_deref(), Some("tls://nats.example.org:4222"));
        assert_eq!(context.credentials.creds, Some(home.path().join("desk.creds")));
        assert_eq!(context.credentials.user, None);

        let missing = read("porд", &config_home, home.path()).unwrap_err().to_string();
        assert!(missing.contains("there are prod"), "{missing}");
        assert!(read("../prod", &config_home, home.path()).is_err());
    }
}

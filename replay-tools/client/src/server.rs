//! Where a NATS server is, who said so, and the login that stood in its URL: taken out at once, for URLs are printed.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::ClientError;
use super::secret::{Login, Secret};

/// The source of the server's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedBy {
    /// `--nats-url` or `NATS_URL`.
    Flag,
    /// A context of the nats command line tool.
    Context(String),
    /// The `run.json` of a running node.
    RunFile(PathBuf),
    /// Nobody: it is our own child.
    Child,
}

/// A server, or several of one cluster, and who named it. Cheap to clone: every error carries one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server(Arc<Named>);

#[derive(Debug, PartialEq, Eq)]
struct Named {
    /// Addresses without what stands before `@`.
    addresses: Vec<String>,
    named_by: NamedBy,
    login: Carried,
}

/// The credentials that URLs carry.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Carried {
    Nothing,
    Login(Login),
    /// Several URLs with several logins, or one that cannot be read.
    Unusable(&'static str),
}

impl Server {
    /// Addresses of one cluster are separated by commas; each may carry `user:password@` or `token@`.
    #[must_use]
    pub fn new(url: &str, named_by: NamedBy) -> Self {
        let (mut addresses, mut login) = (Vec::new(), Carried::Nothing);
        for url in url.split(',').map(str::trim).filter(|url| !url.is_empty()) {
            let (scheme, rest) = url.split_once("://").unwrap_or(("nats", url));
            // Behind the place a path may stand, which nobody needs and which may hold an @.
            let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            let (said, place) = authority.rsplit_once('@').map_or((None, rest), |(said, place)| {
                (Some(said), rest.get(said.len() + 1..).unwrap_or(place))
            });
            addresses.push(format!("{}://{}", scheme.trim(), place.trim()));
            let Some(said) = said.filter(|said| !said.is_empty()) else { continue };
            login = match (read(said), login) {
                (None, _) => Carried::Unusable("the user or password in it is not percent-encoded UTF-8"),
                (Some(one), Carried::Nothing) => Carried::Login(one),
                (Some(one), Carried::Login(before)) if one == before => Carried::Login(one),
                (Some(_), Carried::Login(_)) => {
                    Carried::Unusable("its URLs carry different users; name one with --user")
                }
                (Some(_), Carried::Unusable(why)) => Carried::Unusable(why),
            };
        }
        Self(Arc::new(Named { addresses, named_by, login }))
    }

    /// The addresses, without secrets.
    pub(super) fn addresses(&self) -> &[String] {
        &self.0.addresses
    }

    /// The login that the URL carried.
    pub(super) fn login(&self) -> Result<Option<&Login>, ClientError> {
        match &self.0.login {
            Carried::Nothing => Ok(None),
            Carried::Login(login) => Ok(Some(login)),
            Carried::Unusable(why) => {
                Err(ClientError::Usage(format!("the NATS URL {self} cannot be used: {why}")))
            }
        }
    }

    /// True where the `run.json` of a node named it.
    #[must_use]
    pub fn is_of_a_node(&self) -> bool {
        matches!(self.0.named_by, NamedBy::RunFile(_))
    }

    /// Advice for when nobody answers there.
    pub(super) fn advice(&self) -> String {
        match &self.0.named_by {
            NamedBy::Flag => "is the server running, and is --nats-url (or NATS_URL) right; `guichet serve` without it starts its own".to_owned(),
            NamedBy::Context(name) => format!("is the server of the context {name} running"),
            NamedBy::RunFile(path) => format!(
                "{} names it, so the guichet that wrote that file has probably died; start it again with `guichet serve`",
                path.display()
            ),
            NamedBy::Child => "it is the nats-server that this guichet started".to_owned(),
        }
    }
}

/// Without what stands before `@`: passwords do not belong in messages.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.addresses.join(","))
    }
}

/// `user:password`, or a token alone, as Go and the others read it.
fn read(said: &str) -> Option<Login> {
    match said.split_once(':') {
        Some((user, password)) => {
            Some(Login::User { name: decoded(user)?, password: Secret::from(decoded(password)?) })
        }
        None => Some(Login::Token(Secret::from(decoded(said)?))),
    }
}

/// Percent-encoding taken off.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = tail.get(2..)?;
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(url: &str) -> Option<Login> {
        Server::new(url, NamedBy::Flag).login().unwrap().cloned()
    }

    #[test]
    fn what_stands_before_the_at_is_used_and_never_printed() {
        let user = |name: &str, password: &str| {
            Some(Login::User { name: name.to_owned(), password: Secret::from(password.to_owned()) })
        };
        assert_eq!(login("nats://bob:hush@10.0.0.1:4222"), user("bob", "hush"));
        assert_eq!(login("bob:p%40ss%3a@10.0.0.1"), user("bob", "p@ss:"));
        assert_eq!(login("tls://hush@10.0.0.1:4222"), Some(Login::Token(Secret::from("hush".to_owned()))));
        assert_eq!(login("nats://10.0.0.1:4222/a@b"), None);
        assert_eq!(login("nats://b:h@one:1, nats://b:h@two:2,nats://three:3"), user("b", "h"));

        for url in [
            "nats://bob:hush@10.0.0.1:4222",
            "bob:hush@h",
            "nats://b:hush@one:1,nats://c:hush@two:2",
            "nats://b%zz:hush@h",
        ] {
            let server = Server::new(url, NamedBy::Flag);
            let shown = format!("{server} {server:?} {:?}", server.login());
            assert!(!shown.contains("hush"), "{shown}");
        }
    }

    #[test]
    fn two_users_for_one_cluster_are_none() {
        let server = Server::new("nats://b:h@one:1,nats://c:h@two:2", NamedBy::Flag);
        assert!(server.login().unwrap_err().to_string().contains("different users"));
        assert_eq!(server.to_string(), "nats://one:1,nats://two:2");
        assert!(Server::new("nats://b%zz:h@one:1", NamedBy::Flag).login().is_err());
    }
}

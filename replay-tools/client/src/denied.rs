//! What the server has refused: it says so beside the requests, and whoever waits for an answer would wait in vain.

use std::fmt;

use async_nats::{Event, ServerError};
use tokio::sync::watch;

/// So many different refusals are remembered.
const REMEMBERED: usize = 64;

/// An act that a user wanted, and may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Send to a subject.
    Publish,
    /// Listen to a subject.
    Subscribe,
}

/// A right that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    pub act: Act,
    /// On which subject.
    pub subject: String,
}

impl Denial {
    /// Reads `Permissions Violation for Publish to "a.b"` and its like.
    #[must_use]
    pub fn read(said: &str) -> Option<Self> {
        let (act, rest) = if let Some(rest) = said.strip_prefix("Permissions Violation for Publish to ") {
            (Act::Publish, rest)
        } else {
            (Act::Subscribe, said.strip_prefix("Permissions Violation for Subscription to ")?)
        };
        let subject = rest.strip_prefix('"')?.split('"').next()?;
        Some(Self { act, subject: subject.to_owned() })
    }

    /// True where the answer to somebody is meant: who asks chooses that subject, so it says nothing about us.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        self.act == Act::Publish && (self.subject.starts_with("_INBOX") || self.subject.starts_with("_R_"))
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.act {
            Act::Publish => write!(f, "may not publish to {}", self.subject),
            Act::Subscribe => write!(f, "may not subscribe to {}", self.subject),
        }
    }
}

/// Notes what the server refuses to a connection.
#[derive(Debug, Clone)]
pub struct Refusals(watch::Sender<Vec<Denial>>);

impl Default for Refusals {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

impl Refusals {
    /// Looks at an event of a connection; what was refused, if it says that something was.
    pub fn note(&self, event: &Event) -> Option<Denial> {
        let Event::ServerError(ServerError::Other(said)) = event else { return None };
        let denial = Denial::read(said)?;
        self.0.send_if_modified(|all| {
            let is_new = !all.contains(&denial);
            if is_new {
                all.truncate(REMEMBERED - 1);
                all.insert(0, denial.clone());
            }
            is_new
        });
        Some(denial)
    }

    /// The newest refusal so far that this is true of.
    #[must_use]
    pub fn so_far(&self, is_it: impl Fn(&Denial) -> bool) -> Option<Denial> {
        self.0.borrow().iter().find(|denial| is_it(denial)).cloned()
    }

    /// Waits for a refusal that this is true of.
    pub async fn first(&self, is_it: impl Fn(&Denial) -> bool) -> Denial {
        let mut all = self.0.subscribe();
        loop {
            let found = all.borrow_and_update().iter().find(|denial| is_it(denial)).cloned();
            if let Some(denial) = found {
                return denial;
            }
            if all.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_act_and_subject() {
        for (said, act, subject) in [
            (
                r#"Permissions Violation for Publish to "guichet.v1.cmd.a.b.new.create""#,
                Act::Publish,
                "guichet.v1.cmd.a.b.new.create",
            ),
            (r#"Permissions Violation for Subscription to "_INBOX.x.*""#, Act::Subscribe, "_INBOX.x.*"),
            (
                r#"Permissions Violation for Subscription to "guichet.v1.cmd.>" using queue "q""#,
                Act::Subscribe,
                "guichet.v1.cmd.>",
            ),
        ] {
            assert_eq!(Denial::read(said), Some(Denial { act, subject: subject.to_owned() }), "{said}");
        }
        assert_eq!(Denial::read("Stale Connection"), None);
        assert_eq!(Denial::read(r#"Permissions Violation for Publish with Reply of "_R_.x""#), None);
    }

    #[test]
    fn refusals_are_remembered_once_and_not_without_end() {
        let refusals = Refusals::default();
        let event = |n: usize| {
            let said = format!(r#"Permissions Violation for Publish to "a.{n}""#);
            Event::ServerError(ServerError::Other(said))
        };
        for n in 0..2 * REMEMBERED {
            refusals.note(&event(n));
            refusals.note(&event(n));
        }
        assert_eq!(refusals.0.borrow().len(), REMEMBERED);
        assert!(refusals.so_far(|denial| denial.subject == format!("a.{}", 2 * REMEMBERED - 1)).is_some());
    }
}

//! Whether anybody still listens for an answer. NATS does not report that an asker has gone, but a server that is alone
//! can be asked who listens to a subject in our account.
//!
//! Where it cannot be asked (no right to, a cluster, an asker behind a service import) nobody is taken for gone: an answer
//! then costs what its bounds allow.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::{Client, Request as Message};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::endpoint::Request;

/// Connections of our own account, as the server shows them to its users.
pub const CONNECTIONS: &str = "$SYS.REQ.ACCOUNT.PING.CONNZ";

/// An answer that is made sooner than this asks nothing.
const FIRST_AFTER: Duration = Duration::from_millis(250);
const EVERY: Duration = Duration::from_millis(500);
/// In succession without a listener. One alone may have met a client while it reconnects.
const LOOKS: u32 = 2;
const SAID_WITHIN: Duration = Duration::from_secs(1);
/// How long a server that does not say is left alone: each question may be a line in its log.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Asks about those who ask us. Clones share what the server could say.
#[derive(Debug, Clone)]
pub struct Askers {
    client: Client,
    silent_until: Arc<Mutex<Option<Instant>>>,
}

impl Askers {
    /// Of the services on this connection.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, silent_until: Arc::default() }
    }

    /// Waits until nobody listens for the answer to a request any more; for ever where that cannot be known.
    pub async fn gone(&self, request: &Request) {
        let mut look_at = Instant::from_std(request.arrived()) + FIRST_AFTER;
        let mut without = 0;
        while without < LOOKS {
            tokio::time::sleep_until(look_at).await;
            match self.listens(request.reply()).await {
                Some(true) => without = 0,
                Some(false) => without += 1,
                None => return std::future::pending().await,
            }
            look_at = Instant::now() + EVERY;
        }
    }

    /// Whether a connection listens to a subject, if the server can say so for all of them.
    async fn listens(&self, subject: &str) -> Option<bool> {
        // Behind an import the server itself listens for somebody whom it does not show.
        if !subject.starts_with("_INBOX") || self.is_silent() {
            return None;
        }
        let question = json!({"filter_subject": subject, "limit": 1}).to_string();
        let question = Message::new().payload(question.into()).timeout(Some(SAID_WITHIN));
        let said = self.client.send_request(CONNECTIONS, question).await;
        let listens = said.ok().and_then(|said| listens(&said.payload));
        if listens.is_none() {
            tracing::info!(
                "the server does not say who listens for answers; those of askers that are gone are made, too"
            );
            *self.silent_until.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Instant::now() + AGAIN_AFTER);
        }
        listens
    }

    fn is_silent(&self) -> bool {
        let until = *self.silent_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }
}

/// What a server says, where it speaks for everybody: one of a cluster knows its own connections only.
fn listens(said: &[u8]) -> Option<bool> {
    let said: Value = serde_json::from_slice(said).ok()?;
    let server = said.get("server")?;
    if server.get("cluster").is_some() {
        return None;
    }
    Some(said.get("data")?.get("num_connections")?.as_u64()? > 0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_a_server_that_is_alone_speaks_for_everybody() {
        for (said, listens) in [
            (r#"{"server":{"name":"a"},"data":{"num_connections":1}}"#, Some(true)),
            (r#"{"server":{"name":"a"},"data":{"num_connections":0,"total":7}}"#, Some(false)),
            (r#"{"server":{"name":"a","cluster":"c"},"data":{"num_connections":0}}"#, None),
            (r#"{"server":{"name":"a"},"error":{"code":400,"description":"no"}}"#, None),
            (r#"{"data":{"num_connections":0}}"#, None),
            ("", None),
        ] {
            assert_eq!(super::listens(said.as_bytes()), listens, "{said}");
        }
    }
}

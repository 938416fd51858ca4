//! Events that are published again: to a subject of somebody else, with headers that say that it is a replay.

use std::sync::atomic::Ordering;

use async_nats::HeaderMap;
use futures_util::StreamExt as _;

use super::denied::{Act, Denial};
use super::{Client, ClientError};

/// What every message of a replay has: the position of its event.
pub const REPLAY_HEADER: &str = "Guichet-Replay";
/// A whole event, its attributes and its content.
const MEDIA_TYPE: &str = "application/cloudevents+json";

/// A subject to which events are published again.
#[derive(Debug)]
pub struct Republisher {
    client: Client,
    subject: String,
    /// Connections so far: with another one, messages may be lost.
    connections: u64,
}

impl Client {
    /// Publishes events again to a subject.
    ///
    /// # Errors
    /// It is one of ours or of the server, or none.
    pub fn republisher(&self, subject: &str) -> Result<Republisher, ClientError> {
        let tokens = || subject.split('.');
        let is_ours = ["guichet", "_js"].iter().any(|own| tokens().next() == Some(own));
        let is_internal = subject.starts_with(['$', '_']);
        let is_one = tokens().all(|token| !token.is_empty() && token != "*" && token != ">")
            && !subject.contains(char::is_whitespace);
        if is_ours || is_internal || !is_one {
            return Err(ClientError::Usage(format!(
                "{subject:?} takes no replay: name a subject of your own, without wildcards, that begins neither with \
                 guichet nor with $ or _"
            )));
        }
        Ok(Republisher {
            client: self.clone(),
            subject: subject.to_owned(),
            connections: self.nats.statistics().connects.load(Ordering::Relaxed),
        })
    }
}

impl Republisher {
    /// Publishes an event. That the server has it says [`Self::settle`].
    ///
    /// # Errors
    /// The connection is closed.
    pub async fn publish(&self, position: u64, event: Vec<u8>) -> Result<(), ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(REPLAY_HEADER, position.to_string());
        headers.insert("Content-Type", MEDIA_TYPE);
        let published = self.client.nats.publish_with_headers(self.subject.clone(), headers, event.into());
        published.await.map_err(|error| self.lost(&error.to_string()))
    }

    /// Waits until the server has taken all that was published so far: it takes the messages of a connection in their
    /// order, and says beside them what it refused.
    ///
    /// # Errors
    /// It refused, or the connection broke meanwhile.
    pub async fn settle(&self) -> Result<(), ClientError> {
        let nats = &self.client.nats;
        let inbox = nats.new_inbox();
        let lost = |problem: &dyn std::fmt::Display| self.lost(&problem.to_string());
        let mut answers = nats.subscribe(inbox.clone()).await.map_err(|error| lost(&error))?;
        nats.publish(inbox.clone(), Vec::new().into()).await.map_err(|error| lost(&error))?;
        let of_inbox = |denial: &Denial| denial.act == Act::Publish && denial.subject == inbox;
        let heard = async {
            tokio::select! {
                _ = answers.next() => {}
                _ = self.client.refusals.first(of_inbox) => {}
            }
        };
        let waited = self.client.timeout;
        let heard = tokio::time::timeout(waited, heard).await;
        heard.map_err(|_| ClientError::TimedOut { subject: self.subject.clone(), waited })?;
        let refused = |denial: &Denial| denial.act == Act::Publish && denial.subject == self.subject;
        if let Some(denial) = self.client.refusals.so_far(refused) {
            return Err(ClientError::Denied { denial, server: self.client.server.clone() });
        }
        if nats.statistics().connects.load(Ordering::Relaxed) != self.connections {
            return Err(
                self.lost("it was made again, and messages in between may be missing; replay them again")
            );
        }
        Ok(())
    }

    fn lost(&self, problem: &str) -> ClientError {
        ClientError::Lost { server: self.client.server.clone(), problem: problem.to_owned() }
    }
}

//! Events that are published again: to a subject of somebody else, with headers that say that it is a replay.

use std::collections::VecDeque;
use std::future::IntoFuture as _;
use std::sync::atomic::Ordering;

use async_nats::HeaderMap;
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::{self, stream};
use futures_util::StreamExt as _;
use tokio::sync::Mutex;

use super::denied::{Act, Denial};
use super::{Client, ClientError};

/// Header of every message of a replay: the position of its event.
pub const REPLAY_HEADER: &str = "Guichet-Replay";
/// A whole event, its attributes and its content.
const MEDIA_TYPE: &str = "application/cloudevents+json";

/// Prefix of the streams that are ours.
const OUR_STREAMS: &str = "GUICHET_";
/// Messages that wait for the word of the stream that it has them.
const ACKS_MAX: usize = 1_024;

/// A subject to which events are published again.
#[derive(Debug)]
pub struct Republisher {
    client: Client,
    subject: String,
    /// Connections so far: with another one, messages may be lost.
    connections: u64,
    stream: Option<Stored>,
}

/// A stream that keeps them.
#[derive(Debug)]
struct Stored {
    name: String,
    context: jetstream::Context,
    /// What tells the events of this replay from those of others.
    of: String,
    waiting: Mutex<VecDeque<PublishAckFuture>>,
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
            stream: None,
        })
    }
}

impl Republisher {
    /// Has a stream keep the messages; makes it where it is not there. `of` names the log: an event of it that comes
    /// again within the duplicate window of the stream is kept once.
    ///
    /// # Errors
    /// It is one of ours, does not take the subject, or JetStream does not answer.
    pub async fn into_stream(mut self, name: &str, of: &str) -> Result<Self, ClientError> {
        if name.starts_with(OUR_STREAMS) {
            return Err(ClientError::Usage(format!(
                "{name:?} takes no replay: name a stream of your own, which does not begin with {OUR_STREAMS}"
            )));
        }
        let context = self.client.jetstream();
        let wanted = stream::Config {
            name: name.to_owned(),
            subjects: vec![self.subject.clone()],
            ..stream::Config::default()
        };
        let stream = self.client.or_denied(context.get_or_create_stream(wanted)).await?;
        let stream = stream.map_err(|e| self.client.strange(format!("the stream {name}"), &e))?;
        let subjects = &stream.cached_info().config.subjects;
        if !subjects.iter().any(|pattern| covers(pattern, &self.subject)) {
            return Err(ClientError::Usage(format!(
                "the stream {name} does not keep {}: it keeps {}",
                self.subject,
                subjects.join(", ")
            )));
        }
        let waiting = Mutex::default();
        self.stream = Some(Stored { name: name.to_owned(), context, of: of.to_owned(), waiting });
        Ok(self)
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
        if let Some(stored) = &self.stream {
            return self.store(stored, position, headers, event).await;
        }
        let published = self.client.nats.publish_with_headers(self.subject.clone(), headers, event.into());
        published.await.map_err(|error| self.lost(&error.to_string()))
    }

    async fn store(
        &self,
        stored: &Stored,
        position: u64,
        mut headers: HeaderMap,
        event: Vec<u8>,
    ) -> Result<(), ClientError> {
        headers.insert("Nats-Msg-Id", format!("{}-{position}", stored.of));
        let sent = stored.context.publish_with_headers(self.subject.clone(), headers, event.into());
        let ack = sent.await.map_err(|error| self.lost(&error.to_string()))?;
        let mut waiting = stored.waiting.lock().await;
        waiting.push_back(ack);
        while waiting.len() > ACKS_MAX {
            let Some(oldest) = waiting.pop_front() else { break };
            self.kept(stored, oldest).await?;
        }
        Ok(())
    }

    async fn kept(&self, stored: &Stored, ack: PublishAckFuture) -> Result<(), ClientError> {
        let kept = self.client.or_denied(ack.into_future()).await?;
        let kept = kept.map_err(|e| self.client.strange(format!("the stream {}", stored.name), &e))?;
        if kept.stream == stored.name {
            return Ok(());
        }
        let why = format!("the stream {} has the message instead", kept.stream);
        Err(self.client.strange(format!("the stream {}", stored.name), &why))
    }

    /// Waits until the server has taken all that was published so far: it takes the messages of a connection in their
    /// order, and says beside them what it refused.
    ///
    /// # Errors
    /// It refused, or the connection broke meanwhile.
    pub async fn settle(&self) -> Result<(), ClientError> {
        if let Some(stored) = &self.stream {
            let mut waiting = stored.waiting.lock().await;
            while let Some(ack) = waiting.pop_front() {
                self.kept(stored, ack).await?;
            }
            return Ok(());
        }
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

/// True where a pattern of subjects takes a subject.
fn covers(pattern: &str, subject: &str) -> bool {
    let mut asked = subject.split('.');
    for token in pattern.split('.') {
        match (token, asked.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (token, Some(asked)) if token == asked => {}
            _ => return false,
        }
    }
    asked.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_stream_takes_what_one_of_its_patterns_takes() {
        for pattern in ["lab.desk", "lab.*", "lab.>", ">"] {
            assert!(covers(pattern, "lab.desk"), "{pattern}");
        }
        for pattern in ["lab", "lab.desk.more", "lab.*.more", "other.>", "lab.desk.>"] {
            assert!(!covers(pattern, "lab.desk"), "{pattern}");
        }
    }
}

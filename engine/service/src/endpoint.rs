//! A subject that a service listens on, and the requests that arrive there.

use std::sync::Arc;
use std::time::Instant;

use async_nats::service::{NATS_SERVICE_ERROR, NATS_SERVICE_ERROR_CODE};
use async_nats::{Client, HeaderMap, Message, PublishError, Subject, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt as _;
use guichet_schemas::subject::is_reply;
use tokio::sync::watch;

use crate::figures::Figures;

/// A subscription in the queue group of its service.
#[derive(Debug)]
pub struct Endpoint {
    requests: Subscriber,
    client: Client,
    figures: Arc<Figures>,
    stopping: watch::Receiver<bool>,
    draining: bool,
}

/// A request that may be answered: its reply subject is an inbox.
#[derive(Debug)]
pub struct Request {
    pub message: Message,
    reply: Subject,
    client: Client,
    figures: Arc<Figures>,
    arrived: Instant,
}

impl Endpoint {
    pub(crate) fn new(
        requests: Subscriber,
        client: Client,
        figures: Arc<Figures>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self { requests, client, figures, stopping, draining: false }
    }

    /// The next request that may be answered; the others are counted and dropped. `None` after the service was
    /// stopped and what had arrived until then was handed out. Nothing is lost when the wait is given up.
    pub async fn next(&mut self) -> Option<Request> {
        loop {
            let stopped = async { self.stopping.wait_for(|stopping| *stopping).await.map(drop) };
            let arrived = tokio::select! {
                message = self.requests.next() => Some(message?),
                // A service that was dropped without a stop leaves its endpoints as they are.
                Ok(()) = stopped, if !self.draining => None,
            };
            match arrived.map(|message| self.admit(message)) {
                Some(Some(request)) => return Some(request),
                Some(None) => {}
                None => {
                    // Asked twice, when the wait is given up in between, it is the same.
                    self.requests.drain().await.ok()?;
                    self.draining = true;
                }
            }
        }
    }

    fn admit(&self, mut message: Message) -> Option<Request> {
        let Some(reply) = message.reply.take().filter(|reply| is_reply(reply)) else {
            self.figures.dropped();
            tracing::warn!("dropped a request: its reply subject is no inbox");
            return None;
        };
        let (client, figures) = (self.client.clone(), Arc::clone(&self.figures));
        Some(Request { message, reply, client, figures, arrived: Instant::now() })
    }
}

impl Request {
    /// The asker, as far as the reply subject shows it: the inbox of a connection, without the part that makes each
    /// request unique.
    #[must_use]
    pub fn asker(&self) -> &str {
        // What all share who made none of their own names nobody.
        let inbox = self.reply.rsplit_once('.').map(|(inbox, _)| inbox);
        inbox.filter(|inbox| inbox.contains('.')).unwrap_or(&self.reply)
    }

    pub(crate) fn reply(&self) -> &str {
        &self.reply
    }

    pub(crate) const fn arrived(&self) -> Instant {
        self.arrived
    }

    /// Waits until everything sent so far has left this process, or the connection is gone.
    pub async fn left(&self) {
        if let Err(error) = self.client.flush().await {
            tracing::debug!(%error, "what was sent may not have left");
        }
    }

    /// Sends the answer.
    ///
    /// # Errors
    /// The answer cannot leave; who asked will time out.
    pub async fn answer(&self, body: Bytes, headers: HeaderMap) -> Result<(), PublishError> {
        self.figures.answered(self.arrived.elapsed());
        if headers.is_empty() {
            self.client.publish(self.reply.clone(), body).await
        } else {
            self.client.publish_with_headers(self.reply.clone(), headers, body).await
        }
    }

    /// Sends a refusal: the answer with the headers of a service error. The word is a fixed one, never a text of
    /// a caller: a line break in a header would panic in the client library.
    ///
    /// # Errors
    /// The answer cannot leave; who asked will time out.
    pub async fn refuse(
        &self,
        number: u16,
        word: &'static str,
        body: Bytes,
        mut headers: HeaderMap,
    ) -> Result<(), PublishError> {
        headers.insert(NATS_SERVICE_ERROR, word);
        headers.insert(NATS_SERVICE_ERROR_CODE, number.to_string());
        self.figures.refused(number, word);
        self.answer(body, headers).await
    }
}

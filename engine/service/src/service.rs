//! A service: what it says about itself, and its endpoints.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_nats::{Client, Error};
use guichet_schemas::time::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::discovery::{self, Listed};
use crate::endpoint::Endpoint;

/// The queue group of ADR-32, unless another is asked for.
pub(crate) const QUEUE_GROUP: &str = "q";

/// Names and values that discovery shows.
pub type Metadata = BTreeMap<String, String>;

/// The description of a service for discovery.
#[derive(Debug, Clone)]
pub struct About {
    /// Letters, digits, `-` and `_`.
    pub name: &'static str,
    /// A semantic version.
    pub version: &'static str,
    /// A sentence for people.
    pub description: &'static str,
    /// For programs.
    pub metadata: Metadata,
    pub started: Timestamp,
}

/// A service that discovery finds, until it is stopped or dropped.
#[derive(Debug)]
pub struct Service {
    client: Client,
    listed: Arc<Mutex<Vec<Listed>>>,
    stopping: watch::Sender<bool>,
    discovery: JoinHandle<()>,
}

impl Service {
    /// Subscribes to the questions of discovery.
    ///
    /// # Errors
    /// The connection is closed.
    pub async fn start(client: &Client, about: About) -> Result<Self, Error> {
        let listed = Arc::<Mutex<Vec<Listed>>>::default();
        let questions = discovery::questions(client, &about).await?;
        let discovery = tokio::spawn(questions.answer(client.clone(), about, Arc::clone(&listed)));
        Ok(Self { client: client.clone(), listed, stopping: watch::Sender::new(false), discovery })
    }

    /// Listens on a subject, together with all other processes of this service: each request reaches one.
    ///
    /// # Errors
    /// The connection is closed.
    pub async fn endpoint(
        &self,
        name: &'static str,
        subject: impl Into<String>,
        metadata: Metadata,
    ) -> Result<Endpoint, Error> {
        let subject = subject.into();
        let requests = self.client.queue_subscribe(subject.clone(), QUEUE_GROUP.to_owned()).await?;
        let entry = Listed { name, subject, metadata, figures: Arc::default() };
        let figures = Arc::clone(&entry.figures);
        self.listed.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        Ok(Endpoint::new(requests, self.client.clone(), figures, self.stopping.subscribe()))
    }

    /// Takes the service out of discovery and ends its endpoints, each after what has arrived.
    pub fn stop(self) {
        self.stopping.send_replace(true);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.discovery.abort();
    }
}

//! Why the engine stopped. We stop rather than lie: the first doubt ends all answers.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use crate::log::StoreFault;

/// Set once, by whoever finds the doubt first; everybody else looks at it.
#[derive(Debug, Clone)]
pub struct Halt {
    reason: Arc<OnceLock<HaltReason>>,
    signal: watch::Sender<bool>,
}

/// A doubt that only a person or another program can clear.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HaltReason {
    /// The disk gave no clear answer: what was being written may or may not be there.
    #[error(
        "storage: {0}; the outcome of the commands in flight is unknown, restart to find out which were written"
    )]
    Storage(StoreFault),
    /// Another folder lies at the path of ours.
    #[error(
        "data folder: {0}; it was moved or replaced under the running engine, so nothing more is answered; stop whoever writes there, put the folder back and start again"
    )]
    FolderMoved(String),
    /// The stream holds what we did not write.
    #[error(
        "stream: {0}; another engine or a foreign publisher writes this stream, make sure that only one engine runs and that nobody else may publish there"
    )]
    ForeignStream(String),
    /// The server is too old or takes no stream as we need it.
    #[error("nats: {0}")]
    Nats(String),
}

impl Halt {
    /// Nothing wrong yet.
    #[must_use]
    pub fn new() -> Self {
        Self { reason: Arc::new(OnceLock::new()), signal: watch::Sender::new(false) }
    }

    /// Stops everything. The first reason stays.
    pub fn stop(&self, reason: HaltReason) {
        tracing::error!(%reason, "halted");
        if self.reason.set(reason).is_err() {
            tracing::debug!("halted before");
        }
        self.signal.send_replace(true);
    }

    /// The reason, once there is one.
    #[must_use]
    pub fn reason(&self) -> Option<&HaltReason> {
        self.reason.get()
    }

    /// Waits until something stops the engine.
    pub async fn stopped(&self) -> HaltReason {
        let mut signal = self.signal.subscribe();
        loop {
            if let Some(reason) = self.reason.get() {
                return reason.clone();
            }
            if signal.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Default for Halt {
    fn default() -> Self {
        Self::new()
    }
}

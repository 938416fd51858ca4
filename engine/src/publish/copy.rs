//! The stream as a copy of the log, for a start that must know whether the log has lost its end.

use std::error::Error;
use std::fmt::Display;
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, ErrorCode};
use async_nats::{Client, jetstream::context::GetStreamErrorKind};
use guichet_schemas::position::{LogPosition, Partition};
use guichet_schemas::subject;
use tokio::runtime::Handle;

use super::bus::Kept;
use super::healer::Healer;
use super::{jetstream as js, stored};
use crate::log::{Copied, CopyError, EventCopy};

/// How long JetStream may take to answer: it reads its own store when it starts.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one question may take, and how soon to ask again.
const ASK_WITHIN: Duration = Duration::from_secs(2);
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// Asks NATS from a thread that may wait.
pub(crate) struct StreamCopy {
    pub(crate) client: Client,
    pub(crate) healer: Healer,
    pub(crate) partition: Partition,
    pub(crate) runtime: Handle,
}

impl StreamCopy {
    /// Asks until there is an answer.
    fn ask<T, E>(&self, question: impl AsyncFn() -> Result<T, E>) -> Result<T, CopyError>
    where
        E: Into<Box<dyn Error + Send + Sync>> + Display,
    {
        self.runtime.block_on(async {
            let begun = Instant::now();
            loop {
                match question().await {
                    Ok(answer) => return Ok(answer),
                    Err(error) if begun.elapsed() > PATIENCE => return Err(CopyError::silent(error)),
                    Err(error) => {
                        tracing::warn!(%error, "JetStream does not answer yet");
                        // Nothing says when it will.
                        tokio::time::sleep(ASK_AGAIN).await;
                    }
                }
            }
        })
    }
}

impl EventCopy for StreamCopy {
    fn last(&self) -> Result<u64, CopyError> {
        let context = jetstream::ContextBuilder::new().timeout(ASK_WITHIN).build(self.client.clone());
        let name = subject::stream(self.partition);
        self.ask(async || match context.get_stream(&name).await {
            Ok(stream) => Ok(stream.cached_info().state.last_sequence),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(e) if e.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(0),
                GetStreamErrorKind::JetStream(_)
                | GetStreamErrorKind::EmptyName
                | GetStreamErrorKind::Request
                | GetStreamErrorKind::InvalidStreamName => Err(error),
            },
        })
    }

    fn owner(&self) -> Result<Option<String>, CopyError> {
        let context = jetstream::ContextBuilder::new().timeout(ASK_WITHIN).build(self.client.clone());
        let name = subject::stream(self.partition);
        self.ask(async || {
            let stream = context.get_stream(&name).await.map_err(|e| e.to_string())?;
            Ok::<_, String>(js::owner(&stream.cached_info().config))
        })
    }

    fn give_up(&self) -> Result<(), CopyError> {
        let name = subject::stream(self.partition);
        self.ask(async || {
            let context = self.healer.jetstream().await?;
            context.delete_stream(&name).await.map(|_| ()).map_err(|e| e.to_string())
        })
    }

    fn read(&self, from: LogPosition, most: usize) -> Result<Vec<Copied>, CopyError> {
        let stored = self.ask(async || stored::read(&self.client, self.partition, from, most).await)?;
        let in_order =
            stored.into_iter().zip(from.get()..).take_while(|(message, wanted)| message.sequence == *wanted);
        let copied = |Kept { payload, says, .. }: Kept| Copied { bytes: payload, says };
        Ok(in_order.map(|(message, _)| copied(message.kept)).collect())
    }
}

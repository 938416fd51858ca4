//! Who may configure and delete the stream: a user of its own, connected when it is needed and not before. The engine
//! itself cannot, even when tricked.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use async_nats::Client;
use async_nats::jetstream;

use super::ACK_TIMEOUT;

type Connecting = Pin<Box<dyn Future<Output = Result<Client, String>> + Send>>;

/// Connects whoever heals the stream.
#[derive(Clone)]
pub struct Healer(Arc<dyn Fn() -> Connecting + Send + Sync>);

impl Healer {
    /// One that reconnects for each healing.
    pub fn by(connect: impl Fn() -> Connecting + Send + Sync + 'static) -> Self {
        Self(Arc::new(connect))
    }

    /// One whose connection is there already.
    #[must_use]
    pub fn with(client: Client) -> Self {
        Self::by(move || Box::pin(std::future::ready(Ok(client.clone()))))
    }

    /// JetStream, as the healer may use it.
    pub(super) async fn jetstream(&self) -> Result<jetstream::Context, String> {
        let client = (self.0)().await.map_err(|e| format!("who heals the stream cannot connect: {e}"))?;
        Ok(jetstream::ContextBuilder::new().timeout(ACK_TIMEOUT).build(client))
    }
}

impl fmt::Debug for Healer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Healer")
    }
}

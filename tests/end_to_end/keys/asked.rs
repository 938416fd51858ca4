//! Asks a server what a user may, without doing it: a message that wants its answer on a subject of the server's own is
//! always refused, and for which reason says what the user may do.

use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, ServerAddr, ServerError};
use tokio::sync::mpsc;

const RESERVED: &str = "_R_.test";
const WITHIN: Duration = Duration::from_secs(10);

/// A user that is asked about.
pub(crate) struct Asked {
    client: Client,
    said: mpsc::UnboundedReceiver<String>,
}

impl Asked {
    pub(crate) async fn connect(options: ConnectOptions, address: ServerAddr) -> Self {
        let (say, said) = mpsc::unbounded_channel();
        let options = options.event_callback(move |event| {
            if let Event::ServerError(ServerError::Other(text)) = event {
                say.send(text).ok();
            }
            std::future::ready(())
        });
        Self { client: options.connect(address).await.expect("a key that fits"), said }
    }

    pub(crate) async fn may_publish(&mut self, subject: &str) -> bool {
        self.send(subject).await;
        let said = self.next().await;
        assert!(said.starts_with("Permissions Violation for Publish "), "{said}");
        said.contains(RESERVED)
    }

    pub(crate) async fn may_subscribe(&mut self, subject: &str) -> bool {
        let subscribed = self.client.subscribe(subject.to_owned()).await.expect("it is well formed");
        // What follows is refused too, and last.
        self.send("fence").await;
        let said = self.next().await;
        drop(subscribed);
        if said.starts_with("Permissions Violation for Publish ") {
            return true;
        }
        self.next().await;
        false
    }

    async fn send(&self, subject: &str) {
        let sent = self.client.publish_with_reply(subject.to_owned(), RESERVED, "".into()).await;
        sent.expect("it is well formed");
        self.client.flush().await.expect("the server is there");
    }

    async fn next(&mut self) -> String {
        let said = tokio::time::timeout(WITHIN, self.said.recv()).await;
        said.expect("the server refuses everything").expect("it goes on")
    }
}

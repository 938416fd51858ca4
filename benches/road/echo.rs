//! A service like the engine's, with nothing behind it.

use async_nats::service::{Service, ServiceExt as _};
use async_nats::{Client, HeaderMap};
use bytes::Bytes;
use futures_util::StreamExt as _;

/// Where it listens: where only an engine may, and callers may ask.
pub(crate) const SUBJECT: &str = "guichet.v1.cmd.bench.road.new.create";

/// As long as the answer to a command with one event.
const ANSWER: &[u8] = br#"{"ok":true,"ticket_id":"019b76da-a800-7000-8000-000000000001","number":"T-100000","version":3,"partition":0,"position":500000,"events":[{"event_id":"019b76da-a800-7000-8000-000000000002","type":"CommentAdded","version":3,"position":500000}],"warnings":[],"replayed":false}"#;

/// Answers until it is stopped.
pub(crate) async fn start(client: &Client) -> Service {
    let service = client
        .service_builder()
        .description("Answers every request with the same answer")
        .start("guichet-engine", "1.0.0")
        .await
        .expect("NATS takes the service");
    let mut endpoint = service.endpoint(SUBJECT).await.expect("NATS takes the endpoint");
    tokio::spawn(async move {
        while let Some(request) = endpoint.next().await {
            let mut headers = HeaderMap::new();
            headers.insert("Content-Type", "application/json");
            request
                .respond_with_headers(Ok(Bytes::from_static(ANSWER)), headers)
                .await
                .expect("NATS takes the answer");
        }
    });
    service
}

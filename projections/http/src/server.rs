//! The HTTP server: what it is made of, how it starts and how it ends.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower_http::compression::CompressionLayer;

use crate::ask::Questions;
use crate::bounds::{Bounds, REQUESTS, REQUESTS_PER_SOURCE};
use crate::connections::{self, Room};
use crate::live::hub::Hub;
use crate::looks::Looks;
use crate::refusal::Refusal;
use crate::shared::Shared;
use crate::shares::Shares;
use crate::token::Token;
use crate::{access, api, headers, health, meters, pages, scrape, turns};

/// How long requests under way may take when the server stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Where to listen, and who may come in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address to listen on.
    pub host: IpAddr,
    /// Port; 0: any free one.
    pub port: u16,
    /// Names under which readers may call us, besides addresses and `localhost`.
    pub names: Vec<String>,
    /// The secret that lets readers in.
    pub token: Token,
    /// How much may come in at the same time.
    pub bounds: Bounds,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or not ours.
    #[error(
        "could not listen on {address}; choose another with --http-port (0: any free one) or --http-host"
    )]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
}

/// A server at work.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    token: Token,
    stopping: watch::Sender<bool>,
    serving: JoinHandle<()>,
    hub: Arc<Hub>,
}

/// Begins to listen, and to answer from the read models behind `client`.
///
/// # Errors
/// The address is taken.
pub async fn start(settings: Settings, client: Client) -> Result<Running, StartError> {
    let wanted = SocketAddr::new(settings.host, settings.port);
    let listen = |source| StartError::Listen { address: wanted, source };
    let listener = TcpListener::bind(wanted).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    meters::prepare();
    let (stopping, stopped) = watch::channel(false);
    let hub = Arc::new(Hub::default());
    let questions = Questions::new(client);
    let bounds = settings.bounds;
    let shared = Shared {
        looks: Arc::new(Looks::new(questions.clone())),
        questions,
        token: settings.token.clone(),
        cookie: format!("guichet_{}", address.port()).into(),
        names: settings.names.into(),
        hub: Arc::clone(&hub),
        live_places: Arc::new(Shares::new(bounds.live, bounds.live_per_source)),
        turns: Arc::new(Shares::new(REQUESTS, REQUESTS_PER_SOURCE)),
        stopping: stopped.clone(),
    };
    let app = router(shared);
    let serving = tokio::spawn(connections::serve(listener, app, Room::new(bounds), stopped));
    Ok(Running { address, token: settings.token, stopping, serving, hub })
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(scrape::show))
        .merge(api::router(shared.clone()))
        .merge(pages::router(shared.clone()))
        .fallback(async || Refusal::nothing_here())
        .method_not_allowed_fallback(only_get)
        .layer(from_fn_with_state(shared.clone(), access::check_host))
        .layer(from_fn(turns::refuse_large_body))
        .layer(from_fn(turns::catch))
        .layer(CompressionLayer::new())
        .layer(from_fn(headers::add))
        .layer(from_fn(meters::count))
        .with_state(shared)
}

async fn only_get() -> Refusal {
    let why = "this address only answers GET; commands go over NATS";
    Refusal::at_the_door(StatusCode::METHOD_NOT_ALLOWED, "bad_subject", why)
}

impl Running {
    /// Where it listens, as a reader on this machine would write it.
    #[must_use]
    pub fn url(&self) -> String {
        let host = match self.address.ip() {
            ip if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
            ip => ip,
        };
        format!("http://{}", SocketAddr::new(host, self.address.port()))
    }

    /// The secret that lets readers in.
    #[must_use]
    pub const fn token(&self) -> &Token {
        &self.token
    }

    /// The link for a person: it lets the browser in.
    #[must_use]
    pub fn link(&self) -> String {
        format!("{}/?token={}", self.url(), self.token.reveal())
    }

    /// Takes no more requests, ends the live streams, and waits a while for answers that are on their way.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        if tokio::time::timeout(DRAIN, &mut self.serving).await.is_err() {
            tracing::warn!("stopping although HTTP requests are unanswered");
            self.serving.abort();
        }
        self.hub.stop();
    }
}

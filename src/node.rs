//! A running node: an embedded nats-server or a connection to another, the engine, the projection workers, HTTP.
//! Starts in the order in which they need each other and stops in the reverse.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_nats::{Client, ConnectOptions, Event};
use guichet_engine::halt::{Halt, HaltReason};
use guichet_engine::log::Memory;
use guichet_engine::{Engine, clock};
use guichet_projections::{ReadModel, Running as Projections};
use guichet_schemas::position::Partition;
use tokio::sync::watch;

use crate::config::{self, CACHE_BYTES, NodeArgs, WRITE_BUFFER_BYTES};
use crate::descriptors::Descriptors;
use crate::nats_server::{self, NatsServer};
use crate::pace;
use crate::run_file::{self, RunFile};

/// The one partition there is until scale-out.
pub(crate) const PARTITION: Partition = Partition(0);
/// Events that a projection writes in one batch, at most.
pub(crate) const PROJECTION_BATCH: usize = 4000;
/// Requests that may wait in the client library before it drops them without a word; the intake is faster than that.
const SUBSCRIPTION_CAPACITY: usize = 256 * 1024;

/// Which read models run in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Models {
    None,
    All,
    /// The one of this name.
    One(&'static str),
}

impl Models {
    fn named(self) -> Vec<&'static ReadModel> {
        let named = |model: &&ReadModel| match self {
            Self::None => false,
            Self::All => true,
            Self::One(name) => model.name == name,
        };
        guichet_projections::model::ALL.iter().copied().filter(named).collect()
    }
}

/// Which parts run in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Roles {
    pub(crate) engine: bool,
    pub(crate) projections: Models,
    /// Serve the API and the pages.
    pub(crate) http: bool,
    /// Start a nats-server when no URL is given.
    pub(crate) embed_nats: bool,
}

/// A node at work.
pub(crate) struct Node {
    data_dir: PathBuf,
    nats: Option<NatsServer>,
    pub(crate) url: String,
    pub(crate) engine: Option<Engine>,
    pub(crate) projections: Option<Projections>,
    http: Option<guichet_http::Running>,
    halt: Halt,
    run_file: Option<&'static str>,
}

/// Why a node ended.
#[derive(Debug)]
pub(crate) enum End {
    /// Somebody asked.
    Asked,
    /// To protect data.
    Halted(HaltReason),
    /// Every read model of the process stands still.
    ProjectionHalted(String),
}

impl Node {
    /// Starts everything and returns when it answers.
    pub(crate) async fn start(args: &NodeArgs, roles: Roles) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&args.data_dir)
            .with_context(|| format!("make the folder {}", args.data_dir.display()))?;
        let data_dir = args
            .data_dir
            .canonicalize()
            .with_context(|| format!("find the folder {}", args.data_dir.display()))?;
        let descriptors = Descriptors::prepare()?;
        let nats = match &args.nats_url {
            None if roles.embed_nats => {
                let found = nats_server::find(&config::search())?;
                Some(NatsServer::start(&found, &data_dir.join("nats"), args.nats_port).await?)
            }
            None => anyhow::bail!(
                "this role needs a NATS server; give --nats-url (or NATS_URL), for example --nats-url nats://127.0.0.1:4222"
            ),
            Some(_) => None,
        };
        let url =
            nats.as_ref().map(NatsServer::url).or_else(|| args.nats_url.clone()).context("a NATS server")?;
        let (client, reconnected) = connect(&url).await.map_err(|e| Unreachable(format!("{e:#}")))?;
        let log_dir = data_dir.join("log-0");
        let pace = pace::of(&data_dir, &log_dir, args.clock_rate)?;
        let halt = Halt::new();
        let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES).with_open_files(descriptors.log_tables);
        let engine = if roles.engine {
            let settings = guichet_engine::Settings {
                dir: log_dir,
                protection: args.protection.within(&data_dir, PARTITION),
                partition: PARTITION,
                disk_reserve_bytes: args.disk_reserve << 20,
                publish: true,
                accept_clock: args.accept_clock,
                pace,
            };
            Some(
                guichet_engine::start(settings, memory.clone(), client.clone(), reconnected, halt.clone())
                    .await?,
            )
        } else {
            None
        };
        let models = roles.projections.named();
        // On another machine than the engine's there is no secret: there the credentials of the broker have to do.
        let authorship = match &engine {
            Some(engine) => Some(engine.authorship()),
            None => guichet_engine::log::authorship(&data_dir.join("log-0"), PARTITION).ok(),
        };
        let projections = if models.is_empty() {
            None
        } else {
            let settings = guichet_projections::Settings {
                dir: data_dir.clone(),
                partition: PARTITION,
                batch_events_max: args.fold_batch,
                authorship,
            };
            let shared = guichet_projections::Memory::shared(memory.cache, memory.write_buffers)
                .with_open_files(descriptors.model_tables);
            let clock = Arc::new(move || pace.wall());
            Some(guichet_projections::start(settings, &models, shared, client.clone(), clock).await?)
        };
        let http = if roles.http { Some(http(args, descriptors.http, client).await?) } else { None };
        let run_file = match (roles.engine, roles.http) {
            (true, true) => Some(run_file::NODE),
            (false, true) => Some(run_file::HTTP),
            (_, false) => None,
        };
        let node = Self { data_dir, nats, url, engine, projections, http, halt, run_file };
        node.announce()?;
        Ok(node)
    }

    fn announce(&self) -> anyhow::Result<()> {
        let Some(name) = self.run_file else { return Ok(()) };
        let run = RunFile {
            pid: std::process::id(),
            nats_url: self.url.clone(),
            http_url: self.http.as_ref().map(guichet_http::Running::url),
            http_token: self.http.as_ref().map(|http| http.token().reveal().to_owned()),
            nats_pid: self.nats.as_ref().map(NatsServer::pid),
        };
        run_file::write(&self.data_dir, name, &run)
    }

    /// Takes the account of this node away: it is not ready any more.
    pub(crate) fn hide(&self) {
        if let Some(name) = self.run_file {
            run_file::remove(&self.data_dir, name);
        }
    }

    /// The page for a browser, with the token that lets it in.
    pub(crate) fn link(&self) -> Option<String> {
        self.http.as_ref().map(guichet_http::Running::link)
    }

    /// Keeps `run.json` true while the embedded nats-server is started again.
    async fn announce_restarts(&self) -> Infallible {
        let Some(nats) = &self.nats else { return std::future::pending().await };
        let mut pids = nats.pids();
        while pids.changed().await.is_ok() {
            // The desk works on all the same; only who looks for the process of nats-server is led astray.
            if let Err(error) = self.announce() {
                tracing::warn!(%error, "run.json names a nats-server that is gone");
            }
        }
        std::future::pending().await
    }

    /// Folder of this node.
    pub(crate) fn data_dir(&self) -> &std::path::Path {
        &self.data_dir
    }

    /// Waits until somebody asks to stop, or something must.
    pub(crate) async fn until_end(&self, mut stop: watch::Receiver<bool>) -> End {
        let projections_halted = async {
            match &self.projections {
                Some(projections) => projections.all_halted().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            never = self.announce_restarts() => match never {},
            reason = self.halt.stopped() => End::Halted(reason),
            reason = projections_halted, if self.engine.is_none() => End::ProjectionHalted(reason),
            _ = stop.wait_for(|s| *s) => End::Asked,
        }
    }

    /// Stops in the reverse order: no more readers over HTTP, no more commands, the queue to disk, the answers out, the read model, NATS.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.hide();
        if let Some(http) = self.http {
            http.stop().await;
        }
        let mut result = Ok(());
        if let Some(engine) = self.engine {
            result = engine.stop().await.context("close the log");
        }
        if let Some(projections) = self.projections {
            let stopped = projections.stop().await.context("close the read models");
            result = result.and(stopped);
        }
        if let Some(nats) = self.nats {
            nats.stop().await;
        }
        result
    }
}

async fn http(args: &NodeArgs, most: usize, client: Client) -> anyhow::Result<guichet_http::Running> {
    let token = guichet_http::Token::from_secret(clock::secret().context("ask the system for a token")?);
    let settings = guichet_http::Settings {
        host: args.http_host,
        port: args.http_port,
        names: args.http_name.clone(),
        token,
        bounds: bounds(args, most)?,
    };
    Ok(guichet_http::start(settings, client).await?)
}

/// What is asked for, as far as there are descriptors: `most` connections over HTTP.
fn bounds(args: &NodeArgs, most: usize) -> anyhow::Result<guichet_http::Bounds> {
    let connections = match args.http_connections {
        Some(asked) if asked.get() > most => anyhow::bail!(
            "--http-connections {asked} is more than the {most} that the limit of open files leaves; raise the limit (ulimit -n)"
        ),
        Some(asked) => asked.get(),
        None => most.min(guichet_http::Bounds::CONNECTIONS),
    };
    let mut bounds = guichet_http::Bounds::within(connections);
    bounds.proxies = args.http_proxy.iter().map(std::net::IpAddr::to_canonical).collect();
    if let Some(asked) = args.http_connections_per_source {
        bounds.connections_per_source = asked.get().min(connections);
        bounds.live_per_source = bounds.live_per_source.min(bounds.connections_per_source);
    }
    Ok(bounds)
}

/// A server that cannot be reached: exit code 3.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreachable(pub(crate) String);

async fn connect(url: &str) -> anyhow::Result<(Client, watch::Receiver<u64>)> {
    let connections = watch::Sender::new(0);
    let counter = connections.clone();
    let options = ConnectOptions::new()
        .name("guichet")
        .subscription_capacity(SUBSCRIPTION_CAPACITY)
        .max_reconnects(None)
        .reconnect_delay_callback(|attempt| Duration::from_millis((20 << attempt.min(6)) as u64))
        .event_callback(move |event| {
            let counter = counter.clone();
            async move {
                match event {
                    Event::Connected => counter.send_modify(|n| *n += 1),
                    Event::SlowConsumer(sid) => {
                        tracing::error!(sid, "requests were dropped: this process reads NATS too slowly")
                    }
                    other @ (Event::Disconnected
                    | Event::LameDuckMode
                    | Event::Draining
                    | Event::Closed
                    | Event::ServerError(_)
                    | Event::ClientError(_)) => tracing::info!(%other, "nats"),
                }
            }
        });
    let client = options.connect(url).await.with_context(|| {
        format!("could not reach NATS at {url}; is it running there? `guichet serve` without --nats-url starts its own")
    })?;
    Ok((client, connections.subscribe()))
}

//! A running node: an embedded nats-server or a connection to another, the engine, the projection workers, HTTP.
//! Starts in the order in which they need each other and stops in the reverse.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_nats::Client;
use guichet_client::{AccessArgs, ConnectOptions, Secret, Server};
use guichet_engine::halt::{Halt, HaltReason};
use guichet_engine::log::{self, Memory};
use guichet_engine::publish::standing::Publishing;
use guichet_engine::{Connections, Engine, clock};
use guichet_projections::{ReadModel, Running as Projections};
use guichet_proof::Authorship;
use guichet_schemas::position::Partition;
use tokio::sync::watch;

use crate::config::{self, CACHE_BYTES, NodeArgs, WRITE_BUFFER_BYTES};
use crate::descriptors::Descriptors;
use crate::lines::{Forbidden, Lines, Way};
use crate::nats_server::rights::Role;
use crate::nats_server::{self, NatsServer};
use crate::pace;
use crate::private;
use crate::run_file::{self, RunFile};
use crate::serve;

/// A JetStream that answers nothing for so long does not come back by itself.
const HANGS_AFTER: Duration = Duration::from_secs(8);
/// The one partition there is until scale-out.
pub(crate) const PARTITION: Partition = Partition(0);

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

impl Roles {
    fn users(self) -> Vec<Role> {
        let engine: &[Role] = if self.engine { &[Role::Engine, Role::Publisher, Role::Healer] } else { &[] };
        let models: &[Role] = match self.projections {
            Models::None => &[],
            Models::All | Models::One("sla") => &[Role::Worker, Role::Clocks],
            Models::One(_) => &[Role::Worker],
        };
        let http: &[Role] = if self.http { &[Role::Http] } else { &[] };
        [engine, models, http].concat()
    }
}

/// A node at work.
pub(crate) struct Node {
    data_dir: PathBuf,
    nats: Option<NatsServer>,
    lines: Lines,
    pub(crate) server: Server,
    /// The options about another server.
    access: AccessArgs,
    /// Where callers find it, with their password: for `run.json` alone.
    caller_url: Secret,
    pub(crate) engine: Option<Engine>,
    pub(crate) projections: Option<Projections>,
    http: Option<guichet_http::Running>,
    halt: Halt,
    run_file: Option<&'static str>,
}

/// The parts of a node that work behind NATS.
struct Parts {
    engine: Option<Engine>,
    projections: Option<Projections>,
    http: Option<guichet_http::Running>,
    halt: Halt,
}

#[derive(Debug)]
pub(crate) enum End {
    /// Somebody asked.
    Asked,
    /// To protect data.
    Halted(HaltReason),
    /// The server does not let a part of it do its work.
    Forbidden(Forbidden),
    /// Every read model of the process stands still.
    ProjectionHalted(String),
}

impl Node {
    /// Starts everything and returns when it answers.
    pub(crate) async fn start(args: &NodeArgs, roles: Roles) -> anyhow::Result<Self> {
        private::folder(&args.data_dir)?;
        let data_dir = args
            .data_dir
            .canonicalize()
            .with_context(|| format!("find the folder {}", args.data_dir.display()))?;
        let descriptors = Descriptors::prepare()?;
        let (nats, way) = match args.named()? {
            Some(named) => (None, Way::Named(named)),
            None if roles.embed_nats => {
                let found = nats_server::find(&config::search())?;
                let nats = NatsServer::start(&found, &data_dir.join("nats"), args.nats_port).await?;
                let way = Way::own(&nats);
                (Some(nats), way)
            }
            None => anyhow::bail!(
                "this role needs a NATS server; give --nats-url (or NATS_URL), for example --nats-url nats://127.0.0.1:4222, or a --context"
            ),
        };
        let (server, mut lines) = (way.server().clone(), Lines::along(way));
        lines.check(&roles.users()).await?;
        let forbidden = lines.watch();
        let parts = tokio::select! {
            biased;
            parts = Self::parts(args, roles, &data_dir, &descriptors, &mut lines) => parts?,
            forbidden = forbidden => serve::refuse(&forbidden),
        };
        let caller_url = match (&nats, &args.access.nats_url) {
            (Some(nats), _) => Secret::from(nats.caller_url()),
            // As it was given: whoever put a password into it meant it for this file too.
            (None, Some(url)) => url.clone(),
            (None, None) => Secret::from(server.to_string()),
        };
        let run_file = match (roles.engine, roles.http) {
            (true, true) => Some(run_file::NODE),
            (false, true) => Some(run_file::HTTP),
            (_, false) => None,
        };
        let Parts { engine, projections, http, halt } = parts;
        let access = args.access.clone();
        let node = Self {
            data_dir,
            nats,
            lines,
            server,
            access,
            caller_url,
            engine,
            projections,
            http,
            halt,
            run_file,
        };
        node.announce()?;
        Ok(node)
    }

    /// Starts what works behind NATS.
    async fn parts(
        args: &NodeArgs,
        roles: Roles,
        data_dir: &Path,
        descriptors: &Descriptors,
        lines: &mut Lines,
    ) -> anyhow::Result<Parts> {
        if roles.http {
            guichet_http::count_from_now();
        }
        let log_dir = data_dir.join("log-0");
        let pace = pace::of(data_dir, &log_dir, args.clock_rate)?;
        let halt = Halt::new();
        let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES).with_open_files(descriptors.log_tables);
        let engine = if roles.engine {
            let settings = guichet_engine::Settings {
                dir: log_dir,
                protection: args.protection.within(data_dir, PARTITION),
                partition: PARTITION,
                disk_reserve_bytes: args.disk_reserve << 20,
                stream_store: args.named()?.is_none().then(|| data_dir.join("nats")),
                publish: true,
                accept_clock: args.accept_clock,
                accept_loss: guichet_engine::log::GivenUp::parse(&args.accept_loss)
                    .map_err(anyhow::Error::msg)?,
                pace,
            };
            let desk = lines.of(Role::Engine).await?.client;
            let stream = lines.of(Role::Publisher).await?;
            let connections = Connections { desk, stream: stream.client, healer: lines.healer() };
            let reconnected = stream.reconnected;
            Some(
                guichet_engine::start(settings, memory.clone(), connections, reconnected, halt.clone())
                    .await?,
            )
        } else {
            None
        };
        let models = roles.projections.named();
        let authorship = match &engine {
            Some(engine) => Some(engine.authorship()),
            None => authorship_beside(data_dir),
        };
        let projections = if models.is_empty() {
            None
        } else {
            let settings = guichet_projections::Settings {
                dir: data_dir.to_owned(),
                partition: PARTITION,
                batch_events_max: args.fold_batch,
                authorship,
            };
            let shared = guichet_projections::Memory::shared(memory.cache, memory.write_buffers)
                .with_open_files(descriptors.model_tables);
            let clock = Arc::new(move || pace.wall());
            let connections = guichet_projections::Connections {
                models: lines.of(Role::Worker).await?.client,
                clocks: lines.of(Role::Clocks).await?.client,
            };
            Some(guichet_projections::start(settings, &models, shared, connections, clock).await?)
        };
        let http = match roles.http {
            true => Some(http(args, descriptors.http, lines.of(Role::Http).await?.client).await?),
            false => None,
        };
        Ok(Parts { engine, projections, http, halt })
    }

    fn announce(&self) -> anyhow::Result<()> {
        let Some(name) = self.run_file else { return Ok(()) };
        let run = RunFile {
            pid: std::process::id(),
            nats_url: self.caller_url.reveal().to_owned(),
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

    /// The way in for a caller of this node.
    pub(crate) fn as_caller(&self) -> anyhow::Result<ConnectOptions> {
        let named = match &self.nats {
            Some(_) => AccessArgs::to(self.caller_url.reveal()).options(config::CONNECT_WITHIN)?,
            None => self.access.options(config::CONNECT_WITHIN)?,
        };
        named.context("a NATS server")
    }

    /// The page for a browser, with the token that lets it in.
    pub(crate) fn link(&self) -> Option<String> {
        self.http.as_ref().map(guichet_http::Running::link)
    }

    /// Starts a server of ours again whose JetStream answers nothing any more although its folder can be written: one that
    /// failed to write can hang for good, and whoever asks it for the stream waits in vain.
    async fn end_what_hangs(&self) -> Infallible {
        let (Some(nats), Some(engine)) = (&self.nats, &self.engine) else {
            return std::future::pending().await;
        };
        let mut told = engine.publishing();
        loop {
            if told.wait_for(Publishing::is_unreachable).await.is_err() {
                return std::future::pending().await;
            }
            let pid = nats.pid();
            let over = told.wait_for(|publishing| !publishing.is_unreachable());
            let hangs = tokio::time::timeout(HANGS_AFTER, over).await.is_err();
            if hangs && nats.pid() == pid {
                tracing::error!(pid, "JetStream answers nothing any more; nats-server is started again");
                nats.start_again();
            }
        }
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
            never = self.end_what_hangs() => match never {},
            reason = self.halt.stopped() => End::Halted(reason),
            forbidden = self.lines.watch() => End::Forbidden(forbidden),
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

/// The author of the messages in the stream of the log in a data folder. `None` on another machine than the engine's,
/// where there is no secret: there the credentials of the broker have to do.
pub(crate) fn authorship_beside(data_dir: &Path) -> Option<Authorship> {
    let dir = data_dir.join(format!("log-{PARTITION}"));
    match log::authorship(&dir, PARTITION) {
        Ok(authorship) => Some(authorship),
        Err(log::OpenError::Folder { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!(
                %error,
                "the secret of the log is here and cannot be read: whoever may publish into the stream is believed"
            );
            None
        }
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

/// The bounds that are asked for, as far as there are descriptors: `most` connections over HTTP.
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

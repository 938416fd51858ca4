//! Finds, starts and supervises the nats-server child of `serve` and `demo`.
//!
//! Owns the files `nats.conf`, `nats.log`, `nats.pid`, `nats.lock` and `nats-server_*.ports` and the folder
//! `nats-keys` beside the JetStream store, and the folders `nats.damaged-*` with what could not be read of it. Nobody gets
//! in without one of those keys, also on loopback. Must never listen on anything but loopback, and never signal a process
//! whose
//! command line does not prove that it is ours.

mod accounts;
mod child;
mod damage;
mod find;
pub(crate) mod keys;
mod launch;
mod log_tail;
mod place;
pub(crate) mod rights;
mod wait;

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use anyhow::{Context, bail};
use tokio::sync::{oneshot, watch};
use tracing::warn;

use self::find::ADVISED;
pub(crate) use self::find::{FLOOR, Found, Search, Verdict, check_version, find};
pub(crate) use self::keys::Keys;
use self::place::Place;

/// A running nats-server that is kept running: if it dies unasked it is started again on the same port.
///
/// Dropping it without [`NatsServer::stop`] ends the child too, but nobody waits for that.
#[derive(Debug)]
pub(crate) struct NatsServer {
    port: u16,
    keys: Arc<Keys>,
    pid: watch::Receiver<u32>,
    /// The owner of the child is to end it and start another.
    again: Arc<AtomicBool>,
    /// Nothing is ever sent: the owner of the child stops it when this end is gone.
    wanted: mpsc::Sender<Infallible>,
    /// Nothing is ever sent: it closes when the owner of the child has ended it.
    over: oneshot::Receiver<Infallible>,
}

impl NatsServer {
    /// Starts a server whose JetStream keeps its files in `store_dir` and waits until it is healthy.
    ///
    /// Port 0 takes any free one. The parent of `store_dir` gets the files that this module owns, so a
    /// folder runs one server at a time; one left behind by a killed predecessor is ended first.
    pub(crate) async fn start(server: &Found, store_dir: &Path, port: u16) -> anyhow::Result<NatsServer> {
        match check_version(&server.version) {
            Verdict::TooOld => bail!("nats-server {} is older than {FLOOR}", server.version),
            Verdict::Old => {
                warn!(version = server.version, "nats-server is older than {ADVISED}, update it soon");
            }
            Verdict::Good => {}
        }
        let place = Place::prepare(&server.path, store_dir)?;
        let keys = Arc::clone(&place.keys);
        let (shown, mut pid) = watch::channel(0);
        let (wanted, orders) = mpsc::channel();
        let (started, ready) = oneshot::channel();
        let (ended, over) = oneshot::channel();
        let again = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&again);
        // A thread of its own, for the kernel sends the signal of the parent's death when the thread
        // that forked ends, and threads of the async runtime come and go.
        let owner = thread::Builder::new().name("nats-server".to_owned());
        owner
            .spawn(move || {
                child::own(&place, port, (&orders, &asked), &shown, started);
                // The folder first: whoever hears that we have ended may start the next one there.
                drop(place);
                drop(ended);
            })
            .context("could not start the thread that owns nats-server")?;
        let port = ready.await.context("the thread that owns nats-server ended")??;
        // Who waits for a change waits for the next one.
        pid.mark_unchanged();
        Ok(NatsServer { port, keys, pid, again, wanted, over })
    }

    /// Where clients connect. Does not change when the child is restarted.
    pub(crate) fn url(&self) -> String {
        format!("nats://{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// Where callers connect: with the user and password of theirs.
    pub(crate) fn caller_url(&self) -> String {
        let password = self.keys.password();
        format!("nats://{}:{password}@{}:{}", keys::CALLER, Ipv4Addr::LOCALHOST, self.port)
    }

    /// The keys of its users.
    pub(crate) fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys)
    }

    /// Has the owner end the child, which answers nothing any more, and start another.
    pub(crate) fn start_again(&self) {
        self.again.store(true, Ordering::Relaxed);
    }

    /// The child's process id; after a restart the new one, in between still the old one.
    pub(crate) fn pid(&self) -> u32 {
        *self.pid.borrow()
    }

    /// Changes with every restart.
    pub(crate) fn pids(&self) -> watch::Receiver<u32> {
        self.pid.clone()
    }

    /// Asks the child to end, kills it if it does not, and returns when it is gone.
    pub(crate) async fn stop(self) {
        let NatsServer { wanted, over, .. } = self;
        drop(wanted);
        // The only answer is that the other end is gone.
        over.await.ok();
    }
}

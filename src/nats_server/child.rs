//! The life of the child: watched, started again when it dies, ended when nobody wants it any more.

use std::convert::Infallible;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::{oneshot, watch};
use tracing::{error, info, warn};

use super::launch::Running;
use super::place::Place;
use super::wait::{LOOK_EVERY, STOP_WITHIN, stop_asked_within};

/// How often a server that runs is looked at: an end is noticed within this, and a desk that idles wakes up for it.
const WATCH_EVERY: Duration = Duration::from_millis(250);
/// Pause before the first restart; every further one doubles it.
const RESTART_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two restarts.
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(5);
/// A child that lived this long was well: the next restart is quick again.
const STEADY_AFTER: Duration = Duration::from_secs(30);

/// The life of the owner's thread: one child after the other, until nobody wants one any more.
pub(super) fn own(
    place: &Place,
    port: u16,
    (orders, again): (&mpsc::Receiver<Infallible>, &AtomicBool),
    pid: &watch::Sender<u32>,
    started: oneshot::Sender<anyhow::Result<u16>>,
) {
    let launched = place.end_orphan(orders).and_then(|()| place.launch(port, orders));
    let Running { mut child, port } = match launched {
        Ok(running) => running,
        Err(why) => {
            // If nobody waits for the answer any more, nobody needs it.
            started.send(Err(why)).ok();
            return;
        }
    };
    pid.send_replace(child.id());
    info!(pid = child.id(), port, "nats-server is ready");
    started.send(Ok(port)).ok();

    let mut pause = RESTART_PAUSE;
    loop {
        let since = Instant::now();
        let Some(how) = end_of(&mut child, orders, again) else {
            terminate(&mut child);
            info!(pid = child.id(), "nats-server has ended");
            return;
        };
        error!(pid = child.id(), how, "nats-server died and will be started again");
        if since.elapsed() > STEADY_AFTER {
            pause = RESTART_PAUSE;
        }
        child = loop {
            if stop_asked_within(orders, pause) {
                return;
            }
            pause = (pause * 2).min(RESTART_PAUSE_MAX);
            match place.launch(port, orders) {
                Ok(running) => break running.child,
                // Being told to stop while we wait for it is no fault.
                Err(_) if stop_asked_within(orders, Duration::ZERO) => return,
                Err(why) => error!("{why:#}"),
            }
        };
        pid.send_replace(child.id());
        warn!(pid = child.id(), port, "nats-server is ready again");
    }
}

/// Until the child ends by itself, then says how; or until we shall stop it, then says nothing.
fn end_of(child: &mut Child, orders: &mpsc::Receiver<Infallible>, again: &AtomicBool) -> Option<String> {
    loop {
        if let Some(how) = ended(child) {
            return Some(how);
        }
        if again.swap(false, Ordering::Relaxed) {
            // What hangs does not end by itself, and what it keeps is a copy.
            child.kill().ok();
            child.wait().ok();
            return Some("it answered nothing any more and was ended".to_owned());
        }
        if stop_asked_within(orders, WATCH_EVERY) {
            return None;
        }
    }
}

pub(super) fn ended(child: &mut Child) -> Option<String> {
    match child.try_wait() {
        Ok(status) => status.map(|status| status.to_string()),
        Err(fault) => Some(fault.to_string()),
    }
}

pub(super) fn terminate(child: &mut Child) {
    if ended(child).is_some() {
        return;
    }
    // Not waited for yet, so the number still belongs to our child.
    if let Ok(pid) = i32::try_from(child.id()) {
        kill(Pid::from_raw(pid), Signal::SIGTERM).ok();
    }
    let begun = Instant::now();
    while begun.elapsed() < STOP_WITHIN {
        if ended(child).is_some() {
            return;
        }
        thread::sleep(LOOK_EVERY / 5);
    }
    warn!(pid = child.id(), "nats-server does not end and is killed");
    child.kill().ok();
    child.wait().ok();
}

//! Takes connections in, and lets each be served until it ends or is asked to go.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Request, Response};
use guichet_schemas::rejection::Rejection;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use nix::errno::Errno;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::answer::Answer;
use super::room::{Full, Place, Room};
use super::wire::Wire;
use crate::bounds::{HEAD_BYTES, HEAD_LINES};
use crate::meters::{self, Closed};
use crate::refusal::Refusal;
use crate::source::Source;

const SWEEP_EVERY: Duration = Duration::from_millis(500);
/// Connections that were asked to go and are still there; beyond, nobody comes in, so that descriptors are bounded.
const LEAVING_MAX: usize = 8;
/// How long a newcomer who was refused may take to hear it.
const LINGER: Duration = Duration::from_millis(200);
/// How long to wait when the system has nothing to give; also between two lines about it in the log.
const BREATHER: Duration = Duration::from_millis(200);
const RETRY_AFTER_MS: u64 = 1_000;

/// Serves until it is told to stop, and then until the answers under way are out.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    room: Arc<Room>,
    stopped: watch::Receiver<bool>,
) {
    let mut stopping = stopped.clone();
    let descriptors = Arc::new(Semaphore::new(room.connections_max().saturating_add(LEAVING_MAX)));
    let mut sweeping = tokio::time::interval(SWEEP_EVERY);
    sweeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            () = told_to_stop(&mut stopping) => break,
            _ = sweeping.tick() => room.sweep(),
            Some(_) = open.join_next() => {}
            accepted = accept(&listener, &descriptors) => match accepted {
                Ok((stream, peer, descriptor)) => match room.take(peer.ip()) {
                    Ok(place) => {
                        let one = connection(stream, place, router.clone(), Arc::clone(&room), stopped.clone());
                        open.spawn(async move {
                            one.await;
                            drop(descriptor);
                        });
                    }
                    Err(full) => {
                        refuse(&stream, full);
                        // While descriptors are short, nobody stays for good manners.
                        if descriptors.available_permits() > LEAVING_MAX / 2 {
                            open.spawn(linger(stream, descriptor));
                        }
                    }
                },
                Err(error) => failed(&room, &error).await,
            },
        }
    }
    drop(listener);
    while open.join_next().await.is_some() {}
}

async fn accept(
    listener: &TcpListener,
    descriptors: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let descriptor = Arc::clone(descriptors).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, descriptor))
}

/// A connection that broke before it was here is nothing to us. That the system has nothing left to give passes;
/// until then neither a processor is burnt nor the server ended.
async fn failed(room: &Room, error: &io::Error) {
    let errno = error.raw_os_error().map(Errno::from_raw);
    let exhausted = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM];
    let Some(what) = errno.filter(|errno| exhausted.contains(errno)) else {
        meters::accept_failed("connection");
        return;
    };
    let of_files = [Errno::EMFILE, Errno::ENFILE].contains(&what);
    meters::accept_failed(if of_files { "descriptors" } else { "memory" });
    tracing::warn!(%error, "no connection over HTTP can be taken in for the moment");
    room.give_one_up();
    tokio::time::sleep(BREATHER).await;
}

/// Tells a newcomer that there is no seat, as far as the socket takes it at once.
fn refuse(stream: &TcpStream, full: Full) {
    meters::connection_refused(full.word());
    let reason = match full {
        Full::Total => "too many connections are at work (--http-connections)",
        Full::Source => "too many connections of this address are at work (--http-connections-per-source)",
    };
    let body = Refusal::from(Rejection::Busy { reason, retry_after_ms: RETRY_AFTER_MS }).body();
    let head = format!(
        "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: 1\r\ncache-control: no-store\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let answer = [head.as_bytes(), &body].concat();
    // Who is not there to read it has lost nothing.
    if let Err(error) = stream.try_write(&answer) {
        tracing::trace!(%error, "a refusal was not taken");
    }
}

/// Stays for a moment after a refusal: a socket that is closed while there is something to read takes back what was
/// written last.
async fn linger(mut stream: TcpStream, descriptor: OwnedSemaphorePermit) {
    let mut unread = [0; 1024];
    let reading = async {
        stream.shutdown().await?;
        for _ in 0..HEAD_BYTES / unread.len() {
            if stream.read(&mut unread).await? == 0 {
                break;
            }
        }
        Ok::<_, io::Error>(())
    };
    tokio::time::timeout(LINGER, reading).await.ok();
    drop((stream, descriptor));
}

async fn connection(
    stream: TcpStream,
    place: Place,
    router: Router,
    room: Arc<Room>,
    mut stopping: watch::Receiver<bool>,
) {
    let seat = Arc::clone(&place.seat);
    // Answers are written in whole; waiting for more to send would only delay the last piece.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::trace!(%error, "a connection ended before it began");
    }
    let peer = seat.peer;
    let router = TowerToHyperService::new(router);
    let asked = Arc::clone(&seat);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let handling = asked.begin();
        let source = source(peer, &request, room.proxies());
        request.extensions_mut().insert(source);
        let answered = router.call(request);
        async move {
            let answer: Response<_> = answered.await?;
            Ok::<_, Infallible>(answer.map(|body| Answer { body, _handling: handling }))
        }
    });
    let wire = TokioIo::new(Wire { stream, seat: Arc::clone(&seat) });
    let connection = http1::Builder::new()
        // Deadlines are the warden's.
        .header_read_timeout(None)
        .max_headers(HEAD_LINES)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(wire, service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = seat.asked_to_leave() => return,
        () = told_to_stop(&mut stopping) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        // Nothing is lost where nothing is under way.
        None if !seat.is_handling() => return,
        None => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = seat.asked_to_leave() => return,
            }
        }
    };
    match ended {
        Err(error) if error.is_parse_too_large() => meters::closed(Closed::LargeHead),
        Err(error) if error.is_parse() => meters::closed(Closed::Malformed),
        // The other side went away; that is its right.
        Err(_) | Ok(()) => {}
    }
    drop(place);
}

/// A sender that is gone stops us too.
async fn told_to_stop(stopping: &mut watch::Receiver<bool>) {
    stopping.wait_for(|stopping| *stopping).await.ok();
}

fn source(peer: IpAddr, request: &Request<Incoming>, proxies: &[IpAddr]) -> Source {
    if proxies.contains(&peer.to_canonical()) {
        Source::behind(peer, request.headers(), proxies)
    } else {
        Source::of(peer)
    }
}

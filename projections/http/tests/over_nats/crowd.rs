//! Many who come at once, and some who do not mean well. In front of each stands somebody polite, who is answered.

use std::net::SocketAddr;
use std::time::Duration;

use guichet_http::Bounds;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::client::{self, Stream};
use crate::desk::Desk;

const PATIENCE: Duration = Duration::from_secs(40);

/// So many connections, of them so many of one source; and streams as many.
fn bounds(connections: usize, per_source: usize) -> Bounds {
    Bounds {
        connections_per_source: per_source,
        live: connections,
        live_per_source: connections,
        ..Bounds::within(connections)
    }
}

async fn connect(to: SocketAddr, first: &str) -> TcpStream {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(first.as_bytes()).await.unwrap();
    stream
}

/// Everything until the other side closes, as far as it can be read.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut part = [0; 4096];
    let reading = async {
        while let Ok(n @ 1..) = stream.read(&mut part).await {
            all.extend_from_slice(&part[..n]);
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("it is closed in the end");
    String::from_utf8_lossy(&all).into_owned()
}

/// Those of the connections that are still open.
fn open(streams: &[TcpStream]) -> usize {
    let is_open = |stream: &&TcpStream| {
        let read = stream.try_read(&mut [0; 1]);
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    };
    streams.iter().filter(is_open).count()
}

#[tokio::test]
async fn connections_that_say_nothing_make_room() {
    let Some(desk) = Desk::within(bounds(12, 6)).await else { return };
    let mut crowd = Vec::new();
    for n in 0..60 {
        // Half say nothing at all, half begin and do not go on.
        let first = if n % 2 == 0 { "" } else { "GET /healthz HTTP/1.1\r\nHost: 127" };
        crowd.push(connect(desk.address(), first).await);
        let polite = desk.get("/api/v1/default/tickets").await;
        assert_eq!(polite.status, 200, "with {n} in the crowd: {}", polite.body);
    }
    let open = open(&crowd);
    assert!(open <= 6, "{open} connections of one source are open");
    let metrics = desk.get("/metrics").await.body;
    let evicted = metrics.lines().find_map(|line| {
        line.strip_prefix("guichet_http_connections_closed_total{why=\"evicted\"} ")?.parse::<u64>().ok()
    });
    assert!(evicted.unwrap() >= 54, "{evicted:?} are counted");
    assert!(metrics.contains("guichet_http_bound{of=\"connections_per_source\"}"));
}

#[tokio::test]
async fn who_asks_and_does_not_read_makes_room() {
    let Some(desk) = Desk::within(bounds(8, 3)).await else { return };
    desk.says(200, "", format!(r#"{{"ok":true,"data":"{}"}}"#, "x".repeat(900_000)));
    let ask = format!(
        "GET /api/v1/default/tickets HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\r\n",
        desk.address(),
        Desk::bearer()
    );
    let mut crowd = Vec::new();
    for _ in 0..12 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(desk.address()).await.unwrap();
        // More than the system keeps for a reader, asked for in one breath.
        stream.write_all(ask.repeat(12).as_bytes()).await.unwrap();
        crowd.push(stream);
    }
    let polite = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", desk.address());
    for _ in 0..3 {
        let until = tokio::time::Instant::now() + PATIENCE;
        // While answers are being made all are at work, and `busy` is fair; in such a throng it may not be heard.
        while !rest(&mut connect(desk.address(), &polite).await).await.starts_with("HTTP/1.1 200") {
            assert!(tokio::time::Instant::now() < until, "nobody made room");
        }
    }
}

#[tokio::test]
async fn where_all_are_at_work_a_newcomer_is_told_when_to_come_back() {
    let Some(desk) = Desk::within(bounds(4, 2)).await else { return };
    let mut first = desk.live().await;
    let mut second = desk.live().await;
    assert_eq!((first.position().await, second.position().await), (7, 7));
    let refused = desk.get("/api/v1/default/tickets").await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "busy"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("--http-connections-per-source"), "{message}");
    drop(first);
    let until = tokio::time::Instant::now() + PATIENCE;
    while desk.get("/api/v1/default/tickets").await.status != 200 {
        assert!(tokio::time::Instant::now() < until, "a seat that is free again is given again");
    }
}

#[tokio::test]
async fn one_source_has_its_share_of_streams_and_a_proxy_is_no_source() {
    let bounds =
        Bounds { live_per_source: 2, proxies: vec!["127.0.0.1".parse().unwrap()], ..Bounds::within(64) };
    let Some(desk) = Desk::within(bounds).await else { return };
    let bearer = Desk::bearer();
    let follow = async |who: &str| {
        let headers = [("Authorization", bearer.as_str()), ("X-Forwarded-For", who)];
        Stream::open(desk.address(), "/api/v1/default/live", &headers).await
    };
    let _mine = (follow("192.0.2.1").await, follow("192.0.2.1").await);
    assert_eq!(follow("192.0.2.1").await.status, 429);
    assert_eq!(follow("203.0.113.9, 192.0.2.1").await.status, 429, "what others wrote does not count");
    let mut other = follow("192.0.2.2").await;
    assert_eq!(other.position().await, 7);
    let metrics = desk.get("/metrics").await.body;
    assert!(!metrics.contains("guichet_live_refused_total{bound=\"source\"} 0"), "{metrics}");
}

#[tokio::test]
async fn questions_that_are_not_answered_keep_only_their_asker_waiting() {
    let bounds = Bounds { proxies: vec!["127.0.0.1".parse().unwrap()], ..Bounds::within(128) };
    let Some(desk) = Desk::within(bounds).await else { return };
    let bearer = Desk::bearer();
    let ask = async |who: &str, tenant: &str| {
        let headers = [("Authorization", bearer.as_str()), ("X-Forwarded-For", who)];
        client::send(desk.address(), "GET", &format!("/api/v1/{tenant}/tickets"), &headers).await
    };
    let hungry = futures_util::future::join_all((0..24).map(|_| ask("192.0.2.1", "silent")));
    let polite = async {
        for _ in 0..50 {
            assert_eq!(ask("192.0.2.2", "default").await.status, 200);
        }
    };
    let (hungry, ()) = tokio::join!(hungry, polite);
    // As many as a source may have are asked, and time out; the others are told to come back.
    let count = |status: u16| hungry.iter().filter(|reply| reply.status == status).count();
    assert_eq!((count(503), count(429)), (16, 8));
    let busy = hungry.iter().find(|reply| reply.status == 429).unwrap();
    assert_eq!((busy.code().as_str(), busy.header("retry-after")), ("busy", Some("1")));
}

#[tokio::test]
async fn a_request_that_never_ends_is_ended() {
    let Some(desk) = Desk::start().await else { return };
    let mut drips = connect(desk.address(), "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n").await;
    let until = tokio::time::Instant::now() + PATIENCE;
    while drips.write_all(b"X-A: b\r\n").await.is_ok() {
        assert!(tokio::time::Instant::now() < until, "it drips for ever");
        tokio::time::timeout(Duration::from_millis(300), drips.readable()).await.ok();
    }
    let mut silent = connect(desk.address(), "").await;
    assert_eq!(rest(&mut silent).await, "");
}

#[tokio::test]
async fn heads_and_bodies_are_bounded() {
    let Some(desk) = Desk::start().await else { return };
    let to = desk.address();
    let long = "x".repeat(64 * 1024);
    for (what, request, status) in [
        ("a long line", format!("GET /{long} HTTP/1.1\r\nHost: {to}\r\n\r\n"), "431"),
        ("many lines", format!("GET / HTTP/1.1\r\nHost: {to}\r\n{}\r\n", "A: b\r\n".repeat(500)), "431"),
        (
            "a body that is announced",
            format!("POST /healthz HTTP/1.1\r\nHost: {to}\r\nContent-Length: 1000000000\r\n\r\nxxx"),
            "413",
        ),
        (
            "a body without an end",
            format!("POST /healthz HTTP/1.1\r\nHost: {to}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxxx\r\n"),
            "405",
        ),
        (
            "a body that does not come",
            format!("GET /healthz HTTP/1.1\r\nHost: {to}\r\nContent-Length: 700\r\n\r\n"),
            "200",
        ),
        ("what is no HTTP", "\0\u{1}nonsense\r\n\r\n".to_owned(), "400"),
    ] {
        let mut stream = connect(to, &request).await;
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{what}: {answer:?}");
    }
    // Who closes the sending half after a question is gone for us, and leaves nothing behind.
    let mut half = connect(to, &format!("GET /healthz HTTP/1.1\r\nHost: {to}\r\n\r\n")).await;
    half.shutdown().await.unwrap();
    rest(&mut half).await;
}

#[tokio::test]
async fn a_connection_takes_many_requests_one_after_the_other() {
    let Some(desk) = Desk::start().await else { return };
    let one = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", desk.address());
    let last = one.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let mut stream = connect(desk.address(), &(one.repeat(99) + &last)).await;
    assert_eq!(rest(&mut stream).await.matches("HTTP/1.1 200").count(), 100);
}

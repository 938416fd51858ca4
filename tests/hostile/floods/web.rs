//! Floods over HTTP: connections that are many, slow, or never read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::{Poured, Target};
use crate::desk::Desk;
use crate::polite::fresh;

/// For a connection, and for the first line of an answer.
const WITHIN: Duration = Duration::from_secs(5);

/// How long a flood goes on once it is up.
fn stays(target: &Target) -> Duration {
    Duration::from_secs(if target.long { 60 } else { 4 })
}

async fn connect(target: &Target) -> Option<TcpStream> {
    tokio::time::timeout(WITHIN, TcpStream::connect(&target.web)).await.ok()?.ok()
}

/// The first line of an answer, without its version.
async fn status(stream: &mut TcpStream) -> String {
    let mut head = [0; 64];
    match tokio::time::timeout(WITHIN, stream.read(&mut head)).await {
        Err(_) => "no answer".to_owned(),
        Ok(Err(_) | Ok(0)) => "closed".to_owned(),
        Ok(Ok(n)) => String::from_utf8_lossy(&head[..n]).split(' ').nth(1).unwrap_or("no HTTP").to_owned(),
    }
}

fn told(codes: &BTreeMap<String, u64>) -> String {
    codes.iter().map(|(code, n)| format!("{n} {code}")).collect::<Vec<_>>().join(", ")
}

/// A thousand pages that are open and follow what happens.
pub(super) async fn live(target: &Target) -> Poured {
    let mut codes: BTreeMap<String, u64> = BTreeMap::new();
    let mut open = Vec::new();
    for _ in 0..1_000 {
        let Some(mut stream) = connect(target).await else {
            *codes.entry("no connection".to_owned()).or_default() += 1;
            continue;
        };
        let request = format!(
            "GET /api/v1/default/live HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
            target.web, target.token
        );
        let code = match stream.write_all(request.as_bytes()).await {
            Ok(()) => status(&mut stream).await,
            Err(_) => "closed".to_owned(),
        };
        if code == "200" {
            open.push(stream);
        }
        *codes.entry(code).or_default() += 1;
    }
    // They are told of each of these.
    let desk = Desk::connect(&target.url).await;
    let begun = Instant::now();
    let mut n = 0;
    while begun.elapsed() < stays(target) {
        n += 1;
        let data = json!({"subject": format!("Printer {n}"), "description": "hums", "channel": "email", "requester": {"id": "r"}});
        desk.try_command("new", "create", fresh(), data).await;
    }
    let still = open.iter().filter(|s| s.try_read(&mut [0; 16_384]).is_ok_and(|n| n > 0)).count();
    let answers = format!("{}; {still} of them heard of {n} new tickets", told(&codes));
    let mut findings = Vec::new();
    if still == 0 {
        findings.push("no live page hears of anything".to_owned());
    }
    Poured { sent: 1_000, answers, findings }
}

/// Pages and answers that are asked for and not read.
pub(super) async fn slow_readers(target: &Target) -> Poured {
    let desk = Desk::connect(&target.url).await;
    let ticket = fresh().to_string();
    let data = json!({"subject": "s", "description": "d", "channel": "email", "requester": {"id": "r-1"}});
    desk.command(&ticket, "create", fresh(), data).await;
    let mut position = 0;
    for _ in 0..if target.long { 300 } else { 60 } {
        let comment = json!({"visibility": "public", "body": "<&\"'".repeat(12_000)});
        position = desk.command(&ticket, "add_comment", fresh(), comment).await.position();
    }
    desk.folded(position).await;
    let paths = [
        format!("/api/v1/default/tickets/{ticket}/timeline?limit=1000"),
        format!("/desk/default/tickets/{ticket}"),
        "/api/v1/default/events?limit=1000".to_owned(),
    ];
    let wanted: usize = if target.long { 600 } else { 150 };
    let (mut open, mut refused) = (Vec::new(), 0_u64);
    for n in 0..wanted {
        let Some(mut stream) = unread(target).await else {
            refused += 1;
            continue;
        };
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nCookie: {}={}\r\n\r\n",
            paths[n % paths.len()],
            target.web,
            target.token,
            cookie(target),
            target.token
        );
        match stream.write_all(request.as_bytes()).await {
            Ok(()) => open.push(stream),
            Err(_) => refused += 1,
        }
    }
    tokio::time::sleep(stays(target)).await;
    let answers = format!("{} open and unread, {refused} refused", open.len());
    Poured { sent: wanted as u64, answers, findings: Vec::new() }
}

fn cookie(target: &Target) -> String {
    format!("guichet_{}", target.web.rsplit(':').next().unwrap_or_default())
}

/// A connection that takes next to nothing before it stands still.
async fn unread(target: &Target) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.set_recv_buffer_size(4096).ok()?;
    tokio::time::timeout(WITHIN, socket.connect(target.web.parse().ok()?)).await.ok()?.ok()
}

/// Connections without a token that never come to the end of their headers.
pub(super) async fn slowloris(target: &Target) -> Poured {
    let mut open = Vec::new();
    let mut refused = 0_u64;
    for _ in 0..1_500 {
        let Some(mut stream) = connect(target).await else {
            refused += 1;
            continue;
        };
        match stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: 127").await {
            Ok(()) => open.push(stream),
            Err(_) => refused += 1,
        }
    }
    let most = crate::watch::descriptors(target.pid);
    let begun = Instant::now();
    while begun.elapsed() < stays(target) {
        for stream in &mut open {
            // One that was closed from there says so some time.
            stream.write_all(b"\r\nX: y").await.ok();
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let mut closed = 0;
    for stream in &open {
        match stream.try_read(&mut [0; 512]) {
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            _ => closed += 1,
        }
    }
    let answers = format!(
        "{refused} refused, {closed} of {} closed from there, {most} descriptors at most",
        open.len()
    );
    let mut findings = Vec::new();
    if let Some(trouble) = with_a_token(target).await {
        findings.push(trouble);
    }
    Poured { sent: 1_500, answers, findings }
}

/// Who comes from the same machine with a token may have to wait for a place, not for ever.
async fn with_a_token(target: &Target) -> Option<String> {
    let request = format!(
        "GET /healthz HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
        target.web, target.token
    );
    let begun = Instant::now();
    let mut last = String::new();
    while begun.elapsed() < Duration::from_secs(60) {
        if let Some(mut stream) = connect(target).await
            && stream.write_all(request.as_bytes()).await.is_ok()
        {
            last = status(&mut stream).await;
            if last == "200" {
                return None;
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Some(format!("a polite visitor was not let in within a minute: {last}"))
}

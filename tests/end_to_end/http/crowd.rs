//! A node that may open few files, and a crowd at its HTTP port. What comes in over HTTP never takes from the log.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use super::client;
use super::demo::address;
use crate::desk::{Desk, id, new_ticket};
use crate::harness::{Serve, Settings};

/// What a member of the crowd says: nothing, half a question, a stream that it does not read, a large page likewise.
fn first_words(n: usize, run: &Value) -> String {
    let token = run["http_token"].as_str().expect("a token");
    let head = format!("Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n");
    match n % 4 {
        0 => String::new(),
        1 => "POST /healthz HTTP/1.1\r\nHost: 127".to_owned(),
        2 => format!("GET /api/v1/default/live HTTP/1.1\r\n{head}\r\n"),
        _ => format!("GET /api/openapi.json HTTP/1.1\r\n{head}\r\n").repeat(40),
    }
}

/// Those who got in; whoever is refused or sent away does not mind.
fn crowd(to: SocketAddr, many: usize, run: &Value) -> Vec<TcpStream> {
    let come = |n| {
        let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(5)).ok()?;
        stream.set_nonblocking(true).ok()?;
        stream.write_all(first_words(n, run).as_bytes()).ok();
        Some(stream)
    };
    (0..many).filter_map(come).collect()
}

async fn with_open_files(most: u64, many: usize) {
    let mut node = Serve::start(Settings { open_files: Some(most), ..Settings::default() }).await;
    let run: Value = serde_json::from_slice(&std::fs::read(node.run_file()).expect("it runs")).expect("JSON");
    let to = address(run["http_url"].as_str().expect("a url"));
    let desk = Desk::connect(run["nats_url"].as_str().expect("a url")).await;
    desk.ready().await;
    let fds = format!("/proc/{}/fd", node.process().pid());
    let mut held = Vec::new();
    for round in 0..5 {
        held.extend(crowd(to, many / 5, &run));
        for n in 0..40 {
            // Large enough for the log to write tables out while they are all there.
            let mut ticket = new_ticket(n);
            ticket["description"] = json!("x".repeat(40_000));
            desk.command("new", "create", id(&format!("crowd {round}"), n), ticket).await;
        }
        let open = std::fs::read_dir(&fds).expect("it runs").count();
        assert!((open as u64) < most, "{open} of {most} descriptors");
        let polite = client::send(to, "GET", "/healthz", &[]).await;
        assert!([200, 429].contains(&polite.status), "{polite:?}");
    }
    assert!(node.process().ended().is_none(), "{}", node.process().said());
    drop(held);
    assert!(node.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_does_not_take_descriptors_from_the_log() {
    // One after the other: the crowd itself has one descriptor each.
    with_open_files(256, 400).await;
    with_open_files(1_024, 700).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_in_no_log() {
    let mut node = Serve::start(Settings { log: Some("trace"), ..Settings::default() }).await;
    let run: Value = serde_json::from_slice(&std::fs::read(node.run_file()).expect("it runs")).expect("JSON");
    let (to, token) = (address(run["http_url"].as_str().expect("a url")), run["http_token"].as_str());
    let token = token.expect("a token");
    let entered = client::send(to, "GET", &format!("/desk/default/?token={token}"), &[]).await;
    assert_eq!((entered.status, entered.header("location")), (303, Some("/desk/default/")));
    let cookie = entered.header("set-cookie").and_then(|c| c.split(';').next()).expect("a cookie").to_owned();
    assert_eq!(client::send(to, "GET", "/desk/default/", &[("Cookie", &cookie)]).await.status, 200);
    let bearer = format!("Bearer {token}");
    let asked = client::send(to, "GET", "/api/v1/default/tickets", &[("Authorization", &bearer)]).await;
    assert_eq!(asked.status, 200);
    let said = node.process().said();
    assert!(said.contains("TRACE"), "it says everything");
    // The link that is printed for a person.
    assert_eq!(said.matches(token).count(), 1);
    assert!(node.stop().await.success());
}

//! The embedded server as `serve` uses it, with real children.

use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::*;

/// The one that `./guichet test` exports, else the one it fetched, else none and the test is void.
pub(super) fn real_server() -> Option<Found> {
    let configured = std::env::var_os("GUICHET_NATS_SERVER").map(PathBuf::from);
    find(&Search { configured, home: std::env::home_dir(), ..Search::default() }).ok()
}

async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(30), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn answers(server: &NatsServer) -> bool {
    let Ok(mut connection) = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)) else { return false };
    let mut greeting = [0; 5];
    connection.read_exact(&mut greeting).is_ok() && &greeting == b"INFO "
}

fn is_alive(pid: u32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
}

#[tokio::test]
async fn a_killed_server_comes_back_on_its_port_and_a_stopped_one_does_not() {
    let Some(found) = real_server() else { return };
    let temp = tempfile::tempdir().unwrap();
    let store = temp.path().join("odd \"name\" {1} $HOME \\x #é/nats");
    let server = NatsServer::start(&found, &store, 0).await.unwrap();
    assert!(answers(&server) && server.url().starts_with("nats://127.0.0.1:"));
    let first = server.pid();
    signal(first, Signal::SIGKILL);
    eventually("it is back", || server.pid() != first && answers(&server)).await;
    let second = server.pid();
    server.stop().await;
    assert!(!is_alive(first) && !is_alive(second));
}

#[tokio::test]
async fn a_second_guichet_leaves_the_server_of_the_first_alone() {
    let Some(found) = real_server() else { return };
    let temp = tempfile::tempdir().unwrap();
    let store = temp.path().join("data/nats");
    let server = NatsServer::start(&found, &store, 0).await.unwrap();
    let told = NatsServer::start(&found, &store, 0).await.unwrap_err();
    assert!(format!("{told:#}").contains("another guichet"), "{told:#}");
    assert!(answers(&server));
    server.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_told_with_the_log() {
    let Some(found) = real_server() else { return };
    let temp = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let told = NatsServer::start(&found, &temp.path().join("data/nats"), port).await.unwrap_err();
    let told = format!("{told:#}");
    assert!(told.contains("address already in use"), "{told}");
}

/// The signal of the parent's death may come too late, and other systems do not have it.
#[tokio::test]
async fn an_orphan_in_the_same_folder_is_ended_first() {
    let Some(found) = real_server() else { return };
    let temp = tempfile::tempdir().unwrap();
    let store = temp.path().join("data/nats");
    NatsServer::start(&found, &store, 0).await.unwrap().stop().await;
    // The same command line and pid file as a child of ours, but nobody owns it.
    let config = temp.path().canonicalize().unwrap().join("data/nats.conf");
    let mut orphan = Command::new(&found.path).arg("-c").arg(config).stderr(Stdio::null()).spawn().unwrap();
    let written = || fs::read_to_string(temp.path().join("data/nats.pid")).unwrap_or_default();
    eventually("it wrote its pid", || written() == orphan.id().to_string()).await;
    let server = NatsServer::start(&found, &store, 0).await.unwrap();
    assert!(orphan.try_wait().unwrap().is_some());
    assert!(answers(&server));
    server.stop().await;
}

#[tokio::test]
async fn a_stranger_with_the_number_of_the_pid_file_is_left_alone() {
    let Some(found) = real_server() else { return };
    let temp = tempfile::tempdir().unwrap();
    let mut stranger = Command::new("sleep").arg("60").spawn().unwrap();
    fs::create_dir_all(temp.path().join("data")).unwrap();
    fs::write(temp.path().join("data/nats.pid"), stranger.id().to_string()).unwrap();
    let server = NatsServer::start(&found, &temp.path().join("data/nats"), 0).await.unwrap();
    server.stop().await;
    assert!(stranger.try_wait().unwrap().is_none());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

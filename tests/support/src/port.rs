//! Ports on loopback for servers that are killed and started again in the same place.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// A port that nobody has. Below those that the system hands out by itself, so that nobody gets it while the
/// server is dead.
pub(crate) fn free() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 12_000 + u16::try_from(std::process::id() % 1_000).expect("below 1000") * 16;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Does a nats-server answer there? A connection alone says little: one to a port that the system hands out by itself
/// may have been made to itself, and nobody listens.
pub(crate) fn greets(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let greeting = || -> std::io::Result<[u8; 4]> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        let mut first = [0; 4];
        stream.read_exact(&mut first)?;
        Ok(first)
    };
    greeting().is_ok_and(|first| &first == b"INFO")
}

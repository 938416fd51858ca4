//! A small HTTP client: one request per connection, no reuse, no chunks (it speaks HTTP/1.0).

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// A request with exactly these headers.
pub async fn send(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut stream = open(to, method, path, headers).await;
    let (status, headers) = head(&mut stream).await;
    let mut body = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut body)).await.unwrap().unwrap();
    Answer { status, headers, body }
}

async fn open(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> BufReader<TcpStream> {
    let mut request = format!("{method} {path} HTTP/1.0\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        request.push_str(&format!("Host: {to}\r\n"));
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    BufReader::new(stream)
}

async fn head(stream: &mut BufReader<TcpStream>) -> (u16, Vec<(String, String)>) {
    let first = line(stream).await.unwrap();
    let status = first.split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = Vec::new();
    loop {
        let line = line(stream).await.unwrap();
        let Some((name, value)) = line.split_once(':') else { return (status, headers) };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
}

/// `None`: the other side closed.
async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read =
        tokio::time::timeout(PATIENCE, stream.read_line(&mut line)).await.expect("nothing came").ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

/// An open stream of events.
pub struct Stream {
    stream: BufReader<TcpStream>,
    pub status: u16,
    pub headers: Vec<(String, String)>,
}

/// One event.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: String,
}

impl Stream {
    pub async fn open(to: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = open(to, "GET", path, headers).await;
        let (status, headers) = head(&mut stream).await;
        Self { stream, status, headers }
    }

    /// The next event; `None`: the stream ended.
    pub async fn next(&mut self) -> Option<Event> {
        let mut event = Event::default();
        loop {
            let line = line(&mut self.stream).await?;
            match line.split_once(':') {
                None if event.name.is_empty() => {}
                None => return Some(event),
                Some(("event", name)) => name.trim().clone_into(&mut event.name),
                Some(("id", id)) => id.trim().clone_into(&mut event.id),
                Some(("data", data)) => data.trim().clone_into(&mut event.data),
                Some(_) => {}
            }
        }
    }

    /// The next `position`.
    pub async fn position(&mut self) -> u64 {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.name == "position" {
                return event.id.parse().unwrap();
            }
        }
    }
}

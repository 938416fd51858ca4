//! A service of another team, in short: commands and queries as JSON over NATS, nothing but the contract.

use std::time::Duration;

use async_nats::{Client, ConnectOptions, Request, ServerAddr};
use guichet_schemas::wire::{LogBatch, LogRequest};
use prost::Message as _;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::until;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const LOG_WITHIN: Duration = Duration::from_millis(500);
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A connection to a desk, as caller `outside` of tenant `default`.
#[derive(Debug, Clone)]
pub struct Desk {
    pub client: Client,
}

/// The answer to a request.
#[derive(Debug, Clone)]
pub struct Reply {
    pub body: Value,
}

impl Reply {
    pub fn is_ok(&self) -> bool {
        self.body["ok"] == true
    }

    pub fn position(&self) -> u64 {
        self.body["position"].as_u64().unwrap_or_else(|| panic!("no position in {}", self.body))
    }
}

impl Desk {
    pub async fn connect(url: &str) -> Self {
        let address: ServerAddr = url.parse().expect("the address is well formed");
        let login = address.username().zip(address.password());
        let login = login.map(|(user, password)| (user.to_owned(), password.to_owned()));
        // The library leaves what a URL says about the user to us.
        Self::connect_with(url, |options| match login {
            Some((user, password)) => options.user_and_password(user, password),
            None => options,
        })
        .await
    }

    /// As another user than the URL says.
    pub async fn connect_with(url: &str, who: impl FnOnce(ConnectOptions) -> ConnectOptions) -> Self {
        let options = ConnectOptions::new()
            .max_reconnects(None)
            .retry_on_initial_connect()
            .reconnect_delay_callback(|_| Duration::from_millis(50));
        let address: ServerAddr = url.parse().expect("the address is well formed");
        let client = who(options).connect(address).await.expect("the address is well formed");
        Self { client }
    }

    /// Waits until engine and read model answer.
    pub async fn ready(&self) {
        until("the engine answers", READY_WITHIN, async || self.try_head().await).await;
        until("the read model answers", READY_WITHIN, async || {
            self.try_query("projections", json!({})).await.filter(Reply::is_ok)
        })
        .await;
    }

    /// Sends one command; `None`: nobody answered in time.
    pub async fn try_command(&self, entity: &str, verb: &str, id: Uuid, data: Value) -> Option<Reply> {
        let command = json!({"command_id": id, "actor": {"kind": "agent", "id": "alice"}, "data": data});
        self.request(format!("guichet.v1.cmd.default.outside.{entity}.{verb}"), &command).await
    }

    /// Sends one command and insists on its acceptance.
    pub async fn command(&self, entity: &str, verb: &str, id: Uuid, data: Value) -> Reply {
        let reply = self.try_command(entity, verb, id, data).await.expect("an answer");
        assert!(reply.is_ok(), "{verb} was refused: {}", reply.body);
        reply
    }

    /// Opens so many tickets, each with a comment, and returns the newest position.
    pub async fn open_tickets(&self, series: &str, count: usize) -> u64 {
        let mut newest = 0;
        for n in 0..count {
            let created = self.command("new", "create", id(series, n), new_ticket(n)).await;
            let ticket = created.body["ticket_id"].as_str().expect("a ticket id").to_owned();
            let comment = json!({"visibility": "internal", "body": format!("note {n}")});
            newest = self
                .command(&ticket, "add_comment", id(&format!("{series} comment"), n), comment)
                .await
                .position();
        }
        newest
    }

    /// Asks; `None`: nobody answered in time.
    pub async fn try_query(&self, name: &str, question: Value) -> Option<Reply> {
        self.request(format!("guichet.v1.query.default.outside.{name}"), &question).await
    }

    /// Asks and insists on an answer.
    pub async fn query(&self, name: &str, question: Value) -> Value {
        let reply = self.try_query(name, question.clone()).await.expect("an answer");
        assert!(reply.is_ok(), "query {name} {question}: {}", reply.body);
        reply.body
    }

    /// Every ticket, newest number first, once the read model has folded all that the log has.
    pub async fn tickets(&self) -> Vec<Value> {
        self.folded(self.head().await).await;
        let mut tickets = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let page = self.query("tickets", json!({"limit": 1000, "cursor": cursor})).await;
            tickets.extend(page["data"].as_array().expect("a list").iter().cloned());
            cursor = page["next_cursor"].clone();
            if cursor.is_null() {
                return tickets;
            }
        }
    }

    /// Waits until the tickets of the read model are as of this position.
    pub async fn folded(&self, position: u64) {
        self.answers("tickets", json!({"limit": 1}), position).await;
    }

    /// Waits until the read model behind a query has this position.
    pub async fn answers(&self, name: &str, mut question: Value, position: u64) {
        question["min_position"] = position.into();
        question["wait_ms"] = 8000.into();
        until("the read model follows", READY_WITHIN, async || {
            self.try_query(name, question.clone()).await.filter(Reply::is_ok)
        })
        .await;
    }

    /// Newest position on disk.
    pub async fn head(&self) -> u64 {
        until("the log service answers", READY_WITHIN, async || self.try_head().await).await
    }

    /// Every record of the log, as the engine serves it.
    pub async fn log(&self) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        let head = self.head().await;
        while (records.len() as u64) < head {
            let next = records.len() as u64 + 1;
            let batch = until("the log", READY_WITHIN, async || self.read_log(next).await).await;
            assert!(!batch.records.is_empty(), "the log ends at {} of {head}", records.len());
            records.extend(batch.records);
        }
        records
    }

    /// Newest position on disk; `None`: no engine says so at once.
    pub async fn try_head(&self) -> Option<u64> {
        self.read_log(0).await.map(|batch| batch.head)
    }

    /// Some records from a position on; `None`: no engine gives them at once.
    pub async fn read_log(&self, from: u64) -> Option<LogBatch> {
        let asked = LogRequest { from, max_events: 0, max_bytes: 0 }.encode_to_vec();
        // Who was killed does not answer what it had; better ask the next one soon.
        let request = Request::new().payload(asked.into()).timeout(Some(LOG_WITHIN));
        let answer = self.client.send_request("guichet.v1.log.0", request).await.ok()?;
        // A refusal has no body, which would read as a batch of a log without records.
        let is_refused = answer.headers.as_ref().is_some_and(|h| h.get("Nats-Service-Error").is_some());
        if is_refused {
            return None;
        }
        Some(LogBatch::decode(answer.payload).expect("a LogBatch"))
    }

    pub async fn request(&self, subject: String, body: &Value) -> Option<Reply> {
        let request = Request::new().payload(body.to_string().into()).timeout(Some(ANSWER_WITHIN));
        let message = self.client.send_request(subject, request).await.ok()?;
        let body = serde_json::from_slice(&message.payload).expect("every answer is JSON");
        Some(Reply { body })
    }
}

/// The n-th command id of a series: the same in every run.
pub fn id(series: &str, n: usize) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{series} {n}").as_bytes())
}

/// What a ticket needs at least.
pub fn new_ticket(n: usize) -> Value {
    json!({
        "subject": format!("Printer {n} does not print"), "description": "It hums and blinks.",
        "channel": "portal", "requester": {"id": format!("customer-{n}")},
    })
}

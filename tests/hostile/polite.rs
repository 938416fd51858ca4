//! The client that does nothing wrong: a desk of its own, one request after the other, and a watch in the hand.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_nats::{Client, Request};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::desk::Desk;

/// Longer than this is a hang.
pub(crate) const HANG: Duration = Duration::from_secs(2);
/// Then nobody waits any more.
const GIVES_UP: Duration = Duration::from_secs(10);
/// Between two requests.
const PAUSE: Duration = Duration::from_millis(10);
const TENANT: &str = "polite";

/// An identifier that nobody had.
pub(crate) fn fresh() -> Uuid {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid()
}

/// What it went through since it was last asked.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// Microseconds of each request.
    pub(crate) took: Histogram<u64>,
    /// Refusals by their code.
    pub(crate) refused: BTreeMap<String, u64>,
    /// Requests that hung, each in a sentence.
    pub(crate) hung: Vec<String>,
}

impl Told {
    fn nothing() -> Self {
        let took = Histogram::new_with_bounds(1, 60_000_000, 3).expect("bounds in order");
        Self { took, refused: BTreeMap::new(), hung: Vec::new() }
    }

    /// Milliseconds of so many of a hundred.
    pub(crate) fn ms(&self, percent: f64) -> f64 {
        self.took.value_at_percentile(percent) as f64 / 1000.0
    }

    /// What came since, too.
    pub(crate) fn and(&mut self, later: Self) {
        self.took.add(&later.took).expect("the same bounds");
        for (code, n) in later.refused {
            *self.refused.entry(code).or_default() += n;
        }
        self.hung.extend(later.hung);
    }
}

/// At work until it is dropped, on a thread of its own: what the attackers of this process take to make up their messages
/// is not what the node does to others.
pub(crate) struct Polite {
    told: Arc<Mutex<Told>>,
    /// Dropped with this, which ends it.
    _wanted: oneshot::Sender<Infallible>,
}

impl Polite {
    /// Makes its desk and a ticket, and begins.
    pub(crate) async fn start(url: &str) -> Self {
        let told = Arc::new(Mutex::new(Told::nothing()));
        let (wanted, unwanted) = oneshot::channel();
        let (begun, begins) = oneshot::channel();
        let (url, tells) = (url.to_owned(), Arc::clone(&told));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        std::thread::spawn(move || {
            runtime.block_on(async move {
                let desk = Desk::connect(&url).await;
                desk.ready().await;
                let mut at_work = AtWork { client: desk.client, told: tells, ticket: Uuid::nil() };
                at_work.open().await;
                begun.send(()).ok();
                tokio::select! {
                    () = at_work.run() => {}
                    _ = unwanted => {}
                }
            });
        });
        begins.await.expect("the polite client has a desk and a ticket");
        Self { told, _wanted: wanted }
    }

    /// What it went through since the last time.
    pub(crate) fn told(&self) -> Told {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *told, Told::nothing())
    }

    /// The same, with nobody else at work for so long.
    pub(crate) async fn alone(&self, long: Duration) -> Told {
        drop(self.told());
        tokio::time::sleep(long).await;
        self.told()
    }
}

struct AtWork {
    client: Client,
    told: Arc<Mutex<Told>>,
    ticket: Uuid,
}

impl AtWork {
    async fn run(&mut self) {
        for n in 0.. {
            self.step(n).await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn open(&mut self) {
        let desk = json!({"kind": "tenant", "body": {"name": "Polite"}});
        // A node that was started again has it already.
        self.command("cli", "config", "publish_config", "admin", desk).await;
        self.create(0).await;
    }

    async fn step(&mut self, n: u64) {
        match n % 4 {
            0 if n.is_multiple_of(40) => self.create(n).await,
            0 => {
                let comment = json!({"visibility": "public", "body": format!("Still here, {n}.")});
                let ticket = self.ticket.to_string();
                self.command("polite", &ticket, "add_comment", "agent", comment).await;
            }
            1 => self.query("ticket", json!({"ticket_id": self.ticket})).await,
            2 => self.query("tickets", json!({"limit": 20})).await,
            _ => self.query("queue", json!({"limit": 20})).await,
        }
    }

    async fn create(&mut self, n: u64) {
        self.ticket = fresh();
        let ticket = json!({"subject": format!("Printer {n}"), "description": "It hums.", "channel": "portal",
            "requester": {"id": format!("customer-{n}")}});
        self.command("polite", &self.ticket.to_string(), "create", "agent", ticket).await;
    }

    async fn command(&self, caller: &str, entity: &str, verb: &str, actor: &str, data: Value) {
        let body = json!({"command_id": fresh(), "actor": {"kind": actor, "id": "polly"}, "data": data});
        self.ask(format!("guichet.v1.cmd.{TENANT}.{caller}.{entity}.{verb}"), &body).await;
    }

    async fn query(&self, name: &str, question: Value) {
        self.ask(format!("guichet.v1.query.{TENANT}.polite.{name}"), &question).await;
    }

    async fn ask(&self, subject: String, body: &Value) {
        let begun = Instant::now();
        let request = Request::new().payload(body.to_string().into()).timeout(Some(GIVES_UP));
        let answer = self.client.send_request(subject.clone(), request).await;
        let took = begun.elapsed();
        let refusal = match &answer {
            Ok(message) => {
                let body: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
                (body["ok"] != true).then(|| body["error"]["code"].as_str().unwrap_or("no code").to_owned())
            }
            Err(error) => Some(error.kind().to_string()),
        };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.took.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        // A read model that is a moment behind has not seen the newest ticket.
        if let Some(code) = refusal.clone().filter(|code| code != "not_found") {
            *told.refused.entry(code).or_default() += 1;
        }
        if took > HANG {
            told.hung.push(format!(
                "{subject} took {:.1} s: {}",
                took.as_secs_f64(),
                refusal.unwrap_or_default()
            ));
        }
    }
}

//! The other side of the road: many callers that each wait for their answer and then ask again.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::Client;
use bytes::Bytes;
use guichet_schemas::codec::command_to_wire;
use guichet_schemas::{json, subject};
use tokio::task::JoinSet;

use crate::nats_server::NatsServer;
use crate::nats_server::rights::Role;
use crate::workload::{Tickets, Workload};
use crate::{CONNECTIONS, IN_FLIGHT, lines};

/// Requests made ahead, so that making them is not measured; more are made when these are used up.
const AHEAD: usize = 100_000;

/// Callers on a few connections.
pub(crate) struct Callers {
    clients: Vec<Client>,
    requests: Arc<Mutex<Requests>>,
}

struct Requests {
    workload: Workload,
    to: Option<&'static str>,
    ready: std::vec::IntoIter<(String, Bytes)>,
}

impl Callers {
    /// Connects.
    pub(crate) async fn new(server: &NatsServer, to: Option<&'static str>) -> Self {
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            clients.push(lines::connect(server, Role::Caller).await);
        }
        let mut requests =
            Requests { workload: Workload::new(Tickets::Many), to, ready: Vec::new().into_iter() };
        requests.make();
        Self { clients, requests: Arc::new(Mutex::new(requests)) }
    }

    /// Asks for so long, with 512 requests under way; answers per second.
    pub(crate) async fn turn(&mut self, length: Duration) -> f64 {
        let answered = Arc::new(AtomicU64::new(0));
        let over = Arc::new(AtomicBool::new(false));
        let begun = Instant::now();
        let mut callers = JoinSet::new();
        for n in 0..IN_FLIGHT {
            let (client, requests) = (self.clients[n % CONNECTIONS].clone(), self.requests.clone());
            let (answered, over) = (answered.clone(), over.clone());
            callers.spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let (to, body) = requests.lock().expect("no caller panicked").next();
                    let answer = client.request(to, body).await.expect("somebody answers");
                    assert!(answer.payload.starts_with(b"{\"ok\":true"), "refused: {:?}", answer.payload);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        tokio::time::sleep(length).await;
        let (count, took) = (answered.load(Ordering::Relaxed), begun.elapsed());
        over.store(true, Ordering::Relaxed);
        while let Some(ended) = callers.join_next().await {
            ended.expect("no caller panicked");
        }
        count as f64 / took.as_secs_f64()
    }
}

impl Requests {
    fn next(&mut self) -> (String, Bytes) {
        loop {
            if let Some(request) = self.ready.next() {
                return request;
            }
            self.make();
        }
    }

    fn make(&mut self) {
        let to = self.to;
        let one = |command: guichet_schemas::command::Command| {
            let own =
                subject::command(&command.tenant, &command.caller, command.entity, command.order.verb());
            let to = to.map_or(own, str::to_owned);
            (to, Bytes::from(json::to_vec(&command_to_wire(command))))
        };
        self.ready = self.workload.by_ref().take(AHEAD).map(one).collect::<Vec<_>>().into_iter();
    }
}

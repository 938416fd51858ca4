//! One desk for a test: server, stream, worker, and if wanted a log service. Touches the API in one place.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::{self, stream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use guichet_projections::{Memory, Model, ReadModel, Running, Settings, model, start};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::Partition;
use guichet_schemas::subject;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{LogBatch, LogRequest, ProjectionState, ProjectionView};
use guichet_test_support::Nats;
use prost::Message as _;

use crate::history::{Entry, History, START};

/// What the clock of every test says.
pub(crate) const NOW: i64 = START + 86_400_000;
/// Long, because a machine may be busy: who waits in vain has failed anyway.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Rig {
    pub(crate) server: Nats,
    pub(crate) client: async_nats::Client,
    pub(crate) jetstream: jetstream::Context,
    dir: tempfile::TempDir,
}

impl Rig {
    pub(crate) async fn new() -> Option<Self> {
        let server = Nats::start_where_there_is_one().await?;
        let client = async_nats::connect(server.url()).await.unwrap();
        let jetstream = jetstream::new(client.clone());
        Some(Self { server, client, jetstream, dir: tempfile::tempdir().unwrap() })
    }

    /// With a stream that holds a history.
    pub(crate) async fn with(history: &History) -> Option<Self> {
        let rig = Self::new().await?;
        rig.create_stream(1).await;
        rig.publish(&history.entries).await;
        Some(rig)
    }

    pub(crate) async fn create_stream(&self, first: u64) {
        let config = stream::Config {
            name: subject::stream(Partition(0)),
            subjects: vec![subject::events_of(Partition(0))],
            first_sequence: Some(first),
            ..Default::default()
        };
        self.jetstream.create_stream(config).await.unwrap();
    }

    pub(crate) async fn stream(&self) -> stream::Stream {
        self.jetstream.get_stream(subject::stream(Partition(0))).await.unwrap()
    }

    pub(crate) async fn delete_stream(&self) {
        self.jetstream.delete_stream(subject::stream(Partition(0))).await.unwrap();
    }

    /// As the engine does: in order, each with the sequence that it expects.
    pub(crate) async fn publish(&self, entries: &[Entry]) {
        Self::publish_over(&self.jetstream, entries).await;
    }

    pub(crate) async fn publish_over(jetstream: &jetstream::Context, entries: &[Entry]) {
        for window in entries.chunks(500) {
            let mut acks = Vec::with_capacity(window.len());
            for entry in window {
                let subject =
                    subject::event(&entry.record.tenant, Partition(0), entry.record.event.type_name());
                acks.push(
                    jetstream
                        .publish_with_headers(subject, headers(entry), entry.bytes.clone().into())
                        .await
                        .unwrap(),
                );
            }
            for (ack, entry) in acks.into_iter().zip(window) {
                assert_eq!(ack.await.unwrap().sequence, entry.record.position.get());
            }
        }
    }

    /// Ends all consumers of the stream, as an operator might.
    pub(crate) async fn delete_consumers(&self) -> usize {
        let stream = self.stream().await;
        let names: Vec<String> = stream.consumer_names().try_collect().await.unwrap();
        for name in &names {
            stream.delete_consumer(name).await.unwrap();
        }
        names.len()
    }

    pub(crate) async fn start(&self) -> Running {
        self.start_at("model", 1_000).await
    }

    /// A worker on a folder of this name.
    pub(crate) async fn start_at(&self, name: &str, batch_events_max: usize) -> Running {
        self.start_models(name, batch_events_max, model::ALL).await
    }

    /// Some models, in a folder of this name.
    pub(crate) async fn start_models(
        &self,
        name: &str,
        batch_events_max: usize,
        models: &[&'static ReadModel],
    ) -> Running {
        let dir = self.folder(name);
        let settings = Settings { dir, partition: Partition(0), batch_events_max, authorship: None };
        let memory = Memory::new(8 << 20, 8 << 20);
        start(settings, models, memory, self.client.clone(), Arc::new(|| Timestamp(NOW))).await.unwrap()
    }

    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What lies in a folder, in order.
    pub(crate) fn files(&self, name: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder(name)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Serves the log of a history as an engine would.
    pub(crate) async fn serve_log(&self, history: &History) -> Arc<Log> {
        self.serve_logs(std::slice::from_ref(history)).await
    }

    /// Serves several logs as engines would that do not know of each other: one answer each, in turns.
    pub(crate) async fn serve_logs(&self, histories: &[History]) -> Arc<Log> {
        let served = Arc::new(Log {
            histories: Mutex::new(histories.to_vec()),
            asked: AtomicUsize::new(0),
            records_sent: AtomicUsize::new(0),
        });
        let log = Arc::clone(&served);
        let mut requests = self.client.subscribe(subject::log(Partition(0))).await.unwrap();
        self.client.flush().await.unwrap();
        let client = self.client.clone();
        tokio::spawn(async move {
            while let Some(message) = requests.next().await {
                let request = LogRequest::decode(message.payload).unwrap();
                let asked = log.asked.fetch_add(1, Ordering::Relaxed);
                let batch = {
                    let histories = log.histories.lock().unwrap();
                    log_batch(&histories[asked % histories.len()], &request)
                };
                log.records_sent.fetch_add(batch.records.len(), Ordering::Relaxed);
                client.publish(message.reply.unwrap(), batch.encode_to_vec().into()).await.unwrap();
            }
        });
        served
    }
}

/// The log service of a test.
pub(crate) struct Log {
    histories: Mutex<Vec<History>>,
    asked: AtomicUsize,
    pub(crate) records_sent: AtomicUsize,
}

impl Log {
    /// Serves another one from now on.
    pub(crate) fn becomes(&self, history: History) {
        *self.histories.lock().unwrap() = vec![history];
    }
}

fn log_batch(history: &History, request: &LogRequest) -> LogBatch {
    let mut bytes = 0;
    let records = history
        .entries
        .iter()
        .skip_while(|_| request.from == 0)
        .skip(usize::try_from(request.from.saturating_sub(1)).unwrap())
        .take(request.max_events as usize)
        .map(|entry| entry.bytes.clone())
        .take_while(|record| {
            bytes += record.len();
            bytes <= request.max_bytes as usize
        })
        .collect();
    LogBatch { generation: 1, epoch: 1, head: history.head(), records, checkpoint: None, publishing: None }
}

fn headers(entry: &Entry) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Expected-Last-Sequence", (entry.record.position.get() - 1).to_string());
    for (name, value) in [
        ("ce-specversion", "1.0".to_owned()),
        ("ce-id", entry.record.event_id.to_string()),
        ("ce-source", "/guichet/test".to_owned()),
        ("ce-type", format!("guichet.{}.v1", entry.record.event.type_name())),
        ("ce-subject", entry.record.stream_id.clone()),
        ("ce-time", entry.record.occurred_at.to_string()),
        ("ce-recordedtime", entry.record.recorded_at.to_string()),
        ("ce-correlationid", entry.record.command_id.to_string()),
        ("ce-causationid", entry.record.command_id.to_string()),
        ("ce-sequence", format!("{:020}", entry.record.position.get())),
        ("ce-partitionkey", entry.record.stream_id.clone()),
        ("ce-authid", entry.record.caller.clone()),
        ("ce-dataschema", "guichet.v1.Record".to_owned()),
        ("Guichet-Epoch", "1".to_owned()),
        ("Guichet-Generation", "1".to_owned()),
        ("Guichet-Hash", entry.hash.to_string()),
        ("Guichet-Prev-Hash", entry.prev_hash.to_string()),
    ] {
        headers.insert(name, value);
    }
    headers
}

/// The model that most tests look at.
fn ticket(running: &Running) -> &Model {
    running.model("ticket").unwrap()
}

/// How that model is.
pub(crate) fn status_of(running: &Running) -> ProjectionView {
    ticket(running).status().unwrap()
}

/// Waits until every model has folded a position; one that does not get there fails the test.
pub(crate) async fn reaches(running: &Running, wanted: u64) {
    for model in running.models() {
        let mut position = model.position();
        if tokio::time::timeout(PATIENCE, position.wait_for(|p| *p >= wanted)).await.is_err() {
            panic!("position {wanted} not reached: {:?}", model.status());
        }
    }
}

/// Waits until every model halts, and says why the one does that most tests look at.
pub(crate) async fn halts(running: &Running) -> String {
    tokio::time::timeout(PATIENCE, running.all_halted()).await.expect("the models must halt");
    ticket(running).halted().borrow().clone().unwrap()
}

/// Waits until every model says that it waits for something.
pub(crate) async fn waits_for(running: &Running, what: &str) {
    says(running, |status| status.reason.as_ref().is_some_and(|reason| reason.contains(what))).await;
}

/// Waits until every model follows the stream and has nothing left to fold.
pub(crate) async fn is_live(running: &Running) {
    says(running, |status| {
        (status.state == ProjectionState::Live as i32 || is_alone(status)) && status.lag == 0
    })
    .await;
}

/// True where nothing but an engine is missing, as in most of these rigs: after a few seconds a model says so.
fn is_alone(status: &ProjectionView) -> bool {
    status.reason.as_ref().is_some_and(|reason| reason.starts_with("no engine answers"))
}

async fn says(running: &Running, holds: impl Fn(&ProjectionView) -> bool) {
    for model in running.models() {
        let said = async {
            while !holds(&model.status().unwrap()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, said).await.is_err() {
            panic!("the model never got there: {:?}", model.status());
        }
    }
}

/// Stops the models and gives the hashes of what they have folded, in the order of the catalogue.
pub(crate) async fn content(running: Running) -> Vec<Hash> {
    let hashes = running.models().iter().map(|model| model.store().content_hash().unwrap()).collect();
    running.stop().await.unwrap();
    hashes
}

//! The next generation of a read model, while the live one works, and healing.

use std::sync::Arc;
use std::time::Duration;

use guichet_projections::model::ticket::TICKET;
use guichet_projections::model::{self, queues::QUEUES};
use guichet_projections::projection::{Accepted, Answers, Opened, Projection};
use guichet_projections::queries::{Found, Reader, Refusal};
use guichet_projections::rebuild::{Healing, Offline, Order, Phase, Progress};
use guichet_projections::store::{Batch, Store, StoreError};
use guichet_projections::{Memory, ReadModel, Running};
use guichet_schemas::position::Partition;
use guichet_schemas::subject;
use serde_json::json;

use crate::history::{Dice, History, START, ticket_id};
use crate::queries::ask;
use crate::rig::{Rig, content, is_live, reaches};

/// Orders a rebuild and waits for its end.
async fn ordered(rig: &Rig, model: &str, verb: &str, body: Vec<u8>) -> Progress {
    let request = |verb: &str| subject::projection(Partition(0), model, verb);
    let mut said = rig.client.request(request(verb), body.into()).await.unwrap();
    let waited = async {
        loop {
            let progress: Progress = serde_json::from_slice(&said.payload).unwrap();
            if matches!(progress.phase, Phase::Done | Phase::Failed) {
                return progress;
            }
            said = rig.client.request(request("progress"), "".into()).await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(180), waited).await.expect("a rebuild ends")
}

async fn rebuilt(rig: &Rig, model: &str, swap: bool) -> Progress {
    ordered(rig, model, "rebuild", serde_json::to_vec(&Order { swap, ..Order::default() }).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuilt_model_is_the_live_one_to_the_byte_and_takes_over_while_events_come() {
    let mut history = History::busy(31, 40, 3_000);
    let policies =
        r#"{"policies":[{"id":"all","targets":[{"metric":"resolution","seconds":60,"hours":"calendar"}]}]}"#;
    history.publish("sla_policies", policies, START);
    history.open(41);
    let Some(rig) = Rig::with(&history).await else { return };
    rig.serve_log(&history).await;
    let running = rig.start().await;
    reaches(&running, history.head()).await;
    let expected = content(running).await;
    let mut dice = Dice(31);
    for batch in [1, 50, 10_000] {
        let name = format!("batches-of-{batch}");
        let running = rig.start_at(&name, batch).await;
        reaches(&running, 1 + dice.roll(history.head())).await;
        for model in model::ALL {
            let progress = rebuilt(&rig, model.name, false).await;
            assert_eq!(
                (progress.phase, progress.differing, progress.swapped),
                (Phase::Done, 0, true),
                "{progress:?}"
            );
            assert!(progress.rows.unwrap() > 0 && progress.content_hash.is_some(), "{progress:?}");
        }
        // A second one, in the folder that became free; then a restart at any point.
        assert!(rebuilt(&rig, "queues", false).await.swapped);
        reaches(&running, history.head()).await;
        is_live(&running).await;
        assert_eq!(ask(&rig, "queues", json!({})).await["as_of_position"], json!(history.head()));
        assert_eq!(content(running).await, expected);
        let running = rig.start_at(&name, batch).await;
        is_live(&running).await;
        assert_eq!(content(running).await, expected, "after a restart");
        let left: Vec<_> = rig.files(&name).into_iter().filter(|file| file.contains('.')).collect();
        assert_eq!(left, Vec::<String>::new(), "only the live generation is left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alone_on_a_stopped_folder_a_model_is_rebuilt_from_the_log() {
    let history = History::busy(32, 40, 2_000);
    let Some(rig) = Rig::with(&history).await else { return };
    let running = rig.start_at("desk", 300).await;
    reaches(&running, history.head()).await;
    let expected = content(running).await;
    for (model, expected) in model::ALL.iter().zip(&expected) {
        let memory = Memory::new(8 << 20, 8 << 20);
        // Compared alone, it is asked for no record behind the live one; then it takes over.
        for keep in [true, false] {
            let order = Order { keep, ..Order::default() };
            let mut offline =
                Offline::begin(&rig.folder("desk"), Partition(0), model, &memory, 77, order).unwrap();
            for entry in &history.entries {
                let position = entry.record.position.get();
                let wants_more = offline.take(position, &entry.bytes).unwrap();
                assert_eq!(wants_more, !keep || position < history.head(), "{position}");
            }
            let progress = offline.end().unwrap();
            assert!(progress.swapped != keep && progress.differing == 0, "{progress:?}");
            assert_eq!(progress.content_hash, Some(expected.to_string()));
        }
    }
    let running = rig.start_at("desk", 300).await;
    is_live(&running).await;
    assert_eq!(content(running).await, expected);
}

/// The board, which forgets ticket 2 from its third event on: a fault in a fold.
struct Broken(Box<dyn Projection>);

impl Projection for Broken {
    fn apply(&mut self, accepted: &Accepted<'_>, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let poison = accepted.ticket.is_some_and(|(id, _)| *id == ticket_id(2));
        assert!(!(poison && accepted.record.version.get() == 3), "poison");
        self.0.apply(accepted, batch)
    }

    fn skipped(&mut self, accepted: &Accepted<'_>, batch: &mut Batch<'_>) {
        self.0.skipped(accepted, batch);
    }

    fn seal(&mut self, batch: &mut Batch<'_>) {
        self.0.seal(batch);
    }

    fn committed(&mut self) {
        self.0.committed();
    }
}

struct Through(Arc<dyn Answers>);

impl Answers for Through {
    fn answer(&self, reader: &Reader<'_>) -> Result<Found, Refusal> {
        self.0.answer(reader)
    }
}

fn broken(of: &ReadModel, store: &Arc<Store>) -> Result<Opened, StoreError> {
    let Opened { fold, answers } = (of.open)(store)?;
    Ok(Opened { fold: Box::new(Broken(fold)), answers: Arc::new(Through(answers)) })
}

macro_rules! with_a_fault {
    ($name:ident, $of:ident) => {
        static $name: ReadModel = ReadModel {
            name: $of.name,
            version: $of.version,
            families: $of.families,
            answers: $of.answers,
            in_memory: $of.in_memory,
            open: |store| broken(&$of, store),
        };
    };
}
with_a_fault!(BROKEN_TICKET, TICKET);
with_a_fault!(BROKEN_QUEUES, QUEUES);

fn quarantined(running: &Running) -> usize {
    running.models().iter().map(|model| model.status().unwrap().quarantined.len()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_ticket_is_set_aside_alone_and_healing_gives_a_clean_run() {
    let history = History::busy(33, 20, 1_000);
    let Some(rig) = Rig::with(&history).await else { return };
    rig.serve_log(&history).await;
    let clean = rig.start_models("clean", 100, &[&TICKET, &QUEUES]).await;
    reaches(&clean, history.head()).await;
    let expected = content(clean).await;
    let running = rig.start_models("desk", 100, &[&BROKEN_TICKET, &BROKEN_QUEUES]).await;
    reaches(&running, history.head()).await;
    assert_eq!(quarantined(&running), 2, "one in each model");
    let reply = ask(&rig, "projections", json!({})).await;
    for model in reply["data"].as_array().unwrap() {
        assert_eq!(model["state"], json!("degraded"));
        assert_eq!(model["quarantined"][0]["ticket_id"], json!(ticket_id(2).to_string()));
    }
    assert_eq!(ask(&rig, "ticket", json!({"number": "T-2"})).await["error"]["code"], json!("unavailable"));
    assert_eq!(ask(&rig, "ticket", json!({"number": "T-3"})).await["ok"], json!(true));
    running.stop().await.unwrap();
    // The repaired program.
    let running = rig.start_models("desk", 100, &[&TICKET, &QUEUES]).await;
    reaches(&running, history.head()).await;
    // What the comparison finds is told, and nothing is taken without being asked for.
    let progress = rebuilt(&rig, "queues", false).await;
    assert!(progress.differing > 0 && !progress.swapped, "{progress:?}");
    assert_eq!(quarantined(&running), 2);
    for model in ["ticket", "queues"] {
        let healing = Healing { tenant: "default".to_owned(), ticket: ticket_id(2).to_string() };
        let progress = ordered(&rig, model, "heal", serde_json::to_vec(&healing).unwrap()).await;
        assert_eq!(progress.phase, Phase::Done, "{progress:?}");
    }
    assert_eq!(quarantined(&running), 0);
    assert_eq!(ask(&rig, "ticket", json!({"number": "T-2"})).await["ok"], json!(true));
    assert_eq!(content(running).await, expected);
}

static NEXT_VERSION: ReadModel = ReadModel {
    name: TICKET.name,
    version: TICKET.version + 1,
    families: TICKET.families,
    answers: TICKET.answers,
    in_memory: false,
    open: TICKET.open,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_another_version_is_rebuilt_at_the_start() {
    let history = History::busy(34, 20, 1_000);
    let Some(rig) = Rig::with(&history).await else { return };
    let running = rig.start_models("desk", 100, &[&TICKET]).await;
    reaches(&running, history.head()).await;
    running.stop().await.unwrap();
    let running = rig.start_models("desk", 100, &[&NEXT_VERSION]).await;
    reaches(&running, history.head()).await;
    is_live(&running).await;
    assert_eq!(running.models()[0].status().unwrap().version, TICKET.version + 1);
    running.stop().await.unwrap();
    // It has taken over: the next start has nothing to rebuild.
    let running = rig.start_models("desk", 100, &[&NEXT_VERSION]).await;
    assert_eq!(running.models()[0].status().unwrap().checkpoint, history.head());
    running.stop().await.unwrap();
    assert_eq!(rig.files("desk"), ["projection-ticket-0"]);
}

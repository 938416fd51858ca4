//! The fold: batches, restarts, quarantine.

use guichet_schemas::codec;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::wire::TicketView;
use proptest::prelude::*;

use super::*;
use crate::arrived::Arrived;
use crate::history::{Dice, Entry, History, assigned, ticket_id};
use crate::model::ticket::{self, TICKET};
use crate::projection::ReadModel;
use crate::store::Memory;

struct Desk {
    folder: ModelWriter,
    dir: tempfile::TempDir,
}

impl Desk {
    fn new(model: &'static ReadModel) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { folder: open(dir.path(), model), dir }
    }

    /// Closes and opens the store, as a restart does.
    fn restart(self) -> Self {
        let Self { folder, dir } = self;
        let model = folder.model();
        drop(folder);
        Self { folder: open(dir.path(), model), dir }
    }

    fn fold(&mut self, entries: &[Entry]) -> End {
        self.fold_arrived(entries.iter().map(arrived).collect())
    }

    fn fold_arrived(&mut self, arrived: Vec<Arrived>) -> End {
        let checked: Vec<_> = arrived.into_iter().map(Checked::of).collect();
        self.folder.fold(&checked.iter().collect::<Vec<_>>()).end
    }

    fn content(&self) -> Hash {
        self.folder.store.content_hash().unwrap()
    }
}

fn open(dir: &std::path::Path, model: &'static ReadModel) -> ModelWriter {
    let store = Store::open(dir, model.layout(), &Memory::new(1 << 20, 64 << 20)).unwrap();
    ModelWriter::open(model, Arc::new(store), Partition(0)).unwrap()
}

fn arrived(entry: &Entry) -> Arrived {
    Arrived {
        sequence: entry.record.position.get(),
        prev_hash: Some(entry.prev_hash),
        hash: Some(entry.hash),
        bytes: entry.bytes.clone().into(),
        proof: None,
    }
}

fn content_of(history: &History) -> Hash {
    let mut desk = Desk::new(&TICKET);
    assert_eq!(desk.fold(&history.entries), End::All);
    desk.content()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn batches_and_restarts_do_not_show_in_the_content(seed in any::<u64>()) {
        let history = History::busy(seed, 30, 400);
        let mut dice = Dice(seed);
        let mut desk = Desk::new(&TICKET);
        let mut at = 0;
        while at < history.entries.len() {
            // Some of what comes was folded before, or comes too early: neither may leave a trace.
            let size = [1, 2, 7, 60, 1000][dice.roll(5) as usize];
            let from = at.saturating_sub(dice.roll(5) as usize);
            let to = (at + size).min(history.entries.len());
            let mut batch = history.entries[from..to].to_vec();
            if dice.roll(4) == 0 && to + 1 < history.entries.len() {
                batch.push(history.entries[to + 1].clone());
                let wanted = to as u64 + 1;
                prop_assert_eq!(desk.fold(&batch), End::Gap { wanted, got: wanted + 1 });
            } else {
                prop_assert_eq!(desk.fold(&batch), End::All);
            }
            at = to;
            if dice.roll(6) == 0 {
                desk = desk.restart();
                prop_assert_eq!(desk.folder.checkpoint.position_or_zero(), at as u64);
            }
        }
        prop_assert_eq!(desk.content(), content_of(&history));
    }
}

#[test]
fn another_history_has_another_content() {
    assert_ne!(content_of(&History::busy(1, 5, 50)), content_of(&History::busy(2, 5, 50)));
}

#[test]
fn the_checkpoint_names_the_last_record_and_its_lineage() {
    let history = History::busy(3, 5, 20);
    let mut desk = Desk::new(&TICKET);
    desk.fold(&history.entries);
    let last = history.entries.last().unwrap();
    let expected = Checkpoint { generation: 1, position: Some(last.record.position), hash: last.hash };
    assert_eq!(desk.restart().folder.checkpoint, expected);
}

#[test]
fn a_fold_that_panics_costs_one_ticket_its_row_and_nothing_else() {
    fn burns(row: Option<TicketView>, record: &Record) -> TicketView {
        assert!(!(record.ticket_id() == Some(ticket_id(2)) && record.version.get() == 2), "poison");
        ticket::apply(row, record)
    }
    static BURNS: ReadModel = ReadModel {
        name: TICKET.name,
        version: TICKET.version,
        families: TICKET.families,
        answers: TICKET.answers,
        in_memory: false,
        open: |store| Ok(ticket::opened(store, burns)),
    };
    let mut history = History::new();
    for number in 1..=3 {
        history.open(number);
    }
    for number in [1, 2, 3, 2, 1] {
        history.push(ticket_id(number), "bob", assigned("bob", None));
    }
    let mut contents = Vec::new();
    for size in [1, 3, 100] {
        let mut desk = Desk::new(&BURNS);
        for batch in history.entries.chunks(size) {
            assert_eq!(desk.fold(batch), End::All);
        }
        let desk = desk.restart();
        assert_eq!(desk.folder.store().view().quarantined(None).unwrap().len(), 1);
        let view = desk.folder.store.view();
        let version = |number| view.ticket("default", ticket_id(number)).unwrap().unwrap().version;
        assert_eq!(
            [version(1), version(2), version(3)],
            [3, 1, 2],
            "the poisoned ticket stands before the poison"
        );
        let events = view.events_of("default", ticket_id(2), StreamVersion::FIRST).count();
        assert_eq!(events, 3, "its history is complete");
        assert_eq!(view.quarantined(Some("default")).unwrap()[0].position, 6);
        assert_eq!(view.quarantined(Some("other")).unwrap(), vec![]);
        contents.push(desk.content());
    }
    assert!(
        contents.iter().all(|content| *content == contents[0]),
        "batches must not show in quarantine either"
    );
}

#[test]
fn a_healed_ticket_is_as_if_nothing_had_happened() {
    let history = History::busy(7, 5, 200);
    let poisoned =
        history.entries.iter().filter(|e| e.record.ticket_id() == Some(ticket_id(2))).nth(3).unwrap();
    let at = poisoned.record.position.get();
    assert!(at > 4, "the poison comes after a few events");
    // The fold is repaired between two starts, as an upgrade does.
    fn broken(row: Option<TicketView>, record: &Record) -> TicketView {
        assert!(!(record.ticket_id() == Some(ticket_id(2)) && record.version.get() == 4), "poison");
        ticket::apply(row, record)
    }
    static BROKEN: ReadModel = ReadModel {
        name: TICKET.name,
        version: TICKET.version,
        families: TICKET.families,
        answers: TICKET.answers,
        in_memory: false,
        open: |store| Ok(ticket::opened(store, broken)),
    };
    let key = keys::ticket("default", ticket_id(2));
    let mut desk = Desk::new(&BROKEN);
    desk.fold(&history.entries);
    assert_eq!(desk.folder.store().view().quarantined(None).unwrap().len(), 1);
    assert!(!desk.folder.heal(&key).unwrap(), "as long as the fold is broken nothing is healed");
    assert_eq!(desk.folder.store().view().quarantined(None).unwrap().len(), 1);
    let Desk { folder, dir } = desk;
    drop(folder);
    let mut desk = Desk { folder: open(dir.path(), &TICKET), dir };
    assert!(desk.folder.heal(&key).unwrap());
    assert_eq!(desk.folder.store().view().quarantined(None).unwrap().len(), 0);
    assert_eq!(desk.content(), content_of(&history));
    assert_eq!(desk.restart().content(), content_of(&history));
}

#[test]
fn an_unknown_event_halts_behind_what_came_before_it() {
    let mut history = History::busy(4, 3, 10);
    let mut wire = history.entries[9].record.clone().into_wire();
    wire.r#type = "TicketTeleported".to_owned();
    wire.data = None;
    let bytes = prost::Message::encode_to_vec(&wire);
    history.entries[9] = Entry { hash: Hash::of_record(&bytes), bytes, ..history.entries[9].clone() };
    let mut desk = Desk::new(&TICKET);
    let end = desk.fold(&history.entries[..10]);
    let End::Halt(halt) = end else { panic!("{end:?}") };
    let said = halt.to_string();
    assert!(
        said.contains("TicketTeleported") && said.contains("position 10") && said.contains("upgrade"),
        "{said}"
    );
    assert_eq!(desk.folder.checkpoint.position, LogPosition::new(9));
}

#[test]
fn a_record_of_another_partition_or_position_is_foreign() {
    let history = History::busy(5, 3, 10);
    for change in [
        |r: &mut Record| r.partition = Partition(1),
        |r: &mut Record| r.position = LogPosition::new(77).unwrap(),
        |r: &mut Record| r.tenant = "a b".to_owned(),
    ] {
        let mut desk = Desk::new(&TICKET);
        desk.fold(&history.entries[..5]);
        let mut record = history.entries[5].record.clone();
        change(&mut record);
        let bytes = codec::encode_record(record);
        let forged = Arrived {
            hash: Some(Hash::of_record(&bytes)),
            bytes: bytes.into(),
            ..arrived(&history.entries[5])
        };
        let end = desk.fold_arrived(vec![forged]);
        assert!(matches!(end, End::Halt(Halt::Foreign { position: 6, .. })), "{end:?}");
    }
}

#[test]
fn a_crash_loses_a_tail_and_never_more_in_one_place_than_in_another() {
    let history = History::busy(6, 30, 600);
    let mut desk = Desk::new(&TICKET);
    desk.fold(&history.entries[..200]);
    desk.folder.store.flush().unwrap();
    for batch in history.entries[200..400].chunks(10) {
        desk.fold(batch);
    }
    // What is on the disk now is what a crash would leave.
    let crashed = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(desk.dir.path()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), crashed.path().join(file.file_name())).unwrap();
    }
    let mut desk = Desk { folder: open(crashed.path(), &TICKET), dir: crashed };
    assert_eq!(desk.folder.checkpoint.position, LogPosition::new(200));
    let mut begin = history.clone();
    begin.entries.truncate(200);
    assert_eq!(desk.content(), content_of(&begin));
    desk.fold(&history.entries);
    assert_eq!(desk.content(), content_of(&history));
}

//! A data folder in a test, and what a stream would hold of it.

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use bytes::Bytes;
use guichet_engine::halt::Halt;
use guichet_engine::log::{Copied, CopyError, EventCopy, Log, Memory, NoCopy, OpenError, Terms};
use guichet_engine::protection::Protection;
use guichet_proof::Authorship;
use guichet_schemas::codec::{Encoding, decode_command, decode_record};
use guichet_schemas::command::Entity;
use guichet_schemas::event::{EpochStarted, Event, LogEvent};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CallerId, TenantId, TicketId};
use guichet_schemas::position::{LogPosition, Partition};
use guichet_schemas::subject::CommandSubject;
use guichet_schemas::wire::Accepted;
use serde_json::json;
use uuid::Uuid;

/// A data folder.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn open(&self, copy: &dyn EventCopy) -> Result<Log, OpenError> {
        self.open_on(&Terms { copy, ..Terms::default() })
    }

    pub(crate) fn open_on(&self, terms: &Terms<'_>) -> Result<Log, OpenError> {
        let protection = Protection::within(self.0.path(), Partition(0));
        let memory = Memory::new(8 << 20, 16 << 20);
        Log::open_on(terms, &self.path("log-0"), Partition(0), &memory, &protection, &Halt::new())
    }

    /// What the stream would hold of these records of this folder.
    pub(crate) fn published(&self, records: &[Bytes]) -> Vec<Copied> {
        said(&self.authorship(), records)
    }

    pub(crate) fn authorship(&self) -> Authorship {
        guichet_engine::log::authorship(&self.path("log-0"), Partition(0)).unwrap()
    }

    /// Opens, comments so many times on one ticket, closes; every record of the log after it.
    pub(crate) fn write(&self, series: u128, comments: u128) -> Vec<Bytes> {
        let log = self.open(&NoCopy).unwrap();
        send(&log, series, "create");
        for n in 1..=comments {
            send(&log, series + n, "add_comment");
        }
        let records = log.reader().read(LogPosition::FIRST, usize::MAX, usize::MAX).unwrap();
        log.close().unwrap();
        records
    }

    pub(crate) fn keep_aside(&self, name: &str) {
        copy(&self.path(name), &self.path(&format!("aside/{name}")));
    }

    pub(crate) fn put_back(&self, name: &str) {
        std::fs::remove_dir_all(self.path(name)).unwrap();
        copy(&self.path(&format!("aside/{name}")), &self.path(name));
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A command by the name of its verb, of a ticket for each thousand.
pub(crate) fn send(log: &Log, n: u128, verb: &'static str) -> Accepted {
    let data = match verb {
        "create" => {
            json!({"subject": "VPN drops", "description": "Often.", "channel": "email", "requester": {"id": "r-1"}})
        }
        "assign" => json!({"assignee": "bob"}),
        _ => json!({"visibility": "internal", "body": format!("Again {n}.")}),
    };
    let ticket = TicketId(Uuid::from_u128(n / 1_000 * 1_000));
    let (tenant, caller) = (TenantId::default_tenant(), CallerId::parse("tests").unwrap());
    let subject = CommandSubject { tenant, caller, entity: Entity::Ticket(ticket), verb };
    let id = Uuid::from_u128(0xc0_0000 + n).to_string();
    let body = json!({"command_id": id, "actor": {"kind": "agent", "id": "alice"}, "data": data}).to_string();
    let request = decode_command(subject, Encoding::Json, body.as_bytes(), None, &log.request_key.0).unwrap();
    let (answer, answered) = mpsc::channel();
    log.inlet().submit(request, Box::new(move |outcome| answer.send(outcome).unwrap()));
    answered.recv().unwrap().unwrap()
}

/// The records of an open log but for its newest, the epoch event, which is given apart.
pub(crate) fn contents(log: &Log) -> (Vec<Bytes>, EpochStarted) {
    let mut records = log.reader().read(LogPosition::FIRST, usize::MAX, usize::MAX).unwrap();
    let Event::Log(LogEvent::EpochStarted(started)) = decode_record(&records.pop().unwrap()).unwrap().event
    else {
        panic!()
    };
    (records, started)
}

/// The same bytes.
pub(crate) fn same(ours: &[Bytes], theirs: &[Bytes]) {
    assert_eq!(ours.len(), theirs.len());
    assert!(ours == theirs, "the same bytes");
}

/// Records with what the headers of a stream say of them.
pub(crate) fn said(by: &Authorship, records: &[Bytes]) -> Vec<Copied> {
    let before = std::iter::once(Hash::ZERO).chain(records.iter().map(|record| Hash::of_record(record)));
    let places = (1..).filter_map(LogPosition::new);
    let one = |((bytes, previous), position): ((&Bytes, Hash), LogPosition)| {
        let mac = Some(by.mac(position, previous, Hash::of_record(bytes)));
        let says = guichet_proof::Said { previous: Some(previous), generation: Some(by.generation()), mac };
        Copied { bytes: bytes.clone(), says }
    };
    records.iter().zip(before).zip(places).map(one).collect()
}

/// A stream: a copy whose messages say what they are.
pub(crate) struct Stream(pub(crate) Vec<Copied>);

impl EventCopy for Stream {
    fn last(&self) -> Result<u64, CopyError> {
        Ok(self.0.len() as u64)
    }

    fn read(&self, from: LogPosition, most: usize) -> Result<Vec<Copied>, CopyError> {
        let from = usize::try_from(from.get()).unwrap() - 1;
        Ok(self.0.iter().skip(from).take(most).cloned().collect())
    }
}

//! Logs that somebody tampered with in one way each: exactly that is found, by the check that is for it.

use std::collections::BTreeMap;

use guichet_proof::{Checkpoint, Edge, SignedCheckpoint, SigningKey};
use guichet_schemas::event::Actor;
use guichet_schemas::hash::Hash;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;
use guichet_schemas::words::ActorKind;
use prost::Message as _;

use super::*;
use crate::report::Outcome;

const CALLERS: &str = r#"{"callers":{"cli":{"actor_kinds":["admin"],"roles":["admin"]},"portal":{"actor_kinds":["requester"],"roles":["requester"]},"shop":{"actor_kinds":["agent"],"roles":["agent"]}}}"#;

/// A log in memory, as records.
#[derive(Clone, Default)]
struct Log(BTreeMap<u64, wire::Record>);

/// The same as bytes, which a source hands out.
#[derive(Clone)]
struct Bytes {
    records: BTreeMap<u64, Vec<u8>>,
    tiles: BTreeMap<(u8, u64), Vec<u8>>,
}

impl Source for Bytes {
    fn head(&self) -> u64 {
        self.records.last_key_value().map_or(0, |(position, _)| *position)
    }

    fn scan(&self, first: u64, last: u64, visit: &mut dyn FnMut(u64, &[u8]) -> bool) -> Result<(), Unread> {
        self.records.range(first..=last).all(|(position, record)| visit(*position, record));
        Ok(())
    }

    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, Unread> {
        Ok(self.tiles.get(&(level, index)).cloned())
    }
}

/// What a record is about and who caused it.
struct Word<'a> {
    stream: (i32, &'a str),
    caller: &'a str,
    actor: ActorKind,
    event: wire::record::Data,
    name: &'a str,
}

impl Log {
    fn add(&mut self, tenant: &str, word: Word<'_>) -> &mut wire::Record {
        let position = self.0.len() as u64 + 1;
        let configured = |record: &&wire::Record| record.tenant == tenant && record.stream_kind == CONFIG;
        let config_version = self.0.values().filter(configured).count() as u64;
        let (stream_kind, stream_id) = word.stream;
        let mut version = 1;
        for record in self.0.values() {
            version += u64::from(record.stream_kind == stream_kind && record.stream_id == stream_id);
        }
        let actor = Actor { kind: word.actor, id: "somebody".to_owned(), on_behalf_of: None };
        let record = wire::Record {
            position,
            epoch: 1,
            tenant: tenant.to_owned(),
            stream_kind,
            stream_id: stream_id.to_owned(),
            version,
            event_id: vec![1; 16],
            r#type: word.name.to_owned(),
            schema_version: 1,
            recorded_at: i64::try_from(position).unwrap() * 1000,
            occurred_at: i64::try_from(position).unwrap() * 1000,
            caller: word.caller.to_owned(),
            actor: guichet_schemas::mirror::Wire::to_wire(actor),
            command_id: position.to_be_bytes().repeat(2),
            request_hash: vec![0; 32],
            config_version,
            command_count: 1,
            data: Some(word.event),
            ..wire::Record::default()
        };
        self.0.entry(position).or_insert(record)
    }

    /// Hashes every record into the next of its stream, as the engine does.
    fn chained(mut self) -> Self {
        let mut last: BTreeMap<(i32, String), Hash> = BTreeMap::new();
        for record in self.0.values_mut() {
            let stream = (record.stream_kind, record.stream_id.clone());
            record.prev_hash = last.get(&stream).copied().unwrap_or(Hash::ZERO).0.to_vec();
            last.insert(stream, Hash::of_record(&record.encode_to_vec()));
        }
        self
    }

    fn bytes(&self) -> Bytes {
        let records = self.0.iter().map(|(position, record)| (*position, record.encode_to_vec())).collect();
        Bytes { records, tiles: BTreeMap::new() }
    }
}

const TICKET: i32 = wire::StreamKind::Ticket as i32;
const CONFIG: i32 = wire::StreamKind::Config as i32;
const SYSTEM: i32 = wire::StreamKind::System as i32;

fn publication(kind: &str, body: &str) -> wire::record::Data {
    wire::record::Data::ConfigPublished(wire::ConfigPublished {
        kind: kind.to_owned(),
        id: "default".to_owned(),
        version: 1,
        apply: wire::Apply::OpenClocks.into(),
        body: body.to_owned(),
        body_hash: Hash::of_bytes(body.as_bytes()).0.to_vec(),
        ..wire::ConfigPublished::default()
    })
}

fn ticket(number: usize, caller: &'static str, actor: ActorKind, name: &'static str) -> Word<'static> {
    const NAMES: [&str; 3] = ["one", "two", "three"];
    let event = match name {
        "TicketCreated" => wire::record::Data::TicketCreated(wire::TicketCreated::default()),
        _ => wire::record::Data::PriorityChanged(wire::PriorityChanged::default()),
    };
    Word { stream: (TICKET, NAMES[number]), caller, actor, event, name }
}

/// A start, callers, and tickets that those who may create and change them.
fn sound() -> Log {
    let mut log = Log::default();
    let epoch = wire::record::Data::EpochStarted(wire::EpochStarted::default());
    let system = ActorKind::System;
    log.add(
        "_system",
        Word { stream: (SYSTEM, "log"), caller: "engine", actor: system, event: epoch, name: "EpochStarted" },
    );
    let callers = publication("callers", CALLERS);
    let admin = ActorKind::Admin;
    log.add(
        "default",
        Word {
            stream: (CONFIG, "default"),
            caller: "cli",
            actor: admin,
            event: callers,
            name: "ConfigPublished",
        },
    );
    for number in 0..3 {
        log.add("default", ticket(number, "portal", ActorKind::Requester, "TicketCreated"));
    }
    for round in 0..300 {
        log.add("default", ticket(round % 3, "shop", ActorKind::Agent, "PriorityChanged"));
    }
    log
}

fn key(n: u8) -> SigningKey {
    SigningKey::new("guichet/test/0", &[n; 32]).unwrap()
}

/// Signs a log as it stands; its tiles are those that it gives.
fn signed(log: &mut Bytes, by: &SigningKey) -> SignedCheckpoint {
    let (mut edge, mut full) = (Edge::new(), Vec::new());
    for record in log.records.values() {
        edge.append(Hash::of_record(record), &mut full);
    }
    log.tiles = full.into_iter().map(|tile| ((tile.level, tile.index), tile.hashes)).collect();
    let origin = "guichet/test/0".to_owned();
    Checkpoint { origin, size: edge.size(), root: edge.root() }.sign(by)
}

fn report(log: &Bytes, signed: &[&SignedCheckpoint]) -> Report {
    let claims: Vec<Claim> = signed
        .iter()
        .map(|one| Claim { who: "the anchor".to_owned(), checkpoint: one.checkpoint().clone() })
        .collect();
    let mut auditor = Auditor::new(&claims);
    audit_source(&mut auditor, log, &mut |_| {}).unwrap();
    let about = About { source: "memory".to_owned(), made_at: Timestamp(0), program: "test", key: None };
    auditor.end(about, &claims, Some(log)).unwrap()
}

/// What was found, by check and position.
fn found(report: &Report) -> Vec<(Check, Option<u64>)> {
    let all = report.checks.iter().flat_map(|one| one.findings.iter().map(|f| (one.check, f.position)));
    let all: Vec<_> = all.collect();
    assert_eq!(all.len() as u64, report.faults);
    assert_eq!(report.ok, all.is_empty());
    all
}

fn outcome(report: &Report, check: Check) -> Outcome {
    report.checks.iter().find(|one| one.check == check).unwrap().outcome
}

#[test]
fn a_sound_log_has_no_findings_and_the_report_says_what_was_left_out() {
    let mut log = sound().chained().bytes();
    let anchor = signed(&mut log, &key(1));
    let report = report(&log, &[&anchor]);
    assert_eq!(found(&report), []);
    for check in [Check::Form, Check::Gaps, Check::Chain, Check::Tree, Check::Clock, Check::Configuration] {
        assert_eq!(outcome(&report, check), Outcome::Passed, "{check:?}");
    }
    assert_eq!(outcome(&report, Check::Roles), Outcome::PassedInPart);
    for check in [Check::Authorship, Check::Publication] {
        assert_eq!(outcome(&report, check), Outcome::NotChecked, "{check:?}");
    }
    let roles = report.checks.iter().find(|one| one.check == Check::Roles).unwrap();
    assert_eq!(roles.checked.iter().map(|one| one.count).collect::<Vec<_>>(), [305, 303]);
    let page = report.page();
    assert!(page.contains("Nothing was found.") && page.contains("prefers-color-scheme: dark"), "{page}");
    assert!(
        page.contains("@media print") && !page.contains("http://") && !page.contains("https://"),
        "{page}"
    );
}

#[test]
fn a_bit_that_was_flipped_is_found_in_the_tree_and_by_the_next_of_its_stream() {
    let mut log = sound().chained().bytes();
    let anchor = signed(&mut log, &key(1));
    let record = log.records.get_mut(&100).unwrap();
    // In the actor's name, so that the record reads as well as before.
    let at = record.windows(8).position(|bytes| bytes == b"somebody").unwrap();
    record[at] ^= 1;
    let report = report(&log, &[&anchor]);
    assert_eq!(found(&report), [(Check::Chain, Some(103)), (Check::Tree, Some(100)), (Check::Tree, None)]);
    assert!(report.page().contains("3 findings"), "{}", report.page());
}

#[test]
fn a_record_that_was_dropped_is_a_gap() {
    let mut log = sound().chained().bytes();
    let anchor = signed(&mut log, &key(1));
    log.records.remove(&100);
    assert_eq!(
        found(&report(&log, &[&anchor])),
        [(Check::Gaps, Some(100)), (Check::Chain, Some(103)), (Check::Tree, Some(100)), (Check::Tree, None)]
    );
    // At the end nothing follows it: only what was signed knows that it was there.
    let mut log = sound().chained().bytes();
    let anchor = signed(&mut log, &key(1));
    log.records.pop_last();
    assert_eq!(found(&report(&log, &[&anchor])), [(Check::Tree, None)]);
}

#[test]
fn records_in_another_order_are_found_at_both_places() {
    let mut log = sound().chained().bytes();
    let anchor = signed(&mut log, &key(1));
    let (a, b) = (log.records[&100].clone(), log.records[&101].clone());
    log.records.insert(100, b);
    log.records.insert(101, a);
    let found = found(&report(&log, &[&anchor]));
    let forms: Vec<_> = found.iter().filter(|(check, _)| *check == Check::Form).collect();
    assert_eq!(forms, [&(Check::Form, Some(100)), &(Check::Form, Some(101))]);
    assert!(
        found.iter().all(|(check, _)| [Check::Form, Check::Chain, Check::Tree].contains(check)),
        "{found:?}"
    );
}

#[test]
fn a_clock_that_went_back_is_found_where_it_did() {
    let mut log = sound();
    log.0.get_mut(&100).unwrap().recorded_at = 98_000;
    let mut log = log.chained().bytes();
    let anchor = signed(&mut log, &key(1));
    assert_eq!(found(&report(&log, &[&anchor])), [(Check::Clock, Some(100))]);
}

#[test]
fn a_role_that_was_not_allowed_is_found_and_says_what_would_allow_it() {
    for (caller, actor) in [
        ("portal", ActorKind::Requester),
        ("shop", ActorKind::Supervisor),
        ("stranger", ActorKind::Agent),
        ("sla", ActorKind::System),
    ] {
        let mut log = sound();
        let at = log.add("default", ticket(0, caller, actor, "PriorityChanged")).position;
        let mut log = log.chained().bytes();
        let anchor = signed(&mut log, &key(1));
        let report = report(&log, &[&anchor]);
        assert_eq!(found(&report), [(Check::Roles, Some(at))], "{caller}");
    }
    // Before callers were configured, the same was allowed.
    let mut log = Log::default();
    log.add("default", ticket(0, "portal", ActorKind::Requester, "TicketCreated"));
    log.add("default", ticket(0, "portal", ActorKind::Requester, "PriorityChanged"));
    assert_eq!(found(&report(&log.chained().bytes(), &[])), []);
}

#[test]
fn an_event_under_another_configuration_than_that_in_force_is_found() {
    for version in [0, 2] {
        let mut log = sound();
        log.0.get_mut(&200).unwrap().config_version = version;
        let mut log = log.chained().bytes();
        let anchor = signed(&mut log, &key(1));
        assert_eq!(found(&report(&log, &[&anchor])), [(Check::Configuration, Some(200))]);
    }
    let mut log = sound();
    let published = log.0.get_mut(&2).unwrap();
    let Some(wire::record::Data::ConfigPublished(body)) = &mut published.data else { panic!("it is one") };
    body.body = body.body.replace("portal", "postal");
    let found = found(&report(&log.chained().bytes(), &[]));
    assert_eq!(found.first(), Some(&(Check::Configuration, Some(2))), "{found:?}");
}

#[test]
fn what_was_signed_again_after_a_change_is_found_by_what_was_kept() {
    let mut log = sound().chained().bytes();
    let kept = signed(&mut log, &key(1));
    let mut other = sound();
    other.0.get_mut(&303).unwrap().caller = "shop".to_owned();
    other.0.get_mut(&303).unwrap().recorded_at += 1;
    let mut other = other.chained().bytes();
    let now = signed(&mut other, &key(1));
    assert_eq!(found(&report(&other, &[&now])), []);
    assert_eq!(found(&report(&other, &[&now, &kept])), [(Check::Tree, None)]);
}

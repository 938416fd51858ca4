//! Files of a ticket: only what is on disk is named, an infected or redacted one is handed to nobody, and a second telling
//! by a naive model comes to the same.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the other examples")]
mod support;

use std::collections::BTreeMap;

use guichet_rules::Stored;
use guichet_schemas::command::{
    AddAttachment, AddComment, Close, Command, Entity, Fact, Import, Order, RedactAttachment, ReportScan,
    limits,
};
use guichet_schemas::event::{AttachmentAdded, Event, Personal, TicketCreated};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::KeyId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::{ActorKind, ScanVerdict, Visibility};
use proptest::prelude::*;
use support::{Desk, at, by, command, create, label, resolve, text};
use uuid::Uuid;

const KEY: KeyId = KeyId(Uuid::from_u128(5));

fn desk() -> Desk {
    let mut desk = Desk { stored: Some(Stored { size: 9, key_id: KEY }), ..Desk::default() };
    desk.tell(&command(Order::Create(create()))).unwrap();
    desk
}

fn hash(n: u8) -> Hash {
    Hash([n; 32])
}

fn add(n: u8) -> Command {
    let (media_type, name) = (label("image/png"), label("a.png"));
    command(Order::AddAttachment(AddAttachment { sha256: hash(n), size: 9, media_type, name }))
}

fn scan(n: u8, verdict: ScanVerdict) -> Command {
    command(Order::ReportScan(ReportScan { sha256: hash(n), verdict, engine: label("clamav") }))
}

fn redact(n: u8) -> Command {
    command(Order::RedactAttachment(RedactAttachment { sha256: hash(n), reason: text("a face") }))
}

fn comment(n: u8) -> Command {
    command(Order::AddComment(AddComment {
        visibility: Visibility::Public,
        kind: None,
        body: text("see"),
        attachments: vec![hash(n)],
        in_reply_to: None,
        counts_as_reply: None,
        no_reopen: false,
    }))
}

fn field(refused: Result<Vec<Event>, Rejection>) -> String {
    let refused = refused.unwrap_err();
    let Rejection::ValidationFailed(error) = refused else { panic!("{refused:?}") };
    error.field
}

#[test]
fn only_bytes_that_are_on_disk_are_attached() {
    let mut desk = desk();
    let stored = desk.stored.take();
    assert_eq!(field(desk.tell(&add(1))), "data.sha256");
    desk.stored = Some(Stored { size: 8, key_id: KEY });
    assert_eq!(field(desk.tell(&add(1))), "data.size");
    desk.stored = stored;
    let events = desk.tell(&add(1)).unwrap();
    assert_eq!(events.iter().map(Event::type_name).collect::<Vec<_>>(), ["AttachmentAdded"]);
    assert_eq!(desk.ticket.as_ref().unwrap().attachments[&hash(1)].key_id, KEY);
    // Attached already, the bytes need not be brought again.
    desk.stored = None;
    assert_eq!(desk.tell(&add(1)).unwrap(), []);
}

#[test]
fn a_comment_shows_attachments_of_its_ticket_and_no_others() {
    let mut desk = desk();
    assert_eq!(field(desk.tell(&comment(1))), "data.attachments[0]");
    desk.tell(&add(1)).unwrap();
    assert_eq!(desk.tell(&comment(1)).unwrap()[0].type_name(), "CommentAdded");
    desk.tell(&redact(1)).unwrap();
    assert_eq!(field(desk.tell(&comment(1))), "data.attachments[0]");
}

#[test]
fn an_infected_or_redacted_attachment_is_handed_to_nobody() {
    let mut desk = desk();
    assert_eq!(field(desk.tell(&scan(1, ScanVerdict::Clean))), "data.sha256");
    desk.tell(&add(1)).unwrap();
    let readable = |desk: &Desk| desk.ticket.as_ref().unwrap().attachments[&hash(1)].is_readable();
    assert!(readable(&desk), "unscanned");
    for (verdict, is) in
        [(ScanVerdict::Unscannable, true), (ScanVerdict::Infected, false), (ScanVerdict::Clean, true)]
    {
        assert_eq!(desk.tell(&scan(1, verdict)).unwrap().len(), 1);
        assert_eq!(desk.tell(&scan(1, verdict)).unwrap(), [], "said before");
        assert_eq!(readable(&desk), is, "{verdict}");
    }
    let Order::RedactAttachment(order) = redact(1).order else { panic!() };
    let requester = by(ActorKind::Requester, "r-1", Order::RedactAttachment(order));
    assert_eq!(desk.ask(&requester).unwrap_err().code(), "forbidden");
    assert_eq!(desk.tell(&redact(1)).unwrap().len(), 1);
    assert_eq!(desk.tell(&redact(1)).unwrap(), []);
    assert!(!readable(&desk));
    assert_eq!(field(desk.tell(&redact(2))), "data.sha256");
    // Brought again it is another file: nobody has scanned it.
    desk.tell(&add(1)).unwrap();
    assert_eq!(desk.ticket.as_ref().unwrap().attachments[&hash(1)].verdict, None);
}

#[test]
fn a_closed_ticket_takes_no_file_but_is_scanned_and_redacted() {
    let mut desk = desk();
    desk.tell(&add(1)).unwrap();
    desk.tell(&command(resolve())).unwrap();
    desk.tell(&by(ActorKind::Supervisor, "sue", Order::Close(Close))).unwrap();
    assert_eq!(desk.ask(&add(2)).unwrap_err().code(), "terminal_state");
    assert_eq!(desk.tell(&scan(1, ScanVerdict::Infected)).unwrap().len(), 1);
    assert_eq!(desk.tell(&redact(1)).unwrap().len(), 1);
    assert_eq!(desk.ask(&comment(1)).unwrap_err().code(), "terminal_state");
}

#[test]
fn an_imported_attachment_has_no_bytes_until_somebody_brings_them() {
    let desk = desk();
    let fact = |event: Event| Fact { occurred_at: at(1), actor: None, event };
    let (media_type, name) = ("image/png".to_owned(), Personal::Plain("a.png".to_owned()));
    let added = AttachmentAdded { sha256: hash(1), size: 9, media_type, name, key_id: KEY };
    let created = TicketCreated::clone(desk.events[0].0.created().unwrap());
    let mut elsewhere = Desk { stored: desk.stored, ..Desk::default() };
    let import = Import {
        source: label("old"),
        external_id: label("7"),
        part: 1,
        parts: 1,
        events: vec![fact(created.into()), fact(added.into())],
        mapping_version: None,
        begins_at: None,
        prefix: None,
        replies_complete: false,
    };
    elsewhere.hour = 9;
    elsewhere.tell(&Command { entity: Entity::New, ..command(Order::Import(import)) }).unwrap();
    let known = elsewhere.ticket.as_ref().unwrap().attachments[&hash(1)];
    assert!(!known.is_stored() && !known.is_readable(), "{known:?}");
    assert_eq!(elsewhere.tell(&add(1)).unwrap().len(), 1);
    assert!(elsewhere.ticket.as_ref().unwrap().attachments[&hash(1)].is_readable());
}

#[test]
fn a_ticket_has_so_many_files() {
    let mut desk = desk();
    for n in 0..limits::ATTACHMENTS_OF_TICKET {
        desk.tell(&add(u8::try_from(n).unwrap())).unwrap();
    }
    assert_eq!(desk.ask(&add(201)).unwrap_err().code(), "guard_failed");
    desk.tell(&redact(3)).unwrap();
    assert_eq!(
        desk.ask(&add(201)).unwrap_err().code(),
        "guard_failed",
        "what was redacted stays in the history"
    );
    assert_eq!(desk.tell(&add(3)).unwrap().len(), 1, "and may come again");
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Add,
    Scan(ScanVerdict),
    Redact,
    Comment,
}

/// On paper: nothing, or a file with its verdict, or where one was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paper {
    There(Option<ScanVerdict>),
    Gone,
}

fn step() -> impl Strategy<Value = (Step, u8)> {
    let step = prop_oneof![
        3 => Just(Step::Add),
        2 => prop::sample::select(ScanVerdict::ALL).prop_map(Step::Scan),
        2 => Just(Step::Redact),
        1 => Just(Step::Comment),
    ];
    (step, 0u8..3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn the_rules_and_the_paper_tell_the_same(steps in prop::collection::vec(step(), 0..40)) {
        let mut desk = desk();
        let mut paper: BTreeMap<u8, Paper> = BTreeMap::new();
        for (step, n) in steps {
            let known = paper.get(&n).copied();
            let (told, expected) = match step {
                Step::Add => {
                    let expected = usize::from(!matches!(known, Some(Paper::There(_))));
                    if expected == 1 {
                        paper.insert(n, Paper::There(None));
                    }
                    (desk.tell(&add(n)), Some(expected))
                }
                Step::Scan(verdict) => {
                    let expected = match known {
                        Some(Paper::There(was)) => {
                            paper.insert(n, Paper::There(Some(verdict)));
                            Some(usize::from(was != Some(verdict)))
                        }
                        Some(Paper::Gone) | None => None,
                    };
                    (desk.tell(&scan(n, verdict)), expected)
                }
                Step::Redact => {
                    let expected = match known {
                        Some(Paper::There(_)) => Some(1),
                        Some(Paper::Gone) => Some(0),
                        None => None,
                    };
                    if expected.is_some() {
                        paper.insert(n, Paper::Gone);
                    }
                    (desk.tell(&redact(n)), expected)
                }
                Step::Comment => {
                    let there = matches!(known, Some(Paper::There(_)));
                    (desk.tell(&comment(n)).map(|events| events.into_iter().take(1).collect()), there.then_some(1))
                }
            };
            prop_assert_eq!(told.as_ref().ok().map(Vec::len), expected, "{:?} {}: {:?}", step, n, told);
            let folded: BTreeMap<u8, Paper> = desk.ticket.as_ref().unwrap().attachments.iter().map(|(hash, one)| {
                (hash.0[0], if one.redacted { Paper::Gone } else { Paper::There(one.verdict) })
            }).collect();
            prop_assert_eq!(&folded, &paper);
        }
    }
}

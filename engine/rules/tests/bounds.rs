//! What one command may do to a ticket at most, and who may write what, by examples.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the other examples")]
mod support;

use guichet_rules::{Ticket, evolve};
use guichet_schemas::command::{AddComment, Assign, ChangeTags, Escalate, Fact, Import, Order, limits};
use guichet_schemas::event::{
    Classification, Event, FieldChanged, FieldValue, TagsChanged, TicketEscalated, TicketEvent,
};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, EscalationKind, EscalationReason, Visibility};
use support::{Desk, at, by, command, create, given, label, line, text};

fn fact(event: Event) -> Fact {
    Fact { occurred_at: at(1), actor: None, event }
}

fn created() -> Event {
    let mut desk = Desk::default();
    desk.tell(&command(Order::Create(create()))).unwrap().remove(0)
}

fn tagged(tags: impl IntoIterator<Item = String>) -> Event {
    Event::from(TagsChanged { added: tags.into_iter().collect(), removed: Vec::new() })
}

fn escalated() -> Event {
    Event::from(TicketEscalated {
        kind: EscalationKind::Hierarchical,
        from_tier: 0,
        to_tier: 1,
        to_manager: None,
        reason: EscalationReason::Scope,
        tags_at: Vec::new(),
        category_at: None,
        note_comment: None,
    })
}

fn import(part: u32, events: Vec<Fact>) -> Order {
    let (source, external_id) = (label("old"), label("1"));
    Order::Import(Import {
        source,
        external_id,
        part,
        parts: 9,
        events,
        mapping_version: None,
        begins_at: None,
        prefix: None,
        replies_complete: false,
    })
}

#[test]
fn a_tag_that_is_removed_twice_is_removed_once() {
    let vip = || line("vip");
    let mut desk = given([Order::ChangeTags(ChangeTags { add: vec![vip(), vip()], remove: Vec::new() })]);
    assert_eq!(desk.ticket.as_ref().unwrap().tags, ["vip"]);
    let twice = Order::ChangeTags(ChangeTags { add: Vec::new(), remove: vec![vip(), vip(), vip()] });
    let events = desk.tell(&command(twice.clone())).unwrap();
    assert!(
        matches!(&events[..], [Event::Ticket(TicketEvent::Classification(Classification::TagsChanged(e)))] if e.removed == ["vip"]),
        "{events:?}"
    );
    assert!(desk.ticket.as_ref().unwrap().tags.is_empty());
    assert_eq!(desk.tell(&command(twice)).unwrap(), []);
}

#[test]
fn an_import_gives_a_ticket_no_more_tags_than_a_person_could() {
    let many = |from: usize, count: usize| tagged((from..from + count).map(|n| format!("tag {n}")));
    let mut desk = Desk { hour: 100, ..Desk::default() };
    let first = vec![fact(created()), fact(many(0, 60)), fact(many(0, 64))];
    desk.tell(&command(import(1, first))).unwrap();
    assert_eq!(desk.ticket.as_ref().unwrap().tags.len(), 64);
    let refused = desk.tell(&command(import(2, vec![fact(escalated()), fact(many(64, 1))]))).unwrap_err();
    let Rejection::ValidationFailed(error) = refused else { panic!("{refused:?}") };
    assert_eq!(error.field, "data.events[1].data.added");
    desk.tell(&command(import(2, vec![fact(many(0, 3))]))).unwrap();
}

#[test]
fn an_import_gives_a_ticket_no_more_fields_than_a_command_could() {
    let of =
        |field: String, to: Option<FieldValue>| fact(Event::from(FieldChanged { field, from: None, to }));
    let small = |n: usize| of(format!("field {n}"), Some(FieldValue::Flag(true)));
    let large = |n: usize| of(format!("field {n}"), Some(FieldValue::Text("x".repeat(3_500))));
    let mut desk = Desk { hour: 100, ..Desk::default() };
    let first = std::iter::once(fact(created())).chain((0..limits::FIELDS).map(small));
    desk.tell(&command(import(1, first.collect()))).unwrap();
    let mut refused = |facts: Vec<Fact>| {
        let refused = desk.tell(&command(import(2, facts))).unwrap_err();
        let Rejection::ValidationFailed(error) = refused else { panic!("{refused:?}") };
        format!("{} {}", error.field, error.rule)
    };
    let error = refused(vec![fact(escalated()), small(limits::FIELDS)]);
    assert_eq!(error, "data.events[1].data.field must leave the ticket with at most 100 fields");
    let error = refused(vec![large(0), large(1), large(2)]);
    assert_eq!(error, "data.events[2].data.to must leave the ticket with at most 8192 bytes of fields");
    // What is taken away makes room, whichever part it came with.
    let swapped = vec![of("field 7".to_owned(), None), small(limits::FIELDS), large(0)];
    desk.tell(&command(import(2, swapped))).unwrap();
    let ticket = desk.ticket.as_ref().unwrap();
    assert_eq!((ticket.fields.len(), ticket.fields["field 0"].weight()), (limits::FIELDS, 3_500));
}

#[test]
fn what_records_repeat_of_their_ticket_is_bounded_before_it_is_built() {
    let long = (0..64).map(|n| format!("{n:02}{}", "🖨".repeat(62)));
    let facts = |count: usize| {
        let mut facts = vec![fact(created()), fact(tagged(long.clone()))];
        facts.extend((0..count).map(|_| fact(escalated())));
        facts
    };
    let import_of = |count| Desk { hour: 100, ..Desk::default() }.tell(&command(import(1, facts(count))));
    let events = import_of(50).unwrap();
    assert_eq!(events.len(), 53);
    let refused = import_of(1_900).unwrap_err();
    assert_eq!(refused.code(), "payload_too_large");
    assert!(refused.to_string().contains(&limits::COPIED_BYTES.to_string()), "{refused}");
}

#[test]
fn a_ticket_of_an_older_log_keeps_any_number_of_tags_and_folds_them_in_no_time() {
    let many: Vec<String> = (0..100_000).map(|n| format!("tag {n}")).collect();
    let begun = std::time::Instant::now();
    let mut ticket: Ticket = evolve(None, &tagged(many.clone()), Timestamp(0));
    ticket = evolve(Some(ticket), &tagged(many.clone()), Timestamp(0));
    assert_eq!(ticket.tags.len(), 100_000);
    let removed = TagsChanged { added: Vec::new(), removed: many };
    assert!(
        evolve(
            Some(ticket.clone()),
            &Event::Ticket(TicketEvent::Classification(Classification::TagsChanged(removed))),
            Timestamp(0)
        )
        .tags
        .is_empty()
    );
    // Their square would be minutes.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    let mut desk = given([]);
    desk.ticket = Some(ticket);
    let fewer = ChangeTags { add: Vec::new(), remove: vec![line("tag 1")] };
    assert_eq!(desk.tell(&command(Order::ChangeTags(fewer))).unwrap().len(), 1, "taking away is possible");
    let more = ChangeTags { add: vec![line("new")], remove: Vec::new() };
    assert_eq!(desk.tell(&command(Order::ChangeTags(more))).unwrap_err().code(), "validation_failed");
}

#[test]
fn a_requester_writes_no_internal_note_by_any_verb() {
    let comment = |visibility| {
        Order::AddComment(AddComment {
            visibility,
            kind: None,
            body: text("psst"),
            attachments: Vec::new(),
            in_reply_to: None,
            counts_as_reply: None,
            no_reopen: false,
        })
    };
    let notes = [
        comment(Visibility::Internal),
        Order::Assign(Assign {
            assignee: Some(label("bob")),
            group: None,
            reason: None,
            handover_note: Some(text("psst")),
        }),
        Order::Escalate(Escalate {
            kind: EscalationKind::Functional,
            to_tier: Some(2),
            to_manager: None,
            reason: EscalationReason::Scope,
            note: Some(text("psst")),
            tags: vec![line("vip")],
        }),
    ];
    for order in notes {
        let refused = given([]).tell(&by(ActorKind::Requester, "r-1", order.clone())).unwrap_err();
        assert_eq!(refused.code(), "forbidden", "{}", order.verb());
        assert!(given([]).tell(&by(ActorKind::Agent, "ann", order)).is_ok());
    }
    assert!(given([]).tell(&by(ActorKind::Requester, "r-1", comment(Visibility::Public))).is_ok());
}

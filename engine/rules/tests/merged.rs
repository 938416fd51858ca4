//! Tickets that become one: nothing that was said is lost, and whoever asks for one of them is told where it went.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the examples")]
mod support;

use guichet_rules::{ClosedMessage, Life, Ticket};
use guichet_schemas::command::{
    AddComment, AddTask, Cancel, ChangeTags, Claim, Close, Command, Create, CreateFollowUp, Entity, Merge,
    Order, Requester, Split, limits,
};
use guichet_schemas::event::{CommentCopied, Event, Personal, Relations, TicketEvent};
use guichet_schemas::ids::{CommandId, CommentId, TicketId};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::{ActorKind, AuthorKind, CancelReason, CommentMode, TicketState, Visibility};
use support::{Desk, House, OWN, assign, by, command, create, given, label, line, reopen, resolve, text};
use uuid::Uuid;

fn types(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::type_name).collect()
}

fn at(ticket: TicketId, command: Command) -> Command {
    Command { entity: Entity::Ticket(ticket), ..command }
}

/// Another ticket of a requester.
fn another(desk: &mut Desk, requester: &str) -> TicketId {
    let requester = Requester { id: label(requester), ..create().requester };
    let order = Order::Create(Create { requester, ..create() });
    desk.tell(&Command { entity: Entity::New, ..command(order) }).unwrap();
    desk.others.last().unwrap().0
}

fn words(said: &str, visibility: Visibility) -> Order {
    Order::AddComment(AddComment {
        visibility,
        kind: None,
        body: text(said),
        attachments: Vec::new(),
        in_reply_to: None,
        counts_as_reply: None,
        no_reopen: false,
    })
}

fn message(ticket: TicketId, n: u128) -> Command {
    let command = by(ActorKind::Requester, "r-1", words("Still broken.", Visibility::Public));
    at(ticket, Command { command_id: CommandId(Uuid::from_u128(n)), ..command })
}

fn merge(sources: &[TicketId]) -> Order {
    Order::Merge(Merge { sources: sources.to_vec(), comment_mode: None })
}

fn by_reference(sources: &[TicketId]) -> Order {
    Order::Merge(Merge { sources: sources.to_vec(), comment_mode: Some(CommentMode::Reference) })
}

fn copies(events: &[Event]) -> Vec<&CommentCopied> {
    let copy = |event| match event {
        &&Event::Ticket(TicketEvent::Relations(Relations::CommentCopied(ref e))) => Some(e),
        _ => None,
    };
    events.iter().collect::<Vec<_>>().iter().filter_map(copy).collect()
}

fn ticket(desk: &Desk, id: TicketId) -> &Ticket {
    &desk.others.iter().find(|(other, ..)| *other == id).unwrap().1
}

#[test]
fn a_merge_closes_the_source_and_repeats_what_was_said_with_its_ids_authors_and_times() {
    let mut desk = given([]);
    let source = another(&mut desk, "r-1");
    desk.tell(&message(source, 21)).unwrap();
    let note = at(source, by(ActorKind::Agent, "ann", words("The cable.", Visibility::Internal)));
    desk.tell(&Command { command_id: CommandId(Uuid::from_u128(22)), ..note }).unwrap();
    let said: Vec<Event> = desk.others[0].2.clone();

    let events = desk.tell(&command(merge(&[source]))).unwrap();
    assert_eq!(
        types(&events),
        ["TicketMerged", "TicketClosed", "MergeReceived", "CommentCopied", "CommentCopied", "CommentCopied"]
    );
    assert_eq!(ticket(&desk, source).state(), TicketState::Closed);
    let copied = copies(&events);
    assert_eq!(copied[0].body, Personal::Plain("Every ten minutes.".to_owned()), "its first words come too");
    assert_eq!((copied[0].comment_id.0, copied[0].author_kind), (source.0, AuthorKind::Requester));
    for (copy, event) in copied[1..].iter().zip(&said[1..]) {
        let Event::Ticket(TicketEvent::Conversation(guichet_schemas::event::Conversation::CommentAdded(e))) =
            event
        else {
            panic!("{event:?}")
        };
        assert_eq!(
            (copy.comment_id, &copy.author, copy.author_kind),
            (e.comment_id, &e.author, e.author_kind)
        );
        assert_eq!((&copy.body, copy.visibility, copy.from), (&e.body, e.visibility, source));
        assert!(
            copy.written_at < support::at(desk.hour),
            "the time is that of the comment, not of the merge"
        );
    }
    let Event::Ticket(TicketEvent::Relations(Relations::MergeReceived(received))) = &events[2] else {
        panic!()
    };
    assert_eq!(received.comments, copied.iter().map(|copy| copy.comment_id).collect::<Vec<_>>());
    assert!(!desk.ticket.as_ref().unwrap().answered, "what is repeated answers nobody");
}

#[test]
fn nothing_is_left_to_do_on_a_ticket_that_went_into_another() {
    let mut desk = given([]);
    let source = another(&mut desk, "r-1");
    let task = AddTask { title: line("Ring back"), owner: None, due: None, blocks_resolve: true };
    desk.tell(&at(source, command(Order::AddTask(task)))).unwrap();
    desk.tell(&at(source, command(Order::Claim(Claim { ttl_s: 3_600, force: false })))).unwrap();
    desk.hour -= 1;
    let events = desk.tell(&command(by_reference(&[source]))).unwrap();
    assert_eq!(
        types(&events),
        ["ClaimReleased", "TaskCancelled", "TicketMerged", "TicketClosed", "MergeReceived"]
    );
    let left = ticket(&desk, source);
    assert!(
        left.claim.is_none()
            && left.work.tasks.values().all(|task| task.state != guichet_rules::TaskState::Open)
    );
}

#[test]
fn whatever_is_asked_of_it_is_told_where_it_went() {
    let mut desk = given([]);
    let source = another(&mut desk, "r-1");
    desk.tell(&command(merge(&[source]))).unwrap();
    let tags = Order::ChangeTags(ChangeTags { add: vec![line("vpn")], remove: Vec::new() });
    let note = words("Where is it?", Visibility::Internal);
    for order in [assign("bob"), resolve(), Order::Close(Close), note, tags, reopen()] {
        let refused = desk.tell(&at(source, command(order))).unwrap_err();
        assert_eq!(refused.code(), "terminal_state");
        assert!(matches!(refused, Rejection::MergedAway { into: OWN, .. }), "{refused}");
    }
    let follow = CreateFollowUp { of: source, subject: None, description: None, group: None, assignee: None };
    let refused = desk.tell(&Command { entity: Entity::New, ..command(Order::CreateFollowUp(follow)) });
    assert!(matches!(refused, Err(Rejection::MergedAway { .. })), "{refused:?}");
    // The same again changes nothing; into a third one, it cannot go.
    assert_eq!(desk.tell(&command(merge(&[source]))).unwrap(), []);
    let third = another(&mut desk, "r-1");
    let refused = desk.tell(&at(third, command(merge(&[source])))).unwrap_err();
    assert!(matches!(refused, Rejection::AlreadyMerged { into: OWN, .. }), "{refused}");
}

#[test]
fn a_message_goes_to_the_end_of_a_chain_of_merges() {
    for closed_message in [ClosedMessage::FollowUp, ClosedMessage::Keep, ClosedMessage::Refuse] {
        let life = Life { closed_message, ..Life::default() };
        let mut desk = given([]);
        desk.house = Some(House { life, ..House::default() });
        let (first, second) = (another(&mut desk, "r-1"), another(&mut desk, "r-1"));
        desk.tell(&message(first, 31)).unwrap();
        desk.tell(&at(second, command(merge(&[first])))).unwrap();
        let events = desk.tell(&command(merge(&[second]))).unwrap();
        let copied = copies(&events);
        assert_eq!(copied.len(), 3, "the words of both, and what came with the first");
        assert!(copied.iter().any(|copy| copy.from == first), "where it was said does not change on the way");
        let before = desk.ticket.as_ref().unwrap().version;
        assert_eq!(types(&desk.tell(&message(first, 32)).unwrap()), ["CommentAdded"]);
        assert_eq!(
            desk.ticket.as_ref().unwrap().version,
            before + 1,
            "it stands where the conversation goes on"
        );
    }
}

#[test]
fn merges_make_no_cycle() {
    let mut desk = given([]);
    let (first, second) = (another(&mut desk, "r-1"), another(&mut desk, "r-1"));
    let own = desk.tell(&command(merge(&[first, OWN]))).unwrap_err();
    assert_eq!(own.to_string(), "data.sources[1] must be another ticket");
    desk.tell(&at(second, command(merge(&[first])))).unwrap();
    let back = desk.tell(&at(first, command(merge(&[second])))).unwrap_err();
    assert!(matches!(back, Rejection::MergedAway { into, .. } if into == second), "{back}");
    desk.tell(&command(merge(&[second]))).unwrap();
    let back = desk.tell(&at(first, command(merge(&[OWN])))).unwrap_err();
    assert_eq!(back.code(), "terminal_state");
}

#[test]
fn tickets_of_several_requesters_are_for_a_supervisor() {
    let mut desk = given([]);
    let source = another(&mut desk, "r-2");
    let refused = desk.tell(&command(merge(&[source]))).unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    let asked = desk.tell(&by(ActorKind::Requester, "r-1", merge(&[source]))).unwrap_err();
    assert_eq!(asked.code(), "forbidden");
    let events = desk.tell(&by(ActorKind::Supervisor, "sue", merge(&[source]))).unwrap();
    assert_eq!(copies(&events)[0].requester, "r-2", "the text is still theirs");
}

#[test]
fn what_is_over_or_not_there_is_not_merged() {
    let mut desk = given([]);
    let source = another(&mut desk, "r-1");
    let absent = TicketId(Uuid::from_u128(999));
    assert_eq!(desk.tell(&command(merge(&[source, absent]))).unwrap_err().code(), "not_found");
    desk.tell(&at(source, command(Order::Cancel(Cancel { reason: CancelReason::Spam })))).unwrap();
    assert_eq!(desk.tell(&command(merge(&[source]))).unwrap_err().code(), "terminal_state");
    let live = another(&mut desk, "r-1");
    desk.tell(&command(Order::Cancel(Cancel { reason: CancelReason::Spam }))).unwrap();
    assert_eq!(desk.tell(&command(merge(&[live]))).unwrap_err().code(), "terminal_state");
    assert_eq!(ticket(&desk, live).state(), TicketState::New, "nothing is half done");
}

#[test]
fn more_comments_than_one_command_copies_are_refused_by_name_and_taken_by_reference() {
    let mut desk = given([]);
    let source = another(&mut desk, "r-1");
    for n in 0..limits::COPIED_COMMENTS as u128 {
        desk.tell(&message(source, 1_000 + n)).unwrap();
    }
    let refused = desk.tell(&command(merge(&[source]))).unwrap_err();
    let Rejection::GuardFailed { guard: "comments", message } = &refused else { panic!("{refused:?}") };
    assert!(message.starts_with("T-2 has 501 comments"), "{message}");
    assert!(message.contains("comment_mode reference"), "{message}");
    let events = desk.tell(&command(by_reference(&[source]))).unwrap();
    assert_eq!(types(&events), ["TicketMerged", "TicketClosed", "MergeReceived"]);
    let Event::Ticket(TicketEvent::Relations(Relations::MergeReceived(e))) = &events[2] else { panic!() };
    assert_eq!((e.comment_count, e.comments.len()), (501, 0));
}

#[test]
fn more_text_than_one_command_copies_is_refused() {
    let mut desk = given([]);
    let source = another(&mut desk, "r-1");
    let long = "x".repeat(40 * 1024);
    for n in 0..27 {
        let order = words(&long, Visibility::Public);
        let said = by(ActorKind::Requester, "r-1", order);
        desk.tell(&at(source, Command { command_id: CommandId(Uuid::from_u128(2_000 + n)), ..said }))
            .unwrap();
    }
    assert_eq!(desk.tell(&command(merge(&[source]))).unwrap_err().code(), "payload_too_large");
    assert!(desk.tell(&command(by_reference(&[source]))).is_ok());
}

fn split(from: u128) -> Order {
    let from_comment = CommentId(CommandId(Uuid::from_u128(from)).derive("comment"));
    Order::Split(Split { from_comment, subject: line("The printer, too") })
}

#[test]
fn a_ticket_is_split_at_a_comment_and_keeps_its_own() {
    let mut desk = given([]);
    for n in 41..44 {
        desk.tell(&message(OWN, n)).unwrap();
    }
    let events = desk.tell(&command(split(42))).unwrap();
    assert_eq!(types(&events), ["TicketSplit", "TicketCreated", "TicketsLinked", "CommentCopied"]);
    let created = events[1].created().unwrap();
    assert_eq!(created.subject, Personal::Plain("The printer, too".to_owned()));
    assert_eq!(
        created.description,
        Personal::Plain("Still broken.".to_owned()),
        "the comment is its first words"
    );
    assert_eq!((created.requester.as_str(), created.number), ("r-1", 2));
    let origin = desk.events[0].0.created().unwrap().origin;
    assert_eq!(created.origin, origin, "who asked has asked, whoever splits: a first reply is owed");
    let later = CommentId(CommandId(Uuid::from_u128(43)).derive("comment"));
    assert_eq!(copies(&events)[0].comment_id, later);
    assert_eq!(desk.ticket.as_ref().unwrap().said.comments, 3, "nothing is moved");
    assert_eq!(desk.ticket.as_ref().unwrap().links.len(), 1, "both know of each other");
    assert_eq!(desk.others[0].1.links.len(), 1);
}

#[test]
fn only_a_public_comment_that_is_there_begins_a_ticket() {
    let mut desk = given([]);
    let note = command(words("Between us.", Visibility::Internal));
    desk.tell(&Command { command_id: CommandId(Uuid::from_u128(51)), ..note }).unwrap();
    assert_eq!(desk.tell(&command(split(99))).unwrap_err().code(), "not_found");
    let refused = desk.tell(&command(split(51))).unwrap_err();
    assert!(refused.to_string().starts_with("data.from_comment must be a public comment"), "{refused}");
    let asked = by(ActorKind::Requester, "r-1", split(51));
    assert_eq!(desk.tell(&asked).unwrap_err().code(), "forbidden");
}

#[test]
fn what_a_merge_brought_is_split_off_again_for_its_own_requester() {
    let mut desk = given([]);
    let source = another(&mut desk, "r-2");
    desk.tell(&message(source, 61)).unwrap();
    desk.tell(&by(ActorKind::Supervisor, "sue", merge(&[source]))).unwrap();
    let order = Split { from_comment: CommentId(source.0), subject: line("Two after all") };
    let events = desk.tell(&command(Order::Split(order))).unwrap();
    let created = events[1].created().unwrap();
    assert_eq!(created.requester, "r-2");
    assert_eq!(created.description, Personal::Plain("Every ten minutes.".to_owned()));
}

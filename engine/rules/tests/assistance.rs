//! Hand-offs, side conversations and suggestions, by examples.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the examples")]
mod support;

use guichet_rules::{Life, PendingGuard};
use guichet_schemas::command::{
    AcceptSuggestion, AddComment, AddSideMessage, Cancel, CloseSideConversation, Command, HandOff,
    OpenSideConversation, Order, SetStatus, Suggest,
};
use guichet_schemas::event::{Assistance, Classification, Conversation, Event, TicketEvent};
use guichet_schemas::ids::{CommandId, SideId, SuggestionId};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::{
    ActorKind, AuthorKind, CancelReason, Priority, SideParty, SuggestionKind, TicketState, Visibility,
};
use support::{Desk, House, assign, by, command, given, label, line, text};
use uuid::Uuid;

fn nth(n: u128, kind: ActorKind, id: &str, order: Order) -> Command {
    Command { command_id: CommandId(Uuid::from_u128(n)), ..by(kind, id, order) }
}

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::type_name).collect()
}

fn hand_off() -> Order {
    Order::HandOff(HandOff {
        to_group: label("network"),
        reason: text("asks for a person"),
        packet: text("B12"),
    })
}

fn pending() -> Order {
    Order::SetStatus(SetStatus {
        to: TicketState::Pending,
        custom_status: None,
        hold_reason: None,
        expected_until: None,
        comment: None,
    })
}

fn says() -> Order {
    Order::AddComment(AddComment {
        visibility: Visibility::Public,
        kind: None,
        body: text("Have you read kb-17?"),
        attachments: Vec::new(),
        in_reply_to: None,
        counts_as_reply: None,
        no_reopen: false,
    })
}

fn code(told: Result<Vec<Event>, Rejection>) -> &'static str {
    told.unwrap_err().code()
}

#[test]
fn people_go_on_where_a_bot_ends() {
    let bot = |order| by(ActorKind::Bot, "helper", order);
    let mut desk = given([]);
    assert_eq!(names(&desk.tell(&bot(hand_off())).unwrap()), ["HandedOff", "TicketRouted"]);
    let ticket = desk.ticket.as_ref().unwrap();
    assert_eq!((ticket.group.as_deref(), ticket.state()), (Some("network"), TicketState::New));
    assert_eq!(names(&desk.tell(&bot(hand_off())).unwrap()), ["HandedOff"], "the group has it");
    // It waited for an answer that people now go on with, and the bot has it no longer.
    desk.tell(&command(assign("helper"))).unwrap();
    desk.tell(&command(pending())).unwrap();
    let told = desk.tell(&bot(hand_off())).unwrap();
    assert_eq!(names(&told), ["HandedOff", "TicketUnassigned", "StatusChanged"]);
    let ticket = desk.ticket.as_ref().unwrap();
    assert_eq!((&ticket.assignee, ticket.state()), (&None, TicketState::Open));
    assert_eq!(code(desk.tell(&by(ActorKind::Requester, "r-1", hand_off()))), "forbidden");
    desk.tell(&command(Order::Cancel(Cancel { reason: CancelReason::Test }))).unwrap();
    assert_eq!(code(desk.tell(&bot(hand_off()))), "terminal_state");
}

#[test]
fn what_a_bot_writes_is_an_answer_only_where_the_desk_says_so() {
    for counts in [false, true] {
        let life =
            Life { pending_guard: PendingGuard::Enforce, bot_replies_count: counts, ..Life::default() };
        let mut desk = Desk { house: Some(House { life, ..House::default() }), ..given([]) };
        let told = desk.tell(&by(ActorKind::Bot, "helper", says())).unwrap();
        let [Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(said)))] = &told[..] else {
            panic!("{told:?}")
        };
        assert_eq!((said.author_kind, said.counts_as_reply), (AuthorKind::Bot, counts));
        assert_eq!(desk.tell(&command(pending())).is_ok(), counts, "the guard of pending");
        let told = desk.tell(&by(ActorKind::Service, "acknowledgement", says())).unwrap();
        let Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(said))) = &told[0] else {
            panic!("{told:?}")
        };
        assert!(!said.counts_as_reply, "an automatic message never is one");
    }
}

#[test]
fn a_side_conversation_is_with_somebody_else_and_answers_nobody() {
    let mut desk = given([]);
    let open = |n, party| {
        let order = OpenSideConversation { with: label("victor"), party, subject: line("A drum") };
        nth(n, ActorKind::Agent, "alice", Order::OpenSideConversation(order))
    };
    let id = |n| SideId(CommandId(Uuid::from_u128(n)).derive("side"));
    let says = |n, kind, who: &str, from_party| {
        let order = AddSideMessage { side_id: id(n), body: text("In stock?"), from_party };
        by(kind, who, Order::AddSideMessage(order))
    };
    assert_eq!(names(&desk.tell(&open(1, SideParty::ThirdParty)).unwrap()), ["SideConversationOpened"]);
    desk.tell(&open(2, SideParty::Peer)).unwrap();
    let author = |desk: &mut Desk, command: &Command| {
        let told = desk.tell(command).unwrap();
        let [Event::Ticket(TicketEvent::Assistance(Assistance::SideMessageAdded(e)))] = &told[..] else {
            panic!("{told:?}")
        };
        (e.author.clone(), e.author_kind)
    };
    let who = |name: &str, kind| (name.to_owned(), kind);
    let alice = says(1, ActorKind::Agent, "alice", false);
    assert_eq!(author(&mut desk, &alice), who("alice", AuthorKind::Agent));
    let brought = says(1, ActorKind::Service, "mail", true);
    assert_eq!(author(&mut desk, &brought), who("victor", AuthorKind::ThirdParty));
    let himself = says(2, ActorKind::Agent, "victor", false);
    assert_eq!(author(&mut desk, &himself), who("victor", AuthorKind::Peer));
    let ticket = desk.ticket.as_ref().unwrap();
    assert!(ticket.state() == TicketState::New && !ticket.answered);

    let close = |n| Order::CloseSideConversation(CloseSideConversation { side_id: id(n) });
    assert_eq!(names(&desk.tell(&command(close(1))).unwrap()), ["SideConversationClosed"]);
    assert_eq!(desk.tell(&command(close(1))).unwrap(), []);
    assert_eq!(code(desk.tell(&alice)), "guard_failed");
    assert_eq!(code(desk.tell(&says(9, ActorKind::Agent, "alice", false))), "not_found");
    assert_eq!(code(desk.tell(&says(2, ActorKind::Requester, "r-1", false))), "forbidden");
}

#[test]
fn a_model_changes_nothing_and_whoever_accepts_does() {
    let mut desk = given([]);
    let suggest = |n, kind, value: &str| {
        let order = Suggest { kind, value: line(value), score: 80, model: label("triage/3") };
        nth(n, ActorKind::Bot, "helper", Order::Suggest(order))
    };
    let accept = |n| {
        let id = SuggestionId(CommandId(Uuid::from_u128(n)).derive("suggestion"));
        command(Order::AcceptSuggestion(AcceptSuggestion { suggestion_id: id }))
    };
    let all = [
        (SuggestionKind::Category, "technical/vpn", Some("CategoryChanged")),
        (SuggestionKind::Priority, "urgent", Some("PriorityChanged")),
        (SuggestionKind::Type, "problem", Some("TypeChanged")),
        (SuggestionKind::Tag, "vpn", Some("TagsChanged")),
        (SuggestionKind::Group, "network", Some("TicketRouted")),
        (SuggestionKind::Sentiment, "angry", None),
    ];
    for (n, (kind, value, changes)) in (1..).zip(all) {
        let before = desk.ticket.clone().unwrap();
        assert_eq!(names(&desk.tell(&suggest(n, kind, value)).unwrap()), ["ClassificationSuggested"]);
        let after = desk.ticket.as_ref().unwrap();
        assert_eq!(
            (&after.category, after.priority, after.r#type),
            (&before.category, before.priority, before.r#type)
        );
        assert_eq!((&after.tags, &after.group), (&before.tags, &before.group));
        let expected: Vec<_> = ["SuggestionAccepted"].into_iter().chain(changes).collect();
        assert_eq!(names(&desk.tell(&accept(n)).unwrap()), expected, "{kind}");
        assert_eq!(desk.tell(&accept(n)).unwrap(), [], "{kind}");
    }
    let ticket = desk.ticket.as_ref().unwrap();
    assert_eq!((ticket.category.as_deref(), ticket.priority), (Some("technical/vpn"), Priority::Urgent));
    // What is so already is accepted, and changes nothing.
    desk.tell(&suggest(20, SuggestionKind::Priority, "urgent")).unwrap();
    assert_eq!(names(&desk.tell(&accept(20)).unwrap()), ["SuggestionAccepted"]);
    assert_eq!(code(desk.tell(&accept(99))), "not_found");
    let told = desk.events.iter().filter(|(event, _)| {
        matches!(event, Event::Ticket(TicketEvent::Classification(Classification::PriorityChanged(_))))
    });
    assert_eq!(told.count(), 1);
}

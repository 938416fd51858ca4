//! How events read.

use guichet_schemas::event::*;
use guichet_schemas::words::*;

use super::*;
use crate::history::{
    self, Dice, History, assigned, comment, escalated, reopened, resolved, routed, status, text,
};

fn said(actor: &str, event: Event) -> String {
    let mut history = History::new();
    history.push(history::ticket_id(1), actor, event);
    sentence(&history.entries[1].record)
}

#[test]
fn a_history_reads_like_a_story() {
    assert_eq!(
        said("alice", Event::from(history::created(42))),
        "alice opened T-42 for requester r-0 by email: “Printer 42 is on fire” (priority normal, category hardware/printer, in group desk)"
    );
    assert_eq!(
        said("alice", assigned("bob", Some("network"))),
        "alice assigned the ticket to bob in group network (on call)"
    );
    assert_eq!(said("bob", assigned("bob", None)), "bob took the ticket (on call)");
    assert_eq!(said("alice", routed(Some("network"))), "alice moved the ticket to group network");
    assert_eq!(
        said("bob", status(TicketState::Open, TicketState::Hold)),
        "bob put the ticket on hold (vendor)"
    );
    assert_eq!(
        said("bob", status(TicketState::Hold, TicketState::Open)),
        "bob moved the ticket from hold to open"
    );
    assert_eq!(
        said("bob", escalated(1, 2)),
        "bob escalated the ticket from tier 1 to tier 2 (expertise; tags fire)"
    );
    assert_eq!(
        said("bob", comment(Visibility::Internal, "Bring\n\nwater")),
        "bob wrote an internal note: “Bring water”"
    );
    assert_eq!(said("bob", resolved(2)), "bob resolved the ticket: “Put it out.” (defect, resolution 2)");
    assert_eq!(said("carol", resolved(1)), "carol resolved the ticket, resolver bob: “Put it out.” (defect)");
    assert_eq!(
        said("r-0", reopened(1)),
        "r-0 reopened the ticket 2 h 5 min after it was resolved by bob (still burning)"
    );
    assert_eq!(
        said("r-0", Event::from(ReopenHeld { reopenings: 3, within_ms: 7_500_000 })),
        "r-0 would have reopened the ticket, and a person decides: requesters had reopened it 3 times within 2 h 5 min"
    );
    let followed = |cause| {
        let (of, new_ticket) = (history::ticket_id(1), history::ticket_id(2));
        Event::from(FollowUpCreated { of, new_ticket, new_number: 2, cause })
    };
    assert_eq!(
        said("r-0", followed(StatusCause::RequesterComment)),
        "r-0 wrote to the closed ticket, and the message stands in its follow-up T-2"
    );
    assert_eq!(said("bob", followed(StatusCause::Command)), "bob created T-2 as a follow-up");
    let linked = |kind, from_other| {
        Event::from(TicketsLinked { other: history::ticket_id(1), other_number: 1, kind, from_other })
    };
    assert_eq!(said("bob", linked(LinkKind::FollowUp, false)), "bob linked the ticket as a follow-up of T-1");
    assert_eq!(
        said("bob", linked(LinkKind::CausedBy, true)),
        "bob named the ticket as the problem behind T-1"
    );
    let proposed = ResolutionProposed {
        by: "bob".to_owned(),
        by_kind: ActorKind::Agent,
        code: ResolutionCode::Workaround,
        summary: text("Use the stairs."),
        steps: Vec::new(),
        root_cause: None,
    };
    assert_eq!(
        said("bob", Event::from(proposed)),
        "bob proposed a resolution: “Use the stairs.” (workaround)"
    );
    assert_eq!(
        said("r-0", Event::from(ResolutionConfirmed { by: "r-0".to_owned() })),
        "r-0 confirmed that it is solved"
    );
    assert_eq!(
        said("r-0", Event::from(ResolutionRejected { reason: text("It still burns.") })),
        "r-0 said that it is not solved: “It still burns.”"
    );
    let (from, to) = (TicketType::Incident, TicketType::ServiceRequest);
    assert_eq!(
        said("bob", Event::from(TypeChanged { from, to })),
        "bob changed the type from incident to service request"
    );
    let due = |at, reason: &str| Event::from(DueDateSet { at, reason: Some(reason.to_owned()) });
    assert_eq!(
        said("bob", due(Some(Timestamp(history::START)), "promised on the phone")),
        "bob set the due date to 2026-03-10T09:00:00.000Z (promised on the phone)"
    );
    assert_eq!(said("bob", due(None, "no hurry")), "bob cleared the due date (no hurry)");
    assert_eq!(said("timer", history::closed()), "timer closed the ticket automatically");
}

#[test]
fn the_kind_of_actor_shows_where_it_is_no_colleague() {
    let mut actor = Actor { kind: ActorKind::System, id: "auto_close".to_owned(), on_behalf_of: None };
    assert_eq!(who(&actor), "the system (auto_close)");
    actor = Actor { kind: ActorKind::Bot, id: "triage".to_owned(), on_behalf_of: Some("alice".to_owned()) };
    assert_eq!(who(&actor), "bot triage, for alice,");
}

#[test]
fn a_long_text_is_shortened_and_a_sealed_one_shows_as_sealed() {
    let long = said("bob", comment(Visibility::Public, &"é".repeat(500)));
    assert!(long.ends_with("…”") && long.chars().count() < 220, "{long}");
    assert_eq!(quote(&text("short")), "“short”");
    assert_eq!(
        quote(&Personal::Sealed(Sealed { key_id: vec![], nonce: vec![], ciphertext: vec![] })),
        "[sealed]"
    );
}

#[test]
fn every_event_has_a_sentence_on_one_line() {
    let mut dice = Dice(7);
    for _ in 0..500 {
        let said = said("bob", history::any_event(&mut dice));
        assert!(said.starts_with("bob ") && !said.contains('\n') && !said.contains("  "), "{said}");
    }
    assert_eq!(
        sentence(&History::new().entries[0].record),
        "engine 0.1.0 took the log over (epoch 1, generation 1)"
    );
}

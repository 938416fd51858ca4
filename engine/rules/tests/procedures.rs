//! Procedures: what is attached, what becomes of their steps, and what keeps a ticket from being resolved.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the other tests")]
mod support;

use guichet_rules::ProcedureRule;
use guichet_schemas::command::{AttachProcedure, Close, CompleteStep, Order, Resolve};
use guichet_schemas::event::{Event, TicketEvent, Work};
use guichet_schemas::words::{ActorKind, ResolutionCode, StepOutcome};

use support::{Desk, House, by, command, create, label, line, resolve, text};

fn rule(version: u32, steps: &[(&str, bool)]) -> ProcedureRule {
    ProcedureRule {
        version,
        steps: steps.iter().map(|(id, mandatory)| ((*id).to_owned(), *mandatory)).collect(),
    }
}

fn desk() -> Desk {
    let vpn = ("vpn", rule(1, &[("ask", false), ("mtu", true), ("test", true)]));
    let house = House { procedures: vec![vpn], ..House::default() };
    let mut desk = Desk { house: Some(house), ..Desk::default() };
    desk.tell(&command(Order::Create(create()))).unwrap();
    desk
}

fn attach(desk: &mut Desk, procedure: &str) -> Result<Vec<Event>, String> {
    let order = Order::AttachProcedure(AttachProcedure { procedure: line(procedure) });
    desk.tell(&command(order)).map_err(|e| e.to_string())
}

fn complete(desk: &mut Desk, step: &str, outcome: StepOutcome) -> Result<usize, String> {
    complete_of(desk, step, outcome, None)
}

fn complete_of(
    desk: &mut Desk,
    step: &str,
    outcome: StepOutcome,
    procedure: Option<&str>,
) -> Result<usize, String> {
    let procedure = procedure.map(label);
    let order = Order::CompleteStep(CompleteStep { step: line(step), outcome, procedure });
    desk.tell(&command(order)).map(|events| events.len()).map_err(|e| e.to_string())
}

#[test]
fn mandatory_steps_are_done_before_a_ticket_is_resolved_or_a_supervisor_says_why_not() {
    let mut desk = desk();
    let events = attach(&mut desk, "vpn").unwrap();
    let [Event::Ticket(TicketEvent::Work(Work::ProcedureAttached(e)))] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((e.version, e.steps.len()), (1, 3));
    assert_eq!(e.mandatory, ["mtu", "test"]);
    assert_eq!(attach(&mut desk, "vpn").unwrap(), [], "it is attached");

    let blocked = |desk: &mut Desk| desk.tell(&command(resolve())).map_err(|e| (e.code(), e.to_string()));
    let (code, said) = blocked(&mut desk).unwrap_err();
    assert!(code == "guard_failed" && said.contains("not done (2)"), "{said}");
    assert_eq!(complete(&mut desk, "mtu", StepOutcome::Done), Ok(1));
    assert_eq!(complete(&mut desk, "mtu", StepOutcome::Done), Ok(0), "it is done");
    // Neither skipping nor failing is doing.
    for outcome in [StepOutcome::Skipped, StepOutcome::Failed] {
        assert_eq!(complete(&mut desk, "test", outcome), Ok(1));
        assert!(blocked(&mut desk).unwrap_err().1.contains("not done (1)"));
    }
    let mut overridden = desk.clone();
    let why = Order::Resolve(Resolve {
        code: ResolutionCode::Other,
        summary: text("done"),
        steps: Vec::new(),
        root_cause: None,
        override_reason: Some(text("the line is cut")),
    });
    assert!(overridden.tell(&command(why.clone())).is_err(), "an agent overrides nothing");
    overridden.tell(&by(ActorKind::Supervisor, "sue", why)).unwrap();
    assert_eq!(complete(&mut desk, "test", StepOutcome::Done), Ok(1));
    blocked(&mut desk).unwrap();
    // What is found out later is still recorded, until the ticket is closed.
    assert_eq!(complete(&mut desk, "ask", StepOutcome::Skipped), Ok(1));
    desk.tell(&by(ActorKind::Supervisor, "sue", Order::Close(Close))).unwrap();
    assert!(complete(&mut desk, "ask", StepOutcome::Done).unwrap_err().contains("closed"));
}

#[test]
fn the_next_version_keeps_what_was_done_of_the_steps_that_both_have() {
    let mut desk = desk();
    attach(&mut desk, "vpn").unwrap();
    complete(&mut desk, "mtu", StepOutcome::Done).unwrap();
    let next = rule(2, &[("mtu", true), ("reboot", true)]);
    desk.house.as_mut().unwrap().procedures = vec![("vpn", next)];
    assert_eq!(attach(&mut desk, "vpn").unwrap().len(), 1);
    let said = desk.tell(&command(resolve())).unwrap_err().to_string();
    assert!(said.contains("not done (1)"), "{said}");
    assert!(complete(&mut desk, "test", StepOutcome::Done).unwrap_err().contains("does not exist"));
    complete(&mut desk, "reboot", StepOutcome::Done).unwrap();
    desk.tell(&command(resolve())).unwrap();
}

#[test]
fn a_step_of_two_procedures_needs_the_name_of_one_and_what_is_not_published_is_not_attached() {
    let mut desk = desk();
    let unknown = attach(&mut desk, "mail").unwrap_err();
    assert!(unknown.starts_with("data.procedure is not published"), "{unknown}");
    desk.house.as_mut().unwrap().procedures.push(("mail", rule(7, &[("ask", true)])));
    attach(&mut desk, "vpn").unwrap();
    attach(&mut desk, "mail").unwrap();
    let ambiguous = complete(&mut desk, "ask", StepOutcome::Done).unwrap_err();
    assert_eq!(ambiguous, "data.procedure is needed: \"ask\" is a step of mail and vpn");
    assert_eq!(complete_of(&mut desk, "ask", StepOutcome::Done, Some("mail")), Ok(1));
    assert!(complete_of(&mut desk, "mtu", StepOutcome::Done, Some("mail")).is_err());
    assert!(complete_of(&mut desk, "ask", StepOutcome::Done, Some("other")).is_err());
}

//! Who is asked how it was, who may answer, and until when.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the examples")]
mod support;

use guichet_rules::{RATING_WINDOW_MS, SURVEYS_MAX};
use guichet_schemas::command::{Cancel, Close, Command, Order, Rate, RecordNps, RequestSurvey};
use guichet_schemas::event::{Event, Satisfaction, SurveyRequested, TicketEvent, TicketRated};
use guichet_schemas::ids::{CommandId, SurveyId};
use guichet_schemas::words::{ActorKind, CancelReason, RatingScale, SurveyKind};
use support::{Desk, HOUR, by, command, given, label, resolve, text};
use uuid::Uuid;

const WINDOW_H: i64 = RATING_WINDOW_MS as i64 / HOUR;

fn ask(kind: SurveyKind, to: Option<&str>) -> Order {
    Order::RequestSurvey(RequestSurvey { kind, to: to.map(label) })
}

/// The survey that the desk requested.
fn survey(desk: &mut Desk, kind: SurveyKind, n: u128) -> SurveyRequested {
    let command = Command { command_id: CommandId(Uuid::from_u128(n)), ..command(ask(kind, None)) };
    match desk.tell(&command).unwrap().as_slice() {
        [Event::Ticket(TicketEvent::Satisfaction(Satisfaction::SurveyRequested(e)))] => e.clone(),
        other => panic!("{other:?}"),
    }
}

fn answer(token: SurveyId, scale: RatingScale, score: u32) -> Order {
    Order::Rate(Rate { scale, score, comment: None, token })
}

fn by_requester(order: Order) -> Command {
    by(ActorKind::Requester, "r-1", order)
}

fn rated(events: &[Event]) -> &TicketRated {
    match events {
        [Event::Ticket(TicketEvent::Satisfaction(Satisfaction::TicketRated(e)))] => e,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rating_answers_its_survey_and_is_credited_to_the_resolver() {
    let mut desk = given([resolve()]);
    let asked = survey(&mut desk, SurveyKind::Csat, 1);
    assert_eq!((asked.to.as_str(), asked.expires.0), ("r-1", (desk.hour + WINDOW_H) * HOUR));
    assert_eq!(desk.tell(&command(ask(SurveyKind::Csat, None))).unwrap(), [], "they were asked");
    let good = by_requester(answer(asked.survey_id, RatingScale::OneToFive, 4));
    let events = desk.tell(&good).unwrap();
    let e = rated(&events);
    assert_eq!((e.score, e.credited_agent.as_deref()), (4, Some("alice")));
    assert_eq!(e.survey_id, Some(asked.survey_id));
    assert_eq!(desk.tell(&good).unwrap(), [], "they said so");
    // Who thinks it over says so; who adds why says something new.
    assert_eq!(
        rated(&desk.tell(&by_requester(answer(asked.survey_id, RatingScale::OneToFive, 2))).unwrap()).score,
        2
    );
    let why = Rate {
        scale: RatingScale::OneToFive,
        score: 2,
        comment: Some(text("It came back.")),
        token: asked.survey_id,
    };
    assert!(rated(&desk.tell(&by_requester(Order::Rate(why))).unwrap()).comment.is_some());
    assert_eq!(desk.tell(&command(ask(SurveyKind::Csat, None))).unwrap().len(), 1, "they answered the other");
}

#[test]
fn a_ticket_that_does_not_move_can_be_asked_about_and_credits_nobody() {
    let mut desk = given([]);
    let asked = survey(&mut desk, SurveyKind::Csat, 1);
    let events = desk.tell(&by_requester(answer(asked.survey_id, RatingScale::GoodBad, 0))).unwrap();
    assert_eq!(rated(&events).credited_agent, None);
}

#[test]
fn nobody_of_the_desk_and_no_other_requester_rates() {
    let mut desk = given([resolve()]);
    let asked = survey(&mut desk, SurveyKind::Csat, 1);
    let order = answer(asked.survey_id, RatingScale::GoodBad, 1);
    for (kind, id) in [
        (ActorKind::Agent, "alice"),
        (ActorKind::Supervisor, "sue"),
        (ActorKind::LightAgent, "leo"),
        (ActorKind::Requester, "r-2"),
    ] {
        assert_eq!(desk.ask(&by(kind, id, order.clone())).unwrap_err().code(), "forbidden", "{kind}");
        let nps = Order::RecordNps(RecordNps { score: 9 });
        assert_eq!(desk.ask(&by(kind, id, nps)).unwrap_err().code(), "forbidden", "{kind}");
    }
    // A program brings what they said elsewhere.
    assert!(desk.ask(&by(ActorKind::Service, "portal", order)).is_ok());
    // Somebody else can be asked, and answers.
    desk.tell(&Command {
        command_id: CommandId(Uuid::from_u128(2)),
        ..command(ask(SurveyKind::Nps, Some("r-2")))
    })
    .unwrap();
    let nps = by(ActorKind::Requester, "r-2", Order::RecordNps(RecordNps { score: 9 }));
    assert_eq!(desk.tell(&nps).unwrap().len(), 1);
}

#[test]
fn a_token_is_of_one_ticket_and_one_kind() {
    let mut desk = given([resolve()]);
    let asked = survey(&mut desk, SurveyKind::Ces, 1);
    let other = answer(SurveyId(Uuid::from_u128(99)), RatingScale::OneToSeven, 7);
    assert_eq!(desk.ask(&by_requester(other)).unwrap_err().code(), "not_found");
    let wrong = desk.ask(&by_requester(answer(asked.survey_id, RatingScale::OneToFive, 5))).unwrap_err();
    assert_eq!(wrong.to_string(), "data.scale one_to_five does not answer a survey ces");
    assert!(desk.ask(&by_requester(answer(asked.survey_id, RatingScale::OneToSeven, 7))).is_ok());
}

#[test]
fn a_survey_expires_and_a_ticket_that_is_over_takes_ratings_until_then() {
    let mut closed = given([resolve()]);
    let asked = survey(&mut closed, SurveyKind::Csat, 1);
    closed.tell(&by(ActorKind::Supervisor, "sue", Order::Close(Close))).unwrap();
    let mut cancelled = given([]);
    let of_cancelled = survey(&mut cancelled, SurveyKind::Csat, 1);
    cancelled.tell(&command(Order::Cancel(Cancel { reason: CancelReason::Withdrawn }))).unwrap();
    let mut resolved = given([resolve()]);
    let of_resolved = survey(&mut resolved, SurveyKind::Csat, 1);
    let tickets = [
        (closed, asked, "terminal_state"),
        (cancelled, of_cancelled, "terminal_state"),
        (resolved, of_resolved, "guard_failed"),
    ];
    for (mut desk, asked, late) in tickets {
        let rate = by_requester(answer(asked.survey_id, RatingScale::GoodBad, 1));
        desk.hour = asked.expires.0 / HOUR - 1;
        assert!(desk.ask(&rate).is_ok(), "the last hour");
        desk.hour += 1;
        assert_eq!(desk.ask(&rate).unwrap_err().code(), late);
    }
}

#[test]
fn a_ticket_that_is_over_is_neither_asked_about_nor_recommended() {
    let mut desk = given([resolve()]);
    desk.tell(&by(ActorKind::Supervisor, "sue", Order::Close(Close))).unwrap();
    assert_eq!(desk.ask(&command(ask(SurveyKind::Csat, None))).unwrap_err().code(), "terminal_state");
    let nps = by_requester(Order::RecordNps(RecordNps { score: 3 }));
    assert_eq!(desk.ask(&nps).unwrap_err().code(), "terminal_state");
}

#[test]
fn a_ticket_has_at_most_so_many_surveys() {
    let mut desk = given([]);
    let order = |n: usize| Command {
        command_id: CommandId(Uuid::from_u128(n as u128 + 1)),
        ..command(ask(SurveyKind::Csat, Some(&format!("r-{n}"))))
    };
    for n in 0..SURVEYS_MAX {
        desk.tell(&order(n)).unwrap();
    }
    assert_eq!(desk.ask(&order(SURVEYS_MAX)).unwrap_err().code(), "guard_failed");
}

#[test]
fn an_answer_to_whether_somebody_recommends_the_desk_ends_the_wait_for_it() {
    let mut desk = given([]);
    survey(&mut desk, SurveyKind::Nps, 1);
    assert_eq!(desk.tell(&command(ask(SurveyKind::Nps, None))).unwrap(), []);
    desk.tell(&by_requester(Order::RecordNps(RecordNps { score: 3 }))).unwrap();
    let again = Command { command_id: CommandId(Uuid::from_u128(2)), ..command(ask(SurveyKind::Nps, None)) };
    assert_eq!(desk.tell(&again).unwrap().len(), 1);
}

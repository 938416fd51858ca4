//! Satisfaction, worked by hand: two weeks, three tickets, every kind of survey.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use guichet_reports::{History, Kind, Look, Params, Report};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::store::{Moment, MomentCreated, MomentRated, MomentResolved, MomentSurvey};
use guichet_schemas::wire::{CsatRow, ReportQuery};
use guichet_schemas::words::{CancelReason, GroupBy, RatingScale, SurveyKind};

fn at(written: &str) -> i64 {
    Timestamp::parse(written).unwrap().0
}

fn created() -> What {
    What::Created(MomentCreated { assignee: "eve".to_owned(), tier: 1, ..MomentCreated::default() })
}

fn resolved(by: &str) -> What {
    What::Resolved(MomentResolved { by: by.to_owned(), human: true, as_proposed: false })
}

fn survey(id: u8, kind: SurveyKind) -> What {
    What::Survey(MomentSurvey { id: vec![id], kind: kind.to_wire() })
}

fn rated(survey: u8, scale: RatingScale, score: u32, agent: &str) -> What {
    What::Rated(MomentRated { scale: scale.to_wire(), score, agent: agent.to_owned(), survey: vec![survey] })
}

fn tickets() -> Vec<History> {
    let lives: Vec<Vec<(&str, What)>> = vec![
        // Resolved by ann: bad, then good in the same week, and bad again in the next.
        vec![
            ("2026-03-09T08:00:00Z", created()),
            ("2026-03-09T09:00:00Z", resolved("ann")),
            ("2026-03-09T09:00:00Z", survey(1, SurveyKind::Csat)),
            ("2026-03-09T10:00:00Z", rated(1, RatingScale::OneToFive, 3, "ann")),
            ("2026-03-10T10:00:00Z", rated(1, RatingScale::OneToFive, 4, "ann")),
            ("2026-03-16T10:00:00Z", rated(1, RatingScale::OneToFive, 1, "ann")),
        ],
        // Nobody has resolved it, and it is asked about; the answer comes in the next week.
        vec![
            ("2026-03-09T08:00:00Z", created()),
            ("2026-03-12T08:00:00Z", survey(1, SurveyKind::Csat)),
            ("2026-03-12T08:00:00Z", survey(2, SurveyKind::Ces)),
            ("2026-03-12T09:00:00Z", rated(2, RatingScale::OneToSeven, 6, "")),
            ("2026-03-17T08:00:00Z", rated(1, RatingScale::GoodBad, 0, "")),
        ],
        // Resolved by bob; asked in vain, and recommended: 10, then 6, of which the last counts.
        vec![
            ("2026-03-09T08:00:00Z", created()),
            ("2026-03-09T09:00:00Z", resolved("bob")),
            ("2026-03-09T09:00:00Z", survey(1, SurveyKind::Csat)),
            ("2026-03-09T09:00:00Z", survey(2, SurveyKind::Nps)),
            ("2026-03-09T10:00:00Z", What::Nps(10)),
            ("2026-03-09T11:00:00Z", What::Nps(6)),
        ],
        vec![("2026-03-09T08:00:00Z", created()), ("2026-03-09T10:00:00Z", What::Nps(9))],
        // No ticket at all.
        vec![
            ("2026-03-09T08:00:00Z", created()),
            ("2026-03-09T10:00:00Z", What::Nps(9)),
            ("2026-03-12T08:00:00Z", What::Cancelled(CancelReason::Spam.to_wire())),
        ],
    ];
    let history = |life: Vec<(&str, What)>| {
        let moment = |(when, what)| Moment { position: 1, at: at(when), what: Some(what) };
        History::new(life.into_iter().map(moment).collect())
    };
    lives.into_iter().map(history).collect()
}

fn rows(group_by: Option<GroupBy>) -> Vec<CsatRow> {
    let now = at("2026-03-22T12:00:00Z");
    let query = ReportQuery {
        from: Some("2026-03-09".to_owned()),
        group_by: group_by.map(|part| part.to_wire()),
        ..ReportQuery::default()
    };
    let (params, span) = Params::read(Kind::Csat, &query, now).unwrap();
    let mut report = Report::new(params);
    tickets().iter().for_each(|history| report.add(history));
    let Data::ReportCsat(answer) = report.rows(span, Look::at(9, now)) else { panic!() };
    answer.rows
}

fn share(ratio: Option<guichet_schemas::wire::Ratio>) -> (u64, u64) {
    ratio.map(|ratio| (ratio.numerator, ratio.denominator)).unwrap()
}

#[test]
fn the_last_rating_of_a_ticket_in_a_week_counts() {
    let rows = rows(None);
    assert_eq!(rows.iter().map(|row| share(row.csat)).collect::<Vec<_>>(), [(1, 1), (0, 2)]);
    assert_eq!(rows.iter().map(|row| row.ratings).collect::<Vec<_>>(), [2, 2]);
    // Of three that were asked in the first week, two answered, one of them in the second.
    assert_eq!(
        (rows[0].surveys, rows[0].surveys_of_unresolved, share(rows[0].response_rate)),
        (3, 1, (2, 3))
    );
    assert_eq!((rows[1].surveys, share(rows[1].response_rate)), (0, (0, 0)));
}

#[test]
fn recommendations_and_effort_are_counted_apart() {
    let rows = rows(None);
    let of = |row: &CsatRow| (row.promoters, row.passives, row.detractors, row.nps_surveys);
    assert_eq!((of(&rows[0]), rows[0].nps), ((1, 0, 1, 1), Some(0.0)));
    assert_eq!((of(&rows[1]), rows[1].nps), ((0, 0, 0, 0), None), "nobody was asked");
    assert_eq!((rows[0].ces_rated, rows[0].ces, rows[1].ces), (1, Some(6.0), None));
}

#[test]
fn a_rating_is_of_whoever_resolved() {
    let rows = rows(Some(GroupBy::Agent));
    let first: Vec<_> = rows.iter().filter(|row| row.period == "2026-W11").collect();
    let of = |name: Option<&str>| *first.iter().find(|row| row.agent.as_deref() == name).unwrap();
    assert_eq!(share(of(Some("ann")).csat), (1, 1));
    assert_eq!((share(of(Some("bob")).csat), of(Some("bob")).nps), ((0, 0), Some(-100.0)));
    assert_eq!((of(None).surveys_of_unresolved, of(None).nps), (1, Some(100.0)));
    assert!(
        first.iter().all(|row| row.agent.as_deref() != Some("eve")),
        "whoever has it now resolved nothing"
    );
}

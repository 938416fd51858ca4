//! Figures that a desk defined: worked by hand, and equal to the built-in ones wherever both exist, over random
//! histories, now and as of any instant and position.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use std::sync::Arc;

use guichet_config::body::Figure;
use guichet_reports::{BusinessHours, Cut, Defined, History, Kind, Look, Params, Report, encode};
use guichet_rules::calendar::{Calendar, Definition};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::store::{Moment, MomentCreated, MomentReply, MomentResolved};
use guichet_schemas::wire::{Durations, FigureRow, ReportQuery};
use guichet_schemas::words::{CancelReason, Channel, CloseReason, GroupBy, Origin, Period, TicketState};
use proptest::prelude::*;
use serde_json::{Value, json};

const HOUR: i64 = 3_600_000;
/// 2026-02-02T00:00:00Z, a Monday.
const START: i64 = 1_769_990_400_000;
const NOW: i64 = START + 24 * HOUR * 91;

fn figure(definition: &Value) -> Arc<Figure> {
    let mut definition = definition.clone();
    definition["title"] = json!({"en": "A figure"});
    Arc::new(serde_json::from_value(definition).unwrap())
}

fn asked(period: Period, group_by: Option<GroupBy>) -> ReportQuery {
    ReportQuery {
        from: Some("2026-02-02".to_owned()),
        to: Some("2026-05-04".to_owned()),
        zone: Some("Europe/Paris".to_owned()),
        period: Some(period.to_wire()),
        group_by: group_by.map(|part| part.to_wire()),
        ..ReportQuery::default()
    }
}

fn report(kind: Kind, query: &ReportQuery, of: impl FnOnce(Params) -> Params, histories: &[History]) -> Data {
    let (params, span) = Params::read(kind, query, NOW).unwrap();
    let mut report = Report::new(of(params));
    histories.iter().for_each(|history| report.add(history));
    report.rows(span, Look::at(1, NOW))
}

fn rows(
    definition: &Value,
    query: &ReportQuery,
    hours: Option<BusinessHours>,
    histories: &[History],
) -> Vec<FigureRow> {
    let defined = Defined { name: "f".to_owned(), version: 3, figure: figure(definition) };
    let of = |params: Params| params.with_figure(Some(defined)).with_hours(hours);
    let Data::ReportFigure(report) = report(Kind::Figure, query, of, histories) else { panic!() };
    report.rows
}

fn counts(definition: &Value, query: &ReportQuery, histories: &[History]) -> Vec<u64> {
    rows(definition, query, None, histories).iter().map(|row| row.count).collect()
}

fn life(steps: Vec<(i64, What)>) -> History {
    let moment = |(n, (hours, what)): (usize, (i64, What))| Moment {
        position: n as u64 + 1,
        at: START + hours * HOUR,
        what: Some(what),
    };
    History::new(steps.into_iter().enumerate().map(moment).collect())
}

fn created(group: &str) -> What {
    What::Created(MomentCreated {
        group: group.to_owned(),
        tier: 1,
        origin: Origin::Requester.to_wire(),
        ..MomentCreated::default()
    })
}

fn resolved() -> What {
    What::Resolved(MomentResolved { by: "bob".to_owned(), human: true, as_proposed: false })
}

/// Two tickets: one resolved after 10 hours, reopened after 30 and resolved again after 35, in the next week; one
/// resolved after 4 hours by another group than it came to.
fn two() -> Vec<History> {
    let week = 7 * 24;
    vec![
        life(vec![
            (0, created("desk")),
            (10, resolved()),
            (30, What::Reopened(true)),
            (week + 35, resolved()),
        ]),
        life(vec![(2, created("desk")), (3, What::Group("network".to_owned())), (6, resolved())]),
    ]
}

#[test]
fn counts_tickets_and_totals_are_those_worked_by_hand() {
    let figure = json!({"count": "event == 'TicketResolved'"});
    let found = rows(&figure, &asked(Period::Week, None), None, &two());
    let of = |row: &FigureRow| (row.period.clone(), row.count, row.tickets, row.total);
    assert_eq!(of(&found[0]), ("2026-W06".to_owned(), 2, 2, 2));
    assert_eq!(of(&found[1]), ("2026-W07".to_owned(), 1, 1, 3));
    assert_eq!(of(&found[2]), ("2026-W08".to_owned(), 0, 0, 3));
    assert_eq!((found[0].figure.as_str(), found[0].definition_version, &found[0].duration), ("f", 3, &None));
    let parts = rows(&figure, &asked(Period::Range, Some(GroupBy::Group)), None, &two());
    let of = |row: &FigureRow| (row.group.clone().unwrap_or_default(), row.count, row.tickets);
    assert_eq!(
        parts.iter().map(of).collect::<Vec<_>>(),
        [("desk".to_owned(), 2, 1), ("network".to_owned(), 1, 1)]
    );
    // Of a ticket that is so at the end of the period, and of no other.
    let still = json!({"count": "event == 'TicketResolved'", "still": "status == 'resolved'"});
    assert_eq!(counts(&still, &asked(Period::Week, None), &two())[..2], [1, 1]);
}

#[test]
fn durations_pair_the_events_that_the_definition_says() {
    let of = |more: Value| {
        let mut duration = json!({"from": "event == 'TicketCreated'", "to": "event == 'TicketResolved'"});
        duration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"duration": duration})
    };
    let sums = |definition: &Value| -> Vec<(u64, u64)> {
        let rows = rows(definition, &asked(Period::Week, None), None, &two());
        let hours = |took: &Durations| (took.n, took.sum / 3_600);
        rows.iter().take(2).map(|row| hours(row.duration.as_ref().unwrap())).collect()
    };
    assert_eq!(sums(&of(json!({}))), [(2, 14), (0, 0)]);
    assert_eq!(sums(&of(json!({"pairs": "last"}))), [(1, 4), (1, 203)]);
    assert_eq!(sums(&of(json!({"pairs": "last", "dated": "from"}))), [(2, 207), (0, 0)]);
    assert_eq!(sums(&of(json!({"within_s": 4 * 3_600}))), [(1, 4), (0, 0)]);
    let work = of(json!({"from": "unresolved && !unresolved_before", "pairs": "each"}));
    assert_eq!(sums(&work), [(2, 14), (1, 173)]);
}

#[test]
fn an_assignment_is_one_event_though_it_names_the_group_too() {
    let at = |position, what| Moment { position, at: START + HOUR, what: Some(what) };
    let history = History::new(vec![
        Moment { position: 1, at: START, what: Some(created("desk")) },
        at(2, What::Group("network".to_owned())),
        at(2, What::Assignee("ann".to_owned())),
        at(3, What::Group("desk".to_owned())),
    ]);
    let count = |filter: &str| {
        counts(&json!({"count": filter}), &asked(Period::Range, None), std::slice::from_ref(&history))[0]
    };
    assert_eq!(count("event == 'TicketAssigned' && agent == 'ann' && group == 'network'"), 1);
    assert_eq!(count("event == 'TicketRouted'"), 1, "the routing behind it, and not its own group");
    assert_eq!(count("true"), 3);
}

/// One step, hours after the one before.
fn step() -> impl Strategy<Value = (i64, What)> {
    let what = prop_oneof![
        Just(What::State(TicketState::Open.to_wire())),
        Just(What::State(TicketState::Pending.to_wire())),
        Just(resolved()),
        Just(resolved()),
        Just(What::Reopened(true)),
        Just(What::Reopened(true)),
        Just(What::Closed(CloseReason::Resolved.to_wire())),
        Just(What::Closed(CloseReason::Merged.to_wire())),
        Just(What::Cancelled(CancelReason::Spam.to_wire())),
        Just(What::Cancelled(CancelReason::Withdrawn.to_wire())),
        prop_oneof![Just("a"), Just("b"), Just("")].prop_map(|group| What::Group(group.to_owned())),
        any::<bool>().prop_map(|human| What::Reply(MomentReply { human })),
        Just(What::Inbound(Channel::Email.to_wire())),
    ];
    (0i64..120, what)
}

/// The bytes of several histories. Only what is resolved or closed is reopened.
fn histories() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let life = (0i64..400, any::<bool>(), proptest::collection::vec(step(), 0..12)).prop_map(
        |(began, agent, steps)| {
            let origin = if agent { Origin::Agent } else { Origin::Requester };
            let born = MomentCreated {
                origin: origin.to_wire(),
                group: "a".to_owned(),
                tier: 1,
                ..MomentCreated::default()
            };
            let (mut at, mut done, mut bytes) = (START + began * HOUR, false, Vec::new());
            let mut steps: Vec<_> = steps;
            steps.insert(0, (0, What::Created(born)));
            for (n, (hours, what)) in steps.into_iter().enumerate() {
                if matches!(what, What::Reopened(_)) && !done {
                    continue;
                }
                // Neither a routing nor a comment nor a closing ends a resolution, or makes one.
                if matches!(what, What::Resolved(_)) {
                    done = true;
                } else if matches!(what, What::Reopened(_) | What::State(_) | What::Cancelled(_)) {
                    done = false;
                }
                at += hours * HOUR;
                encode(&Moment { position: n as u64 + 1, at, what: Some(what) }, &mut bytes);
            }
            bytes
        },
    );
    proptest::collection::vec(life, 1..8)
}

fn nine_to_five() -> BusinessHours {
    let days = ["mon", "tue", "wed", "thu", "fri"].map(|day| format!(r#""{day}":[["09:00","17:00"]]"#));
    let written = format!(r#"{{"tz":"Europe/Paris","weekly":{{{}}}}}"#, days.join(","));
    let definition: Definition = serde_json::from_str(&written).unwrap();
    let calendar = Arc::new(Calendar::new(definition.hours().unwrap()));
    BusinessHours { name: "paris".to_owned(), versions: 1, calendar }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_configured_figure_is_the_built_in_one_where_both_exist(
        bytes in histories(),
        position in 1u64..14,
        hours in 0i64..1_500,
        look_back: bool,
        period in proptest::sample::select(vec![Period::Day, Period::Week, Period::Range]),
        group_by in proptest::sample::select(vec![None, Some(GroupBy::Group), Some(GroupBy::Channel)]),
    ) {
        let cut = if look_back { Cut { position, before: START + hours * HOUR } } else { Cut::NONE };
        let histories: Vec<_> = bytes.iter().map(|bytes| History::read(bytes, cut).unwrap()).collect();
        let query = asked(period, group_by);
        // Rows of parts that one of two reports knows and the other does not hold nothing.
        let figure = |definition: Value, hours: Option<BusinessHours>| {
            let rows = rows(&definition, &query, hours, &histories);
            move |from: i64, part: (Option<&String>, Option<&String>)| {
                rows.iter().find(|row| row.from == from && (row.group.as_ref(), row.channel.as_ref()) == part).cloned().unwrap_or_default()
            }
        };
        let built_in = |kind| report(kind, &query, |params| params.with_hours(Some(nine_to_five())), &histories);

        let Data::ReportBacklog(backlog) = built_in(Kind::Backlog) else { panic!() };
        let created = figure(json!({"count": "event == 'TicketCreated' && !merged"}), None);
        let resolved = figure(json!({"count": "event == 'TicketResolved'"}), None);
        let reopened = figure(json!({"count": "event == 'TicketReopened'"}), None);
        let closed = figure(json!({"count": "event == 'TicketClosed' && status_before != 'closed'"}), None);
        let net = figure(json!({"count": "event == 'TicketResolved'", "still": "status in ['resolved', 'closed']"}), None);
        let came = figure(json!({"count": "unresolved && !unresolved_before"}), None);
        let went = figure(json!({"count": "!unresolved && unresolved_before"}), None);
        for row in &backlog.rows {
            let part = (row.group.as_ref(), row.channel.as_ref());
            prop_assert_eq!(created(row.from, part).count, row.created);
            prop_assert_eq!(resolved(row.from, part).count, row.resolve_events);
            prop_assert_eq!(resolved(row.from, part).tickets, row.resolved);
            prop_assert_eq!(net(row.from, part).tickets, row.resolved_net);
            prop_assert_eq!(reopened(row.from, part).count, row.reopened);
            prop_assert_eq!(closed(row.from, part).count, row.closed);
            if group_by != Some(GroupBy::Group) {
                // Parted by what may change, a stock also moves from one part to another.
                prop_assert_eq!(came(row.from, part).total - went(row.from, part).total, row.unresolved_at_end);
            }
        }

        let Data::ReportReopenRate(rates) = built_in(Kind::ReopenRate) else { panic!() };
        let cohort = figure(json!({"count": "event == 'TicketResolved' && resolutions == 1"}), None);
        let of_cohort = figure(json!({"duration": {
            "from": "event == 'TicketResolved' && resolutions == 1",
            "to": "event == 'TicketReopened' && reopens == 1",
            "dated": "from", "within_s": 7 * 86_400,
        }}), None);
        for row in &rates.rows {
            let part = (row.group.as_ref(), row.channel.as_ref());
            let r1 = row.r1.as_ref().unwrap();
            prop_assert_eq!((of_cohort(row.from, part).count, cohort(row.from, part).count), (r1.numerator, r1.denominator));
            let r2 = row.r2.as_ref().unwrap();
            prop_assert_eq!((reopened(row.from, part).count, resolved(row.from, part).count), (r2.numerator, r2.denominator));
        }

        let Data::ReportFirstResponse(answers) = built_in(Kind::FirstResponse) else { panic!() };
        let first_response = json!({"duration": {
            "from": "event == 'TicketCreated' && origin != 'agent' && !merged && !cancelled",
            "to": "event == 'CommentAdded' && author == 'agent'",
        }});
        let calendar = figure(first_response.clone(), None);
        let business = figure(first_response, Some(nine_to_five()));
        for row in &answers.rows {
            let part = (row.group.as_ref(), row.channel.as_ref());
            prop_assert_eq!(calendar(row.from, part).duration.unwrap_or_default(), row.calendar.unwrap());
            prop_assert_eq!(business(row.from, part).duration.unwrap_or_default(), row.business.unwrap());
        }

        if period == Period::Range {
            let Data::ReportResolutionTime(times) = built_in(Kind::ResolutionTime) else { panic!() };
            let of = |pairs: &str| figure(json!({
                "duration": {"from": "event == 'TicketCreated'", "to": "event == 'TicketResolved'", "pairs": pairs},
                "still": "status in ['resolved', 'closed']",
            }), None);
            let (first, last) = (of("first"), of("last"));
            for row in times.rows.iter().filter(|_| group_by != Some(GroupBy::Group)) {
                let part = (row.group.as_ref(), row.channel.as_ref());
                prop_assert_eq!(first(row.from, part).duration.unwrap_or_default(), row.first.unwrap());
                prop_assert_eq!(last(row.from, part).duration.unwrap_or_default(), row.full.unwrap());
            }
        }
    }
}

//! The reports through the store: a look back is a replay up to there, and what is kept is what is found again.

use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::{self, ReportQuery};
use guichet_schemas::words::{GroupBy, Period};
use proptest::prelude::*;

use super::*;
use crate::history::{History, START, resolved, ticket_id};
use crate::model::rig::Rig;
use crate::queries::{LIMITS, Limits, Over, Refusal};

/// A day after everything.
const NOW: i64 = START + 86_400_000;

/// Every report with the same fields, but for figures that a desk defines: it has to publish them first.
fn reports(query: ReportQuery) -> Vec<(&'static str, wire::query::Data)> {
    let of_tickets =
        guichet_reports::Kind::ALL.iter().filter(|kind| REPORTS.answers.contains(&kind.as_str()));
    let of_tickets = of_tickets.filter(|kind| !kind.takes_figure());
    let asked = of_tickets.map(|kind| {
        let window = matches!(kind, guichet_reports::Kind::ReopenRate).then_some(1);
        (kind.as_str(), kind.question(ReportQuery { window_days: window, ..query.clone() }))
    });
    asked.collect()
}

fn query(group_by: Option<GroupBy>) -> ReportQuery {
    ReportQuery {
        from: Some("2026-03-09".to_owned()),
        to: Some("2026-03-12".to_owned()),
        zone: Some("Asia/Kathmandu".to_owned()),
        period: Some(Period::Day.to_wire()),
        group_by: group_by.map(|g| g.to_wire()),
        window_days: None,
        calendar: None,
        figure: None,
        definition_version: None,
    }
}

fn ask(
    rig: &Rig,
    name: &str,
    data: wire::query::Data,
    as_of_position: Option<u64>,
    as_of: Option<i64>,
) -> Data {
    let query =
        wire::Query { limit: Some(1000), data: Some(data), as_of_position, as_of, ..wire::Query::default() };
    rig.ask(name, query, as_of.unwrap_or(NOW)).0
}

#[test]
fn sums_that_do_not_fit_are_made_of_the_span_alone_or_refused() {
    let mut history = History::new();
    let count = 1_500;
    for number in 1..=count {
        history.open(number);
    }
    // Backwards, so that no two took equally long.
    for number in (1..=count).rev() {
        history.push(ticket_id(number), "bob", resolved(1));
    }
    let mut rig = Rig::new(&REPORTS);
    rig.fold(&history.entries);
    let limits = Limits { memory: 128 << 10, ..LIMITS };
    let ask = |from: &str, limits, as_of_position| {
        let report = ReportQuery {
            from: Some(from.to_owned()),
            period: Some(Period::Week.to_wire()),
            to: None,
            ..query(None)
        };
        let data = Some(wire::query::Data::ReportResolutionTime(report));
        rig.ask_within(
            limits,
            "report_resolution_time",
            wire::Query { data, as_of_position, ..Default::default() },
            NOW,
        )
    };
    let early = |limits, position| {
        let report = ReportQuery {
            from: Some("2025-11-03".to_owned()),
            to: Some("2025-12-01".to_owned()),
            period: Some(Period::Week.to_wire()),
            ..query(None)
        };
        let data = Some(wire::query::Data::ReportResolutionTime(report));
        rig.ask_within(
            limits,
            "report_resolution_time",
            wire::Query { data, as_of_position: position, ..Default::default() },
            NOW,
        )
        .unwrap()
    };
    for position in [None, Some(history.head())] {
        // Of weeks before, nothing is in the sets.
        let narrow = early(limits, position);
        let refused = ask("2026-03-09", limits, position).unwrap_err();
        assert!(matches!(refused, Refusal::Over(Over::Memory)), "{refused:?}");
        assert_eq!(Over::Memory.rejection("from").code(), "validation_failed");
        assert_eq!(
            narrow,
            early(limits, position),
            "what is known to be too large is answered in the same way"
        );
        assert!(ask("2026-03-09", Limits { cpu: std::time::Duration::ZERO, ..limits }, position).is_err());
    }
    assert!(ask("2026-03-09", LIMITS, None).is_ok(), "with more memory it fits");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_look_back_to_a_position_is_a_replay_up_to_it(seed: u64, share in 0.0f64..1.0, batch in 1usize..60, parted: bool) {
        let history = History::busy(seed, 12, 240);
        let position = (history.entries.len() as f64 * share) as usize + 1;
        let mut whole = Rig::new(&REPORTS);
        history.entries.chunks(batch).for_each(|entries| whole.fold(entries));
        let mut replay = Rig::new(&REPORTS);
        replay.fold(&history.entries[..position]);
        for (name, data) in reports(query(parted.then_some(GroupBy::Group))) {
            let back = ask(&whole, name, data.clone(), Some(position as u64), None);
            prop_assert_eq!(back, ask(&replay, name, data, None, None), "{}", name);
        }
    }

    #[test]
    fn what_is_kept_through_batches_and_restarts_is_what_is_found_anew(seed: u64, batch in 1usize..60, restart_at in 0usize..6, parted: bool) {
        let history = History::busy(seed, 12, 240);
        let all = || reports(query(parted.then_some(GroupBy::Agent)));
        let mut rig = Rig::new(&REPORTS);
        for (i, entries) in history.entries.chunks(batch).enumerate() {
            if i == restart_at {
                rig = rig.restart();
            }
            rig.fold(entries);
            // Asked from the first batch on, so that they are kept.
            for (name, data) in all() {
                ask(&rig, name, data, None, None);
            }
        }
        let kept: Vec<_> = all().into_iter().map(|(name, data)| ask(&rig, name, data, None, None)).collect();
        let mut anew = Rig::new(&REPORTS);
        anew.fold(&history.entries);
        for ((name, data), kept) in all().into_iter().zip(kept) {
            prop_assert_eq!(kept, ask(&anew, name, data, None, None), "{}", name);
        }
        let hash = |rig: &Rig| rig.folder.slot().get().store.content_hash().unwrap();
        prop_assert_eq!(hash(&rig), hash(&anew));
    }

    #[test]
    fn a_look_back_to_an_instant_is_what_had_happened(seed: u64, seconds in 0i64..260) {
        let history = History::busy(seed, 12, 240);
        let as_of = START + seconds * 1000;
        let mut whole = Rig::new(&REPORTS);
        whole.fold(&history.entries);
        let mut replay = Rig::new(&REPORTS);
        // Everything happened in the order of the log, a second apart.
        let seen = history.entries.partition_point(|entry| entry.record.occurred_at.0 < as_of);
        replay.fold(&history.entries[..seen]);
        for (name, data) in reports(query(None)) {
            let back = ask(&whole, name, data.clone(), None, Some(as_of));
            // The replay knows a shorter log, and says so in its rows.
            let replayed = ask(&replay, name, data, Some(seen as u64), Some(as_of));
            prop_assert_eq!(without_position(back), without_position(replayed), "{}", name);
        }
    }
}

const RESOLVED: &str = r#"{"title":{"en":"Resolved"},"count":"event == 'TicketResolved'"}"#;

fn figure(version: Option<u32>) -> wire::query::Data {
    let figure = Some("default".to_owned());
    wire::query::Data::ReportFigure(ReportQuery { figure, definition_version: version, ..query(None) })
}

/// Count and total of each row, and the version that it was counted by.
fn told(data: Data) -> Vec<(u64, u64, u32)> {
    let Data::ReportFigure(report) = data else { panic!("{data:?}") };
    report.rows.iter().map(|row| (row.count, row.total, row.definition_version)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_figure_counts_all_that_was_before_it_was_published(seed: u64, share in 0.0f64..1.0, seconds in 0i64..260, more in 1u64..40, batch in 1usize..20) {
        let mut history = History::busy(seed, 12, 240);
        let position = (history.entries.len() as f64 * share) as u64 + 1;
        let version = u32::try_from(history.head()).unwrap();
        history.publish("figure", RESOLVED, START);
        let published = history.entries.len();
        for number in 0..more {
            history.push(ticket_id(number % 4 + 1), "bob", resolved(1));
        }
        let mut rig = Rig::new(&REPORTS);
        rig.fold(&history.entries[..published]);
        let equal = |rig: &Rig, position, as_of| {
            let Data::ReportBacklog(built_in) = ask(rig, "report_backlog", wire::query::Data::ReportBacklog(query(None)), position, as_of) else { panic!() };
            let mut total = 0;
            let expected: Vec<_> = built_in.rows.iter().map(|row| {
                total += row.resolve_events;
                (row.resolve_events, total, version)
            }).collect();
            prop_assert_eq!(told(ask(rig, "report_figure", figure(None), position, as_of)), expected);
            Ok(())
        };
        equal(&rig, None, None)?;
        for entries in history.entries[published..].chunks(batch) {
            rig.fold(entries);
            equal(&rig, None, None)?;
        }
        let rig = &rig.restart();
        equal(rig, None, None)?;
        equal(rig, Some(position), None)?;
        equal(rig, None, Some(START + seconds * 1_000))?;
    }
}

#[test]
fn versions_of_a_definition_are_kept_apart_and_rows_say_which_one_counts() {
    let mut history = History::new();
    let first = history.open(1);
    history.open(2);
    let before = history.head();
    let one = u32::try_from(before).unwrap();
    history.publish("figure", RESOLVED, START);
    history.push(first, "bob", resolved(1));
    let between = history.head();
    let two = u32::try_from(between).unwrap();
    history.publish("figure", &RESOLVED.replace("TicketResolved", "TicketCreated"), START);
    let mut rig = Rig::new(&REPORTS);
    rig.fold(&history.entries);
    let of = |rig: &Rig, version, position| {
        let rows = told(ask(rig, "report_figure", figure(version), position, None));
        let last = rows.last().copied().unwrap();
        (last.1, last.2)
    };
    for _ in 0..2 {
        assert_eq!(of(&rig, None, None), (2, two), "the newest");
        assert_eq!(of(&rig, Some(one), None), (1, one), "the first beside it");
        assert_eq!(of(&rig, None, Some(between)), (2, two), "the newest for a look back too");
        assert_eq!(of(&rig, Some(one), Some(before)), (0, one), "and before it was published");
    }
    let refused = |data| {
        let query = wire::Query { data: Some(data), ..wire::Query::default() };
        rig.ask_within(LIMITS, "report_figure", query, NOW).unwrap_err()
    };
    let Refusal::Rejected(rejection) = refused(figure(Some(1_000))) else { panic!() };
    assert!(format!("{rejection:?}").contains("definition_version"), "{rejection:?}");
    let unknown = ReportQuery { figure: Some("none".to_owned()), ..query(None) };
    let Refusal::Rejected(rejection) = refused(wire::query::Data::ReportFigure(unknown)) else { panic!() };
    assert!(format!("{rejection:?}").contains("there are default"), "{rejection:?}");
    let listed = wire::Query {
        data: Some(wire::query::Data::Figures(wire::FiguresQuery {})),
        ..wire::Query::default()
    };
    let Data::Figures(view) = rig.ask("figures", listed, NOW).0 else { panic!() };
    assert_eq!(view.figures.len(), 1);
    assert_eq!((view.figures[0].definition_version, view.figures[0].title_en.as_str()), (two, "Resolved"));
}

#[test]
fn business_time_is_what_the_desk_was_open() {
    let weekly = |days: &[&str]| {
        let days: Vec<_> = days.iter().map(|day| format!(r#""{day}":[["00:00","24:00"]]"#)).collect();
        format!(r#"{{"tz":"UTC","weekly":{{{}}}}}"#, days.join(","))
    };
    let mut history = History::new();
    let ticket = history.open(1);
    let created = START + 2_000;
    let all_week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    history.publish("calendar", &weekly(&all_week), START);
    // It is a Tuesday.
    let others: Vec<_> = all_week.into_iter().filter(|day| *day != "tue").collect();
    history.publish("calendar", &weekly(&others), created + 3_000);
    for number in 2..12 {
        history.open(number);
    }
    let bob = guichet_schemas::words::Visibility::Public;
    let replied = START + 1_000 * history.push(ticket, "bob", crate::history::comment(bob, "Here.")) as i64;
    let mut rig = Rig::new(&REPORTS);
    rig.fold(&history.entries);
    let seconds = |data: Data| {
        let Data::ReportFirstResponse(report) = data else { panic!("{data:?}") };
        let row =
            report.rows.into_iter().find(|row| row.calendar.as_ref().is_some_and(|d| d.n == 1)).unwrap();
        (row.calendar.unwrap().sum, row.business.map(|business| business.sum), row.business_calendar)
    };
    let named = Some("default".to_owned());
    let query = ReportQuery { calendar: named.clone(), ..ReportQuery::default() };
    for query in [ReportQuery::default(), query] {
        let data = wire::query::Data::ReportFirstResponse(query);
        for as_of_position in [None, Some(history.head())] {
            let answer = ask(&rig, "report_first_response", data.clone(), as_of_position, None);
            let whole = (replied - created) as u64 / 1_000;
            assert_eq!(seconds(answer), (whole, Some(3), named.clone()), "closed from an instant on");
        }
    }
}

fn without_position(data: Data) -> Vec<serde_json::Value> {
    let reply = wire::QueryReply { data: Some(data), ..wire::QueryReply::default() };
    let json: serde_json::Value = serde_json::to_value(&reply).unwrap();
    let mut rows = json["data"].as_array().unwrap().clone();
    rows.iter_mut().for_each(|row| row["as_of_position"] = 0.into());
    rows
}

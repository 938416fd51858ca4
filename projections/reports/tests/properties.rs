//! What must hold for every desk, however its tickets lived: reports equal the definitions applied slowly, parts add
//! up to the whole, and what is kept is what a fresh look finds.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use guichet_reports::{
    BusinessHours, Change, Cut, Defined, History, Kept, Kind, Look, Params, Report, Span, Window, encode,
};
use guichet_rules::calendar::{Calendar, Definition};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::store::{
    Moment, MomentCreated, MomentEscalated, MomentRated, MomentReply, MomentResolved, MomentSurvey,
    MomentWorked,
};
use guichet_schemas::wire::{BacklogRow, ReportQuery};
use guichet_schemas::words::{
    CancelReason, Channel, CloseReason, EscalationKind, EscalationReason, GroupBy, Origin, Period, Priority,
    TicketState,
};
use proptest::prelude::*;
use serde_json::json;

const HOUR: i64 = 3_600_000;
/// 2026-02-02T00:00:00Z, a Monday.
const START: i64 = 1_769_990_400_000;

/// One step of a ticket's life, hours after the one before.
fn step() -> impl Strategy<Value = (i64, What)> {
    let name = |n: u8| format!("{}", char::from(b'a' + n % 3));
    let what =
        prop_oneof![
            Just(What::State(TicketState::Open.to_wire())),
            Just(What::State(TicketState::Pending.to_wire())),
            Just(What::State(TicketState::Hold.to_wire())),
            (0u8..3, any::<bool>()).prop_map(move |(n, human)| What::Resolved(MomentResolved {
                by: name(n),
                human,
                as_proposed: false
            })),
            (0u8..3, any::<bool>()).prop_map(move |(n, human)| What::Resolved(MomentResolved {
                by: name(n),
                human,
                as_proposed: false
            })),
            Just(What::Reopened(true)),
            Just(What::Closed(CloseReason::Resolved.to_wire())),
            Just(What::Closed(CloseReason::Merged.to_wire())),
            Just(What::Cancelled(CancelReason::Spam.to_wire())),
            Just(What::Cancelled(CancelReason::Withdrawn.to_wire())),
            (0u8..4).prop_map(move |n| What::Group(if n == 3 { String::new() } else { name(n) })),
            (0u8..4).prop_map(move |n| What::Assignee(if n == 3 { String::new() } else { name(n) })),
            (0u8..3).prop_map(move |n| What::Category(name(n))),
            Just(What::Priority(Priority::Urgent.to_wire())),
            (1u32..4, 0u8..3).prop_map(move |(to_tier, n)| What::Escalated(MomentEscalated {
                kind: EscalationKind::Functional.to_wire(),
                to_tier,
                reason: EscalationReason::Expertise.to_wire(),
                tags_at: (0..n).map(name).collect(),
                category_at: name(n),
            })),
            Just(What::Deescalated(1)),
            any::<bool>().prop_map(|human| What::Reply(MomentReply { human })),
            Just(What::Inbound(Channel::Email.to_wire())),
            (0u8..3, 1i32..4).prop_map(|(id, kind)| What::Survey(MomentSurvey { id: vec![id], kind })),
            (0u8..3, 1i32..4, 0u32..8, 0u8..3).prop_map(move |(id, scale, score, n)| What::Rated(
                MomentRated { scale, score, agent: name(n), survey: vec![id] }
            )),
            (0u32..11).prop_map(What::Nps),
            (0u8..3, 1u32..9_000)
                .prop_map(move |(n, seconds)| What::Worked(MomentWorked { agent: name(n), seconds })),
            Just(What::Article(true)),
            Just(What::FollowedUp(true)),
            any::<bool>().prop_map(What::Proposed),
        ];
    (0i64..120, what)
}

fn life() -> impl Strategy<Value = Vec<(i64, What)>> {
    let created = (0i64..400, 0u8..3, proptest::bool::weighted(0.05)).prop_map(|(at, n, synthetic)| {
        let channel = [Channel::Email, Channel::Chat, Channel::Phone][usize::from(n)];
        (
            at,
            What::Created(MomentCreated {
                channel: channel.to_wire(),
                origin: Origin::Requester.to_wire(),
                priority: Priority::Normal.to_wire(),
                group: if n == 0 { String::new() } else { "a".to_owned() },
                tier: 1,
                synthetic,
                ..MomentCreated::default()
            }),
        )
    });
    (created, proptest::collection::vec(step(), 0..10)).prop_map(|(created, steps)| {
        let mut at = 0;
        std::iter::once(created)
            .chain(steps)
            .map(|(hours, what)| {
                at += hours;
                (START + at * HOUR, what)
            })
            .collect()
    })
}

/// A log of several lives, interleaved as they happened; each moment with the number of its ticket.
fn log() -> impl Strategy<Value = Vec<(usize, Moment)>> {
    proptest::collection::vec(life(), 1..8).prop_map(|lives| {
        let mut all: Vec<(usize, i64, What)> = lives
            .into_iter()
            .enumerate()
            .flat_map(|(ticket, life)| life.into_iter().map(move |(at, what)| (ticket, at, what)))
            .collect();
        all.sort_by_key(|(_, at, _)| *at);
        let moment =
            |(i, (ticket, at, what))| (ticket, Moment { position: i as u64 + 1, at, what: Some(what) });
        all.into_iter().enumerate().map(moment).collect()
    })
}

fn histories(log: &[(usize, Moment)], cut: Cut) -> BTreeMap<usize, History> {
    let mut bytes: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    for (ticket, moment) in log {
        encode(moment, bytes.entry(*ticket).or_default());
    }
    bytes.into_iter().map(|(ticket, bytes)| (ticket, History::read(&bytes, cut).unwrap())).collect()
}

fn query(period: Period, group_by: Option<GroupBy>) -> ReportQuery {
    ReportQuery {
        from: Some("2026-02-02".to_owned()),
        to: Some("2026-05-04".to_owned()),
        zone: Some("Europe/Paris".to_owned()),
        period: Some(period.to_wire()),
        group_by: group_by.map(|g| g.to_wire()),
        window_days: None,
        calendar: None,
        figure: None,
        definition_version: None,
    }
}

const NOW: i64 = START + 24 * HOUR * 91;

/// The question; of a figure that a desk defined, one with a duration, a window and a condition.
fn read(kind: Kind, query: &ReportQuery, now: i64) -> (Params, Span) {
    let (params, span) = Params::read(kind, query, now).unwrap();
    let figure = json!({
        "title": {"en": "Held"},
        "duration": {
            "from": "event == 'StatusChanged' || event == 'TicketResolved'",
            "to": "unresolved && status != 'pending'",
            "pairs": "each", "dated": "from", "within_s": 400 * 3_600,
        },
        "still": "tier < 3 && !merged",
    });
    let figure = Arc::new(serde_json::from_value(figure).unwrap());
    let defined = Defined { name: "held".to_owned(), version: 1, figure };
    (params.with_figure(kind.takes_figure().then_some(defined)), span)
}

fn fresh(kind: Kind, query: &ReportQuery, histories: &BTreeMap<usize, History>) -> Data {
    let (params, span) = read(kind, query, NOW);
    let mut report = Report::new(params);
    histories.values().for_each(|history| report.add(history));
    report.rows(span, Look::at(1, NOW))
}

/// Every row as a text, whatever the report.
fn texts(data: Data) -> Vec<String> {
    macro_rules! texts {
        ($($of:ident { $($name:literal => $variant:ident: $answer:ident $about:tt)* })*) => {
            match data {
                $($(Data::$variant(report) => report.rows.iter().map(|row| format!("{row:?}")).collect(),)*)*
                other => panic!("no report: {other:?}"),
            }
        };
    }
    guichet_schemas::each_report!([texts])
}

/// True where a row is of a part, perhaps of the one without a name, and each of its figures is 0 or absent.
fn is_of_a_part_without_figures(row: &str, parted: bool) -> bool {
    let (labels, figures) = row.split_once("tier: ").expect("every row has its labels first");
    let counts = |word: &&str| word.parse::<f64>().is_ok_and(|figure| figure != 0.0);
    (parted || labels.contains("Some(")) && figures.split([' ', ',', '(', ')', '}']).find(counts).is_none()
}

fn backlog(data: Data) -> Vec<BacklogRow> {
    let Data::ReportBacklog(report) = data else { panic!("not a backlog") };
    report.rows
}

/// The state of a ticket at an instant, by replaying all that happened before it.
fn state_at(moments: &[&Moment], at: i64) -> Option<TicketState> {
    let mut state = None;
    for moment in moments.iter().filter(|m| m.at < at) {
        match moment.what.as_ref().unwrap() {
            What::Created(c) => {
                state = Some(if c.assignee.is_empty() { TicketState::New } else { TicketState::Open });
            }
            What::State(s) => state = TicketState::from_wire(*s).ok(),
            What::Resolved(_) => state = Some(TicketState::Resolved),
            What::Reopened(_) => state = Some(TicketState::Open),
            What::Closed(_) => state = Some(TicketState::Closed),
            What::Cancelled(_) => state = Some(TicketState::Cancelled),
            What::Group(_)
            | What::Assignee(_)
            | What::Category(_)
            | What::Priority(_)
            | What::Escalated(_)
            | What::Deescalated(_)
            | What::Reply(_)
            | What::Inbound(_)
            | What::FollowedUp(_)
            | What::Proposed(_)
            | What::Clock(_)
            | What::Survey(_)
            | What::Rated(_)
            | What::Nps(_)
            | What::Worked(_)
            | What::Article(_) => {}
        }
    }
    state
}

/// Whose a ticket is after all that happened up to an instant.
fn assignee_at(moments: &[&Moment], at: i64) -> String {
    let mut assignee = String::new();
    for moment in moments.iter().filter(|m| m.at < at) {
        if let Some(What::Assignee(agent)) = &moment.what {
            assignee.clone_from(agent);
        } else if let Some(What::Created(created)) = &moment.what {
            assignee.clone_from(&created.assignee);
        }
    }
    assignee
}

/// Open from nine to five on weekdays, in Paris.
fn is_open(at: i64) -> bool {
    use chrono::{Datelike as _, Timelike as _};
    let local = chrono::DateTime::from_timestamp_millis(at).unwrap().with_timezone(&chrono_tz::Europe::Paris);
    local.weekday().num_days_from_monday() < 5 && (9..17).contains(&local.hour())
}

fn nine_to_five() -> BusinessHours {
    let days = ["mon", "tue", "wed", "thu", "fri"].map(|day| format!(r#""{day}":[["09:00","17:00"]]"#));
    let written = format!(r#"{{"tz":"Europe/Paris","weekly":{{{}}}}}"#, days.join(","));
    let definition: Definition = serde_json::from_str(&written).unwrap();
    let calendar = Arc::new(Calendar::new(definition.hours().unwrap()));
    BusinessHours { name: "paris".to_owned(), versions: 1, calendar }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_load_of_agents_is_what_the_definition_says_counted_hour_by_hour(log in log(), hours in 1i64..2_184, period in proptest::sample::select(vec![Period::Day, Period::Week, Period::Range])) {
        let now = START + hours * HOUR;
        let seen = Cut { position: u64::MAX, before: now };
        let mut lives: BTreeMap<usize, Vec<&Moment>> = BTreeMap::new();
        for (ticket, moment) in log.iter().filter(|(_, moment)| moment.at < now) {
            lives.entry(*ticket).or_default().push(moment);
        }
        let is_noise = |m: &&Moment| matches!(m.what, Some(What::Created(ref c)) if c.synthetic)
            || m.what == Some(What::Cancelled(CancelReason::Spam.to_wire()));
        lives.retain(|_, moments| !moments.iter().any(is_noise));
        let (params, span) = Params::read(Kind::AgentLoad, &query(period, None), now).unwrap();
        let mut report = Report::new(params.with_hours(Some(nine_to_five())));
        histories(&log, seen).values().for_each(|history| report.add(history));
        let Data::ReportAgentLoad(report) = report.rows(span, Look::at(1, now)) else { panic!() };
        for row in report.rows {
            let agent = row.agent.clone().unwrap();
            let end = row.to.min(now).max(row.from);
            let stands = |moments: &[&Moment], at: i64, states: fn(TicketState) -> bool| {
                state_at(moments, at).is_some_and(states) && assignee_at(moments, at) == agent
            };
            let assigned = lives.values().filter(|m| stands(m, row.to, |state| !state.is_done())).count() as u64;
            let is_actionable = |state| matches!(state, TicketState::New | TicketState::Open);
            let actionable = lives.values().filter(|m| stands(m, row.to, is_actionable)).count() as u64;
            prop_assert_eq!((row.assigned_at_end, row.actionable_at_end), (assigned, actionable));
            let mut spent = (0, 0);
            for hour in (row.from..end).step_by(HOUR as usize).filter(|hour| is_open(*hour)) {
                // What happens at the beginning of the hour has happened.
                spent.0 += lives.values().filter(|m| stands(m, hour + 1, is_actionable)).count() as u64 * 3_600;
                spent.1 += 3_600;
            }
            prop_assert_eq!((row.assigned_s.unwrap(), row.available_s.unwrap()), spent, "{} {}", agent, row.period);
            let used = row.utilisation.unwrap();
            let handled: u64 = lives.values().flatten().filter(|m| (row.from..row.to).contains(&m.at)).map(|m| match &m.what {
                Some(What::Worked(worked)) if worked.agent == agent => u64::from(worked.seconds),
                _ => 0,
            }).sum();
            let expected = if handled > 0 { handled } else { spent.0.min(spent.1) };
            prop_assert_eq!((row.handled_s, used.numerator, used.denominator), (handled, expected, spent.1));
            prop_assert_eq!((row.proxy, row.capped), (handled == 0, handled == 0 && spent.0 > spent.1));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_backlog_is_what_the_definition_says_counted_slowly(log in log(), days: bool) {
        let mut lives: BTreeMap<usize, Vec<&Moment>> = BTreeMap::new();
        for (ticket, moment) in &log {
            lives.entry(*ticket).or_default().push(moment);
        }
        let is = |moment: &Moment, what: fn(&What) -> bool| moment.what.as_ref().is_some_and(what);
        lives.retain(|_, moments| !moments.iter().any(|m| is(m, |w| matches!(w, What::Created(c) if c.synthetic)
            || *w == What::Cancelled(CancelReason::Spam.to_wire()))));
        let merged: BTreeSet<usize> = lives.iter()
            .filter(|(_, moments)| moments.iter().any(|m| m.what == Some(What::Closed(CloseReason::Merged.to_wire()))))
            .map(|(ticket, _)| *ticket)
            .collect();
        let period = if days { Period::Day } else { Period::Week };
        let rows = backlog(fresh(Kind::Backlog, &query(period, None), &histories(&log, Cut::NONE)));
        prop_assert_eq!(rows.len(), if days { 91 } else { 13 });
        prop_assert!(rows.windows(2).all(|two| two[0].to == two[1].from));
        for row in rows {
            let inside = |m: &&&Moment| (row.from..row.to).contains(&m.at);
            let tickets_with = |what: fn(&What) -> bool| lives.iter()
                .filter(|(_, moments)| moments.iter().filter(inside).any(|m| is(m, what)))
                .map(|(ticket, _)| *ticket).collect::<BTreeSet<_>>();
            let events = |what: fn(&What) -> bool| lives.values().flatten().filter(inside).filter(|m| is(m, what)).count() as u64;
            let created = tickets_with(|w| matches!(w, What::Created(_)));
            let resolved = tickets_with(|w| matches!(w, What::Resolved(_)));
            let done = |ticket: &&usize| matches!(state_at(&lives[ticket], row.to), Some(TicketState::Resolved | TicketState::Closed));
            let unresolved = lives.values().filter(|m| state_at(m, row.to).is_some_and(|s| !s.is_done())).count() as u64;
            prop_assert_eq!(row.created, created.difference(&merged).count() as u64);
            prop_assert_eq!(row.resolved, resolved.len() as u64);
            prop_assert_eq!(row.resolve_events, events(|w| matches!(w, What::Resolved(_))));
            prop_assert_eq!(row.reopened, events(|w| matches!(w, What::Reopened(_))));
            prop_assert_eq!(row.resolved_net, resolved.iter().filter(done).count() as u64);
            prop_assert_eq!(row.unresolved_at_end, unresolved);
            match (unresolved, resolved.len()) {
                (0, 0) => prop_assert_eq!(row.backlog_ratio, Some(0.0)),
                (_, 0) => prop_assert_eq!((row.backlog_ratio, row.no_denominator), (None, true)),
                (n, d) => prop_assert_eq!(row.backlog_ratio, Some(n as f64 / d as f64)),
            }
        }
    }

    #[test]
    fn the_parts_of_the_backlog_add_up_to_the_whole(
        log in log(),
        group_by in proptest::sample::select(vec![GroupBy::Channel, GroupBy::Group, GroupBy::Agent, GroupBy::Tier, GroupBy::Category]),
    ) {
        let histories = histories(&log, Cut::NONE);
        let whole = backlog(fresh(Kind::Backlog, &query(Period::Week, None), &histories));
        let parts = backlog(fresh(Kind::Backlog, &query(Period::Week, Some(group_by)), &histories));
        for row in whole {
            let sum = |figure: fn(&BacklogRow) -> u64| parts.iter().filter(|p| p.from == row.from).map(figure).sum::<u64>();
            prop_assert_eq!(sum(|r| r.created), row.created);
            prop_assert_eq!(sum(|r| r.resolved), row.resolved);
            prop_assert_eq!(sum(|r| r.resolve_events), row.resolve_events);
            prop_assert_eq!(sum(|r| r.resolved_net), row.resolved_net);
            prop_assert_eq!(sum(|r| r.closed), row.closed);
            prop_assert_eq!(sum(|r| r.unresolved_at_end), row.unresolved_at_end);
            prop_assert_eq!(sum(|r| r.actionable_at_end), row.actionable_at_end);
        }
    }

    #[test]
    fn what_is_kept_is_what_a_fresh_look_finds(log in log(), batch in 1usize..8, begun in 0usize..30, kind in proptest::sample::select(Kind::ALL), parted: bool) {
        let query = query(Period::Week, parted.then_some(GroupBy::Group));
        let (params, span) = read(kind, &query, NOW);
        let mut kept = Kept::at(0);
        // Asked for first from what was there at `begun`, while batches go on.
        let mut building = None;
        for (i, moments) in log.chunks(batch).enumerate() {
            let position = kept.position();
            let until = |position| histories(&log, Cut { position, before: i64::MAX });
            if i == begun / batch {
                kept.begin(position);
                let mut report = Report::new(params.clone());
                until(position).values().for_each(|history| report.add(history));
                building = Some((position, report));
            }
            let reached = moments.last().unwrap().1.position;
            let (before, after) = (until(position), until(reached));
            let touched: BTreeSet<Vec<u8>> = moments.iter().map(|(ticket, _)| vec![*ticket as u8]).collect();
            let of = |all: &BTreeMap<usize, History>, key: &Vec<u8>| all.get(&usize::from(key[0])).cloned().unwrap_or_default();
            let changes: Vec<_> = touched.iter()
                .map(|key| Change { before: of(&before, key), after: of(&after, key) })
                .collect();
            let by_tenant = if kept.wants("t") { BTreeMap::from([("t".to_owned(), changes)]) } else { BTreeMap::new() };
            kept.advance(reached, &touched, &by_tenant);
            if i == (begun / batch) + 2
                && let Some((from, mut report)) = building.take()
            {
                for key in kept.touched_since(from) {
                    report.remove(&of(&until(from), &key));
                    report.add(&of(&after, &key));
                }
                kept.keep("t", params.clone(), report);
                kept.end(from);
            }
        }
        if let Some((found, _)) = kept.page("t", &params, span, Look::at(0, NOW), Window::ALL) {
            let mut report = Report::new(params.clone());
            histories(&log, Cut::NONE).values().for_each(|history| report.add(history));
            prop_assert_eq!(found, report.rows(span, Look::at(kept.position(), NOW)));
        }
    }

    #[test]
    fn sums_over_halves_are_the_sums_over_all(log in log(), kind in proptest::sample::select(Kind::ALL)) {
        let all = histories(&log, Cut::NONE);
        let (params, span) = read(kind, &query(Period::Day, None), NOW);
        let look = Look::at(1, NOW);
        let mut halves = [Report::new(params.clone()), Report::new(params.clone())];
        for (ticket, history) in &all {
            halves[ticket % 2].add(history);
        }
        let [mut one, other] = halves;
        one.merge(other);
        prop_assert_eq!(one.rows(span, look), fresh(kind, &query(Period::Day, None), &all));
    }

    #[test]
    fn a_look_back_sees_what_had_happened_and_was_known(log in log(), position in 0u64..60, hours in 0i64..1500, kind in proptest::sample::select(Kind::ALL)) {
        let cut = Cut { position, before: START + hours * HOUR };
        let seen: Vec<_> = log.iter().filter(|(_, m)| m.position <= cut.position && m.at < cut.before).cloned().collect();
        let query = query(Period::Week, None);
        let mut back = histories(&log, cut);
        back.retain(|_, history| *history != History::default());
        prop_assert_eq!(fresh(kind, &query, &back), fresh(kind, &query, &histories(&seen, Cut::NONE)));
    }

    #[test]
    fn a_window_is_cut_out_of_all_rows(log in log(), skip in 0u64..300, rows in 0usize..40, kind in proptest::sample::select(Kind::ALL), parted: bool) {
        let query = query(Period::Week, parted.then_some(GroupBy::Priority));
        let all = texts(fresh(kind, &query, &histories(&log, Cut::NONE)));
        let (params, span) = read(kind, &query, NOW);
        let mut report = Report::new(params);
        histories(&log, Cut::NONE).values().for_each(|history| report.add(history));
        let look = Look::at(1, NOW);
        let (page, more) = report.page(span, look, Window { skip, rows, bytes: usize::MAX });
        let from = all.len().min(skip as usize);
        let to = all.len().min(from + rows);
        prop_assert_eq!(texts(page), &all[from..to]);
        prop_assert_eq!(more, to < all.len());
        // However small the bytes, a page leads on.
        let (page, more) = report.page(span, look, Window { skip, rows: usize::MAX, bytes: 1 });
        prop_assert_eq!(texts(page), &all[from..all.len().min(from + 1)]);
        prop_assert_eq!(more, from + 1 < all.len());
    }

    #[test]
    fn sums_of_one_span_have_the_same_rows_and_hold_no_more(log in log(), week in 2u32..16, weeks in 1u32..4, kind in proptest::sample::select(Kind::ALL), parted: bool) {
        let day = |week: u32| chrono::NaiveDate::from_isoywd_opt(2026, week, chrono::Weekday::Mon).unwrap().to_string();
        let asked = ReportQuery { from: Some(day(week)), to: Some(day(week + weeks)), ..query(Period::Week, parted.then_some(GroupBy::Group)) };
        let (params, span) = read(kind, &asked, NOW);
        let (mut whole, mut narrow) = (Report::new(params.clone()), Report::within(params.clone(), span));
        let mut half = Report::within(params, span);
        for (ticket, history) in &histories(&log, Cut::NONE) {
            whole.add(history);
            if ticket % 2 == 0 { &mut narrow } else { &mut half }.add(history);
        }
        narrow.merge(half);
        let look = Look::at(1, NOW);
        // Of a part that is there in other spans alone, one has nothing to show and the other has not heard.
        let (rows, mut all) = (texts(narrow.rows(span, look)), texts(whole.rows(span, look)));
        all.retain(|row| rows.contains(row) || !is_of_a_part_without_figures(row, parted));
        prop_assert_eq!(rows, all);
        let most = whole.bytes_at_most();
        let (whole, narrow) = (whole.weigh(), narrow.weigh());
        prop_assert!(whole <= most, "what is said without counting is no less than what is counted");
        // Two periods, before and behind, may be more than there are.
        prop_assert!(narrow <= whole + 4_096, "{} {}", narrow, whole);
    }

    #[test]
    fn what_is_kept_stays_within_its_bytes(log in log(), most in 0usize..20_000) {
        let mut kept = Kept::bounded(0, most);
        for kind in Kind::ALL.iter().copied() {
            let (params, _) = read(kind, &query(Period::Day, Some(GroupBy::Agent)), NOW);
            let mut report = Report::new(params.clone());
            histories(&log, Cut::NONE).values().for_each(|history| report.add(history));
            kept.begin(0);
            kept.keep("t", params, report);
            kept.end(0);
            prop_assert!(kept.bytes() <= most, "{} of {}", kept.bytes(), most);
        }
        // And what grows by itself gives up what was not asked for the longest.
        let all = histories(&log, Cut::NONE);
        let changes: Vec<_> = all.values().map(|after| Change { before: History::default(), after: after.clone() }).collect();
        kept.advance(1, &BTreeSet::<Vec<u8>>::new(), &BTreeMap::from([("t".to_owned(), changes)]));
        prop_assert!(kept.bytes() <= most, "{} of {}", kept.bytes(), most);
    }
}

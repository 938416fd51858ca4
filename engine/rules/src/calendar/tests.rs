//! Business time against a reference that looks at every minute, and what a calendar refuses.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, TimeZone as _, Timelike as _, Utc};
use chrono_tz::Tz;
use guichet_schemas::time::Timestamp;
use proptest::prelude::*;

use super::{Calendar, Definition};

const MINUTE_MS: i64 = 60_000;

fn definition(
    tz: &str,
    weekly: &[(&str, &[(&str, &str)])],
    holidays: &[&str],
    special: &[(&str, &[(&str, &str)])],
) -> Definition {
    let windows = |days: &[(&str, &[(&str, &str)])]| -> BTreeMap<String, Vec<(String, String)>> {
        let owned = |(from, to): &(&str, &str)| ((*from).to_owned(), (*to).to_owned());
        days.iter().map(|(day, w)| ((*day).to_owned(), w.iter().map(owned).collect())).collect()
    };
    Definition {
        effective_from: None,
        tz: tz.to_owned(),
        weekly: windows(weekly),
        holidays: holidays.iter().map(|&d| d.to_owned()).collect(),
        special: windows(special),
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// Slow, and written from the rule alone: is the wall clock of this instant inside a window?
fn is_open(definition: &Definition, instant: Timestamp) -> bool {
    let zone: Tz = definition.tz.parse().unwrap();
    let local = DateTime::<Utc>::from_timestamp_millis(instant.0).unwrap().with_timezone(&zone);
    let (today, second) = (local.date_naive(), local.num_seconds_from_midnight());
    let inside = |day: NaiveDate, second: u32| {
        let named = day.to_string();
        let weekday =
            ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][day.weekday().num_days_from_monday() as usize];
        let windows = match definition.special.get(&named) {
            Some(special) => Some(special),
            None if definition.holidays.contains(&named) => None,
            None => definition.weekly.get(weekday),
        };
        let seconds = |time: &str| {
            let (hours, minutes) = time.split_once(':').unwrap();
            hours.parse::<u32>().unwrap() * 3600 + minutes.parse::<u32>().unwrap() * 60
        };
        windows.into_iter().flatten().any(|(from, to)| (seconds(from)..seconds(to)).contains(&second))
    };
    inside(today, second) || inside(today.checked_sub_days(Days::new(1)).unwrap(), second + 86_400)
}

/// Zones with whole hours, half hours, a change at midnight, a change of half an hour, and a skipped day.
const ZONES: [&str; 7] = [
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Asuncion",
    "Africa/Cairo",
    "Pacific/Apia",
];

fn any_definition() -> impl Strategy<Value = Definition> {
    let window = (0_u32..96, 1_u32..96).prop_map(|(opens, length)| {
        let time = |quarters: u32| format!("{:02}:{:02}", quarters / 4, quarters % 4 * 15);
        (time(opens), time((opens + length).min(191)))
    });
    let day = prop_oneof![Just(Vec::new()), window.prop_map(|w| vec![w])];
    let week = proptest::collection::vec(day.clone(), 7);
    let dates = proptest::collection::vec(0_i64..40, 0..4);
    (proptest::sample::select(ZONES.to_vec()), week, dates.clone(), dates, day).prop_map(
        |(tz, week, holidays, special, windows)| {
            let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
            let date = |n: i64| {
                let first = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
                first.checked_add_signed(chrono::Duration::days(n)).unwrap().to_string()
            };
            Definition {
                effective_from: None,
                tz: tz.to_owned(),
                weekly: names.iter().map(|&n| n.to_owned()).zip(week).collect(),
                holidays: holidays.into_iter().map(date).collect(),
                special: special.into_iter().map(|n| (date(n), windows.clone())).collect(),
            }
        },
    )
}

/// A minute in March or the first days of April 2026, when the clocks change.
fn any_minute() -> impl Strategy<Value = Timestamp> {
    let first = at("2026-03-02T00:00:00Z").0;
    (0_i64..36 * 1440).prop_map(move |minute| Timestamp(first + minute * MINUTE_MS))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn open_time_is_what_counting_minute_by_minute_finds(
        definition in any_definition(), from in any_minute(), minutes in 0_i64..5_000,
    ) {
        let calendar = Calendar::new(definition.hours().unwrap());
        let counted = (0..minutes)
            .filter(|n| is_open(&definition, Timestamp(from.0 + n * MINUTE_MS)))
            .count();
        let to = Timestamp(from.0 + minutes * MINUTE_MS);
        prop_assert_eq!(calendar.elapsed(from, to), i64::try_from(counted).unwrap() * MINUTE_MS);
    }

    #[test]
    fn what_is_added_has_elapsed_and_no_instant_before_has_it(
        definition in any_definition(), from in any_minute(), open_ms in 1_i64..400_000_000,
    ) {
        let calendar = Calendar::new(definition.hours().unwrap());
        match calendar.add(from, open_ms) {
            Some(due) => {
                prop_assert_eq!(calendar.elapsed(from, due), open_ms);
                prop_assert_eq!(calendar.elapsed(from, Timestamp(due.0 - 1)), open_ms - 1);
            }
            // Nothing open but, at most, some special days.
            None => prop_assert!(definition.weekly.values().all(Vec::is_empty)),
        }
    }

    #[test]
    fn open_time_adds_up(definition in any_definition(), mut three in [any_minute(), any_minute(), any_minute()]) {
        let calendar = Calendar::new(definition.hours().unwrap());
        three.sort();
        let [a, b, c] = three;
        prop_assert_eq!(calendar.elapsed(a, b) + calendar.elapsed(b, c), calendar.elapsed(a, c));
    }

    #[test]
    fn a_holiday_less_makes_nothing_later(
        definition in any_definition(), from in any_minute(), open_ms in 1_i64..100_000_000,
    ) {
        let with = Calendar::new(definition.hours().unwrap()).add(from, open_ms);
        let mut fewer = definition;
        prop_assume!(fewer.holidays.pop().is_some());
        let without = Calendar::new(fewer.hours().unwrap()).add(from, open_ms);
        prop_assert!(with.is_none() || without <= with);
    }
}

#[test]
fn a_gap_has_no_time_and_a_repeated_hour_counts_twice() {
    let night = definition("Europe/Paris", &[("sat", &[("22:00", "30:00")])], &[], &[]);
    let calendar = Calendar::new(night.hours().unwrap());
    let open = |from: &str, to: &str| calendar.elapsed(at(from), at(to)) / 3_600_000;
    assert_eq!(open("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"), 7);
    assert_eq!(open("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"), 9);
    assert_eq!(open("2026-05-02T12:00:00Z", "2026-05-03T12:00:00Z"), 8);
}

#[test]
fn each_version_holds_for_its_own_time() {
    let short =
        definition("Etc/UTC", &[("mon", &[("08:00", "10:00")]), ("tue", &[("08:00", "10:00")])], &[], &[]);
    let long =
        definition("Etc/UTC", &[("mon", &[("08:00", "18:00")]), ("tue", &[("08:00", "18:00")])], &[], &[]);
    let mut calendar = Calendar::new(short.hours().unwrap());
    let monday = at("2026-03-02T00:00:00Z");
    assert_eq!(calendar.add(monday, 3 * 3_600_000), Some(at("2026-03-03T09:00:00Z")));
    calendar.publish(at("2026-03-02T09:00:00Z"), long.hours().unwrap());
    assert_eq!(calendar.add(monday, 3 * 3_600_000), Some(at("2026-03-02T11:00:00Z")));
    assert_eq!(calendar.elapsed(monday, at("2026-03-03T00:00:00Z")), 10 * 3_600_000);
}

#[test]
fn a_calendar_that_is_never_open_reaches_nothing() {
    let never = Calendar::new(definition("Etc/UTC", &[], &[], &[]).hours().unwrap());
    assert_eq!(never.add(at("2026-03-02T00:00:00Z"), 1), None);
    let once = definition("Etc/UTC", &[], &["2026-07-14"], &[("2026-07-14", &[("10:00", "12:00")])]);
    let once = Calendar::new(once.hours().unwrap());
    assert_eq!(once.add(at("2026-03-02T00:00:00Z"), 7_200_000), Some(at("2026-07-14T12:00:00Z")));
    assert_eq!(once.add(at("2026-03-02T00:00:00Z"), 7_200_001), None);
}

#[test]
fn a_fault_is_named_with_its_place() {
    let cases: [(Definition, &str); 6] = [
        (definition("Europe/Lutetia", &[], &[], &[]), "tz: "),
        (definition("Etc/UTC", &[("lundi", &[])], &[], &[]), "weekly.lundi: "),
        (definition("Etc/UTC", &[("mon", &[("9:00", "12:00")])], &[], &[]), "weekly.mon[0]: "),
        (
            definition("Etc/UTC", &[("mon", &[("09:00", "12:00"), ("11:00", "13:00")])], &[], &[]),
            "weekly.mon: ",
        ),
        (definition("Etc/UTC", &[("mon", &[("12:00", "09:00")])], &[], &[]), "weekly.mon[0]: "),
        (definition("Etc/UTC", &[], &["2026-02-30"], &[]), "holidays[0]: "),
    ];
    for (definition, place) in cases {
        let fault = definition.hours().unwrap_err().to_string();
        assert!(fault.starts_with(place), "{fault}");
    }
    // The reference itself agrees about a plain morning.
    let office = definition("Europe/Paris", &[("mon", &[("09:00", "12:30")])], &[], &[]);
    let zone: Tz = office.tz.parse().unwrap();
    let morning = zone.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap();
    assert!(is_open(&office, Timestamp(morning.timestamp_millis())));
}

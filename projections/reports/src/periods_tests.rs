//! Periods at the edges of zones.

use proptest::prelude::*;

use super::*;

fn cutting(zone: &str, period: Period) -> Cutting {
    Cutting { zone: zone.parse().unwrap(), period }
}

fn ms(text: &str) -> i64 {
    Timestamp::parse(text).unwrap().0
}

#[test]
fn weeks_begin_on_monday_in_the_zone() {
    let weeks = cutting("Europe/Paris", Period::Week);
    let span = weeks.span(Some("2026-03-09"), Some("2026-03-16"), 0).unwrap();
    assert_eq!(span, Span { from: ms("2026-03-08T23:00:00Z"), to: ms("2026-03-15T23:00:00Z") });
    assert_eq!(weeks.name(weeks.start_at(span.from)), "2026-W11");
    assert_eq!(weeks.name(weeks.start_at(span.from - 1)), "2026-W10");
    // The week of the clock change has 167 hours.
    let change =
        Periods::new(weeks, None).within(weeks.span(Some("2026-03-23"), Some("2026-03-30"), 0).unwrap(), 0);
    assert_eq!(change.map(|(_, s)| (s.to - s.from) / 3_600_000).collect::<Vec<_>>(), [167]);
}

#[test]
fn a_day_without_midnight_begins_after_the_gap() {
    let days = cutting("America/Sao_Paulo", Period::Day);
    let day = NaiveDate::from_ymd_opt(2016, 10, 16).unwrap();
    assert_eq!(days.instant(day), ms("2016-10-16T03:00:00Z"), "01:00 is the first time of that day");
    assert_eq!(days.start_at(ms("2016-10-16T02:59:59Z")), day.pred_opt().unwrap());
}

#[test]
fn a_span_is_widened_to_whole_periods_and_refused_backwards() {
    let weeks = cutting("UTC", Period::Week);
    let span = weeks.span(Some("2026-03-11"), Some("2026-03-11T10:00:00Z"), 0).unwrap();
    assert_eq!(span, Span { from: ms("2026-03-09T00:00:00Z"), to: ms("2026-03-16T00:00:00Z") });
    assert_eq!(weeks.span(Some("2026-03-11"), Some("2026-03-10"), 0), Err(SpanError::Backwards));
    assert_eq!(weeks.span(Some("2026-3-9"), None, 0), Err(SpanError::Unreadable("from")));
    assert_eq!(weeks.span(None, Some("later"), 0).unwrap_err().field(), "to");
    let thirteen = weeks.span(None, None, ms("2026-03-11T10:00:00Z")).unwrap();
    assert_eq!((thirteen.to - thirteen.from) / (7 * 86_400_000), 13);
}

proptest! {
    #[test]
    fn every_instant_lies_in_its_period_and_periods_touch(
        at in -2_000_000_000_000i64..4_000_000_000_000,
        zone in proptest::sample::select(vec!["UTC", "Europe/Stockholm", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "America/Havana"]),
        period in proptest::sample::select(vec![Period::Day, Period::Week, Period::Month]),
    ) {
        let cutting = cutting(zone, period);
        let start = cutting.start_at(at);
        prop_assert!(cutting.instant(start) <= at);
        prop_assert!(at < cutting.instant(cutting.next(start)));
        let mut periods = Periods::new(cutting, None);
        prop_assert_eq!(periods.of(at), start);
        prop_assert_eq!(periods.of(cutting.instant(start)), start);
        prop_assert_ne!(periods.of(cutting.instant(start) - 1), start);
    }
}

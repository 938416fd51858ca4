//! Instants as text: what is read, what is refused, and that both ways agree.

use guichet_schemas::time::Timestamp;
use proptest::prelude::*;

#[test]
fn rfc_3339_is_read_with_any_offset_and_up_to_three_decimals() {
    for (text, ms) in [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("1970-01-01T00:00:00.1Z", 100),
        ("1970-01-01T00:00:00.12Z", 120),
        ("1970-01-01T01:00:00.123+01:00", 123),
        ("1969-12-31T18:30:00-05:30", 0),
        ("1970-01-01T00:00:00-00:00", 0),
        ("2024-02-29T12:00:00Z", 1_709_208_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("0000-01-01T00:00:00.000Z", Timestamp::FIRST.0),
        ("9999-12-31T23:59:59.999Z", Timestamp::LAST.0),
    ] {
        assert_eq!(Timestamp::parse(text), Some(Timestamp(ms)), "{text}");
    }
}

#[test]
fn everything_else_is_refused() {
    for text in [
        "",
        " ",
        "0",
        "1772442000000",
        "2026-03-10",
        "2026-03-10T10:00Z",
        "2026-03-10T10:00:00",
        "2026-03-10 10:00:00Z",
        "2026-03-10t10:00:00Z",
        "2026-03-10T10:00:00z",
        "2026-03-10T10:00:00.Z",
        "2026-03-10T10:00:00.1234Z",
        "2026-03-10T10:00:00.0000Z",
        "2026-03-10T10:00:00,5Z",
        "2026-02-29T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "2026-00-01T10:00:00Z",
        "2026-03-10T24:00:00Z",
        "2026-03-10T10:60:00Z",
        "2026-03-10T10:00:61Z",
        "+02026-03-10T10:00:00Z",
        "10000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
        "2026-03-10T10:00:00+24:00",
        "2026-03-10T10:00:00+0100",
        "2026-03-10T10:00:00+01",
        "2026-03-10T10:00:00ZZ",
        "2026-03-10T10:00:00Z ",
        " 2026-03-10T10:00:00Z",
        "2026-03-10T10:00:00.000Z\0",
        "２０２６-03-10T10:00:00Z",
        "2026-03-10T10:00:0é",
    ] {
        assert_eq!(Timestamp::parse(text), None, "{text:?}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(ms in Timestamp::FIRST.0..=Timestamp::LAST.0) {
        let text = Timestamp(ms).to_string();
        prop_assert_eq!(text.len(), "2026-03-10T10:00:00.000Z".len());
        prop_assert_eq!(Timestamp::parse(&text), Some(Timestamp(ms)));
    }

    #[test]
    fn later_times_sort_after_earlier_ones_as_text_too(a in Timestamp::FIRST.0..=Timestamp::LAST.0, b in Timestamp::FIRST.0..=Timestamp::LAST.0) {
        prop_assert_eq!(a.cmp(&b), Timestamp(a).to_string().cmp(&Timestamp(b).to_string()));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[0-9TZ:.+é -]{0,30}") {
        prop_assert!(Timestamp::parse(&text).is_none_or(|t| t >= Timestamp::FIRST && t <= Timestamp::LAST));
    }
}

//! Filters as desks write them, and texts that are none.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

struct Told {
    event: &'static str,
    group: &'static str,
    tier: i64,
    merged: bool,
}

impl Facts for Told {
    fn fact(&self, field: Field) -> Fact<'_> {
        match field.kind() {
            field::Kind::Text if field == Field::Event => Fact::Text(self.event),
            field::Kind::Text if field == Field::Group => Fact::Text(self.group),
            field::Kind::Text => Fact::Text(""),
            field::Kind::Count => Fact::Count(self.tier),
            field::Kind::Flag => Fact::Flag(self.merged),
        }
    }
}

const TOLD: Told = Told { event: "TicketEscalated", group: "network", tier: 2, merged: false };

#[test]
fn a_filter_holds_as_it_is_written() {
    for (filter, holds) in [
        ("true", true),
        ("event == 'TicketEscalated'", true),
        ("'TicketEscalated' == event && tier >= 2", true),
        ("event != 'TicketEscalated'", false),
        ("event in ['TicketResolved', 'TicketEscalated'] && !merged", true),
        ("event == 'TicketResolved' || group == 'network'", true),
        ("event == 'TicketResolved' && group == 'network'", false),
        ("group.startsWith('net') && group.endsWith('work') && group.contains('two')", true),
        ("tier in [1, 3]", false),
        ("since_resolved_s == -1", false),
        ("-1 < tier && tier < 3", true),
        ("(merged ? tier : 7) == 7", true),
        ("group < 'zebra'", true),
        ("merged == false", true),
    ] {
        assert_eq!(Filter::parse(filter).unwrap().holds(&TOLD), holds, "{filter}");
    }
}

#[test]
fn what_could_fail_or_grow_is_refused_with_the_rule() {
    let deep = format!("{}true{}", "(".repeat(40), ")".repeat(40));
    let wide = vec!["tier == 1"; 40].join(" || ");
    let long = format!("group == '{}'", "x".repeat(1_000));
    let prefixes = format!("{}merged", "!".repeat(200));
    for (filter, rule) in [
        ("", "is empty"),
        ("event ==", "is no expression in CEL: "),
        ("evnt == 'TicketResolved'", "there is no field \"evnt\"; there are event, status"),
        ("event == 'Resolved'", "there is no event \"Resolved\"; there are TicketCreated"),
        ("status in ['open', 'done']", "there is no status \"done\"; there are new, open"),
        ("tier", "must be yes or no"),
        ("tier == 'one'", "== has a number on one side and a text on the other"),
        ("merged > true", "> compares numbers or texts"),
        ("tier + 1 == 2", "+ is not taken here"),
        ("tier / 0 == 2", "/ is not taken here"),
        ("[1, 2].exists(x, x == tier)", "has no loops"),
        ("tier in tier", "in is followed by a list"),
        ("tier in [tier]", "a list holds values only"),
        ("has(event.type)", "has no fields of fields"),
        ("group.matches('(a+)+$')", "matches is not taken here"),
        ("size(group) > 3", "size is not taken here"),
        ("{'a': 1}['a'] == 1", "[_] is not taken here"),
        ("group == b'x'", "has texts, whole numbers"),
        ("tier == 1.5", "has texts, whole numbers"),
        ("!group", "! is for yes or no, not for a text"),
        ("tier == 99999999999999999999", "is no expression in CEL"),
        (&deep, "has more than 16 brackets"),
        (&prefixes, "has more than 16 brackets"),
        (&wide, "costs too much: operations, fields and values are at most 64"),
        (&long, "is longer than 1000 bytes"),
    ] {
        let found = Filter::parse(filter).expect_err(filter);
        assert!(found.starts_with(rule), "{filter}: {found}");
    }
}

#[test]
fn a_filter_that_names_its_events_is_evaluated_for_no_other() {
    let events = |filter: &str| {
        let found = Filter::parse(filter).unwrap().events;
        found.map(|events| events.iter().map(String::as_str).collect::<Vec<_>>().join(","))
    };
    assert_eq!(events("event == 'TicketResolved' && resolutions == 1").as_deref(), Some("TicketResolved"));
    assert_eq!(
        events("event in ['TicketClosed', 'TicketCreated']").as_deref(),
        Some("TicketClosed,TicketCreated")
    );
    assert_eq!(
        events("event == 'TicketClosed' || event == 'TicketCreated'").as_deref(),
        Some("TicketClosed,TicketCreated")
    );
    assert_eq!(events("event == 'TicketClosed' || tier == 1"), None);
    assert_eq!(events("event != 'TicketClosed'"), None);
    assert_eq!(events("!(event == 'TicketClosed')"), None);
}

/// Pieces of filters, right and wrong.
const PIECES: &[&str] = &[
    "event",
    "tier",
    "merged",
    "nothing",
    "'x'",
    "\"",
    "'",
    "1",
    "-",
    "!",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "&&",
    "||",
    "==",
    "in",
    "?",
    ":",
    ".",
    "startsWith",
    "has",
    "\\u0000",
    "é",
    "\u{1F600}",
    "0x",
    "9e9",
    "b'",
    "r'",
    "`",
    "\n",
    " ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_hangs_or_ends_the_reader(pieces in proptest::collection::vec(0..PIECES.len(), 0..60)) {
        let text: String = pieces.into_iter().map(|n| PIECES[n]).collect();
        let began = Instant::now();
        if let Ok(filter) = Filter::parse(&text) {
            prop_assert_eq!(filter.holds(&TOLD), filter.holds(&TOLD));
        }
        prop_assert!(began.elapsed() < Duration::from_secs(5), "{text}");
    }
}

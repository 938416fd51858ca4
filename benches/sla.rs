//! How fast is business time? Additions and differences on one core, in a calendar with a lunch break and a year of
//! holidays, against the same work on the wall clock's time. And what a publication costs for each ticket that it
//! dates anew: three clocks in that calendar, two warnings.

use guichet_bench_support::table;

use std::hint::black_box;
use std::time::Instant;

use guichet_config::{Apply, Attributes, PolicySet};
use guichet_rules::calendar::{Calendar, Definition, Hours};
use guichet_schemas::time::Timestamp;
use guichet_sla::{Happening, Recorded, Rulebook, Ticket};
use serde_json::json;

use crate::table::{Length, Row, print};

const DAY_MS: i64 = 86_400_000;
/// 2026-01-01T00:00:00Z.
const YEAR: i64 = 1_767_225_600_000;

fn main() {
    let rounds = Length::asked().pick(5_000_000_i64, 50_000_000);
    let calendar = Calendar::new(office());
    // Spread over the year, a prime apart; targets from a minute to two weeks.
    let start = |n: i64| Timestamp(YEAR + (n * 7_919_017) % (365 * DAY_MS));
    let target = |n: i64| 60_000 + (n * 104_729) % (40 * 3_600_000);
    let per_second = |work: &mut dyn FnMut(i64) -> i64| {
        let (begun, mut sum) = (Instant::now(), 0_i64);
        for n in 0..rounds {
            sum = sum.wrapping_add(work(n));
        }
        black_box(sum);
        rounds as f64 / begun.elapsed().as_secs_f64()
    };
    let plain = per_second(&mut |n| start(n).0 + black_box(target(n)));
    let added = per_second(&mut |n| calendar.add(start(n), target(n)).map_or(0, |due| due.0));
    let between = per_second(&mut |n| calendar.elapsed(start(n), Timestamp(start(n).0 + target(n))));
    let row = |what: &str, figure, target| Row {
        what: what.to_owned(),
        figure,
        unit: "/s",
        against: Some(plain),
        ratio: Some(figure / plain),
        target,
    };
    print(
        "sla: business time on one core, against additions of all time",
        &[
            row("due instants (start + open time)", added, "≥ 1,000,000 /s"),
            row("open time between two instants", between, ""),
            Row { against: None, ratio: None, ..row("tickets dated anew", dated_anew(rounds / 50), "") },
        ],
    );
}

/// Tickets a second for which it is found out when they are due and when they raise an alarm, after the targets have
/// changed.
fn dated_anew(rounds: i64) -> f64 {
    let at = |n: i64| Timestamp(YEAR + n);
    let policies = |seconds: u32| -> PolicySet {
        let target = |metric: &str, seconds: u32, warn_pct: &[u32]| {
            json!({
                "metric": metric, "seconds": seconds, "hours": "business", "calendar": "office", "warn_pct": warn_pct,
            })
        };
        let targets = [
            target("resolution", seconds, &[50, 90]),
            target("requester_wait", seconds / 2, &[]),
            target("agent_work", seconds / 3, &[]),
        ];
        serde_json::from_value(json!([{"id": "all", "targets": targets}])).expect("policies")
    };
    let attributes =
        json!({"channel": ["email"], "priority": ["normal"], "group": ["desk"], "tags": ["a", "b"]});
    let attributes: Attributes = serde_json::from_value(attributes).expect("attributes");
    let mut book = Rulebook::of_desk();
    book.publish_calendar(at(0), at(0), "office", office());
    book.publish_policies(at(0), at(0), Apply::OpenClocks, policies(720_000));
    let mut ticket = Ticket::new(attributes, 1, &book);
    let created = Happening::Created { outbound: false, assigned: true };
    ticket.apply(at(1_000), &created, &book, &mut Vec::new());
    book.publish_policies(at(2_000), at(2_000), Apply::OpenClocks, policies(540_000));
    let (begun, mut sum, recorded) = (Instant::now(), 0_i64, Recorded::default());
    for _ in 0..rounds {
        let mut ticket = ticket.clone();
        ticket.advance(at(2_000), &book, &mut Vec::new());
        let alarm = ticket.next_alarm(&book, &recorded).map_or(0, |at| at.0);
        let due = ticket.next_due(&book, at(2_000)).map_or(0, |at| at.0);
        sum = sum.wrapping_add(alarm).wrapping_add(due);
    }
    black_box(sum);
    rounds as f64 / begun.elapsed().as_secs_f64()
}

fn office() -> Hours {
    let day = json!([["09:00", "12:30"], ["14:00", "18:00"]]);
    let holidays: Vec<String> = (1..=12).map(|month| format!("2026-{month:02}-15")).collect();
    let definition = json!({
        "tz": "Europe/Paris", "holidays": holidays,
        "weekly": {"mon": day, "tue": day, "wed": day, "thu": day, "fri": day},
    });
    let definition: Definition = serde_json::from_value(definition).expect("a calendar");
    definition.hours().expect("hours")
}

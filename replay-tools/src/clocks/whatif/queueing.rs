//! How long past work would have waited at a drafted capacity: each hour a group takes up as many tickets as it can,
//! the oldest first.

use std::collections::{BTreeMap, VecDeque};

use chrono::NaiveDate;
use guichet_rules::calendar::Calendar;
use guichet_schemas::time::Timestamp;
use serde::Serialize;

use super::arrivals::Work;
use super::draft::{Capacity, Staffing};
use super::weeks::Weeks;

const HOUR_MS: i64 = 3_600_000;
/// Thousandths of a ticket, in each of which there are so many milliseconds of an hour.
const TICKET: i64 = 1_000 * HOUR_MS;

/// What this takes for granted, and what it cannot know.
pub(super) const ASSUMED: [&str; 5] = [
    "every queue is empty at the beginning of the span",
    "creations and reopenings are work, all alike; what was merged, cancelled or spam is work too",
    "the oldest is taken up first, whatever its priority; an hour that nobody has work for is lost",
    "waits are told to the hour: what comes in an hour that has room is taken up at once",
    "how long work takes, who could have done it, and whether it would have been reopened as often, is not known",
];

#[derive(Debug, Serialize)]
pub(super) struct Staffed {
    /// By group and week in which the work came.
    rows: Vec<Row>,
    /// Work of groups of which the draft says nothing; it is in no row.
    left_out: BTreeMap<String, u64>,
    assumed: [&'static str; 5],
}

#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub(super) struct Row {
    group: String,
    period: String,
    /// Creations and reopenings.
    arrived: u64,
    /// Of these, reopenings.
    reopened: u64,
    /// Tickets that the group could have taken up in the week.
    capacity: u64,
    /// Of what came in the week, what was taken up by the end of the span.
    taken: u64,
    /// What waited at the end of the week, or of the span.
    waiting_at_end: u64,
    /// Seconds that what was taken up had waited; absent: nothing was.
    wait_p50_s: Option<i64>,
    wait_p90_s: Option<i64>,
    wait_max_s: Option<i64>,
}

#[derive(Debug, Default)]
struct Week {
    arrived: u64,
    reopened: u64,
    capacity: i64,
    waits: Vec<i64>,
    waiting_at_end: u64,
}

impl Staffed {
    pub(super) fn of(
        work: &[Work<'_>],
        staffing: &Staffing,
        calendars: &BTreeMap<String, Calendar>,
        to: Timestamp,
        weeks: Weeks,
    ) -> Self {
        let mut groups: BTreeMap<&str, Vec<&Capacity>> = BTreeMap::new();
        for capacity in &staffing.capacity {
            groups.entry(&capacity.group).or_default().push(capacity);
        }
        let mut left_out: BTreeMap<String, u64> = BTreeMap::new();
        for work in work {
            let group = work.group.unwrap_or("-");
            if !groups.contains_key(group) {
                *left_out.entry(group.to_owned()).or_default() += 1;
            }
        }
        let rows = groups.into_iter().flat_map(|(group, capacity)| {
            let own = work.iter().filter(|work| work.group == Some(group)).copied();
            let weeks_of = Queue { capacity, calendars, weeks, to }.run(own.collect());
            weeks_of.into_iter().map(move |(monday, week)| week.row(group, weeks.name(monday)))
        });
        Self { rows: rows.collect(), left_out, assumed: ASSUMED }
    }

    /// What stands above [`Staffed::cells`].
    pub(super) const HEADER: [&str; 10] =
        ["GROUP", "WEEK", "CAME", "AGAIN", "CAPACITY", "TAKEN", "WAITING", "WAIT P50 S", "P90", "MAX"];

    pub(super) fn cells(&self) -> Vec<Vec<String>> {
        let or_dash = |wait: Option<i64>| wait.map_or_else(|| "-".to_owned(), |wait| wait.to_string());
        let cells = |row: &Row| {
            vec![
                row.group.clone(),
                row.period.clone(),
                row.arrived.to_string(),
                row.reopened.to_string(),
                row.capacity.to_string(),
                row.taken.to_string(),
                row.waiting_at_end.to_string(),
                or_dash(row.wait_p50_s),
                or_dash(row.wait_p90_s),
                or_dash(row.wait_max_s),
            ]
        };
        self.rows.iter().map(cells).collect()
    }

    pub(super) fn sentence(&self) -> Option<String> {
        let left_out: u64 = self.left_out.values().sum();
        let groups: Vec<_> = self.left_out.keys().map(String::as_str).collect();
        (left_out > 0).then(|| {
            format!(
                "{left_out} tickets are in no row, for the draft has no capacity for: {}",
                groups.join(", ")
            )
        })
    }
}

struct Queue<'a> {
    capacity: Vec<&'a Capacity>,
    calendars: &'a BTreeMap<String, Calendar>,
    weeks: Weeks,
    to: Timestamp,
}

impl Queue<'_> {
    /// Hour by hour from the first arrival to the end of the span.
    fn run(&self, work: Vec<Work<'_>>) -> BTreeMap<NaiveDate, Week> {
        let mut weeks: BTreeMap<NaiveDate, Week> = BTreeMap::new();
        let Some(first) = work.first() else { return weeks };
        let mut coming = work.iter().peekable();
        let mut waiting: VecDeque<Timestamp> = VecDeque::new();
        let mut credit = 0;
        let mut hour = first.at.0.div_euclid(HOUR_MS) * HOUR_MS;
        while hour < self.to.0 {
            let end = (hour + HOUR_MS).min(self.to.0);
            let of_hour = self.weeks.of(Timestamp(hour));
            while let Some(work) = coming.next_if(|work| work.at.0 < end) {
                waiting.push_back(work.at);
                let week = weeks.entry(self.weeks.of(work.at)).or_default();
                week.arrived += 1;
                week.reopened += u64::from(work.again);
            }
            let more = self.capacity_of(Timestamp(hour), Timestamp(end));
            credit += more;
            while credit >= TICKET
                && let Some(came) = waiting.pop_front()
            {
                credit -= TICKET;
                let waited = hour.max(came.0) - came.0;
                weeks.entry(self.weeks.of(came)).or_default().waits.push(waited / 1_000);
            }
            if waiting.is_empty() {
                credit = 0;
            }
            let week = weeks.entry(of_hour).or_default();
            week.capacity += more;
            week.waiting_at_end = waiting.len() as u64;
            hour += HOUR_MS;
        }
        weeks
    }

    fn capacity_of(&self, from: Timestamp, to: Timestamp) -> i64 {
        let open = |one: &&Capacity| match &one.calendar {
            Some(name) => self.calendars.get(name).map_or(0, |calendar| calendar.elapsed(from, to)),
            None => to.0 - from.0,
        };
        self.capacity.iter().map(|one| (one.per_hour * 1_000.0).round() as i64 * open(one)).sum()
    }
}

impl Week {
    fn row(mut self, group: &str, period: String) -> Row {
        self.waits.sort_unstable();
        // Nearest rank: the least wait that so many percent do not exceed.
        let at = |percent: usize| {
            let rank = (self.waits.len() * percent).div_ceil(100);
            rank.checked_sub(1).and_then(|n| self.waits.get(n)).copied()
        };
        Row {
            group: group.to_owned(),
            period,
            arrived: self.arrived,
            reopened: self.reopened,
            capacity: (self.capacity / TICKET).unsigned_abs(),
            taken: self.waits.len() as u64,
            waiting_at_end: self.waiting_at_end,
            wait_p50_s: at(50),
            wait_p90_s: at(90),
            wait_max_s: at(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clocks::whatif::draft::parse;

    fn at(written: &str) -> Timestamp {
        Timestamp::parse(written).unwrap()
    }

    fn work(times: &[&str]) -> Vec<Work<'static>> {
        let of = |(n, time): (usize, &&str)| Work { at: at(time), group: Some("network"), again: n == 2 };
        times.iter().enumerate().map(of).collect()
    }

    fn calendars() -> BTreeMap<String, Calendar> {
        let definition: guichet_rules::calendar::Definition = serde_json::from_str(
            r#"{"tz":"UTC","weekly":{"mon":[["09:00","11:00"]],"tue":[["09:00","11:00"]]}}"#,
        )
        .unwrap();
        [("short".to_owned(), Calendar::new(definition.hours().unwrap()))].into()
    }

    fn run(draft: &str, times: &[&str], to: &str) -> Staffed {
        let staffing: Staffing = parse(draft).unwrap();
        let calendars = calendars();
        assert_eq!(staffing.fault(&calendars), None);
        Staffed::of(&work(times), &staffing, &calendars, at(to), Weeks(chrono_tz::UTC))
    }

    #[test]
    fn waits_are_those_worked_by_hand() {
        // Two an hour from nine to eleven, on Monday and Tuesday: four of the five are taken up on Monday, two at nine
        // and two at ten; the fifth waits until Tuesday at nine.
        let came = [
            "2026-03-09T08:00:00Z",
            "2026-03-09T08:30:00Z",
            "2026-03-09T09:30:00Z",
            "2026-03-09T10:15:00Z",
            "2026-03-09T10:20:00Z",
        ];
        let draft = "[[capacity]]\ngroup = 'network'\nper_hour = 2\ncalendar = 'short'";
        let found = run(draft, &came, "2026-03-11T00:00:00Z");
        let [row] = found.rows.as_slice() else { panic!("{found:?}") };
        assert_eq!((row.arrived, row.reopened, row.capacity, row.taken, row.waiting_at_end), (5, 1, 8, 5, 0));
        // 3600 and 1800 s until nine; 1800 s from half past nine until ten; none at a quarter past ten; a day less
        // 80 minutes.
        assert_eq!(
            (row.wait_p50_s, row.wait_p90_s, row.wait_max_s),
            (Some(1_800), Some(81_600), Some(81_600))
        );

        // A shift more in the same hours: nobody waits longer than until nine.
        let found = run(&format!("{draft}\n{draft}"), &came, "2026-03-11T00:00:00Z");
        assert_eq!((found.rows[0].wait_p50_s, found.rows[0].wait_max_s), (Some(0), Some(3_600)));
    }

    #[test]
    fn what_is_not_taken_up_waits_and_what_nobody_takes_is_named() {
        let came = ["2026-03-09T10:30:00Z", "2026-03-09T10:31:00Z", "2026-03-16T08:00:00Z"];
        let slow = "[[capacity]]\ngroup = 'network'\nper_hour = 0.5\ncalendar = 'short'";
        let found = run(slow, &came, "2026-03-16T09:30:00Z");
        let told = |row: &Row| (row.period.clone(), row.arrived, row.capacity, row.taken, row.waiting_at_end);
        // Monday's hour is half a ticket, and with the first of Tuesday the first one is taken up; half of the second is
        // left of Tuesday, and the half hour of the next Monday brings a quarter more.
        assert_eq!(told(&found.rows[0]), ("2026-W11".to_owned(), 2, 1, 1, 1));
        assert_eq!(told(&found.rows[1]), ("2026-W12".to_owned(), 1, 0, 0, 2));
        let other = "[[capacity]]\ngroup = 'other'\nper_hour = 1";
        let found = run(other, &came, "2026-03-16T09:30:00Z");
        assert!(found.rows.is_empty());
        assert_eq!(found.left_out, [("network".to_owned(), 3)].into());
        assert!(found.sentence().unwrap().contains("no capacity for: network"));
    }

    #[test]
    fn a_draft_that_means_nothing_is_refused_with_its_place() {
        for (draft, place) in [
            ("capacity = []", "capacity: there is none"),
            ("[[capacity]]\ngroup = ''\nper_hour = 1", "capacity[0].group: is empty"),
            ("[[capacity]]\ngroup = 'a'\nper_hour = 0", "capacity[0].per_hour: is 0.001"),
            ("[[capacity]]\ngroup = 'a'\nper_hour = nan", "capacity[0].per_hour: is 0.001"),
            (
                "[[capacity]]\ngroup = 'a'\nper_hour = 1\ncalendar = 'none'",
                "capacity[0].calendar: there is no calendar",
            ),
        ] {
            let staffing: Staffing = parse(draft).unwrap();
            let fault = staffing.fault(&calendars()).unwrap().to_string();
            assert!(fault.starts_with(place), "{fault}");
        }
        assert!(parse::<Staffing>("[[capacity]]\ngroup = 'a'\nper_hours = 1").is_err());
    }
}

//! Ageing (4.12): how old the unresolved tickets are at the instant of the answer, in three readings.

use std::collections::BTreeMap;

use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::wire::{AgeingReport, AgeingRow};
use guichet_schemas::words::GroupBy;

use super::{Define, Follow, Sums, Table, Taken, add, entry_bytes, same, told, walk};
use crate::durations::Durations;
use crate::history::History;
use crate::life::Life;
use crate::part::{self, Part};
use crate::periods::{Periods, Start};
use crate::report::Params;

const DAY_MS: u64 = 86_400_000;
/// Name, first day, and first day after; the lower edge belongs to the bucket.
const BUCKETS: [(&str, u64, Option<u64>); 6] = [
    ("0-1d", 0, Some(1)),
    ("1-3d", 1, Some(3)),
    ("3-7d", 3, Some(7)),
    ("7-14d", 7, Some(14)),
    ("14-30d", 14, Some(30)),
    (">=30d", 30, None),
];

/// Rows of a part.
const EACH: u64 = BUCKETS.len() as u64;

/// When the unresolved tickets of a part were created, answered, and moved last.
#[derive(Debug, Clone, Default)]
struct Since {
    created: Durations,
    answered: Durations,
    moved: Durations,
}

/// The sums of the report.
#[derive(Default)]
pub(crate) struct Ageing(BTreeMap<Part, Since>);

/// Only the end of the walk counts.
struct Nothing;

impl<'a> Follow<'a> for Nothing {
    fn moment(&mut self, _: Start, _: &Life<'a>, _: &'a Moment, _: &Life<'a>) {}
    fn end_of(&mut self, _: Start, _: &Life<'a>) {}
}

impl Define for Ageing {
    const HAS_SETS: bool = true;

    fn new(_: &Params) -> Self {
        Self::default()
    }
}

impl Sums for Ageing {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        let life = walk(history, periods, &mut Nothing);
        if !life.is_unresolved() {
            return;
        }
        let since = self.0.entry(part::of(group_by, &life.now)).or_default();
        since.created.add(life.created_at, sign);
        since.answered.add(life.last_reply_at.unwrap_or(life.created_at), sign);
        since.moved.add(life.state_since, sign);
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        for (part, more) in same::<Self>(other).0 {
            let mine = self.0.entry(part).or_default();
            mine.created.merge(more.created);
            mine.answered.merge(more.answered);
            mine.moved.merge(more.moved);
        }
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let nothing = Since::default();
        let parts: Vec<_> = match table.group_by {
            Some(_) => self
                .0
                .iter()
                .filter(|(_, since)| !since.created.is_empty())
                .map(|(part, since)| (part.as_deref(), since))
                .collect(),
            None => vec![(None, self.0.get(&None).unwrap_or(&nothing))],
        };
        let mut taken = Taken::new(table);
        let (skip, mut skip_rows) = (table.window.skip.div_euclid(EACH), table.window.skip.rem_euclid(EACH));
        'parts: for (part, since) in parts.into_iter().skip(usize::try_from(skip).unwrap_or(usize::MAX)) {
            if !taken.wants() {
                break;
            }
            let aged = |times: &Durations| buckets(times, table.look.now);
            let (created, answered, moved) =
                (aged(&since.created), aged(&since.answered), aged(&since.moved));
            for (i, (bucket, from_days, to_days)) in BUCKETS.into_iter().enumerate() {
                if skip_rows > 0 {
                    skip_rows = skip_rows.saturating_sub(1);
                    continue;
                }
                if !taken.wants() {
                    break 'parts;
                }
                let at = Labelled { part };
                let mut row = AgeingRow {
                    bucket: bucket.to_owned(),
                    from_days,
                    to_days,
                    as_of_position: table.look.position,
                    unresolved: told(created[i]),
                    since_last_public_reply: told(answered[i]),
                    since_state_entered: told(moved[i]),
                    ..AgeingRow::default()
                };
                super::set_part!(table, at, row);
                taken.push(row);
            }
        }
        Data::ReportAgeing(AgeingReport { rows: taken.into_rows() })
    }

    /// Its sums are of no period.
    fn narrow(&mut self, _: (Start, Start)) {}

    fn bytes(&self) -> usize {
        let sets = self.0.values().map(|since| {
            [&since.created, &since.answered, &since.moved].map(Durations::bytes).iter().sum::<usize>()
        });
        sets.fold(self.bytes_of_cells(), usize::saturating_add)
    }

    fn bytes_of_cells(&self) -> usize {
        // Names of parts are short beside the sets.
        self.0.len().saturating_mul(entry_bytes(size_of::<(Part, Since)>()).saturating_add(64))
    }
}

/// The part of a row that has no period.
struct Labelled<'a> {
    part: Option<&'a str>,
}

/// How many of the instants lie in each bucket. An instant in the future is no age yet: the first.
fn buckets(instants: &Durations, now: i64) -> [i64; BUCKETS.len()] {
    let mut counts = [0; BUCKETS.len()];
    for (second, count) in instants.counts() {
        let age = now.saturating_sub(second.saturating_mul(1000));
        let bucket = BUCKETS
            .iter()
            .rposition(|(_, from, _)| age >= from.saturating_mul(DAY_MS).cast_signed())
            .unwrap_or(0);
        if let Some(sum) = counts.get_mut(bucket) {
            add(sum, count);
        }
    }
    counts
}

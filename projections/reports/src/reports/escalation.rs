//! Escalation (4.6): by cohort, the share of the tickets created that were escalated; by tag, category, tier, kind or
//! reason, the share of all escalations. Tags and category are those of the time of the escalation.

use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::store::{Moment, MomentEscalated};
use guichet_schemas::wire::{EscalationReport, EscalationRow};
use guichet_schemas::words::{EscalationKind, EscalationReason, GroupBy};

use super::{At, Cells, Define, Follow, Sums, Table, add, ratio, same, told, walk};
use crate::history::History;
use crate::life::{Dimensions, Life};
use crate::part::{self, Part};
use crate::periods::{Periods, Start};
use crate::report::Params;

#[derive(Debug, Clone, Default, PartialEq)]
struct Cell {
    escalations: i64,
    returned: i64,
    functional: i64,
    hierarchical: i64,
    created: i64,
    /// Of these, escalated before the end of the period of their creation.
    created_and_escalated: i64,
}

impl super::Cell for Cell {}

/// The sums of the report.
#[derive(Default)]
pub(crate) struct Escalation {
    cells: Cells<Cell>,
    /// All escalations, whatever the part: what shares are of.
    all: Cells<i64>,
}

struct Follower<'a> {
    sums: &'a mut Escalation,
    group_by: Option<GroupBy>,
    sign: i64,
    merged: bool,
    created_in: Option<Part>,
}

impl<'a> Follow<'a> for Follower<'_> {
    fn moment(&mut self, period: Start, before: &Life<'a>, moment: &'a Moment, after: &Life<'a>) {
        match &moment.what {
            Some(What::Created(_)) if !self.merged && !is_of_escalations(self.group_by) => {
                let part = part::of(self.group_by, &after.now);
                add(&mut self.sums.cells.at(&part, period).created, self.sign);
                self.created_in = Some(part);
            }
            Some(What::Escalated(escalated)) => {
                add(self.sums.all.at(&None, period), self.sign);
                let kind = EscalationKind::from_wire(escalated.kind);
                for part in parts_of(self.group_by, escalated, &after.now) {
                    let cell = self.sums.cells.at(&part, period);
                    add(&mut cell.escalations, self.sign);
                    match kind {
                        Ok(EscalationKind::Functional) => add(&mut cell.functional, self.sign),
                        Ok(EscalationKind::Hierarchical) => add(&mut cell.hierarchical, self.sign),
                        Err(_) => {}
                    }
                }
            }
            Some(What::Deescalated(_)) if !is_of_escalations(self.group_by) => {
                // In the part that gave it back.
                add(
                    &mut self.sums.cells.at(&part::of(self.group_by, &before.now), period).returned,
                    self.sign,
                );
            }
            Some(_) | None => {}
        }
    }

    fn end_of(&mut self, period: Start, life: &Life<'a>) {
        if let Some(part) = self.created_in.take().filter(|_| life.escalations > 0) {
            add(&mut self.sums.cells.at(&part, period).created_and_escalated, self.sign);
        }
    }
}

/// Whether the parts are of escalations rather than of tickets.
const fn is_of_escalations(group_by: Option<GroupBy>) -> bool {
    matches!(group_by, Some(GroupBy::Tag | GroupBy::Kind | GroupBy::Reason))
}

/// The parts of one escalation: several only by tag.
fn parts_of(group_by: Option<GroupBy>, escalated: &MomentEscalated, now: &Dimensions<'_>) -> Vec<Part> {
    let one = |text: &str| vec![Some(text.into())];
    match group_by {
        Some(GroupBy::Tag) => escalated.tags_at.iter().map(|tag| Some(tag.as_str().into())).collect(),
        Some(GroupBy::Kind) => {
            one(EscalationKind::from_wire(escalated.kind).map_or("", EscalationKind::as_str))
        }
        Some(GroupBy::Reason) => {
            one(EscalationReason::from_wire(escalated.reason).map_or("", EscalationReason::as_str))
        }
        Some(GroupBy::Category) => one(&escalated.category_at),
        Some(
            GroupBy::Channel
            | GroupBy::Group
            | GroupBy::Priority
            | GroupBy::Product
            | GroupBy::Agent
            | GroupBy::Tier,
        )
        | None => vec![part::of(group_by, now)],
    }
}

impl Define for Escalation {
    const PARTS: &'static [GroupBy] = &[
        GroupBy::Channel,
        GroupBy::Category,
        GroupBy::Group,
        GroupBy::Priority,
        GroupBy::Product,
        GroupBy::Agent,
        GroupBy::Tier,
        GroupBy::Tag,
        GroupBy::Kind,
        GroupBy::Reason,
    ];

    fn new(_: &Params) -> Self {
        Self::default()
    }
}

impl Sums for Escalation {
    fn ticket(&mut self, history: &History, periods: &mut Periods, group_by: Option<GroupBy>, sign: i64) {
        let merged = history.is_merged();
        walk(history, periods, &mut Follower { sums: self, group_by, sign, merged, created_in: None });
    }

    fn merge(&mut self, other: Box<dyn Sums>) {
        let other = same::<Self>(other);
        self.all.merge(other.all, add);
        self.cells.merge(other.cells, |mine, more| {
            add(&mut mine.escalations, more.escalations);
            add(&mut mine.returned, more.returned);
            add(&mut mine.functional, more.functional);
            add(&mut mine.hierarchical, more.hierarchical);
            add(&mut mine.created, more.created);
            add(&mut mine.created_and_escalated, more.created_and_escalated);
        });
    }

    fn rows(&self, table: &Table<'_>) -> Data {
        let of_escalations = is_of_escalations(table.group_by);
        let make = |at: At<'_>, cell: &Cell, (): &()| -> EscalationRow {
            let all = self.all.get(&None, at.start).copied().unwrap_or_default();
            let cohort = ratio(cell.created_and_escalated, cell.created);
            let mut row = row!(
                table,
                at,
                EscalationRow {
                    escalations: told(cell.escalations),
                    returned: told(cell.returned),
                    escalation_rate_cohort: (!of_escalations).then_some(cohort),
                    escalation_share: Some(ratio(cell.escalations, all)),
                    functional: told(cell.functional),
                    hierarchical: told(cell.hierarchical),
                }
            );
            let part = at.part.filter(|part| !part.is_empty()).map(str::to_owned);
            match table.group_by {
                Some(GroupBy::Tag) => row.tag = part,
                Some(GroupBy::Kind) => row.kind = part,
                Some(GroupBy::Reason) => row.reason = part,
                Some(
                    GroupBy::Channel
                    | GroupBy::Category
                    | GroupBy::Group
                    | GroupBy::Priority
                    | GroupBy::Product
                    | GroupBy::Agent
                    | GroupBy::Tier,
                )
                | None => {}
            }
            row
        };
        Data::ReportEscalation(EscalationReport { rows: self.cells.rows(table, |(): &mut (), _| {}, make) })
    }

    fn narrow(&mut self, within: (Start, Start)) {
        self.cells.narrow(within);
        self.all.narrow(within);
    }

    fn bytes(&self) -> usize {
        self.cells.bytes().saturating_add(self.all.bytes())
    }

    fn bytes_of_cells(&self) -> usize {
        self.cells.bytes_of_cells().saturating_add(self.all.bytes_of_cells())
    }
}

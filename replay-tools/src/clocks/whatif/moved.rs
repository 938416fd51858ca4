//! Which tickets another routing would have given to another group.

use std::collections::BTreeMap;

use serde::Serialize;

use super::arrivals::Arrived;
use super::weeks::Weeks;

/// What this cannot say.
pub(super) const ASSUMED: [&str; 3] = [
    "a rule sees the ticket as it was created; what was learned of it later moves nothing",
    "the group that it had is the first one, at its creation or afterwards; later moves between groups are not compared",
    "promises are counted with the groups that tickets had: what another group would have done with them is not known",
];

#[derive(Debug, Serialize)]
pub(super) struct Routed {
    /// Tickets that were created in the span.
    tickets: u64,
    /// Those that would have gone to another group than their first one.
    moved: u64,
    /// No rule is for them.
    unmatched: u64,
    /// By week of the creation; tickets that would have stayed with their group are left out.
    rows: Vec<Moved>,
    assumed: [&'static str; 3],
}

#[derive(Debug, Serialize)]
pub(super) struct Moved {
    period: String,
    /// Absent: no group ever had them.
    from: Option<String>,
    /// Absent: no rule is for them, so nobody would have got them.
    to: Option<String>,
    tickets: u64,
}

impl Routed {
    pub(super) fn of<'a>(tickets: impl Iterator<Item = &'a Arrived>, weeks: Weeks) -> Self {
        let mut rows: BTreeMap<_, u64> = BTreeMap::new();
        let (mut all, mut moved, mut unmatched) = (0, 0, 0);
        for ticket in tickets {
            all += 1;
            unmatched += u64::from(ticket.drafted.is_none());
            if ticket.drafted != ticket.group {
                moved += u64::from(ticket.drafted.is_some());
                *rows.entry((weeks.of(ticket.at), &ticket.group, &ticket.drafted)).or_default() += 1;
            }
        }
        let rows = rows.into_iter().map(|((week, from, to), tickets)| Moved {
            period: weeks.name(week),
            from: from.clone(),
            to: to.clone(),
            tickets,
        });
        Self { tickets: all, moved, unmatched, rows: rows.collect(), assumed: ASSUMED }
    }

    /// What stands above [`Routed::cells`].
    pub(super) const HEADER: [&str; 4] = ["WEEK", "FROM", "TO", "TICKETS"];

    pub(super) fn cells(&self) -> Vec<Vec<String>> {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let cells = |row: &Moved| {
            vec![row.period.clone(), or_dash(&row.from), or_dash(&row.to), row.tickets.to_string()]
        };
        self.rows.iter().map(cells).collect()
    }

    pub(super) fn sentence(&self) -> String {
        format!(
            "{} of {} tickets would have gone to another group first; no rule is for {}",
            self.moved, self.tickets, self.unmatched
        )
    }
}

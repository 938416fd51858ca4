//! Exports with one row per ticket: the row says how the ticket stands, and columns hold the times of what
//! happened once. Each such time becomes an event of its own.

use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{AuthorKind, CommentKind, TicketState, Visibility};

use super::balance::{Note, Reason};
use super::history::{History, NewState};
use super::mapping::{Mapping, Meaning, Milestone};
use super::people::Written;
use super::row::Row;
use super::usable;

/// The body of a first reply whose text the export does not have.
const REPLY: &str = "The export names the time of this first reply, and not what it says.";

/// Whether a row is told with the row that has the milestones of its ticket: one of another file, or an element
/// with a comment.
pub(super) fn is_beside(m: &Mapping, row: &Row) -> bool {
    !m.milestones.is_empty() && (row.file != 0 || (is_nested(m) && row.optional(m.comment.text).is_some()))
}

/// Of a record whose elements are rows, the milestones without any of its comments.
pub(super) fn opening(m: &Mapping, rows: &[Row]) -> Option<Row> {
    let first = rows.first().filter(|first| is_nested(m) && is_beside(m, first))?;
    let mut opening = first.clone();
    opening.made = true;
    m.comment.text.into_iter().for_each(|slot| opening.unset(slot));
    Some(opening)
}

fn is_nested(m: &Mapping) -> bool {
    m.files.is_empty() && !m.source.json.rows.is_empty()
}

/// Something of a row that has a time of its own.
enum Step {
    Milestone(Milestone),
    Comment(Written),
}

impl History<'_> {
    /// The milestones of a row that were not told yet.
    pub(super) fn steps(&self, row: &Row) -> Result<Vec<(Timestamp, Milestone)>, Note> {
        let mut steps = Vec::new();
        for (milestone, slot) in &self.mapping.milestones {
            if row.get(*slot).is_some() {
                let step = (usable::time(self.mapping, row, *slot, None)?.at, *milestone);
                if !self.passed.contains(&step) {
                    steps.push(step);
                }
            }
        }
        Ok(steps)
    }

    pub(super) fn by_milestones(
        &mut self,
        row: &Row,
        before: Option<&Row>,
        state: &NewState,
        (created_at, due_at): (Timestamp, Option<Timestamp>),
        milestones: Vec<(Timestamp, Milestone)>,
        comments: Vec<Written>,
    ) {
        self.passed.extend(milestones.iter().copied());
        let has_creation = self.mapping.created().is_some_and(|slot| row.get(slot).is_some());
        // Who changed the row last did not do all that it tells of.
        let by = self.by.take();
        let updated_at = self.updated_at(row);
        let assigned = milestones.iter().any(|(_, milestone)| *milestone == Milestone::Assigned);
        if before.is_none() {
            self.created(row, created_at, due_at, assigned && row.optional(self.mapping.agent).is_some());
        }
        let comments = comments.into_iter().chain(std::mem::take(&mut self.elsewhere));
        let (timed, others): (Vec<_>, Vec<_>) = comments.partition(|c| c.at.is_some());
        let timed = timed.into_iter().filter_map(|c| Some((c.at?, Step::Comment(c))));
        let milestones = milestones.into_iter().map(|(at, milestone)| (at, Step::Milestone(milestone)));
        let mut steps: Vec<(Timestamp, Step)> = milestones.chain(timed).collect();
        steps.sort_by_key(|(at, _)| *at);
        for (at, step) in steps {
            if at < created_at && has_creation {
                let what = match &step {
                    Step::Milestone(milestone) => self.column_of(*milestone),
                    Step::Comment(_) => "a comment".to_owned(),
                };
                let text =
                    format!("{what} is of {at}, before the ticket was created; {created_at} stands for it");
                self.heard.push(Note::new(Reason::ImplausibleTime, text));
            }
            self.at = at;
            match step {
                Step::Milestone(milestone) => self.pass(row, milestone),
                Step::Comment(comment) => self.comments(vec![comment]),
            }
        }
        self.at = updated_at.unwrap_or(self.clock());
        self.by = by;
        if let Some(before) = before {
            self.changed(row, before);
        } else {
            self.people(row);
        }
        self.comments(others);
        self.stands(row, state);
    }

    fn column_of(&self, milestone: Milestone) -> String {
        let m = self.mapping;
        let slot = m.milestones.iter().find(|(of, _)| *of == milestone).map(|(_, slot)| *slot);
        slot.map(|slot| format!("{:?}", m.columns[slot].name)).unwrap_or_default()
    }

    /// When the row was changed last, where that is not when the ticket was created.
    fn updated_at(&self, row: &Row) -> Option<Timestamp> {
        let m = self.mapping;
        (m.created() != Some(m.at)).then_some(row.at)
    }

    fn pass(&mut self, row: &Row, milestone: Milestone) {
        let m = self.mapping;
        match milestone {
            Milestone::Created => {}
            Milestone::Assigned if row.optional(m.agent).is_some() => self.people(row),
            Milestone::Assigned => self.miss("it was assigned", "to whom"),
            Milestone::FirstReply => {
                let agent = row.optional(m.agent);
                if agent.is_none() {
                    self.miss("it was answered", "by whom");
                }
                let author = agent.unwrap_or("unknown").to_owned();
                self.comment(
                    Visibility::Public,
                    CommentKind::Message,
                    author,
                    AuthorKind::Agent,
                    REPLY,
                    None,
                );
            }
            Milestone::Reopened if self.state().is_done() => self.go_to(row, TicketState::Open, None),
            Milestone::Reopened => self.miss("it was reopened", "when it had been resolved before"),
            Milestone::Resolved => self.go_to(row, TicketState::Resolved, None),
            Milestone::Closed => self.go_to(row, TicketState::Closed, None),
        }
    }

    fn miss(&mut self, what: &str, lacks: &str) {
        self.note(&format!("The export says that {what}, and not {lacks}."));
        self.heard.push(Note::new(Reason::MissingValue, format!("it says that {what}, and not {lacks}")));
    }

    /// The state in the row, after its milestones.
    fn stands(&mut self, row: &Row, state: &NewState) {
        if let Some(Meaning::State { to, reopens, .. }) = state.meaning() {
            let begins = self.state() == TicketState::New && matches!(to, TicketState::Open);
            let same = to == self.state() || begins || (self.state().is_done() && !to.is_done() && !reopens);
            if !same {
                let text = format!(
                    "it stands as {to}, and no milestone says since when; {} stands for it",
                    self.at.max(self.clock())
                );
                self.heard.push(Note::new(Reason::GuessedTime, text));
            }
        }
        self.enter(row, state);
    }
}

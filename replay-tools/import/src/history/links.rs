//! How a ticket hangs together with others of its source. The events of a ticket have no place for it yet: a note keeps it,
//! and it is counted.

use crate::balance::{Note, Reason};
use crate::bounds::shown;
use crate::mapping::Link;
use crate::row::Row;

use super::{History, NAME_SHOWN};

impl History<'_> {
    /// Tells the links that the row before did not have.
    pub(super) fn links(&mut self, row: &Row, before: Option<&Row>) {
        let m = self.mapping;
        for (link, slot) in &m.links {
            for other in row.values(*slot) {
                if before.is_some_and(|before| before.values(*slot).any(|known| known == other)) {
                    continue;
                }
                let other = shown(other, NAME_SHOWN);
                let what = match link {
                    Link::FollowUpOf => "follows up",
                    Link::MergedInto => "was merged into",
                    Link::Related => "is linked with",
                };
                self.note(&format!("The source says that the ticket {what} its ticket {other}."));
                let text = format!(
                    "{:?}: the ticket {what} {other:?}; a note at the ticket says so",
                    m.columns[*slot].name
                );
                self.heard.push(Note::new(Reason::Unlinked, text));
            }
        }
    }
}

//! Rows that the mapping wants, and those that it does not: of an XES log only what was completed, of an audit
//! no notifications. A row that is filtered is counted, and costs nothing.

use super::files::File;
use super::grammar;
use super::mapping::{Fault, Interner, Slot};
use super::row::Row;

#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    keep: Vec<(Slot, Vec<String>)>,
    drop: Vec<(Slot, Vec<String>)>,
}

pub(super) fn check(f: Option<grammar::Filter>, columns: &mut Interner) -> Result<Filter, Fault> {
    let Some(f) = f else { return Ok(Filter::default()) };
    if f.keep.is_empty() && f.drop.is_empty() {
        return Err(Fault::new("filter", "must say what to keep or what to drop"));
    }
    let mut list = |key: &str, conditions: std::collections::BTreeMap<String, Vec<String>>| {
        let conditions = conditions.into_iter().map(|(column, values)| {
            if values.is_empty() {
                return Err(Fault::new(format!("{key}.{column:?}"), "must list at least one value"));
            }
            Ok((columns.slot(key, column)?, values))
        });
        conditions.collect::<Result<Vec<_>, Fault>>()
    };
    Ok(Filter { keep: list("filter.keep", f.keep)?, drop: list("filter.drop", f.drop)? })
}

impl Filter {
    /// Whether a row is read. What is said of the columns of one file does not concern the rows of others.
    pub(super) fn lets_through(&self, row: &Row, files: &[File]) -> bool {
        let has = |(slot, values): &&(Slot, Vec<String>)| {
            row.values(*slot).any(|value| values.iter().any(|wanted| wanted == value))
        };
        let file = files.get(usize::from(row.file));
        let concerns = |(slot, _): &&(Slot, Vec<String>)| file.is_none_or(|file| file.slots.contains(slot));
        self.keep.iter().filter(concerns).all(|condition| has(&condition))
            && !self.drop.iter().any(|c| has(&c))
    }
}

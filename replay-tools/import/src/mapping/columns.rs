//! The columns that a mapping names, each once.

use guichet_schemas::command::limits;

use super::Fault;
use super::shape::{Column, Slot};
use crate::bounds::MAPPED_MAX;
use crate::changes;
use crate::grammar::Columns;

/// Keys whose columns may hold more than one value.
const LISTS: &[&str] = &[
    "ticket.category",
    "ticket.fields",
    "ticket.tags",
    "links.follow_up_of",
    "links.merged_into",
    "links.related",
    "row.comment",
    "comment.text",
    "changes.from",
    "changes.to",
];

/// Each column once.
#[derive(Default)]
pub(crate) struct Interner {
    pub(crate) columns: Vec<Column>,
    /// Columns that take the values of others, and can say nothing else.
    lone: Vec<Slot>,
}

impl Interner {
    pub(crate) fn slot(&mut self, key: &str, name: String) -> Result<Slot, Fault> {
        if name.is_empty() {
            return Err(Fault::new(key, "must name a column"));
        }
        let (takes_list, names_ticket) = (LISTS.contains(&key), key == "ticket.id");
        if let Some(slot) = self.find(&name) {
            if self.lone.contains(&slot) {
                return Err(Fault::new(
                    key,
                    format!("names {name:?}, which begins a list of columns elsewhere"),
                ));
            }
            self.columns[slot].takes_list &= takes_list;
            self.columns[slot].names_ticket |= names_ticket;
            return Ok(slot);
        }
        if self.columns.len() >= MAPPED_MAX {
            return Err(Fault::new(key, format!("names one column more than {MAPPED_MAX}")));
        }
        let optional = name.starts_with(changes::PREFIX);
        self.columns.push(Column { name, key: key.to_owned(), takes_list, names_ticket, optional });
        Ok(self.columns.len().saturating_sub(1))
    }

    pub(crate) fn find(&self, name: &str) -> Option<Slot> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Columns of which the first with a value counts.
    pub(super) fn first_of(
        &mut self,
        key: &str,
        names: Columns,
        stand_ins: &mut Vec<(Slot, Vec<Slot>)>,
    ) -> Result<Slot, Fault> {
        let names = names.into_vec();
        let Some((first, others)) = names.split_first() else {
            return Err(Fault::new(key, "must name a column"));
        };
        if !others.is_empty() && self.find(first).is_some() {
            let problem = format!("begins with {first:?}, which another key names; put it behind the others");
            return Err(Fault::new(key, problem));
        }
        let slot = self.slot(key, first.clone())?;
        if !others.is_empty() {
            let others = self.list(key, others.to_vec())?;
            self.lone.push(slot);
            stand_ins.push((slot, others));
        }
        Ok(slot)
    }

    pub(crate) fn optional(&mut self, key: &str, name: Option<String>) -> Result<Option<Slot>, Fault> {
        name.map(|n| self.slot(key, n)).transpose()
    }

    pub(super) fn list(&mut self, key: &str, names: Vec<String>) -> Result<Vec<Slot>, Fault> {
        names.into_iter().map(|n| self.slot(key, n)).collect()
    }

    /// The columns of custom fields, each with the name of the field here.
    pub(super) fn fields(&mut self, fields: Vec<(String, String)>) -> Result<Vec<(Slot, String)>, Fault> {
        const NAME_BYTES_MAX: usize = 64;
        let (names, columns): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
        if names.len() > limits::FIELDS {
            return Err(Fault::new("ticket.fields", format!("must name at most {} columns", limits::FIELDS)));
        }
        if let Some(name) = names.iter().find(|n| n.is_empty() || n.len() > NAME_BYTES_MAX) {
            let problem = format!(
                "names {name:?}; a field's name has 1 to {NAME_BYTES_MAX} bytes, and stands before a longer column: {{ site = \"…\" }}"
            );
            return Err(Fault::new("ticket.fields", problem));
        }
        for of in [&names, &columns] {
            if let Some((i, name)) = of.iter().enumerate().find(|(i, n)| of[..*i].contains(n)) {
                return Err(Fault::new(
                    format!("ticket.fields[{i}]"),
                    format!("names {name:?} a second time"),
                ));
            }
        }
        Ok(self.list("ticket.fields", columns)?.into_iter().zip(names).collect())
    }
}

//! Two generations of a read model at the same position, row by row.

use std::cmp::Ordering;

use crate::keys;
use crate::store::{Entry, Store, StoreError, View};

/// Differences that are named one by one.
const NAMED_MAX: usize = 20;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) rows: u64,
    pub(crate) differing: u64,
    pub(crate) named: Vec<String>,
}

/// Compares every row of two views of the same model.
pub(crate) fn compare(store: &Store, live: &View<'_>, next: &View<'_>) -> Result<Found, StoreError> {
    let mut found = Found::default();
    for family in store.content() {
        let mut live = live.scan(family, Vec::new(), &[]);
        let mut next = next.scan(family, Vec::new(), &[]);
        let (mut ours, mut theirs) = (live.next().transpose()?, next.next().transpose()?);
        loop {
            let order = match (&ours, &theirs) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => a.0.cmp(&b.0),
            };
            found.rows += 1;
            match order {
                Ordering::Less => found.differs(family, ours.as_ref(), "only in the live one"),
                Ordering::Greater => found.differs(family, theirs.as_ref(), "only in the rebuilt one"),
                Ordering::Equal if ours != theirs => found.differs(family, ours.as_ref(), "not the same"),
                Ordering::Equal => {}
            }
            if order != Ordering::Greater {
                ours = live.next().transpose()?;
            }
            if order != Ordering::Less {
                theirs = next.next().transpose()?;
            }
        }
    }
    Ok(found)
}

impl Found {
    fn differs(&mut self, family: &str, entry: Option<&Entry>, how: &str) {
        self.differing += 1;
        if let Some((key, _)) = entry.filter(|_| self.named.len() < NAMED_MAX) {
            self.named.push(format!("{family} {}: {how}", readable(key)));
        }
    }
}

/// A key as text where it is text, else in hexadecimal. Keys hold ids and numbers, nothing personal.
fn readable(key: &[u8]) -> String {
    match keys::tenant_and_ticket(key) {
        Some((tenant, id)) => format!("{tenant}/{id}"),
        None => key.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

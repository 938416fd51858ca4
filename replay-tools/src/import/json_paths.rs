//! Where in a JSON record the columns of a mapping stand: `via.channel`, `tags[]`,
//! `changelog.histories[].items[].field`.

use super::mapping::{Column, Slot};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The value of this key of an object.
    Key(String),
    /// Each element of a list.
    Each,
}

/// The steps of a path. `Err` holds what is wrong with it.
pub(super) fn steps(path: &str) -> Result<Vec<Step>, &'static str> {
    let mut steps = Vec::new();
    for (place, part) in path.split('.').enumerate() {
        let key = part.trim_end_matches("[]");
        if key.contains(['[', ']']) {
            return Err(
                "has brackets that hold something; \"[]\" after a key stands for each element of its list",
            );
        }
        match key {
            "" if place == 0 && part != key => {}
            "" => {
                return Err("has a step without a key; keys are told apart by \".\", as in \"via.channel\"");
            }
            _ => steps.push(Step::Key(key.to_owned())),
        }
        steps.extend(std::iter::repeat_n(Step::Each, part.len().saturating_sub(key.len()) / 2));
    }
    Ok(steps)
}

/// A place in a record that leads to columns.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    pub(super) slot: Option<Slot>,
    pub(super) keys: Vec<(String, Node)>,
    pub(super) each: Option<Box<Node>>,
    /// The elements of this list are rows of their own.
    pub(super) unfolds: bool,
}

impl Node {
    /// All columns of a mapping, and the lists whose elements are rows.
    pub(super) fn new(columns: &[Column], rows: &[Vec<Step>]) -> Self {
        let mut root = Self::default();
        for (slot, column) in columns.iter().enumerate() {
            if let Ok(steps) = steps(&column.name) {
                root.at(&steps).slot = Some(slot);
            }
            // A flat export has keys with dots in them.
            root.key(&column.name).slot = Some(slot);
        }
        for rows in rows {
            for (place, step) in rows.iter().enumerate() {
                if *step == Step::Each {
                    root.at(&rows[..place]).unfolds = true;
                    root.at(&rows[..=place]);
                }
            }
        }
        root
    }

    pub(super) fn is_leaf(&self) -> bool {
        self.keys.is_empty() && self.each.is_none()
    }

    fn at(&mut self, steps: &[Step]) -> &mut Self {
        match steps.split_first() {
            None => self,
            Some((Step::Key(key), rest)) => self.key(key).at(rest),
            Some((Step::Each, rest)) => self.each.get_or_insert_default().at(rest),
        }
    }

    fn key(&mut self, key: &str) -> &mut Self {
        let place = self.keys.iter().position(|(k, _)| k == key).unwrap_or_else(|| {
            self.keys.push((key.to_owned(), Self::default()));
            self.keys.len().saturating_sub(1)
        });
        &mut self.keys[place].1
    }

    /// Every column below it.
    pub(super) fn slots(&self, act: &mut impl FnMut(Slot)) {
        if let Some(slot) = self.slot {
            act(slot);
        }
        self.keys.iter().for_each(|(_, node)| node.slots(act));
        if let Some(each) = &self.each {
            each.slots(act);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_keys_and_lists() {
        let key = |k: &str| Step::Key(k.to_owned());
        assert_eq!(steps("via.channel").unwrap(), [key("via"), key("channel")]);
        assert_eq!(steps("a[].b[][]").unwrap(), [key("a"), Step::Each, key("b"), Step::Each, Step::Each]);
        assert_eq!(steps("[]").unwrap(), [Step::Each]);
        assert_eq!(steps("[].id").unwrap(), [Step::Each, key("id")]);
        for wrong in ["", "a..b", "a[0]", "a.", "a.[]", "a[x=1].b"] {
            assert!(steps(wrong).is_err(), "{wrong}");
        }
    }
}

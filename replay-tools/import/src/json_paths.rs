//! Where in a JSON record the columns of a mapping stand: `via.channel`, `tags[]`,
//! `changelog.histories[].items[].field`, `custom_fields[id=360001].value`.

use super::mapping::{Column, Slot};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The value of this key of an object.
    Key(String),
    /// Each element of a list.
    Each,
    /// The element of a list in which this key has this value.
    Where(String, String),
}

/// The steps of a path. `Err` holds what is wrong with it.
pub(super) fn steps(path: &str) -> Result<Vec<Step>, &'static str> {
    let mut steps = Vec::new();
    let mut rest = path;
    loop {
        let (key, after) = rest.split_at(rest.find(['.', '[', ']']).unwrap_or(rest.len()));
        // A document may be a list itself.
        if !key.is_empty() {
            steps.push(Step::Key(key.to_owned()));
        } else if !steps.is_empty() || !after.starts_with('[') {
            return Err("has a step without a key; keys are told apart by \".\", as in \"via.channel\"");
        }
        rest = after;
        while let Some(within) = rest.strip_prefix('[') {
            let (chosen, after) = within.split_once(']').ok_or(BRACKETS)?;
            steps.push(element(chosen)?);
            rest = after;
        }
        if rest.is_empty() {
            return Ok(steps);
        }
        rest = rest.strip_prefix('.').ok_or(BRACKETS)?;
    }
}

const BRACKETS: &str = "has brackets that say neither \"[]\", each element of a list, nor \"[key=value]\", the element in which the key has the value";

fn element(chosen: &str) -> Result<Step, &'static str> {
    if chosen.is_empty() {
        return Ok(Step::Each);
    }
    match chosen.split_once('=') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() && !chosen.contains('[') => {
            Ok(Step::Where(key.to_owned(), value.to_owned()))
        }
        Some(_) | None => Err(BRACKETS),
    }
}

/// A place in a record that leads to columns.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    pub(super) slot: Option<Slot>,
    pub(super) keys: Vec<(String, Node)>,
    pub(super) each: Option<Box<Node>>,
    /// Elements of this list that are told by the value of one of their keys.
    pub(super) wheres: Vec<((String, String), Node)>,
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
        self.keys.is_empty() && self.each.is_none() && self.wheres.is_empty()
    }

    fn at(&mut self, steps: &[Step]) -> &mut Self {
        match steps.split_first() {
            None => self,
            Some((Step::Key(key), rest)) => self.key(key).at(rest),
            Some((Step::Each, rest)) => self.each.get_or_insert_default().at(rest),
            Some((Step::Where(key, value), rest)) => self.element((key.clone(), value.clone())).at(rest),
        }
    }

    fn element(&mut self, which: (String, String)) -> &mut Self {
        let place = self.wheres.iter().position(|(w, _)| *w == which).unwrap_or_else(|| {
            self.wheres.push((which, Self::default()));
            self.wheres.len().saturating_sub(1)
        });
        &mut self.wheres[place].1
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
        self.wheres.iter().for_each(|(_, node)| node.slots(act));
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
        let which = |key: &str, value: &str| Step::Where(key.to_owned(), value.to_owned());
        assert_eq!(steps("f[id=1.5].value").unwrap(), [key("f"), which("id", "1.5"), key("value")]);
        assert_eq!(steps("f[][name=a b=c]").unwrap(), [key("f"), Step::Each, which("name", "a b=c")]);
        for wrong in
            ["", "a..b", "a[0]", "a.", "a.[]", "a[=1].b", "a[x=].b", "a[x=1", "a[x=1]b", "a]", "a[b[]=1]"]
        {
            assert!(steps(wrong).is_err(), "{wrong}");
        }
    }
}

//! One record of a JSON export as the values that the mapping names. What nobody asks for is passed over,
//! never built; numbers stay as they are written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    Deserialize as _, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::bounds::{ELEMENTS_MAX, MAPPED_MAX, NUMBER_MAX};
use super::json_paths::Node;
use super::mapping::{Column, Slot};
use super::row::Row;

/// The values of a record. Level 0 is the record itself; each element of a list whose elements are rows is a
/// level of its own, below the one that holds the list.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    text: String,
    values: Vec<Value>,
    levels: Vec<Level>,
    /// The levels that are rows: those without others below them.
    rows: Vec<usize>,
    /// For each slot, the level that has a single value for it already, from 1.
    met: Vec<usize>,
    /// Columns of lists whose elements are rows: whether one was empty, and whether one was not, in any record.
    lists: Vec<(bool, bool)>,
}

#[derive(Debug, Clone, Copy)]
struct Value {
    level: usize,
    slot: Slot,
    /// Its place in the text; a column without a value has none.
    place: Option<(usize, usize)>,
    listed: bool,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    above: Option<usize>,
    has_below: bool,
    /// It is the element before it, byte for byte.
    doubled: bool,
    /// Its values, once they are sorted.
    begin: usize,
    end: usize,
}

impl Parsed {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.values.clear();
        self.levels.clear();
        self.rows.clear();
    }

    /// Rows of the record.
    pub(super) const fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Reads a record.
    pub(super) fn read(
        &mut self,
        record: &str,
        root: &Node,
        columns: &[Column],
    ) -> Result<(), serde_json::Error> {
        self.clear();
        self.met.clear();
        self.met.resize(columns.len(), 0);
        self.lists.resize(columns.len(), (false, false));
        self.add_level(None);
        let mut json = serde_json::Deserializer::from_str(record);
        let mut into = Target { parsed: self, columns };
        json.deserialize_map(At { node: root, into: &mut into, level: 0, listed: false })?;
        json.end()?;
        self.values.sort_by_key(|value| value.level);
        let mut begin = 0;
        for (n, level) in self.levels.iter_mut().enumerate() {
            let own = self.values[begin..].iter().take_while(|value| value.level == n).count();
            (level.begin, level.end) = (begin, begin.saturating_add(own));
            begin = level.end;
        }
        self.rows.extend(self.levels.iter().enumerate().filter(|(_, l)| !l.has_below).map(|(n, _)| n));
        Ok(())
    }

    /// Fills a row with the values of its level and of those above it.
    pub(super) fn fill(&self, n: usize, row: &mut Row, missing: &[String]) {
        let mut next = self.rows.get(n).copied();
        while let Some(level) = next.and_then(|n| self.levels.get(n)) {
            for value in &self.values[level.begin..level.end] {
                match value.place {
                    None if !row.mentions(value.slot) => row.put_empty(value.slot),
                    None => {}
                    Some((begin, end)) if value.listed => {
                        row.add(value.slot, &self.text[begin..end], missing)
                    }
                    Some((begin, end)) => row.set(value.slot, &self.text[begin..end], missing),
                }
            }
            next = level.above;
        }
    }

    /// Columns of lists that were empty somewhere, and of those that were not.
    pub(super) fn lists(&self) -> (Vec<Slot>, Vec<Slot>) {
        let of = |which: fn(&(bool, bool)) -> bool| {
            let lists = self.lists.iter().enumerate();
            lists.filter(|(_, list)| which(list)).map(|(slot, _)| slot).collect()
        };
        (of(|(empty, _)| *empty), of(|(_, filled)| *filled))
    }

    /// Whether the element that makes the row, or one that holds it, stands there twice.
    pub(super) fn is_doubled(&self, n: usize) -> bool {
        let level = |n: usize| self.levels.get(n);
        let first = self.rows.get(n).and_then(|n| level(*n));
        std::iter::successors(first, |l| l.above.and_then(level)).any(|l| l.doubled)
    }

    /// Fills a row with what was read of a record before it turned out to be unusable.
    pub(super) fn fill_begun(&self, row: &mut Row, missing: &[String]) {
        for Value { level, slot, place, .. } in &self.values {
            if let Some((begin, end)) = place.filter(|_| *level == 0) {
                row.set(*slot, &self.text[begin..end], missing);
            }
        }
    }

    fn add_level(&mut self, above: Option<usize>) -> usize {
        if let Some(above) = above.and_then(|n| self.levels.get_mut(n)) {
            above.has_below = true;
        }
        self.levels.push(Level { above, has_below: false, doubled: false, begin: 0, end: 0 });
        self.levels.len().saturating_sub(1)
    }

    fn add(&mut self, level: usize, slot: Slot, value: Option<&str>, listed: bool) -> Result<(), String> {
        if self.values.len() >= ELEMENTS_MAX {
            return Err(format!("it has more than {ELEMENTS_MAX} values that the mapping names"));
        }
        let place = value.map(|value| {
            let begin = self.text.len();
            self.text.push_str(value);
            (begin, self.text.len())
        });
        self.values.push(Value { level, slot, place, listed });
        Ok(())
    }
}

struct Target<'a> {
    parsed: &'a mut Parsed,
    columns: &'a [Column],
}

impl Target<'_> {
    /// One plain value, or a list of plain values where the column takes one.
    fn value(&mut self, slot: Slot, raw: &str, level: usize, listed: bool) -> Result<(), String> {
        let key = &self.columns[slot].name;
        if !listed {
            let mark = level.saturating_add(1);
            if std::mem::replace(&mut self.parsed.met[slot], mark) == mark {
                return Err(format!("{key:?} is there twice"));
            }
        }
        if raw.starts_with('[') && self.columns[slot].takes_list {
            self.parsed.add(level, slot, None, listed)?;
            let items = Items { into: self, slot, level };
            let mut json = serde_json::Deserializer::from_str(raw);
            return json.deserialize_seq(items).map_err(|e| e.to_string());
        }
        let value = plain(key, raw)?;
        if self.columns[slot].names_ticket && !raw.starts_with(['"', 'n']) && !is_whole(raw) {
            return Err(format!(
                "{key:?} is {raw}; the id of a ticket is a text or a whole number, such as 100000 for 1e5"
            ));
        }
        self.parsed.add(level, slot, value.as_deref(), listed)
    }

    fn nothing(&mut self, node: &Node, level: usize) -> Result<(), String> {
        let parsed = &mut *self.parsed;
        let mut done = Ok(());
        node.slots(&mut |slot| {
            if done.is_ok() {
                done = parsed.add(level, slot, None, false);
            }
        });
        done
    }
}

/// The plain values of a list.
struct Items<'i, 'a> {
    into: &'i mut Target<'a>,
    slot: Slot,
    level: usize,
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of plain values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { into, slot, level } = self;
        while let Some(item) = list.next_element::<&RawValue>()? {
            let item = plain(&into.columns[slot].name, item.get()).map_err(A::Error::custom)?;
            into.parsed.add(level, slot, item.as_deref(), true).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// The text of a plain value, as it is written; `None` for null.
pub(super) fn plain<'a>(key: &str, raw: &'a str) -> Result<Option<Cow<'a, str>>, String> {
    match raw.as_bytes().first() {
        Some(b'"') => match serde_json::from_str::<Text<'a>>(raw) {
            Ok(Text(text)) => Ok(Some(text)),
            Err(e) => Err(format!("{key:?} is no text: {e}")),
        },
        Some(b'n') => Ok(None),
        Some(b'[' | b'{') => Err(format!("{key:?} holds a list or an object")),
        Some(b't' | b'f') => Ok(Some(Cow::Borrowed(raw))),
        _ if is_exact(raw) => Ok(Some(Cow::Borrowed(raw))),
        _ => Err(format!("{key:?} is {raw}; numbers beyond 2^53 are not exact, write it as a text")),
    }
}

/// The plain value of a key of an object; `None` where it has no such key, or null.
fn member<'a>(object: &'a str, key: &str) -> Result<Option<Cow<'a, str>>, serde_json::Error> {
    struct Member<'k>(&'k str);
    impl<'de> Visitor<'de> for Member<'_> {
        type Value = Option<Cow<'de, str>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "an object with the key {:?}", self.0)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(Text(key)) = map.next_key()? {
                if key != self.0 {
                    map.next_value::<IgnoredAny>()?;
                } else if found.replace(map.next_value::<&'de RawValue>()?).is_some() {
                    return Err(A::Error::custom(format!("{key:?} is there twice")));
                }
            }
            found.map_or(Ok(None), |raw| plain(self.0, raw.get()).map_err(A::Error::custom))
        }
    }
    serde_json::Deserializer::from_str(object).deserialize_map(Member(key))
}

/// A text that is borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A number has one way to be written, so that one ticket has one id.
fn is_whole(number: &str) -> bool {
    number != "-0" && number.strip_prefix('-').unwrap_or(number).bytes().all(|byte| byte.is_ascii_digit())
}

/// Whole numbers beyond 2^53 are not exact everywhere, and neither is what is as large and has a point.
fn is_exact(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits.parse::<u64>().is_ok_and(|n| n <= NUMBER_MAX);
    }
    number.parse::<f64>().is_ok_and(|n| n.abs() <= NUMBER_MAX as f64)
}

/// A place in the record that leads to columns.
struct At<'n, 'i, 'a> {
    node: &'n Node,
    into: &'i mut Target<'a>,
    level: usize,
    /// Within a list that does not make rows.
    listed: bool,
}

impl<'de> DeserializeSeed<'de> for At<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.node.slot {
            Some(slot) if self.node.is_leaf() => {
                let raw = <&RawValue>::deserialize(deserializer)?;
                self.into.value(slot, raw.get(), self.level, self.listed).map_err(D::Error::custom)
            }
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl At<'_, '_, '_> {
    /// A plain value where the mapping goes further.
    fn plain<E: Error>(self, value: &str) -> Result<(), E> {
        match self.node.slot {
            Some(slot) => self.into.value(slot, value, self.level, self.listed).map_err(E::custom),
            None => {
                Err(E::custom(format!("{value} stands where the mapping goes further in: {}", self.name())))
            }
        }
    }

    /// The columns that ask for an element by the value of one of its keys.
    fn chosen(&mut self, element: &str) -> Result<(), String> {
        for ((key, value), node) in &self.node.wheres {
            if member(element, key).map_err(|e| e.to_string())?.as_deref() != Some(value.as_str()) {
                continue;
            }
            let at = At { node, into: &mut *self.into, level: self.level, listed: self.listed };
            at.deserialize(&mut serde_json::Deserializer::from_str(element)).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    /// Makes every element a row of its own.
    fn unfold<'de, A: SeqAccess<'de>>(mut self, mut list: A, each: &Node) -> Result<(), A::Error> {
        let mut before: Option<&str> = None;
        while let Some(element) = list.next_element::<&'de RawValue>()? {
            self.chosen(element.get()).map_err(A::Error::custom)?;
            let level = self.into.parsed.levels.len();
            if level > ELEMENTS_MAX {
                let problem = format!("it has more than {ELEMENTS_MAX} elements that are rows");
                return Err(A::Error::custom(problem));
            }
            self.into.parsed.add_level(Some(self.level));
            if let Some(added) = self.into.parsed.levels.last_mut() {
                added.doubled = before == Some(element.get());
            }
            before = Some(element.get());
            let into = At { node: each, into: &mut *self.into, level, listed: self.listed };
            let mut json = serde_json::Deserializer::from_str(element.get());
            into.deserialize(&mut json).map_err(A::Error::custom)?;
        }
        let (is_empty, lists) = (before.is_none(), &mut self.into.parsed.lists);
        each.slots(&mut |slot| {
            if let Some((empty, filled)) = lists.get_mut(slot) {
                *empty |= is_empty;
                *filled |= !is_empty;
            }
        });
        Ok(())
    }

    /// A column that is further in.
    fn name(&self) -> String {
        let mut first = None;
        self.node.slots(&mut |slot| {
            first.get_or_insert(slot);
        });
        first
            .and_then(|slot| self.into.columns.get(slot))
            .map(|c| format!("{:?}", c.name))
            .unwrap_or_default()
    }
}

impl<'de> Visitor<'de> for At<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if let Some(slot) = self.node.slot {
            return Err(A::Error::custom(format!(
                "{:?} holds a list or an object",
                self.into.columns[slot].name
            )));
        }
        if self.node.keys.is_empty() && !self.node.is_leaf() {
            return Err(A::Error::custom(format!("an object stands where {} has a list", self.name())));
        }
        let mut met = [0_u64; MAPPED_MAX.div_ceil(64)];
        while let Some(Text(key)) = map.next_key::<Text<'de>>()? {
            let Some(place) = self.node.keys.iter().position(|(k, _)| *k == key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            // Which of the two counts, every reader of JSON decides in its own way.
            let (bits, bit) = (met.get_mut(place / 64), 1_u64 << (place % 64));
            if bits.is_some_and(|bits| std::mem::replace(bits, *bits | bit) & bit > 0) {
                return Err(A::Error::custom(format!("{key:?} is there twice")));
            }
            let (node, into) = (&self.node.keys[place].1, &mut *self.into);
            map.next_value_seed(At { node, into, level: self.level, listed: self.listed })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        if self.node.each.is_none() && !self.node.wheres.is_empty() {
            while let Some(element) = list.next_element::<&'de RawValue>()? {
                self.chosen(element.get()).map_err(A::Error::custom)?;
            }
            return Ok(());
        }
        let Some(each) = &self.node.each else {
            let problem = match self.node.slot {
                Some(slot) => format!("{:?} holds a list or an object", self.into.columns[slot].name),
                None => format!(
                    "a list stands where {} has none; \"[]\" after its key means its elements",
                    self.name()
                ),
            };
            return Err(A::Error::custom(problem));
        };
        if self.node.unfolds {
            return self.unfold(list, each);
        }
        self.into.nothing(each, self.level).map_err(A::Error::custom)?;
        loop {
            if !self.node.wheres.is_empty() {
                let Some(element) = list.next_element::<&'de RawValue>()? else { return Ok(()) };
                self.chosen(element.get()).map_err(A::Error::custom)?;
                let at = At { node: each, into: &mut *self.into, level: self.level, listed: true };
                let mut json = serde_json::Deserializer::from_str(element.get());
                at.deserialize(&mut json).map_err(A::Error::custom)?;
                continue;
            }
            let (level, listed) = (self.level, true);
            let element = At { node: each, into: &mut *self.into, level, listed };
            if list.next_element_seed(element)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.into.nothing(self.node, self.level).map_err(E::custom)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        self.plain(if flag { "true" } else { "false" })
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.plain(&number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.plain(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.plain(&number.to_string())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let quoted = serde_json::to_string(text).map_err(E::custom)?;
        self.plain(&quoted)
    }
}

#[cfg(test)]
mod tests {
    use super::super::json_paths::steps;
    use super::*;

    fn column(name: &str, key: &str) -> Column {
        Column {
            name: name.to_owned(),
            key: key.to_owned(),
            takes_list: true,
            names_ticket: key == "ticket.id",
            optional: false,
        }
    }

    /// The rows of a record, each as what its columns say.
    fn rows(record: &str, columns: &[&str], unfold: &str) -> Result<Vec<Vec<Option<String>>>, String> {
        let columns: Vec<_> = columns.iter().map(|name| column(name, "ticket.fields")).collect();
        let unfold = if unfold.is_empty() { Vec::new() } else { vec![steps(unfold).unwrap()] };
        let root = Node::new(&columns, &unfold);
        let mut parsed = Parsed::default();
        parsed.read(record, &root, &columns).map_err(|e| e.to_string())?;
        let mut row = Row::default();
        Ok((0..parsed.rows())
            .map(|n| {
                row.clear(1, columns.len());
                parsed.fill(n, &mut row, &[]);
                (0..columns.len()).map(|slot| row.get(slot).map(str::to_owned)).collect()
            })
            .collect())
    }

    fn one(record: &str, columns: &[&str]) -> Result<Vec<Option<String>>, String> {
        rows(record, columns, "").map(|mut rows| rows.remove(0))
    }

    #[test]
    fn paths_reach_inner_values_and_flat_keys_with_dots() {
        let some = |texts: &[&str]| texts.iter().map(|t| Some((*t).to_owned())).collect::<Vec<_>>();
        let nested = "{\"id\": 7, \"via\": {\"channel\": \"e\\u006dail\", \"x\": {}}, \"tags\": [\"a\", 2]}";
        assert_eq!(one(nested, &["id", "via.channel", "tags[]"]).unwrap(), some(&["7", "email", "a, 2"]));
        assert_eq!(one(nested, &["tags"]).unwrap(), some(&["a, 2"]));
        assert_eq!(one("{\"via.channel\": \"web\"}", &["via.channel"]).unwrap(), some(&["web"]));
        assert_eq!(one("{\"a\": [{\"b\": 1}, {}, {\"b\": 2}]}", &["a[].b"]).unwrap(), some(&["1, 2"]));
        assert_eq!(one("{\"via\": null}", &["via.channel"]).unwrap(), [None]);
    }

    #[test]
    fn numbers_stay_as_they_are_written() {
        let record = "{\"a\": 1.50, \"b\": 1e3, \"c\": -0, \"d\": 9007199254740992}";
        let texts = one(record, &["a", "b", "c", "d"]).unwrap();
        assert_eq!(
            texts.into_iter().flatten().collect::<Vec<_>>(),
            ["1.50", "1e3", "-0", "9007199254740992"]
        );
        for number in ["9007199254740993", "1e400", "-1e17"] {
            let error = one(&format!("{{\"a\": {number}}}"), &["a"]).unwrap_err();
            assert!(error.contains("\"a\" is ") && error.contains("2^53"), "{error}");
        }
        assert!(one("{\"a\": NaN}", &["a"]).is_err());
        assert!(one("{\"b\": NaN}", &["a"]).is_err());
    }

    #[test]
    fn a_list_unfolds_into_rows_and_an_empty_one_leaves_the_record() {
        let columns = ["key", "h[].at", "h[].items[].to", "tags[]"];
        let record = "{\"h\":[{\"items\":[{\"to\":\"x\"},{\"to\":\"y\"}],\"at\":1},{\"at\":2},{\"at\":3,\"items\":[]}],\"key\":\"K\",\"tags\":[\"t\",\"u\"]}";
        let told: Vec<String> = rows(record, &columns, "h[].items[]")
            .unwrap()
            .into_iter()
            .map(|row| {
                row.into_iter().map(|v| v.unwrap_or_else(|| "-".to_owned())).collect::<Vec<_>>().join("|")
            })
            .collect();
        assert_eq!(told, ["K|1|x|t, u", "K|1|y|t, u", "K|2|-|t, u", "K|3|-|t, u"]);
        assert_eq!(rows("{\"key\":\"K\"}", &columns, "h[].items[]").unwrap().len(), 1);
    }

    #[test]
    fn an_element_of_a_list_is_told_by_the_value_of_one_of_its_keys() {
        let site = "custom_fields[id=360001].value";
        let record = |list: &str| format!("{{\"id\":7,\"custom_fields\":{list}}}");
        let both = record("[{\"value\":\"x\",\"id\":1},{\"value\":[\"n\",2],\"id\":360001}]");
        assert_eq!(
            one(&both, &[site, "custom_fields[id=1].value"]).unwrap(),
            [Some("n, 2".to_owned()), Some("x".to_owned())]
        );
        // Beside all of them, and where they are rows.
        assert_eq!(
            one(&both, &[site, "custom_fields[].id"]).unwrap(),
            [Some("n, 2".to_owned()), Some("1, 360001".to_owned())]
        );
        let told = rows(&both, &[site, "custom_fields[].id"], "custom_fields[]").unwrap();
        assert_eq!(told.len(), 2);
        assert!(told.iter().all(|row| row[0].as_deref() == Some("n, 2")), "{told:?}");
        assert_eq!(one(&record("[{\"id\":\"360001\",\"value\":null}]"), &[site]).unwrap(), [None]);
        for nothing in ["[]", "null", "[{\"value\":5}]", "[{\"id\":36000,\"value\":5}]"] {
            assert_eq!(one(&record(nothing), &[site]).unwrap(), [None], "{nothing}");
        }
        for (wrong, says) in [
            ("[{\"id\":360001,\"value\":1},{\"id\":360001,\"value\":2}]", "there twice"),
            ("[{\"id\":1,\"id\":360001,\"value\":1}]", "\"id\" is there twice"),
            ("[5]", "an object with the key \"id\""),
            ("{\"360001\":5}", "an object stands where"),
            ("[{\"id\":[1]}]", "\"id\" holds a list"),
        ] {
            let error = one(&record(wrong), &[site]).unwrap_err();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }

    #[test]
    fn what_is_there_twice_or_of_another_kind_is_named() {
        assert!(one("{\"a\": 1, \"a\": 2}", &["a"]).unwrap_err().contains("\"a\" is there twice"));
        assert!(one("{\"a.b\": 1, \"a\": {\"b\": 2}}", &["a.b"]).unwrap_err().contains("twice"));
        assert!(one("{\"a\": {\"b\": 1}}", &["a"]).unwrap_err().contains("list or an object"));
        assert!(one("{\"a\": [{\"b\": 1}]}", &["a.b"]).unwrap_err().contains("\"a.b\""));
        assert!(one("{\"a\": {\"b\": 1}}", &["a[].b"]).unwrap_err().contains("\"a[].b\""));
        assert!(one("{\"a\": 5}", &["a.b"]).unwrap_err().contains("\"a.b\""));
        assert!(one("[1]", &["a"]).is_err());
        assert!(one("{\"a\": 1} x", &["a"]).is_err());
    }
}

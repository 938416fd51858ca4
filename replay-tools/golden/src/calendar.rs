//! Vectors of business time.

use std::collections::BTreeMap;

use guichet_rules::calendar::{Calendar, Definition};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{instant, written};

/// A file of vectors.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    calendars: BTreeMap<String, Definition>,
    vectors: Vec<Vector>,
}

/// `due`: `start` and so many open seconds; `elapsed`: open seconds from `start` to `until`.
#[derive(Debug, Deserialize)]
struct Vector {
    calendar: String,
    start: String,
    seconds: i64,
    until: String,
    due: Option<String>,
    elapsed: Option<i64>,
}

/// The result of each, and the differences from the file.
pub(super) fn run(file: &File) -> Result<(Vec<Value>, Vec<String>), String> {
    let mut calendars = BTreeMap::new();
    for (name, definition) in &file.calendars {
        let hours = definition.hours().map_err(|e| format!("calendars.{name}.{e}"))?;
        calendars.insert(name.as_str(), Calendar::new(hours));
    }
    let (mut found, mut differences) = (Vec::with_capacity(file.vectors.len()), Vec::new());
    for (n, vector) in file.vectors.iter().enumerate() {
        let at = |why: String| format!("vectors[{n}]: {why}");
        let calendar = calendars.get(vector.calendar.as_str());
        let calendar = calendar.ok_or_else(|| at(format!("there is no calendar {:?}", vector.calendar)))?;
        let (start, until) = (instant(&vector.start).map_err(at)?, instant(&vector.until).map_err(at)?);
        let due = calendar.add(start, vector.seconds.saturating_mul(1000)).map(written);
        let elapsed = calendar.elapsed(start, until) / 1000;
        if due != vector.due || Some(elapsed) != vector.elapsed {
            differences.push(format!(
                "vectors[{n}] ({}): due {due:?}, expected {:?}; elapsed {elapsed}, expected {:?}",
                vector.calendar, vector.due, vector.elapsed
            ));
        }
        found.push(json!({
            "calendar": vector.calendar, "start": vector.start, "seconds": vector.seconds, "due": due,
            "until": vector.until, "elapsed": elapsed,
        }));
    }
    Ok((found, differences))
}

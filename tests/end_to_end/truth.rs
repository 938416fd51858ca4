//! Two real exports, imported as a person would, against what an independent script computed from the raw
//! files: every ticket, every column that the ticket view covers, and the totals. The exceptions are listed
//! where they are allowed, and there are two.

mod bpi2013;
mod differences;
mod loaded;
mod reports;
mod servicenow;
mod spread;
mod ticket;
mod zone;

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::harness::shared;

pub(crate) use loaded::{bpi2013, loaded, servicenow};
pub(crate) use ticket::{comparable, timeless};

/// The rows of a truth file.
fn truth_rows<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let file = std::fs::File::open(truth_file(name)).expect("the truth can be read");
    let mut reader = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
    reader.deserialize().map(|row| row.expect("a row of the truth")).collect()
}

/// The totals of a truth file.
fn truth_totals(name: &str) -> Value {
    let bytes = std::fs::read(truth_file(name)).expect("the truth can be read");
    serde_json::from_slice(&bytes).expect("the truth is JSON")
}

fn truth_file(name: &str) -> std::path::PathBuf {
    shared(&Path::new("data/truth").join(name).display().to_string()).expect("the truth lies beside the data")
}

/// How often each value occurs, with the keys as the truth writes them.
fn distribution<K: ToString>(values: impl Iterator<Item = K>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value.to_string()).or_insert(0) += 1;
    }
    counts
}

/// The same from the truth.
fn distribution_in(totals: &Value) -> BTreeMap<String, u64> {
    serde_json::from_value(totals.clone()).expect("a distribution")
}

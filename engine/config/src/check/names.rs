//! Names: what one may be, and that none comes twice. And how long something may take.

use std::collections::BTreeMap;

use guichet_schemas::text::Line;

use crate::fault::Fault;
use crate::policy::SECONDS_MAX;

/// The highest tier.
pub(crate) const TIER_MAX: u32 = 4;

/// Tiers are 0 to 4.
pub(crate) fn tier(path: impl Into<String>, tier: u32) -> Option<Fault> {
    (tier > TIER_MAX).then(|| Fault::at(path, format!("tiers are 0 to {TIER_MAX}")))
}

/// Each name is one that commands can carry, and is there once. `field` is behind the index in the path.
pub(crate) fn faults<'a, const MAX: usize>(
    list: &str,
    field: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Vec<Fault> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    for (n, name) in names.into_iter().enumerate() {
        let path = format!("{list}[{n}]{field}");
        if let Err(fault) = Line::<MAX>::parse(name.to_owned()) {
            faults.push(Fault::at(&path, fault.rule));
        }
        if let Some(first) = seen.insert(name, n) {
            faults.push(Fault::at(path, format!("{name:?} is {list}[{first}]{field} already")));
        }
    }
    faults
}

/// A time that has to pass.
pub(crate) fn seconds(path: &str, seconds: u32) -> Option<Fault> {
    match seconds {
        0 => Some(Fault::at(path, "is at least 1")),
        1..=SECONDS_MAX => None,
        _ => Some(Fault::at(path, format!("is 1 to {SECONDS_MAX}: fifteen years"))),
    }
}

/// A text for people, of one line.
pub(crate) fn label(path: &str, text: Option<&str>) -> Option<Fault> {
    Line::<128>::parse(text?.to_owned()).err().map(|fault| Fault::at(path, fault.rule))
}

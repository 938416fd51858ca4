//! What is legal but unwise: what help desks trip over, before it does.

pub(crate) mod policies;

use guichet_schemas::time::Timestamp;

use crate::configuration::Configuration;
use crate::fault::Fault;
use crate::item::Advised;
use crate::kind::Kind;

/// An item is stale, and worth a second look, when nobody has touched it for this long: 365 days.
pub const STALE_MS: i64 = 365 * 86_400_000;

/// Everything in force at an instant that will surprise somebody. Paths begin with the kind, and the name of a calendar.
///
/// ```
/// use guichet_config::{Configuration, lint};
/// use guichet_schemas::time::Timestamp;
/// assert_eq!(lint(&Configuration::new("acme"), Timestamp(0)), []);
/// ```
#[must_use]
pub fn lint(configuration: &Configuration, now: Timestamp) -> Vec<Fault> {
    let mut found = Vec::new();
    for publication in configuration.unread() {
        let rule =
            format!("version {} cannot be read here; what was before it is in force", publication.version);
        found.push(Fault::at(place(publication.kind, &publication.id), rule));
    }
    for (kind, id) in configuration.items() {
        let Some(entry) = configuration.entry(kind, id, now) else { continue };
        let age_ms = now.0.saturating_sub(entry.publication.effective_from.0);
        let advised = Advised { configuration, id, now };
        let mut of_item = entry.body.as_ref().map_or_else(Vec::new, |body| body.as_item().advice(&advised));
        // A calendar speaks up by itself, when its last holiday is past; the tenant does not change.
        if age_ms > STALE_MS && !kind.is_named() {
            let days = age_ms / 86_400_000;
            of_item.push(Fault::at("", format!("nobody has changed it for {days} days; does it still fit?")));
        }
        found.extend(of_item.into_iter().map(|fault| fault.below(&place(kind, id))));
    }
    found
}

fn place(kind: Kind, id: &str) -> String {
    if kind.is_named() { format!("{kind}.{id}") } else { kind.to_string() }
}

#[cfg(test)]
mod tests;

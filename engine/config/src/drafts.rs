//! The configuration that drafts would make, before anything is published.

use guichet_schemas::time::Timestamp;

use crate::body::Body;
use crate::{Configuration, Draft, Fault, Kind, Publication};

/// The configuration that the drafts would give a desk that has none yet.
///
/// # Errors
/// The first draft that could not be published, and why.
pub fn checked(drafts: &[Draft], now: Timestamp) -> Result<Configuration, (&Draft, Fault)> {
    // The one tenant that a file names, if any: everything else is checked alike in all.
    let tenant = drafts.iter().find(|draft| draft.kind == Kind::Tenant);
    published(Configuration::new(tenant.map_or("default", |draft| &draft.id)), drafts, now)
}

/// The configuration with the drafts published into it, each checked against those before it.
///
/// # Errors
/// The first draft that could not be published, and why.
pub fn published<'a>(
    mut configuration: Configuration,
    drafts: impl IntoIterator<Item = &'a Draft>,
    now: Timestamp,
) -> Result<Configuration, (&'a Draft, Fault)> {
    for draft in drafts {
        let from = draft.effective_from.unwrap_or(now);
        let checked = configuration.check(draft.kind, &draft.id, &draft.body, from, now, draft.retroactive);
        let checked = checked.map_err(|fault| (draft, fault))?;
        let read =
            serde_json::from_str(&checked.body).map_err(|e| (draft, Fault::at("body", e.to_string())))?;
        if let Some(what) = Body::read(draft.kind, &read).ok().and_then(|body| body.not_yet()) {
            return Err((draft, Fault::at(what, "is part of the contract, but not of this build")));
        }
        configuration.publish(Publication {
            kind: draft.kind,
            id: draft.id.clone(),
            version: checked.version,
            effective_from: from,
            apply: draft.apply,
            retired: false,
            body: checked.body,
        });
    }
    Ok(configuration)
}

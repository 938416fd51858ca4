//! The read models: what a record does to their rows, and how these read to a person.

pub mod articles;
pub mod queues;
pub mod reports;
#[cfg(test)]
pub(crate) mod rig;
mod rows;
pub mod sentence;
pub mod sla;
pub mod ticket;
pub mod timeline;

use crate::projection::ReadModel;

/// Every read model of this build.
pub static ALL: &[&ReadModel] =
    &[&ticket::TICKET, &queues::QUEUES, &reports::REPORTS, &sla::SLA, &articles::ARTICLES];

/// The model of that name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static ReadModel> {
    ALL.iter().copied().find(|model| model.name == name)
}

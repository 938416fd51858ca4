//! What a kind of configuration says of its body. A new kind is a line in the table of [`crate::body`] and a file
//! beside the others there: the structure that is published, and this.

use guichet_schemas::time::Timestamp;

use crate::check::{Reach, There};
use crate::configuration::Configuration;
use crate::fault::Fault;

/// The body of a kind.
pub(crate) trait Item {
    /// Faults in the body itself, whatever else is configured. Its shape is right already.
    fn faults(&self, from: Timestamp) -> Vec<Fault>;

    /// References to items that are missing, and promises that can never come due.
    fn misfits(&self, _there: &There<'_>, _reach: &mut Reach<'_>) -> Vec<Fault> {
        Vec::new()
    }

    /// Advice about what is legal but unwise.
    fn advice(&self, _advised: &Advised<'_>) -> Vec<Fault> {
        Vec::new()
    }

    /// The first thing in the body that the contract gives a meaning and this build does not: it is refused, not
    /// ignored.
    fn not_yet(&self) -> Option<&'static str> {
        None
    }

    /// Why it cannot be retired; `None`: it can.
    fn must_stay() -> Option<&'static str>
    where
        Self: Sized,
    {
        None
    }

    /// Reports go by it, so their read model keeps what is published of it.
    fn is_read_by_reports() -> bool
    where
        Self: Sized,
    {
        false
    }
}

/// Everything beside the body itself that advice depends on.
pub(crate) struct Advised<'a> {
    pub(crate) configuration: &'a Configuration,
    pub(crate) id: &'a str,
    pub(crate) now: Timestamp,
}

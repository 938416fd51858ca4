//! What a kind of configuration says of its body. A new kind is a line in the table of [`crate::body`] and a file
//! beside the others there: the structure that is published, and this.

use guichet_schemas::time::Timestamp;

use crate::check::{Reach, There};
use crate::configuration::Configuration;
use crate::fault::Fault;

/// The body of a kind.
pub(crate) trait Item {
    /// What is wrong in it, whatever else is configured. Its shape is right already.
    fn faults(&self, from: Timestamp) -> Vec<Fault>;

    /// What it refers to and is not there, or is never reached.
    fn misfits(&self, _there: &There<'_>, _reach: &mut Reach<'_>) -> Vec<Fault> {
        Vec::new()
    }

    /// What is legal but unwise in it.
    fn advice(&self, _advised: &Advised<'_>) -> Vec<Fault> {
        Vec::new()
    }

    /// What has a meaning in the contract and none in this build: it is refused, not ignored.
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

/// What advice is given about, beside the body itself.
pub(crate) struct Advised<'a> {
    pub(crate) configuration: &'a Configuration,
    pub(crate) id: &'a str,
    pub(crate) now: Timestamp,
}

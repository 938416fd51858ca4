//! The verb `report_scan`.

use super::Verb;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::hash::Hash;
use crate::rejection::FieldError;
use crate::text::Label;
use crate::words::{ScanVerdict, TicketState};

mirror! {
    /// Say what a scan for malware found.
    pub struct ReportScan {
        /// Which attachment.
        pub sha256: Hash,
        /// What was found.
        pub verdict: ScanVerdict,
        /// What scanned, with its version.
        pub engine: Label,
    }
}

impl Verb for ReportScan {
    const STATES: &'static [TicketState] = TicketState::ALL;
}

mirror! {
    /// A scan for malware ended.
    pub struct AttachmentScanned {
        /// Which attachment.
        pub sha256: Hash,
        /// What was found.
        pub verdict: ScanVerdict,
        /// What scanned, with its version.
        pub engine: String,
    }
}

personal_texts!(AttachmentScanned {});

impl Meaning for AttachmentScanned {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("engine", Some(&self.engine))
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}

//! The verb `report_scan`.

use guichet_schemas::command::{Command, ReportScan};
use guichet_schemas::event::AttachmentScanned;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::add_attachment::attachment;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for ReportScan {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        if attachment(ticket, "data.sha256", self.sha256)?.verdict == Some(self.verdict) {
            return Ok(Vec::new());
        }
        Ok(vec![Draft::of(AttachmentScanned {
            sha256: self.sha256,
            verdict: self.verdict,
            engine: self.engine.as_str().to_owned(),
        })])
    }
}

impl Fold for AttachmentScanned {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        if let Some(attachment) = ticket.attachments.get_mut(&self.sha256) {
            attachment.verdict = Some(self.verdict);
        }
    }
}

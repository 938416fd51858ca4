//! Sentences about files.

use guichet_schemas::event::Attachments;
use guichet_schemas::words::ScanVerdict;

use super::quote;

pub(super) fn told(event: &Attachments) -> String {
    match event {
        Attachments::AttachmentAdded(e) => {
            format!("attached {} ({}, {} bytes)", quote(&e.name), e.media_type, e.size)
        }
        Attachments::AttachmentScanned(e) => match e.verdict {
            ScanVerdict::Clean => format!("scanned an attachment with {}: it is clean", e.engine),
            ScanVerdict::Infected => {
                format!("scanned an attachment with {}: it is infected, and given to nobody", e.engine)
            }
            ScanVerdict::Unscannable => format!("could not scan an attachment with {}", e.engine),
        },
        Attachments::AttachmentRedacted(e) => format!("removed the bytes of an attachment: {}", e.reason),
    }
}

//! Sentences about files.

use guichet_schemas::event::Attachments;
use guichet_schemas::words::ScanVerdict;

pub(super) fn told(event: &Attachments) -> String {
    match event {
        Attachments::AttachmentAdded(e) => {
            format!("a joint un fichier ({}, {} octets)", e.media_type, e.size)
        }
        Attachments::AttachmentScanned(e) => match e.verdict {
            ScanVerdict::Clean => format!("a analysé une pièce jointe avec {} : elle est saine", e.engine),
            ScanVerdict::Infected => {
                format!(
                    "a analysé une pièce jointe avec {} : elle est infectée, personne ne la reçoit",
                    e.engine
                )
            }
            ScanVerdict::Unscannable => {
                format!("n’a pas pu analyser une pièce jointe avec {}", e.engine)
            }
        },
        Attachments::AttachmentRedacted(e) => {
            format!("a supprimé le contenu d’une pièce jointe : {}", e.reason)
        }
    }
}

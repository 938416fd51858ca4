//! What happens at the desk beside its tickets.

use guichet_schemas::event::DeskEvent;
use guichet_schemas::words::Audience;

use super::because;

pub(super) fn told(event: &DeskEvent) -> String {
    match event {
        DeskEvent::ArticlePublished(e) => {
            let readers = match e.audience {
                Audience::Internal => "l’équipe",
                Audience::Public => "tous",
            };
            let from =
                e.from_ticket.map_or_else(String::new, |_| " d’après la résolution d’un ticket".to_owned());
            format!(
                "a publié l’article {}, version {}, pour {readers}{from} : {}",
                e.article, e.version, e.title
            )
        }
        DeskEvent::ArticleRetired(e) => {
            format!("a retiré l’article {}, version {}{}", e.article, e.version, because(Some(&e.reason)))
        }
    }
}

//! What happens at the desk beside its tickets.

use guichet_schemas::event::DeskEvent;
use guichet_schemas::words::Audience;

use super::because;

pub(super) fn told(event: &DeskEvent) -> String {
    match event {
        DeskEvent::ArticlePublished(e) => {
            let readers = match e.audience {
                Audience::Internal => "the people of the desk",
                Audience::Public => "everybody",
            };
            let from =
                e.from_ticket.map_or_else(String::new, |_| " from how a ticket was resolved".to_owned());
            format!(
                "published article {}, version {}, for {readers}{from}: {}",
                e.article, e.version, e.title
            )
        }
        DeskEvent::ArticleRetired(e) => {
            format!("retired article {}, version {}{}", e.article, e.version, because(Some(&e.reason)))
        }
    }
}

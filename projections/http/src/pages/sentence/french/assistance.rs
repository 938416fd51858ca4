//! The help of others: hand-offs, side conversations, and what models suggest.

use guichet_schemas::event::{Actor, Assistance};
use guichet_schemas::words::{SideParty, SuggestionKind};

use super::{because, quote};

pub(super) fn told(event: &Assistance, actor: &Actor) -> String {
    match event {
        Assistance::HandedOff(e) => format!(
            "a passé le ticket au groupe {}{}, avec ce qu’il en sait",
            e.to_group,
            because(Some(&e.reason))
        ),
        Assistance::SideConversationOpened(e) => {
            let party = match e.party {
                SideParty::Peer => "un collègue",
                SideParty::ThirdParty => "un tiers",
            };
            format!("a ouvert un échange parallèle avec {party}, {} : {}", e.with, quote(&e.subject))
        }
        Assistance::SideMessageAdded(e) if e.author == actor.id => {
            "a écrit dans un échange parallèle".to_owned()
        }
        Assistance::SideMessageAdded(e) => {
            format!("a apporté un message de {} dans un échange parallèle", e.author)
        }
        Assistance::SideConversationClosed(_) => "a clos un échange parallèle".to_owned(),
        Assistance::ClassificationSuggested(e) => {
            format!("a suggéré {} {} selon le modèle {}, sûr à {} %", kind(e.kind), e.value, e.model, e.score)
        }
        Assistance::SuggestionAccepted(e) => {
            format!("a accepté la suggestion : {} {}", kind(e.kind), e.value)
        }
    }
}

const fn kind(kind: SuggestionKind) -> &'static str {
    match kind {
        SuggestionKind::Category => "la catégorie",
        SuggestionKind::Priority => "la priorité",
        SuggestionKind::Type => "le type",
        SuggestionKind::Tag => "l’étiquette",
        SuggestionKind::Group => "le groupe",
        SuggestionKind::Sentiment => "le ressenti",
    }
}

//! The help of others: hand-offs, side conversations, and what models suggest.

use guichet_schemas::event::{Actor, Assistance};
use guichet_schemas::words::SideParty;

use super::{because, quote, words};

pub(super) fn told(event: &Assistance, actor: &Actor) -> String {
    match event {
        Assistance::HandedOff(e) => format!(
            "handed the ticket off to group {}{}, with what it knows: {}",
            e.to_group,
            because(Some(&e.reason)),
            quote(&e.packet)
        ),
        Assistance::SideConversationOpened(e) => {
            let party = match e.party {
                SideParty::Peer => "peer",
                SideParty::ThirdParty => "third party",
            };
            format!("began a side conversation with {party} {}: {}", e.with, quote(&e.subject))
        }
        Assistance::SideMessageAdded(e) if e.author == actor.id => {
            format!("wrote to a side conversation: {}", quote(&e.body))
        }
        Assistance::SideMessageAdded(e) => {
            format!("brought a message of {} to a side conversation: {}", e.author, quote(&e.body))
        }
        Assistance::SideConversationClosed(_) => "closed a side conversation".to_owned(),
        Assistance::ClassificationSuggested(e) => format!(
            "suggested {} {} by model {}, which is {} % sure",
            words(e.kind.as_str()),
            e.value,
            e.model,
            e.score
        ),
        Assistance::SuggestionAccepted(e) => {
            format!("accepted the suggested {} {}", words(e.kind.as_str()), e.value)
        }
    }
}

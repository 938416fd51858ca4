//! Channels and kinds of request by the words that ticket systems use for them. The grammar has no map for
//! these two: a word that nobody knows falls back, and `ticket.fields` keeps the original.

use guichet_schemas::words::{Channel, TicketType};

/// What we say of a ticket whose channel is unknown: it reached us through an interface.
const UNKNOWN_CHANNEL: Channel = Channel::Api;

pub(super) fn channel(value: Option<&str>) -> Channel {
    let Some(word) = value.map(normal) else { return UNKNOWN_CHANNEL };
    Channel::parse(&word).unwrap_or(match word.as_str() {
        "e_mail" | "mail" => Channel::Email,
        "telephone" | "call" | "voice" | "ivr" => Channel::Phone,
        "self_service" | "selfservice" | "customer_portal" => Channel::Portal,
        "web" | "website" | "web_form" => Channel::Form,
        "live_chat" | "messaging" | "virtual_agent" => Channel::Chat,
        "twitter" | "facebook" | "social_media" => Channel::Social,
        "mobile" | "app" => Channel::InApp,
        "monitoring" | "event" | "alert" | "event_management" => Channel::System,
        _ => UNKNOWN_CHANNEL,
    })
}

pub(super) fn ticket_type(value: Option<&str>) -> TicketType {
    let Some(word) = value.map(normal) else { return TicketType::Incident };
    TicketType::parse(&word).unwrap_or(match word.as_str() {
        "request" | "service" | "requested_item" => TicketType::ServiceRequest,
        "change" | "change_request" => TicketType::ChangeRef,
        "how_to" => TicketType::Question,
        "event" => TicketType::SystemEvent,
        _ => TicketType::Incident,
    })
}

fn normal(value: &str) -> String {
    value.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_other_systems_are_understood() {
        let channels =
            ["Phone", "Self service", "E-Mail", "IVR", "Direct opening", "in-app"].map(|c| channel(Some(c)));
        use Channel::{Api, Email, InApp, Phone, Portal};
        assert_eq!(channels, [Phone, Portal, Email, Phone, Api, InApp]);
        assert_eq!(ticket_type(Some("Service Request")), TicketType::ServiceRequest);
        assert_eq!(ticket_type(None), TicketType::Incident);
    }
}

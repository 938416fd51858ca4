//! Words that ticket systems share. What no map of the mapping knows is looked up here; what is not here
//! either is unknown, and never guessed.

use guichet_schemas::words::{
    AuthorKind, Channel, Impact, Priority, RequesterKind, ResolutionCode, TicketType, Urgency, Visibility,
};

pub(super) fn channel(value: &str) -> Option<Channel> {
    let word = normal(value);
    Channel::parse(&word).or(match word.as_str() {
        "e_mail" | "mail" => Some(Channel::Email),
        "telephone" | "call" | "voice" | "ivr" => Some(Channel::Phone),
        "self_service" | "selfservice" | "customer_portal" => Some(Channel::Portal),
        "web" | "website" | "web_form" => Some(Channel::Form),
        "live_chat" | "messaging" | "virtual_agent" => Some(Channel::Chat),
        "twitter" | "facebook" | "social_media" => Some(Channel::Social),
        "mobile" | "app" => Some(Channel::InApp),
        "monitoring" | "event" | "alert" | "event_management" => Some(Channel::System),
        _ => None,
    })
}

pub(super) fn ticket_type(value: &str) -> Option<TicketType> {
    let word = normal(value);
    TicketType::parse(&word).or(match word.as_str() {
        "request" | "service" | "requested_item" => Some(TicketType::ServiceRequest),
        "change" | "change_request" => Some(TicketType::ChangeRef),
        "how_to" => Some(TicketType::Question),
        "event" => Some(TicketType::SystemEvent),
        _ => None,
    })
}

pub(super) fn priority(value: &str) -> Option<Priority> {
    Priority::parse(&value.to_ascii_lowercase())
}

pub(super) fn urgency(value: &str) -> Option<Urgency> {
    Urgency::parse(&value.to_ascii_lowercase())
}

pub(super) fn impact(value: &str) -> Option<Impact> {
    Impact::parse(&value.to_ascii_lowercase())
}

pub(super) fn resolution_code(value: &str) -> Option<ResolutionCode> {
    ResolutionCode::parse(&normal(value))
}

pub(super) fn requester_kind(value: &str) -> Option<RequesterKind> {
    RequesterKind::parse(&normal(value))
}

pub(super) fn author_kind(value: &str) -> Option<AuthorKind> {
    let word = normal(value);
    AuthorKind::parse(&word).or(match word.as_str() {
        "end_user" | "customer" | "contact" | "user" => Some(AuthorKind::Requester),
        "admin" | "staff" | "operator" => Some(AuthorKind::Agent),
        _ => None,
    })
}

pub(super) fn visibility(value: &str) -> Option<Visibility> {
    let word = normal(value);
    Visibility::parse(&word).or(match word.as_str() {
        "private" => Some(Visibility::Internal),
        _ => None,
    })
}

fn normal(value: &str) -> String {
    value.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_other_systems_are_understood_and_others_are_not_guessed() {
        let channels = ["Phone", "Self service", "E-Mail", "IVR", "Direct opening", "in-app"].map(channel);
        use Channel::{Email, InApp, Phone, Portal};
        let known = [Some(Phone), Some(Portal), Some(Email), Some(Phone), None, Some(InApp)];
        assert_eq!(channels, known);
        assert_eq!(ticket_type("Service Request"), Some(TicketType::ServiceRequest));
        assert_eq!(ticket_type("Ticket"), None);
        assert_eq!(
            (author_kind("end-user"), visibility("private")),
            (Some(AuthorKind::Requester), Some(Visibility::Internal))
        );
    }
}

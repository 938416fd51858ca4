//! How often what occurs.

use guichet_schemas::words::{Channel, Impact, Priority, ResolutionCode, TicketType, Urgency};
use rand::Rng as _;
use rand::rngs::StdRng;

use crate::topics::{TOPICS, Topic};

pub(super) fn topic(dice: &mut StdRng) -> &'static Topic {
    let mut left = dice.random_range(0..TOPICS.iter().map(|t| t.weight).sum::<u32>());
    for topic in TOPICS {
        match left.checked_sub(topic.weight) {
            Some(rest) => left = rest,
            None => return topic,
        }
    }
    &TOPICS[0]
}

pub(super) fn channel(dice: &mut StdRng, kind: TicketType) -> Channel {
    if kind == TicketType::Alert {
        return Channel::System;
    }
    match dice.random_range(0..100) {
        0..40 => Channel::Email,
        40..66 => Channel::Portal,
        66..86 => Channel::Phone,
        _ => Channel::Chat,
    }
}

pub(super) fn urgency(dice: &mut StdRng) -> Urgency {
    match dice.random_range(0..10) {
        0..4 => Urgency::Low,
        4..8 => Urgency::Medium,
        _ => Urgency::High,
    }
}

pub(super) fn impact(dice: &mut StdRng) -> Impact {
    match dice.random_range(0..10) {
        0..5 => Impact::Low,
        5..9 => Impact::Medium,
        _ => Impact::High,
    }
}

pub(super) const fn priority(urgency: Urgency, impact: Impact) -> Priority {
    match (urgency, impact) {
        (Urgency::High, Impact::High) => Priority::Urgent,
        (Urgency::High, Impact::Medium) | (Urgency::Medium, Impact::High) => Priority::High,
        (Urgency::Low, Impact::Low) => Priority::Low,
        (Urgency::Low | Urgency::Medium | Urgency::High, Impact::Low | Impact::Medium | Impact::High) => {
            Priority::Normal
        }
    }
}

pub(super) fn any_code(dice: &mut StdRng) -> ResolutionCode {
    ResolutionCode::ALL[dice.random_range(0..ResolutionCode::ALL.len())]
}

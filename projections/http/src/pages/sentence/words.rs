//! The closed lists of words in French, as they stand in a sentence.

use guichet_schemas::words::{
    CancelReason, Channel, EscalationReason, HoldReason, Impact, ResolutionCode, Strategy, TicketType,
    Urgency,
};

pub(in crate::pages) const fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "courriel",
        Channel::Phone => "téléphone",
        Channel::Chat => "messagerie",
        Channel::Form => "formulaire",
        Channel::Social => "réseau social",
        Channel::Portal => "portail",
        Channel::InApp => "application",
        Channel::System => "système",
        Channel::Sms => "SMS",
        Channel::Forum => "forum",
        Channel::Api => "API",
    }
}

pub(super) const fn hold(reason: HoldReason) -> &'static str {
    match reason {
        HoldReason::ThirdParty => "un tiers",
        HoldReason::Vendor => "le fournisseur",
        HoldReason::Change => "un changement",
        HoldReason::Problem => "un problème de fond",
        HoldReason::Internal => "un service interne",
        HoldReason::Asset => "du matériel",
    }
}

pub(super) const fn escalation(reason: EscalationReason) -> &'static str {
    match reason {
        EscalationReason::Expertise => "expertise",
        EscalationReason::Authority => "décision nécessaire",
        EscalationReason::TimeLimit => "délai",
        EscalationReason::Scope => "hors périmètre",
        EscalationReason::Complexity => "complexité",
        EscalationReason::CustomerRequest => "demande du client",
    }
}

pub(super) const fn resolution(code: ResolutionCode) -> &'static str {
    match code {
        ResolutionCode::UserEducation => "explication à l’utilisateur",
        ResolutionCode::Defect => "défaut",
        ResolutionCode::Configuration => "configuration",
        ResolutionCode::ThirdParty => "tiers",
        ResolutionCode::Duplicate => "doublon",
        ResolutionCode::CannotReproduce => "non reproductible",
        ResolutionCode::Workaround => "contournement",
        ResolutionCode::Access => "accès",
        ResolutionCode::Other => "autre",
    }
}

pub(super) const fn cancellation(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Withdrawn => "retiré",
        CancelReason::Duplicate => "doublon",
        CancelReason::Spam => "indésirable",
        CancelReason::Test => "essai",
        CancelReason::Error => "erreur",
    }
}

/// Nothing where a person or a named rule chose.
pub(super) const fn strategy(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Manual | Strategy::Rule => "",
        Strategy::RoundRobin => ", à tour de rôle",
        Strategy::LeastLoaded => ", au moins chargé",
        Strategy::Skill => ", selon les compétences",
        Strategy::Sticky => ", au même agent qu’avant",
        Strategy::Pull => ", de sa propre initiative",
    }
}

pub(super) const fn urgency(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Low => "urgence basse",
        Urgency::Medium => "urgence moyenne",
        Urgency::High => "urgence haute",
    }
}

pub(super) const fn impact(impact: Impact) -> &'static str {
    match impact {
        Impact::Low => "impact faible",
        Impact::Medium => "impact moyen",
        Impact::High => "impact fort",
    }
}

pub(super) const fn ticket_type(of: TicketType) -> &'static str {
    match of {
        TicketType::Incident => "incident",
        TicketType::ServiceRequest => "demande de service",
        TicketType::Question => "question",
        TicketType::Problem => "problème",
        TicketType::ChangeRef => "changement",
        TicketType::Complaint => "réclamation",
        TicketType::Alert => "alerte",
        TicketType::SystemEvent => "événement du système",
        TicketType::Task => "tâche",
    }
}

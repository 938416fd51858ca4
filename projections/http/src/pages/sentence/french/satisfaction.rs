//! What requesters are asked, and what they say.

use guichet_schemas::event::{Satisfaction, TicketRated};
use guichet_schemas::words::{RatingScale, SurveyKind};

use super::{instant, quote};

pub(super) fn told(event: &Satisfaction) -> String {
    match event {
        Satisfaction::SurveyRequested(e) => {
            let what = match e.kind {
                SurveyKind::Csat => "sa satisfaction",
                SurveyKind::Nps => "s’il recommanderait le service",
                SurveyKind::Ces => "l’effort que cela a demandé",
            };
            format!("a demandé à {} {what}, jusqu’au {}", e.to, instant(e.expires))
        }
        Satisfaction::TicketRated(e) => rated(e),
        Satisfaction::NpsRecorded(e) => format!("recommanderait le service : {} sur 10", e.score),
    }
}

fn rated(e: &TicketRated) -> String {
    let score = match (e.scale, e.score) {
        (RatingScale::GoodBad, 0) => "mauvais".to_owned(),
        (RatingScale::GoodBad, _) => "bon".to_owned(),
        (scale @ (RatingScale::OneToFive | RatingScale::OneToSeven), score) => {
            format!("{score} sur {}", scale.range().1)
        }
    };
    let of = e.credited_agent.as_ref().map_or(String::new(), |agent| format!(", résolu par {agent}"));
    let said = e.comment.as_ref().map_or(String::new(), |comment| format!(" : {}", quote(comment)));
    format!("a évalué le ticket{of} : {score}{said}")
}

//! What requesters are asked, and what they say.

use guichet_schemas::event::{Satisfaction, TicketRated};
use guichet_schemas::words::{RatingScale, SurveyKind};

use super::quote;

pub(super) fn told(event: &Satisfaction) -> String {
    match event {
        Satisfaction::SurveyRequested(e) => {
            let what = match e.kind {
                SurveyKind::Csat => "how satisfied they are",
                SurveyKind::Nps => "whether they would recommend the desk",
                SurveyKind::Ces => "how much effort it took",
            };
            format!("asked {} {what}, until {}", e.to, e.expires)
        }
        Satisfaction::TicketRated(e) => rated(e),
        Satisfaction::NpsRecorded(e) => format!("would recommend the desk: {} of 10", e.score),
    }
}

fn rated(e: &TicketRated) -> String {
    let score = match (e.scale, e.score) {
        (RatingScale::GoodBad, 0) => "bad".to_owned(),
        (RatingScale::GoodBad, _) => "good".to_owned(),
        (scale @ (RatingScale::OneToFive | RatingScale::OneToSeven), score) => {
            format!("{score} of {}", scale.range().1)
        }
    };
    let of = e.credited_agent.as_ref().map_or(String::new(), |agent| format!(", resolved by {agent}"));
    let said = e.comment.as_ref().map_or(String::new(), |comment| format!(": {}", quote(comment)));
    format!("rated the ticket{of}: {score}{said}")
}

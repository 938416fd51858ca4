//! The verb `rate`.

use super::Verb;
use crate::codec::check::size;
use crate::event::{Change, Meaning, Personal};
use crate::ids::SurveyId;
use crate::rejection::FieldError;
use crate::text::Body;
use crate::wire;
use crate::words::{RatingScale, TicketState};

/// Say how it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    /// On which scale.
    pub scale: RatingScale,
    /// Within its range.
    pub score: u32,
    /// In the person's own words.
    pub comment: Option<Body>,
    /// Which survey is answered.
    pub token: SurveyId,
}
// A score of 0 is one: on the wire, a forgotten one must differ from it.
message!(
    Rate,
    wire::Rate,
    |w| {
        use crate::mirror::Wire;
        Ok(Self {
            scale: Wire::from_wire(w.scale).map_err(|e: FieldError| e.in_field("scale"))?,
            score: w.score.ok_or_else(|| FieldError::new("score", "is required"))?,
            comment: Wire::from_wire(w.comment).map_err(|e: FieldError| e.in_field("comment"))?,
            token: Wire::from_wire(w.token).map_err(|e: FieldError| e.in_field("token"))?,
        })
    },
    |v| wire::Rate {
        scale: crate::mirror::Wire::to_wire(v.scale),
        score: Some(v.score),
        comment: v.comment.map(Into::into),
        token: crate::mirror::Wire::to_wire(v.token),
    }
);

impl Verb for Rate {
    const STATES: &'static [TicketState] = TicketState::ALL;

    fn check(&self) -> Result<(), FieldError> {
        in_range(self.scale, self.score)
    }
}

/// Somebody said how it was.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketRated {
    /// On which scale.
    pub scale: RatingScale,
    /// Within its range.
    pub score: u32,
    /// In the person's own words.
    pub comment: Option<Personal>,
    /// The resolver of the last resolution.
    pub credited_agent: Option<String>,
    /// The survey that was answered; an imported rating may have none.
    pub survey_id: Option<SurveyId>,
}
// An imported rating without a score is none, and not a bad one.
message!(
    TicketRated,
    wire::TicketRated,
    |w| {
        use crate::mirror::Wire;
        Ok(Self {
            scale: Wire::from_wire(w.scale).map_err(|e: FieldError| e.in_field("scale"))?,
            score: w.score.ok_or_else(|| FieldError::new("score", "is required"))?,
            comment: Wire::from_wire(w.comment).map_err(|e: FieldError| e.in_field("comment"))?,
            credited_agent: w.credited_agent,
            survey_id: Wire::from_wire(w.survey_id).map_err(|e: FieldError| e.in_field("survey_id"))?,
        })
    },
    |v| wire::TicketRated {
        scale: crate::mirror::Wire::to_wire(v.scale),
        score: Some(v.score),
        comment: crate::mirror::Wire::to_wire(v.comment),
        credited_agent: v.credited_agent,
        survey_id: crate::mirror::Wire::to_wire(v.survey_id),
    }
);

personal_texts!(TicketRated { COMMENT: comment });

impl Meaning for TicketRated {
    fn sizes(&self) -> Result<(), FieldError> {
        in_range(self.scale, self.score)?;
        size::bytes("comment", self.comment.as_ref().map_or("", size::plain), Body::BYTES)?;
        size::label("credited_agent", self.credited_agent.as_deref())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}

fn in_range(scale: RatingScale, score: u32) -> Result<(), FieldError> {
    let (lowest, highest) = scale.range();
    if (lowest..=highest).contains(&score) {
        return Ok(());
    }
    Err(FieldError::new("score", format!("must be {lowest} to {highest} on the scale {scale}")))
}

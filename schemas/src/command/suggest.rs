//! The verb `suggest`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::ids::SuggestionId;
use crate::rejection::FieldError;
use crate::text::{CategoryPath, Label, Line, Tag};
use crate::wire;
use crate::words::{Priority, SuggestionKind, TicketState, TicketType};

/// As long as the longest of what can be suggested.
const VALUE_CHARACTERS: usize = CategoryPath::CHARACTERS;
/// A model cannot be surer.
const SCORE_MAX: u32 = 100;

/// Note what a model makes of the ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggest {
    /// Of what.
    pub kind: SuggestionKind,
    /// Which value.
    pub value: Line<VALUE_CHARACTERS>,
    /// How sure the model is.
    pub score: u32,
    /// Which model.
    pub model: Label,
}
// A model may be sure of nothing: on the wire, a forgotten score must differ from it.
message!(
    Suggest,
    wire::Suggest,
    |w| {
        use crate::mirror::Wire;
        Ok(Self {
            kind: Wire::from_wire(w.kind).map_err(|e: FieldError| e.in_field("kind"))?,
            value: Wire::from_wire(w.value).map_err(|e: FieldError| e.in_field("value"))?,
            score: w.score.ok_or_else(|| FieldError::new("score", "is required"))?,
            model: Wire::from_wire(w.model).map_err(|e: FieldError| e.in_field("model"))?,
        })
    },
    |v| wire::Suggest {
        kind: crate::mirror::Wire::to_wire(v.kind),
        value: v.value.into(),
        score: Some(v.score),
        model: v.model.into(),
    }
);

impl Verb for Suggest {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        scored(self.score)?;
        fits(self.kind, self.value.as_str())
    }

    /// Only the desk sees it.
    fn is_internal(&self) -> bool {
        true
    }
}

fn scored(score: u32) -> Result<(), FieldError> {
    if score > SCORE_MAX {
        return Err(FieldError::new("score", format!("must be 0 to {SCORE_MAX}")));
    }
    Ok(())
}

/// Whether a value is one of what is suggested.
fn fits(kind: SuggestionKind, value: &str) -> Result<(), FieldError> {
    let rule = match kind {
        SuggestionKind::Priority if Priority::parse(value).is_none() => {
            Err(FieldError::rule("must be a priority, such as high"))
        }
        SuggestionKind::Type if TicketType::parse(value).is_none() => {
            Err(FieldError::rule("must be a type, such as incident"))
        }
        SuggestionKind::Tag | SuggestionKind::Sentiment => Tag::parse(value.to_owned()).map(|_| ()),
        SuggestionKind::Group => Label::parse(value.to_owned()).map(|_| ()),
        SuggestionKind::Category | SuggestionKind::Priority | SuggestionKind::Type => Ok(()),
    };
    rule.map_err(|e| e.in_field("value"))
}

/// A model made something of the ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassificationSuggested {
    /// Which suggestion.
    pub suggestion_id: SuggestionId,
    /// Of what.
    pub kind: SuggestionKind,
    /// Which value.
    pub value: String,
    /// How sure the model is, 0 to 100.
    pub score: u32,
    /// Which model.
    pub model: String,
}
message!(
    ClassificationSuggested,
    wire::ClassificationSuggested,
    |w| {
        use crate::mirror::Wire;
        Ok(Self {
            suggestion_id: Wire::from_wire(w.suggestion_id)
                .map_err(|e: FieldError| e.in_field("suggestion_id"))?,
            kind: Wire::from_wire(w.kind).map_err(|e: FieldError| e.in_field("kind"))?,
            value: w.value,
            score: w.score.ok_or_else(|| FieldError::new("score", "is required"))?,
            model: w.model,
        })
    },
    |v| wire::ClassificationSuggested {
        suggestion_id: crate::mirror::Wire::to_wire(v.suggestion_id),
        kind: crate::mirror::Wire::to_wire(v.kind),
        value: v.value,
        score: Some(v.score),
        model: v.model,
    }
);

personal_texts!(ClassificationSuggested {});

impl Meaning for ClassificationSuggested {
    fn sizes(&self) -> Result<(), FieldError> {
        scored(self.score)?;
        size::characters("value", &self.value, VALUE_CHARACTERS)?;
        size::label("model", Some(&self.model))
    }

    /// The ticket is as it was.
    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}

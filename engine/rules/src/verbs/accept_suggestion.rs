//! The verb `accept_suggestion`: whoever accepts does what the model suggested, by the rules of the verb that does it.

use guichet_schemas::command::{
    AcceptSuggestion, Assign, ChangeTags, Command, Order, SetCategory, SetPriority, SetType,
};
use guichet_schemas::event::SuggestionAccepted;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::text::{CategoryPath, Label, Tag};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{Priority, SuggestionKind, TicketType};

use super::shared::of_the_desk;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{Suggestion, Ticket};
use crate::transition::require;

impl Decide for AcceptSuggestion {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        let missing =
            || Rejection::NotFound { what: format!("a suggestion of ticket {} with this id", ticket.number) };
        let suggestion = ticket.assistance.suggestions.get(&self.suggestion_id).ok_or_else(missing)?;
        require(ticket, &command.order)?;
        if suggestion.accepted {
            return Ok(Vec::new());
        }
        // An import may hold what no list of ours knows.
        let kind = SuggestionKind::parse(&suggestion.kind).ok_or_else(missing)?;
        let accepted =
            SuggestionAccepted { suggestion_id: self.suggestion_id, kind, value: suggestion.value.clone() };
        let mut drafts = vec![Draft::of(accepted)];
        drafts.extend(taken_over(kind, suggestion, ticket, command, context)?);
        Ok(drafts)
    }
}

/// What somebody would send to do it by hand, decided as that.
fn taken_over(
    kind: SuggestionKind,
    suggestion: &Suggestion,
    ticket: &Ticket,
    command: &Command,
    context: &Context<'_>,
) -> Result<Vec<Draft>, Rejection> {
    let value = &suggestion.value;
    let unusable = |rule: FieldError| Rejection::GuardFailed {
        guard: "suggestion",
        message: format!("what was suggested for ticket {}, {value:?}, {}", ticket.number, rule.rule),
    };
    let by_hand = |order: Order| Command { order, ..command.clone() };
    let listed = |command: &Command| context.desk.knows(&command.order).map_err(unusable);
    match kind {
        SuggestionKind::Sentiment => Ok(Vec::new()),
        SuggestionKind::Category => {
            let category = CategoryPath::parse(value.clone()).map_err(unusable)?;
            let order = SetCategory { category: Some(category) };
            let command = by_hand(Order::SetCategory(order.clone()));
            listed(&command)?;
            order.decide(ticket, &command, context)
        }
        SuggestionKind::Priority => {
            let priority =
                Priority::parse(value).ok_or_else(|| unusable(FieldError::rule("is no priority")))?;
            let order = SetPriority { urgency: None, impact: None, priority: Some(priority), reason: None };
            let command = by_hand(Order::SetPriority(order.clone()));
            order.decide(ticket, &command, context)
        }
        SuggestionKind::Type => {
            let to = TicketType::parse(value).ok_or_else(|| unusable(FieldError::rule("is no type")))?;
            let order = SetType { r#type: to };
            let command = by_hand(Order::SetType(order.clone()));
            order.decide(ticket, &command, context)
        }
        SuggestionKind::Tag => {
            let tag = Tag::parse(value.clone()).map_err(unusable)?;
            let order = ChangeTags { add: vec![tag], remove: Vec::new() };
            let command = by_hand(Order::ChangeTags(order.clone()));
            listed(&command)?;
            order.decide(ticket, &command, context)
        }
        SuggestionKind::Group => {
            let group = Label::parse(value.clone()).map_err(unusable)?;
            let order = Assign { assignee: None, group: Some(group), reason: None, handover_note: None };
            let command = by_hand(Order::Assign(order.clone()));
            listed(&command)?;
            order.decide(ticket, &command, context)
        }
    }
}

impl Fold for SuggestionAccepted {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        if let Some(suggestion) = ticket.assistance.suggestions.get_mut(&self.suggestion_id) {
            suggestion.accepted = true;
        }
    }
}

//! The verb `redact_comment`.

use guichet_schemas::command::{Command, RedactComment, limits};
use guichet_schemas::event::{CommentRedacted, Personal, TextSpan};
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;

use super::make_comment_private::comment_of;
use super::shared::of_the_desk;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{Redacted, Ticket};
use crate::transition::require;

impl Decide for RedactComment {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        let comment = comment_of(ticket, self.comment_id, context)?;
        require(ticket, &command.order)?;
        let spans = TextSpan::joined(&self.spans);
        let hidden = ticket.moderation.redacted.get(&self.comment_id);
        if hidden.is_some_and(|hidden| hidden.hides(&spans)) {
            return Ok(Vec::new());
        }
        fits(&spans, comment.body)?;
        let after = hidden.cloned().unwrap_or(Redacted::Spans(Vec::new())).and(&spans);
        if let Redacted::Spans(all) = &after
            && all.len() > limits::SPANS
        {
            return Err(Rejection::GuardFailed {
                guard: "spans",
                message: format!(
                    "the comment would have {} redacted spans, and {} is the most: redact it whole",
                    all.len(),
                    limits::SPANS
                ),
            });
        }
        let reason = self.reason.as_str().to_owned();
        Ok(vec![Draft::of(CommentRedacted { comment_id: self.comment_id, spans, reason })])
    }
}

/// A span beyond the text would hide less than whoever sends it believes.
fn fits(spans: &[TextSpan], body: &Personal) -> Result<(), Rejection> {
    let Some(last) = spans.last() else { return Ok(()) };
    let Personal::Plain(text) = body else {
        return Err(Rejection::GuardFailed {
            guard: "sealed",
            message: "the text cannot be read any more, so no span of it can be told: redact it whole"
                .to_owned(),
        });
    };
    let characters = text.chars().count();
    if last.end() as usize > characters {
        let rule = format!("must lie within the text, which has {characters} characters");
        return Err(FieldError::new("data.spans", rule).into());
    }
    Ok(())
}

impl Fold for CommentRedacted {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        let redacted = &mut ticket.moderation.redacted;
        let before = redacted.remove(&self.comment_id).unwrap_or(Redacted::Spans(Vec::new()));
        redacted.insert(self.comment_id, before.and(&self.spans));
    }
}

//! The verb `broadcast_to_linked`.

use guichet_schemas::command::{BroadcastToLinked, Command, limits};
use guichet_schemas::event::{BroadcastSent, CommentAdded, Personal};
use guichet_schemas::ids::CommentId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{AuthorKind, CommentKind, Visibility};

use super::declare_problem::incidents;
use super::shared::{comment, of_the_desk, speaks_freely};
use super::{Decide, Fold};
use crate::beside::Other;
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for BroadcastToLinked {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        require(ticket, &command.order)?;
        speaks_freely(ticket, command, context)?;
        let linked = incidents(ticket).count();
        let live: Vec<&Other> =
            context.others.iter().filter(|other| !other.ticket.state().is_terminal()).collect();
        if live.is_empty() {
            let message = format!(
                "ticket {} is the problem behind no ticket that is open; nobody would be told",
                ticket.number
            );
            return Err(Rejection::GuardFailed { guard: "incidents", message });
        }
        let texts: Vec<String> =
            live.iter().map(|incident| told(self.template.as_str(), incident, ticket)).collect();
        if texts.iter().map(String::len).fold(0, usize::saturating_add) > limits::COPIED_BYTES {
            return Err(Rejection::PayloadTooLarge {
                what: "the text of the comments together",
                max: limits::COPIED_BYTES as u64,
            });
        }
        let comments = live.iter().zip(texts).map(|(incident, text)| written(incident, text, command));
        let mut drafts: Vec<Draft> = comments.collect();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        drafts.push(Draft::of(BroadcastSent {
            reached: count(live.len()),
            over: count(linked.saturating_sub(live.len())),
            template: self.template.clone().into(),
        }));
        Ok(drafts)
    }
}

/// The template with the numbers of one incident.
fn told(template: &str, incident: &Other, problem: &Ticket) -> String {
    let numbers = [("{number}", incident.ticket.number), ("{problem}", problem.number)];
    let template = template.to_owned();
    numbers.into_iter().fold(template, |text, (place, number)| text.replace(place, &number.to_string()))
}

/// Nobody has looked at the incident, so it is no answer: it comes from the system, whoever sent it.
fn written(incident: &Other, text: String, command: &Command) -> Draft {
    let id = CommentId(command.command_id.derive(&format!("comment {}", incident.id)));
    let comment = comment(command, id, Visibility::Public, CommentKind::Message, Personal::Plain(text));
    let comment = CommentAdded { author_kind: AuthorKind::System, counts_as_reply: false, ..comment };
    Draft::at(incident.id, comment)
}

impl Fold for BroadcastSent {
    fn fold(&self, _: &mut Ticket, _: Timestamp) {}
}

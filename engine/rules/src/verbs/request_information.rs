//! The verb `request_information`: a question in public, and the ticket waits for its requester. The guard of `pending` has
//! nothing to say: whoever asks has answered.

use guichet_schemas::command::{Command, RequestInformation};
use guichet_schemas::event::StatusChanged;
use guichet_schemas::ids::CommentId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::{CommentKind, StatusCause, TicketState, Visibility};

use super::Decide;
use super::shared::{comment, moved, speaks_freely};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for RequestInformation {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        speaks_freely(ticket, command, context)?;
        let id = CommentId(command.command_id.derive("comment"));
        let body = self.comment.clone().into();
        let asked = comment(command, id, Visibility::Public, CommentKind::Message, body);
        let waits = (ticket.state() != TicketState::Pending).then(|| StatusChanged {
            expected_until: self.expected_until,
            ..moved(ticket, TicketState::Pending, StatusCause::Command)
        });
        Ok([Draft::of(asked)].into_iter().chain(waits.map(Draft::of)).collect())
    }
}

//! The verb `add_side_message`. It is no answer to the requester: no clock and no state moves.

use guichet_schemas::command::{AddSideMessage, Command};
use guichet_schemas::event::SideMessageAdded;
use guichet_schemas::ids::SideId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{AuthorKind, CommentKind, Visibility};

use super::shared::{comment, of_the_desk};
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{Side, Ticket};
use crate::transition::require;

impl Decide for AddSideMessage {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        let side = side_of(ticket, self.side_id)?;
        require(ticket, &command.order)?;
        if side.closed {
            let message =
                format!("the side conversation of ticket {} is over; open another one", ticket.number);
            return Err(Rejection::GuardFailed { guard: "side_conversation", message });
        }
        let body = self.body.clone().into();
        let id = guichet_schemas::ids::CommentId(command.command_id.derive("side"));
        let by_desk = comment(command, id, Visibility::Internal, CommentKind::Message, body);
        let is_party = self.from_party || side.with == command.actor.id;
        let (author, author_kind) = match (is_party, side.is_third_party) {
            (false, _) => (by_desk.author, by_desk.author_kind),
            (true, true) => (side.with.clone(), AuthorKind::ThirdParty),
            (true, false) => (side.with.clone(), AuthorKind::Peer),
        };
        Ok(vec![Draft::of(SideMessageAdded {
            side_id: self.side_id,
            author,
            author_kind,
            body: by_desk.body,
        })])
    }
}

pub(super) fn side_of(ticket: &Ticket, id: SideId) -> Result<&Side, Rejection> {
    ticket.assistance.sides.get(&id).ok_or_else(|| Rejection::NotFound {
        what: format!("a side conversation of ticket {} with this id", ticket.number),
    })
}

impl Fold for SideMessageAdded {
    /// No decision depends on it.
    fn fold(&self, _: &mut Ticket, _: Timestamp) {}
}

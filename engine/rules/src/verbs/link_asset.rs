//! The verb `link_asset`.

use guichet_schemas::command::{Command, LinkAsset, limits};
use guichet_schemas::event::AssetLinked;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::text::Label;
use guichet_schemas::time::Timestamp;

use super::shared::{of_the_desk, room_for};
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;

impl Decide for LinkAsset {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        let text = |label: &Label| label.as_str().to_owned();
        let asset = (text(&self.system), text(&self.asset));
        if ticket.elsewhere.assets.contains(&asset) {
            return Ok(Vec::new());
        }
        room_for(ticket, "assets", ticket.elsewhere.assets.len(), limits::ASSETS)?;
        Ok(vec![Draft::of(AssetLinked {
            system: asset.0,
            asset: asset.1,
            kind: self.kind.as_ref().map(text),
            label: self.label.as_ref().map(text),
        })])
    }
}

impl Fold for AssetLinked {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.elsewhere.assets.insert((self.system.clone(), self.asset.clone()));
    }
}

//! Attributes of which a ticket has many.

use guichet_schemas::event::FieldValue;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire::{TicketLink, TicketView};

pub(super) fn names(names: &mut Vec<String>, added: &[String], removed: &[String]) {
    names.retain(|name| !removed.contains(name));
    for name in added {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
}

pub(super) fn field(row: &mut TicketView, name: &str, to: Option<&FieldValue>) {
    match to.cloned().to_wire() {
        Some(value) => row.fields.insert(name.to_owned(), value),
        None => row.fields.remove(name),
    };
}

pub(super) fn link(row: &mut TicketView, link: TicketLink, comes: bool) {
    let of = |link: &TicketLink| (link.ticket_id.clone(), link.kind, link.from_other);
    row.links.retain(|known| of(known) != of(&link));
    if comes {
        row.links.push(link);
    }
}

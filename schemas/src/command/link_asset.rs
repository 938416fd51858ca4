//! The verb `link_asset`.

use super::Verb;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::text::Label;
use crate::words::TicketState;

mirror! {
    /// Say which equipment the ticket is about.
    pub struct LinkAsset {
        /// Name of the system that keeps the inventory.
        pub system: Label,
        /// Its identifier there.
        pub asset: Label,
        /// What it is, such as laptop.
        pub kind: Option<Label>,
        /// What people call it.
        pub label: Option<Label>,
    }
}

impl Verb for LinkAsset {
    const STATES: &'static [TicketState] = TicketState::ALL;
}

mirror! {
    /// The ticket is about a piece of equipment.
    pub struct AssetLinked {
        /// Name of the system that keeps the inventory.
        pub system: String,
        /// Its identifier there.
        pub asset: String,
        /// What it is.
        pub kind: Option<String>,
        /// What people call it.
        pub label: Option<String>,
    }
}

personal_texts!(AssetLinked {});

impl Meaning for AssetLinked {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("system", Some(&self.system))?;
        size::label("asset", Some(&self.asset))?;
        size::label("kind", self.kind.as_deref())?;
        size::label("label", self.label.as_deref())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}

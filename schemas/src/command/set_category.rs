//! The verb `set_category`.

use super::verb::UNTIL_CLOSED;
use super::{Name, Verb};
use crate::text::CategoryPath;
use crate::words::TicketState;

mirror! {
    /// Change the category; none clears it.
    pub struct SetCategory {
        /// Path.
        pub category: Option<CategoryPath>,
    }
}

impl Verb for SetCategory {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn names(&self) -> Vec<Name<'_>> {
        self.category.iter().map(|path| Name::Category("category", path)).collect()
    }
}

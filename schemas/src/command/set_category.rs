//! The verb `set_category`.

use super::verb::UNTIL_CLOSED;
use super::{Name, Verb};
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
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

mirror! {
    /// The category changed.
    pub struct CategoryChanged {
        /// From.
        pub from: Option<String>,
        /// To.
        pub to: Option<String>,
    }
}

personal_texts!(CategoryChanged {});

impl Meaning for CategoryChanged {
    fn sizes(&self) -> Result<(), FieldError> {
        size::category("from", self.from.as_deref())?;
        size::category("to", self.to.as_deref())
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Category { from: self.from.as_deref(), to: self.to.as_deref() });
    }
}

//! Classification: what a ticket is about and how much it matters.

use super::FieldValue;
use crate::words::{Impact, Priority, StatusCause, Urgency};

mirror! {
    /// Priority, urgency or impact changed.
    pub struct PriorityChanged {
        /// From.
        pub from: Priority,
        /// To.
        pub to: Priority,
        /// Urgency.
        pub urgency: Option<Urgency>,
        /// Impact.
        pub impact: Option<Impact>,
        /// Cause.
        pub cause: StatusCause,
        /// Reason.
        pub reason: Option<String>,
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

mirror! {
    /// Tags were added or removed.
    pub struct TagsChanged {
        /// Added.
        pub added: Vec<String>,
        /// Removed.
        pub removed: Vec<String>,
    }
}

mirror! {
    /// A custom field changed; absent: it has no value.
    pub struct FieldChanged {
        /// Field.
        pub field: String,
        /// From.
        pub from: Option<FieldValue>,
        /// To.
        pub to: Option<FieldValue>,
    }
}

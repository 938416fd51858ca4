//! Ownership: which group, agent and tier has a ticket.

use crate::ids::CommentId;
use crate::words::{EscalationKind, EscalationReason, Strategy};

mirror! {
    /// The ticket moved to another group, or to none, and keeps its assignee.
    pub struct TicketRouted {
        /// From group.
        pub from_group: Option<String>,
        /// Absent: the group was cleared.
        pub to_group: Option<String>,
        /// Rule.
        pub rule: Option<String>,
        /// Strategy.
        pub strategy: Strategy,
        /// Reason.
        pub reason: Option<String>,
    }
}

mirror! {
    /// The ticket has a new assignee.
    pub struct TicketAssigned {
        /// From.
        pub from: Option<String>,
        /// To.
        pub to: String,
        /// The group from now on; absent: none.
        pub group: Option<String>,
        /// Strategy.
        pub strategy: Strategy,
        /// Comment with the handover note.
        pub handover_comment: Option<CommentId>,
        /// Count of assignments of this ticket, this one included.
        pub station_no: u32,
        /// Reason.
        pub reason: Option<String>,
    }
}

mirror! {
    /// The ticket has no assignee any more.
    pub struct TicketUnassigned {
        /// From.
        pub from: String,
        /// Reason.
        pub reason: Option<String>,
    }
}

mirror! {
    /// The ticket went to a higher tier, or to a manager.
    pub struct TicketEscalated {
        /// Kind.
        pub kind: EscalationKind,
        /// From tier.
        pub from_tier: u32,
        /// To tier.
        pub to_tier: u32,
        /// To manager.
        pub to_manager: Option<String>,
        /// Reason.
        pub reason: EscalationReason,
        /// Tags and category at that time, for reports that must not depend on later edits.
        pub tags_at: Vec<String>,
        /// Category at.
        pub category_at: Option<String>,
        /// Note comment.
        pub note_comment: Option<CommentId>,
    }
}

mirror! {
    /// The ticket went back to a lower tier.
    pub struct TicketDeescalated {
        /// From tier.
        pub from_tier: u32,
        /// To tier.
        pub to_tier: u32,
        /// Reason.
        pub reason: Option<String>,
    }
}

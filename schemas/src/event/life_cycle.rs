//! Life cycle: how a ticket comes into being, changes its state and ends.

use std::collections::BTreeMap;

use super::{ExternalRef, FieldValue, Personal};
use crate::hash::Hash;
use crate::time::Timestamp;
use crate::words::{
    ActorKind, CancelReason, Channel, CloseReason, ConfirmedBy, HoldReason, Impact, Origin, Priority,
    RequesterKind, ResolutionCode, StatusCause, TicketState, TicketType, Urgency,
};

mirror! {
    /// A ticket came into being. With an assignee it starts open, else new.
    pub struct TicketCreated {
        /// Dense per tenant, from 1.
        pub number: u64,
        /// Subject.
        pub subject: Personal,
        /// Description.
        pub description: Personal,
        /// Identifier of the requester; a pseudonym.
        pub requester: String,
        /// Requester kind.
        pub requester_kind: Option<RequesterKind>,
        /// Requester name.
        pub requester_name: Option<Personal>,
        /// Requester email.
        pub requester_email: Option<Personal>,
        /// Requester phone.
        pub requester_phone: Option<Personal>,
        /// Channel.
        pub channel: Channel,
        /// Origin.
        pub origin: Origin,
        /// Type.
        pub r#type: TicketType,
        /// Path, such as technical/network.
        pub category: Option<String>,
        /// Urgency.
        pub urgency: Option<Urgency>,
        /// Impact.
        pub impact: Option<Impact>,
        /// Priority.
        pub priority: Priority,
        /// Tags.
        pub tags: Vec<String>,
        /// Group.
        pub group: Option<String>,
        /// Assignee.
        pub assignee: Option<String>,
        /// 0 to 4; the entry tier is 1.
        pub tier: u32,
        /// Product.
        pub product: Option<String>,
        /// Brand.
        pub brand: Option<String>,
        /// Language.
        pub language: Option<String>,
        /// Organisation.
        pub organisation: Option<String>,
        /// External ref.
        pub external_ref: Option<ExternalRef>,
        /// Fields.
        pub fields: BTreeMap<String, FieldValue>,
        /// Due at.
        pub due_at: Option<Timestamp>,
        /// Synthetic.
        pub synthetic: bool,
    }
}

mirror! {
    /// The facts that follow, up to the next command, come from another system.
    pub struct TicketImported {
        /// Source.
        pub source: String,
        /// External id.
        pub external_id: String,
        /// From 1; a long history arrives in several parts.
        pub part: u32,
        /// Parts.
        pub parts: u32,
        /// Original created at.
        pub original_created_at: Option<Timestamp>,
        /// Mapping version.
        pub mapping_version: Option<String>,
        /// Facts of the ticket that are imported with this command done; absent in older logs.
        pub facts: Option<u64>,
        /// Digest of all of them; absent in older logs.
        pub digest: Option<Hash>,
    }
}

mirror! {
    /// The ticket moved between new, open, pending and hold.
    pub struct StatusChanged {
        /// From.
        pub from: TicketState,
        /// To.
        pub to: TicketState,
        /// Custom status.
        pub custom_status: Option<String>,
        /// Hold reason.
        pub hold_reason: Option<HoldReason>,
        /// Expected until.
        pub expected_until: Option<Timestamp>,
        /// Cause.
        pub cause: StatusCause,
        /// It began to wait for a requester who had no answer, and the agent was warned.
        pub unanswered: bool,
    }
}

mirror! {
    /// The ticket was resolved.
    pub struct TicketResolved {
        /// Identifier of the resolver.
        pub by: String,
        /// Code.
        pub code: ResolutionCode,
        /// Summary.
        pub summary: Personal,
        /// Steps.
        pub steps: Vec<String>,
        /// Root cause.
        pub root_cause: Option<String>,
        /// Confirmed by.
        pub confirmed_by: ConfirmedBy,
        /// Override reason.
        pub override_reason: Option<String>,
        /// From 1, one more at each resolution of the ticket.
        pub resolution_no: u32,
    }
}

mirror! {
    /// A resolved (imported: or closed) ticket is open again.
    pub struct TicketReopened {
        /// By kind.
        pub by_kind: ActorKind,
        /// Reason.
        pub reason: Option<String>,
        /// The resolution that did not hold.
        pub resolution_no: u32,
        /// Resolver of last.
        pub resolver_of_last: Option<String>,
        /// Since resolved ms.
        pub since_resolved_ms: u64,
        /// Follow up.
        pub follow_up: bool,
    }
}

mirror! {
    /// The ticket is over.
    pub struct TicketClosed {
        /// Reason.
        pub reason: CloseReason,
        /// Auto.
        pub auto: bool,
    }
}

mirror! {
    /// The ticket was given up before it was resolved.
    pub struct TicketCancelled {
        /// Reason.
        pub reason: CancelReason,
    }
}

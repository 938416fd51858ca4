//! The verb `create`.

use std::collections::BTreeMap;

use super::{Name, Requester, Verb, limits};
use crate::codec::check::{at_most, check_fields};
use crate::event::{ExternalRef, FieldValue};
use crate::rejection::FieldError;
use crate::text::{Body, CategoryPath, Label, Subject, Tag};
use crate::time::Timestamp;
use crate::words::{Channel, Impact, Origin, Priority, TicketState, TicketType, Urgency};

mirror! {
    /// Open a ticket.
    pub struct Create {
        /// One line.
        pub subject: Subject,
        /// As told by the requester.
        pub description: Body,
        /// Where it came from.
        pub channel: Channel,
        /// Who has the problem.
        pub requester: Requester,
        /// Default: by the kind of actor.
        pub origin: Option<Origin>,
        /// Default: incident.
        pub r#type: Option<TicketType>,
        /// Path.
        pub category: Option<CategoryPath>,
        /// How soon it hurts.
        pub urgency: Option<Urgency>,
        /// How much it hurts.
        pub impact: Option<Impact>,
        /// Default: normal.
        pub priority: Option<Priority>,
        /// At most 64.
        pub tags: Vec<Tag>,
        /// Group from the start.
        pub group: Option<Label>,
        /// Assignee from the start: the ticket starts open.
        pub assignee: Option<Label>,
        /// Product concerned.
        pub product: Option<Label>,
        /// Brand.
        pub brand: Option<Label>,
        /// Language of the requester.
        pub language: Option<Label>,
        /// Organisation of the requester.
        pub organisation: Option<Label>,
        /// Identity elsewhere, unique per source.
        pub external_ref: Option<ExternalRef>,
        /// Custom fields.
        pub fields: BTreeMap<String, FieldValue>,
        /// Manual due instant.
        pub due_at: Option<Timestamp>,
        /// Training ticket, left out of every figure.
        pub synthetic: bool,
    }
}

impl Verb for Create {
    const STATES: &'static [TicketState] = &[];

    fn check(&self) -> Result<(), FieldError> {
        at_most("tags", self.tags.len(), limits::TAGS)?;
        check_fields(&self.fields)?;
        self.external_ref.as_ref().map_or(Ok(()), |r| {
            Label::parse(r.source.clone()).map_err(|e| e.in_field("external_ref.source"))?;
            Label::parse(r.id.clone()).map_err(|e| e.in_field("external_ref.id")).map(|_| ())
        })
    }

    fn names(&self) -> Vec<Name<'_>> {
        let assignee = self.assignee.as_ref().map(|id| Name::Agent("assignee", id));
        let group = self.group.as_ref().map(|id| Name::Group("group", id));
        let category = self.category.as_ref().map(|path| Name::Category("category", path));
        [assignee, group, category, Some(Name::Tags("tags", &self.tags))].into_iter().flatten().collect()
    }
}

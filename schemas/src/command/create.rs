//! The verb `create`.

use std::collections::BTreeMap;

use super::{Name, Requester, Verb, limits};
use crate::codec::check::{at_most, check_fields, size, tier};
use crate::event::{Change, ExternalRef, FieldValue, Meaning, Personal};
use crate::rejection::FieldError;
use crate::text::{Body, CategoryPath, Label, Subject, Tag};
use crate::time::Timestamp;
use crate::words::{Channel, Impact, Origin, Priority, RequesterKind, TicketState, TicketType, Urgency};

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
        /// Only these groups see it; none: everybody.
        pub restricted_to: Vec<Label>,
    }
}

impl Verb for Create {
    const STATES: &'static [TicketState] = &[];

    fn check(&self) -> Result<(), FieldError> {
        at_most("tags", self.tags.len(), limits::TAGS)?;
        check_fields(&self.fields)?;
        at_most("restricted_to", self.restricted_to.len(), limits::RESTRICTED_TO)?;
        self.external_ref.as_ref().map_or(Ok(()), |r| {
            Label::parse(r.source.clone()).map_err(|e| e.in_field("external_ref.source"))?;
            Label::parse(r.id.clone()).map_err(|e| e.in_field("external_ref.id")).map(|_| ())
        })
    }

    fn names(&self) -> Vec<Name<'_>> {
        let assignee = self.assignee.as_ref().map(|id| Name::Agent("assignee", id));
        let group = self.group.as_ref().map(|id| Name::Group("group", id));
        let category = self.category.as_ref().map(|path| Name::Category("category", path));
        let restricted_to = self.restricted_to.iter().map(|group| Name::Group("restricted_to", group));
        let one = [assignee, group, category, Some(Name::Tags("tags", &self.tags))].into_iter().flatten();
        one.chain(restricted_to).collect()
    }
}

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
        /// Only these groups see it; none: everybody.
        pub restricted_to: Vec<String>,
    }
}

personal_texts!(TicketCreated {
    SUBJECT: subject,
    DESCRIPTION: description,
    REQUESTER_NAME: requester_name,
    REQUESTER_EMAIL: requester_email,
    REQUESTER_PHONE: requester_phone,
});

impl Meaning for TicketCreated {
    fn sizes(&self) -> Result<(), FieldError> {
        size::characters("subject", size::plain(&self.subject), Subject::CHARACTERS)?;
        size::bytes("description", size::plain(&self.description), Body::BYTES)?;
        size::label("requester", Some(&self.requester))?;
        size::label("requester_name", self.requester_name.as_ref().map(size::plain))?;
        size::label("requester_email", self.requester_email.as_ref().map(size::plain))?;
        size::label("requester_phone", self.requester_phone.as_ref().map(size::plain))?;
        size::category("category", self.category.as_deref())?;
        size::tags("tags", &self.tags)?;
        tier("tier", Some(self.tier))?;
        size::labels("restricted_to", &self.restricted_to, limits::RESTRICTED_TO)?;
        let names = [
            ("group", &self.group),
            ("assignee", &self.assignee),
            ("product", &self.product),
            ("brand", &self.brand),
            ("language", &self.language),
            ("organisation", &self.organisation),
        ];
        names.into_iter().try_for_each(|(name, text)| size::label(name, text.as_deref()))?;
        if let Some(reference) = &self.external_ref {
            size::label("external_ref.source", Some(&reference.source))?;
            size::label("external_ref.id", Some(&reference.id))?;
        }
        check_fields(&self.fields)
    }

    /// The values of a creation are first values, not changes.
    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}

    fn enters(&self) -> Option<TicketState> {
        Some(if self.assignee.is_some() { TicketState::Open } else { TicketState::New })
    }
}

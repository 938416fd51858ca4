//! Which fields of which events hold personal texts: the ones that are sealed.

use crate::event::{Conversation, Event, LifeCycle, Personal, TicketEvent};
use crate::wire;
use crate::wire::record::Data;

macro_rules! fields {
    ($($variant:ident = $name:literal,)*) => {
        /// A field that holds a personal text. Its name is part of what a sealed text is bound to: it never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field { $(#[doc = concat!("`", $name, "`.")] $variant,)* }

        impl Field {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Event and field, such as `TicketCreated.subject`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

fields! {
    TicketCreatedSubject = "TicketCreated.subject",
    TicketCreatedDescription = "TicketCreated.description",
    TicketCreatedRequesterName = "TicketCreated.requester_name",
    TicketCreatedRequesterEmail = "TicketCreated.requester_email",
    TicketCreatedRequesterPhone = "TicketCreated.requester_phone",
    TicketResolvedSummary = "TicketResolved.summary",
    CommentAddedBody = "CommentAdded.body",
}

/// Shows every personal text of an event.
///
/// # Errors
/// The first of `visit`.
pub fn each<E>(
    event: &mut Event,
    mut visit: impl FnMut(Field, &mut Personal) -> Result<(), E>,
) -> Result<(), E> {
    let Event::Ticket(event) = event else { return Ok(()) };
    match event {
        TicketEvent::LifeCycle(LifeCycle::TicketCreated(e)) => {
            visit(Field::TicketCreatedSubject, &mut e.subject)?;
            visit(Field::TicketCreatedDescription, &mut e.description)?;
            for (field, text) in [
                (Field::TicketCreatedRequesterName, &mut e.requester_name),
                (Field::TicketCreatedRequesterEmail, &mut e.requester_email),
                (Field::TicketCreatedRequesterPhone, &mut e.requester_phone),
            ] {
                text.as_mut().map_or(Ok(()), |text| visit(field, text))?;
            }
            Ok(())
        }
        TicketEvent::LifeCycle(LifeCycle::TicketResolved(e)) => {
            visit(Field::TicketResolvedSummary, &mut e.summary)
        }
        TicketEvent::Conversation(Conversation::CommentAdded(e)) => {
            visit(Field::CommentAddedBody, &mut e.body)
        }
        TicketEvent::LifeCycle(_) | TicketEvent::Ownership(_) | TicketEvent::Classification(_) => Ok(()),
    }
}

/// True where an event holds a personal text.
#[must_use]
pub const fn holds(event: &Event) -> bool {
    matches!(
        event,
        Event::Ticket(
            TicketEvent::LifeCycle(LifeCycle::TicketCreated(_) | LifeCycle::TicketResolved(_))
                | TicketEvent::Conversation(Conversation::CommentAdded(_))
        )
    )
}

/// The name, in its event, of the first text that is sealed already.
#[must_use]
pub fn sealed_field(event: &Event) -> Option<&'static str> {
    let sealed = |text: &Personal| matches!(text, Personal::Sealed(_));
    let optional = |text: &Option<Personal>| text.as_ref().is_some_and(sealed);
    let Event::Ticket(event) = event else { return None };
    match event {
        TicketEvent::LifeCycle(LifeCycle::TicketCreated(e)) => {
            let texts = [
                ("subject", sealed(&e.subject)),
                ("description", sealed(&e.description)),
                ("requester_name", optional(&e.requester_name)),
                ("requester_email", optional(&e.requester_email)),
                ("requester_phone", optional(&e.requester_phone)),
            ];
            texts.into_iter().find(|(_, sealed)| *sealed).map(|(name, _)| name)
        }
        TicketEvent::LifeCycle(LifeCycle::TicketResolved(e)) => sealed(&e.summary).then_some("summary"),
        TicketEvent::Conversation(Conversation::CommentAdded(e)) => sealed(&e.body).then_some("body"),
        TicketEvent::LifeCycle(_) | TicketEvent::Ownership(_) | TicketEvent::Classification(_) => None,
    }
}

/// The personal texts of an event in its form on the wire, each with its field.
pub fn on_wire(data: &mut Data) -> impl Iterator<Item = (Field, &mut wire::Personal)> {
    let texts = if let Data::TicketCreated(e) = data {
        vec![
            (Field::TicketCreatedSubject, e.subject.as_mut()),
            (Field::TicketCreatedDescription, e.description.as_mut()),
            (Field::TicketCreatedRequesterName, e.requester_name.as_mut()),
            (Field::TicketCreatedRequesterEmail, e.requester_email.as_mut()),
            (Field::TicketCreatedRequesterPhone, e.requester_phone.as_mut()),
        ]
    } else if let Data::TicketResolved(e) = data {
        vec![(Field::TicketResolvedSummary, e.summary.as_mut())]
    } else if let Data::CommentAdded(e) = data {
        vec![(Field::CommentAddedBody, e.body.as_mut())]
    } else {
        Vec::new()
    };
    texts.into_iter().filter_map(|(field, text)| text.map(|text| (field, text)))
}

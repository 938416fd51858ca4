//! Which fields of which events hold personal texts: the ones that are sealed. Each event says it in its own file.

use crate::event::{
    Assistance, Attachments, Classification, Confirmation, Conversation, Event, LifeCycle, Moderation,
    Ownership, Personal, Relations, Satisfaction, TicketEvent, Work,
};
use crate::wire;
use crate::wire::record::Data;

/// A field that holds a personal text. Its name is part of what a sealed text is bound to: it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(&'static str);

impl Field {
    /// Event and field, such as `TicketCreated.subject`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }

    pub(crate) const fn new(name: &'static str) -> Self {
        Self(name)
    }
}

/// The personal texts of an event; `personal_texts!` says which.
pub(crate) trait Texts {
    /// The event on the wire.
    type OnWire;
    /// Their fields.
    const FIELDS: &'static [Field];

    fn each<E>(&mut self, visit: &mut impl FnMut(Field, &mut Personal) -> Result<(), E>) -> Result<(), E>;

    /// The name of the first that is sealed already.
    fn sealed(&self) -> Option<&'static str>;

    fn on_wire(event: &mut Self::OnWire) -> Vec<(Field, Option<&mut wire::Personal>)>;

    /// Puts an empty text where there is none.
    fn fill(event: &mut Self::OnWire);
}

/// A personal text that is there, or may be.
pub(crate) trait MayHold {
    fn text(&self) -> Option<&Personal>;
    fn text_mut(&mut self) -> Option<&mut Personal>;
}

impl MayHold for Personal {
    fn text(&self) -> Option<&Personal> {
        Some(self)
    }
    fn text_mut(&mut self) -> Option<&mut Personal> {
        Some(self)
    }
}

impl MayHold for Option<Personal> {
    fn text(&self) -> Option<&Personal> {
        self.as_ref()
    }
    fn text_mut(&mut self) -> Option<&mut Personal> {
        self.as_mut()
    }
}

pub(crate) fn empty() -> wire::Personal {
    wire::Personal { form: Some(wire::personal::Form::Plain(String::new())) }
}

/// Says which fields of an event hold personal texts, and gives each a name by which answers find it.
macro_rules! personal_texts {
    ($event:ident { $($name:ident: $field:ident),* $(,)? }) => {
        impl $event {
            $(
                #[doc = concat!("The field `", stringify!($field), "`, whose texts are sealed.")]
                pub const $name: $crate::personal::Field =
                    $crate::personal::Field::new(concat!(stringify!($event), ".", stringify!($field)));
            )*
        }

        impl $crate::personal::Texts for $event {
            type OnWire = $crate::wire::$event;
            const FIELDS: &'static [$crate::personal::Field] = &[$(Self::$name,)*];

            fn each<E>(
                &mut self,
                _visit: &mut impl FnMut($crate::personal::Field, &mut $crate::event::Personal) -> Result<(), E>,
            ) -> Result<(), E> {
                $(if let Some(text) = $crate::personal::MayHold::text_mut(&mut self.$field) {
                    _visit(Self::$name, text)?;
                })*
                Ok(())
            }

            fn sealed(&self) -> Option<&'static str> {
                $(if let Some($crate::event::Personal::Sealed(_)) = $crate::personal::MayHold::text(&self.$field) {
                    return Some(stringify!($field));
                })*
                None
            }

            fn on_wire(
                _event: &mut Self::OnWire,
            ) -> Vec<($crate::personal::Field, Option<&mut $crate::wire::Personal>)> {
                vec![$((Self::$name, _event.$field.as_mut()),)*]
            }

            fn fill(_event: &mut Self::OnWire) {
                $(_event.$field.get_or_insert_with($crate::personal::empty);)*
            }
        }
    };
}

macro_rules! texts {
    (
        Ticket: TicketEvent { $($family:ident { $($fact:ident,)* })* }
        $($about:ident: $about_event:ident { $($other:ident,)* })*
    ) => {
        /// Every field of every event.
        pub fn fields() -> impl Iterator<Item = Field> {
            [$($(<crate::event::$fact as Texts>::FIELDS,)*)*].into_iter().flatten().copied()
        }

        /// Shows every personal text of an event.
        ///
        /// # Errors
        /// The first of `visit`.
        pub fn each<E>(
            event: &mut Event,
            mut visit: impl FnMut(Field, &mut Personal) -> Result<(), E>,
        ) -> Result<(), E> {
            match event {
                $($(Event::Ticket(TicketEvent::$family($family::$fact(e))) => e.each(&mut visit),)*)*
                $(Event::$about(_) => Ok(()),)*
            }
        }

        /// True where an event holds a personal text.
        #[must_use]
        pub const fn holds(event: &Event) -> bool {
            match event {
                $($(Event::Ticket(TicketEvent::$family($family::$fact(_))) => {
                    !<crate::event::$fact as Texts>::FIELDS.is_empty()
                })*)*
                $(Event::$about(_) => false,)*
            }
        }

        /// The name, in its event, of the first text that is sealed already.
        #[must_use]
        pub fn sealed_field(event: &Event) -> Option<&'static str> {
            match event {
                $($(Event::Ticket(TicketEvent::$family($family::$fact(e))) => e.sealed(),)*)*
                $(Event::$about(_) => None,)*
            }
        }

        /// Puts an empty text wherever an event may hold a personal one and does not.
        pub fn fill(data: &mut Data) {
            match data {
                $($(Data::$fact(e) => <crate::event::$fact as Texts>::fill(e),)*)*
                $($(Data::$other(_) => {})*)*
            }
        }

        /// The personal texts of an event in its form on the wire, each with its field.
        pub fn on_wire(data: &mut Data) -> impl Iterator<Item = (Field, &mut wire::Personal)> {
            let texts = match data {
                $($(Data::$fact(e) => <crate::event::$fact as Texts>::on_wire(e),)*)*
                $($(Data::$other(_) => Vec::new(),)*)*
            };
            texts.into_iter().filter_map(|(field, text)| text.map(|text| (field, text)))
        }
    };
}
each_event!(texts);

//! Everything that can have happened. The names and shapes are the storage format: they grow, they never change. An event
//! stands in the file of the verb that leads to it, with what it means.

mod change;
mod log;
mod meaning;
mod span;

use crate::rejection::FieldError;
use crate::wire;
use crate::words::ActorKind;

pub use self::change::{Attribute, Change};
pub use self::meaning::Meaning;
pub use self::span::TextSpan;

/// Events that stand in the files of the verbs, and in that of the log.
mod files {
    macro_rules! files {
        ($($verb:ident => $variant:ident on $about:ident,)*) => {
            $(
                #[allow(
                    unused_imports,
                    unreachable_pub,
                    clippy::allow_attributes,
                    reason = "a verb may lead to the event of another one alone"
                )]
                pub use crate::command::$verb::*;
            )*
        };
    }
    each_verb!(files);
    pub use super::log::*;
}

/// The actor, as claimed by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Kind of actor.
    pub kind: ActorKind,
    /// Identifier in the caller's directory; a pseudonym.
    pub id: String,
    /// For whom.
    pub on_behalf_of: Option<String>,
}
message!(
    Actor,
    wire::Actor,
    |w| Ok(Self {
        kind: crate::mirror::Wire::from_wire(w.kind).map_err(|e: FieldError| e.in_field("kind"))?,
        id: w.id,
        on_behalf_of: w.on_behalf_of,
    }),
    |v| wire::Actor { kind: crate::mirror::Wire::to_wire(v.kind), id: v.id, on_behalf_of: v.on_behalf_of }
);

/// A text that belongs to a person, readable or sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Personal {
    /// Readable.
    Plain(String),
    /// Encrypted under a key that can be destroyed.
    Sealed(Sealed),
}
message!(
    Personal,
    wire::Personal,
    |w| match w.form {
        Some(wire::personal::Form::Plain(text)) => Ok(Self::Plain(text)),
        Some(wire::personal::Form::Sealed(s)) if s.key_id.len() != 16 =>
            Err(FieldError::new("sealed.key_id", "must be a UUID of 16 bytes")),
        Some(wire::personal::Form::Sealed(s)) if s.nonce.is_empty() =>
            Err(FieldError::new("sealed.nonce", "is required")),
        Some(wire::personal::Form::Sealed(s)) if s.ciphertext.is_empty() =>
            Err(FieldError::new("sealed.ciphertext", "is required")),
        Some(wire::personal::Form::Sealed(s)) =>
            Ok(Self::Sealed(Sealed { key_id: s.key_id, nonce: s.nonce, ciphertext: s.ciphertext })),
        None => Err(FieldError::rule("must be plain or sealed")),
    },
    |v| wire::Personal {
        form: Some(match v {
            Self::Plain(text) => wire::personal::Form::Plain(text),
            Self::Sealed(s) => wire::personal::Form::Sealed(wire::Sealed {
                key_id: s.key_id,
                nonce: s.nonce,
                ciphertext: s.ciphertext
            }),
        })
    }
);

impl<const MAX: usize> From<crate::text::Line<MAX>> for Personal {
    fn from(text: crate::text::Line<MAX>) -> Self {
        Self::Plain(text.into())
    }
}

impl<const MAX: usize> From<crate::text::Text<MAX>> for Personal {
    fn from(text: crate::text::Text<MAX>) -> Self {
        Self::Plain(text.into())
    }
}

/// The sealed form of a personal text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which key.
    pub key_id: Vec<u8>,
    /// Nonce of the cipher.
    pub nonce: Vec<u8>,
    /// Ciphertext with its tag.
    pub ciphertext: Vec<u8>,
}

/// Identity of a ticket in another system, unique per source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalRef {
    /// Name of that system.
    pub source: String,
    /// Its identifier there.
    pub id: String,
}
message!(ExternalRef, wire::ExternalRef, |w| Ok(Self { source: w.source, id: w.id }), |v| {
    wire::ExternalRef { source: v.source, id: v.id }
});

/// Value of a custom field.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum FieldValue {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

impl FieldValue {
    /// Bytes that it counts against the limit of a ticket's fields.
    #[must_use]
    pub const fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Number(_) => 8,
            Self::Flag(_) => 1,
        }
    }
}

message!(
    FieldValue,
    wire::FieldValue,
    |w| match w.value {
        Some(wire::field_value::Value::Text(v)) => Ok(Self::Text(v)),
        // JSON has no word for the others, and a value that is not equal to itself breaks every comparison.
        Some(wire::field_value::Value::Number(v)) if !v.is_finite() =>
            Err(FieldError::rule("must be a finite number")),
        Some(wire::field_value::Value::Number(v)) => Ok(Self::Number(v)),
        Some(wire::field_value::Value::Flag(v)) => Ok(Self::Flag(v)),
        None => Err(FieldError::rule("must be a text, a number or a flag")),
    },
    |v| wire::FieldValue {
        value: Some(match v {
            Self::Text(v) => wire::field_value::Value::Text(v),
            Self::Number(v) => wire::field_value::Value::Number(v),
            Self::Flag(v) => wire::field_value::Value::Flag(v),
        })
    }
);

macro_rules! events {
    (
        Ticket: TicketEvent { $($family:ident { $($fact:ident,)* })* }
        $($about:ident: $about_event:ident { $($other:ident,)* })*
    ) => {
        pub use self::files::{$($($fact,)*)* $($($other,)*)*};

        /// One fact, by what it is about.
        #[derive(Debug, Clone, PartialEq)]
        #[expect(clippy::large_enum_variant, reason = "an event lives for one decision; boxing the commonest would cost more")]
        pub enum Event {
            /// About a ticket.
            Ticket(TicketEvent),
            $(#[doc = concat!("See [`", stringify!($about_event), "`].")] $about($about_event),)*
        }

        /// A fact about a ticket, by family: whoever folds tickets names the families that it does not read.
        #[derive(Debug, Clone, PartialEq)]
        #[expect(clippy::large_enum_variant, reason = "as in `Event`")]
        pub enum TicketEvent {
            $(#[doc = concat!("See [`", stringify!($family), "`].")] $family($family),)*
        }

        $(
            #[doc = concat!("Facts of the family `", stringify!($family), "`.")]
            #[derive(Debug, Clone, PartialEq)]
            #[allow(clippy::large_enum_variant, clippy::allow_attributes, reason = "as in `Event`, in some families")]
            pub enum $family { $(#[doc = concat!("See [`", stringify!($fact), "`].")] $fact($fact),)* }
        )*

        $(
            #[doc = concat!("Facts about what `Event::", stringify!($about), "` says.")]
            #[derive(Debug, Clone, PartialEq)]
            #[allow(clippy::large_enum_variant, clippy::allow_attributes, reason = "as in `Event`, in some families")]
            pub enum $about_event { $(#[doc = concat!("See [`", stringify!($other), "`].")] $other($other),)* }
        )*

        $($(
            impl From<$fact> for Event {
                fn from(fact: $fact) -> Self {
                    Self::Ticket(TicketEvent::$family($family::$fact(fact)))
                }
            }
        )*)*
        $($(
            impl From<$other> for Event {
                fn from(fact: $other) -> Self {
                    Self::$about($about_event::$other(fact))
                }
            }
        )*)*

        impl Event {
            /// Every type name.
            pub const TYPES: &[&str] = &[$($(stringify!($fact),)*)* $($(stringify!($other),)*)*];

            /// The name of the event, as in `Record.type`.
            #[must_use]
            pub const fn type_name(&self) -> &'static str {
                match self {
                    $($(Self::Ticket(TicketEvent::$family($family::$fact(_))) => stringify!($fact),)*)*
                    $($(Self::$about($about_event::$other(_)) => stringify!($other),)*)*
                }
            }

            /// Version of its schema.
            #[must_use]
            pub const fn schema_version(&self) -> u32 {
                1
            }
        }

        impl crate::mirror::Wire for Event {
            type Repr = wire::record::Data;
            fn from_wire(repr: wire::record::Data) -> Result<Self, FieldError> {
                use crate::mirror::Wire;
                Ok(match repr {
                    $($(wire::record::Data::$fact(w) => <$fact as Wire>::from_wire(Some(w))?.into(),)*)*
                    $($(wire::record::Data::$other(w) => <$other as Wire>::from_wire(Some(w))?.into(),)*)*
                })
            }
            fn to_wire(self) -> wire::record::Data {
                use crate::mirror::Wire;
                match self {
                    $($(Self::Ticket(TicketEvent::$family($family::$fact(e))) => {
                        wire::record::Data::$fact(Wire::to_wire(e).unwrap_or_default())
                    })*)*
                    $($(Self::$about($about_event::$other(e)) => {
                        wire::record::Data::$other(Wire::to_wire(e).unwrap_or_default())
                    })*)*
                }
            }
        }
    };
}

each_event!(events);

/// Answers for those who look for one event by itself.
impl Event {
    /// The creation of a ticket, if that is what happened.
    #[must_use]
    pub const fn created(&self) -> Option<&TicketCreated> {
        if let Self::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(e))) = self {
            Some(e)
        } else {
            None
        }
    }

    /// The identity in another system that the event gives its ticket.
    #[must_use]
    pub fn external_ref(&self) -> Option<ExternalRef> {
        match self.imported() {
            Some(e) => Some(ExternalRef { source: e.source.clone(), id: e.external_id.clone() }),
            None => self.created()?.external_ref.clone(),
        }
    }

    /// Whose text it holds, where that is not the requester of its ticket: a data subject.
    #[must_use]
    pub fn whose_text(&self) -> Option<&str> {
        if let Self::Ticket(TicketEvent::Relations(Relations::CommentCopied(e))) = self {
            Some(&e.requester)
        } else {
            None
        }
    }

    /// What of a comment is hidden from here on, if that is what happened.
    #[must_use]
    pub const fn redacted(&self) -> Option<&CommentRedacted> {
        if let Self::Ticket(TicketEvent::Moderation(Moderation::CommentRedacted(e))) = self {
            Some(e)
        } else {
            None
        }
    }

    /// The import of a part of a ticket's history, if that is what happened.
    #[must_use]
    pub const fn imported(&self) -> Option<&TicketImported> {
        if let Self::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketImported(e))) = self {
            Some(e)
        } else {
            None
        }
    }
}

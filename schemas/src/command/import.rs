//! The verb `import`.

use super::{Fact, Verb, limits};
use crate::codec::check::{actor, size, sizes};
use crate::event::{Change, FieldValue, Meaning};
use crate::personal;
use crate::rejection::FieldError;
use crate::text::Label;
use crate::time::Timestamp;
use crate::words::TicketState;

mirror! {
    /// Replay a history from another system.
    pub struct Import {
        /// Name of that system.
        pub source: Label,
        /// Identifier of the ticket there.
        pub external_id: Label,
        /// From 1.
        pub part: u32,
        /// How many.
        pub parts: u32,
        /// In order.
        pub events: Vec<Fact>,
        /// Which mapping made the facts.
        pub mapping_version: Option<Label>,
    }
}

impl Verb for Import {
    const STATES: &'static [TicketState] = &[];

    fn check(&self) -> Result<(), FieldError> {
        if self.part == 0 || self.part > self.parts {
            return Err(FieldError::new("part", "must be from 1 to parts"));
        }
        if self.events.is_empty() {
            return Err(FieldError::new("events", "must hold at least one fact"));
        }
        if self.events.len() > limits::FACTS {
            let rule = format!("must hold at most {} facts; send the others as another part", limits::FACTS);
            return Err(FieldError::new("events", rule));
        }
        self.events.iter().enumerate().try_for_each(|(n, fact)| {
            let checked = fact.actor.as_ref().map_or(Ok(()), actor);
            checked.map_err(|e| e.in_field("actor").at_index(n).in_field("events"))?;
            // Sealed elsewhere, or copied from a record: bound to another place, it would open for nobody.
            let sealed =
                personal::sealed_field(&fact.event).map(|name| FieldError::new(name, "must be plain"));
            let checked = sealed.map_or_else(|| sizes(&fact.event), Err);
            checked.map_err(|e| e.in_field("data").at_index(n).in_field("events"))
        })
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
    }
}

personal_texts!(TicketImported {});

impl Meaning for TicketImported {
    /// It is no fact that may be imported.
    fn sizes(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
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

personal_texts!(FieldChanged {});

impl Meaning for FieldChanged {
    fn sizes(&self) -> Result<(), FieldError> {
        size::bytes("field", &self.field, limits::FIELD_NAME_BYTES)?;
        let texts = [("from", &self.from), ("to", &self.to)];
        texts.into_iter().try_for_each(|(name, value)| match value {
            Some(FieldValue::Text(text)) => size::bytes(name, text, limits::FIELDS_BYTES),
            Some(FieldValue::Number(_) | FieldValue::Flag(_)) | None => Ok(()),
        })
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Field { name: &self.field, from: self.from.as_ref(), to: self.to.as_ref() });
    }
}

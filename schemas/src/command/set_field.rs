//! The verb `set_field`.

use std::collections::BTreeMap;

use super::verb::UNTIL_CLOSED;
use super::{Verb, limits};
use crate::codec::check::{check_fields, size};
use crate::event::{Change, FieldValue, Meaning};
use crate::rejection::FieldError;
use crate::words::TicketState;

mirror! {
    /// Give a custom field another value, or none.
    pub struct SetField {
        /// Its name.
        pub field: String,
        /// None: it has no value any more.
        pub value: Option<FieldValue>,
    }
}

impl Verb for SetField {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        let value = self.value.clone().unwrap_or(FieldValue::Flag(false));
        check_fields(&BTreeMap::from([(self.field.clone(), value)]))
            .map_err(|e| FieldError::new(if e.field == "fields" { "field" } else { "value" }, e.rule))
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

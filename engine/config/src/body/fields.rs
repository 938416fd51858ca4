//! Custom fields.

use guichet_schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::names;
use crate::fault::Fault;
use crate::item::Item;

/// The body of `fields`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// Each id once.
    pub fields: Vec<Field>,
}

/// A custom field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name in commands; conditions call it `fields.<id>`.
    pub id: String,
    pub kind: FieldKind,
    /// No ticket without it.
    #[serde(default)]
    pub required_on_create: bool,
    /// No resolution without it.
    #[serde(default)]
    pub required_on_resolve: bool,
    /// The only values of a text; none: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    Text,
    Number,
    Flag,
}

impl Fields {
    /// The field of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }
}

impl Item for Fields {
    fn faults(&self, _: Timestamp) -> Vec<Fault> {
        let fields = &self.fields;
        let mut faults = names::faults::<64>("fields", ".id", fields.iter().map(|field| field.id.as_str()));
        for (n, field) in fields.iter().enumerate() {
            let list = format!("fields[{n}].options");
            faults.extend(names::faults::<128>(&list, "", field.options.iter().map(String::as_str)));
            if field.kind != FieldKind::Text && !field.options.is_empty() {
                faults.push(Fault::at(list, "only a text has options"));
            }
        }
        faults
    }
}

//! One text for one body, so that a hash of a body is the hash of what it says.

use guichet_schemas::json::embedded;
use serde_json::Value;

use crate::fault::Fault;

/// The object with the keys of every object in the order of their bytes, without white space, and without what is `null`,
/// which is absent.
///
/// # Errors
/// It is no object, or nested too deeply.
///
/// ```
/// let value = serde_json::json!({"b": [1, 2], "a": null, "A": {}});
/// assert_eq!(guichet_config::canonical(&value).unwrap(), r#"{"A":{},"b":[1,2]}"#);
/// ```
pub fn canonical(object: &Value) -> Result<String, Fault> {
    text(&object.to_string())
}

/// Reads a body, and refuses a key that comes twice: of two calendars of one name, nobody could say which is meant.
pub(crate) fn read(body: &str) -> Result<Value, Fault> {
    serde_json::from_str(&text(body)?).map_err(|fault| Fault::at("body", fault.to_string()))
}

fn text(body: &str) -> Result<String, Fault> {
    embedded::canonical(body).map_err(|fault| Fault::at("body", fault.to_string()))
}

//! A JSON body from the command line: `--data` brings a whole one, `--set KEY=VALUE` one field after another.
//!
//! A value is what the schema wants there: `to_tier=2` is a number and `reason=2` a text. Lists grow by
//! `tags[]=vpn`, inner fields are named by a path: `requester.id=c-17`.

use std::io::Read as _;
use std::path::Path;

use clap::Args;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use guichet_client::ClientError;

/// The fields of a body.
#[derive(Debug, Clone, Default, Args)]
pub struct BodyArgs {
    /// The fields as one JSON object; - reads it from standard input, @FILE from a file
    #[arg(long, value_name = "JSON|-|@FILE")]
    pub data: Option<String>,
    /// One field; may be repeated: --set assignee=bob --set tags[]=vpn --set requester.id=c-17
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl BodyArgs {
    /// The body as JSON text. `fits` says whether the schema takes an object with one field.
    ///
    /// # Errors
    /// No JSON object, no `KEY=VALUE`, or two that contradict each other.
    pub fn json(&self, fits: impl Fn(&str) -> bool) -> Result<String, ClientError> {
        let given = self.data.as_deref().map(read).transpose()?;
        if self.set.is_empty() {
            // As it is, so that the reader of the schema still sees a key that comes twice.
            return Ok(given.unwrap_or_else(|| "{}".to_owned()));
        }
        let mut body = given.map_or_else(|| Ok(Map::new()), |text| object(&text))?;
        for word in &self.set {
            let (path, text) = word.split_once('=').ok_or_else(|| {
                ClientError::Usage(format!("--set {word} is no KEY=VALUE, such as --set assignee=bob"))
            })?;
            put(&mut body, path, value(path, text, &fits)?)?;
        }
        Ok(Value::Object(body).to_string())
    }
}

fn read(word: &str) -> Result<String, ClientError> {
    let text = if word == "-" {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.map(|_| text)
            .map_err(|e| ClientError::Usage(format!("could not read the body from standard input: {e}")))?
    } else if let Some(path) = word.strip_prefix('@') {
        let unreadable = |e: std::io::Error| ClientError::File {
            path: Path::new(path).to_owned(),
            problem: e.to_string(),
        };
        std::fs::read_to_string(path).map_err(unreadable)?
    } else {
        word.to_owned()
    };
    // Only checked: what it says is read by the schema.
    serde_json::from_str::<&RawValue>(text.trim())
        .map_err(|e| ClientError::Usage(format!("--data is no JSON: {e}")))?;
    Ok(text.trim().to_owned())
}

fn object(text: &str) -> Result<Map<String, Value>, ClientError> {
    serde_json::from_str(text).map_err(|_| {
        ClientError::Usage("--data must be a JSON object, such as {\"assignee\": \"bob\"}".to_owned())
    })
}

/// A JSON literal where the schema takes one, else a text.
fn value(path: &str, text: &str, fits: impl Fn(&str) -> bool) -> Result<Value, ClientError> {
    let as_text = Value::String(text.to_owned());
    let Ok(literal) = serde_json::from_str::<Value>(text) else { return Ok(as_text) };
    let alone = |value: &Value| {
        let mut body = Map::new();
        put(&mut body, path, value.clone()).map(|()| fits(&Value::Object(body).to_string()))
    };
    // Where neither fits, the literal gives the better message.
    Ok(if !alone(&literal)? && alone(&as_text)? { as_text } else { literal })
}

fn put(body: &mut Map<String, Value>, path: &str, value: Value) -> Result<(), ClientError> {
    let clash = || ClientError::Usage(format!("--set {path}=… contradicts what was given before"));
    let (path_to, grows) = path.strip_suffix("[]").map_or((path, false), |p| (p, true));
    let mut keys: Vec<&str> = path_to.split('.').collect();
    if keys.iter().any(|key| key.is_empty()) {
        return Err(ClientError::Usage(format!(
            "{path:?} is no path of a field, such as requester.id or tags[]"
        )));
    }
    let last = keys.pop().unwrap_or_default();
    let mut place = body;
    for key in keys {
        place = place
            .entry(key)
            .or_insert_with(|| Value::Object(Map::new()))
            .as_object_mut()
            .ok_or_else(clash)?;
    }
    if grows {
        place
            .entry(last)
            .or_insert_with(|| Value::Array(Vec::new()))
            .as_array_mut()
            .ok_or_else(clash)?
            .push(value);
    } else {
        place.insert(last.to_owned(), value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(data: Option<&str>, set: &[&str]) -> Result<String, ClientError> {
        let args =
            BodyArgs { data: data.map(str::to_owned), set: set.iter().map(|s| (*s).to_owned()).collect() };
        // A schema of one number, one text and one list of texts.
        args.json(|body| {
            let body = object(body).unwrap();
            body.iter().all(|(key, value)| match key.as_str() {
                "tier" => value.is_u64(),
                "tags" => value.as_array().is_some_and(|tags| tags.iter().all(Value::is_string)),
                _ => value.is_string() || value.is_object(),
            })
        })
    }

    #[test]
    fn a_value_is_what_the_schema_wants_there() {
        assert_eq!(json(None, &["tier=2"]).unwrap(), r#"{"tier":2}"#);
        assert_eq!(json(None, &["reason=2"]).unwrap(), r#"{"reason":"2"}"#);
        assert_eq!(json(None, &["reason=true", "note=a=b"]).unwrap(), r#"{"note":"a=b","reason":"true"}"#);
        assert_eq!(json(None, &["tags[]=7", "tags[]=vpn"]).unwrap(), r#"{"tags":["7","vpn"]}"#);
        assert_eq!(json(None, &[r#"tags=["a","b"]"#]).unwrap(), r#"{"tags":["a","b"]}"#);
        assert_eq!(json(None, &["requester.id=c-17"]).unwrap(), r#"{"requester":{"id":"c-17"}}"#);
    }

    #[test]
    fn single_fields_go_over_the_whole_body() {
        assert_eq!(
            json(Some(r#"{"tier":1,"reason":"x"}"#), &["tier=3"]).unwrap(),
            r#"{"reason":"x","tier":3}"#
        );
        assert_eq!(json(Some(r#"{"tier":1,"tier":2}"#), &[]).unwrap(), r#"{"tier":1,"tier":2}"#);
        assert_eq!(json(None, &[]).unwrap(), "{}");
    }

    #[test]
    fn what_makes_no_body_is_wrong_usage() {
        for (data, set) in [
            (None, vec!["tier"]),
            (Some("{"), vec![]),
            (Some("[]"), vec!["tier=1"]),
            (None, vec!["a=x", "a.b=1"]),
            (None, vec![".a=1"]),
        ] {
            let error = json(data, &set).unwrap_err();
            assert_eq!(error.exit_code(), guichet_client::exit::USAGE, "{data:?} {set:?}: {error}");
        }
    }
}

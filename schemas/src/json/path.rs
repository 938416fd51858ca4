//! Names the field at which reading stopped: serde_json tells line and column, people want to know which field.

use serde::Deserialize;
use serde::de::Error as _;

use crate::command::limits;

/// Most characters of a message: what came is not sent back whole.
const MESSAGE_CHARS_MAX: usize = 1000;

/// Refuses what is nested deeper than the contract has it, before anything is made of it: one look at each byte.
///
/// # Errors
/// The rule.
pub(crate) fn shallow(json: &[u8]) -> Result<(), serde_json::Error> {
    let (mut depth, mut i) = (0_usize, 0_usize);
    while let Some(byte) = json.get(i) {
        match byte {
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => i = string_end(json, i.saturating_add(1)),
            _ => {}
        }
        if depth > limits::DEPTH {
            return Err(serde_json::Error::custom(format!(
                "the body is nested deeper than {}",
                limits::DEPTH
            )));
        }
        i = i.saturating_add(1);
    }
    Ok(())
}

/// Reads a JSON object. An error begins with the path of its field, seen from `root`.
pub(crate) fn read<'de, T: Deserialize<'de>>(root: &str, json: &'de [u8]) -> Result<T, serde_json::Error> {
    // A struct of serde's also reads an array of its values, which is not in our schema.
    if json.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        serde_json::from_slice::<&serde_json::value::RawValue>(json).map_err(|e| named(root, json, &e))?;
        return Err(serde_json::Error::custom(format!(
            "{root}{}must be a JSON object",
            if root.is_empty() { "the body " } else { ": " }
        )));
    }
    serde_json::from_slice(json).map_err(|e| named(root, json, &e))
}

fn named(root: &str, json: &[u8], error: &serde_json::Error) -> serde_json::Error {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let bare = text.strip_suffix(&place).unwrap_or(&text);
    let path = path(json, offset(json, error.line(), error.column()));
    let path = if root.is_empty() || path.is_empty() || path.starts_with('[') {
        format!("{root}{path}")
    } else {
        format!("{root}.{path}")
    };
    // A rule that begins with a dot brings the rest of the path along.
    let colon = if path.is_empty() || bare.starts_with('.') { "" } else { ": " };
    // Where the JSON itself is broken, the place in the body helps more than the field.
    let place = if error.is_data() || !root.is_empty() { "" } else { &place };
    let message = format!("{path}{colon}{bare}");
    let short = match message.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message,
    };
    serde_json::Error::custom(format!("{short}{place}"))
}

/// How many bytes were read at a line and column of serde_json.
fn offset(json: &[u8], line: usize, column: usize) -> usize {
    let starts = std::iter::once(0)
        .chain(json.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i.saturating_add(1)));
    starts.into_iter().nth(line.saturating_sub(1)).unwrap_or(0).saturating_add(column).min(json.len())
}

enum Around {
    Object(String),
    Array(usize),
}

/// The path of the value that ends at, or surrounds, the byte at `end`.
fn path(json: &[u8], end: usize) -> String {
    let mut stack: Vec<Around> = Vec::new();
    let mut awaits_key = false;
    let mut i = 0_usize;
    while let Some(byte) = json.get(i).filter(|_| i < end) {
        match byte {
            // Deeper than anything of ours: who called has refused it, and its path would be as long as the body.
            b'{' | b'[' if stack.len() > limits::DEPTH => return String::new(),
            b'{' => {
                stack.push(Around::Object(String::new()));
                awaits_key = true;
            }
            b'[' => stack.push(Around::Array(0)),
            b'}' | b']' => {
                stack.pop();
            }
            b':' => awaits_key = false,
            b',' => match stack.last_mut() {
                Some(Around::Array(index)) => *index = index.saturating_add(1),
                Some(Around::Object(_)) => awaits_key = true,
                None => {}
            },
            b'"' => {
                let from = i.saturating_add(1);
                let close = string_end(json, from).min(end);
                if let (true, Some(Around::Object(key))) = (awaits_key, stack.last_mut()) {
                    *key = String::from_utf8_lossy(json.get(from..close).unwrap_or_default()).into_owned();
                }
                i = close;
            }
            _ => {}
        }
        i = i.saturating_add(1);
    }
    // An array or object that should not have begun is itself what is wrong, not what is in it.
    if end.checked_sub(1).and_then(|last| json.get(last)).is_some_and(|last| matches!(last, b'[' | b'{')) {
        stack.pop();
    }
    let mut out = String::new();
    for around in stack {
        match around {
            Around::Object(key) if key.is_empty() => {}
            Around::Object(key) => {
                let dot = if out.is_empty() { "" } else { "." };
                out.push_str(dot);
                out.push_str(&key);
            }
            Around::Array(index) => out.push_str(&format!("[{index}]")),
        }
    }
    out
}

/// Where the string that begins at `from` ends: the place of its closing quote.
fn string_end(json: &[u8], from: usize) -> usize {
    let mut i = from;
    while let Some(byte) = json.get(i).filter(|byte| **byte != b'"') {
        i = i.saturating_add(if *byte == b'\\' { 2 } else { 1 });
    }
    i
}

#[cfg(test)]
mod tests {
    use super::{path, shallow};

    #[test]
    fn the_path_is_that_of_the_value_before_the_place() {
        let json = br#"{"a": 1, "b\"x": {"c": [{"d": true}, {"e": "}"}]}}"#;
        let check = |before: &str, expected: &str| {
            let text = std::str::from_utf8(json).unwrap();
            assert_eq!(path(json, text.find(before).unwrap()), expected, "before {before:?}");
        };
        check(r#", "b"#, "a");
        check("}, {", r#"b\"x.c[0].d"#);
        check(r#"}]}}"#, r#"b\"x.c[1].e"#);
        assert_eq!(path(json, json.len()), "");
    }

    #[test]
    fn open_brackets_without_end_have_no_path_and_are_refused_at_the_seventeenth() {
        let json = vec![b'['; 10_000];
        assert_eq!(path(&json, json.len()), "");
        assert!(shallow(&json[..16]).is_ok());
        assert!(shallow(&json).unwrap_err().to_string().contains("deeper than 16"));
        assert!(shallow(&json[..17]).is_err());
        let quoted = format!("{{\"a\\\"\": \"{}\"}}", "[".repeat(100));
        assert!(shallow(quoted.as_bytes()).is_ok(), "what stands in a text opens nothing");
        assert!(shallow("[],".repeat(100).as_bytes()).is_ok(), "beside is not below");
    }
}

//! A message to the node, and how it is written down: one line, from which it can be sent again.

use std::fmt;

use async_nats::HeaderMap;

/// Bytes of a payload that a line shows.
const SHOWN: usize = 4000;

/// What is sent.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// What kind of attack it is, for the table.
    pub(crate) kind: &'static str,
    pub(crate) subject: String,
    /// Where the answer goes; `None`: to an inbox of ours, where it is waited for.
    pub(crate) reply: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) payload: Vec<u8>,
}

impl Message {
    pub(crate) fn new(kind: &'static str, subject: String, payload: Vec<u8>) -> Self {
        Self { kind, subject, reply: None, headers: Vec::new(), payload }
    }

    pub(crate) fn protobuf(self) -> Self {
        self.header("Content-Type", "application/protobuf")
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The headers as the client library has them; those that no client could send are left out.
    pub(crate) fn header_map(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            let (Ok(name), Ok(value)) =
                (name.parse::<async_nats::HeaderName>(), value.parse::<async_nats::HeaderValue>())
            else {
                continue;
            };
            map.append(name, value);
        }
        map
    }
}

/// `subject reply {headers} payload`; a payload that is no text is `hex:…`.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reply = self.reply.as_deref().unwrap_or("-");
        write!(f, "{} {reply} {:?} ", self.subject.escape_debug(), self.headers)?;
        let head = &self.payload[..self.payload.len().min(SHOWN)];
        match std::str::from_utf8(head) {
            Ok(text) if !text.contains(char::is_control) => f.write_str(text)?,
            _ => {
                f.write_str("hex:")?;
                head.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
            }
        }
        if head.len() < self.payload.len() {
            write!(f, "… ({} bytes)", self.payload.len())?;
        }
        Ok(())
    }
}

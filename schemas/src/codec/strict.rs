//! Refuses what a command or a query must not hold: fields that we do not know, and fields that stand twice.
//!
//! A protobuf reader drops both in silence: a request of a newer client would be done in part, and one with two
//! payloads by its last. Records are read without this: their readers ignore what they do not know.

use crate::codec::field::{Value, field};

/// A message that outsiders send.
pub(super) struct Message {
    name: &'static str,
    /// In the order of their numbers.
    fields: &'static [Field],
}

struct Field {
    number: u64,
    name: &'static str,
    repeated: bool,
    /// The bit that marks it as seen; the members of a oneof share one.
    slot: u32,
    message: Option<&'static Message>,
}

mod known {
    use super::{Field, Message};
    include!(concat!(env!("OUT_DIR"), "/known_fields.rs"));
}

/// The fields of a command.
pub(super) static COMMAND: &Message = &known::GUICHET_V1_COMMAND;
/// The fields of a query.
pub(super) static QUERY: &Message = &known::GUICHET_V1_QUERY;

/// Why a message is refused, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// From the outside in.
    path: Vec<&'static str>,
    reason: Reason,
}

#[derive(Debug, PartialEq, Eq)]
enum Reason {
    Unknown { number: u64, message: &'static str },
    Twice { name: &'static str, message: &'static str },
    Unreadable,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path.join("."))?;
        }
        match self.reason {
            Reason::Unknown { number, message } => write!(f, "unknown field {number} of {message}"),
            Reason::Twice { name, message } => {
                write!(f, "{name} stands twice, or beside another of its choice, in {message}")
            }
            Reason::Unreadable => f.write_str("no protobuf field of a kind that is in use here"),
        }
    }
}

/// Walks over bytes that the general reader has read: only what it ignores is looked for.
pub(super) fn check(message: &'static Message, bytes: &[u8]) -> Result<(), Fault> {
    let fault = |reason| Fault { path: Vec::new(), reason };
    let mut rest = bytes;
    let mut seen = 0_u128;
    while !rest.is_empty() {
        let (number, value) = field(&mut rest).ok_or_else(|| fault(Reason::Unreadable))?;
        let unknown = || fault(Reason::Unknown { number, message: message.name });
        let known = message.fields.binary_search_by_key(&number, |f| f.number).map_err(|_| unknown())?;
        let known = &message.fields[known];
        let mark = 1 << known.slot;
        if seen & mark != 0 && !known.repeated {
            return Err(fault(Reason::Twice { name: known.name, message: message.name }));
        }
        seen |= mark;
        if let (Some(inner), Value::Bytes(bytes)) = (known.message, value) {
            check(inner, bytes).map_err(|mut fault| {
                fault.path.insert(0, known.name);
                fault
            })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::wire;

    fn create(requester: &[u8]) -> Vec<u8> {
        let create = wire::Create { subject: "s".to_owned(), ..Default::default() };
        let mut bytes = create.encode_to_vec();
        // Field 4, the requester, as bytes of the test's own.
        bytes.extend([4 << 3 | 2, u8::try_from(requester.len()).unwrap()]);
        bytes.extend(requester);
        bytes
    }

    #[test]
    fn the_place_of_an_unknown_field_is_named() {
        let mut command = wire::Command::default().encode_to_vec();
        let create = create(&[0xf8, 0x06, 7]);
        command.extend([0xa2, 0x06, u8::try_from(create.len()).unwrap()]);
        command.extend(create);
        assert_eq!(
            check(COMMAND, &command).unwrap_err().to_string(),
            "create.requester: unknown field 111 of guichet.v1.Requester"
        );
    }

    #[test]
    fn two_payloads_are_one_too_many() {
        // An empty `create` beside an empty `assign`.
        let both = [0xa2, 0x06, 0, 0xaa, 0x06, 0];
        assert_eq!(check(COMMAND, &both[..3]), Ok(()));
        assert!(check(COMMAND, &both).unwrap_err().to_string().starts_with("assign stands twice, or beside"));
    }
}

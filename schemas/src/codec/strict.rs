//! Refuses what a command or a query must not hold: fields that we do not know, fields that stand twice, and numbers
//! outside their ranges.
//!
//! A protobuf reader drops the first two in silence: a request of a newer client would be done in part, and one with
//! two payloads by its last. Of a number that is too large for its field it keeps the lower bits. Records are read
//! without this: their readers ignore what they do not know, and logs of today may hold other numbers.

use crate::codec::field::{Value, field, packed};
use crate::command::limits;
use crate::rejection::{FieldError, Rejection};
use crate::time::Timestamp;

/// A message that outsiders send.
pub(super) struct Message {
    name: &'static str,
    /// In the order of their numbers.
    fields: &'static [Field],
}

struct Field {
    number: u64,
    name: &'static str,
    /// Its name in JSON; empty where what it holds stands beside the fields around it.
    shown: &'static str,
    repeated: bool,
    /// The bit that marks it as seen; the members of a oneof share one.
    slot: u32,
    holds: Holds,
    message: Option<&'static Message>,
}

/// Which numbers may stand in a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// Milliseconds since 1970.
    Time,
    /// Versions, positions, counts, durations.
    Whole,
    /// Of 32 bits.
    Small,
    /// The number of a word.
    Word,
    /// No number, or any.
    Other,
}

impl Holds {
    /// The rule that a number breaks.
    fn broken_by(self, number: u64) -> Option<&'static str> {
        let (fits, rule) = match self {
            Self::Time => (
                Timestamp::given(number.cast_signed()).is_some(),
                "must be a time from 1970-01-01 to 2200-01-01",
            ),
            Self::Whole => (number <= limits::WHOLE_MAX, "must be a whole number from 0 to 9007199254740991"),
            Self::Small => (u32::try_from(number).is_ok(), "must be a whole number from 0 to 4294967295"),
            Self::Word => (i32::try_from(number).is_ok(), "must be the number of a word of its list"),
            Self::Other => return None,
        };
        (!fits).then_some(rule)
    }
}

mod known {
    use super::{Field, Holds, Message};
    include!(concat!(env!("OUT_DIR"), "/known_fields.rs"));
}

/// The fields of a command.
pub(super) static COMMAND: &Message = &known::GUICHET_V1_COMMAND;
/// The fields of a query.
pub(super) static QUERY: &Message = &known::GUICHET_V1_QUERY;

/// Why a message is refused, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// From the inside out.
    path: Vec<Step>,
    reason: Reason,
}

/// A field on the way to what is wrong.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    name: &'static str,
    shown: &'static str,
    index: Option<usize>,
}

#[derive(Debug, PartialEq, Eq)]
enum Reason {
    Unknown { number: u64, message: &'static str },
    Twice { name: &'static str, message: &'static str },
    Range { rule: &'static str },
    Unreadable,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.path.is_empty() {
            let names: Vec<_> = self.path.iter().rev().map(|step| step.name).collect();
            write!(f, "{}: ", names.join("."))?;
        }
        match self.reason {
            Reason::Unknown { number, message } => write!(f, "unknown field {number} of {message}"),
            Reason::Twice { name, message } => {
                write!(f, "{name} stands twice, or beside another of its choice, in {message}")
            }
            Reason::Range { rule } => f.write_str(rule),
            Reason::Unreadable => f.write_str("no protobuf field of a kind that is in use here"),
        }
    }
}

impl From<Fault> for Rejection {
    fn from(fault: Fault) -> Self {
        let Reason::Range { rule } = fault.reason else { return Self::Malformed(fault.to_string()) };
        let inner = FieldError::rule(rule);
        fault
            .path
            .into_iter()
            .filter(|step| !step.shown.is_empty())
            .fold(inner, |error, step| {
                let error = step.index.map_or_else(|| error.clone(), |index| error.clone().at_index(index));
                error.in_field(step.shown)
            })
            .into()
    }
}

/// Walks over bytes that the general reader has read: only what it ignores is looked for. Each byte is looked at once
/// per message around it, and messages stand in each other no deeper than their definitions.
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
        inside(known, value).map_err(|mut fault| {
            let index = known.repeated.then(|| place(number, bytes, rest));
            fault.path.push(Step { name: known.name, shown: known.shown, index });
            fault
        })?;
    }
    Ok(())
}

/// The value of a field.
fn inside(known: &Field, value: Value<'_>) -> Result<(), Fault> {
    let range = |number| {
        let broken = known.holds.broken_by(number);
        broken.map_or(Ok(()), |rule| Err(Fault { path: Vec::new(), reason: Reason::Range { rule } }))
    };
    match (known.message, value) {
        (Some(inner), Value::Bytes(bytes)) => check(inner, bytes),
        (_, Value::Number(number)) => range(number),
        (None, Value::Bytes(bytes)) if known.holds != Holds::Other => packed(bytes).try_for_each(range),
        (None, Value::Bytes(_)) | (_, Value::Fixed) => Ok(()),
    }
}

/// Which of its list the entry of a repeated field is that ends where `rest` begins. Asked only of what is wrong.
fn place(number: u64, bytes: &[u8], rest: &[u8]) -> usize {
    let (mut before, mut count) = (bytes, 0_usize);
    while before.len() > rest.len() {
        let Some((other, _)) = field(&mut before) else { break };
        count = count.saturating_add(usize::from(other == number));
    }
    count.saturating_sub(1)
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

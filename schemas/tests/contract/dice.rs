//! Random messages from the descriptors: every field of every message that there is, and of those to come.

use std::collections::HashMap;

use guichet_schemas::time::Timestamp;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

use crate::descriptors::{self, Format, Limit};
use crate::schema::{Side, is_required, plain_fields};

/// Letters that trip careless code: of one to four bytes, quotes, a line break, right-to-left, a combining accent.
const LETTERS: &[char] =
    &['a', 'Z', '0', '-', '"', '\\', '/', 'é', 'ß', 'ø', '\u{301}', 'ש', '中', '🖨', '\u{10ffff}', '\u{202e}'];

/// SplitMix64: the same seed, the same message.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % end as u64).unwrap()
    }

    fn half(&mut self) -> bool {
        self.roll().is_multiple_of(2)
    }

    fn bytes(&mut self, count: usize) -> Value {
        Value::Bytes((0..count).map(|_| self.roll().to_be_bytes()[7]).collect::<Vec<u8>>().into())
    }

    fn text(&mut self, limit: Limit, may_be_empty: bool) -> String {
        let room = match limit {
            Limit::Characters(max) => max,
            Limit::Bytes(max) => max / 4,
        };
        // Often short, sometimes as long as it may be.
        let count = match self.below(10) {
            0 if may_be_empty => 0,
            1 => room.min(300),
            _ => 1 + self.below(room.min(12)),
        };
        (0..count).map(|_| LETTERS[self.below(LETTERS.len())]).collect()
    }

    /// A message with each optional field in half of the cases. Real oneofs are left to the caller.
    pub(crate) fn message(&mut self, message: &MessageDescriptor, side: Side) -> DynamicMessage {
        let mut out = DynamicMessage::new(message.clone());
        match message.name() {
            "Personal" | "FieldValue" => {
                let oneof = message.oneofs().next().expect("a choice of forms");
                let case = match (message.name(), side) {
                    // Who sends, sends readable texts: it is we who seal.
                    ("Personal", Side::Caller | Side::Fact) => 0,
                    _ => self.below(oneof.fields().len()),
                };
                let field = oneof.fields().nth(case).expect("below the count");
                let value = self.value(&field, side);
                out.set_field(&field, value);
            }
            _ => {
                for field in plain_fields(message) {
                    if is_required(&field, side) || self.half() {
                        let value = self.field(&field, side);
                        out.set_field(&field, value);
                    }
                }
            }
        }
        out
    }

    /// The message that `name` chooses in the oneof `data` of `message`.
    pub(crate) fn set_data(&mut self, message: &mut DynamicMessage, field: &FieldDescriptor, side: Side) {
        let data = self.message(field.kind().as_message().expect("data is a message"), side);
        message.set_field(field, Value::Message(data));
    }

    fn field(&mut self, field: &FieldDescriptor, side: Side) -> Value {
        if field.is_map() {
            let value = field.kind().as_message().expect("a map").map_entry_value_field();
            let entries = (0..self.below(4))
                .map(|_| (MapKey::String(self.text(Limit::Characters(12), false)), self.value(&value, side)));
            return Value::Map(entries.collect::<HashMap<_, _>>());
        }
        if field.is_list() {
            return Value::List((0..1 + self.below(3)).map(|_| self.value(field, side)).collect());
        }
        self.value(field, side)
    }

    fn value(&mut self, field: &FieldDescriptor, side: Side) -> Value {
        match (descriptors::format(field), field.kind()) {
            (Format::Time, _) => {
                // What a caller gives lies between two centuries, what a log holds may be of any year.
                let (first, last) = match side {
                    Side::Caller | Side::Fact => (Timestamp(1), Timestamp::GIVEN_LAST),
                    Side::Engine => (Timestamp::FIRST, Timestamp::LAST),
                };
                let span = u64::try_from(last.0 - first.0).unwrap();
                Value::I64(first.0 + i64::try_from(self.roll() % (span + 1)).unwrap())
            }
            (Format::Uuid, _) => self.bytes(16),
            (Format::Hex, _) => self.bytes(32),
            (Format::Object, _) => {
                let (key, number) = (self.text(Limit::Characters(12), false), self.below(1000));
                Value::String(serde_json::json!({ key: [number, {"b": 1, "a": true}] }).to_string())
            }
            (Format::None, Kind::Enum(e)) => {
                Value::EnumNumber(i32::try_from(1 + self.below(e.values().len() - 1)).unwrap())
            }
            (Format::None, Kind::Message(m)) if m.name() == "Fact" => self.fact(&m),
            (Format::None, Kind::Message(m)) => Value::Message(self.message(&m, side)),
            (Format::None, Kind::Bool) => Value::Bool(self.half()),
            (Format::None, Kind::Uint32) if side == Side::Fact && field.name().ends_with("tier") => {
                Value::U32(u32::try_from(self.below(5)).unwrap())
            }
            (Format::None, Kind::Uint32) if ["seconds", "duration_s"].contains(&field.name()) => {
                Value::U32(1 + u32::try_from(self.below(86_400)).unwrap())
            }
            (Format::None, Kind::Uint32) if field.parent_message().name() == "TextSpan" => {
                Value::U32(1 + u32::try_from(self.below(100)).unwrap())
            }
            // On every scale.
            (Format::None, Kind::Uint32) if side == Side::Fact && field.name() == "score" => Value::U32(1),
            (Format::None, Kind::Uint32) => Value::U32(u32::try_from(self.roll() >> 32).unwrap()),
            (Format::None, Kind::Uint64) => Value::U64(1 + (self.roll() >> 12)),
            (Format::None, Kind::Double) => {
                let number = f64::from_bits(self.roll());
                Value::F64(if number.is_finite() { number } else { 0.1 })
            }
            (Format::None, Kind::String) => {
                Value::String(self.text(descriptors::limit(field), side != Side::Caller))
            }
            (format, kind) => panic!("{}: no dice for {format:?} {kind:?}", field.full_name()),
        }
    }

    fn fact(&mut self, message: &MessageDescriptor) -> Value {
        let mut fact = self.message(message, Side::Fact);
        let cases: Vec<_> =
            message.oneofs().find(|o| o.name() == "data").expect("a fact has data").fields().collect();
        let case = &cases[self.below(cases.len())];
        self.set_data(&mut fact, case, Side::Fact);
        fact.set_field_by_name(
            "type",
            Value::String(case.kind().as_message().expect("a message").name().to_owned()),
        );
        // Actors keep the rules of a command everywhere.
        let actor = self.message(&descriptors::message("Actor"), Side::Caller);
        fact.set_field_by_name("actor", Value::Message(actor));
        Value::Message(fact)
    }
}

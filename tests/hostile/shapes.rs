//! Messages of any type, drawn from the descriptors: a field that is added tomorrow is attacked tomorrow.

use std::collections::HashMap;
use std::sync::LazyLock;

use guichet_schemas::wire;
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value,
};

use crate::desks::UnderAttack;
use crate::words::{self, Wild};
use guichet_test_support::mutate::Dice;

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(wire::DESCRIPTORS).expect("descriptors of our own build"));

/// Messages within messages.
const DEPTH: u32 = 6;

/// Bytes of one message, roughly: NATS carries 1 MiB. Lists within lists of long texts would else take all of the
/// memory of the rig before anything is sent.
pub(crate) const ROOM: usize = 2 << 20;
/// What a value takes beside its text.
const FRAME: usize = 16;

/// A drawing hand: which desk it knows, how wild it is, and how much it may still draw.
pub(crate) struct Hand<'a> {
    desk: &'a UnderAttack,
    pub(crate) wild: Wild,
    pub(crate) dice: &'a mut Dice,
    room: usize,
}

/// The type of that name in `guichet.v1`.
pub(crate) fn of(name: &str) -> MessageDescriptor {
    POOL.get_message_by_name(&format!("guichet.v1.{name}")).unwrap_or_else(|| panic!("no message {name}"))
}

impl<'a> Hand<'a> {
    pub(crate) const fn new(desk: &'a UnderAttack, wild: Wild, dice: &'a mut Dice) -> Self {
        Self { desk, wild, dice, room: ROOM }
    }

    /// A command or a query of that name: envelope, and the one case of its `data`.
    pub(crate) fn named(&mut self, envelope: &str, case: &str) -> DynamicMessage {
        let descriptor = of(envelope);
        let chosen = descriptor.get_field_by_name(case).unwrap_or_else(|| panic!("no case {case}"));
        let mut message = DynamicMessage::new(descriptor.clone());
        for field in descriptor.fields() {
            if in_oneof(&field) {
                continue;
            }
            // Of the envelope, what refuses everything else comes seldom.
            let seldom =
                matches!(field.name(), "expected_version" | "min_position" | "as_of_position" | "dry_run");
            if !seldom || self.dice.once_in(8) {
                self.fill(&mut message, &field, DEPTH);
            }
        }
        message.set_field(&chosen, self.value(&chosen, DEPTH));
        message
    }

    /// A message of a type.
    pub(crate) fn message(&mut self, descriptor: &MessageDescriptor, depth: u32) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        for field in descriptor.fields().filter(|f| !in_oneof(f)) {
            self.fill(&mut message, &field, depth);
        }
        for oneof in descriptor.oneofs().filter(|o| !o.is_synthetic()) {
            let cases: Vec<FieldDescriptor> = oneof.fields().collect();
            let case = self.dice.pick(&cases).clone();
            message.set_field(&case, self.value(&case, depth));
        }
        message
    }

    fn fill(&mut self, message: &mut DynamicMessage, field: &FieldDescriptor, depth: u32) {
        let present = if field.is_list() || field.is_map() || optional(field) {
            self.dice.once_in(3)
        } else {
            !self.wild.now(self.dice)
        };
        if !present {
            return;
        }
        if field.is_map() {
            message.set_field(field, self.map(field, depth));
        } else if field.is_list() {
            message.set_field(field, self.list(field, depth));
        } else {
            message.set_field(field, self.value(field, depth));
        }
    }

    fn many(&mut self) -> usize {
        if self.wild.now(self.dice) {
            *self.dice.pick(&[0, 50, 51, 64, 65, 100, 101, 900])
        } else {
            1 + self.dice.below(3)
        }
    }

    fn list(&mut self, field: &FieldDescriptor, depth: u32) -> Value {
        if depth == 0 {
            return Value::List(Vec::new());
        }
        let mut values: Vec<Value> = Vec::new();
        let mut cost = 0;
        for _ in 0..self.many() {
            if self.room == 0 {
                break;
            }
            // The same once more: what is counted once for each is counted too often.
            let value = match values.last() {
                Some(last) if self.dice.once_in(3) => {
                    self.room = self.room.saturating_sub(cost);
                    last.clone()
                }
                _ => {
                    let before = self.room;
                    let value = self.value(field, depth - 1);
                    cost = before - self.room;
                    value
                }
            };
            values.push(value);
        }
        Value::List(values)
    }

    fn map(&mut self, field: &FieldDescriptor, depth: u32) -> Value {
        let Kind::Message(entry) = field.kind() else { panic!("a map without entries") };
        let value = entry.map_entry_value_field();
        let mut entries = HashMap::new();
        for _ in 0..self.many() {
            if self.room == 0 {
                break;
            }
            let key = words::text("field", self.wild, self.dice) + &self.dice.below(5).to_string();
            self.room = self.room.saturating_sub(FRAME + key.len());
            entries.insert(MapKey::String(key), self.value(&value, depth.saturating_sub(1)));
        }
        Value::Map(entries)
    }

    /// A value of a field, which is no list.
    pub(crate) fn value(&mut self, field: &FieldDescriptor, depth: u32) -> Value {
        let value = self.drawn(field, depth);
        let long = value.as_str().map(str::len).or_else(|| value.as_bytes().map(|bytes| bytes.len()));
        self.room = self.room.saturating_sub(FRAME + long.unwrap_or(0));
        value
    }

    fn drawn(&mut self, field: &FieldDescriptor, depth: u32) -> Value {
        let (name, wild, dice) = (field.name(), self.wild, &mut *self.dice);
        match field.kind() {
            Kind::String if self.room == 0 => Value::String(String::new()),
            Kind::Bytes if self.room == 0 => Value::Bytes(Vec::new().into()),
            Kind::String => Value::String(words::text(name, wild, dice)),
            Kind::Bytes => Value::Bytes(words::bytes(name, wild, self.desk, dice).into()),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(words::signed(wild, dice)),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                Value::I32(*dice.pick(&[0, 1, -1, i32::MIN, i32::MAX]))
            }
            Kind::Uint64 | Kind::Fixed64 => Value::U64(words::unsigned(name, wild, dice)),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(words::short(name, wild, dice)),
            Kind::Double => Value::F64(*dice.pick(&[0.5, -0.0, f64::NAN, f64::INFINITY, f64::MAX, 1e17])),
            Kind::Float => Value::F32(*dice.pick(&[0.5, f32::NAN, f32::NEG_INFINITY])),
            Kind::Bool => Value::Bool(dice.once_in(2)),
            Kind::Enum(words) if wild.now(dice) => {
                let beyond = i32::try_from(words.values().len()).unwrap_or(99);
                Value::EnumNumber(*dice.pick(&[0, -1, beyond, i32::MIN, i32::MAX]))
            }
            Kind::Enum(words) => {
                // Not the first, which says nothing.
                let numbers: Vec<i32> = words.values().map(|v| v.number()).filter(|n| *n != 0).collect();
                Value::EnumNumber(*dice.pick(&numbers))
            }
            Kind::Message(inner) if depth == 0 => Value::Message(DynamicMessage::new(inner)),
            Kind::Message(inner) => Value::Message(self.message(&inner, depth - 1)),
        }
    }
}

fn optional(field: &FieldDescriptor) -> bool {
    field.containing_oneof().is_some_and(|oneof| oneof.is_synthetic())
}

fn in_oneof(field: &FieldDescriptor) -> bool {
    field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic())
}

/// The message as the wire has it.
pub(crate) fn encoded(message: &DynamicMessage) -> Vec<u8> {
    message.encode_to_vec()
}

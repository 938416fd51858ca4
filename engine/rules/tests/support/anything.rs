//! Messages at random, drawn from the descriptors: every field of every message that there is, and of those to come.
//!
//! Texts come from a small alphabet, so that the same one comes twice in a list and again in the next command; numbers
//! sit where careless arithmetic ends.

use std::sync::LazyLock;

use guichet_schemas::wire;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(wire::DESCRIPTORS).unwrap());

/// Texts that every rule for one line takes, from one letter to the most that a tag may have.
const TEXTS: &[&str] = &[
    "a",
    "b",
    "vip",
    "VIP",
    "é",
    "e\u{301}",
    "🖨",
    "\u{202e}x",
    "technical/network",
    "r-1",
    "中中中中中中中中中中中中中中中中",
];
/// Whole numbers.
pub(crate) const NUMBERS: &[u64] = &[
    0,
    1,
    2,
    3,
    4,
    5,
    20,
    63,
    64,
    65,
    100,
    1 << 31,
    (1 << 32) - 2,
    (1 << 32) - 1,
    1 << 32,
    (1 << 53) - 1,
    1 << 53,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
];
/// Instants that a record may hold, in milliseconds.
const TIMES: &[i64] = &[
    -62_167_219_200_000,
    -1,
    0,
    1,
    3_600_000,
    7_200_000,
    36_000_000,
    1_764_000_000_000,
    7_258_118_400_000,
    253_402_300_799_999,
];

/// SplitMix64: the same seed, the same message.
#[derive(Debug)]
pub(crate) struct Dice {
    seed: u64,
    /// Only numbers and times that the edge lets through.
    given: bool,
}

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, given: false }
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(end).unwrap()).unwrap()
    }

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub(crate) fn often(&mut self) -> bool {
        self.below(4) > 0
    }

    /// A message by its short name, in which each field is there or not, and one of each choice.
    pub(crate) fn message(&mut self, name: &str) -> DynamicMessage {
        let message = POOL.get_message_by_name(&format!("guichet.v1.{name}")).unwrap();
        self.fill(&message)
    }

    /// A message with numbers that a caller may send.
    pub(crate) fn given(&mut self, name: &str) -> DynamicMessage {
        self.given = true;
        let message = self.message(name);
        self.given = false;
        message
    }

    /// The same as one of the generated types.
    pub(crate) fn wire<M: prost::Message + Default>(&mut self, name: &str) -> M {
        M::decode(self.message(name).encode_to_vec().as_slice()).unwrap()
    }

    fn fill(&mut self, message: &MessageDescriptor) -> DynamicMessage {
        let mut out = DynamicMessage::new(message.clone());
        let of_choice = |field: &FieldDescriptor| field.containing_oneof().is_some_and(|o| !o.is_synthetic());
        for field in message.fields().filter(|field| !of_choice(field)) {
            if field.is_list() {
                let count = self.one(&[0, 1, 2, 3, 3, 8, 66]);
                let list = (0..count).map(|_| self.value(&field)).collect();
                out.set_field(&field, Value::List(list));
            } else if !field.is_map()
                && (!field.supports_presence() || self.below(2) == 0 || is_message(&field))
            {
                let value = self.value(&field);
                out.set_field(&field, value);
            }
        }
        for choice in message.oneofs().filter(|choice| !choice.is_synthetic()) {
            let members: Vec<_> = choice.fields().collect();
            // Only readable texts may be sent: it is we who seal.
            let member = if message.name() == "Personal" { 0 } else { self.below(members.len()) };
            let value = self.value(&members[member]);
            out.set_field(&members[member], value);
            if let (Some(kind), Some(named)) =
                (members[member].kind().as_message(), message.get_field_by_name("type"))
            {
                out.set_field(&named, Value::String(kind.name().to_owned()));
            }
        }
        out
    }

    fn value(&mut self, field: &FieldDescriptor) -> Value {
        match field.kind() {
            Kind::Message(message) => Value::Message(self.fill(&message)),
            Kind::Enum(words) => {
                Value::EnumNumber(i32::try_from(1 + self.below(words.values().len() - 1)).unwrap())
            }
            Kind::Bool => Value::Bool(self.below(2) == 0),
            Kind::Int64 if self.given => Value::I64(self.one(&TIMES[3..9])),
            Kind::Int64 => Value::I64(self.one(TIMES)),
            // Mostly what a tier, a part, a count may be.
            Kind::Uint32 if self.often() => Value::U32(u32::try_from(self.below(5)).unwrap()),
            Kind::Uint32 => Value::U32(u32::try_from(self.one(NUMBERS)).unwrap_or(u32::MAX)),
            Kind::Uint64 if self.given => Value::U64(self.one(&NUMBERS[..16])),
            Kind::Uint64 => Value::U64(self.one(NUMBERS)),
            Kind::Double => Value::F64(self.one(&[0.0, -0.0, 1e308, -1e308, 5e-324, 0.1])),
            Kind::Bytes if field.name().contains("hash") || field.name() == "attachments" => self.bytes(32),
            Kind::Bytes if ["commitment", "sha256"].contains(&field.name()) => self.bytes(32),
            Kind::String if field.name() == "media_type" => Value::String("image/png".to_owned()),
            Kind::Bytes => self.bytes(16),
            Kind::String if field.name() == "body" && field.parent_message().name() == "PublishConfig" => {
                Value::String("{}".to_owned())
            }
            Kind::String => Value::String(self.one(TEXTS).to_owned()),
            kind @ (Kind::Float
            | Kind::Int32
            | Kind::Sint32
            | Kind::Sint64
            | Kind::Fixed32
            | Kind::Fixed64
            | Kind::Sfixed32
            | Kind::Sfixed64) => panic!("{}: no dice for {kind:?}", field.full_name()),
        }
    }

    fn bytes(&mut self, count: usize) -> Value {
        Value::Bytes((0..count).map(|_| self.roll().to_be_bytes()[7]).collect::<Vec<u8>>().into())
    }
}

fn is_message(field: &FieldDescriptor) -> bool {
    field.kind().as_message().is_some()
}

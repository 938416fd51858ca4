//! Fields that nobody knows, anywhere in a message: a request that holds one is refused with its number, a record
//! that holds one is read as if it were not there.

use guichet_schemas::codec::{self, Encoding, RequestKey};
use guichet_schemas::verb;
use proptest::prelude::*;
use prost::Message as _;
use prost::encoding::{WireType, decode_key, encode_key, encode_varint, skip_field};
use prost_reflect::MessageDescriptor;

use crate::dice::Dice;
use crate::schema::Side;
use crate::{descriptors, properties, samples};

/// A field as it stands on the wire: number, kind, and the content of a message, else all its bytes.
struct Piece {
    number: u32,
    kind: WireType,
    bytes: Vec<u8>,
}

fn pieces(mut bytes: &[u8]) -> Vec<Piece> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let (number, kind) = decode_key(&mut bytes).unwrap();
        let from = bytes;
        if kind == WireType::LengthDelimited {
            let length = prost::decode_length_delimiter(&mut bytes).unwrap();
            out.push(Piece { number, kind, bytes: bytes[..length].to_vec() });
            bytes = &bytes[length..];
        } else {
            skip_field(kind, number, &mut bytes, Default::default()).unwrap();
            out.push(Piece { number, kind, bytes: from[..from.len() - bytes.len()].to_vec() });
        }
    }
    out
}

fn write(pieces: &[Piece]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        encode_key(piece.number, piece.kind, &mut out);
        if piece.kind == WireType::LengthDelimited {
            encode_varint(piece.bytes.len() as u64, &mut out);
        }
        out.extend(&piece.bytes);
    }
    out
}

/// Puts an unknown field somewhere into the message, or into one that it holds; also returns its number.
fn with_a_stranger(message: &MessageDescriptor, bytes: &[u8], dice: &mut Dice) -> (Vec<u8>, u32) {
    let mut pieces = pieces(bytes);
    let inner: Vec<_> = (0..pieces.len())
        .filter_map(|at| {
            let field = message.get_field(pieces[at].number)?;
            Some((at, field.kind().as_message()?.clone()))
        })
        .collect();
    if let Some((at, message)) = inner.get(dice.below(inner.len() + 1)) {
        let (bytes, number) = with_a_stranger(message, &pieces[*at].bytes, dice);
        pieces[*at].bytes = bytes;
        return (write(&pieces), number);
    }
    let mut number = 0;
    while number == 0 || message.get_field(number).is_some() {
        let end = [64, 200, 20_000][dice.below(3)];
        number = u32::try_from(dice.below(end)).unwrap();
    }
    let (kind, bytes) = match dice.below(4) {
        0 => (WireType::Varint, vec![0x96, 0x01]),
        1 => (WireType::SixtyFourBit, vec![0; 8]),
        2 => (WireType::ThirtyTwoBit, vec![0; 4]),
        _ => (WireType::LengthDelimited, b"stranger".to_vec()),
    };
    pieces.insert(dice.below(pieces.len() + 1), Piece { number, kind, bytes });
    (write(&pieces), number)
}

/// Repeats a field that may stand only once.
fn with_a_double(message: &MessageDescriptor, bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut pieces = pieces(bytes);
    let single: Vec<usize> = (0..pieces.len())
        .filter(|at| message.get_field(pieces[*at].number).is_some_and(|f| !f.is_list() && !f.is_map()))
        .collect();
    let Piece { number, kind, bytes } = &pieces[single[dice.below(single.len())]];
    let double = Piece { number: *number, kind: *kind, bytes: bytes.clone() };
    pieces.push(double);
    write(&pieces)
}

fn refusal(verb: &str, body: &[u8]) -> Option<guichet_schemas::rejection::Rejection> {
    let key = RequestKey([7; 32]);
    codec::decode_command(samples::subject(verb), Encoding::Protobuf, body, None, &key).err()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn a_command_with_an_unknown_or_a_doubled_field_is_malformed(seed: u64) {
        let mut dice = Dice(seed);
        let message = descriptors::message("Command");
        for verb in verb::VERBS {
            let body = properties::command(verb, &mut dice);
            let refused = refusal(verb, &body);
            prop_assert!(refused.is_none(), "{}: {:?}", verb, refused);
            let (strange, number) = with_a_stranger(&message, &body, &mut dice);
            let told = refusal(verb, &strange).expect("nobody knows that field");
            prop_assert_eq!(told.code(), "malformed");
            prop_assert!(told.to_string().contains(&format!("unknown field {number} of guichet.v1.")), "{}", told);
            let told = refusal(verb, &with_a_double(&message, &body, &mut dice)).expect("said twice");
            prop_assert_eq!(told.code(), "malformed");
        }
    }

    #[test]
    fn a_query_with_an_unknown_field_is_malformed(seed: u64) {
        let mut dice = Dice(seed);
        let message = descriptors::message("Query");
        let cases: Vec<_> = message.oneofs().find(|o| o.name() == "data").unwrap().fields().collect();
        for case in cases {
            let mut query = dice.message(&message, Side::Caller);
            dice.set_data(&mut query, &case, Side::Caller);
            let body = query.encode_to_vec();
            prop_assert!(codec::decode_query(case.name(), Encoding::Protobuf, &body).is_ok());
            let (strange, number) = with_a_stranger(&message, &body, &mut dice);
            let told = codec::decode_query(case.name(), Encoding::Protobuf, &strange).unwrap_err();
            prop_assert_eq!(told.code(), "malformed");
            prop_assert!(told.to_string().contains(&format!("unknown field {number} of guichet.v1.")), "{}", told);
        }
    }

    #[test]
    fn a_record_is_read_past_what_a_newer_program_added(seed: u64) {
        let mut dice = Dice(seed);
        let message = descriptors::message("Record");
        for bytes in properties::records(seed) {
            let (newer, _) = with_a_stranger(&message, &bytes, &mut dice);
            prop_assert_eq!(codec::decode_record(&newer).unwrap(), codec::decode_record(&bytes).unwrap());
        }
    }
}

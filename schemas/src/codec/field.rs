//! One field of protobuf, read in place: no copy, no allocation. For readers that look at the bytes themselves.

/// The value of a field, as far as its key tells.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    /// An integer, a truth value, a word of an enumeration.
    Number(u64),
    /// A text, bytes, a message, or many numbers.
    Bytes(&'a [u8]),
    /// A floating-point number; none stands in the head of a record.
    Fixed,
}

impl<'a> Value<'a> {
    pub(super) fn number(self) -> Option<u64> {
        match self {
            Self::Number(n) => Some(n),
            Self::Bytes(_) | Self::Fixed => None,
        }
    }

    pub(super) fn number32(self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    pub(super) fn word(self) -> Option<i32> {
        self.number()?.try_into().ok()
    }

    /// Protobuf writes negative numbers as their two's complement.
    pub(super) fn signed(self) -> Option<i64> {
        self.number().map(u64::cast_signed)
    }

    pub(super) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Number(_) | Self::Fixed => None,
            Self::Bytes(bytes) => Some(bytes),
        }
    }

    pub(super) fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }
}

/// Takes the next field off the front: its number and its value. `None` where there is none, or one of the kinds
/// that protobuf 3 does not write.
#[inline]
pub(super) fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let key = varint(rest)?;
    let value = match key & 7 {
        0 => Value::Number(varint(rest)?),
        1 => take(rest, 8).map(|_| Value::Fixed)?,
        2 => {
            let length = varint(rest)?.try_into().ok()?;
            Value::Bytes(take(rest, length)?)
        }
        5 => take(rest, 4).map(|_| Value::Fixed)?,
        _ => return None,
    };
    Some((key >> 3, value))
}

/// The numbers of a field that holds many in one.
pub(super) fn packed(mut bytes: &[u8]) -> impl Iterator<Item = u64> {
    std::iter::from_fn(move || varint(&mut bytes))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(bytes)
}

/// Takes a number of at most 63 bits and its sign, seven bits a byte, the lowest first.
#[inline]
fn varint(rest: &mut &[u8]) -> Option<u64> {
    // Keys, lengths, words and most counts are one byte.
    match rest.split_first() {
        Some((byte @ 0..0x80, after)) => {
            *rest = after;
            Some(u64::from(*byte))
        }
        Some(_) => long_varint(rest),
        None => None,
    }
}

fn long_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for (i, byte) in rest.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7f).checked_shl(u32::try_from(i).ok()?.checked_mul(7)?)?;
        if byte & 0x80 == 0 {
            // The tenth byte has room for one bit.
            if i == 9 && *byte > 1 {
                return None;
            }
            *rest = rest.get(i.saturating_add(1)..)?;
            return Some(number);
        }
    }
    None
}

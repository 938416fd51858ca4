//! A personal text, sealed and opened.
//!
//! `Sealed{key_id, nonce, ciphertext}`, byte by byte:
//!
//! | part | bytes |
//! |---|---|
//! | `key_id` | 16, the id of the data key in `KeyCreated` |
//! | `nonce` | 12, random |
//! | `ciphertext` | AES-256-GCM-SIV of the padded text, then its tag of 16 bytes |
//! | padded text | the text in UTF-8, `80`, then `00` until the length is a multiple of 32: a length says little |
//! | associated data | `guichet.personal.v1`, `00`, tenant, `00`, ticket id 16, field name, `00`, command id 16 |
//!
//! A tenant is a token and a field name one of ours: neither holds a zero byte, so no two places have the same
//! associated data. A sealed text that is moved to another ticket, field or command does not open there.

use guichet_schemas::event::Sealed;
use guichet_schemas::ids::{CommandId, KeyId, TicketId};
use guichet_schemas::personal::Field;

use crate::aead;
use crate::dice::{Dice, NoDice};
use crate::key::DataKey;

/// Texts are padded to steps of this many bytes.
const STEP: usize = 32;

/// Where a personal text stands. It opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub tenant: &'a str,
    pub ticket: TicketId,
    pub field: Field,
    /// The command that wrote the event.
    pub command: CommandId,
}

/// The key, the place or the ciphertext is another than that of the sealing. Which one, nobody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text does not open with this key in this place")]
pub struct NotOpened;

/// Seals a text.
///
/// # Errors
/// No random bytes for the nonce.
pub fn seal(
    key: &DataKey,
    key_id: KeyId,
    place: &Place<'_>,
    text: &str,
    dice: &mut Dice,
) -> Result<Sealed, NoDice> {
    let nonce = dice.bytes::<{ aead::NONCE }>()?;
    let mut ciphertext = padded(text);
    let tag = aead::encrypt(key.reveal(), &nonce, &place.bytes(), &mut ciphertext);
    ciphertext.extend_from_slice(&tag);
    Ok(Sealed { key_id: key_id.0.as_bytes().to_vec(), nonce: nonce.to_vec(), ciphertext })
}

/// Opens a text.
///
/// # Errors
/// Anything is not as it was when the text was sealed.
pub fn open(key: &DataKey, place: &Place<'_>, nonce: &[u8], ciphertext: &[u8]) -> Result<String, NotOpened> {
    let mut text = aead::decrypt(key.reveal(), nonce, &place.bytes(), ciphertext).ok_or(NotOpened)?;
    let end = text.iter().rposition(|byte| *byte != 0).filter(|end| text[*end] == 0x80).ok_or(NotOpened)?;
    text.truncate(end);
    String::from_utf8(text).map_err(|_| NotOpened)
}

impl Place<'_> {
    fn bytes(&self) -> Vec<u8> {
        let field = self.field.name();
        let mut bytes = Vec::with_capacity(54 + self.tenant.len() + field.len());
        bytes.extend_from_slice(b"guichet.personal.v1\0");
        bytes.extend_from_slice(self.tenant.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(self.ticket.0.as_bytes());
        bytes.extend_from_slice(field.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(self.command.0.as_bytes());
        bytes
    }
}

/// The padded text, with room for the tag of its ciphertext.
fn padded(text: &str) -> Vec<u8> {
    let length = (text.len() + 1).next_multiple_of(STEP);
    let mut bytes = Vec::with_capacity(length + aead::TAG);
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0x80);
    bytes.resize(length, 0);
    bytes
}

#[cfg(test)]
mod tests {
    use guichet_schemas::event::TicketCreated;
    use guichet_schemas::ids::{CommandId, TicketId};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn key(byte: u8) -> DataKey {
        DataKey::from_slice(&[byte; 32]).unwrap()
    }

    fn place(tenant: &str, ticket: u128, field: Field, command: u128) -> Place<'_> {
        Place {
            tenant,
            ticket: TicketId(Uuid::from_u128(ticket)),
            field,
            command: CommandId(Uuid::from_u128(command)),
        }
    }

    fn here() -> Place<'static> {
        place("default", 1, TicketCreated::SUBJECT, 2)
    }

    fn sealed(text: &str) -> Sealed {
        seal(&key(7), KeyId(Uuid::from_u128(1)), &here(), text, &mut Dice::new()).unwrap()
    }

    fn opens(key: &DataKey, place: &Place<'_>, s: &Sealed) -> Result<String, NotOpened> {
        open(key, place, &s.nonce, &s.ciphertext)
    }

    #[test]
    fn a_text_opens_only_with_its_key_in_its_place() {
        let s = sealed("Jeanne Moreau");
        assert_eq!(opens(&key(7), &here(), &s).as_deref(), Ok("Jeanne Moreau"));
        assert_eq!(opens(&key(8), &here(), &s), Err(NotOpened));
        for elsewhere in [
            place("other", 1, TicketCreated::SUBJECT, 2),
            place("default", 3, TicketCreated::SUBJECT, 2),
            place("default", 1, TicketCreated::DESCRIPTION, 2),
            place("default", 1, TicketCreated::SUBJECT, 4),
            // The two ids changed places.
            place("default", 2, TicketCreated::SUBJECT, 1),
        ] {
            assert_eq!(opens(&key(7), &elsewhere, &s), Err(NotOpened), "{elsewhere:?}");
        }
    }

    #[test]
    fn no_changed_byte_opens() {
        let s = sealed("a text of more than one step, so that there is something to change");
        for at in 0..s.ciphertext.len() {
            let mut changed = s.clone();
            changed.ciphertext[at] ^= 1;
            assert_eq!(opens(&key(7), &here(), &changed), Err(NotOpened), "byte {at}");
        }
        for at in 0..s.nonce.len() {
            let mut changed = s.clone();
            changed.nonce[at] ^= 1;
            assert_eq!(opens(&key(7), &here(), &changed), Err(NotOpened), "nonce byte {at}");
        }
    }

    #[test]
    fn the_same_text_is_sealed_differently_each_time() {
        assert_ne!(sealed("yes").ciphertext, sealed("yes").ciphertext);
    }

    #[test]
    fn lengths_show_only_in_steps_of_32() {
        let length = |n: usize| sealed(&"x".repeat(n)).ciphertext.len();
        assert_eq!((length(0), length(1), length(31)), (48, 48, 48));
        assert_eq!((length(32), length(63), length(64)), (80, 80, 112));
    }

    #[test]
    fn the_associated_data_is_what_the_page_says() {
        let bytes = here().bytes();
        let expected = [
            b"guichet.personal.v1\0default\0".as_slice(),
            &Uuid::from_u128(1).into_bytes(),
            b"TicketCreated.subject\0",
            &Uuid::from_u128(2).into_bytes(),
        ]
        .concat();
        assert_eq!(bytes, expected);
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in any::<String>()) {
            let s = sealed(&text);
            prop_assert_eq!(s.ciphertext.len() % STEP, 16);
            prop_assert_eq!(opens(&key(7), &here(), &s), Ok(text));
        }

        #[test]
        fn what_ends_in_the_padding_comes_back_too(text in "[\u{80}\u{0}a]{0,70}") {
            prop_assert_eq!(opens(&key(7), &here(), &sealed(&text)), Ok(text));
        }
    }
}

//! Keys of personal texts: how a text is sealed and opened, and where the keys are kept.
//!
//! Every data subject, that is a requester of a tenant, has a random key of its own. A personal text is sealed
//! under it before it is hashed, so that destroying one key makes the texts of one person unreadable in every
//! copy of the log, and changes no hash. Reading top to bottom: a [`DataKey`] and its commitment, [`seal`] and
//! [`open`] with the bytes of a sealed text, the [`Kek`] under which keys are kept, the [`KeyStore`].
//!
//! No network, no clock, and no dice but [`Dice`].

mod aead;
pub mod copy;
mod dice;
mod file;
mod kek;
mod key;
mod options;
pub mod rebuild;
mod rows;
mod seal;
mod store;

pub use dice::{Dice, NoDice};
pub use file::{FileCipher, FilePlace, SALT, SEALED_SEGMENT, SEGMENT};
pub use kek::{Kek, KekError, KekSource};
pub use key::{Commitment, DataKey, random_key_id};
pub use seal::{NotOpened, Place, open, seal};
pub use store::{KeyFault, KeyStore, MARK, NewKey, OpenError};

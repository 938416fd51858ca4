//! Opens the personal texts of an answer, with keys from the key service.
//!
//! Whoever shows tickets keeps the sealed form and opens only what goes out: [`Opener::open`] takes all sealed texts
//! of a page, asks for the missing keys at once, and puts the readable form in the place of every text that opens. What
//! does not open, because its key was destroyed or the service is away or says nothing to us, stays as it was: an
//! answer with sealed texts is an answer. Keys stay in memory for a minute at most, and are never written anywhere.

mod cache;
mod opener;
mod texts;

pub use opener::Opener;
pub use texts::{Text, of_record, of_reply};

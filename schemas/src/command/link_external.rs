//! The verb `link_external`.

use super::Verb;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::text::{Label, Note};
use crate::words::TicketState;

mirror! {
    /// Say where another system has to do with the ticket.
    pub struct LinkExternal {
        /// Name of that system.
        pub system: Label,
        /// Its identifier there.
        pub r#ref: Label,
        /// Where to look at it.
        pub url: Option<Note>,
    }
}

impl Verb for LinkExternal {
    const STATES: &'static [TicketState] = TicketState::ALL;

    fn check(&self) -> Result<(), FieldError> {
        self.url.as_ref().map_or(Ok(()), |url| address(url.as_str()))
    }
}

/// Programs show it as a link: nothing but an address on the web may stand there.
fn address(url: &str) -> Result<(), FieldError> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    if is_web && !url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Ok(());
    }
    Err(FieldError::new("url", "must begin with https:// or http:// and hold no white space"))
}

mirror! {
    /// Another system has to do with the ticket.
    pub struct ExternalLinked {
        /// Name of that system.
        pub system: String,
        /// Its identifier there.
        pub r#ref: String,
        /// Where to look at it.
        pub url: Option<String>,
    }
}

personal_texts!(ExternalLinked {});

impl Meaning for ExternalLinked {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("system", Some(&self.system))?;
        size::label("ref", Some(&self.r#ref))?;
        size::note("url", self.url.as_deref())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}

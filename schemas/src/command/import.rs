//! The verb `import`.

use super::{Fact, Verb, limits};
use crate::codec::check::{actor, sizes};
use crate::event::{Change, Meaning};
use crate::hash::Hash;
use crate::mirror::Wire as _;
use crate::personal;
use crate::rejection::FieldError;
use crate::text::Label;
use crate::time::Timestamp;
use crate::words::TicketState;
use prost::Message as _;

mirror! {
    /// Replay a history from another system.
    pub struct Import {
        /// Name of that system.
        pub source: Label,
        /// Identifier of the ticket there.
        pub external_id: Label,
        /// From 1.
        pub part: u32,
        /// How many.
        pub parts: u32,
        /// In order.
        pub events: Vec<Fact>,
        /// Which mapping made the facts.
        pub mapping_version: Option<Label>,
        /// How many facts of the ticket come before these; without it, a part that was imported changes nothing.
        pub begins_at: Option<u64>,
        /// Digest of the facts that come before, where there are any.
        pub prefix: Option<Hash>,
        /// The facts hold every public reply: a ticket without one was not answered.
        pub replies_complete: bool,
    }
}

impl Import {
    /// Digest of the facts of a ticket up to the end of these, from that of the facts before them.
    #[must_use]
    pub fn digest<'a>(before: Hash, facts: impl IntoIterator<Item = &'a Fact>) -> Hash {
        let mut bytes = Vec::new();
        facts.into_iter().fold(before, |digest, fact| {
            bytes.clear();
            bytes.extend_from_slice(&digest.0);
            fact.clone().to_wire().encode_raw(&mut bytes);
            Hash::of_bytes(&bytes)
        })
    }
}

impl Verb for Import {
    const STATES: &'static [TicketState] = &[];

    fn check(&self) -> Result<(), FieldError> {
        if self.part == 0 || self.part > self.parts {
            return Err(FieldError::new("part", "must be from 1 to parts"));
        }
        if self.events.is_empty() {
            return Err(FieldError::new("events", "must hold at least one fact"));
        }
        if self.events.len() > limits::FACTS {
            let rule = format!("must hold at most {} facts; send the others as another part", limits::FACTS);
            return Err(FieldError::new("events", rule));
        }
        self.events.iter().enumerate().try_for_each(|(n, fact)| {
            let checked = fact.actor.as_ref().map_or(Ok(()), actor);
            checked.map_err(|e| e.in_field("actor").at_index(n).in_field("events"))?;
            // Sealed elsewhere, or copied from a record: bound to another place, it would open for nobody.
            let sealed =
                personal::sealed_field(&fact.event).map(|name| FieldError::new(name, "must be plain"));
            let checked = sealed.map_or_else(|| sizes(&fact.event), Err);
            checked.map_err(|e| e.in_field("data").at_index(n).in_field("events"))
        })
    }
}

mirror! {
    /// The facts that follow, up to the next command, come from another system.
    pub struct TicketImported {
        /// Source.
        pub source: String,
        /// External id.
        pub external_id: String,
        /// From 1; a long history arrives in several parts.
        pub part: u32,
        /// Parts.
        pub parts: u32,
        /// Original created at.
        pub original_created_at: Option<Timestamp>,
        /// Mapping version.
        pub mapping_version: Option<String>,
        /// Facts of the ticket that are imported with this command done; absent in older logs.
        pub facts: Option<u64>,
        /// Digest of all of them; absent in older logs.
        pub digest: Option<Hash>,
        /// The facts hold every public reply; false in older logs.
        pub replies_complete: bool,
    }
}

personal_texts!(TicketImported {});

impl Meaning for TicketImported {
    /// It is no fact that may be imported.
    fn sizes(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}

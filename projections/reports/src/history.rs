//! The history of one ticket: its moments, up to where somebody looks.

use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::words::{CancelReason, CloseReason};
use prost::Message as _;

/// How far a look goes. What was known at a position, and of that, what had happened before an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cut {
    /// The last position that counts.
    pub position: u64,
    /// The first instant, in milliseconds UTC, that does not count.
    pub before: i64,
}

impl Cut {
    /// Everything that is known.
    pub const NONE: Self = Self { position: u64::MAX, before: i64::MAX };

    fn holds(self, moment: &Moment) -> bool {
        moment.position <= self.position && moment.at < self.before
    }
}

/// The moments of a ticket, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    moments: Vec<Moment>,
}

/// Bytes that are no history of ours.
#[derive(Debug, thiserror::Error)]
#[error("the moments of a ticket cannot be read: {0}")]
pub struct Damaged(#[from] prost::DecodeError);

impl History {
    /// Reads what [`crate::encode`] wrote, as far as the cut.
    ///
    /// # Errors
    /// The bytes are damaged.
    pub fn read(mut bytes: &[u8], cut: Cut) -> Result<Self, Damaged> {
        let mut moments = Vec::new();
        while !bytes.is_empty() {
            let moment = Moment::decode_length_delimited(&mut bytes)?;
            if cut.holds(&moment) {
                moments.push(moment);
            }
        }
        Ok(Self::new(moments))
    }

    /// A history of moments in the order of the log.
    ///
    /// Facts that a timer found are dated back; all others are in order already.
    #[must_use]
    pub fn new(mut moments: Vec<Moment>) -> Self {
        if !moments.is_sorted_by_key(|m| m.at) {
            moments.sort_by_key(|m| m.at);
        }
        Self { moments }
    }

    /// The moments, for reports.
    pub(crate) fn moments(&self) -> &[Moment] {
        &self.moments
    }

    /// Whether the ticket is in any figure: sandbox tickets, spam and tests never are, from their first moment on.
    pub(crate) fn counts(&self) -> bool {
        let mut created = false;
        for moment in &self.moments {
            match &moment.what {
                Some(What::Created(c)) if c.synthetic => return false,
                Some(What::Created(_)) => created = true,
                Some(What::Cancelled(reason)) if is_noise(*reason) => return false,
                Some(_) | None => {}
            }
        }
        created
    }

    /// Whether the ticket went into another one: then it is not in net counts, from its first moment on.
    pub(crate) fn is_merged(&self) -> bool {
        let merged = Some(What::Closed(CloseReason::Merged.to_wire()));
        self.moments.iter().any(|moment| moment.what == merged)
    }

    /// Whether the ticket was given up.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.moments.iter().any(|moment| matches!(moment.what, Some(What::Cancelled(_))))
    }
}

fn is_noise(reason: i32) -> bool {
    matches!(CancelReason::from_wire(reason), Ok(CancelReason::Spam | CancelReason::Test))
}

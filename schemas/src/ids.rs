//! Identities. Each is its own type, so that a command id can never stand where a ticket id is meant.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Reads the hyphenated form, in lower or upper case.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                (text.len() == 36).then(|| Uuid::try_parse(text).ok().map(Self)).flatten()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

uuid_id!(
    /// A ticket, for machines. People use its [`TicketNumber`].
    TicketId
);
uuid_id!(
    /// The idempotency key of a command: one id, one outcome.
    CommandId
);
uuid_id!(
    /// One event.
    EventId
);
uuid_id!(
    /// One comment.
    CommentId
);
uuid_id!(
    /// What belongs together across commands.
    CorrelationId
);

uuid_id!(
    /// The key of a data subject. Random, so it says nothing about whose it is.
    KeyId
);

uuid_id!(
    /// A survey: the token by which somebody answers it.
    SurveyId
);

uuid_id!(
    /// A task of a ticket.
    TaskId
);
uuid_id!(
    /// An approval of a ticket.
    ApprovalId
);
uuid_id!(
    /// A reply that waits for approval. An approved one becomes the comment of the same id.
    DraftId
);
uuid_id!(
    /// A conversation beside that with the requester.
    SideId
);
uuid_id!(
    /// What a model suggested.
    SuggestionId
);

impl KeyId {
    /// Reads 16 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self)
    }
}

impl CommandId {
    /// An id that follows from this one and a word: the same command always makes the same comment.
    #[must_use]
    pub fn derive(self, word: &str) -> Uuid {
        Uuid::new_v5(&self.0, word.as_bytes())
    }
}

/// The short number of a ticket, for people: dense per tenant, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TicketNumber(pub u64);

impl TicketNumber {
    /// Written before every number.
    pub const PREFIX: &str = "T-";

    /// Reads `T-42`, `t-42` or `42`.
    ///
    /// ```
    /// use guichet_schemas::ids::TicketNumber;
    /// assert_eq!(TicketNumber::parse("T-42"), Some(TicketNumber(42)));
    /// assert_eq!(TicketNumber::parse("T-0"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(Self::PREFIX).or_else(|| text.strip_prefix("t-")).unwrap_or(text);
        let plain =
            !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        plain.then(|| digits.parse().ok().map(Self)).flatten()
    }
}

impl fmt::Display for TicketNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, self.0)
    }
}

macro_rules! token_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Only what matches `[A-Za-z0-9_-]{1,64}`: one token of a subject.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                is_token(text).then(|| Self(text.into()))
            }

            /// The token.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

token_id!(
    /// One customer of the desk. Tenants share a log and never see each other.
    TenantId
);
token_id!(
    /// The service that calls, fixed by its NATS permissions.
    CallerId
);

impl TenantId {
    /// The tenant of the zero-configuration start.
    #[must_use]
    pub fn default_tenant() -> Self {
        Self("default".into())
    }

    /// Our own tenant, for epochs and operator events. No caller can name it.
    #[must_use]
    pub fn system() -> Self {
        Self("_system".into())
    }

    /// Is it one of ours, which nobody else can make?
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.0.starts_with('_')
    }
}

/// True for `[A-Za-z0-9_-]{1,64}`.
#[must_use]
pub fn is_token(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

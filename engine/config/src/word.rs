//! Words of the closed lists of `guichet_schemas`, as a configuration writes them.

use guichet_schemas::words::{ActorKind, Priority, TicketState};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A closed list of words.
pub trait Listed: Copy + 'static {
    /// Every value.
    const LIST: &'static [Self];

    fn word(self) -> &'static str;
}

macro_rules! listed {
    ($($name:ident),*) => { $(
        impl Listed for $name {
            const LIST: &'static [Self] = Self::ALL;

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    )* };
}

listed!(ActorKind, Priority, TicketState);

/// A value of a closed list, written as its word; another word is refused with the list.
///
/// ```
/// use guichet_config::Word;
/// use guichet_schemas::words::TicketState;
/// let state: Word<TicketState> = serde_json::from_str("\"pending\"").unwrap();
/// assert_eq!(state.0, TicketState::Pending);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word<T>(pub T);

impl<T: Listed> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.word())
    }
}

impl<'de, T: Listed> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = std::borrow::Cow::<str>::deserialize(from)?;
        let known = T::LIST.iter().find(|known| known.word() == word);
        known.copied().map(Self).ok_or_else(|| {
            let list: Vec<_> = T::LIST.iter().map(|known| known.word()).collect();
            de::Error::custom(format!("{word:?} is not one of {}", list.join(", ")))
        })
    }
}

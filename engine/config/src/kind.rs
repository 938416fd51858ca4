//! What there is to configure.

use serde::{Deserialize, Serialize};

use crate::body::each_kind;

/// The id of everything of which a tenant has one.
pub const THE_ONE: &str = "default";

/// The form of the ids of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// There is one, [`THE_ONE`].
    One,
    /// Each has a name of its own.
    Named,
    /// There is one, and it is called as the tenant.
    Tenant,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident: $body:ident as $name:literal, $ids:ident;)*) => {
        /// A kind of configuration.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// All of them, each after those that it may refer to, and the tenant first: publishing it makes one.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Its name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            pub(crate) const fn ids(self) -> Ids {
                match self { $(Self::$kind => Ids::$ids,)* }
            }
        }
    };
}
each_kind!(kinds);

impl Kind {
    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// The names of all of them.
    #[must_use]
    pub fn names() -> String {
        Self::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// True where items have names of their own; else the id is [`THE_ONE`].
    #[must_use]
    pub const fn is_named(self) -> bool {
        matches!(self.ids(), Ids::Named | Ids::Tenant)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

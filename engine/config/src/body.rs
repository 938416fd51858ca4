//! What a publication says, typed: JSON in, one structure for each kind out. The table of kinds: all that there is to
//! configure, each with the file beside this one that holds its body, its checks and its advice.

mod agents;
mod calendar;
mod callers;
mod categories;
mod fields;
mod figure;
mod goals;
mod groups;
mod lifecycle;
mod policies;
mod procedure;
mod statuses;
mod tags;
mod tenant;
mod tiers;
mod time_rules;

use guichet_rules::calendar::Definition;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::agents::{Agent, Agents, Authority};
pub use self::callers::{Caller, Callers, Role};
pub use self::categories::Categories;
pub use self::fields::{Field, FieldKind, Fields};
pub use self::figure::{Dated, Duration, Figure, Pairs, Title};
pub use self::goals::{Goal, Goals};
pub use self::groups::{Group, Groups};
pub use self::lifecycle::{AUTO_CLOSE_MAX_S, Lifecycle};
pub use self::policies::Policies;
pub use self::procedure::{Procedure, ProcedureStep};
pub use self::statuses::{Status, StatusName, Statuses};
pub use self::tags::{TagWord, Tags, UnknownTags};
pub use self::tenant::{Language, Tenant};
pub use self::tiers::{Tier, Tiers};
pub use self::time_rules::TimeRules;
use crate::fault::Fault;
use crate::item::Item;
use crate::kind::Kind;

/// Hands every kind to a macro: its name, the structure of its body, and whether there is one of it in a tenant, one
/// for each name, or the tenant itself. Each comes after those that it may refer to, and the tenant first: publishing
/// it makes one.
macro_rules! each_kind {
    ($then:ident) => {
        $then! {
            /// The tenant itself; its id is the token of the tenant.
            Tenant: Tenant as "tenant", Tenant;
            /// Opening hours; one item for each name.
            Calendar: Definition as "calendar", Named;
            /// Levels of support.
            Tiers: Tiers as "tiers", One;
            /// Teams.
            Groups: Groups as "groups", One;
            /// Names of states, and what is expected in them.
            Statuses: Statuses as "statuses", One;
            /// The tree of categories.
            Categories: Categories as "categories", One;
            /// Custom fields.
            Fields: Fields as "fields", One;
            /// The vocabulary of tags.
            Tags: Tags as "tags", One;
            /// People who work on tickets.
            Agents: Agents as "agents", One;
            /// Guards and delays of the life of a ticket.
            Lifecycle: Lifecycle as "lifecycle", One;
            SlaPolicies: Policies as "sla_policies", One;
            /// Rules that fire when a ticket has stayed as it is for some time.
            TimeRules: TimeRules as "time_rules", One;
            /// Goals for the figures of reports.
            Goals: Goals as "goals", One;
            /// Figures that the desk defines; one item for each.
            Figure: Figure as "figure", Named;
            /// How tickets of a kind are worked on, step by step; one item for each.
            Procedure: Procedure as "procedure", Named;
            Callers: Callers as "callers", One;
        }
    };
}
pub(crate) use each_kind;

macro_rules! bodies {
    ($($(#[$doc:meta])* $kind:ident: $body:ident as $name:literal, $ids:ident;)*) => {
        /// A body of any kind.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Body {
            $($kind($body),)*
        }

        impl Body {
            /// Reads a body of a kind: its shape only, not what it says.
            ///
            /// # Errors
            /// A field that is missing, unknown or of another type, with its place.
            pub fn read(kind: Kind, body: &Value) -> Result<Self, Fault> {
                Ok(match kind { $(Kind::$kind => Self::$kind(read(body)?),)* })
            }

            pub(crate) fn as_item(&self) -> &dyn Item {
                match self { $(Self::$kind(body) => body,)* }
            }
        }

        impl Kind {
            /// Why what is in force of it cannot be retired; `None`: it can.
            pub(crate) fn must_stay(self) -> Option<&'static str> {
                match self { $(Self::$kind => <$body as Item>::must_stay(),)* }
            }

            /// True where reports go by it, so that their read model keeps what is published of it.
            #[must_use]
            pub fn is_read_by_reports(self) -> bool {
                match self { $(Self::$kind => <$body as Item>::is_read_by_reports(),)* }
            }
        }

        $(impl OfKind for $body {
            const KIND: Kind = Kind::$kind;

            fn of(body: &Body) -> Option<&Self> {
                if let Body::$kind(body) = body { Some(body) } else { None }
            }
        })*
    };
}
each_kind!(bodies);

/// A structure that is the body of a kind.
pub trait OfKind: Sized {
    const KIND: Kind;

    /// Itself, where a body is of the kind.
    fn of(body: &Body) -> Option<&Self>;
}

impl Body {
    /// The first thing in the body that the contract gives a meaning and this build does not: it is refused, not
    /// ignored.
    #[must_use]
    pub fn not_yet(&self) -> Option<&'static str> {
        self.as_item().not_yet()
    }
}

fn read<T: DeserializeOwned>(body: &Value) -> Result<T, Fault> {
    serde_path_to_error::deserialize(body).map_err(|fault| {
        let path = fault.path().to_string();
        // The path of the whole is a dot, which says nothing.
        Fault::at(if path == "." { "body".to_owned() } else { path }, fault.into_inner().to_string())
    })
}

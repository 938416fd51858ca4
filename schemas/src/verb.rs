//! The verbs of commands and the names of queries, all of the contract's; some are not of this build.

use crate::vocabulary::LATER_VERBS;

/// A word in a subject, as this build knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// This build does it.
    Built,
    /// The contract has it, this build has not.
    Unsupported,
}

/// The kind of entity that a verb is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A ticket that need not be there yet.
    New,
    /// A ticket that is there.
    Ticket,
    /// What the tenant has configured.
    Config,
    /// The desk as a whole.
    Desk,
    /// The articles of the knowledge base.
    Articles,
}

macro_rules! words {
    ($($verb:ident => $variant:ident on $about:ident,)*) => {
        /// Verbs of this build, in the order of the contract.
        pub const VERBS: &[&str] = &[$(stringify!($verb),)*];

        /// The kind of entity that a verb of this build is about.
        #[must_use]
        pub fn about(word: &str) -> Option<About> {
            match word { $(stringify!($verb) => Some(About::$about),)* _ => None }
        }
    };
}
each_verb!(words);

macro_rules! queries {
    ({ [$($before:literal,)*] [$($behind:literal,)*] }
     $($of:ident { $($report:literal => $variant:ident: $answer:ident $about:tt)* })*) => {
        /// Queries of this build.
        pub const QUERIES: &[&str] = &[$($before,)* $($($report,)*)* $($behind,)*];
    };
}
each_report!([queries] {
    ["ticket", "timeline", "tickets", "events", "projections", "queues", "queue", "figures",]
    ["sla_clocks", "sla_breaches", "article", "articles", "suggested_articles", "knowledge_gaps",]
});

/// Our knowledge of a verb; `None`: none.
#[must_use]
pub fn verb(word: &str) -> Option<Known> {
    known(word, VERBS, LATER_VERBS)
}

/// Our knowledge of a query; `None`: none.
#[must_use]
pub fn query(word: &str) -> Option<Known> {
    known(word, QUERIES, &[])
}

fn known(word: &str, built: &[&str], later: &[&str]) -> Option<Known> {
    if built.contains(&word) {
        Some(Known::Built)
    } else {
        later.contains(&word).then_some(Known::Unsupported)
    }
}

//! The routes of the API: which address asks which query. One table, from which the router and its description are
//! made, so that neither can know more than the other.

use guichet_schemas::each_report;

/// One address and the query behind it.
#[derive(Debug)]
pub(crate) struct Route {
    /// Below `/api/v1/{tenant}`.
    pub(crate) path: &'static str,
    /// Name of the query.
    pub(crate) query: &'static str,
    pub(crate) place: Place,
    pub(crate) summary: &'static str,
    /// JSON Schema of the question, as published.
    pub(crate) question: &'static str,
    /// JSON Schema of the answer, as published.
    pub(crate) answer: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Nothing,
    /// A ticket, by number or id.
    Ticket,
    /// A ticket, by its id in another system.
    ExternalRef,
    Group,
    Article,
}

impl Place {
    /// Name of the path's parameter.
    pub(crate) const fn parameter(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Ticket => Some("ticket"),
            Self::ExternalRef => Some("external_id"),
            Self::Group => Some("group"),
            Self::Article => Some("article"),
        }
    }

    /// Fields of the query that the path gives, and that the query string therefore may not.
    pub(crate) const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Nothing => &[],
            Self::Ticket => &["ticket_id", "number", "external_id", "external_source"],
            Self::ExternalRef => &["ticket_id", "number", "external_id"],
            Self::Group => &["group"],
            Self::Article => &["article"],
        }
    }
}

macro_rules! route {
    ($path:literal, $query:literal, $place:ident, $summary:literal) => {
        Route {
            path: $path,
            query: $query,
            place: Place::$place,
            summary: $summary,
            question: include_str!(concat!("../../../schemas/contract/queries/", $query, ".json")),
            answer: include_str!(concat!("../../../schemas/contract/replies/query-", $query, ".json")),
        }
    };
}

macro_rules! routes {
    ({ $($path:literal, $query:literal, $place:ident, $summary:literal;)* }
     $($of:ident { $($name:literal => $variant:ident: $answer:ident
        { $kind:ident in $module:ident, $address:literal, $told:literal })* })*) => {
        /// All of them.
        pub(crate) const ROUTES: &[Route] = &[
            $(route!($path, $query, $place, $summary),)*
            $($(route!($address, $name, Nothing, $told),)*)*
        ];
    };
}
each_report!([routes] {
    "/tickets", "tickets", Nothing, "Tickets that match every filter given, newest number first";
    "/tickets/{ticket}", "ticket", Ticket, "One ticket, by number or id";
    "/tickets/{ticket}/timeline", "timeline", Ticket, "A ticket's whole history, oldest first";
    "/external-refs/{external_id}", "ticket", ExternalRef, "One ticket, by its id in another system";
    "/external-refs/{external_id}/timeline", "timeline", ExternalRef, "The history of a ticket, by its id in another system";
    "/queues", "queues", Nothing, "The queue board: a row per group or per agent";
    "/queues/{group}", "queue", Group, "A group's queue, in the order in which to take it";
    "/queue", "queue", Nothing, "All that wait, or a part: of an agent, without a group, unassigned";
    "/figures", "figures", Nothing, "The figures that the desk has published";
    "/events", "events", Nothing, "Records of the log, oldest first";
    "/projections", "projections", Nothing, "Health of the read models";
    "/tickets/{ticket}/sla", "sla_clocks", Ticket, "The clocks of a ticket";
    "/sla/clocks", "sla_clocks", Nothing, "Running clocks that are due before an instant";
    "/articles", "articles", Nothing, "Articles that match every filter given; with text, the best first";
    "/articles/{article}", "article", Article, "One article, with its text";
    "/tickets/{ticket}/articles", "suggested_articles", Ticket, "Articles that may solve a ticket, the best first";
    "/knowledge/gaps", "knowledge_gaps", Nothing, "Tickets that were resolved without an article, the newest first";
    "/sla/breaches", "sla_breaches", Nothing, "Promises that were broken";
});

#[cfg(test)]
mod tests {
    use guichet_schemas::verb::QUERIES;

    use super::*;

    #[test]
    fn every_query_has_an_address() {
        for query in QUERIES {
            assert!(ROUTES.iter().any(|r| r.query == *query), "{query}");
        }
        for route in ROUTES {
            assert!(QUERIES.contains(&route.query), "{}", route.query);
        }
    }
}

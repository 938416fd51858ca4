//! The routes of the API: which address asks which query. One table, from which the router and its description are
//! made, so that neither can know more than the other.

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

/// What the path itself says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Nothing,
    /// A ticket, by number or id.
    Ticket,
    /// A group.
    Group,
}

impl Place {
    /// Name of the path's parameter.
    pub(crate) const fn parameter(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Ticket => Some("ticket"),
            Self::Group => Some("group"),
        }
    }

    /// Fields of the query that the path gives, and that the query string therefore may not.
    pub(crate) const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Nothing => &[],
            Self::Ticket => &["ticket_id", "number"],
            Self::Group => &["group"],
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

/// All of them.
pub(crate) const ROUTES: &[Route] = &[
    route!("/tickets", "tickets", Nothing, "Tickets that match every filter given, newest number first"),
    route!("/tickets/{ticket}", "ticket", Ticket, "One ticket, by number or id"),
    route!("/tickets/{ticket}/timeline", "timeline", Ticket, "A ticket's whole history, oldest first"),
    route!("/queues", "queues", Nothing, "The queue board: a row per group or per agent"),
    route!("/queues/{group}", "queue", Group, "A group's queue, in the order in which to take it"),
    route!("/queue", "queue", Nothing, "All that wait, or a part: of an agent, without a group, unassigned"),
    route!("/events", "events", Nothing, "Records of the log, oldest first"),
    route!("/projections", "projections", Nothing, "Health of the read models"),
    route!("/reports/backlog", "report_backlog", Nothing, "Created, resolved, and what was left"),
    route!("/reports/reopen_rate", "report_reopen_rate", Nothing, "How many resolutions did not hold"),
    route!("/reports/resolution_time", "report_resolution_time", Nothing, "How long resolutions took"),
    route!("/reports/first_response", "report_first_response", Nothing, "How long the first answer took"),
    route!("/reports/closure", "report_closure", Nothing, "Whether the desk keeps up with what comes in"),
    route!("/reports/escalation", "report_escalation", Nothing, "What went to a higher tier or a manager"),
    route!("/reports/volume", "report_volume", Nothing, "What came in"),
    route!("/reports/ageing", "report_ageing", Nothing, "How old the unresolved tickets are"),
    route!("/tickets/{ticket}/sla", "sla_clocks", Ticket, "The clocks of a ticket"),
    route!("/sla/clocks", "sla_clocks", Nothing, "Running clocks that are due before an instant"),
    route!("/sla/breaches", "sla_breaches", Nothing, "Promises that were broken"),
    route!("/reports/sla", "report_sla", Nothing, "Promises kept and broken"),
    route!("/reports/reassignment", "report_reassignment", Nothing, "How often work changed hands"),
];

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

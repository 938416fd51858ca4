//! What a column is, as far as its name says it: words of many desks, in English and French.

use super::columns::Column;

/// The meaning that a column may have for a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Id,
    Created,
    Resolved,
    Closed,
    FirstReply,
    Assigned,
    Reopened,
    Due,
    Happened,
    Updated,
    Status,
    Subject,
    Description,
    Priority,
    Urgency,
    Impact,
    Type,
    Category,
    Channel,
    Group,
    Agent,
    Requester,
    RequesterName,
    RequesterEmail,
    Organisation,
    Product,
    Language,
    Tags,
    Comment,
    Visibility,
    AuthorKind,
    By,
    ResolutionCode,
    ResolutionSummary,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Anything,
    Dates,
}

/// The names of each role, the surest first; roles that come first choose first.
const NAMES: &[(Role, Needs, &[&str])] = &[
    (
        Role::Id,
        Needs::Anything,
        &[
            "ticket id",
            "ticket key",
            "ticket number",
            "issue key",
            "case number",
            "case id",
            "incident number",
            "incident id",
            "request id",
            "ticket",
            "incident",
            "key",
            "number",
            "numéro",
            "numero",
            "n",
            "reference",
            "ref",
            "trace concept name",
            "object id",
            "id",
        ],
    ),
    (
        Role::Created,
        Needs::Dates,
        &[
            "created at",
            "created",
            "created time",
            "created on",
            "created date",
            "creation date",
            "date created",
            "creation time",
            "opened at",
            "opened",
            "opened on",
            "opening date",
            "open date",
            "sys created at",
            "créé le",
            "cree le",
            "date de création",
            "date d ouverture",
            "ouvert le",
        ],
    ),
    (
        Role::Resolved,
        Needs::Dates,
        &[
            "resolved at",
            "resolved",
            "resolved time",
            "resolved on",
            "resolution date",
            "resolution time",
            "date resolved",
            "solved at",
            "solved",
            "solution date",
            "résolu le",
            "date de résolution",
        ],
    ),
    (
        Role::Closed,
        Needs::Dates,
        &[
            "closed at",
            "closed",
            "closed time",
            "closed on",
            "closed date",
            "close at",
            "close time",
            "closing date",
            "date closed",
            "fermé le",
            "clos le",
            "date de clôture",
        ],
    ),
    (
        Role::FirstReply,
        Needs::Dates,
        &[
            "first reply at",
            "first response at",
            "first responded at",
            "first response",
            "first response time",
            "initial response time",
            "première réponse",
        ],
    ),
    (Role::Assigned, Needs::Dates, &["assigned at", "assigned on", "initially assigned at", "affecté le"]),
    (Role::Reopened, Needs::Dates, &["reopened at", "reopened on", "reopened", "rouvert le"]),
    (Role::Due, Needs::Dates, &["due at", "due by", "due date", "due", "échéance", "date d échéance"]),
    (
        Role::Happened,
        Needs::Dates,
        &[
            "at",
            "timestamp",
            "time timestamp",
            "event time",
            "changed at",
            "change date",
            "occurred at",
            "time",
            "date",
            "when",
            "horodatage",
        ],
    ),
    (
        Role::Updated,
        Needs::Dates,
        &[
            "updated at",
            "updated",
            "updated on",
            "last updated",
            "last update",
            "last update time",
            "sys updated at",
            "modified",
            "modified at",
            "last modified",
            "date updated",
            "modifié le",
            "dernière modification",
        ],
    ),
    (
        Role::Status,
        Needs::Anything,
        &[
            "status",
            "state",
            "ticket status",
            "issue status",
            "current status",
            "incident state",
            "status name",
            "statut",
            "état",
            "etat",
            "concept name",
            "event type",
            "lifecycle transition",
        ],
    ),
    (
        Role::Subject,
        Needs::Anything,
        &["subject", "title", "summary", "short description", "sujet", "titre", "objet", "intitulé"],
    ),
    (Role::Description, Needs::Anything, &["description", "description text", "body", "details", "contenu"]),
    (
        Role::Priority,
        Needs::Anything,
        &["priority", "priority name", "prio", "priorité", "priorite", "severity"],
    ),
    (Role::Urgency, Needs::Anything, &["urgency", "urgence"]),
    (Role::Impact, Needs::Anything, &["impact"]),
    (
        Role::Type,
        Needs::Anything,
        &["type", "ticket type", "issue type", "issuetype name", "request type", "tracker", "kind"],
    ),
    (
        Role::Category,
        Needs::Anything,
        &["category", "catégorie", "categorie", "help topic", "topic", "classification"],
    ),
    (
        Role::Channel,
        Needs::Anything,
        &["channel", "via channel", "contact type", "create article type", "source", "canal", "origin"],
    ),
    (
        Role::Group,
        Needs::Anything,
        &[
            "group",
            "group name",
            "assignment group",
            "assigned group",
            "assigned to technician group",
            "team",
            "department",
            "queue",
            "org group",
            "group id",
            "groupe",
            "équipe",
            "service",
        ],
    ),
    (
        Role::Agent,
        Needs::Anything,
        &[
            "agent",
            "agent name",
            "assignee",
            "assigned to",
            "assignee name",
            "agent assigned",
            "assigned to technician",
            "technician",
            "owner",
            "responder",
            "responder id",
            "assignee id",
            "assigned agent",
            "assigné à",
            "affecté à",
            "technicien",
        ],
    ),
    (
        Role::Requester,
        Needs::Anything,
        &[
            "requester id",
            "requester email",
            "requester",
            "customer id",
            "customer email",
            "customer",
            "reporter",
            "caller id",
            "caller",
            "from email",
            "contact",
            "client",
            "requester requester",
            "demandeur",
            "email",
            "opened by",
            "from",
        ],
    ),
    (Role::RequesterName, Needs::Anything, &["requester name", "customer name", "contact name", "from"]),
    (Role::RequesterEmail, Needs::Anything, &["requester email", "customer email", "from email", "email"]),
    (
        Role::Organisation,
        Needs::Anything,
        &["organisation", "organization", "organization id", "company", "account", "account name", "société"],
    ),
    (Role::Product, Needs::Anything, &["product", "product name", "produit"]),
    (Role::Language, Needs::Anything, &["language", "locale", "langue"]),
    (Role::Tags, Needs::Anything, &["tags", "labels", "étiquettes"]),
    (Role::Comment, Needs::Anything, &["comment", "comments", "message", "note", "commentaire"]),
    (Role::Visibility, Needs::Anything, &["visibility", "comment visibility", "visibilité"]),
    (Role::AuthorKind, Needs::Anything, &["author kind", "author type", "author role"]),
    (
        Role::By,
        Needs::Anything,
        &[
            "by",
            "author",
            "actor",
            "changed by",
            "updated by",
            "sys updated by",
            "org resource",
            "user",
            "auteur",
        ],
    ),
    (
        Role::ResolutionCode,
        Needs::Anything,
        &["resolution code", "close code", "closure code", "closed code"],
    ),
    (
        Role::ResolutionSummary,
        Needs::Anything,
        &["resolution", "resolution notes", "close notes", "solution"],
    ),
];

/// The column of each role, by their order in the export.
pub(super) fn of(columns: &[Column]) -> Vec<(Role, usize)> {
    let names: Vec<String> = columns.iter().map(|column| plain(&column.name)).collect();
    let mut taken: Vec<(Role, usize)> = Vec::new();
    for (role, needs, known) in NAMES {
        let fits = |place: &usize| {
            let column = &columns[*place];
            column.filled > 0
                && (*needs == Needs::Anything || column.may_be_date())
                && taken.iter().all(|(_, other)| other != place)
        };
        let found = known
            .iter()
            .find_map(|name| (0..columns.len()).filter(|place| names[*place] == *name).find(fits));
        taken.extend(found.map(|place| (*role, place)));
    }
    taken
}

/// A name in lower case, its words parted by one blank: `createdAt`, `created_at` and `Created at` are the same.
fn plain(name: &str) -> String {
    let mut out = String::new();
    let mut before_is_lower = false;
    for c in name.chars() {
        if c.is_alphanumeric() {
            if c.is_uppercase() && before_is_lower {
                out.push(' ');
            }
            out.extend(c.to_lowercase());
        } else if !out.ends_with(' ') && !out.is_empty() {
            out.push(' ');
        }
        before_is_lower = c.is_lowercase();
    }
    let out = out.trim_end();
    let inner = ["event ", "object ", "fields ", "metric set ", "stats "]
        .iter()
        .find_map(|prefix| out.strip_prefix(prefix));
    match inner {
        // What a log of objects calls its own keeps its whole name.
        Some("id" | "type" | "time") | None => out.to_owned(),
        Some(inner) => inner.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_however_they_are_written() {
        for name in ["createdAt", "created_at", "Created at", "  CREATED-AT ", "metric_set.created_at"] {
            assert_eq!(plain(name), "created at", "{name:?}");
        }
        assert_eq!(plain("Requester - Requester"), "requester requester");
        assert_eq!(
            (plain("object.id"), plain("event.type")),
            ("object id".to_owned(), "event type".to_owned())
        );
        assert_eq!(plain("N°"), "n");
    }

    #[test]
    fn no_role_has_a_name_that_cannot_be_met() {
        for (role, _, names) in NAMES {
            for name in *names {
                assert_eq!(plain(name), *name, "{role:?}");
            }
        }
    }
}

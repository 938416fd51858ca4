//! A mapping for an export of which nothing is known but its columns: every line with its reason, and what is uncertain
//! as a comment that says "decide".

use std::collections::BTreeMap;

use super::super::classify;
use super::columns::{Column, quoted, turned};
use super::roles::{self, Role};
use super::sample::{Sample, Shape};

/// Values of a column of words that are listed one by one.
const WORDS_MAX: usize = 60;

/// The keys of `[milestones]`.
const MILESTONES: &[(&str, Role)] = &[
    ("created", Role::Created),
    ("assigned", Role::Assigned),
    ("first_reply", Role::FirstReply),
    ("resolved", Role::Resolved),
    ("reopened", Role::Reopened),
    ("closed", Role::Closed),
];

/// A mapping as it is written, and how much of it is left to decide.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) text: String,
    pub(super) decisions: usize,
}

/// The meaning that the columns are given.
struct Seen<'a> {
    sample: &'a Sample,
    columns: &'a [Column],
    roles: BTreeMap<Role, usize>,
}

impl Seen<'_> {
    fn column(&self, role: Role) -> Option<&Column> {
        self.roles.get(&role).map(|place| &self.columns[*place])
    }

    /// No id comes twice, and columns say when what happened: a row tells a whole ticket.
    fn is_row_per_ticket(&self) -> bool {
        self.has_unique_ids() && MILESTONES.iter().any(|(_, role)| self.roles.contains_key(role))
    }

    fn has_unique_ids(&self) -> bool {
        self.column(Role::Id).is_some_and(Column::is_unique)
    }
}

/// Proposes a mapping.
pub(super) fn mapping(sample: &Sample, columns: &[Column]) -> Draft {
    let roles = roles::of(columns).into_iter().collect();
    let seen = Seen { sample, columns, roles };
    let mut draft = Draft::default();
    source(&mut draft, &seen);
    ticket(&mut draft, &seen);
    if seen.is_row_per_ticket() {
        milestones(&mut draft, &seen);
    } else {
        row(&mut draft, &seen);
    }
    people(&mut draft, &seen);
    comment(&mut draft, &seen);
    resolution(&mut draft, &seen);
    state(&mut draft, &seen);
    words(&mut draft, &seen);
    unused(&mut draft, &seen);
    draft
}

impl Draft {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn table(&mut self, name: &str) {
        self.line(&format!("\n[{name}]"));
    }

    fn decide(&mut self, text: &str) {
        self.decisions = self.decisions.saturating_add(1);
        self.line(&format!("# decide: {text}"));
    }

    /// A key with its column, and what the column holds.
    fn column(&mut self, key: &str, column: &Column) {
        self.line(&format!("# {}: {}", quoted(&column.name), column.says()));
        self.line(&format!("{key} = {}", text_of(&column.name)));
    }

    fn optional(&mut self, seen: &Seen<'_>, keys: &[(&str, Role)]) {
        for (key, role) in keys {
            if let Some(column) = seen.column(*role) {
                self.column(key, column);
            }
        }
    }
}

/// A text as TOML writes it.
fn text_of(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn source(draft: &mut Draft, seen: &Seen<'_>) {
    draft.line("[source]");
    draft.decide(
        "name = \"old-desk\"; with its id it makes a ticket known for ever, so that a second export goes on",
    );
    draft.line(&format!("format = {}", text_of(seen.sample.shape.word())));
    if let Some(delimiter) = seen.sample.delimiter {
        draft.line("# the header has the most columns with it");
        draft.line(&format!("delimiter = {}", text_of(&delimiter.to_string())));
    }
    if let Some(records) = &seen.sample.records {
        draft.line(&format!("records = {}", text_of(records)));
    }
    if let Some(kind) = &seen.sample.object_type {
        draft.line("# the type of object that looks most like a ticket");
        draft.line(&format!("object_type = {}", text_of(kind)));
    }
    for (name, count) in &seen.sample.others {
        draft.decide(&format!("{} was met {count} times too, and is not read", quoted(name)));
    }
    dates(draft, seen);
    if !seen.is_row_per_ticket() {
        order(draft, seen);
    }
}

/// The patterns of all columns of dates, and the zone of times that have none.
fn dates(draft: &mut Draft, seen: &Seen<'_>) {
    const DATES: &[Role] = &[
        Role::Created,
        Role::Resolved,
        Role::Closed,
        Role::FirstReply,
        Role::Assigned,
        Role::Reopened,
        Role::Due,
        Role::Happened,
        Role::Updated,
    ];
    let columns: Vec<&Column> = DATES.iter().filter_map(|role| seen.column(*role)).collect();
    let (mut patterns, mut unclear): (Vec<&'static str>, Vec<&'static str>) = (Vec::new(), Vec::new());
    for column in &columns {
        let Some(pattern) = column.dates.first().copied().or(column.best) else { continue };
        if column.dates.is_empty() {
            draft.decide(&format!(
                "no one pattern reads all of {}; the one below reads {:.0} %, and date_formats may hold more",
                quoted(&column.name),
                column.date_share * 100.0
            ));
        }
        let is_unclear = turned(pattern).is_some_and(|other| column.dates.contains(&other));
        let list = if is_unclear { &mut unclear } else { &mut patterns };
        if !pattern.is_empty() && !list.contains(&pattern) {
            list.push(pattern);
        }
    }
    for pattern in unclear {
        // Another column may show which comes first, the day or the month.
        let other = turned(pattern).unwrap_or_default();
        let shows = |one: &str| {
            patterns.iter().any(|known| order_of(known) == order_of(one) && turned(known).is_some())
        };
        match (shows(pattern), shows(other)) {
            (true, false) => patterns.push(pattern),
            (false, true) => patterns.push(other),
            _ => draft.decide(&format!(
                "date_formats = [{}] or [{}]; every date of the sample can be read with the day first and with the month first",
                text_of(pattern),
                text_of(other)
            )),
        }
    }
    patterns.dedup();
    if !patterns.is_empty() {
        let list: Vec<String> = patterns.iter().map(|pattern| text_of(pattern)).collect();
        draft.line(&format!("date_formats = [{}]", list.join(", ")));
    }
    if patterns.iter().any(|pattern| !pattern.contains("%z") && !pattern.starts_with("epoch")) {
        draft.decide("zone = \"Europe/Paris\"; the times name no zone, and without one they are read as UTC");
    }
}

/// Whether the day or the month comes first.
fn order_of(pattern: &str) -> bool {
    pattern.find("%d") < pattern.find("%m")
}

/// Whether the rows of a ticket stand in the order of time.
fn order(draft: &mut Draft, seen: &Seen<'_>) {
    let Some(at) = seen.column(Role::Happened).or_else(|| seen.column(Role::Updated)) else { return };
    let Some(id) = seen.column(Role::Id) else { return };
    let Some(pattern) = at.dates.first() else { return };
    let formats: Vec<String> = (!pattern.is_empty()).then(|| (*pattern).to_owned()).into_iter().collect();
    let Ok(dates) = super::super::dates::Dates::new(&formats, chrono_tz::Tz::UTC) else { return };
    let mut last = BTreeMap::new();
    let mut back = 0_usize;
    for (ticket, at) in seen.sample.values(id.place).zip(seen.sample.values(at.place)) {
        let (Some(ticket), Some(at)) = (ticket, at.and_then(|at| dates.parse(at).ok())) else { continue };
        if last.insert(ticket, at).is_some_and(|before| before > at) {
            back = back.saturating_add(1);
        }
    }
    if back > 0 {
        draft.line(&format!("# {back} rows are older than the row of their ticket before them in the file"));
        draft.line("order = \"time\"");
    }
}

fn ticket(draft: &mut Draft, seen: &Seen<'_>) {
    draft.table("ticket");
    match seen.column(Role::Id) {
        Some(id) => {
            draft.column("id", id);
            if !id.is_always_filled() {
                draft.decide("rows without an id are rejected (no_ticket)");
            }
        }
        None => draft.decide("id = \"…\": no column has a name that ids of tickets have"),
    }
    // Where a row tells a whole ticket, [milestones] says when it was created.
    if !seen.is_row_per_ticket() {
        draft.optional(seen, &[("created_at", Role::Created)]);
    }
    draft.optional(
        seen,
        &[
            ("subject", Role::Subject),
            ("description", Role::Description),
            ("channel", Role::Channel),
            ("type", Role::Type),
            ("category", Role::Category),
            ("priority", Role::Priority),
            ("urgency", Role::Urgency),
            ("impact", Role::Impact),
            ("product", Role::Product),
            ("language", Role::Language),
            ("organisation", Role::Organisation),
            ("due_at", Role::Due),
            ("tags", Role::Tags),
        ],
    );
    if let Some(tags) = seen.column(Role::Tags).filter(|_| seen.sample.shape == Shape::Csv) {
        let separators = [",", ";", " "];
        let found = separators.into_iter().find(|part| tags.values.keys().any(|value| value.contains(part)));
        if let Some(part) = found {
            draft.line("# stands between the tags of one text");
            draft.line(&format!("tag_separator = {}", text_of(part)));
        }
    }
}

fn row(draft: &mut Draft, seen: &Seen<'_>) {
    draft.table("row");
    draft.line(if seen.has_unique_ids() {
        "# no column says when a ticket was created or done: a row is the ticket as it was at its time"
    } else {
        "# ids come several times: a row is the ticket after a change"
    });
    match seen.column(Role::Happened).or_else(|| seen.column(Role::Updated)) {
        Some(at) => draft.column("at", at),
        None => draft.decide("at = \"…\": no column has the name and the values of the time of a change"),
    }
    draft.optional(seen, &[("by", Role::By)]);
}

fn milestones(draft: &mut Draft, seen: &Seen<'_>) {
    let at = seen.column(Role::Updated).or_else(|| seen.column(Role::Happened));
    if at.is_some() {
        draft.table("row");
    }
    if let Some(at) = at {
        draft.column("at", at);
        draft.optional(seen, &[("by", Role::By)]);
    }
    draft.table("milestones");
    draft.line("# no id comes twice: a row tells a whole ticket, and these columns say when what happened");
    draft.optional(seen, MILESTONES);
    if at.is_none() && seen.column(Role::Created).is_none() {
        draft.decide("created = \"…\": no column has the name and the values of the time of a creation");
    }
}

fn people(draft: &mut Draft, seen: &Seen<'_>) {
    if let Some(requester) = seen.column(Role::Requester) {
        draft.table("requester");
        draft.column("id", requester);
        if requester.values.keys().any(|value| value.contains('@') || value.contains(' ')) {
            draft.decide("the id is readable for ever, so it should be no name and no address; is there a column with a pseudonym");
        }
        draft.optional(seen, &[("name", Role::RequesterName), ("email", Role::RequesterEmail)]);
    }
    for (table, role) in [("group", Role::Group), ("agent", Role::Agent)] {
        if let Some(column) = seen.column(role) {
            draft.table(table);
            draft.column("column", column);
        }
    }
}

fn comment(draft: &mut Draft, seen: &Seen<'_>) {
    let Some(comment) = seen.column(Role::Comment) else { return };
    draft.table("comment");
    draft.column("text", comment);
    draft.optional(seen, &[("visibility", Role::Visibility), ("author_kind", Role::AuthorKind)]);
    if let Some(visibility) = seen.column(Role::Visibility) {
        for value in visibility.values.keys().filter(|value| classify::visibility(value).is_none()) {
            draft.decide(&format!("visibilities = {{ {} = \"public\" }} or \"internal\"", text_of(value)));
        }
    } else {
        draft.decide("default_visibility = \"public\"; the export does not say who may read a comment, and then it is internal");
    }
    if let Some(kind) = seen.column(Role::AuthorKind) {
        for value in kind.values.keys().filter(|value| classify::author_kind(value).is_none()) {
            draft.decide(&format!("author_kinds = {{ {} = \"…\" }}", text_of(value)));
        }
    }
}

fn resolution(draft: &mut Draft, seen: &Seen<'_>) {
    let (code, summary) = (seen.column(Role::ResolutionCode), seen.column(Role::ResolutionSummary));
    if code.is_none() && summary.is_none() {
        return;
    }
    draft.table("resolution");
    draft.optional(seen, &[("code", Role::ResolutionCode), ("summary", Role::ResolutionSummary)]);
    if let Some(code) = code {
        let unknown = code.values.iter().filter(|(value, _)| classify::resolution_code(value).is_none());
        map(draft, "resolution.map", unknown.map(|(value, count)| (value.as_str(), *count, None)).collect());
    }
}

fn state(draft: &mut Draft, seen: &Seen<'_>) {
    let Some(status) = seen.column(Role::Status) else {
        draft.line("");
        draft.decide(
            "[state]: no column has a name that states have, so every ticket stays as it was created",
        );
        return;
    };
    draft.table("state");
    draft.column("column", status);
    let values = status.values.iter();
    map(draft, "state.map", values.map(|(value, count)| (value.as_str(), *count, state_of(value))).collect());
}

/// Maps of words that no desk shares.
fn words(draft: &mut Draft, seen: &Seen<'_>) {
    type Known = fn(&str) -> bool;
    type Proposed = fn(&str) -> Option<&'static str>;
    let tables: [(&str, Role, Known, Proposed); 5] = [
        ("priority.map", Role::Priority, |word| classify::priority(word).is_some(), priority_of),
        ("urgency.map", Role::Urgency, |word| classify::urgency(word).is_some(), level_of),
        ("impact.map", Role::Impact, |word| classify::impact(word).is_some(), level_of),
        ("channel.map", Role::Channel, |word| classify::channel(word).is_some(), |_| None),
        ("type.map", Role::Type, |word| classify::ticket_type(word).is_some(), |_| None),
    ];
    for (table, role, is_known, proposed) in tables {
        let Some(column) = seen.column(role) else { continue };
        let open: Vec<_> = column
            .values
            .iter()
            .filter(|(value, _)| !is_known(value))
            .map(|(value, count)| (value.as_str(), *count, proposed(value)))
            .collect();
        if !open.is_empty() {
            map(draft, table, open);
        }
    }
}

/// A table of words: those that are clear, and those to decide, each with the rows that have it.
fn map(draft: &mut Draft, table: &str, values: Vec<(&str, usize, Option<&str>)>) {
    draft.table(table);
    let left_out = values.len().saturating_sub(WORDS_MAX);
    for (value, count, word) in values.into_iter().take(WORDS_MAX) {
        match word {
            // What is more than a word is written as it is.
            Some(word) if word.starts_with('{') => draft.line(&format!("{} = {word}", text_of(value))),
            Some(word) => draft.line(&format!("{} = {}", text_of(value), text_of(word))),
            None => draft.decide(&format!("{} = \"…\", {count} times", text_of(value))),
        }
    }
    if left_out > 0 {
        draft.decide(&format!("{left_out} more values are not listed; is this a column of words"));
    }
}

/// Columns of which the mapping says nothing.
fn unused(draft: &mut Draft, seen: &Seen<'_>) {
    let is_used = |column: &&Column| seen.roles.values().any(|place| *place == column.place);
    let unused: Vec<&Column> =
        seen.columns.iter().filter(|column| !is_used(column) && column.filled > 0).collect();
    if !unused.is_empty() {
        draft.line("\n# Not imported. ticket.fields = [\"…\"] makes a column a custom field:");
    }
    for column in unused {
        draft.line(&format!("# {}: {}", quoted(&column.name), column.says()));
    }
    if seen.sample.columns_left_out > 0 {
        draft.decide(&format!(
            "{} values stand in columns that were not looked at",
            seen.sample.columns_left_out
        ));
    }
}

/// States that every desk means alike; the others are for a person to decide.
fn state_of(value: &str) -> Option<&'static str> {
    Some(match plain(value).as_str() {
        "new" | "nouveau" | "nouvelle" => "new",
        "open" | "opened" | "active" | "in progress" | "work in progress" | "assigned" | "accepted"
        | "reopened" | "to do" | "todo" | "ouvert" | "ouverte" | "en cours" | "attribué" => "open",
        "pending"
        | "waiting on customer"
        | "waiting for customer"
        | "waiting on user"
        | "awaiting user info"
        | "waiting for requester"
        | "en attente du client"
        | "en attente du demandeur" => "pending",
        "waiting on third party" | "waiting for third party" | "en attente d un tiers" => {
            "{ state = \"hold\", hold_reason = \"third_party\" }"
        }
        "awaiting vendor" | "waiting for vendor" | "waiting on vendor" | "en attente du fournisseur" => {
            "{ state = \"hold\", hold_reason = \"vendor\" }"
        }
        "resolved" | "solved" | "done" | "résolu" | "résolue" => "resolved",
        "closed" | "fermé" | "fermée" | "clos" | "close" => "closed",
        "cancelled" | "canceled" | "annulé" | "annulée" => "cancelled",
        _ => return None,
    })
}

fn priority_of(value: &str) -> Option<&'static str> {
    Some(match plain(value).as_str() {
        "low" | "lowest" | "basse" | "faible" => "low",
        "normal" | "medium" | "normale" | "moyenne" => "normal",
        "high" | "haute" | "élevée" => "high",
        "urgent" | "critical" | "emergency" | "highest" | "urgente" | "critique" => "urgent",
        _ => return None,
    })
}

fn level_of(value: &str) -> Option<&'static str> {
    Some(match plain(value).as_str() {
        "low" | "basse" | "faible" => "low",
        "medium" | "moyenne" => "medium",
        "high" | "haute" | "élevée" => "high",
        _ => return None,
    })
}

/// In lower case, its words parted by one blank.
fn plain(value: &str) -> String {
    let words = value.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

//! What the columns of an export mean: the mapping file, checked once, with every column as an index.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use chrono_tz::Tz;
use guichet_config::Configuration;
use guichet_schemas::command::limits;
use guichet_schemas::hash::Hash;
use guichet_schemas::text::Label;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{
    AuthorKind, Channel, HoldReason, Impact, Priority, RequesterKind, ResolutionCode, TicketState,
    TicketType, Urgency, Visibility,
};

use super::bounds::{MAPPED_MAX, MAPPING_BYTES_MAX};
use super::changes::{self, Changes};
use super::classify;
use super::dates::Dates;
use super::encoding;
use super::error::MappingError;
use super::files::{self, File};
use super::filter::{self, Filter};
use super::grammar::{self, Absent, Columns, Format, Grammar, Order, TooLong, Unknown};
use super::json_paths::{self, Step};
use super::names::Names;
use super::words::{Words, default_fits};

/// What a source is called whose mapping does not name it.
pub const UNNAMED: &str = "import";

/// The mappings that come with the program.
pub const SHIPPED: &[(&str, &str)] = &[
    ("servicenow", include_str!("../../mappings/servicenow.toml")),
    ("bpi2013", include_str!("../../mappings/bpi2013.toml")),
    ("freshdesk-csv", include_str!("../../mappings/freshdesk-csv.toml")),
    ("freshdesk-json", include_str!("../../mappings/freshdesk-json.toml")),
    ("zendesk-tickets", include_str!("../../mappings/zendesk-tickets.toml")),
    ("jira-csv", include_str!("../../mappings/jira-csv.toml")),
    ("zammad", include_str!("../../mappings/zammad.toml")),
    ("osticket", include_str!("../../mappings/osticket.toml")),
    ("glpi", include_str!("../../mappings/glpi.toml")),
    ("snapshot", include_str!("../../mappings/snapshot.toml")),
    ("audit", include_str!("../../mappings/audit.toml")),
    ("zendesk-audits", include_str!("../../mappings/zendesk-audits.toml")),
    ("zendesk-files", include_str!("../../mappings/zendesk-files.toml")),
    ("zendesk-comments", include_str!("../../mappings/zendesk-comments.toml")),
    ("zendesk-chat", include_str!("../../mappings/zendesk-chat.toml")),
    ("jira-json", include_str!("../../mappings/jira-json.toml")),
    ("freshdesk-files", include_str!("../../mappings/freshdesk-files.toml")),
    ("zoho-desk", include_str!("../../mappings/zoho-desk.toml")),
    ("invgate", include_str!("../../mappings/invgate.toml")),
    ("desk-com", include_str!("../../mappings/desk-com.toml")),
    ("liveagent", include_str!("../../mappings/liveagent.toml")),
    ("tables", include_str!("../../mappings/tables.toml")),
];

/// A checked mapping.
///
/// ```
/// use guichet_replay_tools::import::Mapping;
/// assert_eq!(Mapping::load("servicenow").unwrap().name(), "servicenow");
/// let error = Mapping::parse("[source]\nformat = \"csv\"\ncolour = \"red\"\n").unwrap_err();
/// assert!(error.to_string().contains("colour"));
/// ```
#[derive(Debug, Clone)]
pub struct Mapping {
    pub(super) name: Label,
    /// Name and fingerprint, for the record of which mapping made the facts.
    pub(super) version: Option<Label>,
    pub(super) source: Source,
    /// Every column that the mapping names, once; a [`Slot`] is an index into this list.
    pub(super) columns: Vec<Column>,
    pub(super) ticket: Ticket,
    /// Zone of the row's naive times.
    pub(super) zone: Option<Slot>,
    pub(super) at: Slot,
    pub(super) by: Option<Slot>,
    pub(super) comment: Comment,
    pub(super) requester: Option<Requester>,
    pub(super) resolution: Resolution,
    /// One row tells a whole ticket; in the order in which they come where their times are the same.
    pub(super) milestones: Vec<(Milestone, Slot)>,
    pub(super) state: Option<State>,
    pub(super) group: Option<Slot>,
    levels: Vec<(String, u32)>,
    pub(super) agent: Option<Slot>,
    system: Vec<String>,
    bot: Vec<String>,
    pub(super) priorities: Words<Priority>,
    pub(super) channels: Words<Channel>,
    pub(super) types: Words<TicketType>,
    pub(super) urgencies: Words<Urgency>,
    pub(super) impacts: Words<Impact>,
    pub(super) categories: Option<Words<String>>,
    /// What an unmentioned column says: the value before, where it is listed here.
    pub(super) carried: Vec<Slot>,
    /// Columns whose values are names of something.
    pub(super) labels: Vec<Slot>,
    pub(super) dedupe: Option<Dedupe>,
    pub(super) names: Names,
    /// Columns that stand for one another: the first takes the value of the first that has one.
    pub(super) stand_ins: Vec<(Slot, Vec<Slot>)>,
    pub(super) changes: Option<Changes>,
    pub(super) filter: Filter,
    /// The other files of the export.
    pub(super) files: Vec<File>,
}

/// Index of a column of the mapping.
pub(super) type Slot = usize;

/// A column, and the key that named it first.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) key: String,
    /// Whatever names it takes more than one value.
    pub(super) takes_list: bool,
    /// Changes alone tell its values; no row has it.
    pub(super) optional: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) format: Format,
    /// `None` is found out.
    pub(super) encoding: Option<&'static encoding_rs::Encoding>,
    /// `None` is found out.
    pub(super) delimiter: Option<u8>,
    /// Takes the meaning from a quote within quotes.
    pub(super) escape: Option<u8>,
    /// Names the members of an archive.
    pub(super) member: Option<String>,
    pub(super) json: Json,
    /// Type of the objects of OCEL that are tickets.
    pub(super) object_type: Option<String>,
    pub(super) dates: Dates,
    pub(super) missing: Vec<String>,
    pub(super) grouped: bool,
    pub(super) order: Order,
    /// Puts rows of one instant in order, where `order` is that of time.
    pub(super) tie: Option<Slot>,
    pub(super) absent: Option<Absent>,
    pub(super) too_long: TooLong,
    /// What stands before the decimals of a number.
    pub(super) decimal: char,
}

/// Where rows stand in an export of JSON.
#[derive(Debug, Clone, Default)]
pub(super) struct Json {
    /// The way through a document to its records. Without one they are the elements of its list, or it is one.
    pub(super) records: Option<Vec<Step>>,
    /// The way through a record to the lists whose elements are rows.
    pub(super) rows: Vec<Vec<Step>>,
}

#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) id: Slot,
    pub(super) created_at: Option<Slot>,
    pub(super) created_by: Option<Slot>,
    pub(super) subject: Option<Slot>,
    pub(super) description: Option<Slot>,
    pub(super) channel: Option<Slot>,
    pub(super) r#type: Option<Slot>,
    pub(super) category: Vec<Slot>,
    pub(super) priority: Option<Slot>,
    pub(super) urgency: Option<Slot>,
    pub(super) impact: Option<Slot>,
    pub(super) product: Option<Slot>,
    pub(super) brand: Option<Slot>,
    pub(super) language: Option<Slot>,
    pub(super) organisation: Option<Slot>,
    pub(super) due_at: Option<Slot>,
    pub(super) tags: Option<Slot>,
    pub(super) tag_separator: Option<String>,
    pub(super) fields: Vec<Slot>,
    /// Fields whose values are numbers.
    pub(super) numbers: Vec<Slot>,
    /// Fields whose values are yes or no.
    pub(super) flags: Vec<Slot>,
}

/// Who has the problem.
#[derive(Debug, Clone)]
pub(super) struct Requester {
    pub(super) id: Slot,
    pub(super) name: Option<Slot>,
    pub(super) email: Option<Slot>,
    pub(super) phone: Option<Slot>,
    pub(super) kind: Option<Slot>,
    pub(super) kinds: Words<RequesterKind>,
}

/// What was written, by whom and for whom.
#[derive(Debug, Clone)]
pub(super) struct Comment {
    pub(super) text: Option<Slot>,
    pub(super) author: Option<Slot>,
    pub(super) author_kind: Option<Slot>,
    pub(super) author_kinds: Words<AuthorKind>,
    pub(super) visibility: Option<Slot>,
    pub(super) visibilities: Words<Visibility>,
    pub(super) default_visibility: Visibility,
    /// What a text is made of, such as its time, its author and itself, and what parts them.
    pub(super) parts: Option<(Vec<Part>, String)>,
}

/// A part of the text of a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    At,
    Author,
    Text,
}

/// How a ticket was resolved.
#[derive(Debug, Clone)]
pub(super) struct Resolution {
    pub(super) code: Option<Slot>,
    pub(super) summary: Option<Slot>,
    pub(super) codes: Words<ResolutionCode>,
}

/// Something that happens to a ticket once, and whose time a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Milestone {
    Created,
    Assigned,
    FirstReply,
    Reopened,
    Resolved,
    Closed,
}

#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) columns: Vec<Slot>,
    pub(super) map: BTreeMap<String, Meaning>,
    pub(super) unknown: Unknown,
    pub(super) default: Option<Meaning>,
}

/// What a state of the source means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Ignore,
    /// No state of ours says it: it becomes a note.
    Note,
    State {
        to: TicketState,
        hold_reason: Option<HoldReason>,
        /// Whether it may bring back a ticket that is done.
        reopens: bool,
    },
}

#[derive(Debug, Clone)]
pub(super) enum Dedupe {
    Row,
    Columns(Vec<Slot>),
}

impl Mapping {
    /// A shipped mapping by its name, or a file. `source.name` names the source; a file without it is called
    /// [`UNNAMED`], whatever the file is called.
    ///
    /// # Errors
    /// What is wrong, with the key.
    pub fn load(name_or_path: &str) -> Result<Self, MappingError> {
        if let Some((name, text)) = SHIPPED.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse_named(name, text);
        }
        let path = Path::new(name_or_path);
        let text = read_text(path).map_err(|source| {
            if source.kind() == std::io::ErrorKind::NotFound {
                let shipped = SHIPPED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
                return MappingError::Unknown { name: name_or_path.to_owned(), shipped };
            }
            MappingError::Read { path: path.to_owned(), source }
        })?;
        Self::parse_named(UNNAMED, &text)
    }

    /// A mapping from its text; the source is called `import`.
    ///
    /// # Errors
    /// What is wrong, with the key.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        Self::parse_named(UNNAMED, text)
    }

    /// A mapping from its text, with a name for the source where the text has none. Tickets are known by
    /// (name, id in the source) for ever.
    ///
    /// # Errors
    /// What is wrong, with the key.
    pub fn parse_named(name: &str, text: &str) -> Result<Self, MappingError> {
        let grammar: Grammar = toml::from_str(text)
            .map_err(|e| MappingError::Grammar { mapping: name.to_owned(), source: Box::new(e) })?;
        let label = Label::parse(grammar.source.name.as_deref().unwrap_or(name).to_owned())
            .map_err(|e| Fault::new("source.name", e.rule))
            .map_err(|f| f.of(name))?;
        let version = version(&label, text.as_bytes());
        check(label, version, grammar).map_err(|f| f.of(name))
    }

    /// The same mapping with naive times read in another IANA zone.
    ///
    /// # Errors
    /// There is no such zone.
    pub fn with_zone(mut self, zone: &str) -> Result<Self, MappingError> {
        let tz = parse_zone(zone).map_err(|f| f.of(self.name.as_str()))?;
        self.source.dates.set_zone(tz);
        let before = self.version.as_ref().map_or("", Label::as_str);
        self.version = version(&self.name, format!("{before} {zone}").as_bytes());
        Ok(self)
    }

    /// The same mapping, which believes no time of an export that is later than a day after this one.
    #[must_use]
    pub const fn as_of(mut self, now: Timestamp) -> Self {
        self.source.dates.set_latest(Timestamp(now.0.saturating_add(DAY_MS)));
        self
    }

    /// The same mapping for a desk that is configured like this: it may list names.
    #[must_use]
    pub fn for_desk(mut self, configuration: Configuration, now: Timestamp) -> Self {
        self.names.of_desk(configuration, now);
        self
    }

    /// Name of the source.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Tier of a group by its name; the longest pattern that fits decides.
    pub(super) fn tier(&self, group: &str) -> u32 {
        self.levels.iter().find(|(pattern, _)| fits(pattern, group)).map_or(ENTRY_TIER, |(_, tier)| *tier)
    }

    pub(super) fn is_system(&self, actor: &str) -> bool {
        self.system.iter().any(|s| s == actor)
    }

    pub(super) fn is_bot(&self, actor: &str) -> bool {
        self.bot.iter().any(|s| s == actor)
    }

    /// The column that says when a ticket was created, where one does.
    pub(super) fn created(&self) -> Option<Slot> {
        let milestone = self.milestones.iter().find(|(milestone, _)| *milestone == Milestone::Created);
        milestone.map(|(_, slot)| *slot).or(self.ticket.created_at)
    }

    /// Whether the source has a name of its own.
    #[must_use]
    pub fn is_unnamed(&self) -> bool {
        self.name.as_str() == UNNAMED
    }
}

/// A mapping is written by hand: a longer file is none.
fn read_text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAPPING_BYTES_MAX.saturating_add(1)).read_to_string(&mut text)?;
    if text.len() as u64 > MAPPING_BYTES_MAX {
        return Err(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            format!("a mapping has at most {MAPPING_BYTES_MAX} bytes"),
        ));
    }
    Ok(text)
}

fn version(name: &Label, content: &[u8]) -> Option<Label> {
    let fingerprint = Hash::of_record(content).to_string();
    Label::parse(format!("{name}@{}", &fingerprint[..12])).ok()
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Where every ticket begins that says no other tier.
pub(super) const ENTRY_TIER: u32 = 1;

/// A key that breaks a rule, before we know of which mapping.
pub(super) struct Fault {
    key: String,
    problem: String,
}

impl Fault {
    pub(super) fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into() }
    }

    fn of(self, mapping: &str) -> MappingError {
        MappingError::Key { mapping: mapping.to_owned(), key: self.key, problem: self.problem }
    }
}

fn check(name: Label, version: Option<Label>, g: Grammar) -> Result<Mapping, Fault> {
    let mut columns = Interner::default();
    let zone = columns.optional("source.zone_column", g.source.zone_column.clone())?;
    let tie = columns.optional("source.tie", g.source.tie.clone())?;
    let source = Source { tie, ..source(g.source)? };
    let mut stand_ins = Vec::new();
    let created =
        g.milestones.as_ref().and_then(|m| m.created.clone()).or_else(|| g.ticket.created_at.clone());
    let ticket = ticket(g.ticket, &mut columns)?;
    let row = match (g.row, created) {
        (Some(row), _) => row,
        (None, Some(at)) if g.milestones.is_some() => {
            grammar::Row { at: Columns::One(at), by: None, comment: None }
        }
        (None, _) => return Err(Fault::new("row.at", "is missing: when does a row happen")),
    };
    let state = g.state.map(|s| state(s, &mut columns)).transpose()?;
    for (table, words, column) in [
        ("priority", g.priority.is_some(), ticket.priority),
        ("channel", g.channel.is_some(), ticket.channel),
        ("type", g.r#type.is_some(), ticket.r#type),
        ("urgency", g.urgency.is_some(), ticket.urgency),
        ("impact", g.impact.is_some(), ticket.impact),
        ("category", g.category.is_some(), ticket.category.first().copied()),
    ] {
        if words && column.is_none() {
            return Err(Fault::new(format!("{table}.map"), format!("needs the column ticket.{table}")));
        }
    }
    // A mapping that leaves out rows with unknown states leaves out those with unknown priorities.
    let reject = state.as_ref().is_some_and(|s| s.unknown == Unknown::Reject);
    let like_state = if reject { Unknown::Reject } else { Unknown::Note };
    let mut mapping = Mapping {
        zone,
        at: columns.first_of("row.at", row.at, &mut stand_ins)?,
        by: row.by.map(|by| columns.first_of("row.by", by, &mut stand_ins)).transpose()?,
        comment: comment(g.comment, row.comment, &mut columns)?,
        requester: g.requester.map(|r| requester(r, &mut columns)).transpose()?,
        resolution: resolution(g.resolution, &mut columns)?,
        milestones: g.milestones.map_or_else(|| Ok(Vec::new()), |m| milestones(m, &mut columns))?,
        state,
        group: None,
        levels: Vec::new(),
        agent: None,
        system: Vec::new(),
        bot: Vec::new(),
        priorities: vocabulary(
            "priority",
            g.priority,
            like_state,
            Priority::parse,
            classify::priority,
            Priority::ALL,
        )?,
        channels: vocabulary(
            "channel",
            g.channel,
            Unknown::Note,
            Channel::parse,
            classify::channel,
            Channel::ALL,
        )?,
        types: vocabulary(
            "type",
            g.r#type,
            Unknown::Note,
            TicketType::parse,
            classify::ticket_type,
            TicketType::ALL,
        )?,
        urgencies: vocabulary(
            "urgency",
            g.urgency,
            Unknown::Note,
            Urgency::parse,
            classify::urgency,
            Urgency::ALL,
        )?,
        impacts: vocabulary("impact", g.impact, Unknown::Note, Impact::parse, classify::impact, Impact::ALL)?,
        categories: g.category.map(categories).transpose()?,
        carried: Vec::new(),
        labels: Vec::new(),
        dedupe: g.dedupe.map(|d| dedupe(d, &mut columns)).transpose()?,
        names: Names::of(g.names),
        stand_ins: Vec::new(),
        changes: None,
        filter: Filter::default(),
        files: Vec::new(),
        columns: Vec::new(),
        name,
        version,
        source,
        ticket,
    };
    if let Some(group) = g.group {
        mapping.group = Some(columns.slot("group.column", group.column)?);
        mapping.levels = levels(group.level)?;
    }
    if let Some(agent) = g.agent {
        mapping.agent = columns.optional("agent.column", agent.column)?;
        mapping.system = agent.system;
        mapping.bot = agent.bot;
    }
    // They speak of columns that other keys name.
    mapping.changes = g.changes.map(|c| changes::check(c, &mut columns)).transpose()?;
    mapping.filter = filter::check(g.filter, &mut columns)?;
    let keys = files::keys(&g.files, &mut columns)?;
    mapping.stand_ins = stand_ins;
    mapping.columns = columns.columns;
    mapping.carried = carried(&mapping);
    mapping.labels = labels(&mapping);
    changes::fits(&mapping)?;
    files::check(g.files, &keys, &mut mapping)?;
    Ok(mapping)
}

fn ticket(t: grammar::Ticket, columns: &mut Interner) -> Result<Ticket, Fault> {
    if t.tag_separator.as_deref().is_some_and(str::is_empty)
        || (t.tag_separator.is_some() && t.tags.is_none())
    {
        return Err(Fault::new("ticket.tag_separator", "must be a text that parts the tags of ticket.tags"));
    }
    Ok(Ticket {
        id: columns.slot("ticket.id", t.id)?,
        created_at: columns.optional("ticket.created_at", t.created_at)?,
        created_by: columns.optional("ticket.created_by", t.created_by)?,
        subject: columns.optional("ticket.subject", t.subject)?,
        description: columns.optional("ticket.description", t.description)?,
        channel: columns.optional("ticket.channel", t.channel)?,
        r#type: columns.optional("ticket.type", t.r#type)?,
        category: columns.list("ticket.category", t.category.map_or_else(Vec::new, Columns::into_vec))?,
        priority: columns.optional("ticket.priority", t.priority)?,
        urgency: columns.optional("ticket.urgency", t.urgency)?,
        impact: columns.optional("ticket.impact", t.impact)?,
        product: columns.optional("ticket.product", t.product)?,
        brand: columns.optional("ticket.brand", t.brand)?,
        language: columns.optional("ticket.language", t.language)?,
        organisation: columns.optional("ticket.organisation", t.organisation)?,
        due_at: columns.optional("ticket.due_at", t.due_at)?,
        tags: columns.optional("ticket.tags", t.tags)?,
        tag_separator: t.tag_separator,
        fields: {
            let typed = t.numbers.iter().chain(&t.flags).cloned();
            columns.fields(t.fields.into_iter().chain(typed).collect())?
        },
        numbers: columns.list("ticket.numbers", t.numbers)?,
        flags: columns.list("ticket.flags", t.flags)?,
    })
}

/// What a ticket keeps until a row says otherwise; what a row says of itself alone is not among it.
fn carried(m: &Mapping) -> Vec<Slot> {
    let t = &m.ticket;
    let lone = [
        t.subject,
        t.description,
        t.channel,
        t.r#type,
        t.priority,
        t.urgency,
        t.impact,
        t.product,
        t.brand,
        t.language,
        t.organisation,
        t.due_at,
        t.tags,
        m.group,
        m.agent,
        m.resolution.code,
        m.resolution.summary,
    ];
    let person = m.requester.iter().flat_map(|r| [Some(r.id), r.name, r.email, r.phone, r.kind]);
    let states = m.state.iter().flat_map(|s| s.columns.iter().copied());
    let lists = t.category.iter().chain(&t.fields).copied().chain(states);
    let mut slots: Vec<Slot> = lone.into_iter().chain(person).flatten().chain(lists).collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}

fn labels(m: &Mapping) -> Vec<Slot> {
    let t = &m.ticket;
    let lone = [
        m.by,
        m.group,
        m.agent,
        t.created_by,
        t.product,
        t.brand,
        t.language,
        t.organisation,
        m.comment.author,
    ];
    let person = m.requester.iter().flat_map(|r| [Some(r.id), r.name, r.email, r.phone]);
    let mut slots: Vec<Slot> = lone.into_iter().chain(person).flatten().collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}

fn vocabulary<T: Clone + std::fmt::Display>(
    key: &str,
    words_of: Option<grammar::Words>,
    otherwise: Unknown,
    parse: fn(&str) -> Option<T>,
    common: fn(&str) -> Option<T>,
    all: &[T],
) -> Result<Words<T>, Fault> {
    Words::of(key, words_of.unwrap_or_default(), otherwise, parse, common, &words(all))
}

fn categories(c: grammar::CategoryWords) -> Result<Words<String>, Fault> {
    let parse = |path: &str| Some(path.to_owned());
    // A map alone renames what it lists; only `unknown` says that there is nothing else.
    let common: fn(&str) -> Option<String> =
        if c.unknown.is_some() { |_| None } else { |path| Some(path.to_owned()) };
    let words = grammar::Words { map: c.map, unknown: c.unknown, default: c.default };
    Words::of("category", words, Unknown::Note, parse, common, "a path such as technical/network")
}

fn requester(r: grammar::Requester, columns: &mut Interner) -> Result<Requester, Fault> {
    let kinds = grammar::Words { map: r.kinds, ..grammar::Words::default() };
    Ok(Requester {
        id: columns.slot("requester.id", r.id)?,
        name: columns.optional("requester.name", r.name)?,
        email: columns.optional("requester.email", r.email)?,
        phone: columns.optional("requester.phone", r.phone)?,
        kind: columns.optional("requester.kind", r.kind)?,
        kinds: vocabulary(
            "requester.kinds",
            Some(kinds),
            Unknown::Note,
            RequesterKind::parse,
            classify::requester_kind,
            RequesterKind::ALL,
        )?,
    })
}

fn comment(
    c: Option<grammar::Comment>,
    of_row: Option<String>,
    columns: &mut Interner,
) -> Result<Comment, Fault> {
    let author_kinds = |map| {
        let words = grammar::Words { map, ..grammar::Words::default() };
        let (parse, common) = (AuthorKind::parse, classify::author_kind);
        vocabulary("comment.author_kinds", Some(words), Unknown::Note, parse, common, AuthorKind::ALL)
    };
    let visibilities = |map| {
        let words = grammar::Words { map, ..grammar::Words::default() };
        let (parse, common) = (Visibility::parse, classify::visibility);
        vocabulary("comment.visibilities", Some(words), Unknown::Note, parse, common, Visibility::ALL)
    };
    let Some(c) = c else {
        return Ok(Comment {
            text: columns.optional("row.comment", of_row)?,
            author: None,
            author_kind: None,
            author_kinds: author_kinds(BTreeMap::new())?,
            visibility: None,
            visibilities: visibilities(BTreeMap::new())?,
            default_visibility: Visibility::Internal,
            parts: None,
        });
    };
    let text = match (c.text, of_row) {
        (Some(text), None) => Some(columns.slot("comment.text", text)?),
        (None, Some(text)) => Some(columns.slot("row.comment", text)?),
        (Some(_), Some(_)) => return Err(Fault::new("comment.text", "is row.comment: write one of them")),
        (None, None) => return Err(Fault::new("comment.text", "is missing: which column holds the comment")),
    };
    let word = c.default_visibility.as_deref().map(|word| {
        Visibility::parse(word).ok_or_else(|| {
            Fault::new(
                "comment.default_visibility",
                format!("is {word:?}; it must be one of {}", words(Visibility::ALL)),
            )
        })
    });
    Ok(Comment {
        text,
        author: columns.optional("comment.author", c.author)?,
        author_kind: columns.optional("comment.author_kind", c.author_kind)?,
        author_kinds: author_kinds(c.author_kinds)?,
        visibility: columns.optional("comment.visibility", c.visibility)?,
        visibilities: visibilities(c.visibilities)?,
        // Nobody outside may read what the source may have kept inside.
        default_visibility: word.transpose()?.unwrap_or(Visibility::Internal),
        parts: parts(c.parts, c.separator)?,
    })
}

fn parts(
    names: Option<Vec<String>>,
    separator: Option<String>,
) -> Result<Option<(Vec<Part>, String)>, Fault> {
    let Some(names) = names else {
        return match separator {
            None => Ok(None),
            Some(_) => Err(Fault::new("comment.separator", "parts what comment.parts names")),
        };
    };
    let parts = names.iter().map(|name| match name.as_str() {
        "at" => Ok(Part::At),
        "author" => Ok(Part::Author),
        "text" => Ok(Part::Text),
        _ => Err(Fault::new("comment.parts", format!("names {name:?}; a part is one of at, author, text"))),
    });
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    if parts.last() != Some(&Part::Text) || (1..parts.len()).any(|i| parts[..i].contains(&parts[i])) {
        return Err(Fault::new("comment.parts", "must name each part once, and end with text"));
    }
    let separator = separator.unwrap_or_else(|| ";".to_owned());
    if separator.is_empty() {
        return Err(Fault::new("comment.separator", "must be a text"));
    }
    Ok(Some((parts, separator)))
}

fn resolution(r: Option<grammar::Resolution>, columns: &mut Interner) -> Result<Resolution, Fault> {
    let Some(r) = r else {
        let codes = Words::new(classify::resolution_code);
        return Ok(Resolution { code: None, summary: None, codes });
    };
    if r.code.is_none() && (!r.map.is_empty() || r.unknown.is_some()) {
        return Err(Fault::new("resolution.map", "needs the column resolution.code"));
    }
    let (parse, common) = (ResolutionCode::parse, classify::resolution_code);
    let words = grammar::Words { map: r.map, unknown: r.unknown, default: r.default };
    Ok(Resolution {
        code: columns.optional("resolution.code", r.code)?,
        summary: columns.optional("resolution.summary", r.summary)?,
        codes: vocabulary("resolution", Some(words), Unknown::Note, parse, common, ResolutionCode::ALL)?,
    })
}

fn milestones(m: grammar::Milestones, columns: &mut Interner) -> Result<Vec<(Milestone, Slot)>, Fault> {
    let named = [
        (Milestone::Created, "milestones.created", m.created),
        (Milestone::Assigned, "milestones.assigned", m.assigned),
        (Milestone::FirstReply, "milestones.first_reply", m.first_reply),
        (Milestone::Reopened, "milestones.reopened", m.reopened),
        (Milestone::Resolved, "milestones.resolved", m.resolved),
        (Milestone::Closed, "milestones.closed", m.closed),
    ];
    let mut milestones = Vec::new();
    for (milestone, key, column) in named {
        if let Some(slot) = columns.optional(key, column)? {
            milestones.push((milestone, slot));
        }
    }
    if milestones.is_empty() {
        return Err(Fault::new("milestones", "must name the column of at least one milestone"));
    }
    Ok(milestones)
}

fn source(s: grammar::Source) -> Result<Source, Fault> {
    if s.tie.is_some() && s.order != Order::Time {
        return Err(Fault::new("source.tie", "is only for order = \"time\""));
    }
    if s.decimal.is_some() && s.format != Format::Csv {
        return Err(Fault::new("source.decimal", "is only for csv"));
    }
    let delimiter = of_csv("source.delimiter", s.delimiter.as_deref(), s.format)?;
    let escape = of_csv("source.escape", s.escape.as_deref(), s.format)?;
    let encoding = s.encoding.as_deref().map(|label| {
        encoding::of_label(label).ok_or_else(|| {
            let hint = "is no encoding of the WHATWG, such as \"utf-8\", \"windows-1252\" or \"utf-16le\"";
            Fault::new("source.encoding", format!("{label:?} {hint}"))
        })
    });
    let encoding = encoding.transpose()?;
    match (&s.object_type, s.format == Format::Ocel) {
        (None, true) => {
            return Err(Fault::new("source.object_type", "must name the type of object that is a ticket"));
        }
        (Some(_), false) => return Err(Fault::new("source.object_type", "is only for ocel")),
        (Some(_), true) | (None, false) => {}
    }
    let json = json("source", s.format, s.records.as_deref(), s.rows)?;
    let decimal = decimal(s.decimal.as_deref())?;
    let zone = s.zone.as_deref().map_or(Ok(Tz::UTC), parse_zone)?;
    let mut dates = Dates::new(&s.date_formats, zone).map_err(|(i, why)| {
        Fault::new(format!("source.date_formats[{i}]"), format!("{:?} {why}", s.date_formats[i]))
    })?;
    match s.two_digit_years.as_deref() {
        None => {}
        Some("20xx") => dates.set_this_century(),
        Some(_) => return Err(Fault::new("source.two_digit_years", "must be \"20xx\"")),
    }
    dates.set_decimal(decimal);
    Ok(Source {
        format: s.format,
        encoding,
        delimiter,
        escape,
        member: s.member,
        json,
        object_type: s.object_type,
        dates,
        missing: s.missing,
        // Traces keep a ticket together by their nature. Elsewhere a wrong promise would tear tickets apart.
        grouped: s.grouped.unwrap_or(s.format == Format::Xes),
        order: s.order,
        tie: None,
        absent: s.absent,
        too_long: s.too_long,
        decimal,
    })
}

fn decimal(text: Option<&str>) -> Result<char, Fault> {
    match text {
        None | Some(".") => Ok('.'),
        Some(",") => Ok(','),
        Some(_) => Err(Fault::new("source.decimal", "must be \".\" or \",\"")),
    }
}

/// A key of CSV whose value is one character.
pub(super) fn of_csv(key: &str, value: Option<&str>, format: Format) -> Result<Option<u8>, Fault> {
    match value.map(str::as_bytes) {
        None => Ok(None),
        Some(_) if format != Format::Csv => Err(Fault::new(key, "is only for csv")),
        Some(&[byte]) if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(Some(byte)),
        Some(_) => Err(Fault::new(
            key,
            "must be one ASCII character that is no quote and no line end, such as \";\" or \"\\t\"",
        )),
    }
}

pub(super) fn json(
    table: &str,
    format: Format,
    records: Option<&str>,
    rows: Option<Columns>,
) -> Result<Json, Fault> {
    let (records_key, rows_key) = (format!("{table}.records"), format!("{table}.rows"));
    let path = |key: &str, path: &str| {
        let steps = json_paths::steps(path).map_err(|why| Fault::new(key, format!("{path:?} {why}")))?;
        if steps.last() == Some(&Step::Each) {
            return Ok(steps);
        }
        Err(Fault::new(key, format!("{path:?} must end with \"[]\": it leads to the elements of a list")))
    };
    if records.is_some() && format != Format::Json {
        return Err(Fault::new(records_key, "is only for json"));
    }
    if rows.is_some() && !matches!(format, Format::Json | Format::Jsonl) {
        return Err(Fault::new(rows_key, "is only for json and jsonl"));
    }
    Ok(Json {
        records: records.map(|p| path(&records_key, p)).transpose()?,
        rows: rows
            .map_or_else(Vec::new, Columns::into_vec)
            .iter()
            .map(|p| path(&rows_key, p))
            .collect::<Result<_, _>>()?,
    })
}

fn parse_zone(zone: &str) -> Result<Tz, Fault> {
    zone.parse().map_err(|_| {
        Fault::new(
            "source.zone",
            format!("{zone:?} is no zone of the IANA database, such as \"Europe/Paris\""),
        )
    })
}

fn state(s: grammar::State, columns: &mut Interner) -> Result<State, Fault> {
    let slots = columns.list("state.column", s.column.into_vec())?;
    if slots.is_empty() {
        return Err(Fault::new("state.column", "must name a column"));
    }
    let map = s
        .map
        .into_iter()
        .map(|(value, m)| meaning(&value, &m).map(|m| (value, m)))
        .collect::<Result<_, _>>()?;
    let default = s.default.map(|m| meaning("default", &m)).transpose()?;
    default_fits("state", s.unknown, default.is_some())?;
    Ok(State { columns: slots, map, unknown: s.unknown, default })
}

fn meaning(value: &str, m: &grammar::Meaning) -> Result<Meaning, Fault> {
    let fault = |problem: String| Fault::new(format!("state.map.{value:?}"), problem);
    let reason = match m.hold_reason.as_deref() {
        None => None,
        Some(word) => Some(HoldReason::parse(word).ok_or_else(|| {
            fault(format!("has the hold_reason {word:?}; it must be one of {}", words(HoldReason::ALL)))
        })?),
    };
    match m.state.as_str() {
        "ignore" if reason.is_none() => return Ok(Meaning::Ignore),
        "note" if reason.is_none() => return Ok(Meaning::Note),
        _ => {}
    }
    let state = TicketState::parse(&m.state).ok_or_else(|| {
        fault(format!("is {:?}; it must be one of {}, ignore, note", m.state, words(TicketState::ALL)))
    })?;
    match (state, reason) {
        (TicketState::Hold, None) => Err(fault(format!(
            "is hold without a reason; write {{ state = \"hold\", hold_reason = \"…\" }} with one of {}",
            words(HoldReason::ALL)
        ))),
        (TicketState::Hold, Some(_)) | (_, None) => {
            Ok(Meaning::State { to: state, hold_reason: reason, reopens: m.reopens })
        }
        (_, Some(_)) => Err(fault("has a hold_reason, which is only for hold".to_owned())),
    }
}

fn levels(level: BTreeMap<String, u32>) -> Result<Vec<(String, u32)>, Fault> {
    if let Some((pattern, tier)) = level.iter().find(|(_, tier)| **tier > limits::TIER) {
        return Err(Fault::new(
            format!("group.level.{pattern:?}"),
            format!("is {tier}; a tier must be 0 to {}", limits::TIER),
        ));
    }
    let mut levels: Vec<_> = level.into_iter().collect();
    levels.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.len()));
    Ok(levels)
}

fn dedupe(d: grammar::Dedupe, columns: &mut Interner) -> Result<Dedupe, Fault> {
    match d.by {
        Columns::One(word) if word == "row" => Ok(Dedupe::Row),
        Columns::Many(names) if !names.is_empty() => columns.list("dedupe.by", names).map(Dedupe::Columns),
        Columns::One(_) | Columns::Many(_) => {
            Err(Fault::new("dedupe.by", "must be \"row\" or a list of columns"))
        }
    }
}

fn words<W: std::fmt::Display>(all: &[W]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Keys whose columns may hold more than one value.
const LISTS: &[&str] = &[
    "ticket.category",
    "ticket.fields",
    "ticket.tags",
    "row.comment",
    "comment.text",
    "changes.from",
    "changes.to",
];

/// Each column once.
#[derive(Default)]
pub(super) struct Interner {
    pub(super) columns: Vec<Column>,
    /// Columns that take the values of others, and can say nothing else.
    lone: Vec<Slot>,
}

impl Interner {
    pub(super) fn slot(&mut self, key: &str, name: String) -> Result<Slot, Fault> {
        if name.is_empty() {
            return Err(Fault::new(key, "must name a column"));
        }
        let takes_list = LISTS.contains(&key);
        if let Some(slot) = self.find(&name) {
            if self.lone.contains(&slot) {
                return Err(Fault::new(
                    key,
                    format!("names {name:?}, which begins a list of columns elsewhere"),
                ));
            }
            self.columns[slot].takes_list &= takes_list;
            return Ok(slot);
        }
        if self.columns.len() >= MAPPED_MAX {
            return Err(Fault::new(key, format!("names one column more than {MAPPED_MAX}")));
        }
        let optional = name.starts_with(changes::PREFIX);
        self.columns.push(Column { name, key: key.to_owned(), takes_list, optional });
        Ok(self.columns.len().saturating_sub(1))
    }

    pub(super) fn find(&self, name: &str) -> Option<Slot> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Columns of which the first with a value counts.
    fn first_of(
        &mut self,
        key: &str,
        names: Columns,
        stand_ins: &mut Vec<(Slot, Vec<Slot>)>,
    ) -> Result<Slot, Fault> {
        let names = names.into_vec();
        let Some((first, others)) = names.split_first() else {
            return Err(Fault::new(key, "must name a column"));
        };
        if !others.is_empty() && self.find(first).is_some() {
            let problem = format!("begins with {first:?}, which another key names; put it behind the others");
            return Err(Fault::new(key, problem));
        }
        let slot = self.slot(key, first.clone())?;
        if !others.is_empty() {
            let others = self.list(key, others.to_vec())?;
            self.lone.push(slot);
            stand_ins.push((slot, others));
        }
        Ok(slot)
    }

    pub(super) fn optional(&mut self, key: &str, name: Option<String>) -> Result<Option<Slot>, Fault> {
        name.map(|n| self.slot(key, n)).transpose()
    }

    fn list(&mut self, key: &str, names: Vec<String>) -> Result<Vec<Slot>, Fault> {
        names.into_iter().map(|n| self.slot(key, n)).collect()
    }

    fn fields(&mut self, names: Vec<String>) -> Result<Vec<Slot>, Fault> {
        const NAME_BYTES_MAX: usize = 64;
        if names.len() > limits::FIELDS {
            return Err(Fault::new("ticket.fields", format!("must name at most {} columns", limits::FIELDS)));
        }
        if let Some(name) = names.iter().find(|n| n.len() > NAME_BYTES_MAX) {
            return Err(Fault::new(
                "ticket.fields",
                format!("names {name:?}; a field's name has at most {NAME_BYTES_MAX} bytes"),
            ));
        }
        if let Some((i, name)) = names.iter().enumerate().find(|(i, n)| names[..*i].contains(n)) {
            return Err(Fault::new(format!("ticket.fields[{i}]"), format!("names {name:?} a second time")));
        }
        self.list("ticket.fields", names)
    }
}

/// `*` stands for any text, also none. Takes pattern times text at most, however many stars there are.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, mut rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(head) else { return false };
    // What stands between two stars is found as early as possible; what comes after the last one must end it.
    while let Some((piece, more)) = rest.split_once('*') {
        let Some((_, after)) = left.split_once(piece) else { return false };
        (left, rest) = (after, more);
    }
    left.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "[source]\nformat = \"csv\"\n[ticket]\nid = \"id\"\n[row]\nat = \"at\"\n";

    fn problem(more: &str) -> String {
        Mapping::parse(&format!("{SMALL}{more}")).unwrap_err().to_string()
    }

    fn problem_in_source(key: &str) -> String {
        Mapping::parse(&SMALL.replace("\n[ticket]", &format!("\n{key}\n[ticket]"))).unwrap_err().to_string()
    }

    #[test]
    fn every_shipped_mapping_can_be_loaded_by_its_name() {
        for (name, _) in SHIPPED {
            assert_eq!(Mapping::load(name).unwrap().name(), *name);
        }
        let error = Mapping::load("no-such-thing").unwrap_err().to_string();
        assert!(error.contains("servicenow, bpi2013") && error.contains("audit"), "{error}");
    }

    #[test]
    fn a_mapping_needs_no_more_than_format_id_and_time() {
        assert!(!Mapping::parse(SMALL).unwrap().source.grouped);
    }

    #[test]
    fn a_key_that_the_grammar_does_not_have_is_refused_by_its_name() {
        for (more, key) in [
            ("zone = \"UTC\"\n", "zone"),
            ("[ticket2]\n", "ticket2"),
            ("[state]\ncolumn = \"s\"\nmap = { a = { state = \"open\", why = \"x\" } }\n", "why"),
            ("[group]\ncolumn = \"g\"\nlevels = {}\n", "levels"),
            ("[agent]\nsystems = []\n", "systems"),
            ("[dedupe]\nby = \"row\"\nkeep = 1\n", "keep"),
        ] {
            let error = problem(more);
            assert!(error.contains("unknown field") && error.contains(key), "{error}");
        }
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_key_and_what_would_be_right() {
        let cases = [
            ("[state]\ncolumn = \"s\"\nmap = { Done = \"finished\" }\n", "state.map.\"Done\"", "resolved"),
            ("[state]\ncolumn = \"s\"\nmap = { Wait = \"hold\" }\n", "state.map.\"Wait\"", "third_party"),
            (
                "[state]\ncolumn = \"s\"\nmap = { W = { state = \"open\", hold_reason = \"vendor\" } }\n",
                "state.map.\"W\"",
                "only for hold",
            ),
            (
                "[state]\ncolumn = \"s\"\nmap = { W = { state = \"hold\", hold_reason = \"rain\" } }\n",
                "state.map.\"W\"",
                "vendor",
            ),
            ("[state]\ncolumn = []\nmap = { W = \"new\" }\n", "state.column", "column"),
            ("[state]\ncolumn = 3\nmap = { W = \"new\" }\n", "column", "a column or a list of columns"),
            ("[state]\ncolumn = \"s\"\nunknown = \"drop\"\nmap = { W = \"new\" }\n", "unknown", "reject"),
            ("[group]\ncolumn = \"g\"\nlevel = { \"* 9th\" = 9 }\n", "group.level.\"* 9th\"", "0 to 4"),
            ("[group]\ncolumn = \"\"\n", "group.column", "column"),
            ("[priority]\nmap = { a = \"low\" }\n", "priority.map", "ticket.priority"),
            ("[dedupe]\nby = \"rows\"\n", "dedupe.by", "\"row\""),
            ("[dedupe]\nby = []\n", "dedupe.by", "list of columns"),
        ];
        for (more, key, hint) in cases {
            let error = problem(more);
            assert!(error.contains(key) && error.contains(hint), "{more}: {error}");
        }
        for (line, key, hint) in [
            ("delimiter = \"||\"", "source.delimiter", "one ASCII character"),
            ("encoding = \"klingon\"", "source.encoding", "windows-1252"),
            ("delimiter = '\"'", "source.delimiter", "no quote"),
            ("records = \"a[]\"", "source.records", "only for json"),
            ("rows = \"a[]\"", "source.rows", "only for json"),
            ("two_digit_years = \"19xx\"", "source.two_digit_years", "20xx"),
            ("date_formats = [\"%H:%M:%S.%f\"]", "source.date_formats[0]", "%.f"),
            ("zone = \"Mars/Olympus\"", "source.zone", "IANA"),
            ("date_formats = [\"%d/%m/%Y\", \"%Q\"]", "source.date_formats[1]", "%Q"),
            ("order = \"size\"", "order", "time"),
        ] {
            let error = problem_in_source(line);
            assert!(error.contains(key) && error.contains(hint), "{line}: {error}");
        }
        let error = Mapping::parse(
            &SMALL.replace("id = \"id\"", "id = \"id\"\npriority = \"p\"\nfields = [\"a\", \"a\"]"),
        );
        assert!(error.unwrap_err().to_string().contains("ticket.fields[1]"));
    }

    #[test]
    fn another_zone_is_another_version_of_the_mapping() {
        let utc = Mapping::load("servicenow").unwrap();
        let local = utc.clone().with_zone("America/Sao_Paulo").unwrap();
        assert_ne!(utc.version, local.version);
        assert!(utc.with_zone("Sao_Paulo").unwrap_err().to_string().contains("source.zone"));
    }

    #[test]
    fn the_longest_pattern_decides_the_tier() {
        let mapping = Mapping::parse(&format!(
            "{SMALL}[group]\ncolumn = \"g\"\nlevel = {{ \"* 2nd\" = 2, \"V* 2nd\" = 3, \"*x*\" = 4 }}\n"
        ));
        let mapping = mapping.unwrap();
        let tiers = ["S1 2nd", "V1 2nd", "2nd", "axb", "S1 2nd line", " 2nd"].map(|g| mapping.tier(g));
        assert_eq!(tiers, [2, 3, 1, 4, 1, 2]);
    }

    #[test]
    fn stars_stand_for_any_text_and_cost_no_more_than_their_number() {
        for (pattern, text) in [("*", ""), ("**", "x"), ("a*", "a"), ("*b*", "abc"), ("a*b*c", "a-b-b-c")] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a*a", "a"), ("*b", "abc"), ("a*b*c", "a-c-b"), ("", "x")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
        // One that tries every place for every star does not come back from this.
        assert!(!fits(&"*a".repeat(60), &("a".repeat(127) + "b")));
    }

    #[test]
    fn a_mapping_is_bounded() {
        let columns: Vec<String> = (0..300).map(|n| format!("\"c{n}\"")).collect();
        let error = problem(&format!("[state]\ncolumn = [{}]\nmap = {{}}\n", columns.join(", ")));
        assert!(error.contains("state.column") && error.contains("256"), "{error}");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{SMALL}{}", "#".repeat(1024 * 1024))).unwrap();
        let error = Mapping::load(file.path().to_str().unwrap()).unwrap_err();
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("at most"), "{error}");
        let error = Mapping::load("/dev/zero").unwrap_err();
        assert!(matches!(error, MappingError::Read { .. }), "{error}");
        for (more, key) in [
            ("[group]\ncolumn = \"g\"\nlevel = { \"a\" = 18446744073709551616 }\n", "level"),
            ("[group]\ncolumn = \"g\"\nlevel = { \"a\" = -1 }\n", "level"),
            ("[agent]\nsystem = [1]\n", "system"),
        ] {
            assert!(problem(more).contains(key), "{}", problem(more));
        }
    }
}

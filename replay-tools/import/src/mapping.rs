//! What the columns of an export mean: the mapping file, checked once, with every column as an index.

mod check;
mod columns;
mod people;
mod shape;
mod source;
mod states;
#[cfg(test)]
mod tests;

use std::io::Read as _;
use std::path::Path;

use guichet_config::Configuration;
use guichet_schemas::hash::Hash;
use guichet_schemas::text::Label;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{Channel, Impact, Priority, TicketType, Urgency};

use self::check::check;
pub(super) use self::columns::Interner;
pub(super) use self::shape::{Column, Dedupe, Link, Meaning, Milestone, Part, Slot, Source};
use self::shape::{Comment, Requester, Resolution, State, Ticket};
use self::source::parse_zone;
pub(super) use self::source::{json, of_csv};
use super::bounds::MAPPING_BYTES_MAX;
use super::changes::Changes;
use super::error::MappingError;
use super::files::File;
use super::filter::Filter;
use super::grammar::Grammar;
use super::names::Names;
use super::words::Words;

/// The name of a source whose mapping gives it none.
pub const UNNAMED: &str = "import";

/// The mappings that come with the program.
pub const SHIPPED: &[(&str, &str)] = &[
    ("servicenow", include_str!("../mappings/servicenow.toml")),
    ("bpi2013", include_str!("../mappings/bpi2013.toml")),
    ("freshdesk-csv", include_str!("../mappings/freshdesk-csv.toml")),
    ("freshdesk-json", include_str!("../mappings/freshdesk-json.toml")),
    ("zendesk-tickets", include_str!("../mappings/zendesk-tickets.toml")),
    ("jira-csv", include_str!("../mappings/jira-csv.toml")),
    ("zammad", include_str!("../mappings/zammad.toml")),
    ("osticket", include_str!("../mappings/osticket.toml")),
    ("glpi", include_str!("../mappings/glpi.toml")),
    ("snapshot", include_str!("../mappings/snapshot.toml")),
    ("audit", include_str!("../mappings/audit.toml")),
    ("zendesk-audits", include_str!("../mappings/zendesk-audits.toml")),
    ("zendesk-files", include_str!("../mappings/zendesk-files.toml")),
    ("zendesk-comments", include_str!("../mappings/zendesk-comments.toml")),
    ("zendesk-chat", include_str!("../mappings/zendesk-chat.toml")),
    ("jira-json", include_str!("../mappings/jira-json.toml")),
    ("freshdesk-files", include_str!("../mappings/freshdesk-files.toml")),
    ("zoho-desk", include_str!("../mappings/zoho-desk.toml")),
    ("invgate", include_str!("../mappings/invgate.toml")),
    ("desk-com", include_str!("../mappings/desk-com.toml")),
    ("liveagent", include_str!("../mappings/liveagent.toml")),
    ("tables", include_str!("../mappings/tables.toml")),
];

/// The mapping of our own export. It names no columns of a stranger's: rows are taken as the facts that they are.
const OWN: (&str, &str) = ("guichet", include_str!("../mappings/guichet.toml"));

/// A checked mapping.
///
/// ```
/// use guichet_import::Mapping;
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
    /// Where the whole event stands, in rows of our own export.
    pub(super) event: Option<Slot>,
    pub(super) by: Option<Slot>,
    /// What each row is called, where every row is to be told, also one that changes nothing.
    pub(super) activity: Option<Slot>,
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
    /// Columns that keep the value before where a row does not mention them.
    pub(super) carried: Vec<Slot>,
    /// Columns whose values are names of something.
    pub(super) labels: Vec<Slot>,
    pub(super) dedupe: Option<Dedupe>,
    pub(super) names: Names,
    /// Columns that stand for one another: the first takes the value of the first that has one.
    pub(super) stand_ins: Vec<(Slot, Vec<Slot>)>,
    pub(super) links: Vec<(Link, Slot)>,
    pub(super) changes: Option<Changes>,
    pub(super) filter: Filter,
    /// The other files of the export.
    pub(super) files: Vec<File>,
    /// The export is a part of a larger one, which need not have every column.
    pub(super) is_of_a_part: bool,
}

impl Mapping {
    /// A shipped mapping by its name, or a file. `source.name` names the source; a file without it is called
    /// [`UNNAMED`], whatever the file is called.
    ///
    /// # Errors
    /// What is wrong, with the key.
    pub fn load(name_or_path: &str) -> Result<Self, MappingError> {
        if let Some((name, text)) = SHIPPED.iter().chain([&OWN]).find(|(name, _)| *name == name_or_path) {
            return Self::parse_named(name, text);
        }
        let path = Path::new(name_or_path);
        let text = read_text(path).map_err(|source| {
            if source.kind() == std::io::ErrorKind::NotFound {
                let shipped =
                    SHIPPED.iter().chain([&OWN]).map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
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

    /// The same mapping, for a part of an export.
    #[must_use]
    pub(super) const fn of_a_part(mut self) -> Self {
        self.is_of_a_part = true;
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

    /// The name of the custom field that a column becomes.
    pub(super) fn field_name(&self, slot: Slot) -> Option<&str> {
        self.ticket.fields.iter().find(|(column, _)| *column == slot).map(|(_, name)| name.as_str())
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

    /// Whether the export has every public reply, so that a ticket without one was not answered.
    pub(super) fn tells_replies(&self) -> bool {
        let by_milestone = self.milestones.iter().any(|(milestone, _)| *milestone == Milestone::FirstReply);
        by_milestone || self.comment.complete
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

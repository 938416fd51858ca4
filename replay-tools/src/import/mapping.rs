//! What the columns of an export mean: the mapping file, checked once, with every column as an index.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use chrono_tz::Tz;
use guichet_schemas::command::limits;
use guichet_schemas::hash::Hash;
use guichet_schemas::text::Label;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{HoldReason, Priority, TicketState};

use super::bounds::{MAPPED_MAX, MAPPING_BYTES_MAX};
use super::dates::Dates;
use super::encoding;
use super::error::MappingError;
use super::grammar::{self, Columns, Format, Grammar, Order, Unknown};
use super::json_paths::{self, Step};

/// The mappings that come with the program.
pub const SHIPPED: &[(&str, &str)] = &[
    ("servicenow", include_str!("../../mappings/servicenow.toml")),
    ("bpi2013", include_str!("../../mappings/bpi2013.toml")),
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
    pub(super) comment: Option<Slot>,
    pub(super) state: Option<State>,
    pub(super) group: Option<Slot>,
    levels: Vec<(String, u32)>,
    pub(super) agent: Option<Slot>,
    system: Vec<String>,
    priorities: BTreeMap<String, Priority>,
    pub(super) dedupe: Option<Dedupe>,
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
}

/// Where rows stand in an export of JSON.
#[derive(Debug, Clone, Default)]
pub(super) struct Json {
    /// The way through a document to its records. Without one they are the elements of its list, or it is one.
    pub(super) records: Option<Vec<Step>>,
    /// The way through a record to the lists whose elements are rows.
    pub(super) rows: Vec<Step>,
}

#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) id: Slot,
    pub(super) created_at: Option<Slot>,
    pub(super) created_by: Option<Slot>,
    pub(super) subject: Option<Slot>,
    pub(super) channel: Option<Slot>,
    pub(super) r#type: Option<Slot>,
    pub(super) category: Vec<Slot>,
    pub(super) priority: Option<Slot>,
    pub(super) fields: Vec<Slot>,
}

#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) columns: Vec<Slot>,
    pub(super) map: BTreeMap<String, Meaning>,
    pub(super) unknown: Unknown,
}

/// What a state of the source means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Ignore,
    State(TicketState, Option<HoldReason>),
}

#[derive(Debug, Clone)]
pub(super) enum Dedupe {
    Row,
    Columns(Vec<Slot>),
}

impl Mapping {
    /// A shipped mapping by its name, or a file; the file's name without its ending names the source.
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
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or("import");
        Self::parse_named(stem, &text)
    }

    /// A mapping from its text; the source is called `import`.
    ///
    /// # Errors
    /// What is wrong, with the key.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        Self::parse_named("import", text)
    }

    /// A mapping from its text. Tickets are known by (`name`, id in the source) for ever.
    ///
    /// # Errors
    /// What is wrong, with the key.
    pub fn parse_named(name: &str, text: &str) -> Result<Self, MappingError> {
        let grammar: Grammar = toml::from_str(text)
            .map_err(|e| MappingError::Grammar { mapping: name.to_owned(), source: Box::new(e) })?;
        let label = Label::parse(name.to_owned())
            .map_err(|e| Fault::new("its name", e.rule))
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

    /// What is done with a value that no map knows: refuse the row, or note it.
    pub(super) fn rejects_unknown(&self) -> bool {
        self.state.as_ref().is_some_and(|s| s.unknown == Unknown::Reject)
    }

    pub(super) fn priority(&self, value: &str) -> Option<Priority> {
        self.priorities.get(value).copied().or_else(|| Priority::parse(&value.to_ascii_lowercase()))
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
struct Fault {
    key: String,
    problem: String,
}

impl Fault {
    fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into() }
    }

    fn of(self, mapping: &str) -> MappingError {
        MappingError::Key { mapping: mapping.to_owned(), key: self.key, problem: self.problem }
    }
}

fn check(name: Label, version: Option<Label>, g: Grammar) -> Result<Mapping, Fault> {
    let mut columns = Interner::default();
    let zone = columns.optional("source.zone_column", g.source.zone_column.clone())?;
    let source = source(g.source)?;
    let t = g.ticket;
    let ticket = Ticket {
        id: columns.slot("ticket.id", t.id)?,
        created_at: columns.optional("ticket.created_at", t.created_at)?,
        created_by: columns.optional("ticket.created_by", t.created_by)?,
        subject: columns.optional("ticket.subject", t.subject)?,
        channel: columns.optional("ticket.channel", t.channel)?,
        r#type: columns.optional("ticket.type", t.r#type)?,
        category: columns.list("ticket.category", t.category.map_or_else(Vec::new, Columns::into_vec))?,
        priority: columns.optional("ticket.priority", t.priority)?,
        fields: columns.fields(t.fields)?,
    };
    if g.priority.is_some() && ticket.priority.is_none() {
        return Err(Fault::new("priority.map", "needs the column ticket.priority"));
    }
    let mut mapping = Mapping {
        zone,
        at: columns.slot("row.at", g.row.at)?,
        by: columns.optional("row.by", g.row.by)?,
        comment: columns.optional("row.comment", g.row.comment)?,
        state: g.state.map(|s| state(s, &mut columns)).transpose()?,
        group: None,
        levels: Vec::new(),
        agent: None,
        system: Vec::new(),
        priorities: g.priority.map_or_else(|| Ok(BTreeMap::new()), priorities)?,
        dedupe: g.dedupe.map(|d| dedupe(d, &mut columns)).transpose()?,
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
    }
    mapping.columns = columns.0;
    Ok(mapping)
}

fn source(s: grammar::Source) -> Result<Source, Fault> {
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
    let json = json(s.format, s.records.as_deref(), s.rows.as_deref())?;
    let zone = s.zone.as_deref().map_or(Ok(Tz::UTC), parse_zone)?;
    let mut dates = Dates::new(&s.date_formats, zone).map_err(|(i, why)| {
        Fault::new(format!("source.date_formats[{i}]"), format!("{:?} {why}", s.date_formats[i]))
    })?;
    match s.two_digit_years.as_deref() {
        None => {}
        Some("20xx") => dates.set_this_century(),
        Some(_) => return Err(Fault::new("source.two_digit_years", "must be \"20xx\"")),
    }
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
    })
}

/// A key of CSV whose value is one character.
fn of_csv(key: &str, value: Option<&str>, format: Format) -> Result<Option<u8>, Fault> {
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

fn json(format: Format, records: Option<&str>, rows: Option<&str>) -> Result<Json, Fault> {
    let path = |key: &'static str, path: &str| {
        let steps = json_paths::steps(path).map_err(|why| Fault::new(key, format!("{path:?} {why}")))?;
        if steps.last() == Some(&Step::Each) {
            return Ok(steps);
        }
        Err(Fault::new(key, format!("{path:?} must end with \"[]\": it leads to the elements of a list")))
    };
    if records.is_some() && format != Format::Json {
        return Err(Fault::new("source.records", "is only for json"));
    }
    if rows.is_some() && !matches!(format, Format::Json | Format::Jsonl) {
        return Err(Fault::new("source.rows", "is only for json and jsonl"));
    }
    Ok(Json {
        records: records.map(|p| path("source.records", p)).transpose()?,
        rows: rows.map_or_else(|| Ok(Vec::new()), |p| path("source.rows", p))?,
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
    Ok(State { columns: slots, map, unknown: s.unknown })
}

fn meaning(value: &str, m: &grammar::Meaning) -> Result<Meaning, Fault> {
    let fault = |problem: String| Fault::new(format!("state.map.{value:?}"), problem);
    let reason = match m.hold_reason.as_deref() {
        None => None,
        Some(word) => Some(HoldReason::parse(word).ok_or_else(|| {
            fault(format!("has the hold_reason {word:?}; it must be one of {}", words(HoldReason::ALL)))
        })?),
    };
    if m.state == "ignore" && reason.is_none() {
        return Ok(Meaning::Ignore);
    }
    let state = TicketState::parse(&m.state).ok_or_else(|| {
        fault(format!("is {:?}; it must be one of {}, ignore", m.state, words(TicketState::ALL)))
    })?;
    match (state, reason) {
        (TicketState::Hold, None) => Err(fault(format!(
            "is hold without a reason; write {{ state = \"hold\", hold_reason = \"…\" }} with one of {}",
            words(HoldReason::ALL)
        ))),
        (TicketState::Hold, Some(_)) | (_, None) => Ok(Meaning::State(state, reason)),
        (_, Some(_)) => Err(fault("has a hold_reason, which is only for hold".to_owned())),
    }
}

fn priorities(p: grammar::Priority) -> Result<BTreeMap<String, Priority>, Fault> {
    p.map
        .into_iter()
        .map(|(value, word)| match Priority::parse(&word) {
            Some(priority) => Ok((value, priority)),
            None => Err(Fault::new(
                format!("priority.map.{value:?}"),
                format!("is {word:?}; it must be one of {}", words(Priority::ALL)),
            )),
        })
        .collect()
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
const LISTS: &[&str] = &["ticket.category", "ticket.fields", "ticket.tags", "row.comment", "comment.text"];

/// Each column once.
#[derive(Default)]
struct Interner(Vec<Column>);

impl Interner {
    fn slot(&mut self, key: &str, name: String) -> Result<Slot, Fault> {
        if name.is_empty() {
            return Err(Fault::new(key, "must name a column"));
        }
        let takes_list = LISTS.contains(&key);
        if let Some(slot) = self.0.iter().position(|c| c.name == name) {
            self.0[slot].takes_list &= takes_list;
            return Ok(slot);
        }
        if self.0.len() >= MAPPED_MAX {
            return Err(Fault::new(key, format!("names one column more than {MAPPED_MAX}")));
        }
        self.0.push(Column { name, key: key.to_owned(), takes_list });
        Ok(self.0.len().saturating_sub(1))
    }

    fn optional(&mut self, key: &str, name: Option<String>) -> Result<Option<Slot>, Fault> {
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
        assert!(error.contains("servicenow, bpi2013"), "{error}");
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

//! The grammar of a mapping becomes the mapping: every key is checked, and every column is an index.

use std::collections::BTreeMap;

use guichet_schemas::command::limits;
use guichet_schemas::text::Label;
use guichet_schemas::words::{Channel, Impact, Priority, ResolutionCode, TicketType, Urgency};

use super::columns::Interner;
use super::people::{comment, requester};
use super::shape::{Dedupe, Link, Milestone, Resolution, Slot, Source, Ticket};
use super::source::source;
use super::states::state;
use super::{Fault, Mapping};
use crate::filter::{self, Filter};
use crate::grammar::{self, Columns, Format, Grammar, Unknown};
use crate::names::Names;
use crate::words::Words;
use crate::{changes, classify, files};

pub(super) fn check(name: Label, version: Option<Label>, g: Grammar) -> Result<Mapping, Fault> {
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
            grammar::Row { at: Columns::One(at), by: None, comment: None, activity: None }
        }
        (None, _) => return Err(Fault::new("row.at", "is missing: when does a row happen")),
    };
    if row.activity.is_some() && g.milestones.is_some() {
        return Err(Fault::new(
            "row.activity",
            "is not for [milestones]: one row tells a whole ticket there",
        ));
    }
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
    let is_ours = source.format == Format::Events;
    let mut mapping = Mapping {
        zone,
        event: is_ours.then(|| columns.slot("source.format", "data".to_owned())).transpose()?,
        at: columns.first_of("row.at", row.at, &mut stand_ins)?,
        by: row.by.map(|by| columns.first_of("row.by", by, &mut stand_ins)).transpose()?,
        activity: columns.optional("row.activity", row.activity)?,
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
        links: g.links.map_or_else(|| Ok(Vec::new()), |l| links(l, &mut columns))?,
        changes: None,
        filter: Filter::default(),
        files: Vec::new(),
        is_of_a_part: false,
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
    let typed = |fields: &grammar::Fields| fields.0.iter().map(|(_, column)| column.clone()).collect();
    let (numbers, flags) = (typed(&t.numbers), typed(&t.flags));
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
        fields: columns.fields([t.fields.0, t.numbers.0, t.flags.0].concat())?,
        numbers: columns.list("ticket.numbers", numbers)?,
        flags: columns.list("ticket.flags", flags)?,
    })
}

/// The columns whose values a ticket keeps until a row changes them; those that a row has for itself alone are not
/// among them.
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
    let fields = t.fields.iter().map(|(slot, _)| *slot);
    let links = m.links.iter().map(|(_, slot)| *slot);
    let lists = t.category.iter().copied().chain(fields).chain(states).chain(links);
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

pub(super) fn vocabulary<T: Clone + std::fmt::Display>(
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

fn links(l: grammar::Links, columns: &mut Interner) -> Result<Vec<(Link, Slot)>, Fault> {
    let named = [
        (Link::FollowUpOf, "links.follow_up_of", l.follow_up_of),
        (Link::MergedInto, "links.merged_into", l.merged_into),
        (Link::Related, "links.related", l.related),
    ];
    let mut links = Vec::new();
    for (link, key, column) in named {
        links.extend(columns.optional(key, column)?.map(|slot| (link, slot)));
    }
    Ok(links)
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

pub(super) fn words<W: std::fmt::Display>(all: &[W]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

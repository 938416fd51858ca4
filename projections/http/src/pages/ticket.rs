//! One ticket: what it is now, and everything that ever happened to it.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse as _, Response};
use guichet_schemas::event::{Event, Meaning as _};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::view::readable;
use guichet_schemas::wire::{self, query, query_reply};
use guichet_schemas::words::{ActorKind, Channel, ScanVerdict, StepOutcome, TicketState};
use serde::Deserialize;

use super::clocks::Clock;
use super::failed;
use super::form;
use super::frame::{Frame, Here, question, unexpected};
use super::fresh::Fresh;
use super::knowledge::{self, Line};
use super::sentence;
use super::text::{Text, fill};
use super::{html, text_of};
use crate::refusal::Refusal;
use crate::shared::Shared;

/// Entries of a history on a page, if they are not large.
const PAGE: u32 = 50;
/// Bytes of the texts of a page as the browser gets them; the first entry always fits.
const PAGE_BYTES: usize = 512 * 1024;
/// Promises on a page.
const CLOCKS: usize = 100;

/// Which part of the history: what the address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Part {
    /// Events of a version below this one; the newest where it is not said.
    before: Option<u64>,
}

impl Part {
    fn address(&self) -> String {
        self.before.map(|version| format!("?before={version}")).unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "ticket.html")]
struct Page {
    f: Frame,
    which: String,
    address: String,
    content: String,
}

#[derive(Template)]
#[template(path = "tiles/ticket.html")]
struct Tile {
    t: &'static Text,
    number: String,
    subject: String,
    state: (&'static str, &'static str),
    priority: (&'static str, &'static str),
    /// The ticket that it went into: number and address.
    merged: Option<(String, String)>,
    facts: Vec<Fact>,
    description: String,
    attachments: Vec<Attachment>,
    /// Articles that may solve it.
    suggested: Vec<Line>,
    /// Where the articles are: the address of the desk.
    desk: String,
    /// Why there are none to show.
    no_suggestion: Option<&'static str>,
    clocks: Vec<Clock>,
    /// Says that there are more.
    more_clocks: Option<String>,
    entries: Vec<Entry>,
    pages: Pages,
    fresh: Fresh,
}

/// The way through a history of many pages: addresses, and what is shown.
#[derive(Default)]
struct Pages {
    here: String,
    shown: Option<String>,
    newest: bool,
    newer: Option<u64>,
    older: Option<u64>,
}

pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: String,
    /// Where the value is an instant.
    pub(super) at: Option<String>,
}

/// A file that is attached.
struct Attachment {
    sha256: String,
    /// Where it can be had; none: nobody gets it.
    href: Option<String>,
    media_type: String,
    size: String,
    standing: &'static str,
    at: (String, String),
}

impl Attachment {
    /// `None`: the ticket or the attachment is named in a way that this build does not know.
    fn new(f: &Frame, ticket: &wire::TicketView, view: &wire::AttachmentView) -> Option<Self> {
        let (t, tenant) = (f.t, &f.tenant);
        let (ticket, sha256) =
            (TicketId::from_wire(ticket.ticket_id.clone()).ok()?, Hash::from_slice(&view.sha256)?);
        let verdict = view.verdict.and_then(|verdict| ScanVerdict::from_wire(verdict).ok());
        let (standing, is_given) = match verdict {
            _ if view.redacted => (t.attachment_redacted, false),
            None => (t.attachment_unscanned, true),
            Some(ScanVerdict::Clean) => (t.attachment_clean, true),
            Some(ScanVerdict::Infected) => (t.attachment_infected, false),
            Some(ScanVerdict::Unscannable) => (t.attachment_unscannable, true),
        };
        let href = format!("/api/v1/{tenant}/tickets/{ticket}/attachments/{sha256}");
        Some(Self {
            href: is_given.then_some(href),
            sha256: sha256.to_string(),
            media_type: view.media_type.clone(),
            size: form::count(t, view.size),
            standing,
            at: (form::machine(view.added_at), form::minute(view.added_at)),
        })
    }
}

pub(super) struct Entry {
    pub(super) position: u64,
    pub(super) version: u64,
    pub(super) name: String,
    word: String,
    pub(super) sentence: String,
    /// The language of the sentence.
    pub(super) lang: &'static str,
    /// What somebody wrote.
    pub(super) said: Option<String>,
    pub(super) at: String,
    pub(super) at_text: String,
    /// Where it differs from when it occurred.
    pub(super) recorded: Option<(String, String)>,
    pub(super) actor: String,
    pub(super) caller: String,
    cause: String,
    data: String,
}

/// `GET …/tickets/{ticket}`.
pub(super) async fn page(
    State(shared): State<Shared>,
    Path((tenant, which)): Path<(String, String)>,
    Query(part): Query<Part>,
    headers: HeaderMap,
) -> Response {
    let f = match Frame::new(&shared, &tenant, &headers, Here::Ticket).await {
        Ok(frame) => frame,
        Err(failed) => return *failed,
    };
    match ticket(&shared, &f, &which, &part).await {
        Ok(tile) => {
            let address = format!("{}{}", form::in_address(&which), part.address());
            html(&Page { f, which: tile.number.clone(), address, content: text_of(&tile) })
        }
        Err(refusal) => failed::page(f.t, Some(&f.tenant), &refusal),
    }
}

/// `GET …/tiles/ticket/{ticket}`.
pub(super) async fn tile(
    State(shared): State<Shared>,
    Path((tenant, which)): Path<(String, String)>,
    Query(part): Query<Part>,
    headers: HeaderMap,
) -> Response {
    let f = match Frame::part(&tenant, &headers, Here::Ticket) {
        Ok(frame) => frame,
        Err(failed) => return *failed,
    };
    let shown = match ticket(&shared, &f, &which, &part).await {
        Ok(tile) => text_of(&tile),
        Err(refusal) => failed::tile(f.t, &refusal),
    };
    Html(shown).into_response()
}

async fn ticket(shared: &Shared, f: &Frame, which: &str, part: &Part) -> Result<Tile, Refusal> {
    let about = named(which);
    let wire::TicketQuery { ticket_id, number, external_id, external_source } = about.clone();
    let about = question(query::Data::Ticket(about));
    let part = wire::TimelineQuery {
        ticket_id,
        number,
        external_id,
        external_source,
        newest_first: true,
        before: part.before,
    };
    let (now, history) = tokio::try_join!(f.ask(shared, about), history(shared, f, part.clone()))?;
    let as_of_time = now.0.as_of_time;
    let Some(query_reply::Data::Ticket(view)) = now.0.data else { return Err(unexpected()) };
    // The last are those that run.
    let hidden = view.sla_clocks.len().saturating_sub(CLOCKS);
    let clocks = view.sla_clocks.iter().skip(hidden).map(|clock| Clock::new(f.t, clock, as_of_time));
    let clocks: Vec<_> = clocks.collect();
    let count = |n: usize| form::count(f.t, n as u64);
    let more_clocks =
        (hidden > 0).then(|| fill(f.t.promises_cut, &[&count(clocks.len()), &count(view.sla_clocks.len())]));
    let (suggested, no_suggestion) = suggested(shared, f, &view).await;
    let entries = fitting(history.iter().map(|entry| Entry::new(f.t, entry)));
    Ok(Tile {
        t: f.t,
        number: view.number.clone(),
        subject: readable(view.subject.as_ref()).to_owned(),
        state: form::state_of(f.t, view.state),
        priority: form::priority_of(f.t, view.priority),
        merged: view.merged_into.last().map(|end| {
            (end.number.clone(), format!("/desk/{}/tickets/{}", f.tenant, form::in_address(&end.number)))
        }),
        facts: facts(f.t, &view),
        description: readable(view.description.as_ref()).to_owned(),
        attachments: view.attachments.iter().filter_map(|one| Attachment::new(f, &view, one)).collect(),
        suggested,
        desk: format!("/desk/{}", f.tenant),
        no_suggestion,
        clocks,
        more_clocks,
        pages: Pages::new(f, &view, part.before, &entries),
        entries,
        fresh: Fresh::new(f.t, now.1),
    })
}

/// Articles for a ticket that is not done. The page is shown without them where their read model does not answer.
async fn suggested(shared: &Shared, f: &Frame, view: &wire::TicketView) -> (Vec<Line>, Option<&'static str>) {
    if TicketState::from_wire(view.state).is_ok_and(TicketState::is_done) {
        return (Vec::new(), None);
    }
    let number = Some(view.number.clone());
    let about = wire::SuggestedArticlesQuery { number, ..wire::SuggestedArticlesQuery::default() };
    match knowledge::suggested(shared, f, about).await {
        Ok(found) => (found, None),
        Err(_) => (Vec::new(), Some(f.t.unavailable)),
    }
}

/// By id or number; what is neither is an id that another system gave it.
fn named(which: &str) -> wire::TicketQuery {
    let (id, number) = (TicketId::parse(which), TicketNumber::parse(which));
    let external_id = (id.is_none() && number.is_none()).then(|| which.to_owned());
    wire::TicketQuery {
        ticket_id: id.map(TicketId::to_wire),
        number: number.map(|number| number.to_string()),
        external_id,
        external_source: None,
    }
}

/// A page of the history, the newest first: that is what one comes for.
async fn history(
    shared: &Shared,
    f: &Frame,
    about: wire::TimelineQuery,
) -> Result<Vec<wire::TimelineEntry>, Refusal> {
    let mut query = question(query::Data::Timeline(about));
    query.limit = Some(PAGE);
    let (reply, _) = f.ask(shared, query).await?;
    let Some(query_reply::Data::Timeline(page)) = reply.data else { return Err(unexpected()) };
    Ok(page.entries)
}

/// As many as a page holds.
fn fitting(entries: impl Iterator<Item = Entry>) -> Vec<Entry> {
    let mut bytes = 0;
    let mut fits = Vec::new();
    for entry in entries {
        bytes += entry.bytes();
        if bytes > PAGE_BYTES && !fits.is_empty() {
            break;
        }
        fits.push(entry);
    }
    fits
}

impl Pages {
    fn new(f: &Frame, view: &wire::TicketView, before: Option<u64>, entries: &[Entry]) -> Self {
        let newest = entries.first().map_or(0, |entry| entry.version);
        let oldest = entries.last().map_or(0, |entry| entry.version);
        let (is_first, is_last) = (newest >= view.version, oldest <= 1);
        if is_first && is_last {
            return Self::default();
        }
        let count = |n| form::count(f.t, n);
        // The page before begins as many versions above as this one shows, or is the first: about as many fit.
        let newer = before.map(|before| before.saturating_add(entries.len().max(1) as u64));
        Self {
            here: format!("/desk/{}/tickets/{}", f.tenant, form::in_address(&view.number)),
            shown: Some(fill(f.t.history_part, &[&count(oldest), &count(newest), &count(view.version)])),
            newest: before.is_some(),
            newer: newer.filter(|newer| *newer <= view.version),
            older: (oldest > 1).then_some(oldest),
        }
    }
}

fn channel_of(t: &Text, channel: Channel) -> &'static str {
    if t.lang == "fr" { sentence::words::channel(channel) } else { channel.as_str() }
}

pub(super) fn facts(t: &Text, view: &wire::TicketView) -> Vec<Fact> {
    let text = |name, value: Option<&str>| {
        let value = value.filter(|v| !v.is_empty()).unwrap_or(form::NOTHING).to_owned();
        Fact { name, value, at: None }
    };
    let mut facts = vec![
        text(t.group, view.group.as_deref()),
        text(t.assignee, view.assignee.as_deref()),
        text(t.requester, Some(&view.requester)),
        text(t.channel, Channel::from_wire(view.channel).ok().map(|channel| channel_of(t, channel))),
        text(t.category, view.category.as_deref()),
        text(t.tags, Some(&view.tags.join(", "))),
        text(t.tier, Some(&view.tier.to_string())),
        text(t.resolutions, Some(&view.resolve_count.to_string())),
        text(t.reopens, Some(&view.reopen_count.to_string())),
        Fact {
            name: t.created_at,
            value: form::minute(view.created_at),
            at: Some(form::machine(view.created_at)),
        },
    ];
    if view.external_ref.is_some() {
        facts.push(text(t.external_ref, Some(&form::external_ref(view))));
    }
    if let Some(held) = view.reopen_held_at {
        facts.push(Fact { name: t.reopen_held, value: form::minute(held), at: Some(form::machine(held)) });
    }
    if let Some(by) = view.claimed_by.as_deref() {
        let until = view.claimed_until.map_or_else(String::new, form::minute);
        facts.push(text(t.claim, Some(&format!("{by} → {until}"))));
    }
    if !view.restricted_to.is_empty() {
        facts.push(text(t.restriction, Some(&view.restricted_to.join(", "))));
    }
    if !view.participants.is_empty() {
        facts.push(text(t.participants, Some(&view.participants.join(", "))));
    }
    if !view.links.is_empty() {
        let numbers: Vec<&str> = view.links.iter().map(|link| link.number.as_str()).collect();
        facts.push(text(t.link, Some(&numbers.join(", "))));
    }
    for (name, tickets) in [(t.merged_into, &view.merged_into), (t.merged_from, &view.merged_from)] {
        if !tickets.is_empty() {
            let numbers: Vec<&str> = tickets.iter().map(|ticket| ticket.number.as_str()).collect();
            facts.push(text(name, Some(&numbers.join(", "))));
        }
    }
    let externals = view.externals.iter().map(|e| format!("{} {}", e.system, e.r#ref));
    let assets = view.assets.iter().map(|a| {
        let what = a.label.as_ref().or(a.kind.as_ref()).map_or(String::new(), |what| format!(" ({what})"));
        format!("{} {}{what}", a.system, a.asset)
    });
    let elsewhere = [(t.externals, externals.collect::<Vec<_>>()), (t.assets, assets.collect())];
    for (name, named) in elsewhere.into_iter().filter(|(_, named)| !named.is_empty()) {
        facts.push(text(name, Some(&named.join(", "))));
    }
    if let Some(workaround) = &view.workaround {
        facts.push(text(t.workaround, Some(readable(workaround.text.as_ref()))));
    }
    if let Some(incidents) = &view.incidents {
        let count = |n: u32| form::count(t, n.into());
        let all = [incidents.total, incidents.unresolved, incidents.resolved, incidents.over].map(count);
        let standing = fill(t.incidents_standing, &all.each_ref().map(String::as_str));
        facts.push(text(t.incidents, Some(&standing)));
    }
    if let Some(proposal) = &view.proposal {
        facts.push(text(
            t.proposal,
            Some(&format!("{}, {}", proposal.by, form::minute(proposal.proposed_at))),
        ));
    }
    if !view.drafts.is_empty() {
        let waiting =
            view.drafts.iter().map(|draft| format!("{}, {}", draft.author, form::minute(draft.drafted_at)));
        facts.push(text(t.drafts_waiting, Some(&waiting.collect::<Vec<_>>().join(" · "))));
    }
    if let Some(hand_off) = &view.hand_off {
        let told = format!("{}, {}: {}", hand_off.by, form::minute(hand_off.at), hand_off.reason);
        facts.push(text(t.handed_off, Some(&told)));
    }
    let open = view.side_conversations.iter().filter(|side| !side.closed);
    let open: Vec<String> = open.map(|side| format!("{} ({})", side.with, side.messages)).collect();
    if !open.is_empty() {
        facts.push(text(t.sides, Some(&open.join(" · "))));
    }
    let waiting = view.suggestions.iter().filter(|suggestion| !suggestion.accepted);
    let waiting: Vec<String> = waiting.map(|s| format!("{} ({} %)", s.value, s.score)).collect();
    if !waiting.is_empty() {
        facts.push(text(t.suggestions, Some(&waiting.join(" · "))));
    }
    if view.proposal.is_some() || view.awaiting_confirmation {
        facts.push(text(t.awaiting_confirmation, Some(t.awaited)));
    }
    for procedure in &view.procedures {
        let is_done = |step: &&wire::StepView| step.outcome == Some(StepOutcome::Done.to_wire());
        let done = procedure.steps.iter().filter(is_done).count();
        let said = format!("{}: {done}/{}", procedure.procedure, procedure.steps.len());
        facts.push(text(t.procedure, Some(&said)));
    }
    if let Some(age) = view.age_ms {
        facts.push(text(t.age, Some(&form::span(t, age))));
    }
    if let Some(due) = view.next_due_at.or(view.due_at) {
        facts.push(Fact { name: t.due, value: form::minute(due), at: Some(form::machine(due)) });
    }
    facts
}

impl Entry {
    /// About what it takes on a page: signs that HTML writes in words take up to six bytes.
    fn bytes(&self) -> usize {
        let weight = |byte: u8| if b"<>&'\"".contains(&byte) { 6 } else { 1 };
        let said = self.said.iter().flat_map(|said| said.bytes());
        self.sentence.bytes().chain(self.data.bytes()).chain(said).map(weight).sum()
    }

    pub(super) fn new(t: &Text, entry: &wire::TimelineEntry) -> Self {
        let actor = entry.actor.as_ref().map_or_else(String::new, |actor| {
            let kind = ActorKind::from_wire(actor.kind).map_or("", ActorKind::as_str);
            if kind == "agent" { actor.id.clone() } else { format!("{} ({kind})", actor.id) }
        });
        // The same JSON as over the API: whoever compares, finds the same.
        let json = serde_json::to_value(entry).unwrap_or_default();
        let cause = json["causation_id"].as_str().or(json["command_id"].as_str()).unwrap_or_default();
        let recorded = (entry.recorded_at != entry.occurred_at)
            .then(|| (form::machine(entry.recorded_at), form::minute(entry.recorded_at)));
        let (sentence, lang) = sentence::of(t, entry);
        Self {
            position: entry.position,
            version: entry.version,
            name: name(t, entry).to_owned(),
            word: entry.r#type.clone(),
            sentence,
            lang,
            said: sentence::said(t, entry),
            at: form::machine(entry.occurred_at),
            at_text: form::minute(entry.occurred_at),
            recorded,
            actor,
            caller: entry.caller.clone(),
            cause: cause.to_owned(),
            data: serde_json::to_string_pretty(&json["data"]).unwrap_or_default(),
        }
    }
}

/// The name of an entry: by its kind, else by the attribute that it changes first; its type where it is newer than this
/// page.
fn name<'t>(t: &Text, entry: &'t wire::TimelineEntry) -> &'t str {
    t.event(&entry.r#type).or_else(|| changed(t, entry)).unwrap_or(&entry.r#type)
}

fn changed(t: &Text, entry: &wire::TimelineEntry) -> Option<&'static str> {
    let data = entry.data.as_ref()?.data.clone()?;
    let Event::Ticket(event) = Event::from_wire(data).ok()? else { return None };
    let mut first = None;
    event.changes(|change| first = first.or(Some(change.attribute())));
    first.map(|attribute| t.attribute(attribute))
}

#[cfg(test)]
mod tests {
    use guichet_schemas::event::{TagsChanged, TicketClosed};
    use guichet_schemas::words::CloseReason;

    use super::*;
    use crate::pages::text::by_code;

    fn entry(event: Event) -> wire::TimelineEntry {
        let r#type = event.type_name().to_owned();
        let record = wire::Record { data: Some(event.to_wire()), ..wire::Record::default() };
        wire::TimelineEntry { r#type, data: Some(record), ..wire::TimelineEntry::default() }
    }

    #[test]
    fn an_event_without_a_name_is_called_by_what_it_changes() {
        let closed = entry(Event::from(TicketClosed { reason: CloseReason::Resolved, auto: false }));
        let tags = entry(Event::from(TagsChanged { added: vec!["vip".to_owned()], removed: Vec::new() }));
        let newer =
            wire::TimelineEntry { r#type: "TicketShredded".to_owned(), ..wire::TimelineEntry::default() };
        for (code, names) in [
            ("en", ["Closed", "Tags", "TicketShredded"]),
            ("fr", ["Clôture", "Étiquettes", "TicketShredded"]),
        ] {
            let t = by_code(code).unwrap();
            assert_eq!([&closed, &tags, &newer].map(|entry| name(t, entry)), names);
        }
    }
}

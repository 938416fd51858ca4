//! `guichet whatif`: the recorded history under other promises, another routing, or another staffing. The same fold,
//! another rulebook; nothing is written.

mod arrivals;
mod draft;
mod moved;
mod queueing;
mod weeks;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono_tz::Tz;
use clap::Args;
use guichet_config::body::Body;
use guichet_config::{Configuration, Draft, Fault, Kind as ConfigKind, Publication};
use guichet_rules::calendar::Calendar;
use guichet_schemas::event::{Event, SlaEvent};
use guichet_schemas::ids::TicketId;
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use serde::Serialize;

use self::arrivals::Arrivals;
use self::draft::{Routing, Staffing};
use self::moved::Routed;
use self::queueing::Staffed;
use self::weeks::Weeks;
use super::course::{Broken, Course, Promise, only_in};
use super::each_record;
use super::feasible::{self, Feasible, Taken};
use crate::config::{desk, file};
use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs};
use guichet_client::{ClientError, ConnectArgs};

/// Tickets that are named in a text; with `--json` all are.
const NAMED_MAX: usize = 20;

/// Which promises, and when.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet whatif --config draft.toml
  guichet whatif --config draft.toml --from 2026-01-01T00:00:00Z --to 2026-04-01T00:00:00Z --json
  guichet whatif --config draft.toml --kept-in 90     # which targets nine of ten promises would have kept
  guichet whatif --routing routing.toml               # which group each ticket would have gone to
  guichet whatif --routing routing.toml --staffing shifts.toml --zone Europe/Paris

A draft of the routing has rules in their order, each with a group and, as in a policy, what it matches:
  [[rules]]
  group = \"network\"
  match = { category = \"technical/network\" }

A draft of the staffing says how many tickets a group takes up in an hour; several of a group add up:
  [[capacity]]
  group = \"network\"
  per_hour = 4
  calendar = \"morning-shift\"")]
pub struct WhatifArgs {
    /// Policies, calendars and time rules as they would have been all along; what the file leaves out stays as it was
    #[arg(long, value_name = "FILE", required_unless_present_any = ["routing", "staffing"])]
    pub config: Option<PathBuf>,
    /// Rules that would have said which group a ticket goes to; the answer counts those that would have moved
    #[arg(long, value_name = "FILE")]
    pub routing: Option<PathBuf>,
    /// How many tickets each group would have taken up in an hour; the answer says how long they would have waited
    #[arg(long, value_name = "FILE")]
    pub staffing: Option<PathBuf>,
    /// Zone of the weeks by which routing and staffing are counted
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    pub zone: Tz,
    /// Count what was broken from this instant on (RFC 3339)
    #[arg(long, value_parser = instant, value_name = "TIME")]
    pub from: Option<Timestamp>,
    /// ... and before this one; default: the last record
    #[arg(long, value_parser = instant, value_name = "TIME")]
    pub to: Option<Timestamp>,
    /// Name the target that so many percent of the promises would have kept
    #[arg(long, value_name = "PERCENT", default_value_t = 95, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub kept_in: u32,
    /// Print JSON: every figure, and every ticket
    #[arg(long)]
    pub json: bool,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

fn instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "an instant such as 2026-03-10T09:00:00Z".to_owned())
}

fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| "a zone of the IANA database, such as Europe/Paris".to_owned())
}

/// Metric, priority and group.
type By = (String, Option<String>, Option<String>);

#[derive(Debug, Serialize)]
struct Answer {
    from: Option<String>,
    to: String,
    as_of_position: u64,
    /// By metric, and by the priority and the group that the ticket has at the end.
    rows: Vec<Line>,
    /// How long the promises under the draft took that began in the span, and which target would have been kept.
    feasible: Vec<Feasible>,
    kept_in_percent: u32,
    newly_broken: Vec<Named>,
    no_longer_broken: Vec<Named>,
    /// Broken under what was in force, and not recorded so; or recorded, and not found. None where all is well.
    differences_to_the_record: Vec<Named>,
    /// Which tickets would have gone elsewhere; absent: no routing was drafted.
    #[serde(skip_serializing_if = "Option::is_none")]
    routing: Option<Routed>,
    /// How work would have waited; absent: no staffing was drafted.
    #[serde(skip_serializing_if = "Option::is_none")]
    staffing: Option<Staffed>,
}

#[derive(Debug, Serialize)]
struct Line {
    metric: String,
    priority: Option<String>,
    group: Option<String>,
    before: u64,
    after: u64,
}

#[derive(Debug, Serialize)]
struct Named {
    ticket: String,
    metric: String,
    instance: u32,
    at: String,
}

/// Folds the history twice and compares.
///
/// # Errors
/// The file cannot be read or used, or nobody answers.
pub async fn run(args: WhatifArgs) -> Result<u8, ClientError> {
    let output = Output::new(&args.output);
    let refused = |path: &Path, fault: &Fault| {
        output.alarm(&format!("{}: {fault}", path.display()));
        Ok(exit::REFUSED)
    };
    let mut drafts = match args.config.as_deref().map(|path| (path, file::read(path))) {
        None => Vec::new(),
        Some((path, read)) => match read? {
            Ok(drafts) => drafts,
            Err(fault) => return refused(path, &fault),
        },
    };
    let mut routing = None;
    if let Some(path) = args.routing.as_deref() {
        match draft::read::<Routing>(path)?.and_then(|draft| draft.fault().map_or(Ok(draft), Err)) {
            Ok(read) => routing = Some(read),
            Err(fault) => return refused(path, &fault),
        }
    }
    // As if it had held all along.
    drafts.iter_mut().for_each(|draft| draft.effective_from = None);
    let client = args.connect.connect().await?;
    let mut configured = Configuration::new(client.tenant().as_str());
    let entries = desk::published(&client).await?;
    entries.iter().for_each(|entry| configured.evolve(&entry.event));
    let now = entries.iter().map(|entry| entry.recorded_at.max(entry.effective_from)).max();
    let configured = match guichet_config::drafts::published(configured, &drafts, now.unwrap_or_default()) {
        Ok(configured) => configured,
        Err((draft, fault)) => {
            output.alarm(&format!("{} {}: {fault}", draft.kind, draft.id));
            return Ok(exit::REFUSED);
        }
    };
    let calendars = calendars(&configured, &drafts);
    let mut staffing = None;
    if let Some(path) = args.staffing.as_deref() {
        let read = draft::read::<Staffing>(path)?;
        match read.and_then(|draft| draft.fault(&calendars).map_or(Ok(draft), Err)) {
            Ok(read) => staffing = Some(read),
            Err(fault) => return refused(path, &fault),
        }
    }
    let mut replay = Replay::new(&drafts, routing);
    let position = each_record(&client, &output, |record| replay.take(&record)).await?;
    let answer = replay.end(&args, position, staffing.map(|staffing| (staffing, calendars)));
    if args.json {
        output.json(&answer)?;
    } else {
        print(&output, &answer, args.config.is_some())?;
    }
    let honest = answer.differences_to_the_record.is_empty();
    Ok(if honest { exit::DONE } else { exit::REFUSED })
}

/// Calendars as they are published, and those of a draft as if they had held all along.
fn calendars(configured: &Configuration, drafts: &[Draft]) -> BTreeMap<String, Calendar> {
    let mut calendars = configured.calendars().clone();
    for draft in drafts.iter().filter(|draft| draft.kind == ConfigKind::Calendar) {
        let body = serde_json::from_str(&draft.body).ok();
        if let Some(Ok(Body::Calendar(definition))) = body.map(|body| Body::read(draft.kind, &body))
            && let Ok(hours) = definition.hours()
        {
            calendars.insert(draft.id.clone(), Calendar::new(hours));
        }
    }
    calendars
}

/// How long the promises of a course took that began within a span.
fn taken(course: &Course, span: (Option<Timestamp>, Timestamp), synthetic: &BTreeSet<TicketId>) -> Taken {
    let mut taken = Taken::default();
    #[expect(clippy::iter_over_hash_type, reason = "what is taken is sorted")]
    for (id, ticket) in &course.tickets {
        if synthetic.contains(id) {
            continue;
        }
        let of = |name: &str| ticket.attribute(name).first().cloned();
        for clock in ticket.clocks(span.1, &course.book) {
            taken.take(&clock, (of("priority"), of("group")), span);
        }
    }
    taken
}

struct Replay {
    before: Course,
    after: Course,
    drafted: BTreeSet<(ConfigKind, String)>,
    recorded: Broken,
    numbers: BTreeMap<TicketId, u64>,
    synthetic: BTreeSet<TicketId>,
    routing: Option<Routing>,
    arrivals: Arrivals,
    last: Timestamp,
}

impl Replay {
    fn new(drafts: &[Draft], routing: Option<Routing>) -> Self {
        let mut after = Course::default();
        let always = Timestamp(i64::MIN);
        for draft in drafts {
            let publication = Publication {
                kind: draft.kind,
                id: draft.id.clone(),
                version: 1,
                effective_from: always,
                apply: draft.apply,
                retired: false,
                body: Arc::clone(&draft.body),
            };
            after.book.take(always, &publication);
        }
        Self {
            before: Course::default(),
            after,
            drafted: drafts.iter().map(|draft| (draft.kind, draft.id.clone())).collect(),
            recorded: Broken::new(),
            numbers: BTreeMap::new(),
            synthetic: BTreeSet::new(),
            routing,
            arrivals: Arrivals::default(),
            last: Timestamp(0),
        }
    }

    fn take(&mut self, record: &Record) {
        self.last = self.last.max(record.recorded_at);
        if let Some(publication) = Publication::of(&record.event) {
            self.before.book.take(record.recorded_at, &publication);
            if !self.drafted.contains(&(publication.kind, publication.id.clone())) {
                self.after.book.take(record.recorded_at, &publication);
            }
        }
        let Some(id) = record.ticket_id() else { return };
        if let Some(e) = record.event.created() {
            self.numbers.insert(id, e.number);
            if e.synthetic {
                self.synthetic.insert(id);
            }
        }
        if let Event::Sla(SlaEvent::SlaBreached(e)) = &record.event {
            self.recorded.insert((id, e.metric.as_str(), e.instance), record.occurred_at);
        }
        self.before.take(id, record);
        self.after.take(id, record);
        self.arrivals.take(id, record, self.before.tickets.get(&id), self.routing.as_ref());
        if self.synthetic.contains(&id) {
            self.arrivals.forget(id);
        }
    }

    fn end(
        mut self,
        args: &WhatifArgs,
        position: u64,
        staffing: Option<(Staffing, BTreeMap<String, Calendar>)>,
    ) -> Answer {
        let (from, to) = (args.from, args.to.unwrap_or(self.last));
        let weeks = Weeks(args.zone);
        let routed = self.routing.as_ref().map(|_| Routed::of(self.arrivals.tickets((from, to)), weeks));
        let staffed = staffing.map(|(staffing, calendars)| {
            Staffed::of(&self.arrivals.work((from, to)), &staffing, &calendars, to, weeks)
        });
        self.before.end(to);
        self.after.end(to);
        let counts = |broken: &Broken| -> Broken {
            let within = |at: Timestamp| from.is_none_or(|from| at >= from) && at < to;
            let counts = |(key, at): (&Promise, &Timestamp)| {
                (within(*at) && !self.synthetic.contains(&key.0)).then_some((*key, *at))
            };
            broken.iter().filter_map(counts).collect()
        };
        let (before, after) = (counts(&self.before.broken), counts(&self.after.broken));
        let recorded = counts(&self.recorded);
        let mut rows: BTreeMap<By, (u64, u64)> = BTreeMap::new();
        for (broken, side, second) in [(&before, &self.before, false), (&after, &self.after, true)] {
            for (id, metric, _) in broken.keys() {
                let of = |name: &str| side.tickets.get(id)?.attribute(name).first().cloned();
                let row = rows.entry(((*metric).to_owned(), of("priority"), of("group"))).or_default();
                if second { row.1 += 1 } else { row.0 += 1 }
            }
        }
        let named = |key: &Promise, at: &Timestamp| Named {
            ticket: self
                .numbers
                .get(&key.0)
                .map_or_else(|| key.0.to_string(), |number| guichet_schemas::codec::number_text(*number)),
            metric: key.1.to_owned(),
            instance: key.2,
            at: at.to_string(),
        };
        let only_in = |these: &Broken, those: &Broken| -> Vec<Named> {
            only_in(these, those).iter().map(|(key, at)| named(key, at)).collect()
        };
        let other = |these: &Broken, those: &Broken| -> Vec<Named> {
            let differs = these.iter().filter(|(key, at)| those.get(*key) != Some(*at));
            differs.map(|(key, at)| named(key, at)).collect()
        };
        let mut differences = other(&before, &recorded);
        differences.extend(only_in(&recorded, &before));
        Answer {
            from: from.map(|from| from.to_string()),
            to: to.to_string(),
            as_of_position: position,
            rows: rows
                .into_iter()
                .map(|((metric, priority, group), (before, after))| Line {
                    metric,
                    priority,
                    group,
                    before,
                    after,
                })
                .collect(),
            feasible: taken(&self.after, (from, to), &self.synthetic).rows(args.kept_in),
            kept_in_percent: args.kept_in,
            newly_broken: only_in(&after, &before),
            no_longer_broken: only_in(&before, &after),
            differences_to_the_record: differences,
            routing: routed,
            staffing: staffed,
        }
    }
}

fn print(output: &Output, answer: &Answer, promises: bool) -> Result<(), ClientError> {
    if let Some(routed) = &answer.routing {
        output.table(&Routed::HEADER, routed.cells())?;
        output.line(&routed.sentence())?;
        moved::ASSUMED.iter().try_for_each(|assumed| output.line(&format!("assumed: {assumed}")))?;
    }
    if let Some(staffed) = &answer.staffing {
        output.table(&Staffed::HEADER, staffed.cells())?;
        staffed.sentence().map_or(Ok(()), |left_out| output.line(&left_out))?;
        queueing::ASSUMED.iter().try_for_each(|assumed| output.line(&format!("assumed: {assumed}")))?;
    }
    if !promises && answer.differences_to_the_record.is_empty() {
        return Ok(());
    }
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let rows = answer.rows.iter().map(|row| {
        vec![
            row.metric.clone(),
            or_dash(&row.priority),
            or_dash(&row.group),
            row.before.to_string(),
            row.after.to_string(),
        ]
    });
    output.table(&["METRIC", "PRIORITY", "GROUP", "BROKEN", "UNDER THE DRAFT"], rows.collect())?;
    let named = format!("KEPT IN {} %, SECONDS", answer.kept_in_percent);
    let header: Vec<&str> = feasible::HEADER.into_iter().chain([named.as_str()]).collect();
    output.table(&header, answer.feasible.iter().map(Feasible::cells).collect())?;
    let sum = |of: fn(&Line) -> u64| answer.rows.iter().map(of).sum::<u64>();
    output.line(&format!(
        "{} promises were broken, {} would have been; as of position {}",
        sum(|row| row.before),
        sum(|row| row.after),
        answer.as_of_position
    ))?;
    for (what, list) in [
        ("would have been broken too", &answer.newly_broken),
        ("would have been kept", &answer.no_longer_broken),
        (
            "is otherwise in the log: its worker has not caught up, or something is wrong",
            &answer.differences_to_the_record,
        ),
    ] {
        for one in list.iter().take(NAMED_MAX) {
            output.line(&format!("{} {} {} {what} ({})", one.ticket, one.metric, one.instance, one.at))?;
        }
        if list.len() > NAMED_MAX {
            output.line(&format!("... and {} more; --json names all", list.len() - NAMED_MAX))?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "whatif_tests.rs"]
mod tests;

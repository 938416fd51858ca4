//! `guichet explain-sla`: how each due instant of a ticket came about.

use chrono_tz::Tz;
use clap::Args;
use guichet_config::Publication;
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;
use guichet_schemas::wire::query_reply::Data;
use guichet_sla::{ClockView, Fact, Kind, Rulebook, Standing, Ticket, TimerName, order};
use serde_json::{Value, json};

use crate::config::desk;
use crate::query::whole;
use crate::send::refusal_text;
use crate::show;
use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs};
use guichet_client::which::TicketArgs;
use guichet_client::{Client, ClientError, ConnectArgs};

/// Records asked for at a time.
const PAGE: u32 = 1000;

/// The ticket whose clocks to explain.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet explain-sla T-42 --tz Europe/Paris
  guichet explain-sla --external-ref INC0000045
  guichet explain-sla T-42 --json | jq '.facts[]'")]
pub struct ExplainArgs {
    /// Which ticket.
    #[command(flatten)]
    pub ticket: TicketArgs,
    /// Show times in this zone
    #[arg(long, default_value = "UTC", value_parser = zone, value_name = "IANA ZONE")]
    pub tz: Tz,
    /// Print clocks and facts as JSON, the facts in the form of `sla-golden/v1`
    #[arg(long)]
    pub json: bool,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| "a zone of the IANA database, such as Europe/Paris".to_owned())
}

/// Prints every clock of a ticket with everything that moved it.
///
/// # Errors
/// Nobody answers. No such ticket is exit code 1.
pub async fn run(args: ExplainArgs) -> Result<u8, ClientError> {
    let output = Output::new(&args.output);
    let client = args.connect.connect().await?;
    let query =
        wire::Query { data: Some(wire::query::Data::Ticket(args.ticket.query())), ..wire::Query::default() };
    let reply = whole(&client, "ticket", query).await?;
    let now = Timestamp(reply.as_of_time);
    let ticket = match reply.data {
        Some(Data::Ticket(ticket)) => ticket,
        Some(Data::Error(error)) => {
            output.alarm(&refusal_text(&error));
            return Ok(exit::REFUSED);
        }
        _ => return Err(client.strange("the answer to query ticket".to_owned(), &"it holds no ticket")),
    };
    let records = records(&client, &ticket, reply.as_of_position).await?;
    let published = desk::published(&client).await?;
    let (folded, book, mut facts) = fold(&records, &published, now);
    order(&mut facts);
    let clocks = folded.map_or_else(Vec::new, |folded| folded.clocks(now, &book));
    if args.json {
        let facts: Vec<Value> = facts.iter().map(guichet_golden::fact).collect();
        let clocks: Vec<Value> = clocks.iter().map(shown).collect();
        output.json(&json!({
            "number": ticket.number, "as_of_time": now.to_string(), "as_of_position": reply.as_of_position,
            "clocks": clocks, "facts": facts,
        }))?;
        return Ok(exit::DONE);
    }
    print(&output, &args, &ticket.number, &clocks, &facts, now)?;
    Ok(exit::DONE)
}

async fn records(client: &Client, ticket: &wire::TicketView, until: u64) -> Result<Vec<Record>, ClientError> {
    let events = wire::EventsQuery {
        ticket_id: Some(ticket.ticket_id.clone()),
        to: Some(until),
        ..wire::EventsQuery::default()
    };
    let query = wire::Query {
        limit: Some(PAGE),
        data: Some(wire::query::Data::Events(events)),
        ..wire::Query::default()
    };
    let reply = whole(client, "events", query).await?;
    let Some(Data::Events(view)) = reply.data else {
        return Err(client.strange("the answer to query events".to_owned(), &"it holds no records"));
    };
    let records = view.events.into_iter().filter_map(|event| event.record).map(Record::from_wire);
    records.collect::<Result<_, _>>().map_err(|e| client.strange("a record".to_owned(), &e))
}

/// The ticket after its records and everything that was published between them, up to now.
fn fold(
    records: &[Record],
    published: &[desk::Entry],
    now: Timestamp,
) -> (Option<Ticket>, Rulebook, Vec<Fact>) {
    let (mut book, mut ticket, mut facts) = (Rulebook::of_desk(), None, Vec::new());
    let mut publications = published.iter().peekable();
    let mut publish = |book: &mut Rulebook, before: u64| {
        while let Some(entry) = publications.next_if(|entry| entry.position < before) {
            if let Some(publication) = Publication::of(&entry.event) {
                book.take(entry.recorded_at, &publication);
            }
        }
    };
    for record in records {
        publish(&mut book, record.position.get());
        ticket = Some(Ticket::fold(ticket.take(), record, &book, &mut facts));
    }
    publish(&mut book, u64::MAX);
    if let Some(ticket) = &mut ticket {
        ticket.advance(now, &book, &mut facts);
    }
    (ticket, book, facts)
}

fn shown(clock: &ClockView) -> Value {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let runs: Vec<Value> = (clock.runs.iter())
        .map(|run| json!({"from": run.from.to_string(), "to": time(run.to), "counted_s": run.counted_s}))
        .collect();
    json!({
        "metric": clock.metric.as_str(), "instance": clock.instance, "state": word(clock),
        "policy": clock.policy, "policy_version": clock.policy_version, "revision": clock.revision,
        "target_s": clock.target_s, "hours": clock.hours.as_str(), "calendar": clock.calendar,
        "started_at": clock.started_at.to_string(), "due_at": time(clock.due_at),
        "consumed_s": clock.consumed_s, "breached_at": time(clock.breached_at), "voided": clock.voided,
        "ended_at": time(clock.ended_at), "warned_pct": clock.warned_pct, "runs": runs,
    })
}

const fn word(clock: &ClockView) -> &'static str {
    match clock.standing {
        Standing::Running => "running",
        Standing::Paused => "paused",
        Standing::Met => "met",
        Standing::Breached => "breached",
        Standing::Voided => "voided",
        Standing::Cancelled => "cancelled",
    }
}

fn print(
    output: &Output,
    args: &ExplainArgs,
    number: &str,
    clocks: &[ClockView],
    facts: &[Fact],
    now: Timestamp,
) -> Result<(), ClientError> {
    let at = |at: Timestamp| show::second(at, args.tz);
    let span = |seconds: i64| show::span(u64::try_from(seconds).unwrap_or(0) * 1000);
    if clocks.is_empty() {
        output.line(&format!("{number} has no clock: no policy promises anything for it"))?;
    }
    for clock in clocks {
        let hours = clock.calendar.as_ref().map_or_else(
            || format!("of {} hours", clock.hours.as_str()),
            |calendar| format!("of {} hours, calendar {calendar}", clock.hours.as_str()),
        );
        output.line(&format!(
            "{} {}: {}",
            clock.metric.as_str(),
            clock.instance,
            headline(clock, now, &at, &span)
        ))?;
        output.line(&format!(
            "  promised by policy {} version {}: {} {hours}",
            clock.policy,
            clock.policy_version,
            span(i64::from(clock.target_s))
        ))?;
        for fact in facts.iter().filter(|fact| of(fact, clock)) {
            output.line(&format!("  {}  {}", at(fact.at), sentence(&fact.kind, &at, &span)))?;
        }
        for run in &clock.runs {
            let to = run.to.map_or_else(|| "now".to_owned(), at);
            output.line(&format!("  counted  {} to {to}: {}", at(run.from), span(run.counted_s)))?;
        }
    }
    for fact in facts.iter().filter(|fact| matches!(fact.of, TimerName::Rule(_))) {
        output.line(&format!(
            "{} {}  {}  {}",
            fact.of,
            fact.instance,
            at(fact.at),
            sentence(&fact.kind, &at, &span)
        ))?;
    }
    Ok(())
}

fn of(fact: &Fact, clock: &ClockView) -> bool {
    fact.of == TimerName::Clock(clock.metric) && fact.instance == clock.instance
}

fn headline(
    clock: &ClockView,
    now: Timestamp,
    at: &impl Fn(Timestamp) -> String,
    span: &impl Fn(i64) -> String,
) -> String {
    let used = span(clock.consumed_s);
    match (clock.standing, clock.due_at) {
        (Standing::Running, Some(due)) if due < now => format!("late, was due {}; {used} used", at(due)),
        (Standing::Running, Some(due)) => format!("due {}; {used} used", at(due)),
        (Standing::Running, None) => format!("runs, and is never due; {used} used"),
        (Standing::Paused, _) => format!("stands still; {used} used"),
        (Standing::Met | Standing::Breached | Standing::Voided | Standing::Cancelled, _) => {
            format!("{}; {used} used", word(clock))
        }
    }
}

fn sentence(kind: &Kind, at: &impl Fn(Timestamp) -> String, span: &impl Fn(i64) -> String) -> String {
    let due = |due: &Option<Timestamp>| {
        due.map_or_else(|| "no due instant".to_owned(), |due| format!("due {}", at(due)))
    };
    match kind {
        Kind::Started { due_at, .. } => format!("started, {}", due(due_at)),
        Kind::Paused { consumed_s } => format!("stands still, {} used", span(*consumed_s)),
        Kind::Resumed { consumed_s, due_at, after_reopen } => format!(
            "goes on{}, {} used, {}",
            if *after_reopen { " after the reopen" } else { "" },
            span(*consumed_s),
            due(due_at)
        ),
        Kind::TargetChanged { policy, policy_version, target_s, mode, due_at, .. } => format!(
            "has another target: {} by policy {policy} version {policy_version}, {}; {}",
            span(i64::from(*target_s)),
            mode.as_str(),
            due(due_at)
        ),
        Kind::Rescheduled { due_before, due_at, cause } => {
            format!("moved by {cause} from {} to {}", due(due_before), due(due_at))
        }
        Kind::Warned { pct, immediate, .. } => {
            format!("{pct} % used{}", if *immediate { ", at once" } else { "" })
        }
        Kind::Breached { consumed_s, immediate, .. } => {
            format!("broken{}, {} used", if *immediate { " at once" } else { "" }, span(*consumed_s))
        }
        Kind::Voided { by, reason } => format!("does not count, says {by}: {reason}"),
        Kind::Fulfilled { reason, consumed_s, outcome } => {
            format!("ended by {reason}, {}, {} used", outcome.as_str(), span(*consumed_s))
        }
        Kind::Cancelled { reason, consumed_s } if reason == "no_policy" => {
            format!("is promised by no policy any more, {} used", span(*consumed_s))
        }
        Kind::Cancelled { reason, .. } if reason == "not_imported" => {
            "was due before the import, which tells of no reply: neither kept nor broken".to_owned()
        }
        Kind::Cancelled { reason, .. } => format!("came to nothing: {reason}"),
        Kind::Armed { due_at } => format!("armed, {}", due(due_at)),
        Kind::Disarmed { reason } => format!("disarmed: {reason}"),
        Kind::Fired { rule, skipped: 0 } => format!("{rule} fired"),
        Kind::Fired { rule, skipped } => {
            format!("{rule} fired; for {skipped} further times in the past, too")
        }
    }
}

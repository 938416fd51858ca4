//! `guichet query`: asks a read model, and prints the answer for a person: a ticket as a card, rows that are alike as a
//! table, everything else and what a program asks for (`--json`) as JSON.

use clap::Args;
use guichet_schemas::ids::TicketId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::verb::QUERIES;
use guichet_schemas::view::readable;
use guichet_schemas::wire::query::Data as Asked;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::words::Priority;
use guichet_schemas::{any_report, each_report, json, wire};

use crate::body::BodyArgs;
use crate::rows::First;
use crate::send::refusal_text;
use crate::{card, rows, show};
use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs};
use guichet_client::which::{ExternalRefArgs, Which};
use guichet_client::{Client, ClientError, ConnectArgs};

/// Characters of a subject in a table.
const SUBJECT_MAX: usize = 60;

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet query tickets --set status=open --set group=network
  guichet query ticket T-42
  guichet query ticket --external-ref INC0000045
  guichet query events --set type=TicketEscalated --set limit=1000 --all --json
  guichet query queues
  guichet query report_backlog --set zone=Europe/Paris --set group_by=channel
  guichet query report_figure --set figure=quick-reopenings --set group_by=group
  guichet query report_reopen_rate --set from=2026-01-01 --set as_of=2026-03-01T00:00:00Z
  guichet query projections

Filters stand in the contract; besides those of the query itself every query takes
min_position, wait_ms, as_of, as_of_position, limit and cursor.")]
pub struct QueryArgs {
    /// Which query
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(QUERIES), value_name = "NAME")]
    pub name: String,
    /// Which ticket, for ticket, timeline and events
    #[arg(value_name = "TICKET", conflicts_with = "external_ref")]
    pub ticket: Option<Which>,
    /// The same by its id in another system.
    #[command(flatten)]
    pub external: ExternalRefArgs,
    /// The filters.
    #[command(flatten)]
    pub body: BodyArgs,
    /// Follow the cursors to the last page
    #[arg(long)]
    pub all: bool,
    /// Print the answer as JSON, tables and the card of a ticket too
    #[arg(long)]
    pub json: bool,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Asks, and prints the answer.
///
/// # Errors
/// The words make no question, or nobody answers. A refusal is exit code 1.
pub async fn run(args: QueryArgs) -> Result<u8, ClientError> {
    let output = Output::new(&args.output);
    let (query, first) = args.query()?;
    let client = args.connect.connect().await?;
    let query = args.about(&client, query).await?;
    let reply = if args.all {
        whole(&client, &args.name, query).await?
    } else {
        client.query(&args.name, query).await?
    };
    if let (Some(Data::Error(error)), false) = (&reply.data, args.json) {
        output.alarm(&refusal_text(error));
        return Ok(exit::REFUSED);
    }
    match &reply.data {
        Some(data) if !args.json && figures(&output, data, first)? => {
            if !reply.attainment.is_empty() {
                rows::table(&output, &reply.attainment, "")?;
            }
            output.note(&format!("as of position {}", reply.as_of_position));
        }
        Some(Data::Ticket(view)) if !args.json => {
            let now = Timestamp(reply.as_of_time);
            output.line(&card::card(view, reply.as_of_position, now, output.look()))?;
        }
        Some(Data::Tickets(view)) if !args.json => tickets(&output, view)?,
        Some(Data::Projections(view)) if !args.json => projections(&output, view)?,
        Some(_) | None => output.json(&reply)?,
    }
    if let (Some(cursor), false) = (&reply.next_cursor, args.json) {
        output.note(&format!("there is more: --set cursor={cursor} goes on, --all fetches it"));
    }
    Ok(if matches!(reply.data, Some(Data::Error(_))) { exit::REFUSED } else { exit::DONE })
}

/// Asks page after page, and gives one answer. The pages of a history are all of the position of the first, so
/// that what happens meanwhile neither doubles nor hides an entry.
///
/// # Errors
/// Nobody answers, or a page is refused.
pub async fn whole(
    client: &Client,
    name: &str,
    mut query: wire::Query,
) -> Result<wire::QueryReply, ClientError> {
    let mut answer = client.query(name, query.clone()).await?;
    let mut cursor = answer.next_cursor.take();
    if matches!(answer.data, Some(Data::Timeline(_) | Data::Events(_))) {
        query.as_of_position = Some(answer.as_of_position);
    }
    while let Some(next) = cursor {
        query.cursor = Some(next);
        let mut page = client.ask(name, query.clone()).await?;
        cursor = page.next_cursor.take();
        append(&mut answer, page);
    }
    Ok(answer)
}

fn append(answer: &mut wire::QueryReply, mut page: wire::QueryReply) {
    answer.attainment.append(&mut page.attainment);
    match (&mut answer.data, page.data) {
        (Some(Data::Timeline(all)), Some(Data::Timeline(more))) => all.entries.extend(more.entries),
        (Some(Data::Tickets(all)), Some(Data::Tickets(more))) => all.tickets.extend(more.tickets),
        (Some(Data::Events(all)), Some(Data::Events(more))) => all.events.extend(more.events),
        (Some(Data::Queues(all)), Some(Data::Queues(more))) => all.queues.extend(more.queues),
        (Some(Data::Queue(all)), Some(Data::Queue(more))) => all.tickets.extend(more.tickets),
        (Some(Data::Figures(all)), Some(Data::Figures(more))) => all.figures.extend(more.figures),
        (Some(Data::SlaClocks(all)), Some(Data::SlaClocks(more))) => all.clocks.extend(more.clocks),
        (Some(Data::SlaBreaches(all)), Some(Data::SlaBreaches(more))) => all.breaches.extend(more.breaches),
        (Some(Data::Articles(all)), Some(Data::Articles(more))) => all.articles.extend(more.articles),
        (Some(Data::SuggestedArticles(all)), Some(Data::SuggestedArticles(more))) => {
            all.articles.extend(more.articles);
        }
        (Some(Data::KnowledgeGaps(all)), Some(Data::KnowledgeGaps(more))) => all.gaps.extend(more.gaps),
        (Some(all), Some(more)) => append_rows(all, more),
        (_, _) => {}
    }
}

macro_rules! reports {
    ($($of:ident { $($name:literal => $report:ident: $answer:ident $about:tt)* })*) => {
        fn append_rows(all: &mut Data, more: Data) {
            match (all, more) {
                $($((Data::$report(all), Data::$report(more)) => all.rows.extend(more.rows),)*)*
                // The others have one page.
                (_, _) => {}
            }
        }

        /// Prints the rows of a report, and nothing of another answer.
        fn report(output: &Output, data: &Data, first: First) -> Result<(), ClientError> {
            match data {
                $($(Data::$report(report) => {
                    rows::periods(output, &report.rows, "no row: nothing of that is in the span", first)
                })*)*
                _ => Ok(()),
            }
        }
    };
}
each_report!([reports]);

impl QueryArgs {
    /// The question, and with which period its table begins.
    fn query(&self) -> Result<(wire::Query, First), ClientError> {
        let read = |body: &str| json::query::read(&self.name, body.as_bytes());
        let body = self.body.json(|body| read(body).is_ok())?;
        let query = read(&body)
            .map_err(|e| ClientError::Usage(format!("the query {} does not take this: {e}", self.name)))?;
        let asked =
            serde_json::from_str::<serde_json::Value>(&body).is_ok_and(|body| body["from"].is_string());
        Ok((query, if asked { First::AsAsked } else { First::WithFigures }))
    }

    async fn about(&self, client: &Client, mut query: wire::Query) -> Result<wire::Query, ClientError> {
        let by_external_ref = self.external.query();
        if let (Some(Asked::Tickets(q)), Some(about)) = (&mut query.data, &by_external_ref) {
            (q.external_id, q.external_source) = (about.external_id.clone(), about.external_source.clone());
            return Ok(query);
        }
        let Some(about) = by_external_ref.or_else(|| self.ticket.map(Which::query)) else { return Ok(query) };
        match &mut query.data {
            Some(Asked::Ticket(q)) => *q = about,
            Some(Asked::Timeline(q)) => {
                (q.ticket_id, q.number) = (about.ticket_id, about.number);
                (q.external_id, q.external_source) = (about.external_id, about.external_source);
            }
            Some(Asked::SuggestedArticles(q)) if about.external_id.is_none() => {
                (q.ticket_id, q.number) = (about.ticket_id, about.number);
            }
            Some(Asked::SuggestedArticles(q)) => {
                q.ticket_id = Some(client.find_by(about).await?.to_wire());
            }
            Some(Asked::SlaClocks(q)) if about.external_id.is_none() => {
                (q.ticket_id, q.number) = (about.ticket_id, about.number);
            }
            Some(Asked::SlaClocks(q)) => q.ticket_id = Some(client.find_by(about).await?.to_wire()),
            Some(Asked::Events(q)) => q.ticket_id = Some(self.id(client, about).await?.to_wire()),
            Some(_) | None => {
                return Err(ClientError::Usage(format!("the query {} is not about one ticket", self.name)));
            }
        }
        Ok(query)
    }

    /// An id that was given need not be there.
    async fn id(&self, client: &Client, about: wire::TicketQuery) -> Result<TicketId, ClientError> {
        match self.ticket {
            Some(which) => client.find(which).await,
            None => client.find_by(about).await,
        }
    }
}

/// Prints what is a list of alike rows of figures; else says that it is none.
fn figures(output: &Output, data: &Data, first: First) -> Result<bool, ClientError> {
    match data {
        Data::Queues(view) => rows::table(output, &view.queues, "no ticket waits")?,
        Data::Queue(view) => rows::table(output, &view.tickets, "no ticket waits here")?,
        any_report!(Data, _) => report(output, data, first)?,
        Data::SlaClocks(view) => rows::table(output, &view.clocks, "no clock")?,
        Data::SlaBreaches(view) => rows::table(output, &view.breaches, "no promise was broken")?,
        Data::Articles(view) => rows::table(output, &view.articles, "no article matches")?,
        Data::SuggestedArticles(view) => rows::table(output, &view.articles, "no article fits this ticket")?,
        Data::KnowledgeGaps(view) => rows::table(output, &view.gaps, "every resolved ticket has an article")?,
        Data::Article(_)
        | Data::Ticket(_)
        | Data::Timeline(_)
        | Data::Tickets(_)
        | Data::Events(_)
        | Data::Projections(_)
        | Data::Figures(_)
        | Data::Error(_) => return Ok(false),
    }
    Ok(true)
}

fn tickets(output: &Output, view: &wire::TicketsView) -> Result<(), ClientError> {
    if view.tickets.is_empty() {
        output.note("no ticket matches");
        return Ok(());
    }
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let rows = view.tickets.iter().map(|t| {
        vec![
            t.number.clone(),
            show::state(t),
            show::word::<Priority>(t.priority),
            or_dash(&t.group),
            or_dash(&t.assignee),
            show::minute(Timestamp(t.created_at)),
            show::minute(Timestamp(t.updated_at)),
            show::shortened(readable(t.subject.as_ref()), SUBJECT_MAX),
        ]
    });
    output.table(
        &["NUMBER", "STATE", "PRIORITY", "GROUP", "ASSIGNEE", "CREATED (UTC)", "UPDATED (UTC)", "SUBJECT"],
        rows.collect(),
    )?;
    Ok(())
}

fn projections(output: &Output, view: &wire::ProjectionsView) -> Result<(), ClientError> {
    let rows = view.projections.iter().map(|p| {
        vec![
            p.name.clone(),
            p.version.to_string(),
            projection_state(p.state),
            p.checkpoint.to_string(),
            p.lag.to_string(),
            p.generation.to_string(),
            p.quarantined.len().to_string(),
            p.reason.clone().unwrap_or_default(),
        ]
    });
    output.table(
        &["NAME", "VERSION", "STATE", "CHECKPOINT", "LAG", "GENERATION", "QUARANTINED", "REASON"],
        rows.collect(),
    )?;
    Ok(())
}

fn projection_state(state: i32) -> String {
    let name = wire::ProjectionState::try_from(state).map_or("unknown", |s| s.as_str_name());
    name.trim_start_matches("PROJECTION_STATE_").to_lowercase()
}

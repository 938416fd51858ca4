//! `guichet timeline`: the complete history of a ticket, for a person: who it is about and where it stands, then
//! day by day what happened, who did it and what was said, and at the end where the time went.

mod body;
mod header;
mod spans;

use std::path::PathBuf;

use chrono_tz::Tz;
use clap::Args;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;
use guichet_schemas::wire::query::Data as Question;
use guichet_schemas::wire::query_reply::Data;

use crate::query::whole;
use crate::send::refusal_text;
use guichet_client::exit;
use guichet_client::output::{Look, Output, OutputArgs};
use guichet_client::which::TicketArgs;
use guichet_client::{Client, ClientError, ConnectArgs};

/// Entries asked for at a time.
const PAGE: u32 = 1000;

/// The ticket, and the instant to look back to.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet timeline T-42
  guichet timeline T-42 --as-of 2026-11-02T10:00:00Z --tz Europe/Paris
  guichet timeline --external-ref INC0000045 --source servicenow
  guichet timeline T-42 --json | jq '.data[] | .sentence'
  guichet timeline T-42 --html T-42.html --lang fr    # one file to hand over: changes, promises, causes, proof")]
pub struct TimelineArgs {
    /// Which ticket.
    #[command(flatten)]
    pub ticket: TicketArgs,
    /// Only what happened before this instant (RFC 3339)
    #[arg(long, value_parser = instant, value_name = "TIME")]
    pub as_of: Option<Timestamp>,
    /// Only what the desk knew at this position of the log
    #[arg(long, value_name = "N")]
    pub as_of_position: Option<u64>,
    /// Wait until the read model has folded this position, such as that of a reply to `send`
    #[arg(long, value_name = "N")]
    pub min_position: Option<u64>,
    /// Show times in this zone
    #[arg(long, default_value = "UTC", value_parser = zone, value_name = "IANA ZONE")]
    pub tz: Tz,
    /// Print the entries as JSON
    #[arg(long)]
    pub json: bool,
    /// Write one page to hand over, with what each event changed, the promises, what caused what, and what proves it
    #[arg(long, value_name = "FILE.html", conflicts_with_all = ["json", "tz"])]
    pub html: Option<PathBuf>,
    /// Language of the page
    #[arg(long, value_name = "CODE", default_value = "en", value_parser = ["en", "fr"], requires = "html")]
    pub lang: String,
    /// For a page, public key of the log, a file or the text itself [default: log.vkey in the data folder]
    #[arg(long, value_name = "FILE|KEY", requires = "html")]
    pub key: Option<String>,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Prints a history.
///
/// # Errors
/// Nobody answers. No such ticket is exit code 1.
pub async fn run(args: TimelineArgs) -> Result<u8, ClientError> {
    let output = Output::new(&args.output);
    let client = args.connect.connect().await?;
    if args.json {
        let reply = args.ask(&client).await?;
        output.json(&reply)?;
        return Ok(if matches!(reply.data, Some(Data::Error(_))) { exit::REFUSED } else { exit::DONE });
    }
    match args.told(&client).await? {
        Ok(told) => {
            let story = Story {
                ticket: &told.ticket,
                entries: &told.entries,
                position: told.position,
                now: told.now,
                as_of: args.as_of,
            };
            output.line(&render(&story, args.tz, output.look()))?;
            Ok(exit::DONE)
        }
        Err(refused) => {
            output.alarm(&refused);
            Ok(exit::REFUSED)
        }
    }
}

/// A ticket and its history, as the read models tell them.
#[derive(Debug)]
pub struct Told {
    pub ticket: wire::TicketView,
    /// Its history, oldest first.
    pub entries: Vec<wire::TimelineEntry>,
    /// Position for which both hold.
    pub position: u64,
    /// Instant for which both hold.
    pub now: Timestamp,
}

impl TimelineArgs {
    async fn ask(&self, client: &Client) -> Result<wire::QueryReply, ClientError> {
        whole(client, "timeline", self.query(Question::Timeline(self.ticket.timeline()))).await
    }

    /// Asks for the history and the ticket. The inner error is what the desk refused with.
    ///
    /// # Errors
    /// Nobody answers.
    pub async fn told(&self, client: &Client) -> Result<Result<Told, String>, ClientError> {
        let reply = self.ask(client).await?;
        let entries = match reply.data {
            Some(Data::Timeline(view)) => view.entries,
            Some(Data::Error(error)) => return Ok(Err(refusal_text(&error))),
            Some(_) | None => {
                return Err(
                    client.strange("the answer to query timeline".to_owned(), &"it holds no timeline")
                );
            }
        };
        let (position, now) = (reply.as_of_position, Timestamp(reply.as_of_time));
        let ticket = self.ticket(client, position).await?;
        Ok(Ok(Told { ticket, entries, position, now }))
    }

    fn query(&self, data: Question) -> wire::Query {
        wire::Query {
            as_of: self.as_of.map(|t| t.0),
            as_of_position: self.as_of_position,
            min_position: self.min_position,
            wait_ms: self
                .min_position
                .and_then(|_| u64::try_from(self.connect.timeout.as_millis()).ok())
                .map(|ms| ms.min(30_000)),
            limit: Some(PAGE),
            data: Some(data),
            ..wire::Query::default()
        }
    }

    /// The ticket as of the same position as its history: the two must tell the same story.
    async fn ticket(&self, client: &Client, position: u64) -> Result<wire::TicketView, ClientError> {
        let query = self.query(Question::Ticket(self.ticket.query()));
        let query = wire::Query { as_of_position: Some(position), limit: None, ..query };
        match client.ask("ticket", query).await?.data {
            Some(Data::Ticket(view)) => Ok(view),
            Some(_) | None => {
                Err(client.strange("the answer to query ticket".to_owned(), &"it holds no ticket"))
            }
        }
    }
}

/// Everything that a history is written from.
#[derive(Debug)]
pub struct Story<'a> {
    pub ticket: &'a wire::TicketView,
    /// Its history, oldest first.
    pub entries: &'a [wire::TimelineEntry],
    /// Position for which both hold.
    pub position: u64,
    /// Instant for which both hold.
    pub now: Timestamp,
    /// The instant that was asked for.
    pub as_of: Option<Timestamp>,
}

/// Writes a history.
#[must_use]
pub fn render(story: &Story<'_>, zone: Tz, look: Look) -> String {
    let mut out = header::write(story, zone, look);
    body::write(&mut out, story.entries, zone, look);
    spans::write(&mut out, story, look);
    out
}

pub(crate) fn head(story: &Story<'_>, zone: Tz, look: Look) -> String {
    header::write(story, zone, look)
}

fn instant(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse(text).ok_or("must be a time such as 2026-11-02T10:00:00Z")
}

fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| format!("{text:?} is no zone of the IANA list, such as Europe/Paris"))
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;

//! `guichet tail`: follows the stream of events, and checks on the way that it is the one unbroken chain that it
//! claims to be: every position, every hash, every previous hash, in the whole log and in each ticket.
//!
//! The stream is read whole, whatever is shown: a chain with left-out links proves nothing.

mod chain;
mod line;

use std::str::FromStr;

use clap::Args;
use guichet_schemas::ids::TicketId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::Partition;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::RecordView;

use self::chain::Chain;
use self::line::Lines;
use guichet_client::exit;
use guichet_client::output::{Look, Output, OutputArgs};
use guichet_client::which::Which;
use guichet_client::{Client, ClientError, ConnectArgs, EventStream};

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet tail
  guichet tail --from start --type TicketEscalated --type TicketReopened
  guichet tail --from 2026-11-02T08:00:00Z --no-follow --json > events.ndjson

Exit code 1 when the chain of hashes was broken anywhere.")]
pub struct TailArgs {
    /// Where to begin: a position, a time (RFC 3339, by the engine's clock), start, or now
    #[arg(long, default_value = "now", value_name = "POSITION|TIME|start|now")]
    pub from: From,
    /// Show only events of this type; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
    /// Show only this ticket
    #[arg(long, value_name = "TICKET")]
    pub ticket: Option<Which>,
    /// Wait for what comes; the default
    #[arg(long, overrides_with = "no_follow")]
    pub follow: bool,
    /// End at the newest event of now
    #[arg(long)]
    pub no_follow: bool,
    /// Print records as JSON, one a line, with their hash: as they are stored, personal texts sealed
    #[arg(long)]
    pub json: bool,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// At the oldest event.
    Start,
    /// After the newest.
    Now,
    Position(u64),
    /// At the first event recorded then or later.
    Time(Timestamp),
}

impl FromStr for From {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "start" => Ok(Self::Start),
            "now" => Ok(Self::Now),
            _ => (text.parse().ok().filter(|p| *p > 0).map(Self::Position))
                .or_else(|| Timestamp::parse(text).map(Self::Time))
                .ok_or("must be a position from 1, a time such as 2026-11-02T08:00:00Z, start, or now"),
        }
    }
}

impl From {
    async fn sequence(self, stream: &EventStream) -> Result<u64, ClientError> {
        match self {
            Self::Start => Ok(stream.first().max(1)),
            Self::Now => Ok(stream.last() + 1),
            Self::Position(position) => Ok(position),
            Self::Time(time) => stream.sequence_at(time).await,
        }
    }
}

/// Follows until Ctrl-C, or to the newest event.
///
/// # Errors
/// The stream cannot be read. A broken chain is exit code 1.
pub async fn run(args: TailArgs) -> Result<u8, ClientError> {
    let output = Output::new(&args.output);
    let client = args.connect.connect().await?;
    let wanted = Wanted::new(&args, &client).await?;
    let stream = client.events(Partition::default()).await?;
    let end = (args.no_follow && !args.follow).then(|| stream.last());
    let from = args.from.sequence(&stream).await?;
    if from < stream.first() {
        output.alarm(&format!(
            "the stream begins at {}: what was before is not in it, but in the log",
            stream.first()
        ));
    }
    let mut messages = stream.from(from);
    let mut chain = Chain::starting_at(from);
    let mut lines = Lines::new(client, Look { width: output.line_width(), ..output.look() });
    let mut next = from;
    while end.is_none_or(|end| next <= end) {
        let published = tokio::select! {
            published = messages.next() => published?,
            // Told to stop: what was seen so far has been checked.
            _ = tokio::signal::ctrl_c() => break,
        };
        next = published.sequence + 1;
        let seen = chain.check(&published);
        for broken in &seen.broken {
            output.alarm(&format!("CHAIN BROKEN at {}: {broken}", published.sequence));
        }
        let Some(record) = seen.record.filter(|record| wanted.is_of_tenant(record)) else { continue };
        lines.notice(&record);
        if !wanted.takes(&record) {
            continue;
        }
        if args.json {
            output.json_line(&RecordView { hash: seen.hash.to_wire(), record: Some(record) })?;
        } else {
            output.line(&lines.of(record).await)?;
        }
    }
    if chain.faults() > 0 {
        output.alarm(&format!(
            "{} events checked, {} faults: this stream is not the log; see above",
            chain.checked(),
            chain.faults()
        ));
        return Ok(exit::REFUSED);
    }
    if !args.json {
        output.note(&format!("{} events checked, the chain is unbroken", chain.checked()));
    }
    Ok(exit::DONE)
}

struct Wanted {
    tenant: String,
    types: Vec<String>,
    ticket: Option<String>,
}

impl Wanted {
    async fn new(args: &TailArgs, client: &Client) -> Result<Self, ClientError> {
        let known = guichet_schemas::event::Event::TYPES;
        if let Some(unknown) = args.types.iter().find(|t| !known.contains(&t.as_str())) {
            return Err(ClientError::Usage(format!(
                "{unknown:?} is no type of event; there are {}",
                known.join(", ")
            )));
        }
        let ticket: Option<TicketId> = match args.ticket {
            Some(which) => Some(client.find(which).await?),
            None => None,
        };
        Ok(Self {
            tenant: client.tenant().to_string(),
            types: args.types.clone(),
            ticket: ticket.map(|id| id.to_string()),
        })
    }

    /// Of the tenant that was named, or of none: what the engine says of itself.
    fn is_of_tenant(&self, record: &guichet_schemas::wire::Record) -> bool {
        record.tenant == self.tenant || record.tenant.starts_with('_')
    }

    fn takes(&self, record: &guichet_schemas::wire::Record) -> bool {
        (self.types.is_empty() || self.types.contains(&record.r#type))
            && self.ticket.as_ref().is_none_or(|id| *id == record.stream_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_may_begin_at_a_position_or_a_time() {
        assert_eq!("start".parse(), Ok(From::Start));
        assert_eq!("17".parse(), Ok(From::Position(17)));
        let time = Timestamp::parse("2026-11-02T08:00:00Z").unwrap();
        assert_eq!("2026-11-02T08:00:00Z".parse(), Ok(From::Time(time)));
        assert!("0".parse::<From>().is_err() && "yesterday".parse::<From>().is_err());
    }
}

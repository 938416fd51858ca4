//! `guichet replay`: recorded events handed over again, to standard output or to a subject of one's own, as fast as they
//! came or faster. Nothing of ours listens there, and every message says that it is a replay.

mod pause;

use std::io::{self, BufWriter, LineWriter};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs};
use guichet_client::{ConnectArgs, Republisher};
use guichet_schemas::codec::Head;
use tokio::runtime::Handle;

use crate::HistoryError;
use crate::export::{Place, hand_over, last, unsigned};
use crate::filter::Filter;
use crate::replay::pause::{Listening, Pause};
use crate::reveal::{self, RevealArgs, Scope};
use crate::rows::Decoded;
use crate::source::{History, SourceArgs};
use crate::write::Events;
use crate::write::ndjson::{self, NdjsonFile};

/// Events after which it is looked whether the server takes them.
const SETTLE_EVERY: u32 = 4096;
/// A delay longer than this, behind a pause, is not made up for.
const LATE_MAX: Duration = Duration::from_secs(1);

/// The records to replay, their destination and their speed.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet replay                                                   # all events to standard output, one a line
  guichet replay --from 2026-11-27T08:00:00Z --speed 60            # a minute a second
  guichet replay --source /backup/desk --to-subject lab.desk --nats-url nats://localhost:4222
  guichet replay --to-subject lab.desk --to-stream LAB --nats-url nats://localhost:4222   # made if it is not there
  guichet replay --into-folder then --to 2026-03-31T22:00:00Z     # read models as of then …
  guichet query report_backlog --data-dir then                    # … which answer without the desk

Each event is a CloudEvent in JSON. Messages have the header Guichet-Replay, with the position of the event, and go to no
subject of ours; in a stream, an event that is replayed again within its duplicate window is there once. Personal texts
are left out, unless --reveal has the desk record who reads them; in a folder they stay sealed. `kill -USR1` pauses, and `kill -USR2` goes on: the gaps between events are
kept. So do Ctrl-Z and `fg`.")]
pub struct ReplayArgs {
    /// Publish to this subject of the connection, instead of printing
    #[arg(long, value_name = "SUBJECT")]
    pub to_subject: Option<String>,
    /// Store the messages in this JetStream stream of your own, and wait until it has each; made if it is not there
    #[arg(long, value_name = "NAME", requires = "to_subject")]
    pub to_stream: Option<String>,
    /// Make read models of all events in this folder, which must be empty or not there; `guichet query --data-dir` asks them
    #[arg(long, value_name = "DIR", conflicts_with_all = ["to_subject", "speed", "from", "reveal"])]
    pub into_folder: Option<PathBuf>,
    /// How many times as fast as the engine recorded them: a number, or max for without a pause
    #[arg(long, value_name = "FACTOR|max", default_value = "max")]
    pub speed: Speed,
    /// First event: a position, or an instant by the engine's clock (RFC 3339) [default: the beginning]
    #[arg(long, value_name = "POSITION|TIME")]
    pub from: Option<Place>,
    /// Last event: a position, or an instant [default: the newest that is signed]
    #[arg(long, value_name = "POSITION|TIME")]
    pub to: Option<Place>,
    /// Personal texts.
    #[command(flatten)]
    pub reveal: RevealArgs,
    /// Which history
    #[command(flatten)]
    pub source: SourceArgs,
    /// Which events.
    #[command(flatten)]
    pub filter: Filter,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// Without a pause.
    Max,
    /// So many times as fast as they were recorded.
    Times(f64),
}

impl FromStr for Speed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let factor = text.parse().ok().filter(|factor: &f64| factor.is_finite() && *factor > 0.0);
        factor.map(Self::Times).ok_or("must be max, or a number above 0 such as 1 or 60")
    }
}

impl ReplayArgs {
    /// Checks what can be checked before anything is read.
    ///
    /// # Errors
    /// Words that make no replay.
    pub fn check(&self) -> Result<(), HistoryError> {
        self.filter.check()?;
        if self.into_folder.is_some() && !self.filter.is_open() {
            return Err(HistoryError::usage(
                "a read model is made of every event: --into-folder takes no filter; filter the questions instead",
            ));
        }
        Ok(())
    }

    /// What is handed over, for the record of who reads it.
    #[must_use]
    pub const fn scope(&self) -> Scope<'_> {
        Scope { what: "replay of events", filter: &self.filter, from: self.from, to: self.to }
    }

    /// The last position of the replay.
    ///
    /// # Errors
    /// The history cannot be read, or does not go so far.
    pub fn last(&self, history: &History) -> Result<u64, HistoryError> {
        last(history, self.to)
    }
}

/// Says what was left out because nobody signed it; the exit code says the same.
pub fn unsigned_records(history: &History, output: &Output) -> u8 {
    unsigned(history.unsigned, output)
}

/// Hands the events over; `to` where they go to a subject.
///
/// # Errors
/// The history cannot be read, or nobody takes the events.
pub fn run(args: &ReplayArgs, history: &History, to: Option<Republisher>) -> Result<u8, HistoryError> {
    let output = Output::new(&args.output);
    let first = args.from.map_or(Ok(1), |place| place.first(history))?;
    let range = (first, last(history, args.to)?);
    let tenant = args.connect.tenant.as_str();
    let stdout = io::stdout().lock();
    let out: Box<dyn Events> = match (to, args.speed) {
        (Some(to), _) => Box::new(ToSubject { to, runtime: Handle::current(), unsettled: 0 }),
        (None, Speed::Max) => Box::new(NdjsonFile(BufWriter::new(stdout))),
        // Whoever watches sees each event when it comes.
        (None, Speed::Times(_)) => Box::new(NdjsonFile(LineWriter::new(stdout))),
    };
    let pause = Arc::new(Pause::default());
    let aside = output.clone();
    let listening = Listening::begin(&pause, move |text| aside.note(text))?;
    let mut paced = Paced { to: out, speed: args.speed, last: None, pause };
    let done = hand_over(history, (tenant, &args.filter), range, &mut paced, None)?;
    Box::new(paced).end()?;
    drop(listening);
    output.note(&format!(
        "{} events up to position {}, {} personal texts left out",
        done.events, done.position, done.withheld
    ));
    let is_whole = !args.reveal.reveal || reveal::told(done.withheld, |text| output.alarm(text));
    let code = unsigned(done.unsigned, &output);
    Ok(if is_whole { code } else { exit::REFUSED })
}

/// Keeps the gaps between events.
struct Paced {
    to: Box<dyn Events>,
    speed: Speed,
    /// When the last event was recorded, and when it was due here.
    last: Option<(i64, Instant)>,
    pause: Arc<Pause>,
}

impl Events for Paced {
    fn event(&mut self, head: &Head<'_>, decoded: &Decoded) -> Result<(), HistoryError> {
        if let Speed::Times(factor) = self.speed {
            let now = Instant::now();
            let due = self.last.map_or(now, |(recorded, due)| {
                let gap = Duration::from_millis(head.recorded_at.saturating_sub(recorded).unsigned_abs());
                // Behind a pause the events that are late do not come all at once.
                due.max(now.checked_sub(LATE_MAX).unwrap_or(due)) + gap.div_f64(factor)
            });
            let stood = self.pause.until(Some(due));
            self.last = Some((head.recorded_at, due + stood));
        } else {
            self.pause.until(None);
        }
        self.to.event(head, decoded)
    }

    fn end(self: Box<Self>) -> Result<(), HistoryError> {
        self.to.end()
    }
}

/// Publishes events.
struct ToSubject {
    to: Republisher,
    runtime: Handle,
    unsettled: u32,
}

impl Events for ToSubject {
    fn event(&mut self, head: &Head<'_>, decoded: &Decoded) -> Result<(), HistoryError> {
        let mut event = Vec::with_capacity(1024);
        ndjson::write(&mut event, head, decoded)?;
        self.runtime.block_on(self.to.publish(head.position, event))?;
        self.unsettled += 1;
        if self.unsettled == SETTLE_EVERY {
            self.unsettled = 0;
            self.runtime.block_on(self.to.settle())?;
        }
        Ok(())
    }

    fn end(self: Box<Self>) -> Result<(), HistoryError> {
        Ok(self.runtime.block_on(self.to.settle())?)
    }
}

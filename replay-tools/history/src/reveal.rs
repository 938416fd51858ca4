//! Personal texts in what is written: only where the desk has recorded who reads them, and what for.

use std::fmt::Write as _;
use std::sync::Arc;

use clap::Args;
use guichet_client::{Client, ClientError, Revealing};
use guichet_replay_tools::send::actor;
use guichet_schemas::codec::Head;
use guichet_schemas::command::RecordAccess;
use guichet_schemas::event::Actor;
use guichet_schemas::text::Note;
use guichet_schemas::wire;
use guichet_schemas::wire::record::Data;
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::HistoryError;
use crate::export::Place;
use crate::filter::Filter;

/// Characters of the scope that are recorded.
const SCOPE_MAX: usize = 1_000;

/// Whether personal texts are wanted.
#[derive(Debug, Clone, Default, Args)]
pub struct RevealArgs {
    /// Write personal texts too. The desk records who reads them before it gives any (AccessRecorded): the caller needs the
    /// role auditor or admin; without configured callers, only cli may
    #[arg(long, requires = "purpose")]
    pub reveal: bool,
    /// What the personal texts are for; recorded for ever, so no personal data
    #[arg(long, value_name = "TEXT", requires = "reveal", value_parser = note)]
    pub purpose: Option<Note>,
    /// Who reads them, as KIND:ID
    #[arg(long, value_name = "KIND:ID", requires = "reveal", value_parser = actor)]
    pub viewer: Option<Actor>,
}

fn note(text: &str) -> Result<Note, String> {
    Note::parse(text.to_owned()).map_err(|error| error.rule)
}

/// What is about to be read, for the record.
#[derive(Debug)]
pub struct Scope<'a> {
    /// Export or replay.
    pub what: &'static str,
    /// Which events.
    pub filter: &'a Filter,
    /// The first of them.
    pub from: Option<Place>,
    /// The last of them; `None`: all that there are, and those that come while it follows.
    pub to: Option<Place>,
}

impl Scope<'_> {
    fn text(&self) -> String {
        let mut text = self.what.to_owned();
        for (word, place) in [("from", self.from), ("to", self.to)] {
            let place = match place {
                Some(Place::Position(position)) => format!("position {position}"),
                Some(Place::Time(time)) => time.to_string(),
                None => continue,
            };
            if write!(text, ", {word} {place}").is_err() {
                break;
            }
        }
        if !self.filter.is_open() {
            let filter = serde_json::to_string(self.filter).unwrap_or_default();
            text.push_str(", only ");
            text.push_str(&filter);
        }
        text
    }
}

impl RevealArgs {
    /// Has the access recorded where personal texts are wanted; `None`: they are not.
    ///
    /// # Errors
    /// The desk refuses, or does not answer: then nothing is given.
    pub async fn reveal(
        &self,
        client: &Client,
        scope: &Scope<'_>,
        command_id: Uuid,
    ) -> Result<Option<Reveal>, HistoryError> {
        let (true, Some(purpose)) = (self.reveal, &self.purpose) else { return Ok(None) };
        // A filter may be long; what it begins with tells it.
        let cut: String = scope.text().chars().take(SCOPE_MAX).collect();
        let scope = Note::parse(cut).map_err(|error| HistoryError::usage(error.rule))?;
        let actor = match &self.viewer {
            Some(viewer) => viewer.clone(),
            None => actor("agent:cli").map_err(HistoryError::usage)?,
        };
        let access = RecordAccess {
            viewer: None,
            scope,
            purpose: purpose.clone(),
            ticket_id: None,
            groups: Vec::new(),
        };
        let revealing = client.reveal(access, actor, command_id).await?;
        Ok(Some(Reveal { revealing: Arc::new(revealing), runtime: Handle::current() }))
    }
}

/// Opens personal texts. Waits for keys: never on a thread of the runtime.
#[derive(Debug, Clone)]
pub struct Reveal {
    revealing: Arc<Revealing>,
    runtime: Handle,
}

impl Reveal {
    /// The position of the record that says so.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.revealing.position
    }

    /// Opens the texts of an event; what does not open stays sealed.
    pub(crate) fn open(&self, head: &Head<'_>, content: Data) -> Option<Data> {
        let mut record = wire::Record {
            tenant: head.tenant.to_owned(),
            stream_id: head.stream_id.to_owned(),
            command_id: head.command_id.to_vec(),
            data: Some(content),
            ..wire::Record::default()
        };
        self.runtime.block_on(self.revealing.open(&mut record));
        record.data
    }
}

/// Says whether every text was opened; the exit code says the same.
pub(crate) fn told(withheld: u64, alarm: impl FnOnce(&str)) -> bool {
    if withheld > 0 {
        alarm(&format!(
            "{withheld} personal texts are left out: their keys are gone, or the key service does not give them to this user"
        ));
    }
    withheld == 0
}

/// Why texts cannot be revealed where no desk runs.
pub fn needs_a_desk() -> HistoryError {
    HistoryError::Client(ClientError::Usage(
        "--reveal needs the desk that runs: it records the access, and has the keys; name it with --data-dir or --nats-url"
            .to_owned(),
    ))
}

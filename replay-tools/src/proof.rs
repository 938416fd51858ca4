//! `guichet proof`: that a record stands in the log, in a text that anybody can check without us.

use std::path::{Path, PathBuf};

use clap::Args;
use guichet_proof::{ProofFile, SignedCheckpoint, VerifyingKey, prove};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::Partition;
use guichet_schemas::wire;
use guichet_schemas::wire::query_reply::Data;

use crate::query::whole;
use crate::verify::read_key;
use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs};
use guichet_client::which::Which;
use guichet_client::{Client, ClientError, ConnectArgs};

/// How long a record may wait for the checkpoint that covers it.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
/// Entries of a timeline asked for at a time.
const PAGE: u32 = 1000;

/// The record to prove, or the proof to check.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet proof 42 > 42.tlog-proof                 # the proof alone
  guichet proof 42 -o proofs                       # with the bytes of the record beside it
  guichet proof T-7 -o proofs                      # one proof for each event of the ticket
  guichet proof --check proofs/42.tlog-proof --key log.vkey

A proof has the form c2sp.org/tlog-proof@v1: Go's golang.org/x/mod/sumdb/tlog and others check it. Exit code 1 when a
proof does not hold.")]
pub struct ProofArgs {
    /// A position of the log, or a ticket: its number or its UUID
    #[arg(value_name = "POSITION|TICKET", required_unless_present = "check")]
    pub what: Option<String>,
    /// Folder for proofs and records, named by position: 42.tlog-proof and 42.record
    #[arg(short, long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
    /// Check this proof instead, offline; its record lies beside it (42.record)
    #[arg(long, value_name = "FILE", conflicts_with = "what")]
    pub check: Option<PathBuf>,
    /// The bytes of the record, where they lie elsewhere
    #[arg(long, value_name = "FILE", requires = "check")]
    pub record: Option<PathBuf>,
    /// Public key of the log, a file or the text itself [default: log.vkey in the data folder]
    #[arg(long, value_name = "FILE|KEY")]
    pub key: Option<String>,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// A record with its proof.
#[derive(Debug, Clone)]
pub struct Proven {
    /// Place in the log.
    pub position: u64,
    /// The bytes that were hashed.
    pub record: Vec<u8>,
    pub proof: ProofFile,
}

/// Proves, or checks a proof.
///
/// # Errors
/// Nobody answers, or files cannot be read or written. A proof that does not hold is exit code 1.
pub async fn run(args: ProofArgs) -> Result<u8, ClientError> {
    let output = Output::new(&args.output);
    if let Some(proof) = &args.check {
        return check(&args, proof, &output);
    }
    let what = args.what.as_deref().unwrap_or_default();
    let position = what.parse::<u64>().ok().filter(|position| *position > 0);
    let client = args.connect.connect().await?;
    let positions = match position {
        Some(position) => vec![position],
        None => {
            let ticket: Which = what
                .parse()
                .map_err(|e| ClientError::Usage(format!("{what:?} is no position of the log, and {e}")))?;
            positions_of(&client, ticket).await?
        }
    };
    match (&args.output_dir, positions.as_slice()) {
        (Some(dir), _) => {
            let proven = prove_all(&client, &positions).await?;
            std::fs::create_dir_all(dir).map_err(|e| file(dir, &e))?;
            for one in &proven {
                write(&dir.join(format!("{}.tlog-proof", one.position)), one.proof.to_text().as_bytes())?;
                write(&dir.join(format!("{}.record", one.position)), &one.record)?;
            }
            output.note(&format!("{} proofs in {}", proven.len(), dir.display()));
        }
        (None, [_]) => {
            for one in prove_all(&client, &positions).await? {
                output.line(&one.proof.to_text())?;
            }
        }
        (None, _) => {
            return Err(ClientError::Usage(format!(
                "the ticket has {} events, each with a proof of its own; name a folder with -o DIR",
                positions.len()
            )));
        }
    }
    Ok(exit::DONE)
}

/// Positions of the events of a ticket, oldest first.
///
/// # Errors
/// Nobody answers, or there is no such ticket.
pub async fn positions_of(client: &Client, ticket: Which) -> Result<Vec<u64>, ClientError> {
    let (ticket_id, number) = ticket.filters();
    let query = wire::TimelineQuery { ticket_id, number, ..Default::default() };
    let query = wire::Query {
        limit: Some(PAGE),
        data: Some(wire::query::Data::Timeline(query)),
        ..wire::Query::default()
    };
    match whole(client, "timeline", query).await?.data {
        Some(Data::Timeline(view)) => Ok(view.entries.iter().map(|entry| entry.position).collect()),
        Some(Data::Error(error)) => Err(ClientError::Refused { code: error.code, message: error.message }),
        Some(_) | None => {
            Err(client.strange("the answer to query timeline".to_owned(), &"it holds no timeline"))
        }
    }
}

/// Fetches records and proves each under one checkpoint.
///
/// # Errors
/// Nobody answers, a position is beyond the log, or the tiles do not give the root that was signed.
pub async fn prove_all(client: &Client, positions: &[u64]) -> Result<Vec<Proven>, ClientError> {
    let partition = Partition::default();
    let mut records = Vec::with_capacity(positions.len());
    for position in positions {
        let record = client.record(partition, *position).await?;
        let record = record.ok_or_else(|| {
            ClientError::Usage(format!(
                "the log has no position {position} yet; `guichet tail` shows where it is"
            ))
        })?;
        records.push(record);
    }
    let newest = positions.iter().copied().max().unwrap_or(0);
    let checkpoint = covering(client, partition, newest).await?;
    let (size, root) = (checkpoint.size(), checkpoint.root());
    let mut needed: Vec<_> =
        positions.iter().flat_map(|position| prove::tiles_for_inclusion(size, position - 1)).collect();
    needed.sort_unstable();
    needed.dedup();
    let tiles = client.tiles(partition, &needed).await?;
    let one = |(position, record): (&u64, Vec<u8>)| {
        let (index, leaf) = (position - 1, Hash::of_record(&record));
        let proof = prove::inclusion(size, root, index, leaf, &tiles).map_err(|e| {
            client.strange(
                format!("the proof of position {position}"),
                &format!("{e}; `guichet verify` finds more"),
            )
        })?;
        let proof = ProofFile { index, proof, checkpoint: checkpoint.clone() };
        Ok(Proven { position: *position, record, proof })
    };
    positions.iter().zip(records).map(one).collect()
}

/// The newest checkpoint, once it covers a position: it may be half a second behind.
async fn covering(
    client: &Client,
    partition: Partition,
    position: u64,
) -> Result<SignedCheckpoint, ClientError> {
    let started = tokio::time::Instant::now();
    loop {
        let checkpoint = client.checkpoint(partition).await?;
        if checkpoint.size() >= position {
            return Ok(checkpoint);
        }
        if started.elapsed() > PATIENCE {
            let behind = format!("it covers {} records, position {position} waits", checkpoint.size());
            return Err(client.strange("the newest checkpoint".to_owned(), &behind));
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn check(args: &ProofArgs, proof: &Path, output: &Output) -> Result<u8, ClientError> {
    let key = key(args)?;
    let text = std::fs::read_to_string(proof).map_err(|e| file(proof, &e))?;
    let beside = proof.with_extension("record");
    let record = args.record.as_deref().unwrap_or(&beside);
    let record = std::fs::read(record).map_err(|e| file(record, &e))?;
    let checked = ProofFile::parse(&text).and_then(|read| read.check(&record, &key).map(|()| read));
    match checked {
        Ok(read) => {
            output.line(&format!(
                "holds: the record stands at position {} of {}, in a log of {} records",
                read.index + 1,
                key.origin(),
                read.checkpoint.size()
            ))?;
            Ok(exit::DONE)
        }
        Err(error) => {
            output.alarm(&format!("does not hold: {error}"));
            Ok(exit::REFUSED)
        }
    }
}

fn key(args: &ProofArgs) -> Result<VerifyingKey, ClientError> {
    let beside = args.connect.data_dir.join("log.vkey");
    match &args.key {
        Some(named) => read_key(named),
        None if beside.is_file() => read_key(&beside.to_string_lossy()),
        None => Err(ClientError::Usage(
            "a proof is checked with the public key of the log: name it with --key; `guichet keys` shows it"
                .to_owned(),
        )),
    }
}

/// Writes a file, or says why not.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), ClientError> {
    std::fs::write(path, bytes).map_err(|e| file(path, &e))
}

fn file(path: &Path, problem: &dyn std::fmt::Display) -> ClientError {
    ClientError::File { path: path.to_owned(), problem: problem.to_string() }
}

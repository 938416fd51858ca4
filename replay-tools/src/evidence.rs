//! `guichet evidence`: a ticket's whole history in one file that can be checked without us: the events to be read and
//! as bytes, a proof for each, the checkpoint, the key, and programs of a page that check them.

use std::io::{Cursor, Write as _};
use std::path::PathBuf;

use clap::Args;
use guichet_proof::VerifyingKey;
use guichet_schemas::json;
use guichet_schemas::wire;
use guichet_schemas::wire::query_reply::Data;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::proof::{Proven, prove_all};
use crate::query::whole;
use crate::verify::read_key;
use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs};
use guichet_client::which::Which;
use guichet_client::{ClientError, ConnectArgs};

/// Entries of a timeline asked for at a time.
const PAGE: u32 = 1000;
/// The page that explains the file.
const README: &str = include_str!("evidence/README.md");
/// Checks with Python alone.
const CHECK_PYTHON: &str = include_str!("../../docs/examples/python/check.py");
/// Checks with Go's library.
const CHECK_GO: &str = include_str!("../../docs/examples/go/check/main.go");

/// The ticket, and the file for its evidence.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet evidence T-7 -o T-7.audit.zip")]
pub struct EvidenceArgs {
    /// Which ticket: its number or its UUID
    #[arg(value_name = "TICKET")]
    pub ticket: Which,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    pub output_file: PathBuf,
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

/// Writes the file.
///
/// # Errors
/// Nobody answers, there is no such ticket, or the file cannot be written.
pub async fn run(args: EvidenceArgs) -> Result<u8, ClientError> {
    let output = Output::new(&args.output);
    let beside = args.connect.data_dir.join("log.vkey");
    let key = read_key(args.key.as_deref().unwrap_or(&beside.to_string_lossy()))?;
    let client = args.connect.connect().await?;
    let (ticket_id, number) = args.ticket.filters();
    let name = number.clone();
    let query = wire::Query {
        limit: Some(PAGE),
        data: Some(wire::query::Data::Timeline(wire::TimelineQuery {
            ticket_id,
            number,
            ..Default::default()
        })),
        ..wire::Query::default()
    };
    let reply = whole(&client, "timeline", query).await?;
    let positions: Vec<u64> = match &reply.data {
        Some(Data::Timeline(view)) => view.entries.iter().map(|entry| entry.position).collect(),
        Some(Data::Error(error)) => {
            let (code, message) = (error.code.clone(), error.message.clone());
            return Err(ClientError::Refused { code, message });
        }
        Some(_) | None => {
            return Err(client.strange("the answer to query timeline".to_owned(), &"it holds no timeline"));
        }
    };
    let proven = prove_all(&client, &positions).await?;
    // What would not convince others does not leave us.
    for one in &proven {
        one.proof
            .check(&one.record, &key)
            .map_err(|e| client.strange(format!("the proof of position {}", one.position), &e))?;
    }
    let name = name.unwrap_or_else(|| "of this file".to_owned());
    let events =
        readable(&json::to_vec(&reply)).map_err(|e| client.strange("the timeline".to_owned(), &e))?;
    let written =
        pack(&name, &events, &proven, &key).and_then(|bytes| std::fs::write(&args.output_file, bytes));
    written.map_err(|e| ClientError::File { path: args.output_file.clone(), problem: e.to_string() })?;
    output.line(&format!("{} events with their proofs in {}", proven.len(), args.output_file.display()))?;
    Ok(exit::DONE)
}

/// Indented, from the very bytes that a program would get.
fn readable(compact: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec_pretty(&serde_json::from_slice::<serde_json::Value>(compact)?)
}

/// The file: the same ticket and checkpoint give the same bytes.
fn pack(ticket: &str, events: &[u8], proven: &[Proven], key: &VerifyingKey) -> std::io::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut file = |name: &str, bytes: &[u8]| -> std::io::Result<()> {
        zip.start_file(name, stored).map_err(std::io::Error::other)?;
        zip.write_all(bytes)
    };
    file("README.md", readme(ticket, proven, key).as_bytes())?;
    file("events.json", events)?;
    file("log.vkey", format!("{key}\n").as_bytes())?;
    if let Some(one) = proven.first() {
        file("checkpoint", one.proof.checkpoint.note().as_bytes())?;
    }
    for one in proven {
        file(&format!("records/{}.record", one.position), &one.record)?;
        file(&format!("proofs/{}.tlog-proof", one.position), one.proof.to_text().as_bytes())?;
    }
    file("check.py", CHECK_PYTHON.as_bytes())?;
    file("check.go", CHECK_GO.as_bytes())?;
    Ok(zip.finish().map_err(std::io::Error::other)?.into_inner())
}

fn readme(ticket: &str, proven: &[Proven], key: &VerifyingKey) -> String {
    let first = proven.first().map_or(0, |one| one.position).to_string();
    let size = proven.first().map_or(0, |one| one.proof.checkpoint.size()).to_string();
    let pairs = "$(for r in records/*.record; do p=$(basename \"$r\" .record); echo \"proofs/$p.tlog-proof $r\"; done)";
    README
        .replace("{TICKET}", ticket)
        .replace("{ORIGIN}", key.origin())
        .replace("{SIZE}", &size)
        .replace("{FIRST}", &first)
        .replace("{PYTHON}", &format!("python3 check.py log.vkey {pairs}"))
}

//! `guichet attach` and `guichet fetch`: files to a ticket, and back.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Args;
use guichet_client::output::{Output, OutputArgs, printable};
use guichet_client::which::Which;
use guichet_client::{ClientError, ConnectArgs, exit};
use guichet_schemas::command::Entity;
use guichet_schemas::command::limits::ATTACHMENT_BYTES;
use guichet_schemas::event::Actor;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CommandId, TicketId};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire;
use guichet_schemas::wire::command_reply::Outcome;
use serde_json::json;
use uuid::Uuid;

use crate::send::{accepted_text, actor, refusal_text};

/// A file, and the ticket that it is for.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet attach T-42 screenshot.png --media-type image/png
  guichet attach T-42 export.csv --name 'export of May.csv' --actor requester:c-17

The bytes go first and are on disk before the command names them. An interrupted attach is simply run again.")]
pub struct AttachArgs {
    /// Which ticket: its number or its UUID
    #[arg(value_name = "TICKET")]
    pub ticket: Which,
    /// The file, at most 25 MiB
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Name under which it is attached [default: that of the file]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// What it is
    #[arg(long, value_name = "TYPE/SUBTYPE", default_value = "application/octet-stream")]
    pub media_type: String,
    /// Actor to act as, as KIND:ID
    #[arg(long, default_value = "agent:cli", value_parser = actor, value_name = "KIND:ID")]
    pub actor: Actor,
    /// Position of a `record_access` about the ticket, where it is restricted
    #[arg(long, value_name = "POSITION")]
    pub access: Option<u64>,
    /// Print the reply as JSON
    #[arg(long)]
    pub json: bool,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// An attachment, and where to put it.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet query ticket T-42 --json                    # attachments, with their SHA-256
  guichet fetch T-42 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 --to screenshot.png

The bytes are compared with the SHA-256 before the file is there. An infected or redacted attachment is refused.")]
pub struct FetchArgs {
    /// Which ticket: its number or its UUID
    #[arg(value_name = "TICKET")]
    pub ticket: Which,
    /// Which attachment
    #[arg(value_name = "SHA256", value_parser = sha256)]
    pub sha256: Hash,
    /// The file to write; one that is there stays as it is, and nothing is fetched
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Position of a `record_access` about the ticket, where it is restricted
    #[arg(long, value_name = "POSITION")]
    pub access: Option<u64>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

fn sha256(text: &str) -> Result<Hash, &'static str> {
    Hash::parse(text).ok_or("must be 64 hexadecimal digits")
}

/// Uploads a file and attaches it. `fresh_id` makes the id of the command.
///
/// # Errors
/// The file cannot be read, or nobody answers. A refusal of the command is exit code 1.
pub async fn attach(args: AttachArgs, fresh_id: impl FnOnce() -> Uuid) -> Result<u8, ClientError> {
    let output = Output::new(&args.output);
    let bytes = read(&args.file)?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => args.file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
    };
    let client = args.connect.connect().await?;
    let ticket = client.find(args.ticket).await?;
    let progress = output.progress("bytes", bytes.len() as u64);
    let sha256 = client.upload(ticket, &bytes, args.access, |done| progress.set(done)).await?;
    drop(progress);
    let data = wire::AddAttachment {
        sha256: sha256.to_wire(),
        size: bytes.len() as u64,
        media_type: args.media_type,
        name,
    };
    let command = wire::Command {
        command_id: CommandId(fresh_id()).to_wire(),
        actor: args.actor.to_wire(),
        data: Some(wire::command::Data::AddAttachment(data)),
        ..wire::Command::default()
    };
    let timeout = args.connect.timeout;
    let reply = client.command_patiently(Entity::Ticket(ticket), "add_attachment", command, timeout).await?;
    if args.json {
        output.json(&reply)?;
    }
    match &reply.outcome {
        Some(Outcome::Accepted(accepted)) => {
            if !args.json {
                output.line(&format!("{}\n  sha256 {sha256}", accepted_text(accepted, false)))?;
            }
            Ok(exit::DONE)
        }
        Some(Outcome::Error(error)) => {
            if !args.json {
                output.alarm(&refusal_text(error));
            }
            Ok(exit::REFUSED)
        }
        None => Ok(exit::REFUSED),
    }
}

/// Fetches an attachment into a file.
///
/// # Errors
/// Nobody answers, the engine refuses, or the file cannot be written.
pub async fn fetch(args: FetchArgs) -> Result<u8, ClientError> {
    let output = Output::new(&args.output);
    let to = &args.to;
    if to.exists() {
        return Err(problem(to, &"it is there already; name another file with --to"));
    }
    let client = args.connect.connect().await?;
    let ticket: TicketId = client.find(args.ticket).await?;
    let progress = output.progress("bytes", 0);
    let bytes = client.fetch(ticket, args.sha256, args.access, |done| progress.set(done)).await?;
    drop(progress);
    write(to, &bytes).map_err(|error| problem(to, &error))?;
    let size = bytes.len();
    if args.json {
        output.json(&json!({"sha256": args.sha256.to_string(), "size": size, "file": to}))?;
    } else {
        output.line(&format!("{size} bytes in {}", printable(&to.to_string_lossy())))?;
    }
    Ok(exit::DONE)
}

fn read(file: &Path) -> Result<Bytes, ClientError> {
    let size = std::fs::metadata(file).map_err(|error| problem(file, &error))?.len();
    if size > ATTACHMENT_BYTES {
        return Err(problem(
            file,
            &format!("it has {size} bytes; an attachment has at most {ATTACHMENT_BYTES}"),
        ));
    }
    let bytes = std::fs::read(file).map_err(|error| problem(file, &error))?;
    if bytes.is_empty() {
        return Err(problem(file, &"it is empty, and an attachment is not"));
    }
    Ok(bytes.into())
}

/// A file that is whole, or not there.
fn write(to: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(to)?;
    Ok(())
}

fn problem(path: &Path, problem: &dyn std::fmt::Display) -> ClientError {
    ClientError::File { path: path.to_owned(), problem: problem.to_string() }
}

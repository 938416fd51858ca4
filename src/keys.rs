//! `guichet keys`: the name of the log and the key that its checkpoints are checked with.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use guichet_client::output::{Output, OutputArgs};
use guichet_engine::notary;
use guichet_engine::protection::Protection;
use guichet_proof::VerifyingKey;
use serde_json::json;

use crate::node::PARTITION;

/// Which key.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet keys                                              # the key of the log in ./guichet-data
  guichet keys --new /secure/signing.key --name desk.example.org/log
  guichet serve --signing-key /secure/signing.key")]
pub(crate) struct KeysArgs {
    /// Folder of the node
    #[arg(long, default_value = "./guichet-data", value_name = "DIR")]
    data_dir: PathBuf,
    /// The signing key, where it is not in the data folder
    #[arg(long, value_name = "FILE")]
    signing_key: Option<PathBuf>,
    /// Make a signing key in this file, which must not be there yet, for a log that has no records
    #[arg(long, value_name = "FILE", requires = "name")]
    new: Option<PathBuf>,
    /// Name of the log of the new key: it stands in every checkpoint, and should be nobody else's
    #[arg(long, value_name = "NAME", requires = "new")]
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Shows the public key; makes one where that is asked for.
pub(crate) fn run(args: KeysArgs) -> anyhow::Result<ExitCode> {
    let output = Output::new(&args.output);
    let key: VerifyingKey = match (&args.new, &args.name) {
        (Some(file), Some(name)) => notary::generate(file, name)?.verifying().clone(),
        _ => {
            let within = Protection::within(&args.data_dir, PARTITION).signing_key;
            notary::read_public(args.signing_key.as_ref().unwrap_or(&within))
                .context("no log has been started there yet, or its key is elsewhere")?
        }
    };
    if args.json {
        output.json(&json!({"origin": key.origin(), "key": key.to_string()}))?;
    } else {
        output.line(&key.to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

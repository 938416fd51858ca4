//! `import --infer`: proposes a mapping, and says how far it would get.

use std::process::ExitCode;

use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs};
use guichet_engine::clock;

/// Prints a mapping for an export. The exit code is that of `--check` with it.
pub(crate) fn run(export: guichet_import::Export) -> anyhow::Result<ExitCode> {
    let proposal = guichet_import::infer(export, clock::wall())?;
    Output::new(&OutputArgs::default()).line(proposal.text.trim_end())?;
    let code = match &proposal.outcome {
        Ok(balance) if balance.tickets.new > 0 => balance.exit_code(&[]),
        Ok(_) | Err(_) => exit::REFUSED,
    };
    if code != exit::DONE {
        crate::say::say(
            "the mapping does not fit the whole export yet: its first lines say why, and what to decide",
        );
    }
    Ok(code.into())
}

//! `import --infer`: proposes a mapping, and says how far it would get.

use std::process::ExitCode;

use guichet_engine::clock;
use guichet_replay_tools::exit;
use guichet_replay_tools::import;
use guichet_replay_tools::output::{Output, OutputArgs};

/// Prints a mapping for an export. The exit code is that of `--check` with it.
pub(crate) fn run(export: import::Export) -> anyhow::Result<ExitCode> {
    let proposal = import::infer(export, clock::wall())?;
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

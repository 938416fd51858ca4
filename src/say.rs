//! Words to the operator, on standard error; answers go to standard output through `replay_tools::output`.

use std::io::Write as _;

/// One line to whoever started the process. A closed terminal is no reason to stop.
pub(crate) fn say(line: &str) {
    if writeln!(std::io::stderr().lock(), "{line}").is_err() {
        tracing::debug!("nobody reads standard error");
    }
}

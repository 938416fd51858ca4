//! Words to the operator, on standard error; answers go to standard output through `replay_tools::output`.

use std::io::Write as _;

use guichet_client::output::printable;

/// One line to whoever started the process. A closed terminal is no reason to stop.
pub(crate) fn say(line: &str) {
    // A name of a file or a word out of it may stand in the line, and nothing steers a terminal but us.
    if writeln!(std::io::stderr().lock(), "{}", printable(line)).is_err() {
        tracing::debug!("nobody reads standard error");
    }
}

//! The end of the log of a nats-server that did not start: what a person needs to know why.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// How many lines of its log tell why it did not start.
const LOG_TAIL_LINES: usize = 20;
/// How much of its log we read for them.
const LOG_TAIL_BYTES: u64 = 64 * 1024;

/// The last lines that were written since the log had `before` bytes, each on a line of its own.
pub(super) fn tail(log: &Path, before: u64) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        // A log that shrank was begun again meanwhile.
        let from = if length < before { 0 } else { before };
        file.seek(SeekFrom::Start(from.max(length.saturating_sub(LOG_TAIL_BYTES))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_else(|error| format!("({} cannot be read: {error})", log.display()));
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
    if last.is_empty() {
        return " nothing".to_owned();
    }
    last.iter().map(|line| format!("\n    {line}")).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_log_tail_starts_after_what_was_there_before() {
        let temp = tempfile::tempdir().unwrap();
        let log = temp.path().join("nats.log");
        assert!(tail(&log, 0).contains("nats.log cannot be read: No such file"), "{}", tail(&log, 0));
        fs::write(&log, "old\n").unwrap();
        assert_eq!(tail(&log, 4), " nothing");
        fs::write(&log, "old\none\ntwo\n").unwrap();
        assert_eq!(tail(&log, 4), "\n    one\n    two");
        assert_eq!(tail(&log, 400), "\n    old\n    one\n    two");
        fs::write(&log, "line\n".repeat(50)).unwrap();
        assert_eq!(tail(&log, 0).lines().count(), LOG_TAIL_LINES + 1);
    }
}

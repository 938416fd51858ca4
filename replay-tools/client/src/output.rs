//! The only writer on the terminal. Answers go to standard output, everything about them to standard error;
//! what is not a terminal gets plain text, one JSON document a line, and no progress.
//!
//! Texts of tickets come from strangers: [`printable`] takes away what could steer a terminal.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use guichet_schemas::json;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// Columns of a text that goes to no terminal.
const PLAIN_WIDTH: usize = 100;
/// Columns of a line of a list that goes to no terminal.
const LINE_WIDTH: usize = 240;
/// Narrower, nothing can be laid out.
const WIDTH_MIN: usize = 50;
/// Wider lines are hard to read.
const WIDTH_MAX: usize = 120;

/// How to print.
#[derive(Debug, Clone, Default, Args)]
pub struct OutputArgs {
    /// Any value: no colours (<https://no-color.org>).
    #[arg(long = "no-color-because", env = "NO_COLOR", hide = true)]
    no_color: Option<String>,
}

/// The terminal, or what stands in its place.
#[derive(Debug, Clone)]
pub struct Output {
    is_terminal: bool,
    look: Look,
    aside: Look,
}

/// Width and colours of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns of a line.
    pub width: usize,
    /// Whether bold, dim and red may be used.
    pub colour: bool,
}

impl Look {
    /// Of a text that goes to no terminal.
    pub const PLAIN: Self = Self { width: PLAIN_WIDTH, colour: false };

    /// Marks the text that the eye should find first.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    #[must_use]
    pub fn alarm(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

impl Output {
    /// Looks at where standard output and standard error go.
    #[must_use]
    pub fn new(args: &OutputArgs) -> Self {
        let colours = args.no_color.as_deref().is_none_or(str::is_empty);
        let is_terminal = io::stdout().is_terminal();
        // comfy-table asks the terminal for its width; where there is none, texts have a fixed one.
        let width = Table::new().width().filter(|_| is_terminal).map_or(PLAIN_WIDTH, usize::from);
        let width = width.clamp(WIDTH_MIN, WIDTH_MAX);
        Self {
            is_terminal,
            look: Look { width, colour: colours && is_terminal },
            aside: Look { width, colour: colours && io::stderr().is_terminal() },
        }
    }

    /// How texts on standard output may look.
    #[must_use]
    pub const fn look(&self) -> Look {
        self.look
    }

    /// Columns of a line that is not to be broken: those of the terminal, more where there is none.
    #[must_use]
    pub fn line_width(&self) -> usize {
        if self.is_terminal { self.look.width } else { LINE_WIDTH }
    }

    /// An answer, ended by a line break.
    ///
    /// # Errors
    /// Nobody takes it; a broken pipe is the end of `| head`.
    pub fn line(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", text.trim_end_matches('\n'))
    }

    /// An answer as JSON: indented for a person on a terminal, one line for a program.
    ///
    /// # Errors
    /// Nobody takes it.
    pub fn json<T: Serialize>(&self, value: &T) -> io::Result<()> {
        let compact = json::to_vec(value);
        if !self.is_terminal {
            return self.line(&String::from_utf8_lossy(&compact));
        }
        // Indented from the very bytes that a program would get.
        let indented = serde_json::from_slice::<serde_json::Value>(&compact)
            .and_then(|v| serde_json::to_string_pretty(&v))
            .map_err(io::Error::other)?;
        self.line(&indented)
    }

    /// One JSON document on one line, for streams of them.
    ///
    /// # Errors
    /// Nobody takes it.
    pub fn json_line<T: Serialize>(&self, value: &T) -> io::Result<()> {
        self.line(&String::from_utf8_lossy(&json::to_vec(value)))
    }

    /// A table. Cells are made printable here.
    ///
    /// # Errors
    /// Nobody takes it.
    pub fn table(&self, header: &[&str], rows: Vec<Vec<String>>) -> io::Result<()> {
        self.line(&table(header, rows, self.is_terminal.then_some(self.look.width)))
    }

    /// A word beside the answer, on standard error. A closed terminal is no reason to stop.
    pub fn note(&self, text: &str) {
        if writeln!(io::stderr().lock(), "{text}").is_err() {
            tracing::debug!("nobody reads standard error");
        }
    }

    /// Something is wrong and must be seen: on standard error, in red where there are colours.
    pub fn alarm(&self, text: &str) {
        self.note(&self.aside.alarm(text));
    }

    /// Progress of long work, on standard error; `total` 0 where the end is not known. Hidden where nobody
    /// looks.
    #[must_use]
    pub fn progress(&self, what: &str, total: u64) -> Progress {
        let bar = ProgressBar::new(total);
        let template = if total > 0 {
            "{prefix} {bar:30} {pos}/{len}  {msg}  {eta} left"
        } else {
            "{prefix} {spinner} {pos}  {msg}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress(bar)
    }
}

/// A bar that moves. It vanishes when it is dropped.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// So much is done.
    pub fn set(&self, done: u64) {
        self.0.set_position(done);
    }

    /// Shows the work that is being done right now.
    pub fn say(&self, message: String) {
        self.0.set_message(message);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn table(header: &[&str], rows: Vec<Vec<String>>, width: Option<usize>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().copied());
    table.set_content_arrangement(ContentArrangement::Disabled);
    if let Some(width) = width.and_then(|w| u16::try_from(w).ok()) {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table.add_rows(
        rows.into_iter().map(|row| row.into_iter().map(|cell| one_line(&cell)).collect::<Vec<_>>()),
    );
    // Blanks at the ends of lines would only be copied along.
    table
        .to_string()
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect::<Vec<_>>()
        .join("\n")
}

/// A text on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    printable(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

/// Does the character steer a terminal, or turn the direction of reading?
pub fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A cell of a CSV file that no spreadsheet takes for a formula. One that begins as a formula does, be it
/// behind blanks, gets an apostrophe in front; so does what follows a semicolon, which is where some
/// spreadsheets end a cell. A program that reads the file takes the apostrophe away again.
///
/// ```
/// use guichet_client::output::harmless_cell;
/// assert_eq!(harmless_cell("T-7"), "T-7");
/// assert_eq!(harmless_cell("=1+1"), "'=1+1");
/// ```
#[must_use]
pub fn harmless_cell(text: &str) -> Cow<'_, str> {
    let begins = |text: &str| {
        text.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
            || text.starts_with(['\t', '\r', '\n'])
    };
    if !text.split(';').any(begins) {
        return Cow::Borrowed(text);
    }
    let pieces: Vec<Cow<'_, str>> = text
        .split(';')
        .map(|piece| if begins(piece) { Cow::Owned(format!("'{piece}")) } else { Cow::Borrowed(piece) })
        .collect();
    Cow::Owned(pieces.join(";"))
}

/// The text without what steers a terminal or turns the direction of reading: such characters show as `\u{…}`.
/// Line breaks and tabs stay.
///
/// ```
/// use guichet_client::output::printable;
/// assert_eq!(printable("ça va"), "ça va");
/// assert_eq!(printable("\x1b[2Jgone"), "\\u{1b}[2Jgone");
/// ```
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    let steers = |c: char| steers(c) && c != '\n' && c != '\t';
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    // A text written on Windows ends its lines with two characters.
    for c in text.replace("\r\n", "\n").chars() {
        if steers(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_for_a_program_is_as_wide_as_its_content() {
        let rows =
            vec![vec!["T-1".to_owned(), "x".repeat(150)], vec!["T-2".to_owned(), "two\nlines".to_owned()]];
        let text = table(&["NUMBER", "SUBJECT"], rows, None);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(
            lines[0].starts_with("NUMBER")
                && lines[1].starts_with("T-1")
                && lines[1].ends_with(&"x".repeat(150)),
            "{text}"
        );
        assert!(lines[2].ends_with("two lines"), "{text}");
    }

    #[test]
    fn the_direction_of_reading_cannot_be_turned() {
        assert_eq!(printable("a\u{202e}b\r\nc"), "a\\u{202e}b\nc");
    }

    #[test]
    fn without_colours_nothing_is_painted() {
        assert_eq!(Look::PLAIN.alarm("broken"), "broken");
        assert_eq!(Look { width: 80, colour: true }.bold("x"), "\x1b[1mx\x1b[0m");
    }
}

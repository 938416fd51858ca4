//! A table as CSV (RFC 4180). Events begin with the columns by which tools of process mining know a case, its activity,
//! its time and who did it. No cell is taken for a formula by a spreadsheet.

use std::borrow::Cow;
use std::io::Write;

use guichet_client::output::harmless_cell;
use guichet_schemas::codec::Head;
use guichet_schemas::time::Timestamp;

use super::{Events, Rows};
use crate::HistoryError;
use crate::mining::activity;
use crate::rows::Decoded;
use crate::table::{Cell, EVENTS, Table};

/// Names that pm4py and Celonis look for.
const MINING: [&str; 4] = ["case:concept:name", "concept:name", "time:timestamp", "org:resource"];

/// Writes one file.
pub struct CsvFile<W: Write>(csv::Writer<W>);

impl<W: Write> CsvFile<W> {
    /// Begins a file with the names of the columns.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(to: W, table: &Table) -> Result<Self, HistoryError> {
        let mut file = Self(csv::Writer::from_writer(to));
        file.record(table.columns.iter().map(|column| Cow::Borrowed(column.name)))?;
        Ok(file)
    }

    fn record<'a>(&mut self, cells: impl Iterator<Item = Cow<'a, str>>) -> Result<(), HistoryError> {
        let cells: Vec<Cow<'_, str>> = cells.collect();
        self.0.write_record(cells.iter().map(|cell| cell.as_bytes())).map_err(wrong)
    }

    fn finish(mut self) -> Result<(), HistoryError> {
        Ok(self.0.flush()?)
    }
}

impl<W: Write> Rows for CsvFile<W> {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), HistoryError> {
        self.record(cells.iter().map(text))
    }

    fn end(self: Box<Self>) -> Result<(), HistoryError> {
        (*self).finish()
    }
}

/// Writes one file of events.
pub struct CsvEvents<W: Write>(CsvFile<W>);

impl<W: Write> CsvEvents<W> {
    /// Begins a file with the names of the columns.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(to: W) -> Result<Self, HistoryError> {
        let mut file = CsvFile(csv::Writer::from_writer(to));
        let names = MINING.into_iter().chain(EVENTS.columns.iter().map(|column| column.name));
        file.record(names.map(Cow::Borrowed))?;
        Ok(Self(file))
    }
}

impl<W: Write> Events for CsvEvents<W> {
    fn event(&mut self, head: &Head<'_>, decoded: &Decoded) -> Result<(), HistoryError> {
        let activity = activity(head, decoded);
        let mining = [
            Cell::Text(head.stream_id),
            Cell::Text(&activity),
            Cell::Time(head.occurred_at),
            Cell::Text(&decoded.actor.id),
        ];
        decoded.row(head, &mut |cells| self.0.record(mining.iter().chain(cells).map(text)))
    }

    fn end(self: Box<Self>) -> Result<(), HistoryError> {
        self.0.finish()
    }
}

fn text<'a>(cell: &Cell<'a>) -> Cow<'a, str> {
    match *cell {
        Cell::Null => Cow::Borrowed(""),
        Cell::Whole(number) => Cow::Owned(number.to_string()),
        Cell::Time(ms) => Cow::Owned(Timestamp(ms).to_string()),
        Cell::Flag(flag) => Cow::Borrowed(if flag { "true" } else { "false" }),
        Cell::Text(text) => harmless_cell(text),
        Cell::Texts(texts) => Cow::Owned(harmless_cell(&texts.join(" ")).into_owned()),
    }
}

fn wrong(error: csv::Error) -> HistoryError {
    HistoryError::from(std::io::Error::from(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Column, Kind};

    #[test]
    fn no_cell_is_a_formula() {
        const ONE: Table = Table {
            name: "one",
            about: "",
            columns: &[Column { name: "reason", kind: Kind::Text, nullable: false, about: "" }],
        };
        let mut bytes = Vec::new();
        let mut file = CsvFile::new(&mut bytes, &ONE).unwrap();
        for reason in ["=1+1", "+1", "-1", "@SUM(A1)", "a, \"b\"", "plain"] {
            file.row(&[Cell::Text(reason)]).unwrap();
        }
        Box::new(file).end().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text, "reason\n'=1+1\n'+1\n'-1\n'@SUM(A1)\n\"a, \"\"b\"\"\"\nplain\n");
    }
}

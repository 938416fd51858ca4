//! The forms in which events and tables are written.

pub mod csv;
pub mod ndjson;
pub mod parquet;

use guichet_schemas::codec::Head;

use crate::HistoryError;
use crate::rows::Decoded;
use crate::table::Cell;

/// Takes the rows of one table.
pub trait Rows {
    /// A row, its cells in the order of the columns.
    ///
    /// # Errors
    /// It cannot be written.
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), HistoryError>;

    /// There are no more.
    ///
    /// # Errors
    /// The last of it cannot be written.
    fn end(self: Box<Self>) -> Result<(), HistoryError>;
}

/// Takes events.
pub trait Events {
    /// The next one.
    ///
    /// # Errors
    /// It cannot be written.
    fn event(&mut self, head: &Head<'_>, decoded: &Decoded) -> Result<(), HistoryError>;

    /// There are no more.
    ///
    /// # Errors
    /// The last of it cannot be written.
    fn end(self: Box<Self>) -> Result<(), HistoryError>;
}

/// Events as rows of a table.
pub struct AsRows(pub Box<dyn Rows>);

impl Events for AsRows {
    fn event(&mut self, head: &Head<'_>, decoded: &Decoded) -> Result<(), HistoryError> {
        decoded.row(head, &mut |cells| self.0.row(cells))
    }

    fn end(self: Box<Self>) -> Result<(), HistoryError> {
        self.0.end()
    }
}

//! `projections`: how the read models of this process are.

use guichet_schemas::rejection::Rejection;
use guichet_schemas::wire::ProjectionsView;
use guichet_schemas::wire::query_reply::Data;

use super::answer::{Found, Reader, Refusal};
use super::page::Cursor;
use crate::status::Status;

pub(super) fn answer(reader: &Reader<'_>, status: &Status) -> Result<Found, Refusal> {
    if reader.ask.looks_back() {
        return Err(
            Rejection::Unsupported("the query projections with as_of or as_of_position".to_owned()).into()
        );
    }
    Cursor::refuse(reader.ask)?;
    let projection = status.projection(&reader.view, Some(reader.tenant()))?;
    Ok((Data::Projections(ProjectionsView { projections: vec![projection] }), None))
}

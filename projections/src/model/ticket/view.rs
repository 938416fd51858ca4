//! What the ticket model's rows say: reads on a view of its store.

use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::wire;
use prost::Message as _;

use crate::keys;
use crate::store::{Entry, StoreError, View, damaged_key, id_of_value};

impl View<'_> {
    /// The bytes of a record of the tenant.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn record(&self, tenant: &str, position: LogPosition) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(keys::RECORDS, &keys::record(tenant, position))
    }

    /// A ticket's row.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn ticket(&self, tenant: &str, id: TicketId) -> Result<Option<wire::TicketView>, StoreError> {
        let Some(bytes) = self.get(keys::TICKETS, &keys::ticket(tenant, id))? else { return Ok(None) };
        wire::TicketView::decode(bytes.as_slice())
            .map(Some)
            .map_err(|_| StoreError::Damaged { what: "a ticket's row" })
    }

    /// The ticket with a number.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn ticket_by_number(
        &self,
        tenant: &str,
        number: TicketNumber,
    ) -> Result<Option<TicketId>, StoreError> {
        self.get(keys::NUMBERS, &keys::number(tenant, number))?.map(|value| id_of_value(&value)).transpose()
    }

    /// The tickets with an id in another system, each with the name of that system.
    pub fn tickets_by_external_id(
        &self,
        tenant: &str,
        id: &str,
    ) -> impl Iterator<Item = Result<(String, TicketId), StoreError>> + use<'_> {
        let prefix = keys::external_id(tenant, id);
        self.scan(keys::EXTERNAL_REFS, prefix.clone(), &prefix).map(move |entry| {
            let (key, _) = entry?;
            let (source, ticket) = keys::source_and_ticket(&key, &prefix).ok_or_else(damaged_key)?;
            Ok((source.to_owned(), ticket))
        })
    }

    /// Where the events of a ticket stand, from a version on, oldest first.
    pub fn events_of(
        &self,
        tenant: &str,
        id: TicketId,
        from: StreamVersion,
    ) -> impl Iterator<Item = Result<(StreamVersion, LogPosition), StoreError>> + use<'_> {
        let start = keys::ticket_event(tenant, id, from);
        self.scan(keys::TICKET_EVENTS, keys::ticket(tenant, id), &start).map(place_entry)
    }

    /// The same downwards, newest first, of the versions below one.
    pub fn events_down_from(
        &self,
        tenant: &str,
        id: TicketId,
        below: u64,
    ) -> impl Iterator<Item = Result<(StreamVersion, LogPosition), StoreError>> + use<'_> {
        let last = StreamVersion::new(below.saturating_sub(1));
        let start = keys::ticket_event(tenant, id, last.unwrap_or(StreamVersion::FIRST));
        let down = self.scan_down(keys::TICKET_EVENTS, keys::ticket(tenant, id), &start);
        // Below the first there is none.
        down.take_while(move |_| last.is_some()).map(place_entry)
    }

    /// What was redacted of a ticket, comment by comment, the oldest first.
    pub(super) fn redactions(
        &self,
        tenant: &str,
        id: TicketId,
    ) -> impl Iterator<Item = Result<Box<[u8]>, StoreError>> + use<'_> {
        let prefix = keys::ticket(tenant, id);
        self.scan(keys::REDACTIONS, prefix.clone(), &prefix).map(|entry| entry.map(|(_, value)| value))
    }

    /// The tenant's numbers from `last` downwards.
    pub fn numbers_down_from(
        &self,
        tenant: &str,
        last: u64,
    ) -> impl Iterator<Item = Result<(TicketNumber, TicketId), StoreError>> + use<'_> {
        let start = keys::number(tenant, TicketNumber(last));
        self.scan_down(keys::NUMBERS, keys::tenant(tenant), &start).map(|entry| {
            let (key, value) = entry?;
            Ok((TicketNumber(keys::trailing_counter(&key).ok_or_else(damaged_key)?), id_of_value(&value)?))
        })
    }

    /// The tenant's records from a position on, oldest first.
    pub fn records_from(
        &self,
        tenant: &str,
        from: LogPosition,
    ) -> impl Iterator<Item = Result<(LogPosition, Box<[u8]>), StoreError>> + use<'_> {
        let start = keys::record(tenant, from);
        self.scan(keys::RECORDS, keys::tenant(tenant), &start).map(record_entry)
    }

    /// The tenant's last record at or before a position.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn last_record_until(
        &self,
        tenant: &str,
        until: LogPosition,
    ) -> Result<Option<Box<[u8]>>, StoreError> {
        let start = keys::record(tenant, until);
        let last = self.scan_down(keys::RECORDS, keys::tenant(tenant), &start).next();
        Ok(last.transpose()?.map(|(_, bytes)| bytes))
    }
}

fn place_entry(entry: Result<Entry, StoreError>) -> Result<(StreamVersion, LogPosition), StoreError> {
    let (key, value) = entry?;
    let version = keys::trailing_counter(&key).and_then(StreamVersion::new).ok_or_else(damaged_key)?;
    let position = keys::trailing_counter(&value).and_then(LogPosition::new).ok_or_else(damaged_key)?;
    Ok((version, position))
}

fn record_entry(entry: Result<Entry, StoreError>) -> Result<(LogPosition, Box<[u8]>), StoreError> {
    let (key, value) = entry?;
    Ok((keys::trailing_counter(&key).and_then(LogPosition::new).ok_or_else(damaged_key)?, value))
}

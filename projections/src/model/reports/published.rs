//! What a desk published of all that reports go by, as it was known at a position.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

use std::sync::{Arc, Mutex, PoisonError};

use guichet_config::body::Figure;
use guichet_config::{Configuration, Kind};
use guichet_reports::{BusinessHours, Defined};
use guichet_schemas::codec::decode_record;
use guichet_schemas::rejection::FieldError;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::ReportQuery;

use crate::keys;
use crate::queries::{Reader, Refusal};
use crate::store::{StoreError, View};

/// Desks whose publications are kept read.
const KEPT_MAX: usize = 16;

pub(in crate::model) struct Published {
    pub(in crate::model) configuration: Configuration,
    /// Where it stands in the log. The same positions are the same publications.
    pub(super) positions: Vec<u64>,
}

/// The newest reading, by tenant: publications are few, large, and asked for again and again.
pub(in crate::model) struct Cache {
    family: &'static str,
    kept: Mutex<Vec<(String, Arc<Published>)>>,
}

impl Cache {
    /// Of the publications that a column family holds.
    pub(in crate::model) fn of_family(family: &'static str) -> Self {
        Self { family, kept: Mutex::default() }
    }

    /// The publications up to a position and before the instant that is looked back to.
    pub(in crate::model) fn of(
        &self,
        view: &View<'_>,
        reader: &Reader<'_>,
        until: u64,
    ) -> Result<Arc<Published>, Refusal> {
        self.read(view, reader, until, reader.ask.as_of)
    }

    /// Everything that was published, however far the question looks back.
    pub(super) fn newest(&self, view: &View<'_>, reader: &Reader<'_>) -> Result<Arc<Published>, Refusal> {
        self.read(view, reader, u64::MAX, None)
    }

    fn read(
        &self,
        view: &View<'_>,
        reader: &Reader<'_>,
        until: u64,
        as_of: Option<Timestamp>,
    ) -> Result<Arc<Published>, Refusal> {
        let tenant = reader.tenant();
        let prefix = keys::tenant(tenant);
        let mut found = Vec::new();
        for entry in view.scan(self.family, prefix.clone(), &prefix) {
            let (key, bytes) = entry?;
            reader.entry(bytes.len())?;
            let position = key.last_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
            if position > until {
                break;
            }
            found.push((position, bytes));
        }
        let positions: Vec<u64> = found.iter().map(|(position, _)| *position).collect();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if as_of.is_none()
            && let Some(at) = kept.iter().position(|(of, known)| of == tenant && known.positions == positions)
        {
            let known = kept.remove(at);
            let published = Arc::clone(&known.1);
            kept.insert(0, known);
            return Ok(published);
        }
        let mut published = Published { configuration: Configuration::new(tenant), positions: Vec::new() };
        for (position, bytes) in found {
            let damaged = |_| StoreError::Damaged { what: "a publication" };
            let record = decode_record(&bytes).map_err(damaged)?;
            if as_of.is_none_or(|as_of| record.occurred_at < as_of) {
                published.configuration.evolve(&record.event);
                published.positions.push(position);
            }
        }
        let published = Arc::new(published);
        if as_of.is_none() {
            kept.retain(|(of, _)| of != tenant);
            kept.insert(0, (tenant.to_owned(), Arc::clone(&published)));
            kept.truncate(KEPT_MAX);
        }
        Ok(published)
    }
}

impl Published {
    /// The figure that a question names, as it was published last or in the version that the question names.
    pub(super) fn figure(&self, query: &ReportQuery) -> Result<Defined, FieldError> {
        Defined::of(&self.configuration, query)
    }

    /// A definition as it was published.
    pub(super) fn definition(&self, name: &str, version: u32) -> String {
        let mut history = self.configuration.history(Kind::Figure, name);
        history.find(|one| one.version == version).map(|one| one.body.to_string()).unwrap_or_default()
    }

    /// The figures of the desk by name, each with its version.
    pub(super) fn figures(&self) -> impl Iterator<Item = (&str, u32, &Figure)> {
        self.configuration.ids(Kind::Figure).filter_map(|name| {
            let (version, figure) = self.configuration.figure(name, None)?;
            Some((name, version, figure))
        })
    }

    /// The calendar that is named; the only one in force where none is named.
    pub(super) fn hours(
        &self,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<BusinessHours>, FieldError> {
        BusinessHours::of(&self.configuration, name, now)
    }
}

//! The queries `report_…`: the present from what is kept, a look back from the histories.

use std::sync::{Arc, Mutex, PoisonError};

use guichet_config::Configuration;
use guichet_reports::{BusinessHours, Cut, Kept, Kind, Look, Params, Report, Span};
use guichet_schemas::codec::decode_record;
use guichet_schemas::position::LogPosition;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;
use guichet_schemas::wire::query_reply::Data;

use super::build::build;
use super::{history, lock, recorded_at};
use crate::keys;
use crate::projection::Answers;
use crate::queries::page::{Cursor, Page};
use crate::queries::{Ask, Found, Question, Reader, Refusal};
use crate::store::{Store, StoreError, View};

/// Looks back that are kept: the pages of one answer, and who asks twice.
const LOOKS_MAX: usize = 4;

/// Answers from histories.
pub(super) struct Reports {
    store: Arc<Store>,
    kept: Arc<Mutex<Kept>>,
    looks: Mutex<Vec<(LookKey, Report)>>,
}

/// A look back is the same for ever: at a position nothing changes any more.
type LookKey = (String, Params, Cut);

impl Reports {
    pub(super) fn new(store: Arc<Store>, kept: Arc<Mutex<Kept>>) -> Self {
        Self { store, kept, looks: Mutex::default() }
    }

    /// What the desk knew and what had happened, there and then.
    fn look_back(&self, reader: &Reader<'_>, params: &Params, span: Span) -> Result<Data, StoreError> {
        let before = reader.ask.as_of.map_or(i64::MAX, |as_of| as_of.0);
        let cut = Cut { position: reader.until, before };
        let look = Look { position: reader.until, now: reader.now.0 };
        let key = (reader.tenant().to_owned(), params.clone(), cut);
        let looks = || self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, report)) = looks().iter().find(|(known, _)| *known == key) {
            return Ok(report.rows(span, look));
        }
        let report = build(&reader.view, keys::HISTORIES, reader.tenant(), params, cut)?;
        let rows = report.rows(span, look);
        let mut looks = looks();
        looks.truncate(LOOKS_MAX - 1);
        looks.insert(0, (key, report));
        Ok(rows)
    }

    /// The present, and the position that it is of.
    fn present(
        &self,
        tenant: &str,
        params: &Params,
        span: Span,
        now: i64,
    ) -> Result<(Data, u64), StoreError> {
        if let Some(found) = self.kept_rows(tenant, params, span, now) {
            return Ok(found);
        }
        let (from, view) = {
            let mut kept = lock(&self.kept);
            let position = kept.position();
            kept.begin(position);
            // Not behind the position; what it has beyond is cut off.
            (position, self.store.view())
        };
        let built = build(&view, keys::HISTORIES, tenant, params, Cut { position: from, ..Cut::NONE });
        let mut kept = lock(&self.kept);
        let built = built.and_then(|report| self.catch_up(&kept, &view, tenant, report, from));
        kept.end(from);
        let report = built?;
        let position = kept.position();
        let rows = report.rows(span, Look { position, now });
        kept.keep(tenant, params.clone(), report);
        Ok((rows, position))
    }

    fn kept_rows(&self, tenant: &str, params: &Params, span: Span, now: i64) -> Option<(Data, u64)> {
        let mut kept = lock(&self.kept);
        let position = kept.position();
        kept.rows(tenant, params, span, now).map(|rows| (rows, position))
    }

    /// Brings a report from the position where it was begun to the present one.
    fn catch_up(
        &self,
        kept: &Kept,
        begun: &View<'_>,
        tenant: &str,
        mut report: Report,
        from: u64,
    ) -> Result<Report, StoreError> {
        let prefix = keys::tenant(tenant);
        for key in kept.touched_since(from).iter().filter(|key| key.starts_with(&prefix)) {
            let before = begun.get(keys::HISTORIES, key)?.unwrap_or_default();
            report.remove(&history(&before, Cut { position: from, ..Cut::NONE })?);
            let after = self.store.row(keys::HISTORIES, key, |bytes| Ok(bytes.to_vec()))?.unwrap_or_default();
            report.add(&history(&after, Cut { position: kept.position(), ..Cut::NONE })?);
        }
        Ok(report)
    }
}

impl Answers for Reports {
    fn answer(&self, reader: &Reader<'_>) -> Result<Found, Refusal> {
        let Question::Report(kind, query) = &reader.ask.question else {
            return Err(Rejection::Unsupported("this query here".to_owned()).into());
        };
        let (params, span) = Params::read(*kind, query, reader.now.0)?;
        let with_hours = |view: &View<'_>, until| -> Result<Params, Refusal> {
            let of = |name| hours(view, reader, until, name);
            let hours = (*kind == Kind::FirstResponse).then(|| of(query.calendar.as_deref())).transpose()?;
            Ok(params.clone().with_hours(hours.flatten()))
        };
        let mut params = with_hours(&reader.view, reader.until)?;
        if reader.ask.looks_back() {
            let data = self.look_back(reader, &params, span)?;
            return page(data, reader.ask);
        }
        let (data, position) = loop {
            let (data, position) = self.present(reader.tenant(), &params, span, reader.now.0)?;
            // A calendar that was published meanwhile counts in an answer of its position.
            let then = with_hours(&self.store.view(), position)?;
            if then == params {
                break (data, position);
            }
            params = then;
        };
        reader.own_position.set(Some(position));
        page(data, reader.ask)
    }

    fn recorded_at(&self, reader: &Reader<'_>, until: LogPosition) -> Result<Option<Timestamp>, Refusal> {
        Ok(recorded_at(&reader.view, reader.tenant(), until)?.map(Timestamp))
    }
}

/// The calendar that is named, as it was known at a position and before the instant that is looked back to; the only
/// one in force where none is named.
fn hours(
    view: &View<'_>,
    reader: &Reader<'_>,
    until: u64,
    name: Option<&str>,
) -> Result<Option<BusinessHours>, Refusal> {
    let tenant = reader.tenant();
    let mut published = Configuration::new(tenant);
    let prefix = keys::tenant(tenant);
    for entry in view.scan(keys::REPORT_CALENDARS, prefix.clone(), &prefix) {
        let damaged = |_| StoreError::Damaged { what: "a publication" };
        let record = decode_record(&entry?.1).map_err(damaged)?;
        if record.position.get() > until {
            break;
        }
        if reader.ask.as_of.is_none_or(|as_of| record.occurred_at < as_of) {
            published.evolve(&record.event);
        }
    }
    let calendars = published.calendars();
    let found = match name {
        Some(name) => {
            let found = calendars.get_key_value(name);
            Some(found.ok_or_else(|| FieldError::new("calendar", "there is no calendar of that name"))?)
        }
        None => {
            let mut known =
                calendars.iter().filter(|(name, _)| published.calendar(name, reader.now).is_some());
            known.next().filter(|_| known.next().is_none())
        }
    };
    Ok(found.map(|(name, calendar)| BusinessHours {
        name: name.clone(),
        // Later ones than those add to them, so their number says which.
        versions: published.history(guichet_config::Kind::Calendar, name).count(),
        calendar: Arc::new(calendar.clone()),
    }))
}

/// Cuts the page out of the rows that was asked for.
pub(in crate::model) fn page(data: Data, ask: &Ask) -> Result<Found, Refusal> {
    macro_rules! page_of {
        ($($variant:ident: $report:ident,)*) => {
            match data {
                $(Data::$variant(report) => {
                    let (rows, next_cursor) = cut_out(report.rows, ask)?;
                    let data = Data::$variant(wire::$report { rows });
                    Ok((data, next_cursor))
                })*
                other => Ok((other, None)),
            }
        };
    }
    page_of! {
        ReportBacklog: BacklogReport,
        ReportReopenRate: ReopenRateReport,
        ReportResolutionTime: ResolutionTimeReport,
        ReportFirstResponse: FirstResponseReport,
        ReportClosure: ClosureReport,
        ReportEscalation: EscalationReport,
        ReportVolume: VolumeReport,
        ReportAgeing: AgeingReport,
        ReportReassignment: ReassignmentReport,
        ReportSla: SlaReport,
    }
}

fn cut_out<R: prost::Message + serde::Serialize>(
    rows: Vec<R>,
    ask: &Ask,
) -> Result<(Vec<R>, Option<String>), Refusal> {
    let after = Cursor::Row.read(ask)?.unwrap_or(0);
    let mut page = Page::new(ask);
    let mut last = after;
    let mut rows = rows.into_iter().skip(usize::try_from(after).unwrap_or(usize::MAX));
    let next = loop {
        let Some(row) = rows.next() else { break None };
        if !page.takes(row) {
            break Some(Cursor::Row.write(last));
        }
        last += 1;
    };
    Ok((page.into_entries(), next))
}

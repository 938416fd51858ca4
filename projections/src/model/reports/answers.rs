//! The queries `report_…`: the present from what is kept, a look back from the histories.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use guichet_reports::{
    Cut, Kept, Look, Params, ROWS_WITH_GOALS_MAX, Report, Span, Window, attainment, has_goals,
};
use guichet_schemas::each_report;
use guichet_schemas::position::LogPosition;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;
use guichet_schemas::wire::query_reply::Data;

use super::build::Sum;
use super::published::{Cache, Published};
use super::{history, lock, recorded_at};
use crate::keys;
use crate::projection::Answers;
use crate::queries::page::{BYTES_MAX, Cursor, cut};
use crate::queries::{Ask, Budget, Found, Over, Question, Reader, Refusal};
use crate::store::{Store, View};

/// Looks back that are kept: the pages of one answer, and who asks twice.
const LOOKS_MAX: usize = 4;
/// Bytes that they hold together.
const LOOKS_BYTES_MAX: usize = 32 << 20;
/// Questions that are remembered as too large to be kept whole.
const LARGE_MAX: usize = 64;

/// Answers from histories.
pub(super) struct Reports {
    store: Arc<Store>,
    kept: Arc<Mutex<Kept>>,
    looks: Mutex<Vec<(LookKey, Report)>>,
    /// Of these only the span that is asked for is summed, again for each page: the whole does not fit.
    large: Mutex<VecDeque<(String, Params)>>,
    published: Cache,
}

/// A look back is the same for ever: at a position nothing changes any more. With a span: only that one is summed.
type LookKey = (String, Params, Cut, Option<Span>);

/// Some rows, and whether there are more.
type Rows = (Data, bool);

struct Asked<'r, 'a> {
    reader: &'r Reader<'a>,
    span: Span,
    window: Window,
}

impl Asked<'_, '_> {
    fn page(&self, report: &Report, look: Look<'_>) -> Rows {
        report.page(self.span, look, window_of(look, self.window))
    }
}

impl Reports {
    pub(super) fn new(store: Arc<Store>, kept: Arc<Mutex<Kept>>) -> Self {
        Self {
            store,
            kept,
            looks: Mutex::default(),
            large: Mutex::default(),
            published: Cache::of_family(keys::REPORT_CONFIG),
        }
    }

    /// The knowledge of the desk at a position, and the events before an instant.
    fn look_back(
        &self,
        asked: &Asked<'_, '_>,
        params: &Params,
        published: &Published,
    ) -> Result<Rows, Refusal> {
        let reader = asked.reader;
        let before = reader.ask.as_of.map_or(i64::MAX, |as_of| as_of.0);
        let cut = Cut { position: reader.until, before };
        let look = Look::at(reader.until, reader.now.0).of(&published.configuration);
        let tenant = reader.tenant().to_owned();
        let key = |within| (tenant.clone(), params.clone(), cut, within);
        let (whole, narrow) = (key(None), key(Some(asked.span)));
        let looks = || self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, report)) = looks().iter().find(|(known, _)| *known == whole || *known == narrow) {
            return Ok(asked.page(report, look));
        }
        let sum = Sum {
            view: &reader.view,
            family: keys::HISTORIES,
            tenant: reader.tenant(),
            params,
            cut,
            within: None,
            budget: reader.budget,
        };
        let (key, report) = match self.whole(sum)? {
            Some(report) => (whole, report),
            None => (narrow, Sum { within: Some(asked.span), ..sum }.build()?),
        };
        let rows = asked.page(&report, look);
        keep_look(&mut looks(), key, report);
        Ok(rows)
    }

    /// The present, and the position that it is of.
    fn present(
        &self,
        asked: &Asked<'_, '_>,
        params: &Params,
        published: &Published,
    ) -> Result<(Rows, u64), Refusal> {
        let (tenant, now) = (asked.reader.tenant(), asked.reader.now.0);
        let look = |position| Look::at(position, now).of(&published.configuration);
        if let Some(found) = self.kept_rows(params, asked, look) {
            return Ok(found);
        }
        let (from, view) = {
            let mut kept = lock(&self.kept);
            let position = kept.position();
            kept.begin(position);
            // Not behind the position; what it has beyond is cut off.
            (position, self.store.view())
        };
        let building = Building { kept: &self.kept, from };
        let cut = Cut { position: from, ..Cut::NONE };
        let budget = asked.reader.budget;
        let sum = Sum { view: &view, family: keys::HISTORIES, tenant, params, cut, within: None, budget };
        let Some(report) = self.whole(sum)? else {
            let report = Sum { within: Some(asked.span), ..sum }.build()?;
            return Ok((asked.page(&report, look(from)), from));
        };
        let mut kept = lock(&self.kept);
        let report = self.catch_up(&kept, &view, tenant, report, from, budget)?;
        let position = kept.position();
        let rows = asked.page(&report, look(position));
        kept.keep(tenant, params.clone(), report);
        drop(kept);
        drop(building);
        Ok((rows, position))
    }

    /// The sums of all spans; `None` where they are more than one answer may hold.
    fn whole(&self, sum: Sum<'_>) -> Result<Option<Report>, Refusal> {
        let is = |(tenant, params): &(String, Params)| tenant == sum.tenant && params == sum.params;
        let large = || self.large.lock().unwrap_or_else(PoisonError::into_inner);
        if large().iter().any(is) {
            return Ok(None);
        }
        match sum.build() {
            Ok(report) => Ok(Some(report)),
            Err(Refusal::Over(Over::Memory)) => {
                sum.budget.give_back();
                let mut large = large();
                large.truncate(LARGE_MAX.saturating_sub(1));
                large.push_front((sum.tenant.to_owned(), sum.params.clone()));
                Ok(None)
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// A figure is counted by its newest definition, and by the calendar as it is now, however far the question looks
    /// back: figures are published to look at the years before them.
    fn defined(
        &self,
        params: Params,
        query: &wire::ReportQuery,
        view: &View<'_>,
        reader: &Reader<'_>,
    ) -> Result<Params, Refusal> {
        let newest = self.published.newest(view, reader)?;
        let defined = newest.figure(query)?;
        let calendar = defined.figure.duration.as_ref().and_then(|duration| duration.calendar.as_deref());
        let hours = calendar.map(|name| newest.hours(Some(name), reader.now)).transpose()?.flatten();
        Ok(params.with_figure(Some(defined)).with_hours(hours))
    }

    fn figures(&self, reader: &Reader<'_>) -> Result<Found, Refusal> {
        let published = self.published.of(&reader.view, reader, reader.until)?;
        let figures = published.figures().map(|(name, definition_version, figure)| wire::FigureView {
            figure: name.to_owned(),
            definition_version,
            title_en: figure.title.en.clone(),
            title_fr: figure.title.fr.clone(),
            definition: published.definition(name, definition_version),
        });
        let after = Cursor::Row.read(reader.ask)?.unwrap_or(0);
        let skipped = figures.skip(usize::try_from(after).unwrap_or(usize::MAX));
        let (figures, next_cursor) = cut(skipped.collect(), after, false, reader.ask);
        Ok((Data::Figures(wire::FiguresView { figures }), next_cursor))
    }

    fn kept_rows<'a>(
        &self,
        params: &Params,
        asked: &Asked<'_, '_>,
        look: impl Fn(u64) -> Look<'a>,
    ) -> Option<(Rows, u64)> {
        let mut kept = lock(&self.kept);
        let position = kept.position();
        let look = look(position);
        let rows = kept.page(asked.reader.tenant(), params, asked.span, look, window_of(look, asked.window));
        rows.map(|rows| (rows, position))
    }

    /// Brings a report from the position where it was begun to the present one.
    fn catch_up(
        &self,
        kept: &Kept,
        begun: &View<'_>,
        tenant: &str,
        mut report: Report,
        from: u64,
        budget: &Budget,
    ) -> Result<Report, Refusal> {
        let prefix = keys::tenant(tenant);
        let mut meter = budget.meter();
        for key in kept.touched_since(from).iter().filter(|key| key.starts_with(&prefix)) {
            let before = begun.get(keys::HISTORIES, key)?.unwrap_or_default();
            meter.entry(before.len())?;
            report.remove(&history(&before, Cut { position: from, ..Cut::NONE })?);
            let after = self.store.row(keys::HISTORIES, key, |bytes| Ok(bytes.to_vec()))?.unwrap_or_default();
            report.add(&history(&after, Cut { position: kept.position(), ..Cut::NONE })?);
        }
        Ok(report)
    }
}

/// A build under way. Its end is told, however it ends.
struct Building<'a> {
    kept: &'a Mutex<Kept>,
    from: u64,
}

impl Drop for Building<'_> {
    fn drop(&mut self) {
        lock(self.kept).end(self.from);
    }
}

/// Keeps a look back, as far as there is room.
fn keep_look(looks: &mut Vec<(LookKey, Report)>, key: LookKey, report: Report) {
    looks.insert(0, (key, report));
    let mut bytes = 0_usize;
    let fits = looks.iter().take(LOOKS_MAX).take_while(|(_, report)| {
        bytes = bytes.saturating_add(report.bytes_at_most());
        bytes <= LOOKS_BYTES_MAX
    });
    let fits = fits.count();
    looks.truncate(fits);
}

impl Answers for Reports {
    fn answer(&self, reader: &Reader<'_>) -> Result<Found, Refusal> {
        if let Question::Figures = &reader.ask.question {
            return self.figures(reader);
        }
        let Question::Report(kind, query) = &reader.ask.question else {
            return Err(Rejection::Unsupported("this query here".to_owned()).into());
        };
        let (params, span) = Params::read(*kind, query, reader.now.0)?;
        let asked = Asked { reader, span, window: window(reader.ask)? };
        let known = |view: &View<'_>, until| -> Result<(Params, Arc<Published>), Refusal> {
            let published = self.published.of(view, reader, until)?;
            let params = if kind.takes_figure() {
                self.defined(params.clone(), query, view, reader)?
            } else {
                let of = |name| published.hours(name, reader.now);
                let hours = kind.counts_open_hours().then(|| of(query.calendar.as_deref())).transpose()?;
                params.clone().with_hours(hours.flatten())
            };
            Ok((params, published))
        };
        let (mut params, mut published) = known(&reader.view, reader.until)?;
        if reader.ask.looks_back() {
            let rows = self.look_back(&asked, &params, &published)?;
            let look = Look::at(reader.until, reader.now.0).of(&published.configuration);
            return page(rows, &params, look, reader);
        }
        let (rows, position) = loop {
            let (rows, position) = self.present(&asked, &params, &published)?;
            // What was published meanwhile counts in an answer of its position.
            let then = known(&self.store.view(), position)?;
            if then.0 == params && then.1.positions == published.positions {
                break (rows, position);
            }
            (params, published) = then;
        };
        reader.own_position.set(Some(position));
        page(rows, &params, Look::at(position, reader.now.0).of(&published.configuration), reader)
    }

    fn recorded_at(&self, reader: &Reader<'_>, until: LogPosition) -> Result<Option<Timestamp>, Refusal> {
        Ok(recorded_at(&reader.view, reader.tenant(), until)?.map(Timestamp))
    }
}

/// The rows of the page that is asked for.
pub(in crate::model) fn window(ask: &Ask) -> Result<Window, FieldError> {
    let skip = Cursor::Row.read(ask)?.unwrap_or(0);
    Ok(Window { skip, rows: ask.limit, bytes: BYTES_MAX })
}

/// The same where goals may be told beside the rows: fewer, so that both fit in one answer.
pub(in crate::model) fn window_of(look: Look<'_>, window: Window) -> Window {
    if has_goals(look) { Window { rows: window.rows.min(ROWS_WITH_GOALS_MAX), ..window } } else { window }
}

/// Cuts the page out of the rows that were made for it, and tells how they stand to goals.
pub(in crate::model) fn page(
    rows: Rows,
    params: &Params,
    look: Look<'_>,
    reader: &Reader<'_>,
) -> Result<Found, Refusal> {
    let (data, next_cursor) = cut_out(rows, reader.ask)?;
    reader.attainment.replace(attainment(params, &data, look));
    Ok((data, next_cursor))
}

fn cut_out((data, more): Rows, ask: &Ask) -> Result<Found, Refusal> {
    let after = Cursor::Row.read(ask)?.unwrap_or(0);
    macro_rules! page_of {
        ($($of:ident { $($name:literal => $variant:ident: $report:ident $about:tt)* })*) => {
            match data {
                $($(Data::$variant(report) => {
                    let (rows, next_cursor) = cut(report.rows, after, more, ask);
                    let data = Data::$variant(wire::$report { rows });
                    Ok((data, next_cursor))
                })*)*
                other => Ok((other, None)),
            }
        };
    }
    each_report!([page_of])
}

//! Reading a report from all histories, on every core.

use std::thread;

use guichet_reports::{Cut, Params, Report};

use super::history;
use crate::keys;
use crate::store::{StoreError, View};

/// Threads that read at the same time; more wait for the same disk.
const THREADS_MAX: usize = 4;

/// The sums over a tenant's histories, each cut.
pub(in crate::model) fn build(
    view: &View<'_>,
    family: &str,
    tenant: &str,
    params: &Params,
    cut: Cut,
) -> Result<Report, StoreError> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    let bounds = bounds(view, family, tenant, threads)?;
    thread::scope(|scope| {
        let parts: Vec<_> = bounds
            .windows(2)
            .map(|part| scope.spawn(move || sum(view, family, tenant, params, cut, &part[0], &part[1])))
            .collect();
        let mut whole = Report::new(params.clone());
        for part in parts {
            let part = part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            whole.merge(part);
        }
        Ok(whole)
    })
}

fn sum(
    view: &View<'_>,
    family: &str,
    tenant: &str,
    params: &Params,
    cut: Cut,
    from: &[u8],
    to: &[u8],
) -> Result<Report, StoreError> {
    let mut report = Report::new(params.clone());
    for entry in view.scan(family, keys::tenant(tenant), from) {
        let (key, bytes) = entry?;
        if &*key >= to {
            break;
        }
        report.add(&history(&bytes, cut)?);
    }
    Ok(report)
}

/// Keys that cut a tenant's tickets into so many parts. Ids begin with the time, so equal steps between the first and
/// the last hold about as many tickets each; where they do not, the sums are the same and only slower.
fn bounds(view: &View<'_>, family: &str, tenant: &str, parts: usize) -> Result<Vec<Vec<u8>>, StoreError> {
    let prefix = keys::tenant(tenant);
    let id = |key: &[u8]| key.last_chunk().map_or(0, |id| u128::from_be_bytes(*id));
    let mut end = prefix.clone();
    end.extend_from_slice(&[0xff; 17]);
    let first = view.scan(family, prefix.clone(), &prefix).next().transpose()?;
    let last = view.scan_down(family, prefix.clone(), &end).next().transpose()?;
    let (Some((first, _)), Some((last, _))) = (first, last) else { return Ok(vec![prefix, end]) };
    let (first, last) = (id(&first), id(&last));
    let step = (last - first) / parts as u128;
    let mut bounds = vec![prefix.clone()];
    bounds.extend((1..parts as u128).map(|n| {
        let mut key = prefix.clone();
        key.extend_from_slice(&(first + step * n).to_be_bytes());
        key
    }));
    bounds.push(end);
    Ok(bounds)
}

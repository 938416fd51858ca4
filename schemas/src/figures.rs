//! The figures of reports, by the names that they have in JSON: what of a row a goal can be for.
//!
//! Counts and shares are there by their own name, durations as `first.p90`, what is told for each metric as
//! `metrics.first_reply.attainment`.

include!(concat!(env!("OUT_DIR"), "/figures.rs"));

/// Of a report; `None`: there is no such report, or its rows are of no period.
///
/// ```
/// use guichet_schemas::figures;
/// assert!(figures::of("report_resolution_time").unwrap().contains(&"first.p90"));
/// assert!(figures::of("report_sla").unwrap().contains(&"metrics.first_reply.attainment"));
/// assert_eq!(figures::of("report_ageing"), None);
/// ```
#[must_use]
pub fn of(report: &str) -> Option<&'static [&'static str]> {
    FIGURES.iter().find(|(name, _)| *name == report).map(|(_, figures)| *figures)
}

/// The reports that have some.
pub fn reports() -> impl Iterator<Item = &'static str> {
    FIGURES.iter().map(|(name, _)| *name)
}

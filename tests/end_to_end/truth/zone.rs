//! The ServiceNow file once more, its wall clock read as that of São Paulo. Brazil put its clocks forward once
//! in that time, so what spans that night was an hour shorter, and nothing else changes.

use super::loaded::{loaded, servicenow};
use super::servicenow::{rows, wall};
use super::ticket::Ticket;
use crate::harness::{Serve, Settings};

/// The night of the change: from midnight on the wall clock is 2 and no longer 3 hours behind UTC.
const CHANGE: &str = "2016-10-16T00:00:00";
const HOUR_MS: i64 = 3_600_000;

#[tokio::test]
async fn read_as_sao_paulo_only_what_spans_the_clock_change_is_an_hour_shorter() {
    let Some(export) = servicenow() else { return };
    let export = crate::import::Export { zone: Some("America/Sao_Paulo"), ..export };
    let mut node = Serve::start(Settings::default()).await;
    let summary = export.run(node.url(), node.dir()).await;
    assert_eq!((summary.rejected_rows, summary.refused, summary.unchanged), (0, 0, 0));
    let there = Ticket::all(&node.desk().await.tickets().await);
    assert!(node.stop().await.success());
    // The import that others share may still be under way: we may block, nothing else runs here.
    let here = &loaded().expect("the data sets are there").servicenow;
    assert_eq!(there.len(), here.len());

    let change = wall(CHANGE);
    let instant = |wall: i64| wall + if wall < change { 3 * HOUR_MS } else { 2 * HOUR_MS };
    let mut shorter = [0; 4];
    for row in rows() {
        let (utc, local) = (&here[&row.number], &there[&row.number]);
        assert_eq!(local.created_at, instant(utc.created_at), "{}", row.number);
        let times: [fn(&Ticket) -> Option<i64>; 3] =
            [|t| t.first_resolved_at, |t| t.last_resolved_at, |t| t.closed_at];
        for (at, shorter) in times.iter().zip(&mut shorter) {
            let lasted =
                |t: &Ticket| at(t).expect("every incident of this export ends closed") - t.created_at;
            let spans = utc.created_at < change && at(utc).is_some_and(|end| end >= change);
            let expected = lasted(utc) - if spans { HOUR_MS } else { 0 };
            assert_eq!(lasted(local), expected, "{}", row.number);
            *shorter += u32::from(spans);
        }
        // The file's own closed_at is no part of the view, as it copies the future into the past.
        let (opened, closed) = (wall(&row.opened_at), wall(&row.closed));
        shorter[3] += u32::from(instant(closed) - instant(opened) == closed - opened - HOUR_MS);
    }
    assert_eq!(
        shorter,
        [107, 111, 142, 143],
        "first and last resolution, closing, and the file's own closed_at"
    );
}

//! The live stream.

use std::time::{Duration, Instant};

use crate::desk::Desk;

#[tokio::test]
async fn a_position_is_announced_once_the_read_models_show_it() {
    let Some(desk) = Desk::start().await else { return };
    let mut live = desk.live().await;
    assert!(live.headers.contains(&("content-type".to_owned(), "text/event-stream".to_owned())));
    assert_eq!(live.position().await, 7);
    desk.happens(8).await;
    desk.happens(9).await;
    // The event is there, the read model is not: whoever asked now would not see it.
    let early = tokio::time::timeout(Duration::from_millis(400), live.position()).await;
    assert!(early.is_err(), "announced {early:?} before it was folded");
    desk.folded.send_replace(Some(9));
    assert_eq!(live.position().await, 9);
}

#[tokio::test]
async fn boards_and_reports_are_named() {
    let Some(desk) = Desk::start().await else { return };
    let mut live = desk.live().await;
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(live.next().await.unwrap().name);
    }
    assert_eq!(names, ["position", "queues", "reports"]);
}

#[tokio::test]
async fn many_events_are_few_announcements() {
    let Some(desk) = Desk::start().await else { return };
    let mut live = desk.live().await;
    assert_eq!(live.position().await, 7);
    desk.folded.send_replace(Some(10_000));
    let begun = Instant::now();
    for position in 8..=10_000 {
        desk.happens(position).await;
    }
    let mut announced = 1;
    while live.position().await < 10_000 {
        announced += 1;
    }
    let at_most = 2 + begun.elapsed().as_millis() / 200;
    assert!(announced <= at_most, "{announced} announcements in {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_reader_that_does_not_read_costs_nobody_anything() {
    let Some(desk) = Desk::start().await else { return };
    let _asleep = desk.live().await;
    let mut live = desk.live().await;
    assert_eq!(live.position().await, 7);
    for position in 8..20 {
        desk.folded.send_replace(Some(position));
        desk.happens(position).await;
        while live.position().await < position {}
    }
}

#[tokio::test]
async fn the_streams_end_when_the_server_stops() {
    let Some(desk) = Desk::start().await else { return };
    let mut live = desk.live().await;
    assert_eq!(live.position().await, 7);
    let stopping = Instant::now();
    desk.http.stop().await;
    while live.next().await.is_some() {}
    assert!(stopping.elapsed() < Duration::from_secs(4), "{:?}", stopping.elapsed());
}

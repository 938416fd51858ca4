//! What operators look at.

use futures_util::StreamExt as _;
use guichet_schemas::wire::{self, PublishingReason, PublishingState};
use serde_json::json;

use crate::client::Answer;
use crate::desk::Desk;

#[tokio::test]
async fn metrics_have_help_and_count_by_route() {
    let Some(desk) = Desk::start().await else { return };
    desk.get("/api/v1/default/tickets/T-4711").await;
    desk.get("/no/such/page").await;
    desk.says(404, "not_found", "{}");
    desk.get("/api/v1/default/tickets/T-4712").await;
    desk.folded.send_replace(Some(42));
    let mut live = desk.live().await;
    live.position().await;
    let text = desk.get("/metrics").await.body;
    assert!(!text.contains("T-471") && !text.contains("/no/such"), "a path became a label:\n{text}");
    let sample = |line: &str| assert!(text.lines().any(|l| l.starts_with(line)), "no {line} in\n{text}");
    sample(
        r#"guichet_http_requests_total{route="/api/v1/{tenant}/tickets/{ticket}",method="GET",status="200"}"#,
    );
    sample(r#"guichet_http_requests_total{route="unmatched",method="GET",status="404"}"#);
    sample(r#"guichet_http_request_seconds_bucket{route="/api/v1/{tenant}/tickets/{ticket}""#);
    sample(r#"guichet_query_refusals_total{query="ticket",code="not_found"}"#);
    sample("guichet_live_connections ");
    // Another test may scrape in between, with another read model.
    for gauge in ["lag", "checkpoint_position", "verified_position", "quarantined_tickets"] {
        sample(&format!(r#"guichet_projection_{gauge}{{projection="ticket"}}"#));
    }
    let mut described = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            described.push(rest.split(' ').next().unwrap().to_owned());
        } else if !line.starts_with('#') && !line.is_empty() {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(described.iter().any(|d| name.starts_with(d.as_str())), "{name} has no HELP");
        }
    }
}

/// What is known of the read models may be half a second old.
async fn not_ready(desk: &Desk) -> Answer {
    loop {
        let reply = desk.get("/readyz").await;
        if reply.status != 200 {
            assert_eq!(reply.status, 503);
            return reply;
        }
    }
}

#[tokio::test]
async fn publishing_that_stands_is_seen_everywhere() {
    let Some(desk) = Desk::start().await else { return };
    let page = desk.page("/desk/default/projections", "en").await.body;
    assert!(!page.contains("class=\"publishing\""), "nothing is published here");
    let mut view = wire::PublishingView {
        state: PublishingState::Standing as i32,
        reason: Some(PublishingReason::StreamFull as i32),
        detail: Some("no <space> left".to_owned()),
        head: 9_000,
        published: 7,
        since: Some(1_790_000_000_000),
    };
    desk.publishing.send_replace(Some(view.clone()));
    let reply = not_ready(&desk).await.json();
    let reason = reply["reason"].as_str().unwrap();
    assert!(reason.contains("stream_full") && reason.contains("no <space> left"), "{reason}");
    assert_eq!(
        (&reply["publishing"]["state"], &reply["publishing"]["head"]),
        (&json!("standing"), &json!(9_000))
    );
    let metrics = desk.get("/metrics").await.body;
    for line in [
        "guichet_publishing_state{state=\"standing\"} 1",
        "guichet_publishing_state{state=\"live\"} 0",
        "guichet_publishing_standing{reason=\"stream_full\"} 1",
        "guichet_log_head_position 9000",
        "guichet_publishing_position 7",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line}\n{metrics}");
    }
    for (language, word) in [("en", "the stream is full"), ("fr", "le flux est plein")] {
        let page = desk.page("/desk/default/tiles/projections", language).await.body;
        assert!(page.contains(word) && page.contains("no &#60;space&#62; left"), "{page}");
    }
    view.state = PublishingState::Unknown as i32;
    view.reason = Some(PublishingReason::NoEngine as i32);
    desk.publishing.send_replace(Some(view));
    loop {
        let reply = desk.get("/readyz").await;
        if reply.status == 200 {
            // Nothing newer than what is shown can have been acknowledged.
            assert_eq!(reply.json()["publishing"]["state"], json!("unknown"));
            break;
        }
    }
}

#[tokio::test]
async fn whoever_has_no_token_does_not_keep_the_read_models_busy() {
    let Some(desk) = Desk::start().await else { return };
    let mut questions = desk.nats.subscribe("guichet.v1.query.default.http.projections").await.unwrap();
    desk.nats.flush().await.unwrap();
    let begun = std::time::Instant::now();
    let probes = (0..200).map(|_| desk.send("GET", "/readyz", &[]));
    for reply in futures_util::future::join_all(probes).await {
        assert_eq!(reply.status, 200);
    }
    let halves = 1 + begun.elapsed().as_millis() / 500;
    desk.nats.publish("guichet.v1.query.default.http.projections", "end".into()).await.unwrap();
    let mut asked = 0;
    while questions.next().await.unwrap().payload != "end" {
        asked += 1;
    }
    assert!(asked <= halves, "{asked} questions in {halves} half seconds");
}

#[tokio::test]
async fn a_read_model_that_stands_still_is_not_ready() {
    let Some(desk) = Desk::start().await else { return };
    let reply = desk.get("/readyz").await;
    assert_eq!((reply.status, &reply.json()["ready"]), (200, &json!(true)));
    assert_eq!(reply.json()["read_models"][0]["checkpoint"], json!(7));
    desk.folded.send_replace(None);
    let reply = not_ready(&desk).await;
    assert_eq!(reply.json()["ready"], json!(false));
    assert!(reply.json()["reason"].as_str().unwrap().contains("another lineage"), "{}", reply.body);
}

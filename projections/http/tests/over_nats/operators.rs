//! What operators look at.

use serde_json::json;

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

#[tokio::test]
async fn a_read_model_that_stands_still_is_not_ready() {
    let Some(desk) = Desk::start().await else { return };
    let reply = desk.get("/readyz").await;
    assert_eq!((reply.status, &reply.json()["ready"]), (200, &json!(true)));
    assert_eq!(reply.json()["read_models"][0]["checkpoint"], json!(7));
    desk.folded.send_replace(None);
    let reply = desk.get("/readyz").await;
    assert_eq!((reply.status, &reply.json()["ready"]), (503, &json!(false)));
    assert!(reply.json()["reason"].as_str().unwrap().contains("another lineage"), "{}", reply.body);
}

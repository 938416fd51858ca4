//! Questions and answers, passed on.

use serde_json::json;

use crate::desk::Desk;

#[tokio::test]
async fn a_request_becomes_its_query_and_the_answer_comes_back_untouched() {
    let Some(desk) = Desk::start().await else { return };
    // Blanks and the order of fields show that nobody reads and writes it again.
    let answer = r#"{"ok":true, "data":[], "as_of_position":9}"#;
    desk.says(200, "", answer);
    for (path, query, question) in [
        (
            "/reports/backlog?from=2026-03-01&group_by=channel&limit=5",
            "report_backlog",
            json!({"from": "2026-03-01", "group_by": "channel", "limit": 5}),
        ),
        ("/tickets?status=open&text=a%20%26%20b", "tickets", json!({"status": "open", "text": "a & b"})),
        ("/tickets/T-42", "ticket", json!({"number": "T-42"})),
        ("/tickets/T-42/timeline?limit=3", "timeline", json!({"number": "T-42", "limit": 3})),
        (
            "/external-refs/INC%207?external_source=desk",
            "ticket",
            json!({"external_id": "INC 7", "external_source": "desk"}),
        ),
        ("/external-refs/7/timeline", "timeline", json!({"external_id": "7"})),
        ("/queues?by=agent", "queues", json!({"by": "agent"})),
        ("/queues/first%20line?order=due", "queue", json!({"group": "first line", "order": "due"})),
        ("/queue?without_group=true", "queue", json!({"without_group": true})),
        ("/events?from=3&to=9", "events", json!({"from": 3, "to": 9})),
        ("/projections?min_position=1", "projections", json!({"min_position": 1})),
    ] {
        let reply = desk.get(&format!("/api/v1/default{path}")).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, answer), "{path}");
        assert_eq!(reply.header("content-type"), Some("application/json"));
        let (subject, body) = desk.asked().pop().unwrap();
        assert_eq!(subject, format!("guichet.v1.query.default.http.{query}"), "{path}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&body).unwrap(), question, "{path}");
    }
    assert!(desk.get("/api/v1/acme/tickets").await.status == 200);
    assert_eq!(desk.asked().pop().unwrap().0, "guichet.v1.query.acme.http.tickets");
}

#[tokio::test]
async fn a_refusal_keeps_its_number_and_its_json() {
    let Some(desk) = Desk::start().await else { return };
    for (number, code) in [
        (400, "malformed"),
        (404, "not_found"),
        (422, "validation_failed"),
        (429, "busy"),
        (501, "unsupported"),
        (503, "unavailable"),
    ] {
        let body = json!({"ok": false, "error": {"code": code}}).to_string();
        desk.says(number, code, body.clone());
        let reply = desk.get("/api/v1/default/tickets").await;
        assert_eq!((reply.status, reply.body), (number, body), "{code}");
    }
    desk.says(429, "busy", "{}");
    assert!(desk.get("/api/v1/default/tickets").await.header("retry-after").is_some());
}

#[tokio::test]
async fn what_is_no_question_is_refused_here() {
    let Some(desk) = Desk::start().await else { return };
    for (path, status, code) in [
        ("/api/v1/no.token/tickets", 400, "bad_subject"),
        ("/api/v1/%ff/tickets", 400, "malformed"),
        ("/api/v1/default/nonsense", 404, "not_found"),
        ("/api/v2/default/tickets", 404, "not_found"),
        ("/api/v1/default/reports/nonsense", 404, "not_found"),
        ("/api/v1/no.token/live", 400, "bad_subject"),
    ] {
        let reply = desk.get(path).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{path}: {}", reply.body);
    }
    let reply = desk.send("DELETE", "/api/v1/default/tickets", &[("Authorization", &Desk::bearer())]).await;
    assert_eq!((reply.status, reply.code().as_str()), (405, "bad_subject"));
    assert!(reply.header("allow").unwrap().contains("GET"));
    assert_eq!(desk.asked(), []);
}

#[tokio::test]
async fn without_read_models_the_answer_says_what_to_do() {
    let Some(desk) = Desk::without_read_models().await else { return };
    let reply = desk.get("/api/v1/default/tickets").await;
    assert_eq!((reply.status, reply.code().as_str()), (503, "unavailable"));
    assert!(reply.json()["error"]["message"].as_str().unwrap().contains("guichet project"));
    assert_eq!(desk.get("/readyz").await.status, 503);
    assert_eq!(desk.get("/healthz").await.status, 200);
    assert_eq!(desk.get("/api/v1/default/live").await.status, 503);
}

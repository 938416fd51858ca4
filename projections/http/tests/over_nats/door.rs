//! Who comes in, and what every answer carries.

use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::desk::Desk;

#[tokio::test]
async fn the_api_opens_to_the_bearer_of_the_token_only() {
    let Some(desk) = Desk::start().await else { return };
    let wrong = format!("Bearer {}", "ac".repeat(32));
    let cookie = desk.cookie();
    for headers in [vec![], vec![("Authorization", wrong.as_str())], vec![("Cookie", cookie.as_str())]] {
        for path in ["/api/v1/default/tickets", "/api/v1/default/reports/csat"] {
            let reply = desk.send("GET", path, &headers).await;
            assert_eq!((reply.status, reply.code().as_str()), (401, "unauthenticated"), "{path} {headers:?}");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        }
    }
    assert_eq!(desk.asked(), []);
    assert_eq!(desk.get("/api/v1/default/tickets").await.status, 200);
}

#[tokio::test]
async fn a_browser_follows_with_its_cookie() {
    let Some(desk) = Desk::start().await else { return };
    assert_eq!(desk.send("GET", "/api/v1/default/live", &[]).await.status, 401);
    let mut live =
        crate::client::Stream::open(desk.address(), "/api/v1/default/live", &[("Cookie", &desk.cookie())])
            .await;
    assert_eq!(live.status, 200);
    assert_eq!(live.position().await, 7);
}

#[tokio::test]
async fn health_metrics_and_the_description_need_no_token() {
    let Some(desk) = Desk::start().await else { return };
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(desk.send("GET", path, &[]).await.status, 200, "{path}");
    }
    assert_eq!(desk.send("GET", "/api/openapi.json", &[]).await.json()["openapi"], "3.1.0");
}

#[tokio::test]
async fn a_foreign_name_for_our_address_is_not_answered() {
    let Some(desk) = Desk::start().await else { return };
    for (host, status) in
        [("evil.example", 403), ("evil.example:80", 403), ("desk.example:8080", 200), ("localhost:1", 200)]
    {
        let headers = [("Host", host), ("Authorization", &Desk::bearer())];
        assert_eq!(desk.send("GET", "/api/v1/default/tickets", &headers).await.status, status, "{host}");
        assert_eq!(desk.send("GET", "/metrics", &headers).await.status, status, "{host}");
    }
}

#[tokio::test]
async fn every_answer_forbids_foreign_content() {
    let Some(desk) = Desk::start().await else { return };
    for path in
        ["/api/v1/default/tickets", "/nowhere", "/healthz", "/metrics", "/desk/default/", "/?token=wrong"]
    {
        let reply = desk.get(path).await;
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(reply.header("cross-origin-opener-policy"), Some("same-origin"));
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

/// The read models give up what nobody listens for: so whoever leaves must be seen to listen no more.
#[tokio::test]
async fn a_browser_that_leaves_listens_no_more_for_its_answer() {
    let Some(desk) = Desk::start().await else { return };
    let mut questions = desk.nats.subscribe("guichet.v1.query.silent.http.*").await.unwrap();
    // The server has the subscription once it answers something that was sent behind it; a flush waits for no answer.
    desk.nats.request("$SYS.REQ.ACCOUNT.PING.CONNZ", "{}".into()).await.unwrap();
    let mut browser = tokio::net::TcpStream::connect(desk.address()).await.unwrap();
    let request = format!(
        "GET /api/v1/silent/tickets HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\r\n",
        desk.address(),
        Desk::bearer()
    );
    browser.write_all(request.as_bytes()).await.unwrap();
    let reply = questions.next().await.unwrap().reply.unwrap();
    let listeners = async || {
        let question = serde_json::json!({"filter_subject": reply.as_str()}).to_string();
        let said = desk.nats.request("$SYS.REQ.ACCOUNT.PING.CONNZ", question.into()).await.unwrap();
        serde_json::from_slice::<serde_json::Value>(&said.payload).unwrap()["data"]["num_connections"]
            .as_u64()
    };
    assert_eq!(listeners().await, Some(1));
    drop(browser);
    let within = std::time::Duration::from_secs(60);
    let gone = async || (listeners().await == Some(0)).then_some(());
    guichet_test_support::until("nobody listens", within, gone).await;
}

//! Two customers of one desk: they share a log and its read models, and each sees nothing but what is its own.

use std::time::Duration;

use serde_json::{Value, json};

use crate::desk::{Desk, Reply, id, new_ticket};
use crate::harness::{Serve, Settings, guichet, until};

const SOON: Duration = Duration::from_secs(60);

const ACME: &str = r#"
[[sla_policies.policies]]
id = "all"
targets = [{ metric = "first_reply", seconds = 1, hours = "calendar" }]

[tenant.acme]
name = "Acme"
"#;

/// Somebody of a tenant.
struct Member<'a> {
    desk: &'a Desk,
    tenant: &'static str,
}

impl Member<'_> {
    async fn command(&self, caller: &str, entity: &str, verb: &str, n: usize, data: Value) -> Reply {
        let kind = if caller == "cli" { "admin" } else { "agent" };
        let command = json!({
            "command_id": id(self.tenant, n), "actor": {"kind": kind, "id": "ana"}, "data": data,
        });
        let subject = format!("guichet.v1.cmd.{}.{caller}.{entity}.{verb}", self.tenant);
        self.desk.request(subject, &command).await.expect("an answer")
    }

    async fn publish(&self, n: usize, kind: &str, body: Value) -> Reply {
        self.command("cli", "config", "publish_config", n, json!({"kind": kind, "body": body})).await
    }

    async fn create(&self, n: usize) -> Reply {
        let mut ticket = new_ticket(n);
        ticket["subject"] = format!("A matter of {}", self.tenant).into();
        ticket["origin"] = "requester".into();
        self.command("outside", "new", "create", n, ticket).await
    }

    async fn ask(&self, name: &str, mut question: Value) -> Value {
        question["min_position"] = self.desk.head().await.into();
        question["wait_ms"] = 8000.into();
        let subject = format!("guichet.v1.query.{}.outside.{name}", self.tenant);
        self.desk.request(subject, &question).await.expect("an answer").body
    }

    async fn has(&self, name: &str) -> usize {
        let answer = self.ask(name, json!({})).await;
        answer["data"].as_array().unwrap_or_else(|| panic!("{name} of {}: {answer}", self.tenant)).len()
    }
}

fn is_absent(body: &Value) {
    assert_eq!(body["error"]["code"], "not_found", "{body}");
}

fn tool(serve: &Serve, words: &[&str]) -> (Option<i32>, String) {
    let output = guichet().args(words).args(["--nats-url", serve.url()]).output().expect("the tool runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_made_by_its_first_publication() {
    let serve = Serve::start(Settings::default()).await;
    let desk = serve.desk().await;
    let acme = Member { desk: &desk, tenant: "acme" };

    // Before it there is nothing, and whoever tries leaves nothing behind.
    is_absent(&acme.create(1).await.body);
    is_absent(&acme.publish(2, "lifecycle", json!({})).await.body);
    for query in ["tickets", "queues", "events", "projections", "sla_breaches"] {
        is_absent(&acme.ask(query, json!({})).await);
    }
    let bad = acme.publish(3, "tenant", json!({"zone": "Mars/Olympus"})).await;
    assert_eq!(bad.body["error"]["details"]["path"], "zone", "{}", bad.body);
    is_absent(&acme.create(4).await.body);
    is_absent(&Member { desk: &desk, tenant: "_acme" }.publish(5, "tenant", json!({})).await.body);

    let file = serve.dir().join("acme.toml");
    std::fs::write(&file, ACME).expect("a file of the test");
    let file = file.to_str().expect("a path");
    let (code, said) = tool(&serve, &["config", "apply", file, "--tenant", "typo", "--dry-run"]);
    assert_eq!(code, Some(1), "{said}");
    let (code, said) = tool(&serve, &["config", "history", "--tenant", "typo"]);
    assert!(code == Some(1) && said.contains("no tenant typo"), "{said}");
    let (code, said) = tool(&serve, &["config", "apply", file, "--tenant", "acme", "--dry-run"]);
    assert_eq!(code, Some(0), "{said}");
    is_absent(&acme.create(6).await.body);
    let (code, said) = tool(&serve, &["config", "apply", file, "--tenant", "acme"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = tool(&serve, &["config", "history", "--tenant", "acme"]);
    assert!(code == Some(0) && said.contains("tenant acme"), "{said}");
    assert!(acme.create(7).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_share_a_log_and_see_nothing_of_each_other() {
    let mut serve = Serve::start(Settings::default()).await;
    let desk = serve.desk().await;
    let (acme, first) = (Member { desk: &desk, tenant: "acme" }, Member { desk: &desk, tenant: "default" });
    let made = acme.publish(1, "tenant", json!({"name": "Acme"})).await;
    assert!(made.is_ok(), "{}", made.body);
    let target = json!({"metric": "first_reply", "seconds": 1, "hours": "calendar"});
    let policies = json!({"policies": [{"id": "all", "targets": [target]}]});
    assert!(acme.publish(2, "sla_policies", policies).await.is_ok());

    // Each counts for itself, also where the ids of commands are the same.
    let (theirs, ours) = (acme.create(3).await.body, first.create(3).await.body);
    assert_eq!((&theirs["number"], &ours["number"]), (&json!("T-1"), &json!("T-1")));
    for (member, subject) in [(&acme, "A matter of acme"), (&first, "A matter of default")] {
        let ticket = member.ask("ticket", json!({"number": "T-1"})).await;
        assert_eq!(ticket["data"]["subject"]["plain"], subject, "{ticket}");
        let timeline = member.ask("timeline", json!({"number": "T-1"})).await;
        assert_eq!(timeline["data"][0]["type"], "TicketCreated", "{timeline}");
        assert_eq!((member.has("tickets").await, member.has("queue").await), (1, 1));
        assert_eq!(member.ask("queues", json!({})).await["data"][0]["tickets"], 1);
        let events = member.ask("events", json!({})).await;
        let of: Vec<_> = events["data"].as_array().expect("a list").iter().map(|e| &e["tenant"]).collect();
        assert!(!of.is_empty() && of.iter().all(|tenant| *tenant == member.tenant), "{events}");
    }

    let (code, said) =
        tool(&serve, &["tail", "--from", "start", "--no-follow", "--tenant", "acme", "--json"]);
    let shown: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(code == Some(0) && shown.iter().any(|event| event["tenant"] == "acme"), "{said}");
    assert!(shown.iter().all(|event| event["tenant"] != "default"), "{said}");

    // What is another's is as if it were not there, by id too.
    for (member, foreign) in [(&acme, &ours), (&first, &theirs)] {
        let foreign = foreign["ticket_id"].as_str().expect("a ticket");
        for query in ["ticket", "timeline", "sla_clocks"] {
            is_absent(&member.ask(query, json!({"ticket_id": foreign})).await);
        }
        let comment = json!({"visibility": "internal", "body": "I can see you."});
        is_absent(&member.command("outside", foreign, "add_comment", 4, comment).await.body);
    }

    // The promise of one holds for its tickets alone.
    until("the promise is broken", SOON, async || {
        acme.has("sla_breaches").await.checked_sub(1).filter(|more| *more == 0)
    })
    .await;
    assert_eq!(first.has("sla_breaches").await, 0);

    assert!(serve.stop().await.success());
    serve.launch().await;
    let desk = serve.desk().await;
    let (acme, first) = (Member { desk: &desk, tenant: "acme" }, Member { desk: &desk, tenant: "default" });
    let again = acme.create(3).await.body;
    assert_eq!((&again["replayed"], &again["ticket_id"]), (&json!(true), &theirs["ticket_id"]));
    assert_eq!((&acme.create(5).await.body["number"], acme.has("sla_breaches").await), (&json!("T-2"), 1));
    assert_eq!(first.has("tickets").await, 1);
    is_absent(&Member { desk: &desk, tenant: "ghost" }.ask("tickets", json!({})).await);
}

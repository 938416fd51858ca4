//! The knowledge base from the command line to the read model: an article is written, found, used, drawn from a ticket and
//! retired, and what is solved without one is a gap.

use std::time::Duration;

use serde_json::{Value, json};

use crate::desk::{Desk, id, new_ticket};
use crate::harness::{Serve, Settings, guichet, until};
use crate::rebuild::rebuilt;
use crate::verbs::{last_sentence, said, send};

const WITHIN: Duration = Duration::from_secs(10);

async fn ask(desk: &Desk, name: &str, mut question: Value) -> Value {
    question["min_position"] = json!(desk.head().await);
    question["wait_ms"] = json!(5000);
    desk.try_query(name, question).await.expect("an answer").body
}

async fn refused(desk: &Desk, entity: &str, verb: &str, n: usize, data: Value) -> Value {
    let reply = desk.try_command(entity, verb, id("refused", n), data).await.expect("an answer");
    assert!(!reply.is_ok(), "{verb} was accepted: {}", reply.body);
    reply.body["error"].clone()
}

fn ids(answer: &Value) -> Vec<&str> {
    let list = answer["data"].as_array().or(answer["data"]["articles"].as_array());
    list.unwrap_or_else(|| panic!("{answer}"))
        .iter()
        .filter_map(|article| article["article"].as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_article_is_written_found_used_and_retired() {
    let node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let ticket = json!({"subject": "The tunnels drop", "description": "Every ten minutes.", "channel": "email",
        "category": "network/vpn", "requester": {"id": "r-1"}});
    let created = desk.command("new", "create", id("knowledge", 1), ticket).await;
    let ticket = created.body["ticket_id"].as_str().expect("a ticket").to_owned();

    // No article is known yet: they may stand elsewhere.
    let used = send(&node, &["use_article", "T-1", "--set", "article=elsewhere", "--set", "version=9"]);
    assert!(used.status.success(), "{used:?}");
    let words = ["publish_article", "--set", "article=kb-1", "--set", "title=VPN tunnel drops", "--set"];
    let words =
        [&words[..], &["body=Set the MTU.", "--set", "language=en", "--set", "audience=public"]].concat();
    let published = send(&node, &words);
    assert!(published.status.success() && said(&published).contains("ArticlePublished"), "{published:?}");
    let again = send(&node, &words);
    assert!(again.status.success() && said(&again).contains("nothing to do"), "{again:?}");
    let article = json!({"article": "kb-1", "title": "VPN tunnel drops", "body": "Set the MTU to 1300.",
        "language": "en", "audience": "public", "categories": ["network"]});
    let next = desk.command("articles", "publish_article", id("knowledge", 2), article.clone()).await;
    assert_eq!(
        (&next.body["entity"], &next.body["entity_id"]),
        (&json!("articles"), &json!("kb-1")),
        "{}",
        next.body
    );
    assert_eq!(next.body["version"], 2);
    // The same command again gives the same answer.
    let replayed = desk.command("articles", "publish_article", id("knowledge", 2), article).await;
    assert_eq!((&replayed.body["replayed"], &replayed.body["entity_id"]), (&json!(true), &json!("kb-1")));
    let internal = json!({"article": "kb-2", "title": "The admin's way", "body": "Reset the tunnel.",
        "language": "en"});
    desk.command("articles", "publish_article", id("knowledge", 3), internal).await;

    assert_eq!(ids(&ask(&desk, "articles", json!({})).await), ["kb-1", "kb-2"]);
    assert_eq!(ids(&ask(&desk, "articles", json!({"audience": "public"})).await), ["kb-1"]);
    assert_eq!(ids(&ask(&desk, "articles", json!({"text": "dropped tunnels"})).await), ["kb-1", "kb-2"]);
    let found = ask(&desk, "suggested_articles", json!({"number": "T-1"})).await;
    assert_eq!(found["data"]["by_text"], json!(true), "{found}");
    assert_eq!(ids(&found), ["kb-1", "kb-2"], "{found}");
    let first = ask(&desk, "article", json!({"article": "kb-1", "version": 1})).await;
    assert_eq!(
        (&first["data"]["body"], &first["data"]["newest_version"]),
        (&json!("Set the MTU."), &json!(2))
    );
    let absent = ask(&desk, "article", json!({"article": "kb-2", "audience": "public"})).await;
    assert_eq!(absent["error"]["code"], "not_found", "{absent}");

    // Now the desk has articles, and a ticket uses one that there is.
    let unknown = send(&node, &["use_article", "T-1", "--set", "article=kb-9", "--set", "version=1"]);
    assert!(!unknown.status.success(), "{unknown:?}");
    let later = refused(&desk, &ticket, "use_article", 1, json!({"article": "kb-1", "version": 3})).await;
    assert_eq!(later["field"], "data.version", "{later}");
    let used = desk
        .command(&ticket, "use_article", id("knowledge", 5), json!({"article": "kb-1", "version": 2}))
        .await;
    assert_eq!(used.body["events"][0]["type"], "ArticleUsed", "{}", used.body);
    assert!(last_sentence(&desk).await.ends_with("used article kb-1, version 2"));
    let listed = ask(&desk, "articles", json!({})).await;
    assert_eq!(listed["data"][0]["used"], 1, "{listed}");

    let retired = send(&node, &["retire_article", "--set", "article=kb-1", "--set", "reason=replaced"]);
    assert!(retired.status.success() && said(&retired).contains("ArticleRetired"), "{retired:?}");
    assert_eq!(ids(&ask(&desk, "articles", json!({})).await), ["kb-2"]);
    assert_eq!(ids(&ask(&desk, "articles", json!({"retired": true})).await), ["kb-1", "kb-2"]);
    let events = ask(&desk, "events", json!({"type": "ArticleRetired"})).await;
    assert_eq!(events["data"][0]["stream_id"], "kb-1", "{events}");
    rebuilt(&node, "articles");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_solved_without_an_article_is_a_gap_until_one_is_drawn_from_it() {
    let mut node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let created = desk.command("new", "create", id("gap", 1), new_ticket(1)).await;
    let ticket = created.body["ticket_id"].as_str().expect("a ticket").to_owned();
    let draw = json!({"article": "kb-1", "ticket_id": ticket, "title": "A drum that sticks"});
    // Rows that say where an event stands follow its record: until then it is answered `busy`.
    let early = until("the ticket is on disk", WITHIN, async || {
        let early = refused(&desk, "articles", "publish_article_from_ticket", 2, draw.clone()).await;
        (early["code"] != "busy").then_some(early)
    })
    .await;
    assert_eq!(early["details"]["guard"], "resolved", "{early}");

    let solved = json!({"code": "defect", "summary": "It turns again.", "steps": ["Open it.", "Turn the drum."],
        "root_cause": "The drum stuck."});
    desk.command(&ticket, "resolve", id("gap", 3), solved).await;
    let gaps = ask(&desk, "knowledge_gaps", json!({})).await;
    assert_eq!(gaps["data"][0]["number"], "T-1", "{gaps}");

    let missing = json!({"article": "kb-1", "ticket_id": id("gap", 99), "title": "Nothing"});
    let missing = refused(&desk, "articles", "publish_article_from_ticket", 3, missing).await;
    assert_eq!(missing["code"], "not_found", "{missing}");
    let drawn = desk.command("articles", "publish_article_from_ticket", id("gap", 5), draw).await;
    assert_eq!(drawn.body["events"][0]["type"], "ArticlePublished", "{}", drawn.body);
    let article = ask(&desk, "article", json!({"article": "kb-1"})).await;
    assert_eq!(
        article["data"]["body"], "The drum stuck.\n\n1. Open it.\n2. Turn the drum.\n\nIt turns again.",
        "nothing that the requester wrote: {article}"
    );
    assert_eq!(
        (&article["data"]["from_ticket"], &article["data"]["audience"]),
        (&json!(ticket), &json!("internal"))
    );
    let gaps = ask(&desk, "knowledge_gaps", json!({})).await;
    assert_eq!(gaps["data"], json!([]), "{gaps}");

    // What is known of an article comes back with the log.
    assert!(node.stop().await.success());
    node.launch().await;
    let desk = node.desk().await;
    desk.ready().await;
    let stale = json!({"article": "kb-1", "version": 2});
    let stale = refused(&desk, &ticket, "use_article", 4, stale).await;
    assert_eq!(stale["code"], "validation_failed", "{stale}");
    let run = node.run_file();
    let data = run.parent().expect("a folder");
    let listed =
        guichet().args(["query", "knowledge_gaps", "--data-dir"]).arg(data).output().expect("it runs");
    assert!(listed.status.success(), "{listed:?}");
}

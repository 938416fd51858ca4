//! What each key of the embedded server opens and what it does not, one by one.

use super::Keyed;
use super::asked::Asked;

const USERS: [&str; 8] = ["engine", "publisher", "healer", "worker", "clocks", "http", "tools", "caller"];

/// Subject, and who may publish to it, in the order of `USERS`: a letter is yes, a dot is no.
const PUBLISH: &[(&str, &str)] = &[
    // Events are the publisher's, by any name.
    ("guichet.v1.evt.default.0.TicketCreated", ".p......"),
    ("guichet.v1.evt._system.0.EpochStarted", ".p......"),
    ("guichet.v1.evt.default.1.TicketCreated", ".p......"),
    ("guichet.v1.checkpoint.0", "e......."),
    // Secrets.
    ("guichet.v1.key.0", "...w..t."),
    // Commands, as anybody but the clocks and the desk itself.
    ("guichet.v1.cmd.default.shop.new.create", "......tc"),
    ("guichet.v1.cmd.acme.cli.config.publish_config", "......tc"),
    ("guichet.v1.cmd.default.sla.0198c5a5-0000-7000-8000-000000000001.record_sla_breach", "....k..."),
    ("guichet.v1.cmd.acme.sla.new.create", "....k..."),
    ("guichet.v1.cmd._system.cli.config.publish_config", "........"),
    // Queries, the log, its tree.
    ("guichet.v1.query.default.shop.tickets", "......tc"),
    ("guichet.v1.query.default.http.tickets", ".....htc"),
    ("guichet.v1.query._system.shop.tickets", "........"),
    // Files: the pages fetch, callers bring them too.
    ("guichet.v1.attachment.default.http.t.get.h.0", ".....htc"),
    ("guichet.v1.attachment.default.http.t.put.h.1.0", "......tc"),
    ("guichet.v1.attachment.default.shop.t.get.h.0", "......tc"),
    ("guichet.v1.attachment._system.shop.t.get.h.0", "........"),
    ("guichet.v1.log.0", "...w..tc"),
    ("guichet.v1.tile.0", "......tc"),
    ("guichet.v1.projection.0.ticket.status", "...w..t."),
    ("guichet.v1.projection.0.ticket.rebuild", "......t."),
    // The stream.
    ("$JS.API.STREAM.INFO.GUICHET_EVENTS_0", ".p.w..tc"),
    ("$JS.API.STREAM.CREATE.GUICHET_EVENTS_0", ".p......"),
    ("$JS.API.STREAM.CREATE.ANOTHER", "........"),
    ("$JS.API.STREAM.UPDATE.GUICHET_EVENTS_0", "..r....."),
    ("$JS.API.STREAM.DELETE.GUICHET_EVENTS_0", "..r....."),
    ("$JS.API.STREAM.PURGE.GUICHET_EVENTS_0", "........"),
    ("$JS.API.STREAM.MSG.DELETE.GUICHET_EVENTS_0", "........"),
    ("$JS.API.STREAM.RESTORE.GUICHET_EVENTS_0", "........"),
    ("$JS.API.STREAM.SNAPSHOT.GUICHET_EVENTS_0", "........"),
    ("$JS.API.STREAM.MSG.GET.GUICHET_EVENTS_0", ".p.w..tc"),
    ("$JS.API.DIRECT.GET.GUICHET_EVENTS_0", ".p.....c"),
    ("$JS.API.CONSUMER.CREATE.GUICHET_EVENTS_0", "...w..tc"),
    ("$JS.API.CONSUMER.CREATE.GUICHET_EVENTS_0.mine", ".......c"),
    ("$JS.API.CONSUMER.CREATE.ANOTHER.mine", "........"),
    ("$JS.API.CONSUMER.MSG.NEXT.GUICHET_EVENTS_0.mine", "...w..tc"),
    ("$JS.API.CONSUMER.INFO.GUICHET_EVENTS_0.mine", "...w..tc"),
    ("$JS.ACK.GUICHET_EVENTS_0.mine.1.1.1.1.0", "...w...c"),
    ("$JS.ACK.ANOTHER.mine.1.1.1.1.0", "........"),
    ("$JS.API.CONSUMER.LIST.GUICHET_EVENTS_0", "........"),
    ("$JS.API.CONSUMER.NAMES.GUICHET_EVENTS_0", "........"),
    ("$JS.API.CONSUMER.PAUSE.GUICHET_EVENTS_0.mine", "........"),
    // The subject behind the door is no other door.
    ("_js.STREAM.PURGE.GUICHET_EVENTS_0", "........"),
    ("_js.STREAM.DELETE.GUICHET_EVENTS_0", "........"),
    ("_js.CONSUMER.LIST.GUICHET_EVENTS_0", "........"),
    // Answers to others.
    ("_INBOX.somebody.1", "........"),
    ("_INBOX_worker.x.1", "........"),
    ("_INBOX_engine.x.1", "........"),
    ("_INBOX_tools.x.1", "........"),
    // Discovery asks; the server itself is nobody's.
    ("$SRV.PING", ".......c"),
    ("$SRV.INFO.guichet-engine", ".......c"),
    ("$SYS.REQ.SERVER.PING.CONNZ", "........"),
    // Whether an asker still listens.
    ("$SYS.REQ.ACCOUNT.PING.CONNZ", "...w...."),
    ("$SYS.REQ.ACCOUNT.EVENTS.CONNZ", "........"),
    ("anything", "........"),
];

/// The same for listening.
const SUBSCRIBE: &[(&str, &str)] = &[
    (">", "........"),
    ("guichet.>", "........"),
    ("guichet.v1.cmd.>", "e......."),
    ("guichet.v1.cmd.default.sla.>", "e......."),
    ("guichet.v1.query.>", "...w...."),
    ("guichet.v1.key.0", "e......."),
    ("guichet.v1.attachment.>", "e......."),
    ("guichet.v1.log.0", "e......."),
    ("guichet.v1.tile.0", "e......."),
    ("guichet.v1.evt.default.>", ".....h.c"),
    ("guichet.v1.checkpoint.0", ".......c"),
    ("guichet.v1.projection.0.ticket.*", "...w...."),
    ("_INBOX.>", ".......c"),
    ("_INBOX_engine.>", "e......."),
    ("_INBOX_publisher.>", ".p......"),
    ("_INBOX_healer.>", "..r....."),
    ("_INBOX_worker.>", "...w...."),
    ("_INBOX_clocks.>", "....k..."),
    ("_INBOX_http.>", ".....h.."),
    ("_INBOX_tools.>", "......t."),
    ("_R_.>", "........"),
    ("$SRV.PING", "e..w...."),
    ("$SRV.INFO.guichet-engine.X", "e......."),
    ("$JS.API.>", "........"),
    ("$JS.EVENT.ADVISORY.>", "........"),
    ("_js.>", "........"),
    ("$SYS.>", "........"),
];

#[tokio::test]
async fn each_key_opens_what_it_should_and_nothing_else() {
    let keyed = Keyed::start().await;
    let (mut checks, mut wrong) = (0, Vec::new());
    for (column, user) in USERS.iter().enumerate() {
        let mut asked = Asked::connect(keyed.options(user), keyed.address()).await;
        for (table, act) in [(PUBLISH, "publish"), (SUBSCRIBE, "subscribe")] {
            for (subject, who) in table {
                let right = who.as_bytes()[column] != b'.';
                let is = match act {
                    "publish" => asked.may_publish(subject).await,
                    _ => asked.may_subscribe(subject).await,
                };
                checks += 1;
                if is != right {
                    wrong.push(format!("{user} {} {act} {subject}", if is { "may" } else { "may not" }));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {checks}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(checks >= 500, "{checks}");
    // All of that was asked for and nothing of it done.
    let desk = keyed.node.desk().await;
    let newest = desk.open_tickets("afterwards", 2).await;
    desk.folded(newest).await;
    assert_eq!(desk.tickets().await.len(), 2);
}

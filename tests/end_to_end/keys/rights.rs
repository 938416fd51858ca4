//! A server of somebody else, which gives each role exactly what it needs: with all of it everything works; without one
//! of the rights the role says which, and nothing hangs.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::desk::{Desk, id, new_ticket};
use crate::harness::http_client::Stream;
use crate::harness::{Nats, Process, UNREACHABLE, guichet, until};

/// A role that lacks a right must not need longer to say so, on however busy a machine.
const SAID_WITHIN: Duration = Duration::from_secs(45);

/// A right by its act (`p`ublish or `s`ubscribe), its subject, and who says what where it is missing.
type Right = (char, &'static str, Lack);

/// What becomes of a role.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lack {
    /// It ends, exit code 3.
    Ends,
    /// It says so and goes on.
    Says,
    /// It is missed only in a rare moment: a test of its own brings that about, if it is one of ours.
    Rare,
}
use Lack::{Ends, Rare, Says};

/// `docs/OPERATIONS.md`, row by row.
const ENGINE: &[Right] = &[
    ('p', "guichet.v1.evt.>", Ends),
    ('p', "guichet.v1.checkpoint.0", Says),
    ('p', "$JS.API.STREAM.INFO.GUICHET_EVENTS_0", Ends),
    ('p', "$JS.API.STREAM.CREATE.GUICHET_EVENTS_0", Ends),
    ('p', "$JS.API.STREAM.MSG.GET.GUICHET_EVENTS_0", Ends),
    ('p', "$JS.API.DIRECT.GET.GUICHET_EVENTS_0", Ends),
    ('p', "$JS.API.STREAM.UPDATE.GUICHET_EVENTS_0", Says),
    ('p', "$JS.API.STREAM.DELETE.GUICHET_EVENTS_0", Says),
    ('s', "guichet.v1.cmd.>", Ends),
    ('s', "guichet.v1.log.0", Ends),
    ('s', "guichet.v1.key.0", Ends),
    ('s', "guichet.v1.tile.0", Ends),
    ('s', "guichet.v1.attachment.>", Says),
    ('s', "_INBOX_engine.>", Ends),
    ('s', "$SRV.PING", Says),
    ('s', "$SRV.INFO.guichet-engine", Says),
    ('s', "$SRV.STATS.guichet-engine.*", Says),
    ('s', "$SRV.PING.guichet-engine", Says),
    ('s', "$SRV.PING.guichet-engine.*", Says),
    ('s', "$SRV.INFO", Says),
    ('s', "$SRV.INFO.guichet-engine.*", Says),
    ('s', "$SRV.STATS", Says),
    ('s', "$SRV.STATS.guichet-engine", Says),
];
const WORKER: &[Right] = &[
    ('p', "guichet.v1.log.0", Ends),
    ('p', "guichet.v1.key.0", Ends),
    ('p', "$JS.API.STREAM.INFO.GUICHET_EVENTS_0", Ends),
    ('p', "$JS.API.STREAM.MSG.GET.GUICHET_EVENTS_0", Ends),
    ('p', "$JS.API.CONSUMER.CREATE.GUICHET_EVENTS_0", Ends),
    ('p', "$JS.API.CONSUMER.MSG.NEXT.GUICHET_EVENTS_0.>", Ends),
    ('p', "guichet.v1.cmd.*.sla.>", Rare),
    // Missed by speed alone.
    ('p', "$JS.ACK.GUICHET_EVENTS_0.>", Rare),
    ('p', "$SYS.REQ.ACCOUNT.PING.CONNZ", Says),
    ('p', "guichet.v1.projection.0.*.status", Rare),
    ('s', "guichet.v1.query.>", Ends),
    ('s', "guichet.v1.projection.0.ticket.*", Ends),
    ('s', "_INBOX_worker.>", Ends),
    ('s', "$SRV.PING", Says),
    ('s', "$SRV.INFO.guichet-projections.*", Says),
    ('s', "guichet.v1.projection.0.*.*", Rare),
    ('s', "$SRV.PING.guichet-projections", Says),
    ('s', "$SRV.PING.guichet-projections.*", Says),
    ('s', "$SRV.INFO", Says),
    ('s', "$SRV.INFO.guichet-projections", Says),
    ('s', "$SRV.STATS", Says),
    ('s', "$SRV.STATS.guichet-projections", Says),
    ('s', "$SRV.STATS.guichet-projections.*", Says),
];
const HTTP: &[Right] = &[
    ('p', "guichet.v1.query.*.http.>", Says),
    ('p', "guichet.v1.attachment.*.http.*.get.>", Rare),
    ('s', "_INBOX_http.>", Ends),
    ('s', "guichet.v1.evt.*.>", Rare),
];
const CALLER: &[Right] = &[
    ('p', "guichet.v1.cmd.*.outside.>", Rare),
    ('p', "guichet.v1.query.*.outside.>", Rare),
    ('p', "guichet.v1.attachment.*.outside.>", Rare),
    ('p', "guichet.v1.log.0", Rare),
    ('s', "_INBOX.>", Rare),
];

/// A user of the server: its name is its password too.
struct User {
    name: &'static str,
    rights: Vec<Right>,
    answers: bool,
}

impl User {
    fn all(name: &'static str, rights: &[Right]) -> Self {
        Self { name, rights: rights.to_vec(), answers: name != "http" && name != "outside" }
    }

    fn without(mut self, right: &Right) -> Self {
        self.rights.retain(|(act, subject, _)| (act, subject) != (&right.0, &right.1));
        // What a wildcard of ours would let in all the same.
        if right.1.starts_with("guichet.v1.projection") {
            self.rights.retain(|(_, subject, _)| !subject.starts_with("guichet.v1.projection"));
        }
        self
    }

    fn line(&self) -> String {
        let of = |act: char| {
            let subjects: Vec<_> =
                self.rights.iter().filter(|right| right.0 == act).map(|right| right.1).collect();
            subjects
        };
        let answers = if self.answers { ", allow_responses: true" } else { "" };
        let Self { name, .. } = self;
        format!(
            "{{user: {name}, password: {name}, permissions: {{publish: {{allow: {:?}}}, subscribe: {{allow: {:?}}}{answers}}}}}",
            of('p'),
            of('s')
        )
    }
}

/// A server with these users, and no way in for anybody else.
async fn server(dir: &Path, users: &[User]) -> Nats {
    let mut conf = String::from("accounts { DESK { jetstream: enabled\n users: [\n");
    for user in users {
        writeln!(conf, "  {}", user.line()).expect("text");
    }
    conf.push_str("]}}\n");
    Nats::configured(dir, &conf).await
}

fn role(words: &[&str], name: &str, nats: &Nats, dir: &Path) -> Process {
    let mut command = guichet();
    command.args(words).args(["--nats-url", &nats.url(), "--user", name]);
    // A secret on the command line is seen by everybody.
    command.env("NATS_PASSWORD", name).args(["--inbox-prefix", &format!("_INBOX_{name}")]);
    command.arg("--data-dir").arg(dir.join(format!("data-{name}")));
    Process::spawn(name, command, dir)
}

/// The same, of a user that is several processes.
fn another(words: &[&str], name: &str, folder: &str, nats: &Nats, dir: &Path) -> Process {
    let dir = dir.join(folder);
    std::fs::create_dir_all(&dir).expect("a folder");
    role(words, name, nats, &dir)
}

fn as_caller(nats: &Nats) -> String {
    nats.url().replace("nats://", "nats://outside:outside@")
}

async fn says_or_ends(process: &mut Process, lack: Lack, subject: &str) {
    let named = subject.trim_end_matches(['>', '*']);
    if lack == Ends {
        let status = process.exit(SAID_WITHIN).await;
        assert_eq!(status.code(), Some(UNREACHABLE), "without {subject}: {}", process.said());
        let said = process.said();
        assert!(said.contains(named) && said.contains("may not"), "without {subject}: {said}");
    } else {
        until(&format!("it says that it lacks {subject}"), SAID_WITHIN, async || {
            assert!(process.ended().is_none(), "without {subject}: {}", process.said());
            process.said().contains(named).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn with_what_each_role_needs_everything_works() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let users = [
        User::all("engine", ENGINE),
        User::all("worker", WORKER),
        User::all("http", HTTP),
        User::all("outside", CALLER),
    ];
    let nats = server(dir.path(), &users).await;
    let roles = [
        role(&["engine"], "engine", &nats, dir.path()),
        role(&["project"], "worker", &nats, dir.path()),
        role(&["http"], "http", &nats, dir.path()),
    ];
    let desk = Desk::connect(&as_caller(&nats)).await;
    desk.ready().await;
    let newest = desk.open_tickets("secured", 3).await;
    desk.folded(newest).await;
    let timeline = desk.query("timeline", json!({"number": "T-1"})).await;
    assert!(timeline.to_string().contains("Printer 0"), "the worker has the keys: {timeline}");
    for role in &roles {
        // After a break a reader asks for its consumer, and goes on without an answer.
        let said = role.said();
        let lacks = said.lines().find(|line| line.contains("may not") && !line.contains(".CONSUMER.INFO."));
        assert!(lacks.is_none(), "{said}");
    }
    for role in roles {
        assert!(role.terminate().await.success());
    }
}

#[tokio::test]
async fn an_engine_names_the_right_that_it_lacks() {
    for right in ENGINE.iter().filter(|right| right.2 != Rare) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let nats = server(dir.path(), &[User::all("engine", ENGINE).without(right)]).await;
        let mut engine = role(&["engine"], "engine", &nats, dir.path());
        says_or_ends(&mut engine, right.2, right.1).await;
        engine.kill();
    }
}

#[tokio::test]
async fn a_worker_names_the_right_that_it_lacks() {
    for right in WORKER.iter().filter(|right| right.2 != Rare) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let users = [User::all("engine", ENGINE), User::all("worker", WORKER).without(right)];
        let nats = server(dir.path(), &users).await;
        let engine = role(&["engine"], "engine", &nats, dir.path());
        let mut worker = role(&["project", "ticket"], "worker", &nats, dir.path());
        says_or_ends(&mut worker, right.2, right.1).await;
        worker.kill();
        engine.kill();
    }
}

fn lacking(name: &'static str, rights: &[Right], act: char, subject: &str) -> User {
    let mut user = User::all(name, rights);
    let before = user.rights.len();
    user.rights.retain(|right| (right.0, right.1) != (act, subject));
    assert_eq!(user.rights.len() + 1, before, "{subject} is one of its rights");
    user
}

/// Missed when the first promise is broken: nobody would ever learn of it, so the worker ends.
#[tokio::test]
async fn clocks_that_may_not_record_what_they_find_end_and_say_so() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let worker = lacking("worker", WORKER, 'p', "guichet.v1.cmd.*.sla.>");
    let mut outside = User::all("outside", CALLER);
    // Nobody else may configure a desk that has not said who may.
    outside.rights.push(('p', "guichet.v1.cmd.*.cli.config.*", Rare));
    let nats = server(dir.path(), &[User::all("engine", ENGINE), worker, outside]).await;
    let engine = role(&["engine"], "engine", &nats, dir.path());
    let mut clocks = another(&["project", "sla"], "worker", "clocks", &nats, dir.path());
    let _tickets = another(&["project", "ticket"], "worker", "tickets", &nats, dir.path());
    let desk = Desk::connect(&as_caller(&nats)).await;
    desk.ready().await;
    let promise = json!({"metric": "resolution", "seconds": 1, "hours": "calendar"});
    let publication = json!({
        "command_id": id("promise", 1), "actor": {"kind": "admin", "id": "ana"},
        "data": {"kind": "sla_policies", "body": {"policies": [{"id": "all", "targets": [promise]}]}},
    });
    let subject = "guichet.v1.cmd.default.cli.config.publish_config".to_owned();
    let published = desk.request(subject, &publication).await.expect("an answer");
    assert!(published.is_ok(), "{}", published.body);
    desk.command("new", "create", id("promised", 1), new_ticket(1)).await;
    says_or_ends(&mut clocks, Ends, "guichet.v1.cmd.default.sla.").await;
    assert!(engine.terminate().await.success());
}

/// Missed when somebody asks how all read models are, and not all of them are in the process that is asked.
#[tokio::test]
async fn a_worker_that_may_not_ask_about_the_models_of_others_says_so_and_answers() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let worker = lacking("worker", WORKER, 'p', "guichet.v1.projection.0.*.status");
    let nats = server(dir.path(), &[User::all("engine", ENGINE), worker, User::all("outside", CALLER)]).await;
    let engine = role(&["engine"], "engine", &nats, dir.path());
    let mut tickets = another(&["project", "ticket"], "worker", "tickets", &nats, dir.path());
    let desk = Desk::connect(&as_caller(&nats)).await;
    desk.ready().await;
    let answer = desk.query("projections", json!({})).await;
    let shown = answer["data"].as_array().expect("a list");
    assert_eq!(shown.len(), 1, "its own: {answer}");
    says_or_ends(&mut tickets, Says, "guichet.v1.projection.0.").await;
    assert!(tickets.terminate().await.success());
    assert!(engine.terminate().await.success());
}

/// Missed when the first page follows what happens: it follows by the looks that are there beside, and more slowly.
#[tokio::test]
async fn pages_that_may_not_follow_events_say_so_and_follow() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let users = [
        User::all("engine", ENGINE),
        User::all("worker", WORKER),
        lacking("http", HTTP, 's', "guichet.v1.evt.*.>"),
        User::all("outside", CALLER),
    ];
    let nats = server(dir.path(), &users).await;
    let _engine = role(&["engine"], "engine", &nats, dir.path());
    let _worker = role(&["project"], "worker", &nats, dir.path());
    let mut http = role(&["http"], "http", &nats, dir.path());
    let desk = Desk::connect(&as_caller(&nats)).await;
    desk.ready().await;
    let file = dir.path().join("data-http/http.json");
    let run: serde_json::Value = until("http writes http.json", SAID_WITHIN, async || {
        serde_json::from_slice(&std::fs::read(&file).ok()?).ok()
    })
    .await;
    let url = run["http_url"].as_str().and_then(|url| url.strip_prefix("http://")).expect("a url");
    let token = format!("Bearer {}", run["http_token"].as_str().expect("a token"));
    let address = url.parse().expect("an address");
    let mut live = Stream::open(address, "/api/v1/default/live", &[("Authorization", &token)]).await;
    assert_eq!(live.status, 200);
    live.position().await;
    let newest = desk.open_tickets("followed", 2).await;
    while live.position().await < newest {}
    says_or_ends(&mut http, Says, "guichet.v1.evt.default.").await;
    assert!(http.terminate().await.success());
}

/// Who asks chooses where the answer goes: an answer that is not let out must not end the engine.
#[tokio::test]
async fn an_engine_that_may_not_answer_says_so_and_works_on() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mute = User { answers: false, ..User::all("engine", ENGINE) };
    let nats = server(dir.path(), &[mute, User::all("outside", CALLER)]).await;
    let mut engine = role(&["engine"], "engine", &nats, dir.path());
    let desk = Desk::connect(&as_caller(&nats)).await;
    until("it says so", SAID_WITHIN, async || {
        assert!(engine.ended().is_none(), "{}", engine.said());
        let sent = desk.client.publish_with_reply(
            "guichet.v1.cmd.default.outside.new.create",
            desk.client.new_inbox(),
            json!({"command_id": id("mute", 1), "actor": {"kind": "agent", "id": "a"}, "data": new_ticket(1)})
                .to_string()
                .into(),
        );
        sent.await.expect("sent");
        engine.said().contains("allow_responses").then_some(())
    })
    .await;
    assert!(engine.terminate().await.success());
}

/// Tools: no password, a wrong one, one without rights. Each is named, and never waited for.
#[tokio::test]
async fn tools_name_what_they_lack() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut deaf = User::all("deaf", &CALLER[..3]);
    // Who may listen to nothing at all may, to the server, listen to everything.
    deaf.rights.push(('s', "nothing", Rare));
    let users = [User::all("outside", &CALLER[1..]), deaf];
    let nats = server(dir.path(), &users).await;
    let told = |words: &[&str], user: &str| {
        let mut command = guichet();
        let url = nats.url().replace("nats://", &format!("nats://{user}:{user}@"));
        command.args(words).args(["--nats-url", &url, "--caller", "outside", "--timeout", "30s"]);
        let begun = std::time::Instant::now();
        let output = command.output().expect("it runs");
        assert!(begun.elapsed() < Duration::from_secs(25), "{words:?} waited");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!said.contains(&format!("{user}:{user}")), "{said}");
        (output.status.code(), said)
    };
    let create = [
        "send",
        "create",
        "--set",
        "subject=x",
        "--set",
        "description=y",
        "--set",
        "channel=email",
        "--set",
        "requester.id=r",
    ];
    for (words, user, named) in [
        (create.as_slice(), "outside", "may not publish to guichet.v1.cmd.default.outside.new.create"),
        (&["query", "tickets"], "deaf", "may not subscribe to _INBOX."),
        (&["query", "tickets"], "nobody", "does not let us in"),
        (&["tail"], "outside", "may not publish to $JS.API.STREAM.INFO.GUICHET_EVENTS_0"),
    ] {
        let (code, said) = told(words, user);
        assert_eq!(code, Some(UNREACHABLE), "{words:?}: {said}");
        assert!(said.contains(named), "{words:?}: {said}");
    }
}

/// `doctor` finds each right that is missing, and each that nobody should have.
#[tokio::test]
async fn doctor_says_what_a_user_may_too_much_or_too_little() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let lacking = ('p', "$JS.API.STREAM.MSG.GET.GUICHET_EVENTS_0", Ends);
    let mut users = vec![
        User::all("engine", ENGINE),
        User { name: "short", ..User::all("engine", ENGINE).without(&lacking) },
        User::all("worker", WORKER),
    ];
    let mut generous = User { name: "generous", ..User::all("worker", WORKER) };
    generous.rights.push(('p', "guichet.v1.evt.>", Ends));
    generous.rights.push(('s', "_INBOX.>", Ends));
    users.push(generous);
    let nats = server(dir.path(), &users).await;
    let doctor = |role: &str, user: &str, inbox: &str| {
        let mut command = guichet();
        command.args(["doctor", "--json", "--role", role, "--nats-url", &nats.url(), "--user", user]);
        command.env("NATS_PASSWORD", user).args(["--inbox-prefix", inbox]);
        let output = command.output().expect("it runs");
        let said = String::from_utf8(output.stdout).expect("text");
        let answer: serde_json::Value = serde_json::from_str(&said).unwrap_or_else(|_| {
            panic!("{said} {}", String::from_utf8_lossy(&output.stderr));
        });
        let wrong =
            answer["rights"].as_array().expect("a list").iter().filter(|right| {
                right["wanted"] != "useful" && right["allowed"] != (right["wanted"] == "needed")
            });
        let wrong: Vec<String> =
            wrong.map(|right| right["subject"].as_str().expect("text").to_owned()).collect();
        assert_eq!(output.status.code(), Some(i32::from(!wrong.is_empty())), "{said}");
        wrong
    };
    assert_eq!(doctor("engine", "engine", "_INBOX_engine"), [""; 0]);
    assert_eq!(doctor("engine", "short", "_INBOX_engine"), ["$JS.API.STREAM.MSG.GET.GUICHET_EVENTS_0"]);
    assert_eq!(doctor("project", "worker", "_INBOX_worker"), [""; 0]);
    let much = doctor("project", "generous", "_INBOX_worker");
    assert_eq!(much, ["guichet.v1.evt.default.0.TicketCreated", "_INBOX.>"]);
}

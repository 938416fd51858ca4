//! The door of the embedded server: who gets in, and what each key opens.

mod asked;
mod forged;
mod matrix;
mod rights;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use async_nats::{Client, ConnectErrorKind, ConnectOptions, ServerAddr};
use serde_json::Value;

use crate::desk::Desk;
use crate::harness::{Process, Serve, Settings, guichet, until};

const WITHIN: Duration = Duration::from_secs(60);

/// A running node with a key for everything.
pub(crate) struct Keyed {
    pub(crate) node: Serve,
    address: ServerAddr,
    caller: (String, String),
}

impl Keyed {
    pub(crate) async fn start() -> Self {
        let node = Serve::start(Settings::default()).await;
        let url: ServerAddr = node.url().parse().expect("a url");
        let text = |part: Option<&str>| part.expect("run.json says who calls").to_owned();
        let caller = (text(url.username()), text(url.password()));
        let address = format!("nats://{}:{}", url.host(), url.port()).parse().expect("a url");
        Self { node, address, caller }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.node.dir().join("data")
    }

    /// The way in of a user: by its key, or as callers come in.
    pub(crate) fn options(&self, user: &str) -> ConnectOptions {
        let options = ConnectOptions::new();
        if user == "caller" {
            return options.user_and_password(self.caller.0.clone(), self.caller.1.clone());
        }
        let seed = std::fs::read_to_string(self.data().join(format!("nats-keys/{user}.nk"))).expect("a key");
        options.nkey(seed.trim().to_owned()).custom_inbox_prefix(format!("_INBOX_{user}"))
    }

    pub(crate) async fn connect(&self, user: &str) -> Client {
        self.options(user).connect(self.address.clone()).await.expect("a key that fits")
    }

    pub(crate) fn address(&self) -> ServerAddr {
        self.address.clone()
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_key() {
    let keyed = Keyed::start().await;
    let (user, password) = &keyed.caller;
    let stranger = "SUAMK2FG4MI6UE3ACF3FK3OIQBCEIEZV7NSWFFEW63UXMRLFM2XLAXK4GY";
    let tries = [
        ConnectOptions::new(),
        ConnectOptions::new().user_and_password(user.clone(), String::new()),
        ConnectOptions::new().user_and_password(user.clone(), password[1..].to_owned()),
        ConnectOptions::new().user_and_password("engine".to_owned(), password.clone()),
        ConnectOptions::new().token(password.clone()),
        ConnectOptions::new().nkey(stranger.to_owned()),
    ];
    for (n, options) in tries.into_iter().enumerate() {
        let refused = options.connect(keyed.address()).await.expect_err("it has no key");
        assert_eq!(refused.kind(), ConnectErrorKind::AuthorizationViolation, "try {n}: {refused}");
    }
    // Nothing is there without the folder of the node, and everything with it.
    let outside = keyed.node.dir().join("elsewhere");
    let told = |command: &mut Command| {
        let output = command.output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let bare = format!("nats://{}:{}", keyed.address().host(), keyed.address().port());
    let (code, said) =
        told(guichet().args(["query", "tickets", "--nats-url", &bare]).current_dir(keyed.node.dir()));
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("does not let us in") && said.contains("--user"), "{said}");
    let (code, said) = told(guichet().args(["query", "tickets", "--data-dir"]).arg(&outside));
    assert_eq!(code, Some(3), "{said}");
    let (code, said) = told(guichet().args(["query", "tickets", "--data-dir"]).arg(keyed.data()));
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = told(guichet().args(["query", "tickets", "--nats-url", keyed.node.url()]));
    assert_eq!(code, Some(0), "{said}");
}

/// An umask of nothing must not open the folder, and what an earlier version left open is closed.
#[tokio::test]
async fn a_data_folder_is_its_owners_alone() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = dir.path().join("data");
    let old = data.join("log-0");
    std::fs::create_dir_all(&old).expect("a folder");
    let run_file = data.join("run.json");
    for start in 0..2 {
        let mut command = Command::new("sh");
        command.env_remove("NATS_URL").env_remove("GUICHET_KEK").env("GUICHET_LOG", "trace");
        let script = "umask 0; exec \"$0\" serve --data-dir \"$1\"";
        command.args(["-c", script, env!("CARGO_BIN_EXE_guichet")]).arg(&data);
        let mut process = Process::spawn("serve", command, dir.path());
        let run: Value = until("it is ready", WITHIN, async || {
            assert!(process.ended().is_none(), "{}", process.said());
            serde_json::from_slice(&std::fs::read(&run_file).ok()?).ok()
        })
        .await;
        let desk = Desk::connect(run["nats_url"].as_str().expect("a url")).await;
        desk.ready().await;
        desk.open_tickets(&format!("start {start}"), 3).await;
        let open = open_to_others(&data);
        assert!(open.is_empty(), "{open:?}");
        // The password is on no command line, and in no file but those two.
        let password =
            run["nats_url"].as_str().expect("a url").split([':', '@']).nth(2).expect("a password").to_owned();
        for pid in [run["pid"].as_u64(), run["nats_pid"].as_u64()] {
            let line = std::fs::read(format!("/proc/{}/cmdline", pid.expect("a process"))).expect("it runs");
            assert!(!String::from_utf8_lossy(&line).contains(&password));
        }
        let conf = std::fs::read_to_string(data.join("nats.conf")).expect("a configuration");
        assert!(!conf.contains(&password) && conf.contains("$2"), "only its hash");
        // At no level of the log do secrets stand in it, nor what somebody wrote.
        let mut secrets: Vec<String> = std::fs::read_dir(data.join("nats-keys"))
            .expect("the keys")
            .map(|file| {
                std::fs::read_to_string(file.expect("a file").path()).expect("text").trim().to_owned()
            })
            .collect();
        secrets.extend(["does not print", "hums and blinks", "customer-1"].map(str::to_owned));
        for secret in secrets {
            let said = process.said();
            let line = said.lines().find(|line| line.contains(&secret));
            assert!(line.is_none(), "{line:?}");
        }
        assert!(process.terminate().await.success());
        let open = open_to_others(&data);
        assert!(open.is_empty(), "{open:?}");
        // As earlier versions left it.
        for path in [data.clone(), old.clone(), old.join("rocksdb/CURRENT")] {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
            std::fs::set_permissions(&path, mode).expect("it is ours");
        }
    }
}

fn open_to_others(path: &Path) -> Vec<String> {
    let Ok(of) = std::fs::symlink_metadata(path) else { return Vec::new() };
    let mut open = Vec::new();
    if of.mode() & 0o077 != 0 && !of.is_symlink() {
        open.push(format!("{} {:o}", path.display(), of.mode()));
    }
    if of.is_dir() {
        // A database deletes what it needs no more.
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            open.extend(open_to_others(&entry.path()));
        }
    }
    open
}

/// The stream of a folder from before there were keys is carried over: not lost, and not there twice.
#[tokio::test]
async fn the_stream_of_an_old_folder_is_carried_over() {
    let mut keyed = Keyed::start().await;
    let desk = keyed.node.desk().await;
    desk.ready().await;
    let newest = desk.open_tickets("before", 20).await;
    until("the stream has them", WITHIN, async || (last_in(&keyed).await >= newest).then_some(())).await;
    assert!(keyed.node.stop().await.success());
    // As it was: one account for everybody, and no keys.
    let store = keyed.data().join("nats/jetstream");
    std::fs::rename(store.join("EVENTS"), store.join("$G")).expect("the stream is there");
    std::fs::remove_dir_all(keyed.data().join("nats-keys")).expect("the keys are there");
    let inode = |account: &str| {
        let of = std::fs::metadata(store.join(account).join("streams/GUICHET_EVENTS_0/meta.inf"));
        of.map(|of| of.ino()).ok()
    };
    let before = inode("$G");
    assert!(before.is_some());

    keyed.node.launch().await;
    let desk = keyed.node.desk().await;
    desk.ready().await;
    assert_eq!(inode("EVENTS"), before, "the same files");
    assert_eq!(inode("$G"), None);
    let newest = desk.open_tickets("after", 3).await;
    desk.folded(newest).await;
    assert_eq!(desk.tickets().await.len(), 23);
}

/// The newest message of the stream, as any caller may ask.
pub(crate) async fn last_in(keyed: &Keyed) -> u64 {
    let url: ServerAddr = keyed.node.url().parse().expect("a url");
    let options = ConnectOptions::new().user_and_password(
        url.username().expect("a user").to_owned(),
        url.password().expect("a password").to_owned(),
    );
    let client = options.connect(url).await.expect("a caller gets in");
    let asked = client.request("$JS.API.STREAM.INFO.GUICHET_EVENTS_0", "".into()).await.expect("an answer");
    let info: Value = serde_json::from_slice(&asked.payload).expect("JSON");
    info["state"]["last_seq"].as_u64().unwrap_or_else(|| panic!("{info}"))
}

/// Who heals the stream is somebody else than who writes it, and is there only while there is something to heal.
#[tokio::test]
async fn the_stream_is_healed_with_a_key_of_its_own() {
    let mut keyed = Keyed::start().await;
    let desk = keyed.node.desk().await;
    desk.ready().await;
    let newest = desk.open_tickets("healed", 3).await;
    let caller = keyed.connect("caller").await;
    let config = async || -> Value {
        let asked =
            caller.request("$JS.API.STREAM.INFO.GUICHET_EVENTS_0", "".into()).await.expect("an answer");
        serde_json::from_slice::<Value>(&asked.payload).expect("JSON")["config"].clone()
    };
    let (before, mut limited) = (config().await, config().await);
    limited["max_msgs"] = 1_000_000.into();
    let healer = keyed.connect("healer").await;
    let update = healer.request("$JS.API.STREAM.UPDATE.GUICHET_EVENTS_0", limited.to_string().into());
    let said: Value = serde_json::from_slice(&update.await.expect("an answer").payload).expect("JSON");
    assert_eq!(said["config"]["max_msgs"], 1_000_000, "{said}");
    drop(healer);
    until("it is as it was", WITHIN, async || {
        (config().await["max_msgs"] == before["max_msgs"]).then_some(())
    })
    .await;
    let more = desk.open_tickets("after", 2).await;
    assert!(more > newest);
    desk.folded(more).await;
    assert!(keyed.node.stop().await.success());
}

/// Without it, an answer to somebody who has left costs all that an answer may.
#[tokio::test]
async fn a_worker_sees_who_listens_for_an_answer() {
    let keyed = Keyed::start().await;
    let worker = keyed.connect("worker").await;
    let listens = async |subject: &str| {
        let question = serde_json::json!({"filter_subject": subject, "limit": 1}).to_string();
        let said = worker.request("$SYS.REQ.ACCOUNT.PING.CONNZ", question.into()).await.expect("an answer");
        let said: Value = serde_json::from_slice(&said.payload).expect("JSON");
        assert_eq!(said["server"].get("cluster"), None, "it is alone: {said}");
        said["data"]["num_connections"].as_u64().expect("a number") > 0
    };
    for user in ["caller", "http", "tools"] {
        let client = keyed.connect(user).await;
        let inbox = client.new_inbox();
        assert!(!listens(&inbox).await, "{user}");
        let listening = client.subscribe(inbox.clone()).await.expect("an inbox");
        until("the server sees that somebody listens", WITHIN, async || listens(&inbox).await.then_some(()))
            .await;
        drop((listening, client));
        until("the server sees that nobody does", WITHIN, async || (!listens(&inbox).await).then_some(()))
            .await;
    }
}

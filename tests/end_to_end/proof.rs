//! Anyone can check: what we sign and prove is judged by programs that we did not write. Go's `sumdb` must accept what
//! is true and refuse whatever was changed.

mod adversary;
mod foreign;
mod judge;
mod report;
mod watch;

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use crate::harness::{Serve, Settings, guichet, until};
use judge::Judge;

/// A checkpoint is due half a second after the log has grown; a busy machine takes longer.
const SIGNED_WITHIN: Duration = Duration::from_secs(20);

/// A node with some hundred records, and where to put what is asked of it.
struct Node {
    serve: Serve,
}

impl Node {
    async fn with_tickets(count: usize) -> Self {
        let node = Self { serve: Serve::start(Settings::default()).await };
        node.serve.desk().await.open_tickets("first", count).await;
        node
    }

    fn data(&self) -> PathBuf {
        self.serve.dir().join("data")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.serve.dir().join(name)
    }

    fn key(&self) -> PathBuf {
        self.data().join("log.vkey")
    }

    /// Runs a tool against this node.
    fn tool(&self, words: &[&str]) -> Output {
        let mut command = guichet();
        command.args(words).arg("--data-dir").arg(self.data());
        command.output().expect("the tool runs")
    }

    /// Runs a tool that must do what it was asked.
    fn done(&self, words: &[&str]) -> String {
        let output = self.tool(words);
        assert!(output.status.success(), "{words:?}: {}", both(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Copies the log as far as it has been signed, until that is all that was just recorded.
    async fn audited(&self, copy: &Path) {
        let head = self.serve.desk().await.head().await;
        until("the copy has what was just recorded", SIGNED_WITHIN, async || {
            self.done(&["audit", text(copy)]);
            (size_of(copy) >= head).then_some(())
        })
        .await;
    }

    /// Runs a tool that must find something, and gives what it said.
    fn found(&self, words: &[&str]) -> String {
        let output = self.tool(words);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {}", both(&output));
        both(&output)
    }
}

fn both(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// Records that the checkpoint of a copy covers.
fn size_of(copy: &Path) -> u64 {
    size(&std::fs::read_to_string(copy.join("checkpoint")).expect("a checkpoint"))
}

fn size(checkpoint: &str) -> u64 {
    checkpoint.lines().nth(1).and_then(|size| size.parse().ok()).expect("a size")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary path is text")
}

/// Changes one byte of a file, or one word.
fn change(path: &Path, how: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let content = how(std::fs::read(path).expect("a file of ours"));
    std::fs::write(path, content).expect("a file of ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_convinces_a_program_of_others_and_a_changed_one_does_not() {
    let node = Node::with_tickets(160).await;
    let judge = Judge::new(node.serve.dir());
    let proofs = node.file("proofs");
    for what in ["1", "42", "256", "257", "T-7"] {
        node.done(&["proof", what, "-o", text(&proofs)]);
    }
    let (mut files, mut largest) = (0, 0);
    for entry in std::fs::read_dir(&proofs).expect("proofs") {
        let proof = entry.expect("a file").path();
        if proof.extension().is_some_and(|e| e == "tlog-proof") {
            largest = largest.max(std::fs::metadata(&proof).expect("a file").len());
            assert!(judge.all_accept(&node.key(), &proof), "{}", proof.display());
            node.done(&["proof", "--check", text(&proof)]);
            files += 1;
        }
    }
    // Two events of T-7, which may be among the others.
    assert!((5..=6).contains(&files), "{files} proofs");
    assert!(largest < 2048, "{largest} bytes");

    let (proof, record) = (proofs.join("42.tlog-proof"), proofs.join("42.record"));
    let (good_proof, good_record) =
        (std::fs::read(&proof).expect("a proof"), std::fs::read(&record).expect("a record"));
    let refused = |what: &str| {
        judge.all_refuse(&node.key(), &proof, what);
        node.found(&["proof", "--check", text(&proof)]);
        std::fs::write(&proof, &good_proof).expect("put back");
        std::fs::write(&record, &good_record).expect("put back");
    };
    for at in [0, good_record.len() / 2, good_record.len() - 1] {
        change(&record, |mut bytes| {
            bytes[at] ^= 1;
            bytes
        });
        refused("a changed record");
    }
    change(&proof, |bytes| replace(&bytes, "index 41", "index 40"));
    refused("another place");
    change(&proof, |bytes| {
        let text = String::from_utf8(bytes).expect("text");
        let size: u64 = text
            .split("\n\n")
            .nth(1)
            .expect("a checkpoint")
            .lines()
            .nth(1)
            .expect("a size")
            .parse()
            .expect("a number");
        text.replacen(&format!("\n{size}\n"), &format!("\n{}\n", size + 1), 1).into_bytes()
    });
    refused("a changed size");
    change(&proof, |bytes| {
        let text = String::from_utf8(bytes).expect("text");
        let (before, signature) = text.trim_end().rsplit_once(' ').expect("a signature");
        let mut signature = signature.as_bytes().to_vec();
        signature[20] = if signature[20] == b'A' { b'B' } else { b'A' };
        format!("{before} {}\n", String::from_utf8(signature).expect("text")).into_bytes()
    });
    refused("a changed signature");
    change(&proof, |bytes| {
        let lines: Vec<String> = String::from_utf8(bytes).expect("text").lines().map(str::to_owned).collect();
        let mut lines = lines;
        lines.swap(2, 3);
        (lines.join("\n") + "\n").into_bytes()
    });
    refused("hashes in another order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_log_is_verified_running_and_stopped() {
    let mut node = Node::with_tickets(200).await;
    node.serve.desk().await.folded(node.serve.desk().await.head().await).await;
    let running: serde_json::Value = serde_json::from_str(&node.done(&["verify", "--json"])).expect("JSON");
    assert_eq!((&running["ok"], &running["faults"]), (&true.into(), &0.into()), "{running}");
    assert!(running["events"].as_u64() > Some(400), "{running}");
    let kept = node.file("kept");
    std::fs::copy(node.data().join("anchor-0/checkpoint"), &kept).expect("an anchor");
    node.serve.desk().await.open_tickets("second", 100).await;
    assert!(node.serve.stop().await.success());

    let stopped: serde_json::Value =
        serde_json::from_str(&node.done(&["verify", "--json", "--checkpoint", text(&kept)])).expect("JSON");
    assert_eq!(stopped["ok"], true, "{stopped}");
    assert_eq!(stopped["compared"].as_array().map(Vec::len), Some(2), "{stopped}");
    assert_eq!(stopped["unchecked"], serde_json::json!([]), "{stopped}");
    assert!(stopped["events"].as_u64() > running["events"].as_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_evidence_of_a_ticket_is_checked_without_us() {
    let node = Node::with_tickets(20).await;
    let judge = Judge::new(node.serve.dir());
    let zip = node.file("T-3.audit.zip");
    node.done(&["evidence", "T-3", "-o", text(&zip)]);
    let folder = node.file("evidence");
    judge.unpack(&zip, &folder);
    let readme = std::fs::read_to_string(folder.join("README.md")).expect("a page");
    assert!(readme.contains("T-3") && !readme.contains('{'), "{readme}");
    let events: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("events.json")).expect("events")).expect("JSON");
    let events = events["data"].as_array().expect("a list").clone();
    assert_eq!(events.len(), 2);
    for event in &events {
        let proof = folder.join(format!("proofs/{}.tlog-proof", event["position"]));
        let record = folder.join(format!("records/{}.record", event["position"]));
        judge.accept(&node.key(), &proof, &record);
    }
    judge.page(&folder);
    // The Python of the file itself, one changed byte on.
    let record = folder.join(format!("records/{}.record", events[1]["position"]));
    change(&record, |mut bytes| {
        bytes[30] ^= 4;
        bytes
    });
    judge.page_refuses(&folder);
}

fn replace(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    assert!(text.contains(from), "no {from} in {text}");
    text.replacen(from, to, 1).into_bytes()
}

//! Judges of another language and of other authors, where there is a Python for them: PyPI's `aics-tlog` reads the copy
//! of the log, `aics-witness` keeps its checkpoints.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use guichet_proof::{SignedCheckpoint, TileId, TileSource, prove};

use super::{Node, both, size, text};
use crate::harness::{self, Process, until};

/// In exactly these versions.
const PACKAGES: [&str; 1] = ["aics-tlog==0.2.1"];
/// See [`PACKAGES`].
const WITNESS: [&str; 2] = ["aics-tlog==0.2.1", "aics-witness==0.1.0"];

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_log_is_read_and_followed_by_a_tool_of_others() {
    let Some(programs) = harness::newer_python(&PACKAGES) else { return };
    let node = Node::with_tickets(200).await;
    let (copy, older, leaf) = (node.file("copy"), node.file("older"), node.file("leaf"));
    node.audited(&copy).await;
    std::fs::copy(copy.join("checkpoint"), &older).expect("a checkpoint");
    node.serve.desk().await.open_tickets("second", 80).await;
    node.audited(&copy).await;
    let log = node.serve.desk().await.log().await;
    let judge = |words: &[&str]| {
        let mut tool = Command::new(programs.join("aics-tlog"));
        tool.args(words).arg("--tiles").arg(&copy).arg("--vkey-file").arg(node.key());
        let verdict = tool.output().expect("the tool runs");
        verdict.status.success().then_some(()).ok_or_else(|| both(&verdict))
    };
    assert_eq!(judge(&["verify-checkpoint"]), Ok(()));
    assert_eq!(judge(&["verify-consistency", "--old-checkpoint", text(&older)]), Ok(()));
    for index in [0, 17, 255, 256, 400] {
        std::fs::write(&leaf, &log[index]).expect("a file");
        let asked = ["verify-inclusion", "--index", &index.to_string(), "--leaf", text(&leaf)];
        assert_eq!(judge(&asked), Ok(()), "leaf {index}");
    }
    std::fs::write(&leaf, &log[3]).expect("a file");
    judge(&["verify-inclusion", "--index", "4", "--leaf", text(&leaf)]).expect_err("another record");
    // The neighbour of what is flipped: its proof needs it, whatever the sizes are.
    flip(&copy.join("tile/0/000"));
    std::fs::write(&leaf, &log[16]).expect("a file");
    judge(&["verify-inclusion", "--index", "16", "--leaf", text(&leaf)]).expect_err("a changed tile");
}

fn flip(path: &Path) {
    super::change(path, |mut bytes| {
        bytes[32 * 17] ^= 1;
        bytes
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_of_others_signs_a_log_that_grows_and_no_other() {
    let Some(programs) = harness::newer_python(&WITNESS) else { return };
    let node = Node::with_tickets(100).await;
    let copy = node.file("copy");
    let checkpoint = || std::fs::read_to_string(copy.join("checkpoint")).expect("a checkpoint");
    node.audited(&copy).await;
    let first = checkpoint();
    node.serve.desk().await.open_tickets("second", 120).await;
    node.audited(&copy).await;
    let (second, proof) = (checkpoint(), growth(&copy, &first));
    let witness = Witness::start(&programs, &node).await;

    assert_eq!(witness.ask(0, "", &first), 200);
    assert_eq!(witness.ask(0, "", &second), 409, "it has seen more");
    assert_eq!(witness.ask(size(&first), "", &second), 422, "no proof");
    assert_eq!(witness.ask(size(&first), &proof, &second), 200);
    assert_ne!(witness.ask(size(&second), "", &first), 200, "a roll-back");
    let forged = second.replacen(&size(&second).to_string(), &(size(&second) + 1).to_string(), 1);
    assert_eq!(witness.ask(size(&second), "", &forged), 403, "a signature over something else");
}

/// `aics-witness` at work, on a free port.
struct Witness {
    _process: Process,
    port: u16,
}

impl Witness {
    async fn start(programs: &Path, node: &Node) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let (config, listen) = (node.file("witness.json"), format!("127.0.0.1:{port}"));
        let tool = |words: &[&str]| {
            let mut tool = Command::new(programs.join("aics-witness"));
            tool.args(words).arg("--config").arg(&config).current_dir(node.serve.dir());
            tool
        };
        let key = std::fs::read_to_string(node.key()).expect("a key");
        let origin = key.split('+').next().expect("a name").to_owned();
        for words in [
            &["init", "--name", "witness.example/test", "--listen", &listen, "--db", "witness.db"][..],
            &["add-log", "--origin", &origin, "--vkey", key.trim()],
        ] {
            let done = tool(words).output().expect("the tool runs");
            assert!(done.status.success(), "{}", both(&done));
        }
        let process = Process::spawn("witness", tool(&["serve"]), node.serve.dir());
        until("the witness listens", Duration::from_secs(30), async || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        })
        .await;
        Self { _process: process, port }
    }

    /// C2SP tlog-witness: the status of the answer.
    fn ask(&self, old: u64, proof: &str, checkpoint: &str) -> u16 {
        let body = format!("old {old}\n{proof}\n{checkpoint}");
        let mut to = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        write!(
            to,
            "POST /add-checkpoint HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("it reads");
        let mut answer = String::new();
        to.read_to_string(&mut answer).expect("it answers");
        answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
    }
}

/// That the copy begins with an older checkpoint, a hash a line.
fn growth(copy: &Path, older: &str) -> String {
    let read = |note: &[u8]| SignedCheckpoint::read(note).expect("a checkpoint");
    let (older, now) =
        (read(older.as_bytes()), read(&std::fs::read(copy.join("checkpoint")).expect("a file")));
    let proof = prove::consistency(now.size(), now.root(), older.size(), older.root(), &Copy(copy));
    proof.expect("a proof").iter().map(|hash| tlog_hash(hash.0) + "\n").collect()
}

fn tlog_hash(hash: [u8; 32]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = hash.chunks(3).flat_map(|three| {
        let n = (0..3).fold(0u32, |n, i| n << 8 | u32::from(three.get(i).copied().unwrap_or(0)));
        let digit = move |i: usize| char::from(DIGITS[(n >> (18 - 6 * i)) as usize & 63]);
        (0..4).map(move |i| if i <= three.len() { digit(i) } else { '=' })
    });
    groups.collect()
}

/// The tiles of a static folder.
struct Copy<'a>(&'a Path);

impl TileSource for Copy<'_> {
    type Error = std::io::Error;

    fn read(&self, tile: TileId) -> std::io::Result<Option<Vec<u8>>> {
        std::fs::read(self.0.join("tile").join(tile.path())).map(Some)
    }
}

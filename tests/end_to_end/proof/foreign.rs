//! A second judge, of another language and other authors: PyPI's `aics-tlog`, where there is a Python for it.

use std::path::Path;
use std::process::Command;

use super::{Node, both, text};
use crate::harness;

/// In exactly this version.
const PACKAGES: [&str; 1] = ["aics-tlog==0.2.1"];

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_log_is_read_and_followed_by_a_tool_of_others() {
    let Some(programs) = harness::newer_python(&PACKAGES) else { return };
    let node = Node::with_tickets(200).await;
    let (copy, older, leaf) = (node.file("copy"), node.file("older"), node.file("leaf"));
    node.done(&["audit", text(&copy)]);
    std::fs::copy(copy.join("checkpoint"), &older).expect("a checkpoint");
    node.serve.desk().await.open_tickets("second", 80).await;
    node.done(&["audit", text(&copy)]);
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
    flip(&copy.join("tile/0/000"));
    judge(&["verify-consistency", "--old-checkpoint", text(&older)]).expect_err("a changed tile");
}

fn flip(path: &Path) {
    super::change(path, |mut bytes| {
        bytes[32 * 17] ^= 1;
        bytes
    });
}

//! Another team's service in another language: Python, nats-py, and the page of the contract. The scripts are in
//! `python/`; here is what they need, and the crash between their two visits.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::harness::{Process, Serve, Settings, missing};

const REQUIREMENT: &str = "nats-py==2.16.0";
const VISIT_WITHIN: Duration = Duration::from_secs(180);

#[tokio::test]
async fn an_outside_team_gets_what_the_contract_promises_also_after_a_crash() {
    let Some(python) = python() else { return };
    let mut node = Serve::start(Settings::default()).await;
    visit(&python, "live", &node).await;
    node.kill();
    node.launch().await;
    visit(&python, "after_crash", &node).await;
    assert!(node.stop().await.success());
}

#[tokio::test]
async fn an_outside_team_is_told_when_the_disk_is_full() {
    let Some(python) = python() else { return };
    let more_than_any_disk = Some(1 << 40);
    let node = Serve::start(Settings { disk_reserve: more_than_any_disk }).await;
    visit(&python, "busy", &node).await;
}

async fn visit(python: &Path, what: &str, node: &Serve) {
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/end_to_end/python/journey.py"));
    // No compiled files in the source tree.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.args([what, node.url()]).arg(node.dir().join("state.json"));
    let mut journey = Process::spawn("journey", command, node.dir());
    let status = journey.exit(VISIT_WITHIN).await;
    let said = journey.said();
    assert!(status.success(), "journey {what}: {status}\n{said}");
    assert!(said.contains(&format!("done: {what}")), "{said}");
}

/// Python with nats-py, in a venv that is made once; `None`, loudly, where that is not possible.
fn python() -> Option<PathBuf> {
    match venv() {
        Ok(python) => Some(python),
        Err(why) => {
            missing(&format!("the journey needs python3 with venv and {REQUIREMENT}: {why}"));
            None
        }
    }
}

fn venv() -> Result<PathBuf, String> {
    let version = output(Command::new("python3").arg("-VV"))?;
    let wanted = Sha256::new().chain_update(REQUIREMENT).chain_update(version).finalize();
    let name: String = wanted[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    let cache = std::env::home_dir().ok_or("there is no home folder")?.join(".cache/guichet");
    fs::create_dir_all(&cache).map_err(|e| e.to_string())?;
    let lock = File::create(cache.join("venv.lock")).map_err(|e| e.to_string())?;
    lock.lock().map_err(|e| e.to_string())?;
    let venv = cache.join(format!("venv-{name}"));
    let (python, complete) = (venv.join("bin/python"), venv.join("complete"));
    if !complete.exists() {
        output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", REQUIREMENT];
        output(Command::new(&python).args(pip))?;
        File::create(&complete).map_err(|e| e.to_string())?;
    }
    Ok(python)
}

fn output(command: &mut Command) -> Result<String, String> {
    let ran = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if ran.status.success() {
        return Ok(text(&ran.stdout));
    }
    Err(format!("{command:?} ended with {}: {}{}", ran.status, text(&ran.stdout), text(&ran.stderr)))
}

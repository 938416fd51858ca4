//! Negative controls: the same rig against builds that break one promise each. Where it finds nothing, the rig is
//! blind, and every row above it is worth nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use guichet_crash::Sabotage;

use crate::campaign::Campaign;
use crate::finding::Invariant;
use crate::kills::random_kills;
use crate::site::Program;
use crate::table::{Row, say};

/// Kills after which a fault must have been found.
const KILLS: usize = 12;

/// Each fault that kills can show. The others stand beside what shows them.
pub(crate) async fn all(goal: &str, campaign: &Campaign) -> Vec<Row> {
    let path = match sabotaged_program() {
        Ok(path) => path,
        Err(why) => return vec![Row::skipped(goal, why)],
    };
    let mut rows = Vec::new();
    for fault in Sabotage::ALL {
        let expected: &[Invariant] = match fault {
            Sabotage::AckBeforeWrite => &[Invariant::I1],
            Sabotage::NoDedup => &[Invariant::I2],
            Sabotage::CheckpointBeforeData => &[Invariant::I5],
            // Shown by messages that come late, and by a power cut: the memory of the system outlives a process.
            Sabotage::PublishUnchecked | Sabotage::AckBeforeSync => continue,
        };
        let program = Program::sabotaged(path.clone(), *fault);
        let round = random_kills(program, campaign.seed, KILLS).await;
        let goal = format!("control: {}", fault.name());
        let row = Row::of(&goal, format!("{} kills", round.kills), round.verdict, round.restarts);
        rows.push(row.control(expected));
    }
    rows
}

/// Our own crates, and no others: to break a promise they need not be quick, and to compile them for speed a second time
/// takes minutes. What others wrote keeps its profile, and is not compiled again.
fn unoptimised() -> Result<Vec<String>, String> {
    let manifest = std::fs::read_to_string(crate::harness::project("Cargo.toml"));
    let manifest = manifest.map_err(|error| format!("Cargo.toml: {error}"))?;
    let ours = manifest.lines().filter(|line| line.starts_with("guichet-") && line.contains("path ="));
    let names = ours.filter_map(|line| line.split(' ').next()).chain(["guichet"]);
    let quickly = |name: &str| ["--config".to_owned(), format!("profile.dev.package.{name}.opt-level=0")];
    Ok(names.flat_map(quickly).collect())
}

/// Builds the program that can be told to break a promise, beside the product and out of the same objects: only
/// our own crates are compiled a second time.
pub(crate) fn sabotaged_program() -> Result<PathBuf, String> {
    // The product lies in <target>/<profile>; what is compiled is shared, what is linked is not.
    let product = Path::new(env!("CARGO_BIN_EXE_guichet"));
    let target = product.parent().and_then(Path::parent).ok_or("the product lies nowhere")?;
    let own = target.join("sabotaged");
    let cargo = std::env::var_os("CARGO").ok_or("only cargo can build it: run this by cargo test")?;
    say("building the program that breaks promises; the first time this takes minutes");
    let mut build = Command::new(cargo);
    build
        .current_dir(crate::harness::project("."))
        // With a test beside it, however small: else cargo leaves the features away that only tests ask for, and
        // compiles half of the world once more.
        .args([
            "build",
            "--quiet",
            "--bin",
            "guichet",
            "--test",
            "tidy",
            "--features",
            "sabotage",
            "--target-dir",
        ])
        .arg(&own)
        .args(unoptimised()?)
        .env("CARGO_BUILD_BUILD_DIR", target);
    let built = build.status().map_err(|error| format!("{build:?}: {error}"))?;
    if !built.success() {
        return Err(format!("{build:?} ended with {built}"));
    }
    Ok(own.join("debug").join("guichet"))
}

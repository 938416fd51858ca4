//! The verdict over a site and its book: everything is read again from outside, and nothing is believed.

mod acks;
mod chain;
mod fold;
mod log;
pub(crate) mod models;
mod order;

use std::collections::HashSet;
use std::time::Duration;

use uuid::Uuid;

use crate::finding::{Finding, Invariant};
use crate::harness::until;
use crate::ledger::{End, Entry, Ledger, is_accepted};
use crate::published::{self, Published};
use crate::site::Site;

pub(crate) use self::log::Written;
pub(crate) use self::models::{MODELS, order};

const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(60);

/// What the rig has seen, and what of it must not be.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) findings: Vec<Finding>,
    /// Commands that were sent.
    pub(crate) commands: usize,
    /// Of them: accepted, and known to be by their sender.
    pub(crate) acked: usize,
    /// Attempts without an answer.
    pub(crate) unknown: usize,
    /// In the log, although no answer of the first attempt arrived: why an id has one outcome.
    pub(crate) saved_by_id: usize,
    /// Records in the log.
    pub(crate) records: usize,
}

impl Verdict {
    /// How many findings are about one of these promises.
    pub(crate) fn count(&self, of: &[Invariant]) -> usize {
        self.findings.iter().filter(|finding| of.contains(&finding.broken)).count()
    }

    /// Takes another verdict in.
    pub(crate) fn add(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.commands += other.commands;
        self.acked += other.acked;
        self.unknown += other.unknown;
        self.saved_by_id += other.saved_by_id;
        self.records += other.records;
    }

    /// Adds one finding.
    pub(crate) fn broken(finding: Finding) -> Self {
        Self { findings: vec![finding], ..Self::default() }
    }
}

/// Judges a site whose clients have ended.
pub(crate) async fn judge(site: &mut Site, ledger: &Ledger) -> Verdict {
    judge_without(site, ledger, &HashSet::new()).await
}

/// The verdict about all commands but these.
pub(crate) async fn judge_without(site: &mut Site, ledger: &Ledger, lost: &HashSet<Uuid>) -> Verdict {
    let sent = ledger.entries();
    let (mut entries, mut forgeries) = (sent.clone(), ledger.forgeries());
    entries.retain(|entry| !lost.contains(&entry.id));
    forgeries.retain(|forgery| !lost.contains(&forgery.id));
    let mut verdict = counted(&entries);
    match evidence(site).await {
        Ok(evidence) => {
            verdict.records = evidence.written.len();
            verdict.findings.extend(acks::check(&entries, &forgeries, &evidence.written));
            verdict.findings.extend(chain::check(&evidence.written));
            verdict.findings.extend(order::check(&entries, &evidence.written));
            verdict.findings.extend(same_stream(&evidence.written, &evidence.stream));
            verdict.findings.extend(fold::check(&sent, &evidence.written, &evidence.views));
            verdict.findings.extend(models::check(site).await);
            verdict.saved_by_id = acks::saved_by_id(&entries, &evidence.written);
        }
        Err(finding) => verdict.findings.push(finding),
    }
    verdict
}

/// Answers of an engine that lost against another.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    /// Commands that it answered, and that the log of the winner does not have so.
    pub(crate) ids: HashSet<Uuid>,
    /// From its first answer that does not count to the last command that it took and answered.
    pub(crate) longest: Duration,
}

/// Finds what a second engine has answered that does not count.
pub(crate) async fn lost(site: &mut Site, ledger: &Ledger) -> Result<Lost, Finding> {
    site.engine_answers().await?;
    let written = Written::read(site.desk.log().await)?;
    let mut lost = Lost::default();
    let mut times = Vec::new();
    for entry in ledger.entries().iter().filter(|entry| !entry.dry_run) {
        let records = written.of(entry.id);
        // Where nothing was to do, or where one refused, the log tells nothing: each engine said what it saw.
        if acks::told_two(entry) {
            lost.ids.insert(entry.id);
        }
        for (attempt, answer) in entry.answers().filter(|(_, answer)| is_accepted(answer)) {
            if acks::stands(entry.id, answer, &records).is_some() {
                times.push((attempt.sent, attempt.ended));
                lost.ids.insert(entry.id);
            }
        }
    }
    // The one engine took the command, and the other what was sent under its id: each knew of one of them alone.
    let forgeries = ledger.forgeries();
    lost.ids
        .extend(forgeries.iter().filter(|forgery| forgery.answer["ok"] == true).map(|forgery| forgery.id));
    let first = times.iter().map(|(_, ended)| *ended).min().unwrap_or_default();
    lost.longest = times.iter().map(|(sent, _)| sent.saturating_sub(first)).max().unwrap_or_default();
    Ok(lost)
}

fn counted(entries: &[Entry]) -> Verdict {
    let acked = |entry: &&Entry| !entry.dry_run && entry.answers().any(|(_, bytes)| is_accepted(bytes));
    let attempts = entries.iter().flat_map(|entry| &entry.attempts);
    Verdict {
        commands: entries.len(),
        acked: entries.iter().filter(acked).count(),
        unknown: attempts.filter(|attempt| attempt.end == End::Unknown).count(),
        ..Verdict::default()
    }
}

struct Evidence {
    written: Written,
    stream: Vec<Published>,
    views: Vec<serde_json::Value>,
}

async fn evidence(site: &mut Site) -> Result<Evidence, Finding> {
    site.supervise()?;
    site.engine_answers().await?;
    let head = site.desk.head().await;
    let mut written = Written::read(site.desk.log().await)?;
    written.open(&site.desk.client).await;
    let published = async || published::last_sequence(&site.desk).await.filter(|last| *last >= head);
    let caught_up = until("the stream has all that the log has", CAUGHT_UP_WITHIN * 2, published);
    if tokio::time::timeout(CAUGHT_UP_WITHIN, caught_up).await.is_err() {
        site.supervise()?;
        return Err(Finding::of(Invariant::I4, format!("the stream does not reach position {head}")));
    }
    let stream = published::read(&site.desk).await;
    site.folded(head).await?;
    let views = site.desk.tickets().await;
    Ok(Evidence { written, stream, views })
}

/// Byte by byte, and not one more.
fn same_stream(written: &Written, stream: &[Published]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (position, message) in (1_u64..).zip(stream) {
        if message.sequence != position {
            findings.push(Finding::of(
                Invariant::I4,
                format!("the stream has sequence {} at {position}", message.sequence),
            ));
            break;
        }
        if written.bytes(position).is_none_or(|bytes| bytes != &message.payload[..]) {
            findings.push(Finding::of(
                Invariant::I4,
                format!("message {position} is not what the log has there"),
            ));
        }
    }
    if stream.len() != written.len() {
        findings.push(Finding::of(
            Invariant::I4,
            format!("{} messages, {} records", stream.len(), written.len()),
        ));
    }
    findings
}

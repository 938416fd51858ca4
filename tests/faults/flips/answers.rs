//! Everything that a node on a damaged folder says, compared with what was true before the damage.

use std::time::{Duration, Instant};

use async_nats::{Message, Request};
use bytes::Bytes;
use futures_util::future::join_all;
use guichet_key_client::{Opener, of_record};
use guichet_schemas::codec::decode_record_wire;
use guichet_schemas::position::Partition;
use guichet_schemas::wire::personal::Form;
use guichet_schemas::wire::{LogBatch, LogRequest};
use prost::Message as _;
use serde_json::{Value, json};

use super::damage::Kind;
use super::recovery::Trouble;
use super::settled::Truth;
use crate::desk::{id, new_ticket};
use crate::finding::{Finding, Invariant};
use crate::judge::{MODELS, models};
use crate::ledger::{Entry, is_accepted};
use crate::published;
use crate::site::Site;

const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// The stream is as the log again within this: it is compared a thousand messages a second.
const STREAM_WITHIN: Duration = Duration::from_secs(30);
/// And it is read in so long.
const READ_WITHIN: Duration = Duration::from_secs(3);
/// A model that did not get there by then stands still.
const STANDS_WITHIN: Duration = Duration::from_secs(4);
const MODELS_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What is said of a live read model that cannot be read.
const DAMAGED: &str = "the live generation is damaged";
/// The same, found while it folded.
const STANDS_STILL: &str = "the live generation stands still (storage:";
/// Commands that are sent again.
const RETRIES: usize = 40;

/// Asks for everything. The first thing that is not so ends it.
pub(super) async fn all(site: &mut Site, kind: Kind, truth: &Truth) -> Result<(), Trouble> {
    let log = log(site, truth).await?;
    retries(site, truth.answered.iter().filter(|(_, answer)| !is_empty(answer))).await?;
    tickets(site, truth).await?;
    let by_command = match kind {
        Kind::Models => read_models(site, truth, log.len() as u64).await?,
        Kind::Wal | Kind::Tables | Kind::Manifest | Kind::Identity | Kind::Head | Kind::Anchor => false,
        Kind::SigningKey | Kind::Kek | Kind::Keys | Kind::Stream | Kind::Notes => false,
    };
    texts(site, &log).await?;
    goes_on(site, truth).await?;
    stream(site, truth).await?;
    // Last: what was forgotten is decided again, and may change something now.
    let forgotten = retries(site, truth.answered.iter().filter(|(_, answer)| is_empty(answer))).await?;
    match forgotten {
        0 if by_command => Err(Trouble::ByCommand),
        0 => Ok(()),
        answers => Err(Trouble::Forgotten(answers)),
    }
}

/// Nothing was to be done: no record holds this answer.
fn is_empty(answer: &[u8]) -> bool {
    String::from_utf8_lossy(answer).contains("\"events\":[]")
}

/// Record by record as it was, and behind it only what the start itself wrote.
async fn log(site: &mut Site, truth: &Truth) -> Result<Vec<Vec<u8>>, Trouble> {
    let mut records: Vec<Vec<u8>> = Vec::new();
    loop {
        let asked = LogRequest { from: records.len() as u64 + 1, max_events: 0, max_bytes: 0 };
        let message = asked_of(site, "guichet.v1.log.0".to_owned(), asked.encode_to_vec().into()).await?;
        if message.headers.as_ref().is_some_and(|headers| headers.get("Nats-Service-Error").is_some()) {
            return Err(Trouble::Silent(format!("the log is not read from {} on", records.len() + 1)));
        }
        let batch = LogBatch::decode(message.payload).map_err(|_| wrong(Invariant::I3, "no LogBatch"))?;
        let (head, got) = (batch.head, batch.records.len());
        records.extend(batch.records);
        if records.len() as u64 >= head {
            break;
        }
        if got == 0 {
            return Err(wrong(Invariant::I1, format!("the log ends at {} of {head}", records.len())));
        }
    }
    let differs = (0..truth.log.len()).find(|at| records.get(*at) != truth.log.get(*at));
    match differs {
        Some(at) => Err(wrong(Invariant::I1, format!("position {} is not what it was", at + 1))),
        None => Ok(records),
    }
}

/// Whoever asks again gets what he was told. Says how many answers were forgotten that no record holds.
async fn retries(
    site: &mut Site,
    answered: impl Iterator<Item = &(Entry, Vec<u8>)> + Clone,
) -> Result<usize, Trouble> {
    let mut forgotten = 0;
    let step = (answered.clone().count() / RETRIES).max(1);
    for (entry, before) in answered.step_by(step) {
        let message = asked_of(site, entry.subject.clone(), entry.body.clone()).await?;
        let text =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\"replayed\":false", "\"replayed\":true");
        if text(&message.payload) != text(before) {
            not_now(&message.payload)?;
            if is_empty(before) {
                forgotten += 1;
                continue;
            }
            let what = format!(
                "{} was told {}, and now {}",
                entry.id,
                String::from_utf8_lossy(before),
                String::from_utf8_lossy(&message.payload)
            );
            return Err(wrong(Invariant::I2, what));
        }
    }
    Ok(forgotten)
}

/// The engine knows each ticket at the version that it has.
async fn tickets(site: &mut Site, truth: &Truth) -> Result<(), Trouble> {
    let client = site.desk.client.clone();
    let ask = |(n, (ticket, version)): (usize, (&str, u64))| {
        let comment = json!({"visibility": "internal", "body": "still there?"});
        let body = json!({
            "command_id": id("version of", n), "actor": {"kind": "agent", "id": "alice"}, "dry_run": true,
            "expected_version": version, "data": comment,
        });
        let (subject, client) =
            (format!("guichet.v1.cmd.default.outside.{ticket}.add_comment"), client.clone());
        async move { client.send_request(subject, request(body.to_string().into())).await }
    };
    for answer in join_all(truth.tickets().enumerate().map(ask)).await {
        let Ok(message) = answer else { return Err(silent(site)) };
        if !is_accepted(&message.payload) {
            not_now(&message.payload)?;
            let what = format!("a ticket is not as it was: {}", String::from_utf8_lossy(&message.payload));
            return Err(wrong(Invariant::K2, what));
        }
    }
    Ok(())
}

/// An answer that says nothing is not a wrong one.
fn not_now(answer: &[u8]) -> Result<(), Trouble> {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    match answer["error"]["code"].as_str() {
        Some("busy" | "unavailable" | "outcome_unknown") => {
            Err(Trouble::Silent(format!("a command is not decided: {answer}")))
        }
        Some(_) | None => Ok(()),
    }
}

/// Each model beside one that is rebuilt, and what the desk shows. True where that was the way to make a damaged
/// model whole.
async fn read_models(site: &mut Site, truth: &Truth, head: u64) -> Result<bool, Trouble> {
    folded(site, head, STANDS_WITHIN).await.ok();
    let mut by_command = false;
    for finding in models::check(site).await {
        let said = [DAMAGED, STANDS_STILL].iter().any(|said| finding.what.contains(said));
        if !said || !finding.what.contains("took over") {
            return Err(Trouble::Wrong(finding));
        }
        by_command = true;
    }
    folded(site, head, MODELS_WITHIN).await?;
    let views = tokio::time::timeout(MODELS_WITHIN, site.desk.tickets()).await;
    let views = views.map_err(|_| Trouble::Silent("the desk shows no tickets".to_owned()))?;
    if !truth.shows(&views) {
        return Err(wrong(Invariant::I5, "the desk does not show the tickets as they were"));
    }
    Ok(by_command)
}

/// Waits until every model has folded so far.
async fn folded(site: &mut Site, head: u64, within: Duration) -> Result<(), Trouble> {
    let begun = Instant::now();
    loop {
        let asked = site.desk.try_query("projections", json!({}));
        let reply = tokio::time::timeout(ANSWER_WITHIN, asked).await.ok().flatten();
        let models = reply.and_then(|reply| reply.body["data"].as_array().cloned()).unwrap_or_default();
        let at = |model: &Value| model["checkpoint"].as_u64().unwrap_or(0);
        if models.len() == MODELS.len() && models.iter().all(|model| at(model) >= head) {
            return Ok(());
        }
        if site.worker.as_mut().is_some_and(|worker| worker.ended().is_some()) {
            return Err(Trouble::Ended);
        }
        if begun.elapsed() > within {
            return Err(Trouble::Silent(format!("the read models do not reach position {head}")));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Every personal text opens.
async fn texts(site: &Site, log: &[Vec<u8>]) -> Result<(), Trouble> {
    let mut records: Vec<_> = log.iter().filter_map(|bytes| decode_record_wire(bytes).ok()).collect();
    let opener = Opener::new(site.desk.client.clone(), Partition(0));
    opener.open("default", records.iter_mut().flat_map(of_record).collect()).await;
    let texts = records.iter_mut().flat_map(of_record);
    let sealed = texts.filter(|text| matches!(text.text.form, Some(Form::Sealed(_)))).count();
    if sealed == 0 { Ok(()) } else { Err(Trouble::Sealed(sealed)) }
}

/// A new ticket gets the number after the last one.
async fn goes_on(site: &mut Site, truth: &Truth) -> Result<(), Trouble> {
    let body = json!({
        "command_id": id("behind the damage", 0), "actor": {"kind": "agent", "id": "alice"}, "data": new_ticket(0),
    });
    let subject = "guichet.v1.cmd.default.outside.new.create".to_owned();
    let message = asked_of(site, subject, body.to_string().into()).await?;
    let answer: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
    let number = format!("T-{}", truth.views.len() + 1);
    if answer["number"] == number {
        return Ok(());
    }
    not_now(&message.payload)?;
    Err(wrong(Invariant::I3, format!("a new ticket should be {number}: {answer}")))
}

/// The stream is the log, byte by byte, sooner or later.
async fn stream(site: &mut Site, truth: &Truth) -> Result<(), Trouble> {
    let log = log(site, truth).await?;
    let begun = Instant::now();
    loop {
        let read = tokio::time::timeout(READ_WITHIN, published::try_read(&site.desk)).await;
        let same = read.ok().flatten().is_some_and(|messages| {
            messages.len() == log.len()
                && messages.iter().zip(&log).all(|(m, record)| m.payload == record[..])
        });
        if same {
            return Ok(());
        }
        if site.ended_engine().is_some() {
            return Err(Trouble::Ended);
        }
        if begun.elapsed() > STREAM_WITHIN {
            return Err(wrong(Invariant::I4, "the stream does not become what the log is"));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// An answer, from an engine that may end at any moment.
async fn asked_of(site: &mut Site, subject: String, body: Bytes) -> Result<Message, Trouble> {
    let answer = site.desk.client.send_request(subject, request(body)).await;
    answer.map_err(|_| silent(site))
}

fn silent(site: &mut Site) -> Trouble {
    if site.ended_engine().is_some() {
        return Trouble::Ended;
    }
    Trouble::Silent("the engine gives no answer".to_owned())
}

fn request(body: Bytes) -> Request {
    Request::new().payload(body).timeout(Some(ANSWER_WITHIN))
}

fn wrong(broken: Invariant, what: impl Into<String>) -> Trouble {
    Trouble::Wrong(Finding::of(broken, what))
}

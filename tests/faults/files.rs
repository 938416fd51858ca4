//! Attachments under kills, power cuts and a folder that is full. A book keeps every answer: what was acknowledged can be
//! fetched with the bytes that were brought, and nothing is left that is nobody's.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use guichet_schemas::hash::Hash;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::campaign::Campaign;
use crate::desk::{Desk, id, new_ticket};
use crate::disk::{self, Disk};
use crate::finding::{Finding, Invariant};
use crate::full::Space;
use crate::judge::Verdict;
use crate::power::stand_still;
use crate::site::{Program, Site};
use crate::table::Row;

/// Files on their way when something happens.
const FILES: usize = 6;
const PART: usize = 256 * 1024;
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// For the first sweep after a start.
const SWEPT_WITHIN: Duration = Duration::from_secs(20);
/// So small that a few files fill it.
const SMALL: &str = "size=3m";

/// What the engine has told.
#[derive(Debug, Default)]
struct Book {
    /// Named by a command that was accepted.
    named: BTreeMap<Hash, Vec<u8>>,
    sent: usize,
    unknown: usize,
    refused: usize,
}

#[derive(Clone)]
struct Sender {
    desk: Desk,
    ticket: String,
    book: Arc<Mutex<Book>>,
}

/// What came of bringing one part.
enum Told {
    Received(usize),
    Stored,
    Refused,
    Nothing,
}

impl Sender {
    async fn to(site: &Site, n: u64) -> Self {
        let created = site.desk.command("new", "create", id("files", 1), new_ticket(n as usize)).await;
        let ticket = created.body["ticket_id"].as_str().expect("a ticket").to_owned();
        Self { desk: site.desk.clone(), ticket, book: Arc::default() }
    }

    /// Brings files and names them, one after the other; gives up where nobody answers.
    async fn send(self, files: Vec<Vec<u8>>) {
        for bytes in files {
            let told = self.upload(&bytes).await;
            let named = if let Told::Stored = told { self.name(&bytes).await } else { None };
            let mut book = self.book.lock().expect("nobody panics with it");
            book.sent += 1;
            match (told, named) {
                (Told::Stored, Some(true)) => drop(book.named.insert(Hash::of_bytes(&bytes), bytes)),
                (Told::Refused, _) | (_, Some(false)) => book.refused += 1,
                (Told::Stored | Told::Received(_) | Told::Nothing, _) => book.unknown += 1,
            }
        }
    }

    async fn upload(&self, bytes: &[u8]) -> Told {
        let mut offset = 0;
        for _ in 0..=2 * bytes.len().div_ceil(PART) {
            match self.put(bytes, offset).await {
                Told::Received(received) => offset = received,
                told @ (Told::Stored | Told::Refused | Told::Nothing) => return told,
            }
        }
        Told::Nothing
    }

    async fn put(&self, bytes: &[u8], offset: usize) -> Told {
        let (ticket, sha256, size) = (&self.ticket, Hash::of_bytes(bytes), bytes.len());
        let subject = format!("guichet.v1.attachment.default.outside.{ticket}.put.{sha256}.{size}.{offset}");
        let part = bytes[offset..size.min(offset + PART)].to_vec();
        let request = async_nats::Request::new().payload(part.into()).timeout(Some(ANSWER_WITHIN));
        let Ok(answer) = self.desk.client.send_request(subject, request).await else { return Told::Nothing };
        let body: Value = serde_json::from_slice(&answer.payload).unwrap_or_default();
        match (body["stored"].as_bool(), body["received"].as_u64()) {
            (Some(true), _) => Told::Stored,
            (Some(false), Some(received)) => Told::Received(received as usize),
            (_, _) => Told::Refused,
        }
    }

    /// Accepted, refused, or nobody answered.
    async fn name(&self, bytes: &[u8]) -> Option<bool> {
        let sha256 = Hash::of_bytes(bytes).to_string();
        let data = json!({"sha256": sha256, "size": bytes.len(), "media_type": "image/png", "name": "a.png"});
        let command = Uuid::new_v5(&id("files", 2), sha256.as_bytes());
        let reply = self.desk.try_command(&self.ticket, "add_attachment", command, data).await?;
        Some(reply.is_ok())
    }

    async fn fetch(&self, sha256: Hash) -> Result<Vec<u8>, String> {
        let mut all = Vec::new();
        loop {
            let (ticket, offset) = (&self.ticket, all.len());
            let subject = format!("guichet.v1.attachment.default.outside.{ticket}.get.{sha256}.{offset}");
            let request = async_nats::Request::new().timeout(Some(Duration::from_secs(10)));
            let answer = self.desk.client.send_request(subject, request).await.map_err(|e| e.to_string())?;
            let headers = answer.headers.unwrap_or_default();
            let size = headers.get("Guichet-Size").and_then(|size| size.as_str().parse::<usize>().ok());
            let Some(size) = size else { return Err(String::from_utf8_lossy(&answer.payload).into_owned()) };
            all.extend_from_slice(&answer.payload);
            if all.len() >= size {
                return Ok(all);
            }
        }
    }
}

/// The goal, in its three ways.
pub(crate) async fn attached(goal: &str, campaign: &Campaign) -> Vec<Row> {
    vec![kills(goal, campaign).await, cuts(goal, campaign).await, full(goal, campaign).await]
}

async fn kills(goal: &str, campaign: &Campaign) -> Row {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let rounds = campaign.pick(8, 400);
    let done = format!("{rounds} kills");
    let mut site = match Site::start(Program::product(), dir.path()).await {
        Ok(site) => site,
        Err(finding) => return Row::of(goal, done, Verdict::broken(finding), Vec::new()),
    };
    let mut dice = StdRng::seed_from_u64(campaign.seed);
    let sender = Sender::to(&site, campaign.seed).await;
    let mut all = async || {
        for _ in 0..rounds {
            let sending = tokio::spawn(sender.clone().send(some_files(&mut dice)));
            tokio::time::sleep(Duration::from_millis(dice.random_range(1..600))).await;
            site.kill_engine();
            site.launch_engine(None);
            site.engine_ready().await?;
            sending.await.expect("it does not panic");
        }
        Ok(())
    };
    let disturbed = all().await;
    ended(goal, done, &mut site, &sender, disturbed).await
}

async fn cuts(goal: &str, campaign: &Campaign) -> Row {
    if let Err(why) = disk::probe() {
        return Row::skipped(goal, why);
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let disk = Disk::new(dir.path()).expect("the probe could make one");
    let rounds = campaign.pick(5, 200);
    let done = format!("{rounds} power cuts");
    let mut site = match Site::start(Program::product(), disk.path()).await {
        Ok(site) => site,
        Err(finding) => return Row::of(goal, done, Verdict::broken(finding), Vec::new()),
    };
    let mut dice = StdRng::seed_from_u64(campaign.seed);
    let sender = Sender::to(&site, campaign.seed).await;
    let mut all = async || {
        for _ in 0..rounds {
            let sending = tokio::spawn(sender.clone().send(some_files(&mut dice)));
            tokio::time::sleep(Duration::from_millis(dice.random_range(1..900))).await;
            stand_still(&mut site).await;
            disk.cut_power().expect("the probe could cut it");
            site.kill_engine();
            site.kill_worker();
            site.nats.kill();
            disk.restore_power().expect("nobody has a file open, and ext4 comes back");
            site.nats.launch().await;
            site.launch_worker(None);
            site.launch_engine(None);
            site.engine_ready().await?;
            sending.await.expect("it does not panic");
        }
        Ok(())
    };
    let disturbed = all().await;
    ended(goal, done, &mut site, &sender, disturbed).await
}

/// The folder of the attachments fills up while the log has room: uploads are refused, and go on once it has room.
async fn full(goal: &str, campaign: &Campaign) -> Row {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let space = match Space::at(dir.path().join("engine/attachments"), SMALL) {
        Ok(space) => space,
        Err(why) => return Row::skipped(goal, format!("this needs root and mount: {why}")),
    };
    let done = "a full folder".to_owned();
    let mut site = match Site::start(Program::product(), dir.path()).await {
        Ok(site) => site,
        Err(finding) => return Row::of(goal, done, Verdict::broken(finding), Vec::new()),
    };
    let mut dice = StdRng::seed_from_u64(campaign.seed);
    let sender = Sender::to(&site, campaign.seed).await;
    let mut refused = 0;
    while refused == 0 {
        sender.clone().send(some_files(&mut dice)).await;
        refused = sender.book.lock().expect("nobody panics with it").refused;
    }
    let named = sender.book.lock().expect("nobody panics with it").named.len();
    space.grow().expect("what was mounted can grow");
    sender.clone().send(some_files(&mut dice)).await;
    let goes_on = sender.book.lock().expect("nobody panics with it").named.len() == named + FILES;
    let disturbed = if goes_on {
        Ok(())
    } else {
        Err(Finding::of(Invariant::I11, "there is room again, and files are refused"))
    };
    ended(goal, done, &mut site, &sender, disturbed).await
}

fn some_files(dice: &mut StdRng) -> Vec<Vec<u8>> {
    let file = |dice: &mut StdRng| {
        let size = dice.random_range(1..700_000);
        let mut bytes = vec![0; size];
        dice.fill(bytes.as_mut_slice());
        bytes
    };
    (0..FILES).map(|_| file(dice)).collect()
}

async fn ended(
    goal: &str,
    done: String,
    site: &mut Site,
    sender: &Sender,
    disturbed: Result<(), Finding>,
) -> Row {
    let mut verdict = match disturbed {
        Ok(()) => Verdict::default(),
        Err(finding) => Verdict::broken(finding),
    };
    let (named, sent, unknown, refused) = {
        let book = sender.book.lock().expect("nobody panics with it");
        (book.named.clone(), book.sent, book.unknown, book.refused)
    };
    verdict.commands = sent;
    verdict.acked = named.len();
    verdict.unknown = unknown;
    if named.is_empty() {
        verdict.findings.push(Finding::of(Invariant::I11, "no file was ever taken: nothing was tested"));
    }
    for (sha256, bytes) in &named {
        let why = match sender.fetch(*sha256).await {
            Ok(fetched) if fetched == *bytes => continue,
            Ok(_) => "other bytes came back".to_owned(),
            Err(why) => why,
        };
        verdict
            .findings
            .push(Finding::of(Invariant::I1, format!("attachment {sha256} was acknowledged: {why}")));
    }
    site.kill_engine();
    site.launch_engine(None);
    match site.engine_ready().await {
        Ok(()) => verdict.findings.extend(left_behind(&site.engine_dir().join("attachments")).await),
        Err(finding) => verdict.findings.push(finding),
    }
    let restarts = std::mem::take(&mut site.restarts);
    Row::of(goal, done, verdict, restarts).noted(format!("{refused} refused"))
}

/// After a start and its sweep no upload is left, and all bytes have a mark and all marks have bytes.
async fn left_behind(attachments: &Path) -> Option<Finding> {
    let begun = std::time::Instant::now();
    loop {
        let left = halves(attachments);
        if left.is_empty() {
            return None;
        }
        if begun.elapsed() > SWEPT_WITHIN {
            return Some(Finding::of(Invariant::I3, format!("left behind: {}", left.join(", "))));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn halves(attachments: &Path) -> Vec<String> {
    let listed = |dir: &Path| -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(dir).into_iter().flatten();
        entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect()
    };
    let mut left: Vec<String> =
        listed(&attachments.join("uploads")).iter().map(|path| path.display().to_string()).collect();
    for tenant in listed(&attachments.join("tenants")) {
        for folder in listed(&tenant).iter().flat_map(|key| listed(key)) {
            let names = listed(&folder);
            let has_bytes = names.iter().any(|name| name.ends_with("bytes"));
            if !has_bytes || names.len() < 2 {
                left.push(folder.display().to_string());
            }
        }
    }
    left
}

//! One message after the other into a live node, many on their way at once, and beside them the polite client.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use async_nats::client::RequestErrorKind;
use async_nats::{Client, Request};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::desks::{EACH, UnderAttack};
use crate::harness::{Serve, Settings, until};
use crate::message::Message;
use crate::polite::Polite;
use crate::raw::Corpora;
use crate::table::{Row, say};
use crate::{configs, corpus, orders, questions, watch};
use guichet_test_support::mutate::Dice;

/// Messages on their way at once.
const WINDOW: usize = 16;
/// After so many the node is looked at.
const LOOK_EVERY: u64 = 200;
/// Nobody waits longer for the answer to an attack.
const GIVES_UP: Duration = Duration::from_secs(5);
/// An attack that takes longer is remembered.
const SLOW: Duration = Duration::from_secs(1);
const SETTLES_WITHIN: Duration = Duration::from_secs(120);
/// A node that falls so often is not started again.
const FALLS_MAX: u32 = 20;
/// A leap of the memory that is worth a line.
const LEAP_MIB: u64 = 64;

/// How far and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) messages: u64,
    /// How long the polite client is measured alone.
    pub(crate) alone: Duration,
}

/// The message of that number: the same in every run of the seed, whatever was answered.
fn draw(plan: Plan, corpora: &Corpora, n: u64) -> Message {
    let desk = UnderAttack::of(n);
    let mut dice = Dice::of(plan.seed, n);
    let dice = &mut dice;
    match n % EACH {
        0 => orders::tenant(&desk, dice),
        k if k <= UnderAttack::tickets() as u64 => {
            orders::creation(&desk, usize::try_from(k - 1).expect("few"), dice)
        }
        _ => match dice.below(100) {
            0..40 => orders::command(&desk, dice),
            40..64 => questions::query(&desk, dice),
            64..74 => orders::import(&desk, dice),
            74..80 => configs::publication(&desk, dice),
            _ => corpora.message(&desk, dice),
        },
    }
}

/// All of it.
pub(crate) async fn run(plan: Plan) -> Row {
    let mut rig = Rig::start(plan).await;
    let alone = rig.polite.alone(plan.alone).await;
    watch::forget_peak(rig.pid());
    let rss_before = watch::rss_mib(rig.pid());
    let begun = Instant::now();
    rig.found_before().await;
    rig.attack().await;
    let took = begun.elapsed();
    let mut beside = rig.beside.take().expect("kept all the time");
    beside.and(rig.polite.told());
    let (peak, rss_after) = (rig.peak.max(watch::peak_mib(rig.pid())), watch::rss_mib(rig.pid()));
    let after = rig.polite.alone(plan.alone).await;
    rig.aftermath().await;
    let mut note = format!(
        "{:.0} messages a second, {} falls, {} without an answer; alone afterwards p99 {:.1} ms",
        rig.sent as f64 / took.as_secs_f64().max(0.001),
        rig.falls,
        rig.silent.values().sum::<u64>(),
        after.ms(99.0),
    );
    for (kind, n) in &rig.silent {
        note += &format!("; {n} {kind} unanswered");
    }
    for (took, message) in rig.slow.iter().rev().take(5) {
        note += &format!("\n       {:.1} s: {}", took.as_secs_f64(), clipped(message));
    }
    // The desk is larger now than it was: what it takes by itself is no fault of the attack.
    let alone = if after.ms(99.0) > alone.ms(99.0) { after } else { alone };
    Row {
        name: format!("fuzz, seed {}", plan.seed),
        sent: rig.sent,
        answers: rig.codes.iter().map(|(code, n)| format!("{n} {code}")).collect::<Vec<_>>().join(", "),
        alone,
        beside,
        rss_before,
        peak,
        rss_after,
        note,
        findings: rig.findings,
        missed: None,
    }
    .judged()
}

fn clipped(message: &str) -> String {
    message.chars().take(600).collect()
}

struct Rig {
    plan: Plan,
    node: Serve,
    client: Client,
    polite: Polite,
    /// The server asks for a user and a password.
    has_key: bool,
    beside: Option<crate::polite::Told>,
    sent: u64,
    flying: BTreeMap<u64, (Instant, Message)>,
    codes: BTreeMap<String, u64>,
    silent: BTreeMap<&'static str, u64>,
    slow: Vec<(Duration, String)>,
    findings: Vec<String>,
    falls: u32,
    peak: u64,
}

/// What became of a message.
enum Became {
    /// Answered, with the code of the refusal.
    Answered(Option<String>, String),
    /// Nobody answers such a subject, or the answer went elsewhere.
    NotForUs,
    Silence,
}

impl Rig {
    async fn start(plan: Plan) -> Self {
        let node = Serve::start(Settings::default()).await;
        let client = Desk::connect(node.url()).await.client;
        let polite = Polite::start(node.url()).await;
        let has_key = node.url().contains('@');
        Self {
            plan,
            node,
            client,
            polite,
            has_key,
            beside: None,
            sent: 0,
            flying: BTreeMap::new(),
            codes: BTreeMap::new(),
            silent: BTreeMap::new(),
            slow: Vec::new(),
            findings: Vec::new(),
            falls: 0,
            peak: 0,
        }
    }

    fn pid(&mut self) -> u32 {
        self.node.process().pid()
    }

    /// What once broke something, one after the other.
    async fn found_before(&mut self) {
        drop(self.polite.told());
        self.beside = Some(self.polite.told());
        let desk = UnderAttack { tenant: "found-before".to_owned() };
        let mut dice = Dice::of(self.plan.seed, u64::MAX);
        let mut messages = vec![orders::tenant(&desk, &mut dice)];
        messages.extend((0..3).map(|n| orders::creation(&desk, n, &mut dice)));
        messages.extend(corpus::found(&desk, &mut dice));
        for message in messages {
            self.flying.insert(u64::MAX, (Instant::now(), message.clone()));
            let became = send(self.client.clone(), message).await;
            self.landed(u64::MAX, became);
            self.look().await;
        }
    }

    async fn attack(&mut self) {
        let corpora = Corpora::new();
        let mut landing = FuturesUnordered::new();
        for n in 0..self.plan.messages {
            let message = draw(self.plan, &corpora, n);
            if forges(&message) && !self.has_key {
                continue;
            }
            self.sent += 1;
            self.flying.insert(n, (Instant::now(), message.clone()));
            let client = self.client.clone();
            let is_heard = !self.has_key || may_be_sent(&message);
            landing.push(async move {
                if is_heard { (n, send(client, message).await) } else { (n, shout(client, message).await) }
            });
            // What makes a desk must have been done before anything else reaches it.
            let window = if n % EACH == 0 { 0 } else { WINDOW };
            while landing.len() > window {
                let Some((n, became)) = landing.next().await else { break };
                self.landed(n, became);
            }
            if n % LOOK_EVERY == LOOK_EVERY - 1 && !self.look().await {
                return;
            }
            if n % 50_000 == 49_999 {
                say(&format!(
                    "       {} of {} sent, peak {} MiB, {} findings",
                    n + 1,
                    self.plan.messages,
                    self.peak,
                    self.findings.len()
                ));
            }
        }
        while let Some((n, became)) = landing.next().await {
            self.landed(n, became);
        }
        self.look().await;
    }

    fn landed(&mut self, n: u64, became: Became) {
        let Some((begun, message)) = self.flying.remove(&n) else { return };
        let took = begun.elapsed();
        if took > SLOW {
            self.slow.push((took, format!("#{n} {message}")));
            self.slow.sort_by_key(|(took, _)| *took);
            if self.slow.len() > 20 {
                self.slow.remove(0);
            }
        }
        match became {
            Became::Answered(code, body) => {
                let code = code.unwrap_or_else(|| "accepted".to_owned());
                if code == "internal" {
                    self.findings.push(format!("internal: {} to #{n} {message}", clipped(&body)));
                }
                *self.codes.entry(code).or_default() += 1;
            }
            Became::NotForUs => *self.codes.entry("not answered to us".to_owned()).or_default() += 1,
            Became::Silence => *self.silent.entry(message.kind).or_default() += 1,
        }
    }

    /// Is the node alive, and how much does it hold? False where there is no sense in going on.
    async fn look(&mut self) -> bool {
        let pid = self.pid();
        let peak = watch::peak_mib(pid);
        if peak > self.peak + LEAP_MIB && self.peak > 0 {
            say(&format!("       peak {} → {peak} MiB about message {}", self.peak, self.sent));
        }
        self.peak = self.peak.max(peak);
        let told = self.polite.told();
        if !told.hung.is_empty() {
            for (n, (begun, message)) in
                self.flying.iter().filter(|(_, (begun, _))| begun.elapsed() > SLOW / 2)
            {
                let line = format!("#{n} {message}");
                say(&format!(
                    "       on its way for {:.1} s while the polite client hung: {}",
                    begun.elapsed().as_secs_f64(),
                    clipped(&line)
                ));
            }
        }
        if let Some(beside) = &mut self.beside {
            beside.and(told);
        }
        let Some(status) = self.node.process().ended() else { return true };
        self.falls += 1;
        let suspects: Vec<String> =
            self.flying.iter().map(|(n, (_, message))| format!("#{n} {message}")).collect();
        self.findings.push(format!(
            "the node ended with {status} while these were on their way:\n         {}",
            suspects.join("\n         ")
        ));
        if self.falls >= FALLS_MAX {
            return false;
        }
        self.again().await
    }

    /// Starts the node again after a fall.
    async fn again(&mut self) -> bool {
        let started = AssertUnwindSafe(self.node.launch()).catch_unwind().await;
        if started.is_err() {
            self.findings.push("the node does not start any more".to_owned());
            return false;
        }
        self.client = Desk::connect(self.node.url()).await.client;
        self.polite = Polite::start(self.node.url()).await;
        true
    }

    /// The read models have folded all of it, the node ends well, and it starts again.
    async fn aftermath(&mut self) {
        if self.node.process().ended().is_some() {
            return;
        }
        let desk = self.node.desk().await;
        let head = desk.head().await;
        let settled = until("read models that have folded all of it", SETTLES_WITHIN, async || {
            let reply = desk.try_query("projections", json!({})).await?;
            let models = reply.body["data"].as_array()?.clone();
            let there =
                |m: &Value| m["checkpoint"].as_u64().is_some_and(|c| c >= head) && m["state"] == "live";
            (!models.is_empty() && models.iter().all(there)).then_some(models)
        });
        match AssertUnwindSafe(settled).catch_unwind().await {
            Ok(models) => {
                for model in models {
                    let aside = model["quarantined"].as_array().map_or(0, Vec::len);
                    if aside > 0 {
                        self.findings.push(format!(
                            "the read model {} set {aside} tickets aside: {}",
                            model["name"], model["quarantined"][0]
                        ));
                    }
                }
            }
            Err(_) => {
                let now = desk.try_query("projections", json!({})).await.map(|r| r.body).unwrap_or_default();
                self.findings.push(format!("the read models do not follow to {head}: {now}"));
            }
        }
        let status = self.node.stop().await;
        if !status.success() {
            self.findings.push(format!("after all of it the node ended with {status}"));
        }
        let begun = Instant::now();
        if self.again().await {
            say(&format!("       started again in {:.1} s", begun.elapsed().as_secs_f64()));
        }
    }
}

/// Subjects by which history is made. A server without a key takes them from anybody, and then the engine halts, as it
/// must: there is nothing to be found there.
fn forges(message: &Message) -> bool {
    let made = ["guichet.v1.evt.", "guichet.v1.checkpoint."];
    made.iter().any(|subject| message.subject.starts_with(subject))
}

/// What the server lets a caller say. It swallows the rest, so that nobody answers.
fn may_be_sent(message: &Message) -> bool {
    let mut tokens = message.subject.split('.').skip(2);
    match (tokens.next(), tokens.next(), tokens.next()) {
        (Some("cmd"), Some(tenant), Some(caller)) => tenant != "_system" && caller != "sla",
        (Some("query"), Some(tenant), _) => tenant != "_system",
        (Some("log" | "tile"), ..) => true,
        _ => false,
    }
}

/// Sends and waits for nothing.
async fn shout(client: Client, message: Message) -> Became {
    let headers = message.header_map();
    let published = client.publish_with_headers(message.subject, headers, message.payload.into()).await;
    if published.is_ok() { Became::NotForUs } else { Became::Silence }
}

async fn send(client: Client, message: Message) -> Became {
    let headers = message.header_map();
    if let Some(reply) = message.reply {
        let published = client
            .publish_with_reply_and_headers(message.subject, reply, headers, message.payload.into())
            .await;
        return if published.is_ok() { Became::NotForUs } else { Became::Silence };
    }
    let request = Request::new().headers(headers).payload(message.payload.into()).timeout(Some(GIVES_UP));
    match client.send_request(message.subject, request).await {
        Ok(answer) => {
            let code = answer
                .headers
                .as_ref()
                .and_then(|h| h.get("Nats-Service-Error"))
                .map(|c| c.as_str().to_owned());
            Became::Answered(code, String::from_utf8_lossy(&answer.payload).into_owned())
        }
        Err(error) => match error.kind() {
            RequestErrorKind::NoResponders
            | RequestErrorKind::InvalidSubject
            | RequestErrorKind::MaxPayloadExceeded => Became::NotForUs,
            RequestErrorKind::TimedOut | RequestErrorKind::Other => Became::Silence,
        },
    }
}

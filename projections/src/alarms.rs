//! What the clocks found goes back into the log: warnings, broken promises, time rules that fire.
//!
//! ```text
//! tickets whose alarm is past ─▶ row at the clock's now ─▶ a command for each fact ─▶ its answer ─▶ wait until it is folded
//!        ▲                                                                                            │
//!        └────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! The wall clock writes nothing into a read model. It only says which tickets to look at; the facts follow from the
//! row, and each is sent under an id that is made of what it says. So a retry, a restart, a second worker or a rebuild
//! can send it as often as it likes: it is recorded once. The version of the ticket and of the configuration go with
//! it: who has not folded the newest of both is refused, and looks again when he has.

mod patience;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use guichet_schemas::codec::{Encoding, command_to_wire};
use guichet_schemas::command::{Command, Entity, FireTimeRule, Order, RecordSlaBreach, RecordSlaWarning};
use guichet_schemas::event::Actor;
use guichet_schemas::ids::{CallerId, CommandId, TenantId, TicketId};
use guichet_schemas::position::LogPosition;
use guichet_schemas::text::Label;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::ActorKind;
use guichet_schemas::{subject, wire};
use guichet_service::caught;
use guichet_sla::{Fact, Kind, TimerName};
use prost::Message as _;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use self::patience::{Patience, Refusal, Until};
use crate::ground::{Clock, blocking};
use crate::keys;
use crate::live::Model;
use crate::model::sla::{Alarm, BooksCache, Row};
use crate::projection::TicketKey;
use crate::store::{StoreError, View, damaged_key};

/// Tickets whose facts are on their way at a time.
const WINDOW: usize = 256;
/// Alarms are read again when there is so much room: not for each answer alone.
const ROOM_MIN: usize = WINDOW / 4;
/// The clock is looked at again at least so often: it may be set, and need not run as fast as ours.
const LOOK_MAX: Duration = Duration::from_millis(250);
/// A look goes over all tenants. After one, so many times as long nobody looks, so that a desk of many tenants spends a
/// tenth of a core on it, and one of few still looks after each batch.
const RESTS_TIMES: u32 = 9;
/// How long an answer may take before it is unknown.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Counts facts that were not recorded when they were sent, by why.
const NOT_RECORDED: &str = "guichet_sla_not_recorded_total";
/// Counts tickets whose facts the engine refuses again and again.
const SET_ASIDE: &str = "guichet_sla_tickets_set_aside";

/// The caller that is allowed to record what clocks find.
const CALLER: &str = "sla";

/// Sends the alarms of a read model `sla`, as long as it is asked to.
pub(crate) struct Alarms {
    model: Model,
    client: async_nats::Client,
    clock: Clock,
    books: Arc<BooksCache>,
    patience: Patience,
}

/// The result of a look at the alarms.
#[derive(Default)]
struct Gathered {
    due: Vec<Due>,
    /// When the next one is past.
    next: Option<Timestamp>,
    /// Tickets whose clocks cannot be looked at, and why.
    sick: Vec<(TicketKey, TicketId, Why)>,
}

/// The result of sending the facts of a ticket.
enum Sent {
    /// The last was recorded here, and is not folded yet.
    Taken(LogPosition),
    /// Nobody took it and nobody refused it.
    Postponed(Why),
    /// A fact was refused; this says which, and why.
    Refused(Why),
}

/// Why a fact is not in the log.
struct Why {
    /// For metrics, and to tell a reason from another one: a word of the contract, or of ours.
    word: &'static str,
    /// For the log file.
    said: String,
}

impl Why {
    /// True where the same fact is refused for ever.
    fn is_for_ever(&self) -> bool {
        NEVER.contains(&self.word)
    }
}

/// It is in the log already.
const RECORDED_BEFORE: &str = "recorded_before";
/// Nobody answered.
const NO_ANSWER: &str = "no_answer";
/// An answer that is none.
const UNREADABLE_ANSWER: &str = "unreadable_answer";
/// The clocks of a ticket cannot be read or looked at.
const UNREADABLE_CLOCKS: &str = "unreadable_clocks";
/// There is no command for the fact.
const NO_COMMAND: &str = "no_command";
/// A refusal that this program does not know.
const OTHER: &str = "other";
/// Refusals that pass: the ticket, the desk or the engine is not where we think, and soon we know more.
const AGAIN: [&str; 5] = ["version_conflict", "config_stale", "busy", "unavailable", "outcome_unknown"];
/// Refusals of the form of a command: the same fact is always the same command.
const NEVER: [&str; 5] = ["malformed", "bad_subject", "payload_too_large", "unsupported", NO_COMMAND];
/// All others that the engine may say. Some pass: an engine whose clock is behind refuses what is early.
const REFUSALS: [&str; 9] = [
    "validation_failed",
    "not_found",
    "terminal_state",
    "invalid_transition",
    "guard_failed",
    "duplicate",
    "config_invalid",
    "forbidden",
    "internal",
];

/// A ticket with something to record.
struct Due {
    key: TicketKey,
    tenant: TenantId,
    id: TicketId,
    version: u64,
    config_version: u64,
    /// The position that its row is of, or a later one.
    folded: u64,
    alarms: Vec<Alarm>,
}

impl Alarms {
    pub(crate) fn new(model: Model, client: async_nats::Client, clock: Clock) -> Self {
        Self { model, client, clock, books: Arc::default(), patience: Patience::default() }
    }

    /// Runs until it is told to stop. What is on its way then is sent again by the next start.
    pub(crate) async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut current = self.model.status.current();
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            // A model that has not seen the end yet would speak of what is long over.
            reached = current.wait_for(|current| *current) => if reached.is_err() { return },
        }
        let mut position = self.model.position();
        let mut sent = FuturesUnordered::new();
        let mut rests_until = Instant::now();
        loop {
            if self.patience.release(*position.borrow_and_update(), Instant::now()) {
                self.count_aside();
            }
            let room = WINDOW.saturating_sub(sent.len());
            let begun = Instant::now();
            let gathered = if begun < rests_until {
                Ok(Gathered { next: self.in_a_while(rests_until), ..Gathered::default() })
            } else if room >= ROOM_MIN {
                let gathered = self.gather(room).await;
                rests_until = Instant::now() + begun.elapsed().saturating_mul(RESTS_TIMES);
                gathered
            } else {
                Ok(Gathered::default())
            };
            let Gathered { due, next, sick } = match gathered {
                Ok(gathered) => gathered,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "alarms cannot be read; clocks are looked at again in a moment");
                    Gathered::default()
                }
            };
            for (key, id, why) in sick {
                self.refused(key, id, &why);
            }
            for one in due {
                self.patience.sends(one.key.clone());
                sent.push(send(self.client.clone(), one));
            }
            let pause = self.pause(next);
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stop| *stop) => return,
                Some(one) = sent.next(), if !sent.is_empty() => {
                    self.answered(one);
                    while let Some(Some(one)) = sent.next().now_or_never() {
                        self.answered(one);
                    }
                }
                _ = position.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn answered(&mut self, (key, id, sent): (TicketKey, TicketId, Sent)) {
        match sent {
            Sent::Taken(recorded) => {
                if self.patience.answered(key, Until::Folded(recorded)) {
                    self.count_aside();
                }
            }
            Sent::Postponed(why) => {
                metrics::counter!(NOT_RECORDED, "why" => why.word).increment(1);
                if self.patience.postponed(key, why.word, Instant::now()) {
                    tracing::warn!(
                        ticket = %id, why = why.said,
                        "what clocks found cannot be recorded for now; it is sent again every two seconds, this ticket \
                         is one of those that wait"
                    );
                }
            }
            Sent::Refused(why) => self.refused(key, id, &why),
        }
    }

    fn count_aside(&self) {
        let aside = u32::try_from(self.patience.aside()).unwrap_or(u32::MAX);
        metrics::gauge!(SET_ASIDE).set(f64::from(aside));
    }

    /// A ticket whose facts do not come into the log. It keeps back nobody else, and is named.
    fn refused(&mut self, key: TicketKey, id: TicketId, why: &Why) {
        metrics::counter!(NOT_RECORDED, "why" => why.word).increment(1);
        let refusal = self.patience.refused(key, why.word, why.is_for_ever(), Instant::now());
        let why = &why.said;
        match refusal {
            Refusal::Quiet => {}
            Refusal::Told => {
                tracing::warn!(ticket = %id, why, "what a clock found is refused; it is sent again after longer and longer");
            }
            Refusal::Aside => {
                self.count_aside();
                let aside = self.patience.aside();
                tracing::error!(
                    ticket = %id, why, aside,
                    "what the clocks of a ticket found is refused again and again, or can never be recorded: the ticket \
                     is set aside, and tried again every ten minutes"
                );
            }
            Refusal::StillAside => {
                let aside = self.patience.aside();
                tracing::error!(ticket = %id, why, aside, "a ticket is still set aside: what its clocks found is refused");
            }
        }
    }

    /// An instant by the clock that counts.
    fn in_a_while(&self, at: Instant) -> Option<Timestamp> {
        let left =
            i64::try_from(at.saturating_duration_since(Instant::now()).as_millis()).unwrap_or(i64::MAX);
        Some(Timestamp((self.clock)().0.saturating_add(left)))
    }

    /// How long nothing is due, by the clock that counts.
    fn pause(&self, next: Option<Timestamp>) -> Duration {
        let now = (self.clock)();
        let left = next.map_or(LOOK_MAX, |at| Duration::from_millis(at.since(now).saturating_add(1)));
        left.min(LOOK_MAX)
    }

    /// Up to so many tickets whose alarm is past, and when the next one is.
    async fn gather(&self, room: usize) -> Result<Gathered, StoreError> {
        let (model, books) = (self.model.clone(), Arc::clone(&self.books));
        let left_alone = self.patience.left_alone();
        let now = (self.clock)();
        blocking(move || {
            if model.halted().borrow().is_some() {
                return Ok(Gathered::default());
            }
            model.slot.read(|view, _| {
                let tenants = view.tenants()?;
                let look = Look { view: &view, books: &books, left_alone: &left_alone, now };
                let mut all = Gathered::default();
                for (tenant, left) in tenants.iter().zip((1..=tenants.len()).rev()) {
                    // One's flood does not keep back what another's clocks found; what one leaves, the next may have.
                    let share = room.saturating_sub(all.due.len()).div_ceil(left);
                    match look.of(tenant, share) {
                        Ok(theirs) => {
                            all.due.extend(theirs.due);
                            all.sick.extend(theirs.sick);
                            all.next = all.next.into_iter().chain(theirs.next).min();
                        }
                        Err(error) => {
                            let error = &error as &dyn std::error::Error;
                            tracing::error!(%tenant, error, "alarms cannot be read; they are looked at again in a moment");
                        }
                    }
                }
                Ok(all)
            })
        })
        .await
    }
}

/// A look at the alarms.
struct Look<'a> {
    view: &'a View<'a>,
    books: &'a BooksCache,
    left_alone: &'a BTreeSet<TicketKey>,
    now: Timestamp,
}

impl Look<'_> {
    /// Up to so many tickets of a tenant whose alarm is past, and when the next one is.
    fn of(&self, tenant: &TenantId, room: usize) -> Result<Gathered, StoreError> {
        let (view, now) = (self.view, self.now);
        // Mostly nothing is due, and then nobody needs it.
        let mut book = None;
        let folded = view.checkpoint()?.position_or_zero();
        let prefix = keys::tenant(tenant.as_str());
        let Gathered { mut due, mut sick, .. } = Gathered::default();
        for entry in view.scan(keys::SLA_ALARMS, prefix.clone(), &prefix) {
            let (key, _) = entry?;
            let (Some(id), Some(at)) = (keys::trailing_ticket(&key), keys::instant(&key, &prefix)) else {
                return Err(damaged_key());
            };
            if at >= now || due.len() >= room || sick.len() >= WINDOW {
                return Ok(Gathered { due, next: Some(at), sick });
            }
            let key = keys::ticket(tenant.as_str(), id);
            if self.left_alone.contains(&key) {
                continue;
            }
            // Its row stands still: whatever follows from it is refused.
            if view.get(keys::QUARANTINE, &key)?.is_some() {
                continue;
            }
            let unreadable = |said: String| Why { word: UNREADABLE_CLOCKS, said };
            let Some(bytes) = view.get(keys::SLA_TICKETS, &key)? else {
                sick.push((key, id, unreadable("it has an alarm, and no clocks".to_owned())));
                continue;
            };
            let row = match Row::read(&bytes) {
                Ok(row) => row,
                Err(error) => {
                    sick.push((key, id, unreadable(error.to_string())));
                    continue;
                }
            };
            let book = match &book {
                Some(book) => book,
                None => book.insert(self.books.of(view, tenant.as_str())?),
            };
            let found = caught("fold", || row.alarms(now, &book.rules));
            let Ok(alarms) = found else {
                sick.push((key, id, unreadable("looking at its clocks panicked".to_owned())));
                continue;
            };
            if alarms.is_empty() {
                continue;
            }
            due.push(Due {
                key,
                tenant: tenant.clone(),
                id,
                version: row.version,
                config_version: book.version,
                folded,
                alarms,
            });
        }
        Ok(Gathered { due, next: None, sick })
    }
}

/// Sends the facts of a ticket one after the other. Says until when the ticket is to be left alone.
async fn send(client: async_nats::Client, due: Due) -> (TicketKey, TicketId, Sent) {
    let mut version = due.version;
    let (mut recorded, mut refused) = (None, None);
    for alarm in &due.alarms {
        let fact = &alarm.fact;
        let of = |Why { word, said }: Why| {
            let said = format!("{} of {} {}: {said}", fact.kind.name(), fact.of, fact.instance);
            Why { word, said }
        };
        let Some(command) = command(&due, alarm, version) else {
            refused = Some(of(Why { word: NO_COMMAND, said: "no command can say it".to_owned() }));
            continue;
        };
        match answer(&client, command).await {
            Answer::Accepted { version: now_at, position } => {
                version = now_at;
                // An answer that was given before is about what should be folded already.
                recorded = LogPosition::new(position).filter(|at| at.get() > due.folded).max(recorded);
            }
            // Written down before, and soon folded: it hides no other.
            Answer::Known => {}
            Answer::Again(why) => return (due.key, due.id, Sent::Postponed(of(why))),
            Answer::Refused(why) => {
                // It hides no other fact.
                refused.get_or_insert_with(|| of(why));
            }
        }
        // Its actions may change what the next fact is.
        if matches!(fact.kind, Kind::Fired { .. }) {
            break;
        }
    }
    if let Some(why) = refused {
        return (due.key, due.id, Sent::Refused(why));
    }
    let sent = recorded.map_or_else(
        || {
            let said = "all of it was recorded before, and is not folded yet".to_owned();
            Sent::Postponed(Why { word: RECORDED_BEFORE, said })
        },
        Sent::Taken,
    );
    (due.key, due.id, sent)
}

enum Answer {
    Accepted { version: u64, position: u64 },
    Known,
    Again(Why),
    Refused(Why),
}

async fn answer(client: &async_nats::Client, command: Command) -> Answer {
    let to = subject::command(&command.tenant, &command.caller, command.entity, command.order.verb());
    let body = command_to_wire(command).encode_to_vec();
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Content-Type", Encoding::Protobuf.content_type());
    let asked = client.send_request(
        to,
        async_nats::Request::new().headers(headers).payload(body.into()).timeout(Some(ANSWER_WITHIN)),
    );
    let message = match asked.await {
        Ok(message) => message,
        Err(error) => return Answer::Again(Why { word: NO_ANSWER, said: error.to_string() }),
    };
    let reply = match wire::CommandReply::decode(message.payload) {
        Ok(reply) => reply,
        Err(error) => return Answer::Refused(Why { word: UNREADABLE_ANSWER, said: error.to_string() }),
    };
    match reply.outcome {
        Some(wire::command_reply::Outcome::Accepted(accepted)) => {
            Answer::Accepted { version: accepted.version, position: accepted.position }
        }
        Some(wire::command_reply::Outcome::Error(error)) if error.code == "command_id_reused" => {
            Answer::Known
        }
        Some(wire::command_reply::Outcome::Error(error)) => refusal(&error),
        None => Answer::Refused(Why { word: UNREADABLE_ANSWER, said: "the answer is empty".to_owned() }),
    }
}

fn refusal(error: &wire::Error) -> Answer {
    let known = |words: &[&'static str]| words.iter().find(|word| **word == error.code).copied();
    let said = format!("{}: {}", error.code, error.message);
    if let Some(word) = known(&AGAIN) {
        return Answer::Again(Why { word, said });
    }
    let word = known(&NEVER).or_else(|| known(&REFUSALS)).unwrap_or(OTHER);
    Answer::Refused(Why { word, said })
}

/// The command that records a fact; `None`: it is none that is recorded.
fn command(due: &Due, alarm: &Alarm, version: u64) -> Option<Command> {
    let Alarm { fact, holds } = alarm;
    let config_version = Some(due.config_version);
    let (order, threshold) = match (&fact.of, &fact.kind) {
        (TimerName::Clock(metric), Kind::Warned { pct, due_at, immediate }) => {
            let order = RecordSlaWarning {
                metric: *metric,
                instance: fact.instance,
                pct: *pct,
                at: fact.at,
                due_at: *due_at,
                immediate: *immediate,
                config_version,
            };
            (Order::RecordSlaWarning(order), *pct)
        }
        (
            TimerName::Clock(metric),
            Kind::Breached { due_at, consumed_s, policy, policy_version, immediate },
        ) => {
            let order = RecordSlaBreach {
                metric: *metric,
                instance: fact.instance,
                at: fact.at,
                policy: Label::parse(policy.clone()).ok()?,
                policy_version: *policy_version,
                due_at: *due_at,
                consumed_s: Some(u64::try_from(*consumed_s).unwrap_or(0)),
                immediate: *immediate,
                config_version,
            };
            (Order::RecordSlaBreach(order), 0)
        }
        (TimerName::Rule(rule), Kind::Fired { skipped, .. }) => {
            let rule = Label::parse(rule.clone()).ok()?;
            let (instance, due_at) = (fact.instance, fact.at);
            let skipped = Some(*skipped).filter(|count| *count > 0);
            let order = FireTimeRule { rule, instance, due_at, config_version, holds: *holds, skipped };
            (Order::FireTimeRule(order), 0)
        }
        (_, _) => return None,
    };
    Some(Command {
        command_id: command_id(&due.tenant, due.id, fact, order.verb(), threshold),
        tenant: due.tenant.clone(),
        caller: CallerId::parse(CALLER)?,
        entity: Entity::Ticket(due.id),
        actor: Actor { kind: ActorKind::System, id: CALLER.to_owned(), on_behalf_of: None },
        expected_version: Some(version),
        correlation_id: None,
        causation_id: None,
        channel: None,
        dry_run: false,
        traceparent: None,
        order,
    })
}

/// The same fact is the same command, today and in ten years.
fn command_id(tenant: &TenantId, id: TicketId, fact: &Fact, verb: &str, threshold: u32) -> CommandId {
    let name = format!("guichet:sla\0{tenant}\0{id}\0{}\0{}\0{verb}\0{threshold}", fact.of, fact.instance);
    CommandId(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))
}

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
use guichet_sla::{Fact, Kind, TimerName, metric_word};
use prost::Message as _;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use self::patience::{AGAIN_AFTER, Patience, Refusal, Until};
use crate::ground::{Clock, blocking};
use crate::keys;
use crate::live::Model;
use crate::model::sla::{Alarm, BooksCache, Row};
use crate::projection::TicketKey;
use crate::store::{StoreError, View};

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

/// What came of looking at the alarms.
#[derive(Default)]
struct Gathered {
    due: Vec<Due>,
    /// When the next one is past.
    next: Option<Timestamp>,
    /// Tickets whose clocks cannot be looked at, and why.
    sick: Vec<(TicketKey, TicketId, String)>,
}

/// What came of sending the facts of a ticket.
enum Sent {
    /// It is left alone until then.
    Until(Until),
    /// A fact was refused; this says which, and why.
    Refused(String),
}

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
            Sent::Until(until) => {
                if self.patience.answered(key, until) {
                    self.count_aside();
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
    fn refused(&mut self, key: TicketKey, id: TicketId, why: &str) {
        match self.patience.refused(key, Instant::now()) {
            Refusal::Quiet => {}
            Refusal::Told => {
                tracing::warn!(ticket = %id, why, "what a clock found is refused; it is sent again after longer and longer");
            }
            Refusal::Aside => {
                self.count_aside();
                let aside = self.patience.aside();
                tracing::error!(
                    ticket = %id, why, aside,
                    "what the clocks of a ticket found is refused again and again: the ticket is set aside, and tried \
                     again every ten minutes"
                );
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
                continue;
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
            let Some(bytes) = view.get(keys::SLA_TICKETS, &key)? else { continue };
            let row = match Row::read(&bytes) {
                Ok(row) => row,
                Err(error) => {
                    sick.push((key, id, error.to_string()));
                    continue;
                }
            };
            let book = match &book {
                Some(book) => book,
                None => book.insert(self.books.of(view, tenant.as_str())?),
            };
            let found = caught("fold", || row.alarms(now, &book.rules));
            let Ok(alarms) = found else {
                sick.push((key, id, "looking at its clocks panicked".to_owned()));
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
        let of = |why: &str| format!("{} of {} {}: {why}", fact.kind.name(), fact.of, fact.instance);
        let Some(command) = command(&due, alarm, version) else {
            refused = Some(of("no command can say it"));
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
            Answer::Again => return (due.key, due.id, Sent::Until(again())),
            Answer::Refused(why) => {
                // It hides no other fact.
                refused.get_or_insert_with(|| of(&why));
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
    let until = recorded.map_or_else(again, Until::Folded);
    (due.key, due.id, Sent::Until(until))
}

fn again() -> Until {
    Until::Time(Instant::now() + AGAIN_AFTER)
}

enum Answer {
    Accepted { version: u64, position: u64 },
    Known,
    Again,
    Refused(String),
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
    let Ok(message) = asked.await else { return Answer::Again };
    let Ok(reply) = wire::CommandReply::decode(message.payload) else {
        return Answer::Refused("the answer cannot be read".to_owned());
    };
    match reply.outcome {
        Some(wire::command_reply::Outcome::Accepted(accepted)) => {
            Answer::Accepted { version: accepted.version, position: accepted.position }
        }
        Some(wire::command_reply::Outcome::Error(error)) => match error.code.as_str() {
            "command_id_reused" => Answer::Known,
            // The ticket, the desk or the engine is not where we think; soon we know more.
            "version_conflict" | "config_stale" | "busy" | "unavailable" | "outcome_unknown" => Answer::Again,
            // Also where the clock of the engine is behind ours: then the next try passes.
            _ => Answer::Refused(format!("{}: {}", error.code, error.message)),
        },
        None => Answer::Refused("the answer is empty".to_owned()),
    }
}

/// The command that records a fact; `None`: it is none that is recorded.
fn command(due: &Due, alarm: &Alarm, version: u64) -> Option<Command> {
    let Alarm { fact, holds } = alarm;
    let config_version = Some(due.config_version);
    let (order, threshold) = match (&fact.of, &fact.kind) {
        (TimerName::Clock(metric), Kind::Warned { pct, due_at, immediate }) => {
            let order = RecordSlaWarning {
                metric: metric_word(*metric),
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
                metric: metric_word(*metric),
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

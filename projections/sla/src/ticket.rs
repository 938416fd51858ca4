//! A ticket as its clocks see it.

mod timers;

use guichet_config::{Apply, Attributes, Metric, OnReopen, OnTargetChange, promise};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::TicketState;
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Terms};
use crate::fact::{Fact, Kind};
use crate::rulebook::{InForce, Rulebook, Rules};
use crate::time_rule::Armed;
use crate::timer_name::TimerName;

/// What happens to a ticket, as far as a clock may care.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// It begins. Not outbound: by or for a requester.
    Created {
        /// An agent wrote to the requester first: nobody waits for a first answer.
        outbound: bool,
        /// Somebody has it from the beginning.
        assigned: bool,
    },
    /// A public answer of a person.
    PublicReply,
    /// A public comment of the requester.
    RequesterComment,
    /// Somebody has it.
    Assigned,
    /// Nobody has it any more.
    Unassigned,
    /// It is in this state.
    Status(TicketState),
    /// Attributes have other values; an empty list: none.
    Changed(Attributes),
    /// It is in this tier.
    Tier(u32),
    /// Somebody did something to it, whatever it was: not a clock, and not a rule. Comes after what it was.
    Updated,
    /// It became part of another ticket.
    Merged,
    /// A supervisor says that a breach does not count.
    BreachVoided {
        /// Of which clock.
        metric: Metric,
        /// Which of them.
        instance: u32,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

/// The clocks of a ticket and what they depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    attributes: Attributes,
    tier: u32,
    #[serde(with = "state_word")]
    state: TicketState,
    begun: bool,
    outbound: bool,
    assigned: bool,
    import: Option<Import>,
    /// What happens is of its import.
    by_import: bool,
    /// It came into its state by its import.
    state_imported: bool,
    /// A person has answered in public, or it was resolved before.
    answered_once: bool,
    /// A comment of the requester has no answer.
    owed: bool,
    clocks: Vec<Clock>,
    rules: Vec<Armed>,
    /// Count of publications when it came into the log.
    born: u32,
    /// Count of publications that it has heard of: those that were effective by then have taken hold.
    seen: u32,
    in_force: InForce,
    /// Everything before this instant is done, milliseconds.
    time: i64,
}

/// How it came from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Import {
    /// The command that brought the last part of its history.
    command: u128,
    /// When it was recorded, milliseconds.
    at: i64,
}

mod state_word {
    use guichet_schemas::words::TicketState;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(state: &TicketState, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(state.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<TicketState, D::Error> {
        let word = std::borrow::Cow::<str>::deserialize(from)?;
        TicketState::parse(&word).ok_or_else(|| de::Error::custom("no state of a ticket"))
    }
}

impl Ticket {
    /// A ticket with these attributes, to which nothing has happened yet.
    #[must_use]
    pub fn new(attributes: Attributes, tier: u32, book: &Rulebook) -> Self {
        Self {
            attributes,
            tier,
            state: TicketState::New,
            begun: false,
            outbound: false,
            assigned: false,
            import: None,
            by_import: false,
            state_imported: false,
            answered_once: false,
            owed: false,
            clocks: Vec::new(),
            rules: Vec::new(),
            born: book.len(),
            seen: 0,
            in_force: InForce { calendars: book.len(), ..InForce::default() },
            time: i64::MIN,
        }
    }

    /// Its state.
    #[must_use]
    pub const fn state(&self) -> TicketState {
        self.state
    }

    /// Does what time does before this instant, and what happens at it. What would lie in the past of the ticket
    /// happens now.
    pub fn apply(&mut self, at: Timestamp, happening: &Happening, book: &Rulebook, facts: &mut Vec<Fact>) {
        let at = Timestamp(at.0.max(self.time));
        self.advance(at, book, facts);
        let mut now = Now { at: at.0, rules: self.rules(book), facts };
        match happening {
            Happening::Created { outbound, assigned } => self.created(*outbound, *assigned, &mut now),
            Happening::PublicReply => self.replied(&mut now),
            Happening::RequesterComment => {
                self.owed = true;
                self.start_missing(&mut now);
            }
            Happening::Assigned => {
                self.assigned = true;
                self.fulfil(&[Metric::Assignment], "assigned", &mut now);
                self.disarm("assigned", &mut now);
            }
            Happening::Unassigned => {
                self.assigned = false;
                self.start_missing(&mut now);
                self.arm(&mut now);
            }
            Happening::Status(state) => self.enter(*state, &mut now),
            Happening::Changed(set) => {
                for (name, values) in set {
                    if values.is_empty() {
                        self.attributes.remove(name);
                    } else {
                        self.attributes.insert(name.clone(), values.clone());
                    }
                }
                self.match_again(&mut now);
            }
            Happening::Tier(tier) => self.enter_tier(*tier, &mut now),
            Happening::Updated => self.updated(&mut now),
            Happening::Merged => self.cancel_all("merged", &mut now),
            Happening::BreachVoided { metric, instance, by, reason } => {
                self.void(*metric, *instance, by, reason, &mut now);
            }
        }
        self.remember_due(book);
    }

    fn remember_due(&mut self, book: &Rulebook) {
        let rules = self.rules(book);
        for clock in self.clocks.iter_mut().filter(|clock| clock.is_open()) {
            clock.known_due = clock.shown_due(rules).map(|due| due.0);
        }
    }

    pub(crate) fn each_clock(&self) -> impl Iterator<Item = &Clock> {
        self.clocks.iter()
    }

    /// A command comes; where it imports, with the instant at which it was recorded.
    pub(crate) fn told_by(&mut self, command: u128, imports_at: Option<Timestamp>) {
        if let Some(at) = imports_at {
            self.import = Some(Import { command, at: at.0 });
        }
        self.by_import = self.import.is_some_and(|import| import.command == command);
    }

    /// What it is, before anything happens to it.
    pub(crate) fn describe(&mut self, attributes: Attributes, tier: u32) {
        (self.attributes, self.tier) = (attributes, tier);
    }

    /// Values of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &[String] {
        self.attributes.get(name).map_or(&[], Vec::as_slice)
    }

    /// True where a breach of this clock does not count.
    #[must_use]
    pub fn is_voided(&self, metric: Metric, instance: u32) -> bool {
        self.clocks.iter().any(|clock| clock.metric == metric && clock.instance == instance && clock.voided)
    }

    /// True where neither a clock nor a rule waits for anything.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        !self.clocks.iter().any(Clock::is_open) && !self.rules.iter().any(|armed| armed.since.is_some())
    }

    /// The instant up to which everything is done.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        Timestamp(self.time)
    }

    pub(crate) const fn rules<'a>(&self, book: &'a Rulebook) -> Rules<'a> {
        Rules { book, in_force: self.in_force }
    }

    fn created(&mut self, outbound: bool, assigned: bool, now: &mut Now<'_, '_>) {
        (self.begun, self.outbound, self.assigned) = (true, outbound, assigned);
        self.state_imported = self.by_import;
        self.start_missing(now);
        self.arm(now);
    }

    fn replied(&mut self, now: &mut Now<'_, '_>) {
        (self.owed, self.answered_once) = (false, true);
        let ended = [Metric::FirstReply, Metric::NextReply, Metric::PeriodicUpdate, Metric::PausableUpdate];
        self.fulfil(&ended, "public_reply", now);
        for metric in [Metric::PeriodicUpdate, Metric::PausableUpdate] {
            self.start(metric, now);
        }
    }

    /// A clock begins for everything that waits and has none.
    fn start_missing(&mut self, now: &mut Now<'_, '_>) {
        for metric in Metric::ALL {
            if self.waits(metric) && !self.clocks.iter().any(|c| c.metric == metric && c.is_open()) {
                self.start(metric, now);
            }
        }
    }

    /// True where a clock of this metric should be open.
    fn waits(&self, metric: Metric) -> bool {
        if !self.begun || is_over(self.state) {
            return false;
        }
        let never = || !self.clocks.iter().any(|clock| clock.metric == metric);
        match metric {
            Metric::FirstReply => !self.outbound && !self.answered_once && never(),
            Metric::NextReply => {
                self.owed && !self.clocks.iter().any(|c| c.metric == Metric::FirstReply && c.is_open())
            }
            Metric::Assignment => !self.assigned,
            // They begin with an answer only.
            Metric::PeriodicUpdate | Metric::PausableUpdate => false,
            Metric::RequesterWait | Metric::AgentWork | Metric::TierTime => true,
            // After a reopen, the policy says.
            Metric::Resolution => {
                !self.clocks.iter().any(|c| c.metric == metric && c.ended.is_some_and(|e| e.resolved))
            }
        }
    }

    fn start(&mut self, metric: Metric, now: &mut Now<'_, '_>) {
        let Some(promise) = promise(now.rules.policies(), &self.attributes, self.tier, metric) else {
            return;
        };
        let before = self.clocks.iter().filter(|clock| clock.metric == metric).count();
        // The first answer is the first; the next ones count from there.
        let first = if metric == Metric::NextReply { 2 } else { 1 };
        let instance = first + u32::try_from(before).unwrap_or(u32::MAX - first);
        let mut clock = Clock::start(metric, instance, Terms::of(promise), now.at);
        now.tell(
            &clock,
            Kind::Started {
                policy: clock.terms.policy.clone(),
                policy_version: clock.terms.policy_version,
                target_s: clock.terms.target_s,
                hours: clock.terms.hours,
                calendar: clock.terms.calendar.clone(),
                due_at: clock.shown_due(now.rules),
            },
        );
        clock.follow(self.state, now);
        self.clocks.push(clock);
    }

    fn fulfil(&mut self, metrics: &[Metric], reason: &'static str, now: &mut Now<'_, '_>) {
        for clock in self.clocks.iter_mut().filter(|c| c.is_open() && metrics.contains(&c.metric)) {
            let consumed_s = clock.consumed_s(now.at, now.rules);
            clock.end(now.at, reason == "resolved");
            now.tell(clock, Kind::Fulfilled { reason: reason.into(), consumed_s, outcome: clock.outcome() });
        }
    }

    fn cancel(&mut self, metrics: &[Metric], reason: &'static str, now: &mut Now<'_, '_>) {
        for clock in self.clocks.iter_mut().filter(|c| c.is_open() && metrics.contains(&c.metric)) {
            let consumed_s = clock.consumed_s(now.at, now.rules);
            clock.cancel(now.at);
            now.tell(clock, Kind::Cancelled { reason: reason.into(), consumed_s });
        }
    }

    fn cancel_all(&mut self, reason: &'static str, now: &mut Now<'_, '_>) {
        self.cancel(&Metric::ALL, reason, now);
        self.state = TicketState::Closed;
        self.disarm(reason, now);
    }

    fn enter(&mut self, state: TicketState, now: &mut Now<'_, '_>) {
        let before = std::mem::replace(&mut self.state, state);
        if before == state {
            return;
        }
        self.state_imported = self.by_import;
        match state {
            TicketState::Cancelled => self.cancel(&Metric::ALL, "cancelled", now),
            TicketState::Resolved | TicketState::Closed => {
                (self.owed, self.answered_once) = (false, true);
                self.cancel(&[Metric::PeriodicUpdate, Metric::PausableUpdate], "resolved", now);
                self.fulfil(&Metric::ALL, "resolved", now);
            }
            TicketState::New | TicketState::Open | TicketState::Pending | TicketState::Hold => {
                if is_over(before) {
                    self.reopen(now);
                }
                let open = self.clocks.iter_mut().filter(|clock| clock.is_open());
                open.for_each(|clock| clock.follow(state, now));
            }
        }
        self.disarm("left_status", now);
        self.arm(now);
    }

    fn reopen(&mut self, now: &mut Now<'_, '_>) {
        for metric in [Metric::RequesterWait, Metric::AgentWork, Metric::Resolution] {
            let Some(index) = self.clocks.iter().rposition(|clock| clock.metric == metric) else { continue };
            match self.on_reopen(index, now.rules) {
                OnReopen::FirstOnly => {}
                OnReopen::Restart => {
                    if self.clocks.get(index).is_some_and(|c| c.ended.is_some_and(|ended| ended.resolved)) {
                        self.start(metric, now);
                    }
                }
                how @ (OnReopen::ResumeExcludingResolved | OnReopen::ResumeIncludingResolved) => {
                    self.resume_ended(index, how, now);
                }
            }
        }
        self.match_again(now);
    }

    /// What a reopen does to a clock: only the resolution leaves a choice.
    fn on_reopen(&self, index: usize, rules: Rules<'_>) -> OnReopen {
        let Some(clock) = self.clocks.get(index).filter(|clock| clock.metric == Metric::Resolution) else {
            return OnReopen::ResumeExcludingResolved;
        };
        let set = rules.set(clock.pinned.or(rules.in_force.policies));
        let policy = set.iter().find(|policy| policy.id == clock.terms.policy);
        policy.map_or(OnReopen::default(), |policy| policy.on_reopen)
    }

    fn resume_ended(&mut self, index: usize, how: OnReopen, now: &mut Now<'_, '_>) {
        let Some(clock) = self.clocks.get_mut(index) else { return };
        let Some(ended) = clock.ended.take_if(|ended| ended.resolved) else { return };
        let since = if how == OnReopen::ResumeIncludingResolved { ended.at } else { now.at };
        clock.resume(since);
        let (consumed_s, due_at) = (clock.consumed_s(now.at, now.rules), clock.shown_due(now.rules));
        now.tell(clock, Kind::Resumed { consumed_s, due_at, after_reopen: true });
        clock.jump(now);
        clock.follow(self.state, now);
    }

    fn enter_tier(&mut self, tier: u32, now: &mut Now<'_, '_>) {
        if tier != self.tier {
            self.fulfil(&[Metric::TierTime], "left_tier", now);
            self.tier = tier;
        }
        self.match_again(now);
    }

    /// Looks up again what is promised: on every change that a condition may read.
    fn match_again(&mut self, now: &mut Now<'_, '_>) {
        for clock in self.clocks.iter_mut().filter(|clock| clock.is_open()) {
            let set = now.rules.set(clock.pinned.or(now.rules.in_force.policies));
            let Some(promise) = promise(set, &self.attributes, self.tier, clock.metric) else {
                let consumed_s = clock.consumed_s(now.at, now.rules);
                clock.cancel(now.at);
                now.tell(clock, Kind::Cancelled { reason: "no_policy".into(), consumed_s });
                continue;
            };
            let (terms, mode) = (Terms::of(promise), promise.policy.on_target_change);
            if terms == clock.terms {
                continue;
            }
            clock.terms = terms;
            clock.revision += 1;
            if mode == OnTargetChange::Prospective {
                clock.forget_consumed(now.at);
            }
            now.tell(
                clock,
                Kind::TargetChanged {
                    policy: clock.terms.policy.clone(),
                    policy_version: clock.terms.policy_version,
                    target_s: clock.terms.target_s,
                    revision: clock.revision,
                    mode,
                    consumed_s: clock.consumed_s(now.at, now.rules),
                    due_at: clock.shown_due(now.rules),
                },
            );
            clock.follow(self.state, now);
            clock.jump(now);
        }
        self.start_missing(now);
    }

    fn policies_published(&mut self, apply: Apply, before: Option<u32>, now: &mut Now<'_, '_>) {
        match apply {
            Apply::OpenClocks => self.match_again(now),
            Apply::NewOnly => {
                for clock in self.clocks.iter_mut().filter(|clock| clock.is_open()) {
                    clock.pinned = clock.pinned.or(before);
                }
            }
        }
    }

    fn void(&mut self, metric: Metric, instance: u32, by: &str, reason: &str, now: &mut Now<'_, '_>) {
        let of = |clock: &&mut Clock| clock.metric == metric && clock.instance == instance;
        let Some(clock) = self.clocks.iter_mut().find(of).filter(|c| c.is_breached() && !c.voided) else {
            return;
        };
        clock.voided = true;
        now.tell(clock, Kind::Voided { by: by.to_owned(), reason: reason.to_owned() });
    }
}

/// The instant at which something happens, and where it is told.
struct Now<'a, 'b> {
    at: i64,
    rules: Rules<'a>,
    facts: &'b mut Vec<Fact>,
}

impl Now<'_, '_> {
    fn tell(&mut self, clock: &Clock, kind: Kind) {
        self.facts.push(Fact {
            at: Timestamp(self.at),
            of: TimerName::Clock(clock.metric),
            instance: clock.instance,
            kind,
        });
    }
}

const fn is_over(state: TicketState) -> bool {
    match state {
        TicketState::Resolved | TicketState::Closed | TicketState::Cancelled => true,
        TicketState::New | TicketState::Open | TicketState::Pending | TicketState::Hold => false,
    }
}

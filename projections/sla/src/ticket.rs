//! A ticket as its clocks see it.
//!
//! Where the domain leaves it open: a first answer that is promised no more lets a comment that waits begin `next_reply`,
//! and both run when it is promised again. What a clock measures may be done while it is withdrawn (answered, assigned,
//! left the tier, resolved): then its instance is over, but for those that a reopen resumes. At a reopen, too, what was
//! withdrawn is resumed first and then matched. A promise that comes back is matched before it is looked whether it is
//! broken; whoever reopens is looked at first. What is due at the instant of a change is not announced by a threshold.

mod timers;

use guichet_config::{Attributes, OnReopen, promise};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{SlaMetric, TicketState};
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, End, Terms};
use crate::fact::{Fact, Kind};
use crate::rulebook::{InForce, Rulebook, Rules};
use crate::time_rule::{Armed, Stands};
use crate::timer_name::TimerName;

/// A happening of a ticket, as far as a clock may care.
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
    Status(TicketState),
    /// A resolution is proposed and undecided, or no longer: a message of the requester ends the silence too.
    Proposed(bool),
    /// Attributes have other values; an empty list: none.
    Changed(Attributes),
    Tier(u32),
    /// Somebody did something to it, whatever it was: not a clock, and not a rule. Comes after what it was.
    Updated,
    /// It became part of another ticket.
    Merged,
    /// A supervisor says that a breach does not count.
    BreachVoided {
        /// Of which clock.
        metric: SlaMetric,
        instance: u32,
        by: String,
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
    /// It is part of another ticket, or was cancelled: no clock of it moves again.
    gone: bool,
    outbound: bool,
    assigned: bool,
    /// A resolution is proposed, and the requester has said nothing since.
    proposed: bool,
    import: Option<Import>,
    /// True for a happening of the ticket's import.
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Import {
    /// The command that brought the last part of its history.
    command: u128,
    at: i64,
    /// It brought every public reply.
    replies_complete: bool,
}

impl Import {
    /// The instant up to which a first reply may have come without being told.
    fn untold_until(self) -> Option<i64> {
        (!self.replies_complete).then_some(self.at)
    }
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
            gone: false,
            outbound: false,
            assigned: false,
            proposed: false,
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
        if self.gone && !matches!(happening, Happening::BreachVoided { .. }) {
            return;
        }
        match happening {
            Happening::Created { outbound, assigned } => self.created(*outbound, *assigned, &mut now),
            Happening::PublicReply => self.replied(&mut now),
            Happening::RequesterComment => {
                self.owed = true;
                self.start_where_it_waits(&[SlaMetric::NextReply], &mut now);
            }
            Happening::Assigned => {
                self.assigned = true;
                self.fulfil(&[SlaMetric::Assignment], "assigned", &mut now);
                self.disarm("assigned", &mut now);
            }
            Happening::Unassigned => {
                self.assigned = false;
                self.start_where_it_waits(&[SlaMetric::Assignment], &mut now);
                self.arm(&mut now);
            }
            Happening::Status(state) => self.enter(*state, &mut now),
            Happening::Proposed(is_proposed) => {
                // A further proposal begins a silence of its own.
                self.proposed = false;
                self.disarm("proposal_ended", &mut now);
                self.proposed = *is_proposed;
                self.arm(&mut now);
            }
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
            Happening::Merged => {
                self.state = TicketState::Closed;
                self.cancel_all("merged", &mut now);
                self.disarm("merged", &mut now);
            }
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

    /// A command comes; where it imports, with the instant at which it was recorded, and whether it brings every public
    /// reply.
    pub(crate) fn told_by(&mut self, command: u128, import: Option<(Timestamp, bool)>) {
        if let Some((at, replies_complete)) = import {
            let import = Import { command, at: at.0, replies_complete };
            self.import = Some(import);
            for clock in self.clocks.iter_mut().filter(|clock| clock.untold_until.is_some()) {
                clock.untold_until = import.untold_until();
            }
        }
        self.by_import = self.import.is_some_and(|import| import.command == command);
    }

    /// Describes the ticket before anything happens to it.
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
    pub fn is_voided(&self, metric: SlaMetric, instance: u32) -> bool {
        self.clocks.iter().any(|clock| clock.metric == metric && clock.instance == instance && clock.voided)
    }

    /// True where neither a clock nor a rule waits for anything.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        !self.clocks.iter().any(Clock::is_open) && !self.rules.iter().any(|armed| armed.since.is_some())
    }

    /// How much there is of it: clocks, each stretch in which one ran, rules. What each event costs grows with it.
    #[must_use]
    pub fn parts(&self) -> usize {
        let of_clock = |clock: &Clock| clock.runs.len().saturating_add(1);
        self.clocks.iter().map(of_clock).fold(self.rules.len(), usize::saturating_add)
    }

    pub(crate) const fn stands(&self) -> Stands {
        Stands { assigned: self.assigned, proposed: self.proposed }
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
        self.start_where_it_waits(SlaMetric::ALL, now);
        self.arm(now);
    }

    fn replied(&mut self, now: &mut Now<'_, '_>) {
        self.tell_first_reply(now);
        (self.owed, self.answered_once) = (false, true);
        let ended = [
            SlaMetric::FirstReply,
            SlaMetric::NextReply,
            SlaMetric::PeriodicUpdate,
            SlaMetric::PausableUpdate,
        ];
        self.fulfil(&ended, "public_reply", now);
        if !self.state.is_done() {
            for metric in [SlaMetric::PeriodicUpdate, SlaMetric::PausableUpdate] {
                self.start(metric, now);
            }
        }
    }

    /// A clock begins for each of these that waits and has none.
    fn start_where_it_waits(&mut self, metrics: &[SlaMetric], now: &mut Now<'_, '_>) {
        for metric in metrics {
            if self.waits(*metric) {
                self.start(*metric, now);
            }
        }
    }

    /// True where a clock of this metric should begin.
    fn waits(&self, metric: SlaMetric) -> bool {
        if !self.begun || self.state.is_done() || self.any(metric, |c| c.is_open() || c.is_withdrawn()) {
            return false;
        }
        match metric {
            SlaMetric::FirstReply => !self.outbound && !self.answered_once,
            SlaMetric::NextReply => self.owed && !self.any(SlaMetric::FirstReply, Clock::is_open),
            SlaMetric::Assignment => !self.assigned,
            // They begin with an answer only.
            SlaMetric::PeriodicUpdate | SlaMetric::PausableUpdate => false,
            // A reopen resumes the one that there is.
            SlaMetric::RequesterWait | SlaMetric::AgentWork => !self.any(metric, |_| true),
            SlaMetric::Resolution => self.last(metric).is_none_or(|last| last.on_reopen == OnReopen::Restart),
            SlaMetric::TierTime => true,
        }
    }

    fn any(&self, metric: SlaMetric, is: impl Fn(&Clock) -> bool) -> bool {
        self.clocks.iter().any(|clock| clock.metric == metric && is(clock))
    }

    fn last(&self, metric: SlaMetric) -> Option<&Clock> {
        self.clocks.iter().rfind(|clock| clock.metric == metric)
    }

    fn start(&mut self, metric: SlaMetric, now: &mut Now<'_, '_>) {
        let Some(promise) = promise(now.rules.policies(), &self.attributes, self.tier, metric) else {
            return;
        };
        let before = self.clocks.iter().filter(|clock| clock.metric == metric).count();
        // The first answer is the first; the next ones count from there.
        let first = if metric == SlaMetric::NextReply { 2 } else { 1 };
        let instance = u32::try_from(before).unwrap_or(u32::MAX).saturating_add(first);
        let mut clock = Clock::start(metric, instance, promise, now.at);
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
        if metric == SlaMetric::FirstReply && self.by_import {
            clock.untold_until = self.import.and_then(Import::untold_until);
        }
        clock.follow(self.state, now);
        self.clocks.push(clock);
    }

    /// The debt is paid: nobody waits for it any more, promised or not.
    fn fulfil(&mut self, metrics: &[SlaMetric], reason: &'static str, now: &mut Now<'_, '_>) {
        for clock in self.clocks.iter_mut().filter(|c| metrics.contains(&c.metric)) {
            // Work that was not promised when the ticket was resolved is owed again when it is reopened.
            let comes_back = reason == "resolved" && is_resumed(clock.metric);
            if !comes_back {
                clock.lapse();
            }
            if !clock.is_open() {
                continue;
            }
            let consumed_s = clock.consumed_s(now.at, now.rules);
            clock.end(now.at, if reason == "resolved" { End::Resolved } else { End::Fulfilled });
            now.tell(clock, Kind::Fulfilled { reason: reason.into(), consumed_s, outcome: clock.outcome() });
        }
    }

    /// Nobody waits for it any more, and it is not done.
    fn cancel(&mut self, metrics: &[SlaMetric], reason: &'static str, now: &mut Now<'_, '_>) {
        for clock in self.clocks.iter_mut().filter(|c| metrics.contains(&c.metric)) {
            clock.lapse();
            clock.cancel(End::Cancelled, reason, now);
        }
    }

    fn cancel_all(&mut self, reason: &'static str, now: &mut Now<'_, '_>) {
        self.gone = true;
        self.cancel(SlaMetric::ALL, reason, now);
    }

    fn enter(&mut self, state: TicketState, now: &mut Now<'_, '_>) {
        let before = std::mem::replace(&mut self.state, state);
        if before == state {
            return;
        }
        self.state_imported = self.by_import;
        self.proposed &= !state.is_done();
        match state {
            TicketState::Cancelled => self.cancel_all("cancelled", now),
            TicketState::Resolved | TicketState::Closed => {
                (self.owed, self.answered_once) = (false, true);
                self.cancel(&[SlaMetric::PeriodicUpdate, SlaMetric::PausableUpdate], "resolved", now);
                self.forget_first_reply(now);
                self.fulfil(SlaMetric::ALL, "resolved", now);
            }
            TicketState::New | TicketState::Open | TicketState::Pending | TicketState::Hold => {
                if before.is_done() {
                    self.reopen(now);
                }
                let open = self.clocks.iter_mut().filter(|clock| clock.is_open());
                open.for_each(|clock| clock.follow(state, now));
            }
        }
        self.disarm("left_status", now);
        self.arm(now);
    }

    /// The promise goes on as it was; then the policies are matched again.
    fn reopen(&mut self, now: &mut Now<'_, '_>) {
        for metric in [SlaMetric::RequesterWait, SlaMetric::AgentWork, SlaMetric::Resolution] {
            let state = self.state;
            let Some(clock) = self.clocks.iter_mut().rfind(|clock| clock.metric == metric) else { continue };
            let Some(ended) = clock.ended else { continue };
            let Some(since) = clock.goes_on_since(ended, now.at) else { continue };
            clock.ended = None;
            clock.go_on(since, true, state, now);
            clock.jump(now);
        }
        self.match_again(now);
    }

    fn enter_tier(&mut self, tier: u32, now: &mut Now<'_, '_>) {
        if tier != self.tier {
            self.fulfil(&[SlaMetric::TierTime], "left_tier", now);
            self.tier = tier;
        }
        self.match_again(now);
    }

    /// Looks up again what is promised: on every change that a condition may read.
    fn match_again(&mut self, now: &mut Now<'_, '_>) {
        let (state, over) = (self.state, self.state.is_done());
        for clock in &mut self.clocks {
            let comes_back = clock.is_withdrawn() && !over;
            if !clock.is_open() && !comes_back {
                continue;
            }
            let Some(promise) = promise(now.rules.policies(), &self.attributes, self.tier, clock.metric)
            else {
                clock.cancel(End::Withdrawn, "no_policy", now);
                continue;
            };
            if comes_back {
                clock.ended = None;
                clock.go_on(now.at, false, state, now);
            }
            let (terms, mode) = (Terms::of(promise), promise.policy.on_target_change);
            clock.on_reopen = promise.policy.on_reopen;
            if terms != clock.terms {
                clock.change(terms, mode, now);
                clock.follow(state, now);
            }
            clock.jump(now);
        }
        self.start_where_it_waits(SlaMetric::ALL, now);
    }

    fn void(&mut self, metric: SlaMetric, instance: u32, by: &str, reason: &str, now: &mut Now<'_, '_>) {
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

/// True for what goes on where it was when a ticket is reopened.
const fn is_resumed(metric: SlaMetric) -> bool {
    matches!(metric, SlaMetric::RequesterWait | SlaMetric::AgentWork | SlaMetric::Resolution)
}

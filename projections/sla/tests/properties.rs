//! What must hold for every ticket, whatever happens to it.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use std::collections::{BTreeMap, BTreeSet};

use guichet_config::{
    Apply, Attributes, HoursKind, OnReopen, OnTargetChange, Policy, PolicySet, SlaMetric, Target, TimeRule,
    When, Word,
};
use guichet_rules::calendar::Definition;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::TicketState;
use guichet_sla::{Fact, Happening, Kind, Rulebook, Ticket, order};
use proptest::prelude::*;

const MINUTE: i64 = 60_000;

fn office() -> Definition {
    let day = || vec![("09:00".to_owned(), "12:30".to_owned()), ("14:00".to_owned(), "18:00".to_owned())];
    let days = ["mon", "tue", "wed", "thu", "fri"];
    Definition {
        effective_from: None,
        tz: "Europe/Paris".to_owned(),
        weekly: days.iter().map(|name| ((*name).to_owned(), day())).collect(),
        holidays: vec!["2026-04-06".to_owned()],
        special: BTreeMap::new(),
    }
}

fn policies(urgent_minutes: u32, reopen: OnReopen, change: OnTargetChange) -> PolicySet {
    let targets = SlaMetric::ALL.iter().flat_map(|metric| {
        [("urgent", urgent_minutes), ("*", 4 * urgent_minutes)].map(|(priority, minutes)| Target {
            metric: *metric,
            seconds: minutes * 60,
            hours: if *metric == SlaMetric::TierTime { HoursKind::Calendar } else { HoursKind::Business },
            calendar: Some("office".to_owned()),
            priority: priority.to_owned(),
            tier: None,
            warn_pct: vec![50, 90],
            pauses_in: None,
        })
    });
    if urgent_minutes == 0 {
        return PolicySet::new();
    }
    vec![Policy {
        id: "all".to_owned(),
        version: Some(urgent_minutes),
        conditions: BTreeMap::new(),
        targets: targets.collect(),
        on_reopen: reopen,
        on_target_change: change,
    }]
}

fn priority(of: &str) -> Attributes {
    BTreeMap::from([("priority".to_owned(), vec![of.to_owned()])])
}

/// What happens after the creation, each so many minutes after what was before.
#[derive(Debug, Clone)]
enum Step {
    Ticket(Happening),
    Policies(u32, Apply),
}

fn any_steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let states = [TicketState::Open, TicketState::Pending, TicketState::Hold, TicketState::Resolved];
    let happening = prop_oneof![
        Just(Happening::PublicReply),
        Just(Happening::RequesterComment),
        Just(Happening::Assigned),
        Just(Happening::Unassigned),
        proptest::sample::select(states.to_vec()).prop_map(Happening::Status),
        proptest::sample::select(vec!["urgent", "normal"]).prop_map(|p| Happening::Changed(priority(p))),
        (1_u32..4).prop_map(Happening::Tier),
    ];
    let end = prop_oneof![Just(Happening::Merged), Just(Happening::Status(TicketState::Cancelled))];
    let step = prop_oneof![
        24 => happening.prop_map(Step::Ticket),
        1 => end.prop_map(Step::Ticket),
        // Nothing is promised, until something is again.
        3 => Just(Step::Policies(0, Apply::OpenClocks)),
        3 => Just(Step::Policies(60, Apply::OpenClocks)),
        2 => (5_u32..300, any::<bool>()).prop_map(|(minutes, open)| {
            Step::Policies(minutes, if open { Apply::OpenClocks } else { Apply::NewOnly })
        }),
    ];
    proptest::collection::vec((0_i64..3_000, step), 1..25)
}

fn any_modes() -> impl Strategy<Value = (OnReopen, OnTargetChange)> {
    let reopen = vec![
        OnReopen::ResumeExcludingResolved,
        OnReopen::ResumeIncludingResolved,
        OnReopen::Restart,
        OnReopen::FirstOnly,
    ];
    let change = vec![OnTargetChange::Retroactive, OnTargetChange::Prospective];
    (proptest::sample::select(reopen), proptest::sample::select(change))
}

/// Runs a history. `ticks`: so many extra looks before each step; `split`: the ticket is written down and read again
/// before every step.
fn run(steps: &[(i64, Step)], modes: (OnReopen, OnTargetChange), ticks: i64, split: bool) -> Vec<Fact> {
    let mut rulebook = Rulebook::default();
    let always = Timestamp(i64::MIN);
    rulebook.publish_calendar(always, always, "office", office().hours().unwrap());
    rulebook.publish_policies(always, always, Apply::OpenClocks, policies(60, modes.0, modes.1));
    let rule = |id: &str, when, status, hours, repeat| TimeRule {
        id: id.to_owned(),
        when,
        status,
        states: Vec::new(),
        seconds: 3_600,
        hours,
        calendar: Some("office".to_owned()),
        repeat,
        actions: Vec::new(),
    };
    let pending = Some(Word(TicketState::Pending));
    let rules = vec![
        rule("waiting", When::TimeInStatus, pending, HoursKind::Calendar, true),
        rule("silent", When::NoUpdate, None, HoursKind::Business, false),
        rule("nobody", When::UnassignedAge, None, HoursKind::Business, true),
    ];
    rulebook.publish_time_rules(always, always, rules);
    let mut at = Timestamp::parse("2026-03-27T09:00:00Z").unwrap();
    let mut ticket = Ticket::new(priority("normal"), 1, &rulebook);
    let mut facts = Vec::new();
    ticket.apply(at, &Happening::Created { outbound: false, assigned: false }, &rulebook, &mut facts);
    for (minutes, step) in steps {
        let next = Timestamp(at.0 + minutes * MINUTE);
        for tick in 1..=ticks {
            let look = Timestamp(at.0 + (next.0 - at.0) * tick / ticks);
            ticket.advance(look, &rulebook, &mut facts);
        }
        if split {
            ticket = serde_json::from_slice(&serde_json::to_vec(&ticket).unwrap()).unwrap();
        }
        at = next;
        match step {
            Step::Ticket(happening) => {
                ticket.apply(at, happening, &rulebook, &mut facts);
                ticket.apply(at, &Happening::Updated, &rulebook, &mut facts);
            }
            Step::Policies(minutes, apply) => {
                rulebook.publish_policies(at, at, *apply, policies(*minutes, modes.0, modes.1));
            }
        }
    }
    ticket.advance(Timestamp(at.0 + 40 * 86_400_000), &rulebook, &mut facts);
    order(&mut facts);
    facts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whoever_looks_and_whenever_the_facts_are_the_same(steps in any_steps(), modes in any_modes()) {
        let facts = run(&steps, modes, 0, false);
        prop_assert_eq!(&run(&steps, modes, 7, false), &facts);
        prop_assert_eq!(&run(&steps, modes, 3, true), &facts);
    }

    #[test]
    fn each_clock_is_breached_once_and_paused_and_resumed_in_turns(
        steps in any_steps(), modes in any_modes(),
    ) {
        let facts = run(&steps, modes, 0, false);
        let mut breached = BTreeSet::new();
        let mut open: BTreeMap<_, bool> = BTreeMap::new();
        let mut warned = BTreeSet::new();
        for fact in &facts {
            let clock = (fact.of.clone(), fact.instance);
            match &fact.kind {
                Kind::Started { .. } | Kind::Armed { .. } => {
                    prop_assert!(open.insert(clock, true).is_none(), "started twice: {fact:?}");
                }
                Kind::Paused { .. } => prop_assert_eq!(open.insert(clock, false), Some(true)),
                Kind::Breached { due_at, immediate, .. } => {
                    prop_assert!(breached.insert(clock), "breached twice: {fact:?}");
                    prop_assert_eq!(*due_at < fact.at, *immediate, "{:?}", fact);
                }
                Kind::Warned { pct, .. } => {
                    prop_assert!(!breached.contains(&clock), "warned after the breach: {fact:?}");
                    let news = warned.insert((clock, *pct)) || modes.1 == OnTargetChange::Prospective;
                    prop_assert!(news, "warned twice: {fact:?}");
                }
                Kind::Resumed { .. } => {
                    open.insert(clock, true);
                }
                Kind::TargetChanged { .. }
                | Kind::Rescheduled { .. }
                | Kind::Voided { .. }
                | Kind::Fulfilled { .. }
                | Kind::Cancelled { .. }
                | Kind::Disarmed { .. }
                | Kind::Fired { .. } => prop_assert!(open.contains_key(&clock), "never started: {fact:?}"),
            }
        }
    }

    #[test]
    fn consumed_time_never_goes_back_while_the_hours_stay(steps in any_steps(), reopen in any_modes()) {
        let facts = run(&steps, (reopen.0, OnTargetChange::Retroactive), 0, false);
        let mut consumed: BTreeMap<_, i64> = BTreeMap::new();
        for fact in &facts {
            let (Kind::Paused { consumed_s: now }
            | Kind::Resumed { consumed_s: now, .. }
            | Kind::TargetChanged { consumed_s: now, .. }
            | Kind::Breached { consumed_s: now, .. }
            | Kind::Fulfilled { consumed_s: now, .. }
            | Kind::Cancelled { consumed_s: now, .. }) = &fact.kind
            else {
                continue;
            };
            let before = consumed.insert((fact.of.clone(), fact.instance), *now).unwrap_or(0);
            prop_assert!(*now >= before, "{fact:?} after {before}");
        }
    }
}

//! An import that an older version wrote, of which the log keeps no mark: it is recognised by its facts.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the other examples")]
mod support;

use guichet_rules::{
    Context, ImportProgress, KnownArticle, Past, Ticket, Unconfigured, decide, evolve, recognise,
};
use guichet_schemas::command::{Command, Fact, Import, Order};
use guichet_schemas::event::{
    CommentAdded, Event, LifeCycle, Personal, Sealed, TagsChanged, TicketEvent, TicketResolved,
};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CommandId, TicketId, TicketNumber};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::{ActorKind, AuthorKind, CommentKind, ConfirmedBy, ResolutionCode, Visibility};
use support::{Desk, actor, assign, at, by, command, create, label};
use uuid::Uuid;

/// A ticket as its log has it.
#[derive(Clone, Default)]
struct Log {
    past: Vec<Past>,
    ticket: Option<Ticket>,
    commands: u128,
}

fn context() -> Context<'static> {
    Context {
        now: at(1_000),
        next_number: TicketNumber(4),
        external_ref_of: None,
        desk: &Unconfigured,
        config_version: 0,
        fresh: TicketId(Uuid::nil()),
        article: KnownArticle::Elsewhere,
        other: None,
        others: &[],
        stored: None,
    }
}

impl Log {
    fn tell(&mut self, order: Order) -> Result<usize, Rejection> {
        self.commands += 1;
        let command_id = CommandId(Uuid::from_u128(self.commands));
        let command = Command { command_id, ..by(ActorKind::Service, "importer", order) };
        let ticket = self.recognised(&command)?;
        let drafts = decide(ticket.as_ref(), &command, &context())?;
        let told = drafts.len();
        for draft in drafts {
            let occurred_at = draft.occurred_at.unwrap_or(at(999));
            self.ticket = Some(evolve(self.ticket.take(), &draft.event, occurred_at));
            self.past.push(Past {
                event: draft.event,
                occurred_at,
                source_time: draft.source_time,
                actor: draft.actor.unwrap_or_else(|| command.actor.clone()),
                command: command_id,
            });
        }
        Ok(told)
    }

    /// The ticket as the engine shows it to an import.
    fn recognised(&self, command: &Command) -> Result<Option<Ticket>, Rejection> {
        let Order::Import(order) = &command.order else { return Ok(self.ticket.clone()) };
        let progress = self.ticket.as_ref().and_then(|t| t.import).filter(|p| p.mark.is_none());
        let Some(progress) = progress else { return Ok(self.ticket.clone()) };
        let mark = recognise(&self.past, order, command, &context())?;
        let import = Some(ImportProgress { mark: Some(mark), ..progress });
        Ok(self.ticket.clone().map(|ticket| Ticket { import, ..ticket }))
    }

    /// The same log, without what older versions did not write.
    fn of_an_older_version(mut self) -> Self {
        self.ticket = None;
        for past in &mut self.past {
            if let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketImported(e))) = &mut past.event {
                (e.facts, e.digest) = (None, None);
            }
            self.ticket = Some(evolve(self.ticket.take(), &past.event, past.occurred_at));
        }
        self
    }
}

fn fact(hour: i64, event: impl Into<Event>) -> Fact {
    Fact { occurred_at: at(hour), actor: Some(actor(ActorKind::Agent, "bob")), event: event.into() }
}

/// A creation, a resolution, a comment whose clock steps back, and tags.
fn history(tags: usize) -> Vec<Fact> {
    let created = Desk::default().tell(&command(Order::Create(create()))).unwrap().remove(0);
    let resolved = TicketResolved {
        by: "bob".to_owned(),
        code: ResolutionCode::Other,
        summary: Personal::Plain("Solved.".to_owned()),
        steps: Vec::new(),
        root_cause: None,
        confirmed_by: ConfirmedBy::None,
        override_reason: None,
        resolution_no: 0,
    };
    let comment = CommentAdded {
        comment_id: guichet_schemas::ids::CommentId(Uuid::nil()),
        visibility: Visibility::Internal,
        kind: CommentKind::Message,
        author: "bob".to_owned(),
        author_kind: AuthorKind::Agent,
        channel: None,
        body: Personal::Plain("It was the MTU.".to_owned()),
        attachments: Vec::new(),
        in_reply_to: None,
        counts_as_reply: false,
        no_reopen: false,
    };
    let tag = |n: usize| TagsChanged { added: vec![format!("t{n}")], removed: Vec::new() };
    let mut facts = vec![fact(1, created), fact(5, resolved), fact(4, comment)];
    facts.extend((0..tags).map(|n| fact(6 + i64::try_from(n).unwrap(), tag(n))));
    facts
}

fn parts(facts: &[Fact], each: usize) -> Vec<Order> {
    let parts = u32::try_from(facts.len().div_ceil(each)).unwrap();
    let part = |(part, events): (u32, &[Fact])| {
        let begins_at = (part as usize - 1) * each;
        Order::Import(Import {
            source: label("old"),
            external_id: label("1"),
            part,
            parts,
            events: events.to_vec(),
            mapping_version: None,
            begins_at: Some(begins_at as u64),
            prefix: (begins_at > 0).then(|| Import::digest(Hash::ZERO, &facts[..begins_at])),
            replies_complete: false,
        })
    };
    (1..).zip(facts.chunks(each)).map(part).collect()
}

fn send(log: &mut Log, facts: &[Fact], each: usize) -> Vec<Result<usize, Rejection>> {
    parts(facts, each).into_iter().map(|part| log.tell(part)).collect()
}

fn imported(facts: &[Fact], each: usize) -> Log {
    let mut log = Log::default();
    assert!(send(&mut log, facts, each).iter().all(Result::is_ok));
    log.of_an_older_version()
}

#[test]
fn the_same_again_writes_nothing_and_a_longer_one_goes_on_and_gets_a_mark() {
    for (each, again) in [(2, 2), (3, 20), (20, 2), (20, 20)] {
        let mut log = imported(&history(5), each);
        let before = log.past.len();
        assert!(send(&mut log, &history(5), again).iter().all(|told| *told == Ok(0)), "{each} {again}");
        assert!(send(&mut log, &history(3), again).iter().all(|told| *told == Ok(0)), "an older export");
        assert!(send(&mut log, &history(8), again).iter().all(Result::is_ok), "{each} {again}");
        let added = log.past[before..].iter().filter(|past| past.event.imported().is_none()).count();
        assert_eq!(added, 3, "{each} {again}");
        assert_eq!(log.ticket.as_ref().unwrap().tags.len(), 8);
        let mark = log.ticket.as_ref().unwrap().import.unwrap().mark.unwrap();
        assert_eq!(
            (mark.facts, mark.digest),
            (11, Import::digest(Hash::ZERO, &history(8))),
            "{each} {again}"
        );
        assert!(send(&mut log, &history(8), again).iter().all(|told| *told == Ok(0)));
    }
}

#[test]
fn what_the_desk_did_since_then_is_not_of_the_export() {
    let mut log = imported(&history(2), 20);
    log.tell(assign("carol")).unwrap();
    assert_eq!(send(&mut log, &history(2), 20), [Ok(0)]);
    assert_eq!(send(&mut log, &history(3), 20), [Ok(2)], "its mark and one tag");
}

#[test]
fn another_past_is_refused_whatever_of_it_is_changed() {
    let changes: [fn(&mut Vec<Fact>); 5] = [
        |facts| facts[1].occurred_at = at(3),
        |facts| facts[2].actor = Some(actor(ActorKind::Agent, "carol")),
        |facts| drop(facts.remove(3)),
        |facts| facts[4] = fact(7, TagsChanged { added: vec!["other".to_owned()], removed: Vec::new() }),
        |facts| {
            let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketResolved(e))) = &mut facts[1].event
            else {
                panic!("it is the resolution")
            };
            e.summary = Personal::Plain("Not solved.".to_owned());
        },
    ];
    for (n, change) in changes.into_iter().enumerate() {
        for each in [2, 20] {
            let mut log = imported(&history(5), 20);
            let mut other = history(6);
            change(&mut other);
            let before = log.past.len();
            let told = send(&mut log, &other, each);
            let refused = told.iter().find_map(|told| told.as_ref().err());
            assert!(
                matches!(refused, Some(Rejection::GuardFailed { guard: "rewritten_past", .. })),
                "{n} {each}: {told:?}"
            );
            let first = told.iter().position(Result::is_err).unwrap();
            assert!(told[..first].iter().all(|told| *told == Ok(0)), "{n} {each}");
            // The importer sends nothing behind what was refused.
            if each == 20 {
                assert_eq!(log.past.len(), before, "{n}");
            }
        }
    }
}

#[test]
fn a_text_whose_key_is_gone_counts_as_told_and_everything_beside_it_is_compared() {
    let mut log = imported(&history(2), 20);
    let sealed = Personal::Sealed(Sealed { key_id: vec![1], nonce: vec![2], ciphertext: vec![3] });
    let resolved = log.past.iter_mut().find_map(|past| match &mut past.event {
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketResolved(e))) => Some(e),
        Event::Ticket(_) | Event::Log(_) | Event::Sla(_) | Event::Config(_) | Event::Desk(_) => None,
    });
    resolved.unwrap().summary = sealed;
    assert_eq!(send(&mut log, &history(2), 20), [Ok(0)]);
    let mut other = history(2);
    let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketResolved(e))) = &mut other[1].event else {
        panic!("it is the resolution")
    };
    e.code = ResolutionCode::Defect;
    assert!(send(&mut log, &other, 20)[0].is_err());
}

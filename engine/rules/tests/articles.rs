//! Articles: their versions, what is drawn from a ticket, and what the use of one must be of.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the other tests")]
mod support;

use guichet_rules::{Article, KnownArticle, Solved, Unconfigured, decide_article};
use guichet_schemas::command::{
    Command, Entity, Order, PublishArticle, PublishArticleFromTicket, RetireArticle, UseArticle,
};
use guichet_schemas::event::{
    ArticlePublished, DeskEvent, Event, LifeCycle, Personal, Sealed, TicketCreated, TicketEvent,
    TicketResolved,
};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::Audience;

use support::{Desk, OWN, command, create, line, resolve, text};

fn publish(title: &str) -> Order {
    Order::PublishArticle(PublishArticle {
        article: line("kb-1"),
        audience: None,
        language: None,
        categories: vec![line("network"), line("network")],
        keywords: vec![line("vpn")],
        title: line(title),
        body: text("Set the MTU."),
    })
}

fn retire() -> Order {
    Order::RetireArticle(RetireArticle { article: line("kb-1"), reason: text("replaced") })
}

fn draw(include_description: bool) -> PublishArticleFromTicket {
    PublishArticleFromTicket {
        article: line("kb-1"),
        ticket_id: OWN,
        audience: Some(Audience::Public),
        language: None,
        categories: Vec::new(),
        keywords: Vec::new(),
        title: line("The MTU of the VPN"),
        include_description,
    }
}

fn told(order: Order) -> Command {
    Command { entity: Entity::Articles, ..command(order) }
}

/// What a command makes of an article.
fn tell(
    article: &mut Option<Article>,
    order: Order,
    solved: Option<&Solved>,
) -> Result<Vec<Event>, Rejection> {
    let drafts = decide_article(*article, &told(order), &Unconfigured, solved)?;
    let events: Vec<Event> = drafts.into_iter().map(|draft| draft.event).collect();
    for event in &events {
        *article = Article::after(event);
    }
    Ok(events)
}

fn published(events: &[Event]) -> &ArticlePublished {
    let [Event::Desk(DeskEvent::ArticlePublished(e))] = events else { panic!("{events:?}") };
    e
}

#[test]
fn the_same_id_again_is_the_next_version_and_the_same_words_again_are_nothing() {
    let mut article = None;
    let first = tell(&mut article, publish("VPN"), None).unwrap();
    let e = published(&first);
    assert_eq!((e.version, e.audience, e.categories.len()), (1, Audience::Internal, 1));
    assert_eq!(tell(&mut article, publish("VPN"), None).unwrap(), []);
    assert_eq!(published(&tell(&mut article, publish("The VPN"), None).unwrap()).version, 2);
    // Back to what the first said is a version, too.
    assert_eq!(published(&tell(&mut article, publish("VPN"), None).unwrap()).version, 3);
}

#[test]
fn a_retired_article_is_retired_once_and_comes_back_as_its_next_version() {
    let mut article = None;
    assert_eq!(tell(&mut article, retire(), None).unwrap_err().code(), "not_found");
    tell(&mut article, publish("VPN"), None).unwrap();
    let events = tell(&mut article, retire(), None).unwrap();
    assert!(
        matches!(&events[..], [Event::Desk(DeskEvent::ArticleRetired(e))] if e.version == 1),
        "{events:?}"
    );
    assert_eq!(tell(&mut article, retire(), None).unwrap(), []);
    assert_eq!(published(&tell(&mut article, publish("VPN"), None).unwrap()).version, 2);
    assert!(article.unwrap().content.is_some());
}

/// A ticket, solved where `is_solved`, as the engine reads it.
fn solved(desk: &Desk) -> Solved {
    let event =
        |wanted: fn(&Event) -> bool| desk.events.iter().rev().find(|(e, _)| wanted(e)).map(|(e, _)| e);
    let created = event(|e| e.created().is_some()).and_then(Event::created).unwrap().clone();
    let resolved =
        event(|e| matches!(e, Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketResolved(_)))));
    let resolved = resolved.map(|e| {
        let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketResolved(e))) = e else { panic!() };
        e.clone()
    });
    Solved { ticket: desk.ticket.clone().unwrap(), created, resolved }
}

#[test]
fn an_article_from_a_ticket_says_how_it_was_resolved_and_nothing_of_the_requester_unasked() {
    let mut desk = Desk::default();
    desk.tell(&command(Order::Create(create()))).unwrap();
    let open = solved(&desk);
    let refused = tell(&mut None, Order::PublishArticleFromTicket(draw(false)), Some(&open)).unwrap_err();
    assert_eq!(refused.code(), "guard_failed");
    let unknown = tell(&mut None, Order::PublishArticleFromTicket(draw(false)), None).unwrap_err();
    assert_eq!(unknown.code(), "not_found");

    desk.tell(&command(resolve())).unwrap();
    let known = solved(&desk);
    let known = Solved {
        created: TicketCreated {
            subject: Personal::Plain("Ada's VPN".to_owned()),
            description: Personal::Plain("I am Ada, and it drops.".to_owned()),
            language: Some("en".to_owned()),
            ..known.created
        },
        resolved: known.resolved.map(|e| TicketResolved {
            summary: Personal::Plain("It holds.".to_owned()),
            steps: vec!["Open the panel.".to_owned(), "Set the MTU.".to_owned()],
            root_cause: Some("A wrong MTU.".to_owned()),
            ..e
        }),
        ..known
    };
    let events = tell(&mut None, Order::PublishArticleFromTicket(draw(false)), Some(&known)).unwrap();
    let e = published(&events);
    assert_eq!(e.body, "A wrong MTU.\n\n1. Open the panel.\n2. Set the MTU.\n\nIt holds.");
    assert_eq!((e.from_ticket, e.language.as_deref()), (Some(OWN), Some("en")));
    assert!(!format!("{e:?}").contains("Ada"));
    let events = tell(&mut None, Order::PublishArticleFromTicket(draw(true)), Some(&known)).unwrap();
    assert!(published(&events).body.starts_with("I am Ada, and it drops.\n\nA wrong MTU."));

    // Sealed for good: nobody publishes what nobody can read.
    let gone = Personal::Sealed(Sealed { key_id: vec![1; 16], nonce: vec![1; 12], ciphertext: vec![1] });
    let sealed = Solved {
        resolved: known.resolved.clone().map(|e| TicketResolved { summary: gone, ..e }),
        ..known.clone()
    };
    let refused = tell(&mut None, Order::PublishArticleFromTicket(draw(false)), Some(&sealed)).unwrap_err();
    assert_eq!(refused.code(), "guard_failed");

    // It was reopened: the solution did not hold.
    desk.tell(&command(support::reopen())).unwrap();
    let again = Solved { resolved: known.resolved, ..solved(&desk) };
    let refused = tell(&mut None, Order::PublishArticleFromTicket(draw(false)), Some(&again)).unwrap_err();
    assert_eq!(refused.code(), "guard_failed");

    let long = Solved {
        resolved: again.resolved.map(|e| TicketResolved { steps: vec!["x".repeat(4_000); 20], ..e }),
        ticket: sealed.ticket,
        created: sealed.created,
    };
    let refused = tell(&mut None, Order::PublishArticleFromTicket(draw(false)), Some(&long)).unwrap_err();
    assert_eq!(refused.code(), "validation_failed");
}

#[test]
fn an_article_is_used_in_a_version_that_there_is_where_the_desk_has_articles() {
    let use_of = |version| command(Order::UseArticle(UseArticle { article: line("kb-1"), version }));
    let live = |version| {
        let mut article = None;
        tell(&mut article, publish("VPN"), None).unwrap();
        article.map(|article| Article { version, ..article }).unwrap()
    };
    let answer = |article, version| {
        let mut desk = Desk { article, ..Desk::default() };
        desk.tell(&command(Order::Create(create()))).unwrap();
        desk.tell(&use_of(version)).map(|events| events.len()).map_err(|e| e.to_string())
    };
    assert_eq!(answer(KnownArticle::Elsewhere, 7), Ok(1));
    assert_eq!(answer(KnownArticle::Known(live(2)), 2), Ok(1));
    assert_eq!(answer(KnownArticle::Known(live(2)), 1), Ok(1));
    assert_eq!(
        answer(KnownArticle::Known(live(2)), 3),
        Err("data.version must be at most 2, the newest version".to_owned())
    );
    assert_eq!(answer(KnownArticle::Unknown, 1), Err("data.article is no article of this desk".to_owned()));
    let retired = Article { content: None, ..live(2) };
    let refused = answer(KnownArticle::Known(retired), 2).unwrap_err();
    assert!(refused.starts_with("data.article is retired"), "{refused}");
}

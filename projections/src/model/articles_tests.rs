//! The knowledge base through the store.

use guichet_schemas::event::{
    ArticlePublished, ArticleRetired, ArticleUsed, CategoryChanged, Event, Personal, TicketCreated,
};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::TicketId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::words::Audience;

use super::ARTICLES;
use crate::history::{History, START, created, reopened, resolved, ticket_id};
use crate::model::rig::Rig;
use crate::queries::{LIMITS, Refusal};

fn published(id: &str, version: u32, title: &str, body: &str) -> ArticlePublished {
    ArticlePublished {
        article: id.to_owned(),
        version,
        audience: Audience::Public,
        language: Some("en".to_owned()),
        categories: vec!["technical/network".to_owned()],
        keywords: vec!["tunnel".to_owned()],
        title: title.to_owned(),
        body: body.to_owned(),
        body_hash: Hash::of_bytes(body.as_bytes()),
        from_ticket: None,
    }
}

fn query(data: wire::query::Data) -> wire::Query {
    wire::Query { data: Some(data), ..wire::Query::default() }
}

fn listed(rig: &Rig, query: wire::ArticlesQuery) -> Vec<(String, u32)> {
    let question = self::query(wire::query::Data::Articles(query));
    let Data::Articles(view) = rig.ask("articles", question, START).0 else { panic!("another answer") };
    view.articles.into_iter().map(|article| (article.article, article.used)).collect()
}

fn ids(rig: &Rig, query: wire::ArticlesQuery) -> Vec<String> {
    listed(rig, query).into_iter().map(|(id, _)| id).collect()
}

fn about(text: &str) -> wire::ArticlesQuery {
    wire::ArticlesQuery { text: Some(text.to_owned()), ..Default::default() }
}

fn one(
    rig: &Rig,
    article: &str,
    version: Option<u32>,
    audience: Option<Audience>,
) -> Option<wire::PublishedArticle> {
    let audience = audience.map(Audience::to_wire);
    let asked = wire::ArticleQuery { article: article.to_owned(), version, audience };
    match rig.ask_within(LIMITS, "article", query(wire::query::Data::Article(asked)), START) {
        Ok((Data::Article(article), None)) => Some(article),
        Ok(other) => panic!("{other:?}"),
        Err(Refusal::Rejected(rejection)) => {
            assert_eq!(rejection.code(), "not_found");
            None
        }
        Err(other) => panic!("{other:?}"),
    }
}

fn suggested(rig: &Rig, ticket: TicketId, audience: Option<Audience>) -> wire::SuggestedArticlesView {
    let asked = wire::SuggestedArticlesQuery {
        ticket_id: Some(ticket.to_wire()),
        number: None,
        audience: audience.map(Audience::to_wire),
    };
    let asked = query(wire::query::Data::SuggestedArticles(asked));
    let Data::SuggestedArticles(view) = rig.ask("suggested_articles", asked, START).0 else { panic!() };
    view
}

fn gaps(rig: &Rig, asked: wire::KnowledgeGapsQuery, limit: u32) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let question = wire::Query {
            limit: Some(limit),
            cursor: cursor.take(),
            ..query(wire::query::Data::KnowledgeGaps(asked.clone()))
        };
        let (Data::KnowledgeGaps(view), next) = rig.ask("knowledge_gaps", question, START) else { panic!() };
        found.extend(view.gaps.into_iter().map(|gap| gap.number));
        match next {
            Some(next) => cursor = Some(next),
            None => return found,
        }
    }
}

#[test]
fn articles_are_listed_read_by_version_and_retired() {
    let mut history = History::new();
    history.write("ana", Event::from(published("vpn", 1, "VPN drops", "Set the MTU.")));
    history.write("ana", Event::from(published("vpn", 2, "VPN drops", "Set the MTU to 1300.")));
    let internal =
        ArticlePublished { audience: Audience::Internal, ..published("mail", 1, "Mail is slow", "Wait.") };
    history.write("ana", Event::from(internal));
    let mut rig = Rig::new(&ARTICLES);
    rig.fold(&history.entries);

    assert_eq!(ids(&rig, wire::ArticlesQuery::default()), ["mail", "vpn"]);
    let public = wire::ArticlesQuery { audience: Some(Audience::Public.to_wire()), ..Default::default() };
    assert_eq!(ids(&rig, public), ["vpn"]);
    let within =
        |category: &str| wire::ArticlesQuery { category: Some(category.to_owned()), ..Default::default() };
    assert_eq!(ids(&rig, within("technical")), ["mail", "vpn"]);
    assert_eq!(ids(&rig, within("tech")), [""; 0]);

    let newest = one(&rig, "vpn", None, None).unwrap();
    assert_eq!((newest.version, newest.body.as_deref()), (2, Some("Set the MTU to 1300.")));
    let first = one(&rig, "vpn", Some(1), None).unwrap();
    assert_eq!((first.version, first.newest_version, first.body.as_deref()), (1, 2, Some("Set the MTU.")));
    assert!(one(&rig, "vpn", Some(3), None).is_none());
    assert!(one(&rig, "mail", None, Some(Audience::Public)).is_none());
    assert!(one(&rig, "mail", None, Some(Audience::Internal)).is_some());

    let from = history.entries.len();
    let retired = ArticleRetired { article: "vpn".to_owned(), version: 2, reason: "replaced".to_owned() };
    history.write("ana", Event::from(retired));
    rig.fold(&history.entries[from..]);
    assert_eq!(ids(&rig, wire::ArticlesQuery::default()), ["mail"]);
    assert_eq!(ids(&rig, wire::ArticlesQuery { retired: true, ..Default::default() }), ["mail", "vpn"]);
    assert_eq!(ids(&rig, about("vpn")), [""; 0], "what is retired is not found by its words");
    assert_eq!(one(&rig, "vpn", None, None).unwrap().retired_because.as_deref(), Some("replaced"));
    // Published again, it is found again.
    let from = history.entries.len();
    history.write("ana", Event::from(published("vpn", 3, "VPN drops", "Set the MTU.")));
    rig.fold(&history.entries[from..]);
    assert_eq!(ids(&rig.restart(), about("VPN dropped")), ["vpn"]);
}

#[test]
fn what_was_an_internal_article_stays_internal_while_its_newest_version_is() {
    let mut history = History::new();
    history.write("ana", Event::from(published("vpn", 1, "VPN drops", "Set the MTU.")));
    let internal =
        ArticlePublished { audience: Audience::Internal, ..published("vpn", 2, "VPN drops", "Call Ed.") };
    history.write("ana", Event::from(internal));
    let mut rig = Rig::new(&ARTICLES);
    rig.fold(&history.entries);
    assert!(one(&rig, "vpn", Some(1), Some(Audience::Public)).is_none(), "it was withdrawn");
    assert!(one(&rig, "vpn", Some(1), None).is_some());
}

#[test]
fn an_open_ticket_gets_articles_by_its_words_and_its_category() {
    let mut history = History::new();
    let far = |id: &str, title: &str| ArticlePublished {
        categories: vec!["billing".to_owned()],
        keywords: Vec::new(),
        ..published(id, 1, title, "Text.")
    };
    history.write("ana", Event::from(published("near", 1, "Nothing alike", "At all.")));
    history.write("ana", Event::from(far("words", "Printers that hum")));
    history.write("ana", Event::from(far("neither", "Invoices")));
    let ticket = ticket_id(1);
    let opened = TicketCreated {
        subject: Personal::Plain("My printer".to_owned()),
        description: Personal::Plain("It hums.".to_owned()),
        category: Some("technical/network/vpn".to_owned()),
        ..created(1)
    };
    history.push(ticket, "bob", Event::from(opened));
    let mut rig = Rig::new(&ARTICLES);
    rig.fold(&history.entries);
    let found = |rig: &Rig| {
        let view = suggested(rig, ticket, None);
        (view.by_text, view.articles.into_iter().map(|article| article.article).collect::<Vec<_>>())
    };
    assert_eq!(found(&rig), (true, vec!["words".to_owned(), "near".to_owned()]));
    assert_eq!(suggested(&rig, ticket, Some(Audience::Internal)).articles, []);

    // In its very category an article weighs more.
    let from = history.entries.len();
    let changed = CategoryChanged {
        from: Some("technical/network/vpn".to_owned()),
        to: Some("technical/network".to_owned()),
    };
    history.push(ticket, "bob", Event::from(changed));
    rig.fold(&history.entries[from..]);
    let near = suggested(&rig, ticket, None).articles.into_iter().find(|article| article.article == "near");
    assert_eq!(near.and_then(|article| article.score), Some(2.0));
}

#[test]
fn a_solution_without_an_article_is_a_gap_until_one_is_used_or_written() {
    let mut history = History::new();
    let tickets: Vec<_> = (1..=5).map(|number| history.open(number)).collect();
    for ticket in &tickets {
        history.push(*ticket, "bob", resolved(1));
    }
    let mut rig = Rig::new(&ARTICLES);
    rig.fold(&history.entries);
    let all = wire::KnowledgeGapsQuery::default;
    for limit in [1, 2, 100] {
        assert_eq!(gaps(&rig, all(), limit), ["T-5", "T-4", "T-3", "T-2", "T-1"], "{limit} a page");
    }
    let since = history.entries[history.entries.len() - 2].record.occurred_at.0;
    let later = wire::KnowledgeGapsQuery { from: Some(since), ..all() };
    assert_eq!(gaps(&rig, later, 1), ["T-5", "T-4"]);
    let before = wire::KnowledgeGapsQuery { to: Some(since), ..all() };
    assert_eq!(gaps(&rig, before, 2), ["T-3", "T-2", "T-1"]);

    let from = history.entries.len();
    history.push(tickets[0], "bob", Event::from(ArticleUsed { article: "kb".to_owned(), version: 1 }));
    history.push(tickets[0], "bob", Event::from(ArticleUsed { article: "kb".to_owned(), version: 2 }));
    history.push(tickets[1], "bob", reopened(1));
    let drawn =
        ArticlePublished { from_ticket: Some(tickets[2]), ..published("kb", 1, "The MTU", "Set it.") };
    history.write("bob", Event::from(drawn));
    rig.fold(&history.entries[from..]);
    assert_eq!(gaps(&rig, all(), 1), ["T-5", "T-4"]);
    // Two versions, one ticket; it counts although it came before the article.
    assert_eq!(listed(&rig, wire::ArticlesQuery::default()), [("kb".to_owned(), 1)]);

    let from = history.entries.len();
    history.push(tickets[1], "bob", resolved(2));
    rig.fold(&history.entries[from..]);
    assert_eq!(gaps(&rig, all(), 2), ["T-2", "T-5", "T-4"]);
}

// Made-up tickets of a training count nowhere.
#[test]
fn a_synthetic_ticket_is_neither_a_gap_nor_a_use() {
    let mut history = History::new();
    let ticket = ticket_id(1);
    history.push(ticket, "bob", Event::from(TicketCreated { synthetic: true, ..created(1) }));
    history.push(ticket, "bob", resolved(1));
    history.write("ana", Event::from(published("kb", 1, "The MTU", "Set it.")));
    let mut rig = Rig::new(&ARTICLES);
    rig.fold(&history.entries);
    assert_eq!(gaps(&rig, wire::KnowledgeGapsQuery::default(), 10), [""; 0]);
    let from = history.entries.len();
    history.push(ticket, "bob", Event::from(ArticleUsed { article: "kb".to_owned(), version: 1 }));
    rig.fold(&history.entries[from..]);
    assert_eq!(listed(&rig, wire::ArticlesQuery::default()), [("kb".to_owned(), 0)]);
}

// The content is a function of the events: not of how they came in batches.
#[test]
fn batches_make_no_difference() {
    let mut history = History::new();
    let mut tickets = Vec::new();
    for number in 1..=12_u64 {
        let ticket = history.open(number);
        tickets.push(ticket);
        let id = format!("kb-{}", number % 3);
        let version = u32::try_from(number.div_ceil(3)).unwrap();
        let from_ticket = (number % 4 == 0).then_some(tickets[0]);
        history.write(
            "ana",
            Event::from(ArticlePublished { from_ticket, ..published(&id, version, "A title", "Text.") }),
        );
        history.push(ticket, "bob", Event::from(ArticleUsed { article: id.clone(), version }));
        history.push(ticket, "bob", resolved(1));
        if number % 5 == 0 {
            history.push(ticket, "bob", reopened(1));
            history
                .write("ana", Event::from(ArticleRetired { article: id, version, reason: "old".to_owned() }));
        }
    }
    let folded = |size: usize| {
        let mut rig = Rig::new(&ARTICLES);
        history.entries.chunks(size).for_each(|chunk| rig.fold(chunk));
        rig.folder.store().content_hash().unwrap()
    };
    let whole = folded(1_000);
    for size in [1, 2, 3, 7] {
        assert_eq!(folded(size), whole, "batches of {size}");
    }
}

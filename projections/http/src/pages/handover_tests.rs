//! The page as a whole: what a person is handed, in both languages; strangers' texts stay texts.

use guichet_schemas::event::{Actor, Event, PriorityChanged, TicketClosed};
use guichet_schemas::words::{ActorKind, CloseReason, StatusCause};

use super::*;

fn entry(
    position: u64,
    command: u8,
    causation: Option<u8>,
    event: Event,
    sentence: &str,
) -> wire::TimelineEntry {
    let r#type = event.type_name().to_owned();
    let record = wire::Record {
        event_id: vec![u8::try_from(position).unwrap() | 0x80; 16],
        data: Some(event.to_wire()),
        ..wire::Record::default()
    };
    let actor = Actor { kind: ActorKind::Agent, id: "bob".to_owned(), on_behalf_of: None };
    wire::TimelineEntry {
        position,
        version: position,
        r#type,
        occurred_at: i64::try_from(position).unwrap() * 60_000,
        recorded_at: i64::try_from(position).unwrap() * 60_000,
        actor: actor.to_wire(),
        caller: "shop".to_owned(),
        command_id: vec![command; 16],
        causation_id: causation.map(|cause| vec![cause; 16]),
        data: Some(record),
        sentence: sentence.to_owned(),
        ..wire::TimelineEntry::default()
    }
}

fn priority(from: Priority, to: Priority) -> Event {
    Event::from(PriorityChanged {
        from,
        to,
        urgency: None,
        impact: None,
        cause: StatusCause::Command,
        reason: None,
    })
}

fn closed() -> Event {
    Event::from(TicketClosed { reason: CloseReason::Resolved, auto: false })
}

fn history(lang: &str) -> String {
    let ticket = wire::TicketView {
        number: "T-7".to_owned(),
        subject: Some(wire::Personal {
            form: Some(wire::personal::Form::Plain("<script>alert(1)</script>".to_owned())),
        }),
        state: wire::TicketState::Closed.into(),
        channel: wire::Channel::Email.into(),
        priority: wire::Priority::High.into(),
        requester: "r-1".to_owned(),
        ..wire::TicketView::default()
    };
    let entries = [
        entry(
            1,
            1,
            None,
            priority(Priority::Normal, Priority::High),
            "agent bob set the priority <b>high</b>",
        ),
        entry(2, 2, Some(1), closed(), "agent bob closed the ticket"),
        entry(3, 3, Some(9), closed(), "agent bob closed it again"),
        // Caused by an event of the first command.
        entry(4, 4, Some(0x81), closed(), "agent bob closed it once more"),
    ];
    let field = |field: &str, before: Option<&str>, after: Option<&str>| FieldChange {
        field: field.to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    let changes = [
        Changed {
            by: By::Event(1),
            at: 60_000,
            fields: vec![field("priority", Some("normal"), Some("high"))],
        },
        Changed {
            by: By::Time,
            at: 90_000,
            fields: vec![field("due", Some("1970-01-01T00:01:30.000Z"), None)],
        },
    ];
    let proof = Proof {
        origin: "guichet/test/0".to_owned(),
        size: 12,
        root: "ab".repeat(32),
        note: "guichet/test/0\n12\n".to_owned(),
        key: Some("guichet/test/0+key".to_owned()),
        hashes: BTreeMap::from([(1, "cd".repeat(32))]),
    };
    let history = Handover {
        ticket: &ticket,
        entries: &entries,
        position: 12,
        now: 600_000,
        changes: &changes,
        proof: &proof,
    };
    page(&history, lang)
}

#[test]
fn the_page_is_what_was_agreed_in_both_languages() {
    for (lang, golden) in [("en", "handover_en.golden.html"), ("fr", "handover_fr.golden.html")] {
        let page = history(lang);
        let golden = format!("src/pages/{golden}");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &page).unwrap();
        }
        assert_eq!(page, std::fs::read_to_string(&golden).unwrap(), "UPDATE_GOLDEN=1 writes {golden}");
    }
}

#[test]
fn texts_of_strangers_stay_texts_and_nothing_is_fetched() {
    for lang in LANGUAGES {
        let page = history(lang);
        assert!(!page.contains("<script") && !page.contains("<b>high"), "{page}");
        assert!(page.contains("&#60;script&#62;"), "{page}");
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("src="), "{page}");
    }
}

#[test]
fn what_was_caused_stands_below_its_cause() {
    let entries = [
        entry(1, 1, None, closed(), ""),
        entry(2, 2, None, closed(), ""),
        entry(3, 3, Some(1), closed(), ""),
        entry(4, 3, Some(1), closed(), ""),
        entry(5, 4, Some(3), closed(), ""),
        entry(6, 5, Some(9), closed(), ""),
    ];
    let causes = causes(by_code("en").unwrap(), &entries);
    let seen: Vec<_> = causes
        .iter()
        .map(|cause| (cause.depth, cause.events.iter().map(|event| event.0).collect::<Vec<_>>()))
        .collect();
    assert_eq!(seen, [(0, vec![1]), (1, vec![3, 4]), (2, vec![5]), (0, vec![2]), (0, vec![6])]);
    assert_eq!(causes.iter().filter(|cause| cause.outside.is_some()).count(), 1);
}

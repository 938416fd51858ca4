//! How events read on a French page.

use guichet_schemas::event::{
    Actor, CommentAdded, Event, NpsRecorded, Personal, ReopenHeld, SlaBreached, StatusChanged,
    TicketAssigned, TicketClaimed, TicketClosed, TicketRated, TicketResolved, TimeLogged,
};
use guichet_schemas::ids::CommentId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{
    ActorKind, AuthorKind, CloseReason, CommentKind, ConfirmedBy, HoldReason, RatingScale, ResolutionCode,
    SlaMetric, StatusCause, Strategy, TicketState, TimeKind, Visibility,
};

use super::*;
use crate::pages::text::by_code;

fn said(kind: ActorKind, id: &str, event: impl Into<Event>) -> String {
    let actor = Actor { kind, id: id.to_owned(), on_behalf_of: None };
    french::sentence(by_code("fr").unwrap(), &actor, &event.into())
}

fn comment(body: &str) -> CommentAdded {
    CommentAdded {
        comment_id: CommentId::from_wire(vec![0; 16]).unwrap(),
        visibility: Visibility::Public,
        kind: CommentKind::Message,
        author: "alice".to_owned(),
        author_kind: AuthorKind::Agent,
        channel: None,
        body: Personal::Plain(body.to_owned()),
        attachments: Vec::new(),
        in_reply_to: None,
        counts_as_reply: true,
        no_reopen: false,
    }
}

#[test]
fn a_french_history_reads_like_a_story() {
    let assigned = |to: &str| TicketAssigned {
        from: None,
        to: to.to_owned(),
        group: Some("network".to_owned()),
        strategy: Strategy::RoundRobin,
        handover_comment: None,
        station_no: 1,
        reason: Some("de garde".to_owned()),
    };
    assert_eq!(
        said(ActorKind::System, "routing", assigned("bob")),
        "le système (routing) a attribué le ticket à bob, groupe network, à tour de rôle (de garde)"
    );
    assert_eq!(
        said(ActorKind::Agent, "bob", assigned("bob")),
        "bob a pris le ticket, groupe network, à tour de rôle (de garde)"
    );
    let status = |from, to, hold_reason| StatusChanged {
        from,
        to,
        custom_status: None,
        hold_reason,
        expected_until: None,
        cause: StatusCause::Command,
        unanswered: false,
    };
    assert_eq!(
        said(ActorKind::Agent, "bob", status(TicketState::Open, TicketState::Hold, Some(HoldReason::Vendor))),
        "bob a suspendu le ticket (attend le fournisseur)"
    );
    assert_eq!(
        said(ActorKind::Agent, "bob", status(TicketState::Hold, TicketState::Open, None)),
        "bob a fait passer le ticket de « suspendu » à « ouvert »"
    );
    assert_eq!(
        said(ActorKind::System, "auto-close", TicketClosed { reason: CloseReason::Resolved, auto: true }),
        "le système (auto-close) a clos le ticket automatiquement"
    );
    assert_eq!(
        said(ActorKind::Requester, "r-1", ReopenHeld { reopenings: 3, within_ms: 7_500_000 }),
        "le demandeur r-1 aurait rouvert le ticket, et une personne décide : les demandeurs l’avaient rouvert 3 fois en 2\u{a0}h 5\u{a0}min"
    );
    let rated = TicketRated {
        scale: RatingScale::GoodBad,
        score: 0,
        comment: None,
        credited_agent: Some("bob".to_owned()),
        survey_id: None,
    };
    assert_eq!(
        said(ActorKind::Requester, "r-1", rated),
        "le demandeur r-1 a évalué le ticket, résolu par bob : mauvais"
    );
    assert_eq!(
        said(ActorKind::Requester, "r-1", NpsRecorded { score: 9 }),
        "le demandeur r-1 recommanderait le service : 9 sur 10"
    );
    assert_eq!(
        said(ActorKind::Agent, "bob", TicketClaimed { by: "bob".to_owned(), until: Timestamp(0) }),
        "bob a réservé le ticket jusqu’au 1970-01-01 00:00 UTC"
    );
    assert_eq!(
        said(ActorKind::Agent, "bob", TimeLogged { seconds: 5_400, kind: TimeKind::Travel }),
        "bob a noté 1\u{a0}h 30\u{a0}min de temps (déplacement)"
    );
    let breached = SlaBreached {
        metric: SlaMetric::Resolution,
        instance: 1,
        policy: "everybody".to_owned(),
        policy_version: 1,
        due_at: Timestamp(0),
        consumed_s: 9,
        immediate: false,
        detected_late_ms: 0,
    };
    assert_eq!(
        said(ActorKind::System, "sla", breached),
        "l’engagement « Résolution 1 » de la règle everybody a été manqué, échéance 1970-01-01 00:00 UTC"
    );
}

#[test]
fn what_somebody_wrote_is_shown_once_and_whole() {
    let (en, fr) = (by_code("en").unwrap(), by_code("fr").unwrap());
    let body = "Deux\nlignes";
    let data = |data| wire::Record { data: Some(data), ..wire::Record::default() };
    let entry = wire::TimelineEntry {
        sentence: "alice wrote a public message: “Deux lignes”".to_owned(),
        data: comment(body).to_wire().map(|c| data(Data::CommentAdded(c))),
        ..Default::default()
    };
    assert_eq!(of(en, &entry), ("alice wrote a public message".to_owned(), "en"));
    assert_eq!(super::said(en, &entry).as_deref(), Some(body));
    assert_eq!(said(ActorKind::Agent, "alice", comment(body)), "alice a écrit un message public");
    let resolved = TicketResolved {
        by: "alice".to_owned(),
        code: ResolutionCode::Defect,
        summary: Personal::Plain("Réparé.".to_owned()),
        steps: vec!["Ouvert".to_owned(), "Fermé".to_owned()],
        root_cause: Some("Usure".to_owned()),
        confirmed_by: ConfirmedBy::None,
        override_reason: None,
        resolution_no: 1,
    };
    let entry = wire::TimelineEntry {
        sentence: "alice resolved the ticket: “Réparé.” (defect)".to_owned(),
        data: resolved.clone().to_wire().map(|r| data(Data::TicketResolved(r))),
        ..Default::default()
    };
    assert_eq!(super::said(fr, &entry).as_deref(), Some("1. Ouvert\n2. Fermé\nCause : Usure"));
    assert_eq!(said(ActorKind::Agent, "alice", resolved), "alice a résolu le ticket : « Réparé. » (défaut)");
}

#[test]
fn what_this_page_cannot_read_stays_english_and_is_marked() {
    let entry = wire::TimelineEntry { sentence: "alice did it: “x”".to_owned(), ..Default::default() };
    assert_eq!(of(by_code("fr").unwrap(), &entry), ("alice did it: “x”".to_owned(), "en"));
    assert_eq!(super::said(by_code("fr").unwrap(), &entry), None);
}

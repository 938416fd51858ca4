//! Every role with every verb, as the engine decides it: on a ticket that is theirs, and on another one. The table in
//! `docs/PERMISSIONS.md` is written from here.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use guichet_config::Configuration;
use guichet_config::body::Role;
use guichet_rules::{Context, DeskRules as _, KnownArticle, Other, Ticket, allowed_verbs, decide, evolve};
use guichet_schemas::codec::{Encoding, RequestKey, decode_command};
use guichet_schemas::command::Command;
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::subject::CommandSubject;
use guichet_schemas::time::Timestamp;
use guichet_schemas::verb::{self, About};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp(1_773_000_000_000);
const TICKET: &str = "0198c0de-0000-7000-8000-000000000009";
const EXAMPLES: &str = include_str!("../../../schemas/contract/verbs.md");

/// How a ticket is related to whoever acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// For a requester the one that they asked for, for a participant one that they read along, for an agent one of their
    /// group.
    Own,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum May {
    Never,
    OnOwn,
    Always,
}

/// The roles in the order of the columns, each with the kind of actor that has it.
const COLUMNS: [(Role, &str, &str); 12] = [
    (Role::Requester, "requester", "requester"),
    (Role::Participant, "participant", "requester"),
    (Role::LightAgent, "light_agent", "light_agent"),
    (Role::Agent, "agent", "agent"),
    (Role::Trainee, "trainee", "agent"),
    (Role::Supervisor, "supervisor", "supervisor"),
    (Role::Admin, "admin", "admin"),
    (Role::Analyst, "analyst", "agent"),
    (Role::Auditor, "auditor", "agent"),
    (Role::Bot, "bot", "bot"),
    (Role::Service, "service", "service"),
    (Role::System, "system", "system"),
];

fn command(caller: &str, to: &str, (kind, id): (&str, &str), data: &Value) -> Command {
    let subject = CommandSubject::parse(&format!("guichet.v1.cmd.default.{caller}.{to}")).unwrap();
    let body = json!({
        "command_id": "0198c0de-0000-7000-8000-000000000001", "actor": {"kind": kind, "id": id}, "data": data,
    });
    let read =
        decode_command(subject, Encoding::Json, body.to_string().as_bytes(), None, &RequestKey([7; 32]));
    read.unwrap_or_else(|e| panic!("{to}: {e}")).command
}

/// A desk with a caller for each role, named like it, and an agent in each of two groups.
fn desk() -> Configuration {
    let callers: BTreeMap<&str, Value> = COLUMNS
        .iter()
        .map(|(_, name, kind)| (*name, json!({"roles": [name], "actor_kinds": [kind]})))
        .chain([("setup", json!({"roles": ["agent", "supervisor", "requester"], "actor_kinds": ["agent", "supervisor", "requester"]}))])
        .collect();
    let agents = json!([
        {"id": "ines", "groups": ["network"], "tier": 4},
        {"id": "otto", "groups": ["finance"], "tier": 4},
        {"id": "bob", "groups": ["network"]},
        {"id": "rita", "groups": ["hr", "network"], "tier": 4},
    ]);
    let mut configuration = Configuration::new("default");
    for (kind, body) in [("agents", json!({"agents": agents})), ("callers", json!({"callers": callers}))] {
        let publish = json!({"kind": kind, "body": body});
        let event =
            configuration.decide(&command("cli", "config.publish_config", ("admin", "root"), &publish), NOW);
        configuration.evolve(&event.unwrap().unwrap());
    }
    configuration
}

fn decided(
    configuration: &Configuration,
    ticket: Option<&Ticket>,
    other: Option<&Other>,
    command: &Command,
) -> Result<Vec<guichet_rules::Draft>, Rejection> {
    let in_force = configuration.at(NOW);
    let others: Vec<Other> = other.cloned().into_iter().collect();
    let context = Context {
        now: NOW,
        next_number: TicketNumber(5),
        external_ref_of: None,
        desk: &in_force,
        config_version: 2,
        fresh: TicketId::parse(TICKET).unwrap(),
        other,
        article: KnownArticle::Elsewhere,
        others: &others,
        stored: None,
    };
    decide(ticket, command, &context)
}

/// A ticket of group network that `r-1` asked for and `r-2` reads along, in the states that a verb may need.
fn tickets(configuration: &Configuration) -> Vec<Ticket> {
    let create = json!({"subject": "s", "description": "d", "channel": "email", "requester": {"id": "r-1"}, "group": "network"});
    let to = |verb: &str| format!("{TICKET}.{verb}");
    let story = [
        ("create", json!(create)),
        ("set_participants", json!({"add": ["r-2"]})),
        ("assign", json!({"assignee": "bob"})),
        ("propose_resolution", json!({"code": "other", "summary": "so"})),
        ("resolve", json!({"code": "other", "summary": "so"})),
        ("close", json!({})),
    ];
    let mut states = Vec::new();
    let mut ticket = None;
    for (verb, data) in story {
        let kind = if verb == "create" { "agent" } else { "supervisor" };
        let command = command("setup", &to(verb), (kind, "ines"), &data);
        for draft in decided(configuration, ticket.as_ref(), None, &command).unwrap() {
            ticket = Some(evolve(ticket, &draft.event, NOW));
        }
        states.extend(ticket.clone());
    }
    states.split_off(2)
}

/// The same, restricted to group hr and given to nobody.
fn restricted(ticket: &Ticket) -> Ticket {
    let restricted_to = ["hr".to_owned()].into();
    Ticket {
        restricted_to,
        assignee: None,
        participants: std::collections::BTreeSet::new(),
        ..ticket.clone()
    }
}

/// The payload of a verb with every field filled, as the contract shows it.
fn example(verb: &str) -> Value {
    let (_, section) = EXAMPLES.split_once(&format!("\n## {verb}\n")).unwrap();
    let (_, json) = section.split_once("```json\n").unwrap();
    let whole: Value = serde_json::from_str(json.split("```").next().unwrap()).unwrap();
    let mut data = whole["data"].clone();
    // Who gets a ticket has rules of their own.
    for field in ["assignee", "group", "force", "restricted_to"] {
        if let Some(fields) = data.as_object_mut()
            && let Some(given) = fields.remove(field)
        {
            match (verb, field) {
                ("assign", "group") => drop(fields.insert(field.to_owned(), json!("network"))),
                ("set_restriction", "restricted_to") => drop(fields.insert(field.to_owned(), given)),
                _ => {}
            }
        }
    }
    data
}

/// Whoever reads tickets may look at those that they see.
const LOOK: &str = "record_access (look)";

/// The rows: every verb that a role may have, comments by their readers.
fn rows() -> Vec<(String, &'static str, Value)> {
    let mut rows = Vec::new();
    for verb in verb::VERBS.iter().filter(|verb| **verb != "import") {
        let data = example(verb);
        if *verb == "add_comment" {
            for visibility in ["public", "internal"] {
                let mut data = data.clone();
                data["visibility"] = json!(visibility);
                data["counts_as_reply"] = Value::Null;
                rows.push((format!("{verb} ({visibility})"), *verb, data));
            }
        } else if *verb == "record_access" {
            let mut outside = data.clone();
            outside["ticket_id"] = Value::Null;
            outside["groups"] = Value::Null;
            rows.push((format!("{verb} (export)"), *verb, outside));
            rows.push((LOOK.to_owned(), *verb, data));
        } else {
            rows.push(((*verb).to_owned(), verb, data));
        }
    }
    rows
}

struct Matrix {
    configuration: Configuration,
    tickets: Vec<Ticket>,
}

impl Matrix {
    fn new() -> Self {
        let configuration = desk();
        Self { tickets: tickets(&configuration), configuration }
    }

    /// The ticket in the first state that allows the verb.
    fn ticket(&self, verb: &str) -> &Ticket {
        let fitting = self.tickets.iter().find(|ticket| allowed_verbs(ticket.state()).contains(&verb));
        fitting.unwrap_or(&self.tickets[0])
    }

    fn asks(
        &self,
        (role, name, kind): (Role, &str, &str),
        verb: &str,
        data: &Value,
        whose: Whose,
    ) -> Result<(), Rejection> {
        let id = match (role, whose) {
            (Role::Requester, Whose::Own) => "r-1",
            (Role::Participant, Whose::Own) => "r-2",
            (Role::Requester | Role::Participant, Whose::Other) => "r-3",
            (_, Whose::Own) => "ines",
            (_, Whose::Other) => "otto",
        };
        let caller = if ["record_sla_warning", "record_sla_breach", "fire_time_rule"].contains(&verb)
            && role == Role::System
        {
            "sla"
        } else {
            name
        };
        let to = match verb::about(verb).unwrap() {
            About::New => format!("new.{verb}"),
            About::Ticket => format!("{TICKET}.{verb}"),
            About::Config => format!("config.{verb}"),
            About::Desk => format!("desk.{verb}"),
            About::Articles => format!("articles.{verb}"),
        };
        let command = command(caller, &to, (kind, id), data);
        match verb::about(verb).unwrap() {
            About::Config | About::Desk | About::Articles => self.configuration.at(NOW).may(&command),
            About::New => {
                let ticket = self.tickets.last().unwrap().clone();
                let other = Other {
                    id: TicketId::parse(TICKET).unwrap(),
                    ticket,
                    event: None,
                    said: Vec::new(),
                    found: None,
                };
                decided(&self.configuration, None, Some(&other), &command).map(drop)
            }
            About::Ticket => decided(&self.configuration, Some(self.ticket(verb)), None, &command).map(drop),
        }
    }

    fn may(&self, column: (Role, &str, &str), verb: &str, data: &Value) -> May {
        let is_allowed =
            |whose| !matches!(self.asks(column, verb, data, whose), Err(Rejection::Forbidden(_)));
        match (is_allowed(Whose::Own), is_allowed(Whose::Other)) {
            (true, true) => May::Always,
            (true, false) => May::OnOwn,
            (false, false) => May::Never,
            (false, true) => panic!("{} may {verb} on the tickets of others alone", column.1),
        }
    }
}

fn table(matrix: &Matrix) -> String {
    let mut out = String::from("| verb |");
    for (_, name, _) in COLUMNS {
        write!(out, " {name} |").unwrap();
    }
    out.push_str("\n|---|");
    out.push_str(&"---|".repeat(COLUMNS.len()));
    for (title, verb, data) in rows() {
        write!(out, "\n| {title} |").unwrap();
        for column in COLUMNS {
            out.push_str(match matrix.may(column, verb, &data) {
                May::Never => "  |",
                May::OnOwn => " own |",
                May::Always => " yes |",
            });
        }
    }
    out.push('\n');
    out
}

const BEGIN: &str = "<!-- table: written by engine/config/tests/permissions.rs -->\n\n";
const END: &str = "\n<!-- end of the table -->";

#[test]
fn the_page_shows_what_the_engine_decides() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/PERMISSIONS.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (shown, after) = rest.split_once(END).unwrap();
    let table = table(&Matrix::new());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, [before, BEGIN, &table, END, after].concat()).unwrap();
        return;
    }
    assert_eq!(shown, table, "write the page again with UPDATE_GOLDEN=1");
}

/// The paragraph *Permissions (role x verb)* of the design, clause by clause.
#[test]
fn the_table_says_what_the_design_says() {
    use May::{Always, Never, OnOwn};
    use Role::{Admin, Agent, Analyst, Auditor, LightAgent, Participant, Requester, Supervisor, Trainee};
    let matrix = Matrix::new();
    let rows = rows();
    let of = |role: Role, title: &str| {
        let column = *COLUMNS.iter().find(|(of, ..)| *of == role).unwrap();
        let (_, verb, data) =
            rows.iter().find(|(of, ..)| of == title).unwrap_or_else(|| panic!("no row {title}"));
        matrix.may(column, verb, data)
    };
    let all = |role: Role| -> Vec<&str> {
        rows.iter()
            .map(|(title, ..)| title.as_str())
            .filter(|title| *title != LOOK && of(role, title) != Never)
            .collect()
    };
    // Requesters act on what they asked for, in public.
    assert_eq!(
        all(Requester),
        [
            "create",
            "add_comment (public)",
            "confirm_resolution",
            "reject_resolution",
            "reopen",
            "cancel",
            "create_follow_up",
            "rate",
            "record_nps",
            "add_attachment",
        ]
    );
    for title in all(Requester).into_iter().filter(|title| !["create", "rate"].contains(title)) {
        assert_eq!(of(Requester, title), OnOwn, "{title}");
    }
    assert_eq!(
        (all(Participant), of(Participant, "add_comment (public)")),
        (vec!["add_comment (public)"], OnOwn)
    );
    assert_eq!(
        (all(LightAgent), of(LightAgent, "add_comment (internal)")),
        (vec!["add_comment (internal)"], Always)
    );
    // All work, in their own groups; a supervisor in every group.
    for title in
        ["assign", "set_status", "resolve", "escalate", "add_comment (public)", "link", "add_task", "claim"]
    {
        assert_eq!(
            (of(Agent, title), of(Trainee, title), of(Supervisor, title)),
            (OnOwn, OnOwn, Always),
            "{title}"
        );
    }
    for title in ["close", "void_sla_breach", "decide_approval"] {
        assert_eq!(
            (of(Agent, title), of(Trainee, title), of(Supervisor, title)),
            (Never, Never, Always),
            "{title}"
        );
    }
    // A mentor says what becomes of a trainee's words; a trainee does not.
    let of_mentors = ["approve_reply", "reject_reply", "review_decision"];
    let left: Vec<&str> = all(Agent).into_iter().filter(|title| !of_mentors.contains(title)).collect();
    assert_eq!(left, all(Trainee));
    assert_eq!(
        all(Admin),
        ["publish_config", "retire_config", "record_access (export)", "publish_article", "retire_article"]
    );
    // These write nothing but that they read.
    assert_eq!(all(Analyst), Vec::<&str>::new());
    assert_eq!(all(Auditor), ["record_access (export)"]);
    for (role, ..) in COLUMNS {
        let may = if matches!(role, Admin | Analyst) { Never } else { Always };
        assert_eq!(of(role, LOOK), may, "{role:?}");
    }
}

#[test]
fn a_refusal_says_what_would_allow_it() {
    let matrix = Matrix::new();
    let said = |role: Role, verb: &str| {
        let column = *COLUMNS.iter().find(|(of, ..)| *of == role).unwrap();
        matrix.asks(column, verb, &example(verb), Whose::Other).unwrap_err().to_string()
    };
    let refused = said(Role::Agent, "set_type");
    assert!(
        refused.ends_with("ticket T-5 is of group network, and otto is not in it: a member of it or a supervisor may set_type"),
        "{refused}"
    );
    let refused = said(Role::Requester, "cancel");
    assert!(refused.contains("r-3 is neither"), "{refused}");
}

/// Whoever nobody has put into a group is in none; where nobody has said who is in which, groups keep nobody away.
#[test]
fn groups_hold_once_somebody_has_said_who_is_in_them() {
    let matrix = Matrix::new();
    let open = &matrix.tickets[0];
    let set_type = |configuration: &Configuration, id: &str| {
        let command =
            command("agent", &format!("{TICKET}.set_type"), ("agent", id), &json!({"type": "question"}));
        decided(configuration, Some(open), None, &command).map(drop).map_err(|r| r.code())
    };
    assert_eq!(set_type(&matrix.configuration, "ines"), Ok(()));
    assert_eq!(set_type(&matrix.configuration, "nobody"), Err("forbidden"));
    // Who has it works on it, whatever group they are in.
    let theirs = Ticket { assignee: Some("otto".to_owned()), ..open.clone() };
    let command =
        command("agent", &format!("{TICKET}.set_type"), ("agent", "otto"), &json!({"type": "question"}));
    assert!(decided(&matrix.configuration, Some(&theirs), None, &command).is_ok());
    // What no group has is everybody's.
    let nobodys = Ticket { group: None, ..open.clone() };
    assert!(decided(&matrix.configuration, Some(&nobodys), None, &command).is_ok());
    let mut unlisted = matrix.configuration.clone();
    let retire =
        self::command("admin", "config.retire_config", ("admin", "root"), &json!({"kind": "agents"}));
    let event = unlisted.decide(&retire, NOW).unwrap().unwrap();
    unlisted.evolve(&event);
    assert_eq!(set_type(&unlisted, "nobody"), Ok(()));
}

/// A ticket is given to somebody of its group who works in its tier; a supervisor overrides with a reason.
#[test]
fn who_gets_a_ticket_works_in_its_group_and_tier() {
    let matrix = Matrix::new();
    let third = Ticket { tier: 3, ..matrix.tickets[0].clone() };
    let mut configuration = matrix.configuration.clone();
    let agents = json!({"agents": [
        {"id": "ines", "groups": ["network"]}, {"id": "low", "groups": ["network"], "tier": 2}, {"id": "otto", "groups": ["finance"]},
    ]});
    let publish = json!({"kind": "agents", "body": agents});
    let event =
        configuration.decide(&command("admin", "config.publish_config", ("admin", "root"), &publish), NOW);
    configuration.evolve(&event.unwrap().unwrap());
    let assign = |caller: &str, data: Value| {
        let command = command(caller, &format!("{TICKET}.assign"), (caller, "ines"), &data);
        match decided(&configuration, Some(&third), None, &command) {
            Ok(_) => Ok(()),
            Err(Rejection::GuardFailed { guard, .. }) => Err(guard),
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(assign("agent", json!({"assignee": "ines"})), Ok(()));
    assert_eq!(assign("agent", json!({"assignee": "low"})), Err("assignee_tier"));
    assert_eq!(assign("agent", json!({"assignee": "otto"})), Err("assignee_group"));
    assert_eq!(assign("agent", json!({"assignee": "otto", "group": "finance"})), Ok(()));
    assert_eq!(assign("supervisor", json!({"assignee": "otto"})), Err("assignee_group"));
    assert_eq!(assign("supervisor", json!({"assignee": "otto", "reason": "she asked for him"})), Ok(()));
    let claim = command("agent", &format!("{TICKET}.claim"), ("agent", "low"), &json!({"ttl_s": 60}));
    let refused = decided(&configuration, Some(&third), None, &claim).unwrap_err();
    assert!(matches!(refused, Rejection::GuardFailed { guard: "assignee_tier", .. }), "{refused}");
}

/// Whoever speaks for a supervisor through a caller that has only the role agent has the rights of an agent.
#[test]
fn the_name_of_a_supervisor_gives_no_rights() {
    let mut matrix = Matrix::new();
    let publish = |configuration: &mut Configuration, roles: Value| {
        let callers = json!({"callers": {
            "shop": {"roles": roles, "actor_kinds": ["supervisor"]}, "admin": {"roles": ["admin"], "actor_kinds": ["admin"]},
        }});
        let publish = json!({"kind": "callers", "body": callers});
        let event = configuration
            .decide(&command("admin", "config.publish_config", ("admin", "root"), &publish), NOW);
        configuration.evolve(&event.unwrap().unwrap());
    };
    let force = command(
        "shop",
        &format!("{TICKET}.claim"),
        ("supervisor", "ines"),
        &json!({"ttl_s": 60, "force": true}),
    );
    publish(&mut matrix.configuration, json!(["agent"]));
    let refused = decided(&matrix.configuration, Some(&matrix.tickets[0]), None, &force).unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    publish(&mut matrix.configuration, json!(["agent", "supervisor"]));
    assert!(decided(&matrix.configuration, Some(&matrix.tickets[0]), None, &force).is_ok());
}

/// Whoever is in none of its groups is told of a restricted ticket what they would be told of one that is not there, by
/// every verb; who is in one works on it, and so do its requester and the clocks.
#[test]
fn a_restricted_ticket_is_not_there_for_others() {
    let matrix = Matrix::new();
    let of_tickets = |verb: &&(String, &'static str, Value)| verb::about(verb.1) == Some(About::Ticket);
    for column in COLUMNS {
        for (title, verb, data) in rows().iter().filter(of_tickets) {
            let ticket = restricted(matrix.ticket(verb));
            let (role, name, kind) = column;
            let to = format!("{TICKET}.{verb}");
            let caller =
                if verb.starts_with("record_sla") || *verb == "fire_time_rule" { "sla" } else { name };
            let may = matrix.may(column, verb, data);
            let said = |id: &str| {
                decided(&matrix.configuration, Some(&ticket), None, &command(caller, &to, (kind, id), data))
                    .map(drop)
            };
            // Ines would have the ticket, and its requester's name is another.
            let outside = said(if role == Role::Requester { "r-3" } else { "ines" });
            let is_absent = |answer: &Result<(), Rejection>| matches!(answer, Err(Rejection::NotFound { what }) if what == "the ticket");
            let inside = said(if role == Role::Requester { "r-1" } else { "rita" });
            match (may, role) {
                (May::Never, _) => {
                    assert!(matches!(outside, Err(Rejection::Forbidden(_))), "{name} {title}: {outside:?}")
                }
                (_, Role::System) => assert!(!is_absent(&outside), "{name} {title}"),
                (_, Role::Participant) => assert!(is_absent(&outside), "{name} {title}: {outside:?}"),
                (..) => {
                    assert!(is_absent(&outside), "{name} {title}: {outside:?}");
                    let is_refused = is_absent(&inside) || matches!(inside, Err(Rejection::Forbidden(_)));
                    assert!(!is_refused, "{name} {title}: {inside:?}");
                }
            }
        }
    }
}

#[test]
fn a_ticket_is_restricted_to_groups_that_somebody_is_in_and_its_assignee_is_one_of_them() {
    let matrix = Matrix::new();
    let open = Ticket { assignee: None, ..matrix.tickets[0].clone() };
    let restrict = |ticket: &Ticket, to: Value| {
        let data = json!({"restricted_to": to, "reason": "about a colleague"});
        decided(
            &matrix.configuration,
            Some(ticket),
            None,
            &command("agent", &format!("{TICKET}.set_restriction"), ("agent", "rita"), &data),
        )
    };
    let field = |answer: Result<Vec<guichet_rules::Draft>, Rejection>| {
        let refused = answer.unwrap_err();
        if let Rejection::GuardFailed { guard, .. } = refused {
            return guard.to_owned();
        }
        let Rejection::ValidationFailed(error) = refused else { panic!("{refused}") };
        error.field
    };
    assert_eq!(field(restrict(&open, json!(["hr", "nobodys"]))), "data.restricted_to[1]");
    let drafts = restrict(&open, json!(["hr"])).unwrap();
    let closed_in = evolve(Some(open.clone()), &drafts[0].event, NOW);
    assert_eq!(closed_in.restricted_to, ["hr".to_owned()].into());
    assert!(restrict(&closed_in, json!(["hr", "hr"])).unwrap().is_empty(), "it is so already");
    let with_bob = Ticket { assignee: Some("bob".to_owned()), ..open.clone() };
    assert_eq!(field(restrict(&with_bob, json!(["hr"]))), "restricted");
    let assign = |to: &str| {
        let assign =
            command("agent", &format!("{TICKET}.assign"), ("agent", "rita"), &json!({"assignee": to}));
        decided(&matrix.configuration, Some(&closed_in), None, &assign)
    };
    assert_eq!(field(assign("bob")), "restricted");
    assert!(assign("rita").is_ok());
    let drafts = restrict(&closed_in, json!([])).unwrap();
    assert!(evolve(Some(closed_in), &drafts[0].event, NOW).restricted_to.is_empty());
}

/// Other tickets that a command names are no way round.
#[test]
fn a_restricted_ticket_is_not_found_beside_another() {
    let matrix = Matrix::new();
    let closed = restricted(matrix.tickets.last().unwrap());
    let other = Other {
        id: TicketId::parse("0198c0de-0000-7000-8000-00000000000a").unwrap(),
        ticket: closed,
        event: None,
        said: Vec::new(),
        found: None,
    };
    let open = &matrix.tickets[0];
    let asks = |ticket: Option<&Ticket>, to: &str, id: &str, data: Value| {
        let command = command("agent", to, ("agent", id), &data);
        decided(&matrix.configuration, ticket, Some(&other), &command).map(drop)
    };
    let link = json!({"other": other.id.to_string(), "kind": "relates"});
    let refused = asks(Some(open), &format!("{TICKET}.link"), "ines", link.clone()).unwrap_err();
    assert_eq!(refused.to_string(), Rejection::NotFound { what: format!("ticket {}", other.id) }.to_string());
    assert!(asks(Some(open), &format!("{TICKET}.link"), "rita", link).is_ok());
    let follow_up = json!({"of": other.id.to_string()});
    assert_eq!(asks(None, "new.create_follow_up", "ines", follow_up).unwrap_err().code(), "not_found");
    let merge = json!({"sources": [other.id.to_string()]});
    let into = |id: &str| asks(Some(open), &format!("{TICKET}.merge"), id, merge.clone()).unwrap_err().code();
    assert_eq!(into("ines"), "not_found");
    // Whoever sees it does not carry it to where others read it.
    let under_way = Other { ticket: restricted(open), ..other.clone() };
    let merge = command(
        "agent",
        &format!("{TICKET}.merge"),
        ("agent", "rita"),
        &json!({"sources": [other.id.to_string()]}),
    );
    let refused = decided(&matrix.configuration, Some(open), Some(&under_way), &merge).unwrap_err();
    assert!(matches!(refused, Rejection::GuardFailed { guard: "restricted", .. }), "{refused}");
}

//! Commands that configure, as the engine decides them, and what they change for the commands of tickets.
#![expect(clippy::unwrap_used, reason = "a test")]

use guichet_config::{Configuration, TEMPLATES, read_toml};
use guichet_rules::{DeskRules as _, Unconfigured};
use guichet_schemas::codec::{Encoding, RequestKey, decode_command};
use guichet_schemas::command::Command;
use guichet_schemas::event::{ConfigEvent, Event};
use guichet_schemas::hash::Hash;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::subject::CommandSubject;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::Priority;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp(1_773_000_000_000);

fn command(caller: &str, to: &str, kind: &str, data: &Value) -> Command {
    let subject = CommandSubject::parse(&format!("guichet.v1.cmd.default.{caller}.{to}")).unwrap();
    let body = json!({
        "command_id": "0198c0de-0000-7000-8000-000000000001", "actor": {"kind": kind, "id": "ana"}, "data": data,
    });
    decode_command(subject, Encoding::Json, body.to_string().as_bytes(), None, &RequestKey([7; 32]))
        .unwrap()
        .command
}

fn publish(kind: &str, id: Option<&str>, body: &Value) -> Command {
    command("cli", "config.publish_config", "admin", &json!({"kind": kind, "id": id, "body": body}))
}

fn decided(configuration: &mut Configuration, command: &Command) -> Option<Event> {
    let event = configuration.decide(command, NOW).unwrap();
    if let Some(event) = &event {
        configuration.evolve(event);
    }
    event
}

fn callers() -> Value {
    json!({"callers": {
        "cli": {"roles": ["admin"], "actor_kinds": ["admin"]},
        "portal": {"roles": ["requester"], "actor_kinds": ["requester"]},
    }})
}

#[test]
fn every_template_can_be_published_as_it_is_and_only_once() {
    for template in TEMPLATES {
        let mut configuration = Configuration::new("default");
        for draft in read_toml(template.text).unwrap() {
            let body: Value = serde_json::from_str(&draft.body).unwrap();
            let command = publish(draft.kind.as_str(), Some(&draft.id), &body);
            let event = decided(&mut configuration, &command);
            let Some(Event::Config(ConfigEvent::ConfigPublished(e))) = event else {
                panic!("{}: {event:?}", template.name)
            };
            assert_eq!((e.version, &e.body[..], e.effective_from), (1, &draft.body[..], NOW));
            assert_eq!(e.body_hash, Hash::of_bytes(draft.body.as_bytes()));
            assert_eq!(
                decided(&mut configuration, &command),
                None,
                "{}: {} again",
                template.name,
                draft.kind
            );
        }
    }
}

#[test]
fn somebody_must_begin_and_it_is_the_command_line() {
    let configuration = Configuration::new("default");
    let lifecycle = json!({"kind": "lifecycle", "body": {"auto_close_after_s": 60}});
    let from = |caller: &str, kind: &str| {
        configuration
            .decide(&command(caller, "config.publish_config", kind, &lifecycle), NOW)
            .map_err(|r| r.code())
    };
    assert!(from("cli", "admin").is_ok());
    assert_eq!(from("portal", "admin"), Err("forbidden"));
    assert_eq!(from("sla", "system"), Err("forbidden"));
}

#[test]
fn once_callers_are_listed_nobody_else_may_do_anything() {
    let mut configuration = Configuration::new("default");
    decided(&mut configuration, &publish("callers", None, &callers()));
    let ticket = "0198c0de-0000-7000-8000-000000000009";
    let assign = json!({"assignee": "bob"});
    let may = |caller: &str, kind: &str, verb: &str, data: &Value| {
        let to = format!("{ticket}.{verb}");
        configuration.at(NOW).may(&command(caller, &to, kind, data)).map_err(|r| r.code())
    };
    assert_eq!(may("portal", "requester", "reopen", &json!({"reason": "again"})), Ok(()));
    assert_eq!(may("portal", "requester", "assign", &assign), Err("forbidden"));
    assert_eq!(may("portal", "agent", "assign", &assign), Err("forbidden"));
    assert_eq!(may("other", "agent", "assign", &assign), Err("forbidden"));
    let breach = json!({
        "metric": "first_reply", "instance": 1, "at": "2026-03-10T09:00:00Z", "due_at": "2026-03-10T09:00:00Z",
        "policy": "gold", "policy_version": 1,
    });
    assert_eq!(may("sla", "system", "record_sla_breach", &breach), Ok(()));
    assert_eq!(may("cli", "admin", "record_sla_breach", &breach), Err("forbidden"));
    // Nothing of it is true before it was published, or where nothing is.
    let before = Timestamp(NOW.0 - 1);
    let agent = command("other", &format!("{ticket}.assign"), "agent", &assign);
    assert!(configuration.at(before).may(&agent).is_ok());
    assert!(Unconfigured.may(&agent).is_ok());
}

#[test]
fn names_are_known_where_they_are_listed() {
    let mut configuration = Configuration::new("default");
    let groups = json!({"groups": [{"id": "network"}]});
    decided(&mut configuration, &publish("groups", None, &groups));
    let to = "0198c0de-0000-7000-8000-000000000009.assign";
    let assign = |group: &str| {
        let command = command("web", to, "agent", &json!({"group": group, "assignee": "anybody"}));
        configuration.at(NOW).knows(&command.order).map_err(|e| e.field)
    };
    assert_eq!(assign("network"), Ok(()));
    assert_eq!(assign("netwrok"), Err("group".to_owned()));
}

#[test]
fn what_cannot_hold_is_refused_with_its_place() {
    let configuration = Configuration::new("default");
    let refused =
        |kind: &str, body: Value| configuration.decide(&publish(kind, None, &body), NOW).unwrap_err();
    let target = json!({"metric": "resolution", "seconds": 3600, "hours": "business", "calendar": "lyon"});
    let policies = json!({"policies": [{"id": "all", "targets": [target]}]});
    let Rejection::ConfigInvalid { path, .. } = refused("sla_policies", policies) else {
        panic!("another code")
    };
    assert_eq!(path, "policies[0].targets[0].calendar");
    assert_eq!(refused("lifecycle", json!({"auto_close": 1})).code(), "config_invalid");
    assert_eq!(refused("ruleset", json!({})).code(), "unsupported");
    assert_eq!(refused("colour", json!({})).code(), "validation_failed");
    assert_eq!(refused("tenant", json!({"number_prefix": "ACME"})).code(), "unsupported");
    let nobody = json!({"callers": {"cli": {"roles": ["agent"], "actor_kinds": ["agent"]}}});
    assert_eq!(refused("callers", nobody).code(), "config_invalid");
}

#[test]
fn what_is_retired_holds_no_longer_and_what_is_needed_stays() {
    let mut configuration = Configuration::new("default");
    let calendar = json!({"tz": "Europe/Paris", "weekly": {"mon": [["09:00", "18:00"]]}});
    decided(&mut configuration, &publish("calendar", Some("paris"), &calendar));
    let target = json!({"metric": "resolution", "seconds": 3600, "hours": "business", "calendar": "paris"});
    decided(
        &mut configuration,
        &publish("sla_policies", None, &json!({"policies": [{"id": "all", "targets": [target]}]})),
    );
    let retire = |kind: &str, id: &str| {
        command("cli", "config.retire_config", "admin", &json!({"kind": kind, "id": id}))
    };
    let refused = configuration.decide(&retire("calendar", "paris"), NOW).unwrap_err();
    assert_eq!(refused.code(), "config_invalid");
    assert_eq!(configuration.decide(&retire("calendar", "lyon"), NOW).unwrap_err().code(), "not_found");
    let retired = decided(&mut configuration, &retire("sla_policies", "default"));
    assert!(matches!(retired, Some(Event::Config(ConfigEvent::ConfigRetired(e))) if e.version == 2));
    assert!(configuration.policies(NOW).is_empty());
    assert!(configuration.decide(&retire("calendar", "paris"), NOW).is_ok());
}

#[test]
fn what_takes_time_takes_fifteen_years_at_most_and_dates_lie_between_1970_and_2200() {
    let refused = |kind: &str, id: Option<&str>, body: Value| {
        let configuration = Configuration::new("default");
        match configuration.decide(&publish(kind, id, &body), NOW) {
            Err(Rejection::ConfigInvalid { path, .. }) => path,
            other => panic!("{kind}: {other:?}"),
        }
    };
    for seconds in [json!(474_336_001), json!(u32::MAX), json!(0)] {
        let target = json!({"metric": "resolution", "seconds": seconds, "hours": "calendar"});
        let policies = json!({"policies": [{"id": "all", "targets": [target]}]});
        assert_eq!(refused("sla_policies", None, policies), "policies[0].targets[0].seconds");
        let rule = json!({"id": "r", "status": "pending", "seconds": seconds, "hours": "calendar"});
        assert_eq!(refused("time_rules", None, json!({"rules": [rule]})), "rules[0].seconds");
        assert_eq!(refused("lifecycle", None, json!({"reopen_window_s": seconds})), "reopen_window_s");
    }
    for seconds in [json!(-1), json!(1u64 << 53), json!(1e300), json!(1.5)] {
        let rule = json!({"id": "r", "status": "pending", "seconds": seconds, "hours": "calendar"});
        assert!(refused("time_rules", None, json!({"rules": [rule]})).contains("rules[0]"));
    }
    let calendar = |holiday: &str| json!({"tz": "Etc/UTC", "weekly": {"mon": [["08:00", "10:00"]]}, "holidays": [holiday]});
    for holiday in ["1969-12-31", "2200-01-01", "9999-12-31", "0000-01-01"] {
        assert_eq!(refused("calendar", Some("c"), calendar(holiday)), "holidays[0]");
    }
    let configuration = Configuration::new("default");
    configuration.decide(&publish("calendar", Some("c"), &calendar("2026-12-25")), NOW).unwrap();
}

#[test]
fn a_caller_that_only_asks_writes_no_internal_note_whoever_it_speaks_for() {
    let mut configuration = Configuration::new("default");
    let body = json!({"callers": {
        "cli": {"roles": ["admin"], "actor_kinds": ["admin"]},
        "portal": {"roles": ["requester", "participant"], "actor_kinds": ["requester", "agent"]},
        "desk": {"roles": ["requester", "light_agent"], "actor_kinds": ["agent"]},
    }});
    decided(&mut configuration, &publish("callers", None, &body));
    let id = "01980000-0000-7000-8000-000000000001.add_comment";
    let says = |caller: &str, visibility: &str| {
        let data = json!({"visibility": visibility, "body": "psst"});
        configuration.at(NOW).may(&command(caller, id, "agent", &data)).map_err(|refused| refused.code())
    };
    assert_eq!(says("portal", "internal"), Err("forbidden"));
    assert_eq!(says("portal", "public"), Ok(()));
    assert_eq!(says("desk", "internal"), Ok(()));
}

#[test]
fn a_trainee_and_a_caller_of_trainees_write_under_supervision() {
    let mut configuration = Configuration::new("default");
    let agents = json!({"agents": [
        {"id": "ana", "trainee": true, "mentor": "bob"},
        {"id": "bob", "authority": {"highest_priority": "high"}},
    ]});
    let says = |caller: &str, kind: &str| {
        command(
            caller,
            "0198c0de-0000-7000-8000-000000000009.add_comment",
            kind,
            &json!({"visibility": "public", "body": "Hello."}),
        )
    };
    assert!(!configuration.at(NOW).is_supervised(&says("desk", "agent")));
    decided(&mut configuration, &publish("agents", None, &agents)).unwrap();
    let desk = configuration.at(NOW);
    assert!(desk.is_supervised(&says("desk", "agent")) && desk.is_supervised(&says("desk", "supervisor")));
    assert!(!desk.is_supervised(&says("desk", "requester")), "a requester of that name is somebody else");
    assert_eq!((desk.mentor("ana").as_deref(), desk.mentor("bob")), (Some("bob"), None));
    assert_eq!((desk.authority("bob"), desk.authority("ana")), (Some(Priority::High), None));

    let callers = json!({"callers": {
        "cli": {"roles": ["admin"], "actor_kinds": ["admin"]},
        "school": {"roles": ["trainee"], "actor_kinds": ["agent"]},
        "desk": {"roles": ["trainee", "agent"], "actor_kinds": ["agent"]},
    }});
    let mut configuration = Configuration::new("default");
    decided(&mut configuration, &publish("callers", None, &callers)).unwrap();
    let desk = configuration.at(NOW);
    assert!(desk.is_supervised(&says("school", "agent")));
    assert!(!desk.is_supervised(&says("desk", "agent")), "it may write without supervision, too");
}

//! How a publication fits to everything else, now and when what is planned begins.

use super::*;

#[test]
fn only_what_is_configured_limits_names() {
    let nothing = Configuration::new("acme");
    let body = policy(&json!({"group": "x", "tags": "y", "category": "z", "tier": "3"}), &json!([]));
    assert_eq!(checked(&nothing, Kind::SlaPolicies, &body), Ok(()));
    let business = policy(&json!({}), &json!([target(&json!({"hours": "business", "calendar": "x"}))]));
    assert!(checked(&nothing, Kind::SlaPolicies, &business).is_err());
}

#[test]
fn ids_are_those_of_their_kind() {
    let desk = desk();
    let check = |kind, id: &str, body: &Value| {
        desk.check(kind, id, &body.to_string(), at(NOW), at(NOW), false).map(drop).map_err(|f| f.path)
    };
    assert_eq!(check(Kind::Tenant, "other", &json!({})), Err("id".to_owned()));
    assert_eq!(check(Kind::Lifecycle, "mine", &json!({})), Err("id".to_owned()));
    assert_eq!(check(Kind::Calendar, "a b", &office()), Err("id".to_owned()));
    assert_eq!(check(Kind::Calendar, "lyon", &office()), Ok(()));
}

#[test]
fn only_the_first_version_begins_in_the_past_unless_it_is_said() {
    let desk = desk();
    let past = at("2026-02-01T00:00:00Z");
    let check = |id: &str, retroactive| {
        desk.check(Kind::Calendar, id, &office().to_string(), past, at(NOW), retroactive).map_err(|f| f.path)
    };
    assert_eq!(check("paris", false), Err("effective_from".to_owned()));
    assert_eq!(check("paris", true).map(|checked| checked.version), Ok(2));
    assert_eq!(check("lyon", false).map(|checked| checked.version), Ok(1));
}

#[test]
fn a_duplicate_key_is_refused_and_null_is_absent() {
    let desk = desk();
    let check = |body: &str| desk.check(Kind::Tenant, "acme", body, at(NOW), at(NOW), false);
    assert!(check(r#"{"name": "a", "name": "b"}"#).unwrap_err().rule.contains("duplicate field `name`"));
    assert_eq!(&*check(r#"{"name": null}"#).unwrap().body, "{}");
}

#[test]
fn the_same_again_is_told() {
    let desk = desk();
    let same = desk.check(Kind::Calendar, "paris", &office().to_string(), at(NOW), at(NOW), false).unwrap();
    assert!(same.unchanged);
    let other = with(office(), &json!({"holidays": []}));
    assert!(
        !desk.check(Kind::Calendar, "paris", &other.to_string(), at(NOW), at(NOW), false).unwrap().unchanged
    );
}

#[test]
fn what_is_needed_is_not_retired() {
    let mut desk = desk();
    let retire = |desk: &Configuration, kind, id: &str| {
        desk.check_retirement(kind, id, at(NOW), at(NOW), false).map_err(|fault| fault.to_string())
    };
    let fault = retire(&desk, Kind::Calendar, "paris").unwrap_err();
    assert!(fault.starts_with("groups.groups[0].calendar: there is no calendar"), "{fault}");
    assert!(retire(&desk, Kind::Calendar, "lyon").unwrap_err().starts_with("id: there is no calendar"));
    publish(
        &mut desk,
        Kind::Callers,
        THE_ONE,
        NOW,
        &json!({"callers": {"cli": {"roles": ["admin"], "actor_kinds": ["admin"]}}}),
    );
    assert!(retire(&desk, Kind::Callers, THE_ONE).unwrap_err().contains("nobody could publish again"));
    // Without tiers any tier may be named: nothing needs them.
    assert_eq!(retire(&desk, Kind::Tiers, THE_ONE), Ok(2));
    publish(&mut desk, Kind::Groups, THE_ONE, NOW, &json!({"groups": [{"id": "network"}]}));
    publish(&mut desk, Kind::SlaPolicies, THE_ONE, NOW, &json!({"policies": []}));
    assert_eq!(retire(&desk, Kind::Calendar, "paris"), Ok(2));
}

/// A plan for next month refers to a group; a list of groups must have it as long as the plan holds, and no longer.
#[test]
fn what_is_planned_counts_from_its_instant_on() {
    let mut desk = desk();
    let later = "2026-04-01T00:00:00Z";
    let body = policy(&json!({"group": "network"}), &json!([]));
    publish(&mut desk, Kind::SlaPolicies, THE_ONE, later, &body);
    publish(&mut desk, Kind::Agents, THE_ONE, NOW, &json!({"agents": []}));
    let without = json!({"groups": [{"id": "other"}]});
    let fault = checked(&desk, Kind::Groups, &without).unwrap_err();
    assert!(fault.starts_with("sla_policies.policies[0].match.group: "), "{fault}");
    publish(&mut desk, Kind::SlaPolicies, THE_ONE, "2026-04-10T00:00:00Z", &Value::Null);
    let from = |instant: &str| {
        desk.check(Kind::Groups, THE_ONE, &without.to_string(), at(instant), at(NOW), false).is_ok()
    };
    assert!(!from(NOW), "it would hold when the plan begins");
    assert!(!from("2026-04-09T23:59:59Z"), "the plan still holds");
    assert!(from("2026-04-10T00:00:00Z"), "nothing refers to it any more");
}

/// The log may hold what today's rules refuse; that is no reason to refuse the repair of something else.
#[test]
fn what_was_wrong_before_is_not_held_against_the_next() {
    let mut desk = desk();
    let broken = policy(&json!({"group": "gone"}), &json!([]));
    publish(&mut desk, Kind::SlaPolicies, THE_ONE, NOW, &broken);
    assert_eq!(
        checked(&desk, Kind::Tiers, &json!({"tiers": [{"tier": 1, "name": "x"}, {"tier": 2, "name": "y"}]})),
        Ok(())
    );
    assert!(checked(&desk, Kind::SlaPolicies, &broken).is_err());
}

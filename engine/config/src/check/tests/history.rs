//! What is in force at an instant.

use super::*;

#[test]
fn what_is_in_force_is_the_newest_that_was_effective_by_then() {
    let mut desk = Configuration::new("acme");
    let named = |name: &str| json!({ "name": name });
    publish(&mut desk, Kind::Tenant, "acme", "2026-01-01T00:00:00Z", &named("first"));
    publish(&mut desk, Kind::Tenant, "acme", "2026-03-01T00:00:00Z", &named("planned"));
    publish(&mut desk, Kind::Tenant, "acme", "2026-02-01T00:00:00Z", &named("instead"));
    publish(&mut desk, Kind::Tenant, "acme", "2026-05-01T00:00:00Z", &Value::Null);
    let name = |text: &str| desk.tenant(at(text)).name;
    assert_eq!(name("2025-12-31T00:00:00Z"), None);
    assert_eq!(name("2026-01-15T00:00:00Z").as_deref(), Some("first"));
    assert_eq!(name("2026-02-01T00:00:00Z").as_deref(), Some("instead"));
    assert_eq!(name("2026-04-01T00:00:00Z").as_deref(), Some("instead"));
    assert_eq!(name("2026-05-01T00:00:00Z"), None);
    assert_eq!(desk.history(Kind::Tenant, "acme").count(), 4);
    publish(&mut desk, Kind::Tenant, "acme", "2026-06-01T00:00:00Z", &json!({"from": "a later build"}));
    assert_eq!((desk.unread().count(), desk.tenant(at("2026-07-01T00:00:00Z")).name), (1, None));
}

#[test]
fn a_policy_without_a_version_has_that_of_its_publication() {
    let mut desk = desk();
    let body = json!({"policies": [{"id": "a", "version": 9, "targets": []}, {"id": "b", "targets": []}]});
    publish(&mut desk, Kind::SlaPolicies, THE_ONE, NOW, &body);
    let versions: Vec<_> = desk.policies(at(NOW)).iter().map(|policy| policy.version).collect();
    assert_eq!(versions, [Some(9), Some(2)]);
}

#[test]
fn a_calendar_is_counted_piece_by_piece() {
    let mut desk = desk();
    let short = with(office(), &json!({"weekly": {"mon": [["09:00", "10:00"]]}}));
    publish(&mut desk, Kind::Calendar, "paris", "2026-03-09T00:00:00Z", &short);
    let calendar = desk.calendars().get("paris").unwrap();
    let hours = |from: &str, to: &str| calendar.elapsed(at(from), at(to)) / 3_600_000;
    let monday = |from: &str| desk.calendar("paris", at(from)).unwrap().weekly["mon"].clone();
    assert_eq!(monday(NOW), [("09:00".to_owned(), "18:00".to_owned())]);
    assert_eq!(monday("2026-03-09T00:00:00Z"), [("09:00".to_owned(), "10:00".to_owned())]);
    assert_eq!(hours("2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"), 9);
    assert_eq!(hours("2026-03-02T00:00:00Z", "2026-03-16T00:00:00Z"), 10);
    // The first version holds also before its instant.
    assert_eq!(hours("2025-12-01T00:00:00Z", "2025-12-02T00:00:00Z"), 9);
}

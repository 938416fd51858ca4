//! What other systems have to do with a ticket.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the examples")]
mod support;

use guichet_schemas::command::{LinkAsset, LinkExternal, Order, Verb as _, limits};
use guichet_schemas::event::Event;
use guichet_schemas::words::ActorKind;
use support::{by, command, given, label, resolve, text};

fn external(reference: &str, url: Option<&str>) -> Order {
    Order::LinkExternal(LinkExternal { system: label("jira"), r#ref: label(reference), url: url.map(text) })
}

fn asset(id: &str) -> Order {
    Order::LinkAsset(LinkAsset { system: label("glpi"), asset: label(id), kind: None, label: None })
}

#[test]
fn a_link_is_kept_once_and_its_address_may_change() {
    let mut desk = given([resolve()]);
    let types = |events: Vec<Event>| events.iter().map(Event::type_name).collect::<Vec<_>>();
    let first = command(external("NET-1", None));
    assert_eq!(types(desk.tell(&first).unwrap()), ["ExternalLinked"]);
    assert!(desk.tell(&first).unwrap().is_empty());
    let moved = command(external("NET-1", Some("https://jira.test/NET-1")));
    assert_eq!(types(desk.tell(&moved).unwrap()), ["ExternalLinked"]);
    assert_eq!(desk.ticket.as_ref().unwrap().elsewhere.externals.len(), 1);
    assert_eq!(types(desk.tell(&command(asset("4711"))).unwrap()), ["AssetLinked"]);
    assert!(desk.tell(&command(asset("4711"))).unwrap().is_empty());
    let asked = by(ActorKind::Requester, "r-1", asset("4712"));
    assert_eq!(desk.tell(&asked).unwrap_err().code(), "forbidden");
}

#[test]
fn there_are_not_more_than_the_limits() {
    let mut desk = given([]);
    for n in 0..limits::EXTERNALS {
        desk.tell(&command(external(&format!("NET-{n}"), None))).unwrap();
    }
    for n in 0..limits::ASSETS {
        desk.tell(&command(asset(&n.to_string()))).unwrap();
    }
    assert_eq!(desk.tell(&command(external("more", None))).unwrap_err().code(), "guard_failed");
    assert_eq!(desk.tell(&command(asset("more"))).unwrap_err().code(), "guard_failed");
    let known = command(external("NET-1", Some("https://jira.test/1")));
    assert!(desk.tell(&known).is_ok(), "an address may change all the same");
}

#[test]
fn an_address_is_one_of_the_web() {
    for (url, is_good) in [
        ("https://jira.test/NET-1", true),
        ("http://intranet/1", true),
        ("javascript:alert(1)", false),
        ("https://a b", false),
        ("/etc/passwd", false),
    ] {
        let Order::LinkExternal(order) = external("NET-1", Some(url)) else { panic!() };
        assert_eq!(order.check().is_ok(), is_good, "{url}");
    }
}

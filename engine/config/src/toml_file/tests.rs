//! Files: what they mean, what is refused, and that they mean what the golden files say.

use std::collections::BTreeMap;

use guichet_rules::calendar::Definition;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::Apply;
use serde_json::Value;

use super::{read_toml, read_toml_with};
use crate::kind::Kind;

#[test]
fn what_stands_beside_a_body_is_not_in_it() {
    let file = r#"
        [sla_policies]
        effective_from = 2026-06-12T00:00:00+02:00
        apply = "new_only"
        retroactive = true
        policies = []
    "#;
    let drafts = read_toml(file).unwrap();
    let [draft] = drafts.as_slice() else { panic!("{drafts:?}") };
    assert_eq!(draft.effective_from, Timestamp::parse("2026-06-11T22:00:00Z"));
    assert_eq!((draft.apply, draft.retroactive), (Apply::NewOnly, true));
    assert_eq!(&*draft.body, r#"{"policies":[]}"#);
}

#[test]
fn what_others_refer_to_comes_first() {
    let file = "[sla_policies]\npolicies = []\n[tenant.acme]\n[lifecycle]\n[calendar.b]\ntz = \"Etc/UTC\"\n\
                [calendar.a]\ntz = \"Etc/UTC\"\n[tiers]\ntiers = []";
    let order: Vec<_> = read_toml(file).unwrap().into_iter().map(|draft| (draft.kind, draft.id)).collect();
    let order: Vec<_> = order.iter().map(|(kind, id)| (*kind, id.as_str())).collect();
    assert_eq!(
        order,
        [
            (Kind::Tenant, "acme"),
            (Kind::Calendar, "a"),
            (Kind::Calendar, "b"),
            (Kind::Tiers, "default"),
            (Kind::Lifecycle, "default"),
            (Kind::SlaPolicies, "default"),
        ]
    );
}

#[test]
fn holidays_are_written_out_and_those_listed_stay() {
    let of = |years: &str| {
        let file = format!(
            "[calendar.a]\ntz = \"Etc/UTC\"\nholidays = [2026-12-24, \"2026-12-25\"]\n\
             holidays_of = {{ table = \"fr\", years = {years} }}"
        );
        let body: Value = serde_json::from_str(&read_toml(&file).unwrap()[0].body).unwrap();
        body["holidays"].as_array().unwrap().len()
    };
    assert_eq!((of("[2026]"), of("[2026, 2027]")), (12, 23));
}

#[test]
fn holidays_come_from_a_calendar_file() {
    let file = "[calendar.a]\ntz = \"Etc/UTC\"\nholidays_ical = \"days.ics\"";
    let ics = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n\
               DTSTART;VALUE=DATE:20260102\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let mut asked = Vec::new();
    let drafts = read_toml_with(file, |path| {
        asked.push(path.to_owned());
        Ok(ics.to_owned())
    });
    assert_eq!(&*drafts.unwrap()[0].body, r#"{"holidays":["2026-01-02"],"tz":"Etc/UTC"}"#);
    assert_eq!(asked, ["days.ics"]);
    let fault = read_toml_with(file, |_| Err("no such file".to_owned())).unwrap_err();
    assert_eq!(fault.to_string(), "calendar.a.holidays_ical: days.ics: no such file");
}

#[test]
fn what_does_not_fit_is_refused_with_its_place() {
    let refused = [
        ("[lifecycle]\na = ", "line 2: "),
        ("[calender.a]\ntz = \"Etc/UTC\"", "calender: there is no such kind"),
        ("lifecycle = 1", "lifecycle: is a table"),
        ("[calendar]\ntz = \"Etc/UTC\"", "calendar.tz: each calendar is a table with its name"),
        ("[lifecycle]\nclose = 1", "lifecycle.close: unknown field"),
        ("[lifecycle]\neffective_from = \"tomorrow\"", "lifecycle.effective_from: \"tomorrow\""),
        ("[lifecycle]\napply = \"all\"", "lifecycle.apply: must be one of open_clocks, new_only"),
        (
            "[calendar.a]\ntz = \"Etc/UTC\"\nholidays_of = { table = \"x\", years = [2026] }",
            "calendar.a.holidays_of.table: ",
        ),
        (
            "[calendar.a]\ntz = \"Etc/UTC\"\nholidays_of = { table = \"fr\", years = [] }",
            "calendar.a.holidays_of.years: ",
        ),
        ("[calendar.a]\ntz = \"Etc/UTC\"\nholidays_of = { table = \"fr\" }", "calendar.a.holidays_of"),
        (
            "[calendar.a]\ntz = \"Etc/UTC\"\nholidays_ical = \"x.ics\"",
            "calendar.a.holidays_ical: x.ics: no file",
        ),
    ];
    for (file, begins) in refused {
        let fault = read_toml(file).unwrap_err().to_string();
        assert!(fault.starts_with(begins), "{file}\n  gives {fault}");
    }
}

/// The calendars of the worked examples, written as TOML and read again, are the same definitions.
#[test]
fn a_file_means_what_the_golden_calendars_mean() {
    let Some(path) = guichet_test_support::shared("golden/calendar.json") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    let calendars: BTreeMap<String, Definition> =
        serde_json::from_value(golden["calendars"].clone()).unwrap();
    assert!(!calendars.is_empty());
    let file = toml::to_string(&BTreeMap::from([("calendar", &calendars)])).unwrap();
    let drafts = read_toml(&file).unwrap();
    assert_eq!(drafts.len(), calendars.len());
    for draft in drafts {
        let read: Definition = serde_json::from_str(&draft.body).unwrap();
        assert_eq!(Some(&read), calendars.get(&draft.id), "{}", draft.id);
    }
}

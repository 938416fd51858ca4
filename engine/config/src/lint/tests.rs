//! For each lint one configuration that has it; and the templates, which have none.

use guichet_schemas::time::Timestamp;

use super::lint;
use crate::configuration::{Configuration, Publication};
use crate::templates::TEMPLATES;
use crate::toml_file::read_toml;

const NOW: &str = "2026-03-02T09:00:00Z";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// Checks and publishes a file, draft by draft.
fn applied(file: &str) -> Configuration {
    let mut configuration = Configuration::new("acme");
    for draft in read_toml(file).unwrap() {
        let from = draft.effective_from.unwrap_or(at(NOW));
        let checked =
            configuration.check(draft.kind, &draft.id, &draft.body, from, at(NOW), draft.retroactive);
        let checked = checked.unwrap_or_else(|fault| panic!("{} {}: {fault}", draft.kind, draft.id));
        configuration.publish(Publication {
            kind: draft.kind,
            id: draft.id,
            version: checked.version,
            effective_from: from,
            apply: draft.apply,
            retired: false,
            body: checked.body,
        });
    }
    configuration
}

fn lines(file: &str) -> Vec<String> {
    lint(&applied(file), at(NOW)).iter().map(ToString::to_string).collect()
}

#[test]
fn every_template_passes_and_has_nothing_to_say_about() {
    for template in TEMPLATES {
        let found = lines(template.text);
        assert!(found.is_empty(), "{}: {found:#?}", template.name);
    }
}

#[test]
fn each_lint_finds_its_case() {
    let mail = r#"
        [calendar.mail]
        tz = "Etc/UTC"
        weekly.mon = [["09:00", "10:00"]]
        holidays = ["2026-12-25"]
    "#;
    let policies = |matching: &str, targets: &str| {
        format!("[[sla_policies.policies]]\nid = \"p\"\nmatch = {{ {matching} }}\ntargets = [{targets}]")
    };
    let target = |more: &str| {
        format!("{{ metric = \"resolution\", seconds = 60, hours = \"calendar\", warn_pct = [50], {more} }},")
            .replace(", }", " }")
    };
    let rule = |more: &str| format!("[[time_rules.rules]]\nid = \"r\"\nhours = \"calendar\"\n{more}");
    let notify = "actions = [{ type = \"notify\", to = \"group\" }]";
    let goal = "[[goals.goals]]\nid = \"g\"\nreport = \"report_closure\"\nfigure = \"closure_rate_flow\"\nat_least = 0.9";
    let cases = [
        (mail.replace("\"2026-12-25\"", ""), "calendar.mail.holidays: there is none"),
        (mail.replace("2026-12-25", "2025-12-25"), "calendar.mail.holidays: the last one, 2025-12-25"),
        (mail.to_owned(), "calendar.mail: nothing counts by it"),
        (policies("tier = \"2\"", &target("")), "sla_policies.policies: none is for every ticket"),
        (policies("", ""), "sla_policies.policies[0].targets: there is none"),
        (policies("", &target("").replace("[50]", "[]")), "sla_policies.policies[0].targets[0].warn_pct: "),
        (policies("", &target("").replace("60", "2700000")), "sla_policies.policies[0].targets[0].seconds: is more than a month"),
        (
            format!("{mail}{}", policies("", &target("calendar = \"mail\"").replace("60", "18001").replace("\"calendar\",", "\"business\","))),
            "sla_policies.policies[0].targets[0].seconds: is more than a month",
        ),
        (format!("{mail}{}", policies("", &target("calendar = \"mail\""))), "sla_policies.policies[0].targets[0].calendar: is not used"),
        (
            policies("", &(target("") + &target("").replace("resolution", "first_reply").replace("60", "61"))),
            "sla_policies.policies[0].targets[1].seconds: the first reply",
        ),
        (
            policies("", &(target("priority = \"urgent\"").replace("60", "61") + &target(""))),
            "sla_policies.policies[0].targets[0].seconds: is more than for priority high",
        ),
        (policies("priority = \"low\"", &target("priority = \"high\"")), "sla_policies.policies[0].targets[0].priority: "),
        (policies("tier = \"1\"", &target("tier = 2")), "sla_policies.policies[0].targets[0].tier: "),
        (
            rule(&format!("status = \"pending\"\nseconds = 59\nrepeat = true\n{notify}")),
            "time_rules.rules[0].seconds: it repeats every 59 s",
        ),
        (rule(&format!("status = \"closed\"\nseconds = 60\n{notify}")), "time_rules.rules[0].status: it never fires"),
        (
            rule(&format!("when = \"unassigned_age\"\nstates = [\"resolved\"]\nseconds = 60\n{notify}")),
            "time_rules.rules[0].states: it never fires",
        ),
        (rule(&format!("status = \"resolved\"\nseconds = 345601\n{notify}")), "time_rules.rules[0].seconds: it never fires"),
        (rule("status = \"open\"\nseconds = 60"), "time_rules.rules[0].actions: is empty"),
        (rule("status = \"open\"\nseconds = 60\nactions = [{ type = \"close\" }]"), "time_rules.rules[0].actions[0]: only a resolved"),
        ("[[groups.groups]]\nid = \"a\"".to_owned(), "groups.groups[0].calendar: "),
        ("[[groups.groups]]\nid = \"a\"\n[agents]\nagents = []".to_owned(), "groups.groups[0]: no agent"),
        ("[[agents.agents]]\nid = \"a\"".to_owned(), "agents.agents[0].groups: "),
        ("[[statuses.statuses]]\nid = \"a\"\nstate = \"open\"".to_owned(), "statuses.statuses[0].expectation: "),
        ("[[statuses.statuses]]\nid = \"a\"\nstate = \"open\"".to_owned(), "statuses.statuses: there is none of the state new"),
        ("[categories]\ncategories = [\"a/b\"]".to_owned(), "categories.categories[0]: "),
        ("[tiers]\ntiers = [{ tier = 2, name = \"x\" }]".to_owned(), "tiers.tiers: there is no tier 1"),
        ("[lifecycle]\nreopen_window_s = 345601".to_owned(), "lifecycle.reopen_window_s: is longer"),
        (
            "[callers.callers]\na = { roles = [\"admin\"], actor_kinds = [\"admin\"] }\nb = { roles = [], actor_kinds = [] }"
                .to_owned(),
            "callers.callers.b.roles: may do nothing",
        ),
        (
            goal.replace("0.9", "0.0"),
            "goals.goals[0].at_least: is always attained",
        ),
        (
            goal.replace("report_closure", "report_first_response").replace("closure_rate_flow", "calendar.mean"),
            "goals.goals[0].figure: a mean hides",
        ),
        ("[lifecycle]\neffective_from = \"2025-01-01T00:00:00Z\"".to_owned(), "lifecycle: nobody has changed it"),
    ];
    for (file, begins) in cases {
        let found = lines(&file);
        assert!(
            found.iter().any(|line| line.starts_with(begins)),
            "{file}\n  gives {found:#?}\n  not {begins}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let mut configuration = applied("[lifecycle]");
    let first = configuration.history(crate::Kind::Lifecycle, crate::THE_ONE).next().unwrap().clone();
    configuration.publish(Publication { version: 2, body: "{\"later\":1}".into(), ..first });
    let found = lint(&configuration, at(NOW));
    assert!(found.iter().any(|fault| fault.to_string().starts_with("lifecycle: version 2 cannot be read")));
}

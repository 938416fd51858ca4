//! For each rule one body that is refused and one, as near as possible, that is not.

use super::*;

/// Kind, what the fault begins with, refused, accepted.
type Rule = (Kind, &'static str, Value, Value);

fn shape_and_desk() -> Vec<Rule> {
    let caller =
        |roles: Value, kinds: Value| json!({"callers": {"cli": {"roles": roles, "actor_kinds": kinds}}});
    let admin = caller(json!(["admin"]), json!(["admin"]));
    vec![
        (Kind::Tenant, "colour: unknown field", json!({"colour": "red"}), json!({"name": "Acme"})),
        (
            Kind::Tenant,
            "number_prefix: is 1 to 8",
            json!({"number_prefix": "acme"}),
            json!({"number_prefix": "ACME"}),
        ),
        (Kind::Tenant, "zone: ", json!({"zone": "Europe/Lutetia"}), json!({"zone": "Europe/Paris"})),
        (Kind::Tenant, "language: unknown variant", json!({"language": "de"}), json!({"language": "fr"})),
        (
            Kind::Callers,
            "callers: no caller has the role admin",
            caller(json!(["agent"]), json!(["agent"])),
            admin.clone(),
        ),
        (
            Kind::Callers,
            "callers: no caller has the role admin",
            caller(json!(["admin"]), json!([])),
            admin.clone(),
        ),
        (
            Kind::Callers,
            "callers.cli.actor_kinds[0]: \"boss\" is not",
            caller(json!(["admin"]), json!(["boss"])),
            admin,
        ),
        (
            Kind::Lifecycle,
            "auto_close_after_s: is 1 to",
            json!({"auto_close_after_s": 2_419_201}),
            json!({"auto_close_after_s": 2_419_200}),
        ),
        (
            Kind::Lifecycle,
            "auto_close_calendar: business",
            json!({"auto_close_hours": "business"}),
            json!({"auto_close_hours": "business", "auto_close_calendar": "paris"}),
        ),
        (
            Kind::Lifecycle,
            "auto_close_calendar: there is no",
            json!({"auto_close_hours": "business", "auto_close_calendar": "lyon"}),
            json!({}),
        ),
        (
            Kind::Lifecycle,
            "reopen_window_s: is at least 1",
            json!({"reopen_window_s": 0}),
            json!({"reopen_window_s": 1}),
        ),
        (
            Kind::Tiers,
            "tiers[0].tier: tiers are",
            json!({"tiers": [{"tier": 5, "name": "x"}]}),
            json!({"tiers": [{"tier": 1, "name": "x"}, {"tier": 2, "name": "y"}]}),
        ),
        (
            Kind::Tiers,
            "tiers[1].tier: tier 1 is tiers[0]",
            json!({"tiers": [{"tier": 1, "name": "x"}, {"tier": 1, "name": "y"}]}),
            json!({"tiers": [{"tier": 1, "name": "x"}, {"tier": 2, "name": "y"}]}),
        ),
        (
            Kind::Groups,
            "groups[1].id: \"network\" is groups[0].id",
            json!({"groups": [{"id": "network"}, {"id": "network"}]}),
            json!({"groups": [{"id": "network"}]}),
        ),
        (
            Kind::Groups,
            "groups[0].calendar: there is no",
            json!({"groups": [{"id": "network", "calendar": "lyon"}]}),
            json!({"groups": [{"id": "network", "calendar": "paris"}]}),
        ),
        (
            Kind::Groups,
            "groups[0].tiers[0]: there is no tier 3",
            json!({"groups": [{"id": "network", "tiers": [3]}]}),
            json!({"groups": [{"id": "network", "tiers": [2]}]}),
        ),
        (
            Kind::Groups,
            "agents.agents[0].groups[0]: there is no group",
            json!({"groups": []}),
            json!({"groups": [{"id": "network"}, {"id": "b"}]}),
        ),
        (
            Kind::Agents,
            "agents[0].groups[0]: there is no group",
            json!({"agents": [{"id": "bob", "groups": ["x"]}]}),
            json!({"agents": [{"id": "bob", "groups": []}]}),
        ),
        (
            Kind::Procedure,
            "steps: has 1 to 100 entries",
            json!({"title": {"en": "VPN"}, "steps": []}),
            json!({"title": {"en": "VPN"}, "steps": [{"id": "a", "title": {"en": "A"}}]}),
        ),
        (
            Kind::Procedure,
            "steps[1].id: \"a\" is steps[0].id already",
            json!({"title": {"en": "VPN"}, "steps": [{"id": "a", "title": {"en": "A"}}, {"id": "a", "title": {"en": "B"}}]}),
            json!({"title": {"en": "VPN"}, "steps": [{"id": "a", "title": {"en": "A"}}, {"id": "b", "title": {"en": "B"}, "mandatory": true}]}),
        ),
        (
            Kind::Procedure,
            "steps[0].title.fr: must not be empty",
            json!({"title": {"en": "VPN"}, "steps": [{"id": "a", "title": {"en": "A", "fr": ""}}]}),
            json!({"title": {"en": "VPN"}, "categories": ["network/vpn"], "steps": [{"id": "a", "title": {"en": "A", "fr": "A"}}]}),
        ),
        (
            Kind::Statuses,
            "statuses[0].state: \"busy\" is not",
            json!({"statuses": [{"id": "a", "state": "busy"}]}),
            json!({"statuses": [{"id": "a", "state": "open"}]}),
        ),
        (
            Kind::Statuses,
            "statuses[0].id: must not be empty",
            json!({"statuses": [{"id": "", "state": "open"}]}),
            json!({"statuses": [{"id": "a", "state": "open", "name": {"en": "A"}}]}),
        ),
        (
            Kind::Categories,
            "categories[0]: \"a//b\" is no path",
            json!({"categories": ["a//b"]}),
            json!({"categories": ["a/b"]}),
        ),
        (
            Kind::Tags,
            "tags[0].synonyms[0]: \"b\" means tags[1]",
            json!({"tags": [{"id": "a", "synonyms": ["b"]}, {"id": "b"}]}),
            json!({"tags": [{"id": "a", "synonyms": ["c"]}, {"id": "b"}]}),
        ),
        (
            Kind::Fields,
            "fields[0].options: only a text",
            json!({"fields": [{"id": "a", "kind": "flag", "options": ["x"]}]}),
            json!({"fields": [{"id": "a", "kind": "text", "options": ["x"]}]}),
        ),
    ]
}

fn calendars_and_policies() -> Vec<Rule> {
    let one = |more: Value| policy(&json!({}), &json!([target(&more)]));
    let two = |a: Value, b: Value| policy(&json!({}), &json!([target(&a), target(&b)]));
    let when = |matching: Value| policy(&matching, &json!([]));
    vec![
        (
            Kind::Calendar,
            "weekly.mon[0]: ",
            with(office(), &json!({"weekly": {"mon": [["18:00", "09:00"]]}})),
            office(),
        ),
        (Kind::Calendar, "weekly: it is never open", with(office(), &json!({"weekly": {}})), office()),
        (
            Kind::Calendar,
            "effective_from: stands beside",
            with(office(), &json!({"effective_from": NOW})),
            office(),
        ),
        // A target of the policy in force would not be reached any more.
        (
            Kind::Calendar,
            "sla_policies.policies[0].targets[0].seconds: ",
            with(office(), &json!({"weekly": {}, "special": {"2026-03-03": [["09:00", "18:00"]]}})),
            with(office(), &json!({"weekly": {"tue": [["09:00", "10:00"]]}})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].taregts: unknown field",
            json!({"policies": [{"id": "p", "taregts": []}]}),
            json!({"policies": []}),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.priority: a text, or",
            when(json!({"priority": 4})),
            when(json!({"priority": "urgent"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].seconds: is at least 1",
            one(json!({"seconds": 0})),
            one(json!({"seconds": 1})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].calendar: business hours need",
            one(json!({"hours": "business"})),
            one(json!({"hours": "business", "calendar": "paris"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].calendar: there is no calendar \"lyon\"",
            one(json!({"hours": "business", "calendar": "lyon"})),
            one(json!({"hours": "business", "calendar": "paris"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].seconds: a ticket of",
            one(json!({"hours": "business", "calendar": "paris", "seconds": 40_000_000})),
            one(json!({"hours": "business", "calendar": "paris", "seconds": 20_000_000})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].priority: ",
            one(json!({"priority": "vip"})),
            one(json!({"priority": "high"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].tier: there is no tier 3",
            one(json!({"tier": 3})),
            one(json!({"tier": 2})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].warn_pct[0]: is 1 to",
            one(json!({"warn_pct": [0]})),
            one(json!({"warn_pct": [1, 1000]})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].warn_pct[1]: is more",
            one(json!({"warn_pct": [50, 50]})),
            one(json!({"warn_pct": [50, 51]})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[0].pauses_in[0]: ",
            one(json!({"pauses_in": ["closed"]})),
            one(json!({"pauses_in": ["hold"]})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[1]: targets[0] is for the same",
            two(json!({"tier": 1}), json!({"tier": 1})),
            two(json!({"tier": 1}), json!({"tier": 2})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].targets[1]: is never reached",
            two(json!({}), json!({"priority": "urgent"})),
            two(json!({"priority": "urgent"}), json!({})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.colour: no ticket has",
            when(json!({"colour": "red"})),
            when(json!({"fields.site": "paris"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.channel: \"fax\"",
            when(json!({"channel": ["fax"]})),
            when(json!({"channel": ["phone"]})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.tags: names no value",
            when(json!({"tags": []})),
            when(json!({"tags": ["vpn"]})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.tags: there is no tag",
            when(json!({"tags": "vnp"})),
            when(json!({"tags": "vpn"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.tags: \"tunnel\" is a synonym",
            when(json!({"tags": "tunnel"})),
            when(json!({"tags": "vpn"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.group: there is no group",
            when(json!({"group": "x"})),
            when(json!({"group": "network"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.category: there is no",
            when(json!({"category": "techn"})),
            when(json!({"category": "technical"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[0].match.fields.site: \"lyon\" is no option",
            when(json!({"fields.site": "lyon"})),
            when(json!({"fields.site": "paris"})),
        ),
        (
            Kind::SlaPolicies,
            "policies[1].id: \"p\" is policies[0]",
            json!({"policies": [{"id": "p", "match": {"tier": "2"}, "targets": []}, {"id": "p", "targets": []}]}),
            json!({"policies": [{"id": "p", "match": {"tier": "2"}, "targets": []}, {"id": "q", "targets": []}]}),
        ),
        (
            Kind::SlaPolicies,
            "policies[1].match: is never reached",
            policies_of([json!({}), json!({"tier": "2"})]),
            policies_of([json!({"tier": "2"}), json!({})]),
        ),
        (
            Kind::SlaPolicies,
            "policies[1].match: is never reached",
            policies_of([json!({"category": "technical"}), json!({"category": "technical/network"})]),
            policies_of([json!({"category": "technical/network"}), json!({"category": "technical"})]),
        ),
    ]
}

fn time_rules() -> Vec<Rule> {
    vec![
        (
            Kind::TimeRules,
            "rules[0].status: time_in_status needs",
            json!({"rules": [{"id": "r", "seconds": 60, "hours": "calendar"}]}),
            rule(&json!({})),
        ),
        (
            Kind::TimeRules,
            "rules[0].states: either",
            rule(&json!({"states": ["open"]})),
            rule(&json!({"when": "no_update"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].when: unknown variant",
            rule(&json!({"when": "full_moon"})),
            rule(&json!({"when": "unassigned_age"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].seconds: is at least 1",
            rule(&json!({"seconds": 0})),
            rule(&json!({"seconds": 1})),
        ),
        (
            Kind::TimeRules,
            "rules[0].calendar: business",
            rule(&json!({"hours": "business"})),
            rule(&json!({"hours": "business", "calendar": "paris"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0].type: unknown variant `explode`",
            action(&json!({"type": "explode"})),
            action(&json!({"type": "close"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0]: unknown field `why`",
            action(&json!({"type": "close", "why": "x"})),
            action(&json!({"type": "close"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0]: must be one of low, ",
            action(&json!({"type": "set_priority", "priority": "top"})),
            action(&json!({"type": "set_priority", "priority": "high"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0].tags: names at least",
            action(&json!({"type": "add_tags", "tags": []})),
            action(&json!({"type": "add_tags", "tags": ["vpn"]})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0].tags[0]: there is no tag",
            action(&json!({"type": "add_tags", "tags": ["x"]})),
            action(&json!({"type": "add_tags", "tags": ["vpn"]})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0].to_tier: a ticket is",
            action(&json!({"type": "escalate", "to_tier": 5, "reason": "scope"})),
            action(&json!({"type": "escalate", "to_tier": 2, "reason": "scope"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0].to_tier: there is no tier",
            action(&json!({"type": "escalate", "to_tier": 4, "reason": "scope"})),
            action(&json!({"type": "escalate", "to_tier": 2, "reason": "scope"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0].text: must not be empty",
            action(&json!({"type": "note", "text": " "})),
            action(&json!({"type": "note", "text": "x"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0].to: is assignee",
            action(&json!({"type": "notify", "to": "boss"})),
            action(&json!({"type": "notify", "to": "assignee"})),
        ),
        (
            Kind::TimeRules,
            "rules[0].actions[0].to: there is no agent",
            action(&json!({"type": "notify", "to": "agent:bob"})),
            action(&json!({"type": "notify", "to": "agent:alice"})),
        ),
    ]
}

fn goal(more: &Value) -> Value {
    let goal = json!({"id": "g", "report": "report_closure", "figure": "closure_rate_flow", "at_least": 0.9});
    with(goal, more)
}

fn goals() -> Vec<Rule> {
    let of = |more: Value| json!({"goals": [goal(&more)]});
    let two = |first: Value, second: Value| json!({"goals": [goal(&first), with(goal(&json!({"id": "h"})), &second)]});
    let good = of(json!({}));
    let many = |count: usize| {
        let figures = guichet_schemas::figures::of("report_resolution_time").unwrap();
        let ids = (0..count).map(|n| {
            goal(&json!({"id": n.to_string(), "report": "report_resolution_time", "figure": figures[n]}))
        });
        json!({"goals": ids.collect::<Vec<_>>()})
    };
    vec![
        (
            Kind::Goals,
            "goals[0].report: must be one of report_backlog,",
            of(json!({"report": "closure"})),
            good.clone(),
        ),
        (
            Kind::Goals,
            "goals[0].report: must be one of",
            of(json!({"report": "report_ageing"})),
            good.clone(),
        ),
        (
            Kind::Goals,
            "goals[0].figure: \"closure\" is no figure of report_closure: they are created_net, resolved",
            of(json!({"figure": "closure"})),
            of(json!({"figure": "created_net"})),
        ),
        (
            Kind::Goals,
            "goals[0].figure: ",
            of(json!({"report": "report_first_response", "figure": "calendar"})),
            of(json!({"report": "report_first_response", "figure": "calendar.p90"})),
        ),
        (
            Kind::Goals,
            "goals[0].figure: ",
            of(json!({"report": "report_sla", "figure": "metrics.attainment"})),
            of(json!({"report": "report_sla", "figure": "metrics.resolution.attainment"})),
        ),
        (
            Kind::Goals,
            "goals[0].period: must be one of",
            of(json!({"period": "year"})),
            of(json!({"period": "month"})),
        ),
        (Kind::Goals, "goals[0].at_most: either", of(json!({"at_most": 1})), good.clone()),
        (
            Kind::Goals,
            "goals[0].at_least: either",
            of(json!({"at_least": null})),
            of(json!({"at_least": null, "at_most": 1})),
        ),
        (
            Kind::Goals,
            "goals[0].at_least: is at least 0",
            of(json!({"at_least": -0.1})),
            of(json!({"at_least": 0})),
        ),
        (
            Kind::Goals,
            "goals[0].agent: either",
            of(json!({"group": "network", "agent": "alice"})),
            of(json!({"agent": "alice"})),
        ),
        (
            Kind::Goals,
            "goals[0].group: there is no group",
            of(json!({"group": "netwrok"})),
            of(json!({"group": "network"})),
        ),
        (
            Kind::Goals,
            "goals[0].agent: there is no agent",
            of(json!({"agent": "bob"})),
            of(json!({"agent": "alice"})),
        ),
        (
            Kind::Goals,
            "goals[1]: goals[0] is for the same figure",
            two(json!({}), json!({"at_least": 0.5})),
            two(json!({}), json!({"at_least": null, "at_most": 2})),
        ),
        (
            Kind::Goals,
            "goals[1].id: \"g\" is goals[0].id",
            two(json!({}), json!({"id": "g", "group": "network"})),
            two(json!({}), json!({"group": "network"})),
        ),
        (Kind::Goals, "goals[8]: there are at most 8", many(9), many(8)),
        (
            Kind::Agents,
            "agents[0].mentor: \"bob\" is no agent of this list",
            json!({"agents": [{"id": "alice", "trainee": true, "mentor": "bob"}]}),
            json!({"agents": [{"id": "alice", "trainee": true, "mentor": "bob"}, {"id": "bob"}]}),
        ),
        (
            Kind::Agents,
            "agents[0].mentor: is the agent themselves",
            json!({"agents": [{"id": "alice", "mentor": "alice"}]}),
            json!({"agents": [{"id": "alice"}]}),
        ),
        (
            Kind::Agents,
            "agents[0].mentor: \"bob\" is a trainee",
            json!({"agents": [{"id": "alice", "mentor": "bob"}, {"id": "bob", "trainee": true}]}),
            json!({"agents": [{"id": "alice", "mentor": "bob"}, {"id": "bob"}]}),
        ),
        (
            Kind::Agents,
            "agents[0].capacity: is 1 to",
            json!({"agents": [{"id": "alice", "capacity": 0}]}),
            json!({"agents": [{"id": "alice", "capacity": 1}]}),
        ),
    ]
}

fn figures() -> Vec<Rule> {
    let of = |more: Value| with(json!({"title": {"en": "Resolved"}}), &more);
    let took = |more: Value| {
        let duration = json!({"from": "event == 'TicketCreated'", "to": "event == 'TicketResolved'"});
        of(json!({"duration": with(duration, &more)}))
    };
    let good = of(json!({"count": "event == 'TicketResolved'"}));
    let refused: [(&str, Value); 10] = [
        ("count: either", of(json!({}))),
        ("count: either", with(took(json!({})), &json!({"count": "true"}))),
        ("count: there is no field", of(json!({"count": "reopened"}))),
        ("duration.to: there is no event", took(json!({"to": "event == 'Resolved'"}))),
        ("duration.calendar: there is no calendar", took(json!({"calendar": "lyon"}))),
        ("duration.within_s: is 1 to", took(json!({"within_s": 0}))),
        ("duration.pairs: unknown variant", took(json!({"pairs": "some"}))),
        ("still: is asked of the ticket", with(good.clone(), &json!({"still": "event == 'TicketResolved'"}))),
        ("title.en: ", with(good.clone(), &json!({"title": {"en": ""}}))),
        ("per: unknown field", with(good.clone(), &json!({"per": "week"}))),
    ];
    let last = took(json!({"calendar": "paris", "within_s": 60, "pairs": "last", "dated": "from"}));
    let taken = (Kind::Figure, "still: ", of(json!({"count": "true", "still": "tier"})), last);
    let rule = |(begins, refused)| (Kind::Figure, begins, refused, good.clone());
    refused.into_iter().map(rule).chain([taken]).collect()
}

#[test]
fn a_desk_has_so_many_figures_and_no_more() {
    let mut desk = desk();
    let body = r#"{"count":"true","title":{"en":"All"}}"#;
    let check = |desk: &Configuration, id: &str| {
        desk.check(Kind::Figure, id, body, Timestamp(0), Timestamp(0), false)
    };
    for n in 0..64 {
        let id = format!("f{n}");
        let checked = check(&desk, &id).unwrap();
        desk.publish(Publication {
            kind: Kind::Figure,
            id,
            version: checked.version,
            effective_from: Timestamp(0),
            apply: Apply::OpenClocks,
            retired: false,
            body: checked.body,
        });
    }
    let fault = check(&desk, "f64").unwrap_err().to_string();
    assert!(fault.starts_with("id: there are 64 figures already"), "{fault}");
    assert!(
        check(&desk, "f3").is_ok_and(|checked| checked.unchanged),
        "another version of one takes no place"
    );
}

#[test]
fn every_rule_refuses_what_breaks_it_and_takes_what_does_not() {
    let desk = desk();
    let mut wrong = Vec::new();
    for (kind, begins, refused, accepted) in
        [shape_and_desk(), calendars_and_policies(), time_rules(), goals(), figures()].concat()
    {
        match checked(&desk, kind, &refused) {
            Err(fault) if fault.starts_with(begins) => {}
            other => wrong.push(format!("{kind} {refused}\n  gives {other:?}\n  not   {begins}")),
        }
        if let Err(fault) = checked(&desk, kind, &accepted) {
            wrong.push(format!("{kind} {accepted}\n  gives {fault}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! Who may do what: callers, their roles, and the table of what each role may do.

use std::collections::BTreeMap;

use guichet_rules::Reach;
use guichet_schemas::ids::is_token;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::ActorKind;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::item::{Advised, Item};
use crate::word::Word;

/// The body of `callers`. Who is not listed may do nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Callers {
    /// By the token in the subject.
    pub callers: BTreeMap<String, Caller>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// The caller may do whatever any of these roles may do.
    pub roles: Vec<Role>,
    /// Kinds of actors for whom it may speak.
    pub actor_kinds: Vec<Word<ActorKind>>,
    /// It may replay facts from elsewhere, past every rule.
    #[serde(default)]
    pub import: bool,
    /// It may put tickets of several requesters into one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub merge_any: bool,
}

/// A role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Asks for help.
    Requester,
    /// Was added to a ticket.
    Participant,
    /// Reads, and writes internal notes.
    LightAgent,
    /// Works on tickets.
    Agent,
    /// Works on tickets under supervision: their public replies are drafts.
    Trainee,
    /// Works on tickets, reassigns, approves, closes, voids breaches.
    Supervisor,
    /// Configures.
    Admin,
    /// Reads with pseudonyms, and asks what would have been.
    Analyst,
    /// Reads everything and verifies it.
    Auditor,
    /// A program that answers.
    Bot,
    /// A program that brings and takes data.
    Service,
    /// Timers and rules.
    System,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Requester,
        Self::Participant,
        Self::LightAgent,
        Self::Agent,
        Self::Trainee,
        Self::Supervisor,
        Self::Admin,
        Self::Analyst,
        Self::Auditor,
        Self::Bot,
        Self::Service,
        Self::System,
    ];

    /// True where the role has a verb. `import` is no role's: it is given to a caller.
    ///
    /// The table follows the paragraph "Permissions" of `domain.md` §1 and the column "who" of its transitions.
    #[must_use]
    pub fn has(self, verb: &str) -> bool {
        let lists: &[&[&str]] = match self {
            Self::Requester => &[ASKING],
            // Which of the two kinds of comments is theirs, `writes` says.
            Self::Participant | Self::LightAgent => &[&["add_comment"]],
            Self::Agent => &[WORKING, MENTORING],
            Self::Trainee => &[WORKING],
            Self::Supervisor => &[WORKING, MENTORING, SUPERVISING],
            Self::Admin => &[CONFIGURING],
            Self::Analyst => &[&["simulate_sla"]],
            Self::Auditor => &[&["verify_log", "record_access"]],
            Self::Bot => &[ANSWERING],
            Self::Service => &[SERVING],
            Self::System => &[TIMING],
        };
        lists.iter().any(|list| list.contains(&verb))
    }

    /// Which tickets the role acts on.
    #[must_use]
    pub const fn reach(self) -> Reach {
        match self {
            Self::Requester => Reach::Own,
            Self::Participant => Reach::TakesPart,
            Self::Agent | Self::Trainee => Reach::OwnGroups,
            Self::LightAgent
            | Self::Supervisor
            | Self::Admin
            | Self::Analyst
            | Self::Auditor
            | Self::Bot
            | Self::Service
            | Self::System => Reach::Every,
        }
    }

    /// Whether whoever has the role reads tickets as they are: an admin configures, and an analyst reads with pseudonyms.
    #[must_use]
    pub const fn reads(self) -> bool {
        !matches!(self, Self::Admin | Self::Analyst)
    }

    /// Whether the role writes comments for the people of the desk, or for the requester; most write both.
    #[must_use]
    pub const fn writes(self, internal: bool) -> bool {
        match self {
            Self::Requester | Self::Participant => !internal,
            Self::LightAgent => internal,
            Self::Agent
            | Self::Trainee
            | Self::Supervisor
            | Self::Admin
            | Self::Analyst
            | Self::Auditor
            | Self::Bot
            | Self::Service
            | Self::System => true,
        }
    }
}

/// A requester creates, comments, confirms or rejects, reopens, cancels, rates.
const ASKING: &[&str] = &[
    "record_intake",
    "create",
    "add_comment",
    "add_attachment",
    "confirm_resolution",
    "reject_resolution",
    "reopen",
    "cancel",
    "create_follow_up",
    "rate",
    "record_nps",
];

/// An agent does all that is work on tickets.
const WORKING: &[&str] = &[
    "record_intake",
    "decide_intake",
    "create",
    "set_status",
    "request_information",
    "propose_resolution",
    "resolve",
    "reopen",
    "cancel",
    "create_follow_up",
    "set_due_date",
    "assign",
    "unassign",
    "claim",
    "renew_claim",
    "release_claim",
    "escalate",
    "deescalate",
    "set_participants",
    "set_restriction",
    "add_comment",
    "make_comment_private",
    "redact_comment",
    "draft_reply",
    "add_attachment",
    "redact_attachment",
    "log_call",
    "switch_channel",
    "open_side_conversation",
    "add_side_message",
    "close_side_conversation",
    "hand_off",
    "change_subject",
    "set_priority",
    "set_type",
    "set_category",
    "change_tags",
    "set_field",
    "set_requester",
    "verify_requester",
    "suggest",
    "accept_suggestion",
    "link",
    "unlink",
    "merge",
    "split",
    "link_external",
    "link_asset",
    "declare_problem",
    "broadcast_to_linked",
    "add_task",
    "complete_task",
    "cancel_task",
    "attach_procedure",
    "complete_step",
    "request_approval",
    "log_time",
    "schedule_follow_up",
    "record_follow_up",
    "apply_macro",
    "use_article",
    "publish_article_from_ticket",
    "request_survey",
    "register_requester",
    "update_requester",
    "set_presence",
];

/// A mentor approves what a trainee writes and reviews what they do; whose mentor somebody is, is for the rules of the
/// ticket.
const MENTORING: &[&str] = &["approve_reply", "reject_reply", "review_decision"];

/// A supervisor also approves, closes, voids a breach, moves many tickets at once.
const SUPERVISING: &[&str] =
    &["close", "bulk_reassign", "decide_approval", "void_sla_breach", "simulate_sla"];

/// An admin configures; the directory, the articles, privacy and operations are nobody else's.
const CONFIGURING: &[&str] = &[
    "publish_config",
    "retire_config",
    "record_access",
    "simulate_sla",
    "register_requester",
    "update_requester",
    "merge_requesters",
    "register_organisation",
    "register_agent",
    "update_agent",
    "publish_article",
    "retire_article",
    "erase_subject",
    "export_subject",
    "place_legal_hold",
    "lift_legal_hold",
    "apply_retention",
    "seal_log",
    "verify_log",
    "start_scenario",
    "pause_rules",
    "redeliver_connector",
];

/// A bot answers, sorts and proposes; it neither assigns nor resolves.
const ANSWERING: &[&str] = &[
    "record_intake",
    "decide_intake",
    "create",
    "add_comment",
    "draft_reply",
    "add_attachment",
    "propose_resolution",
    "hand_off",
    "set_priority",
    "set_type",
    "set_category",
    "change_tags",
    "set_field",
    "suggest",
    "link",
    "link_external",
    "apply_macro",
    "use_article",
];

/// A service brings what comes from other programs, and takes it there.
const SERVING: &[&str] = &[
    "record_intake",
    "decide_intake",
    "create",
    "add_comment",
    "add_attachment",
    "report_scan",
    "log_call",
    "set_participants",
    "set_priority",
    "set_type",
    "set_category",
    "change_tags",
    "set_field",
    "link_external",
    "link_asset",
    "verify_requester",
    "request_survey",
    "rate",
    "record_nps",
    "register_requester",
    "update_requester",
    "register_organisation",
    "redeliver_connector",
];

/// Timers and rules do what is due, and what rules say.
const TIMING: &[&str] = &[
    "create",
    "set_status",
    "resolve",
    "reopen",
    "close",
    "cancel",
    "assign",
    "unassign",
    "release_claim",
    "escalate",
    "add_comment",
    "set_priority",
    "set_type",
    "set_category",
    "change_tags",
    "set_field",
    "add_task",
    "request_survey",
    "record_sla_warning",
    "record_sla_breach",
    "fire_time_rule",
    "apply_retention",
    "seal_log",
];

impl Callers {
    /// Whether a caller may use a verb in the name of an actor of a kind. Every refusal says what would allow it.
    ///
    /// # Errors
    /// The sentence for the reply `forbidden`.
    ///
    /// ```
    /// use guichet_config::body::Callers;
    /// use guichet_schemas::words::ActorKind;
    /// let callers: Callers = serde_json::from_str(
    ///     r#"{"callers": {"portal": {"roles": ["requester"], "actor_kinds": ["requester"]}}}"#,
    /// ).unwrap();
    /// assert!(callers.may("portal", ActorKind::Requester, "create").is_ok());
    /// assert!(callers.may("portal", ActorKind::Requester, "assign").is_err());
    /// assert!(callers.may("portal", ActorKind::Agent, "create").is_err());
    /// ```
    pub fn may(&self, caller: &str, actor: ActorKind, verb: &str) -> Result<(), String> {
        let Some(known) = self.callers.get(caller) else {
            return Err(format!("caller {caller} is not listed in the configuration kind callers"));
        };
        if !known.actor_kinds.contains(&Word(actor)) {
            return Err(format!("caller {caller} may not speak for actors of kind {actor}"));
        }
        if verb == "import" {
            let may = known.import.then_some(());
            return may.ok_or_else(|| format!("caller {caller} may not import: it needs import = true"));
        }
        if known.roles.iter().any(|role| role.has(verb)) {
            return Ok(());
        }
        Err(format!("no role of caller {caller} may {verb}"))
    }

    /// Whether a caller may look at restricted tickets in the name of an actor of a kind, as far as that actor sees them.
    ///
    /// # Errors
    /// As [`Callers::may`].
    pub fn may_look(&self, caller: &str, actor: ActorKind) -> Result<(), String> {
        let Some(known) = self.callers.get(caller) else {
            return Err(format!("caller {caller} is not listed in the configuration kind callers"));
        };
        if !known.actor_kinds.contains(&Word(actor)) {
            return Err(format!("caller {caller} may not speak for actors of kind {actor}"));
        }
        if known.roles.iter().any(|role| role.reads()) {
            return Ok(());
        }
        Err(format!("no role of caller {caller} reads tickets"))
    }

    /// The roles of a caller; none where it is not listed.
    #[must_use]
    pub fn roles(&self, caller: &str) -> &[Role] {
        self.callers.get(caller).map_or(&[], |known| known.roles.as_slice())
    }
}

impl Item for Callers {
    fn faults(&self, _: Timestamp) -> Vec<Fault> {
        let mut faults = Vec::new();
        for token in self.callers.keys().filter(|token| !is_token(token)) {
            faults.push(Fault::at(format!("callers.{token}"), "a caller is 1 to 64 of A-Z a-z 0-9 _ -"));
        }
        let admin = |caller: &Caller| caller.roles.contains(&Role::Admin) && !caller.actor_kinds.is_empty();
        if !self.callers.values().any(admin) {
            let rule = "no caller has the role admin and speaks for somebody: nobody could publish again";
            faults.push(Fault::at("callers", rule));
        }
        faults
    }

    fn advice(&self, _: &Advised<'_>) -> Vec<Fault> {
        let mut found = Vec::new();
        for (token, caller) in &self.callers {
            if caller.roles.is_empty() && !caller.import {
                found.push(Fault::at(format!("callers.{token}.roles"), "may do nothing"));
            }
            if caller.actor_kinds.is_empty() {
                found.push(Fault::at(
                    format!("callers.{token}.actor_kinds"),
                    "speaks for nobody, so may do nothing",
                ));
            }
        }
        found
    }

    fn must_stay() -> Option<&'static str> {
        Some("without it every caller is an agent and none an admin: nobody could publish again")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use guichet_schemas::verb;
    use guichet_schemas::words::ActorKind;

    use super::{Callers, Role};

    /// The sentences of the design, one by one: who may, and who may not.
    #[test]
    fn the_table_is_that_of_the_design() {
        use Role::{
            Admin, Agent, Analyst, Auditor, Bot, LightAgent, Participant, Requester, Service, Supervisor,
            System, Trainee,
        };
        let who: [(&str, &[Role]); 17] = [
            ("create", &[Requester, Agent, Trainee, Supervisor, Bot, Service, System]),
            (
                "add_comment",
                &[Requester, Participant, LightAgent, Agent, Trainee, Supervisor, Bot, Service, System],
            ),
            ("assign", &[Agent, Trainee, Supervisor, System]),
            ("resolve", &[Agent, Trainee, Supervisor, System]),
            ("propose_resolution", &[Agent, Trainee, Supervisor, Bot]),
            ("confirm_resolution", &[Requester]),
            ("reject_resolution", &[Requester]),
            ("reopen", &[Requester, Agent, Trainee, Supervisor, System]),
            ("close", &[Supervisor, System]),
            ("cancel", &[Requester, Agent, Trainee, Supervisor, System]),
            ("merge", &[Agent, Trainee, Supervisor]),
            ("approve_reply", &[Agent, Supervisor]),
            ("void_sla_breach", &[Supervisor]),
            ("record_sla_breach", &[System]),
            ("publish_config", &[Admin]),
            ("verify_log", &[Admin, Auditor]),
            ("record_access", &[Admin, Auditor]),
        ];
        for (verb, roles) in who {
            let may: Vec<Role> = Role::ALL.into_iter().filter(|role| role.has(verb)).collect();
            assert_eq!(may, roles, "{verb}");
        }
        // Analysts and auditors write nothing.
        let verbs = super::WORKING.iter().chain(super::CONFIGURING).chain(super::TIMING);
        let written: Vec<_> = verbs
            .filter(|verb| Analyst.has(verb) || Auditor.has(verb))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        assert_eq!(written, [&"record_access", &"simulate_sla", &"verify_log"]);
    }

    #[test]
    fn every_verb_is_one_of_the_contract_and_every_built_verb_has_a_role() {
        let lists = [
            super::ASKING,
            super::WORKING,
            super::MENTORING,
            super::SUPERVISING,
            super::CONFIGURING,
            super::ANSWERING,
            super::SERVING,
            super::TIMING,
        ];
        for word in lists.concat() {
            assert!(verb::verb(word).is_some(), "the contract has no verb {word}");
        }
        for word in verb::VERBS.iter().filter(|word| **word != "import") {
            assert!(Role::ALL.into_iter().any(|role| role.has(word)), "no role has {word}");
        }
        assert!(
            !Role::ALL.into_iter().any(|role| role.has("import")),
            "import is given to a caller, not to a role"
        );
    }

    #[test]
    fn a_caller_needs_a_line_a_kind_of_actor_and_a_role() {
        let callers: Callers = serde_json::from_str(
            r#"{"callers": {
                "desk": {"roles": ["requester", "agent"], "actor_kinds": ["agent", "supervisor"]},
                "migration": {"roles": [], "actor_kinds": ["service"], "import": true}
            }}"#,
        )
        .unwrap();
        assert_eq!(callers.may("desk", ActorKind::Agent, "assign"), Ok(()));
        assert_eq!(callers.may("desk", ActorKind::Agent, "rate"), Ok(()));
        assert_eq!(callers.may("migration", ActorKind::Service, "import"), Ok(()));
        let refused = [
            ("nobody", ActorKind::Agent, "assign", "caller nobody is not listed"),
            ("desk", ActorKind::Admin, "assign", "caller desk may not speak for actors of kind admin"),
            // The roles are those of the caller, whoever it speaks for.
            ("desk", ActorKind::Supervisor, "close", "no role of caller desk may close"),
            ("desk", ActorKind::Agent, "import", "caller desk may not import"),
            ("migration", ActorKind::Service, "create", "no role of caller migration may create"),
            ("desk", ActorKind::Agent, "fly", "no role of caller desk may fly"),
        ];
        for (caller, actor, verb, begins) in refused {
            let why = callers.may(caller, actor, verb).unwrap_err();
            assert!(why.starts_with(begins), "{why}");
        }
    }
}

//! The verbs of commands and the names of queries, all of the contract's; some are not of this build.

/// What can be done with the word in a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// This build does it.
    Built,
    /// The contract has it, this build has not.
    Unsupported,
}

/// What a command of a verb is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A ticket that need not be there yet.
    New,
    /// A ticket that is there.
    Ticket,
    /// What the tenant has configured.
    Config,
}

macro_rules! words {
    ($($verb:literal => $variant:ident on $about:ident,)*) => {
        /// Verbs of this build, in the order of the contract.
        pub const VERBS: &[&str] = &[$($verb,)*];

        /// What a verb of this build is about.
        #[must_use]
        pub fn about(word: &str) -> Option<About> {
            match word { $($verb => Some(About::$about),)* _ => None }
        }
    };
}
each_verb!(words);

/// Further verbs of the contract, refused as `unsupported` until they are built. One that is built may stay here, for
/// those that are built are looked up first.
const LATER_VERBS: &[&str] = &[
    "record_intake",
    "decide_intake",
    "request_information",
    "propose_resolution",
    "confirm_resolution",
    "reject_resolution",
    "create_follow_up",
    "set_due_date",
    "claim",
    "renew_claim",
    "release_claim",
    "set_participants",
    "bulk_reassign",
    "make_comment_private",
    "redact_comment",
    "draft_reply",
    "approve_reply",
    "reject_reply",
    "add_attachment",
    "report_scan",
    "log_call",
    "switch_channel",
    "open_side_conversation",
    "add_side_message",
    "close_side_conversation",
    "hand_off",
    "change_subject",
    "set_type",
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
    "decide_approval",
    "log_time",
    "schedule_follow_up",
    "record_follow_up",
    "apply_macro",
    "use_article",
    "review_decision",
    "simulate_sla",
    "request_survey",
    "rate",
    "record_nps",
    "erase_subject",
    "export_subject",
    "place_legal_hold",
    "lift_legal_hold",
    "apply_retention",
    "register_requester",
    "update_requester",
    "merge_requesters",
    "register_organisation",
    "register_agent",
    "update_agent",
    "set_presence",
    "publish_article",
    "publish_article_from_ticket",
    "retire_article",
    "seal_log",
    "verify_log",
    "start_scenario",
    "pause_rules",
    "redeliver_connector",
];

macro_rules! queries {
    ({ [$($before:literal,)*] [$($behind:literal,)*] }
     $($of:ident { $($report:literal => $variant:ident: $answer:ident $about:tt)* })*) => {
        /// Queries of this build.
        pub const QUERIES: &[&str] = &[$($before,)* $($($report,)*)* $($behind,)*];
    };
}
each_report!([queries] {
    ["ticket", "timeline", "tickets", "events", "projections", "queues", "queue",]
    ["sla_clocks", "sla_breaches",]
});

const LATER_QUERIES: &[&str] = &["report_csat"];

/// What we know of a verb; `None`: nothing.
#[must_use]
pub fn verb(word: &str) -> Option<Known> {
    known(word, VERBS, LATER_VERBS)
}

/// What we know of a query; `None`: nothing.
#[must_use]
pub fn query(word: &str) -> Option<Known> {
    known(word, QUERIES, LATER_QUERIES)
}

fn known(word: &str, built: &[&str], later: &[&str]) -> Option<Known> {
    if built.contains(&word) {
        Some(Known::Built)
    } else {
        later.contains(&word).then_some(Known::Unsupported)
    }
}

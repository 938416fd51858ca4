//! The closed lists of words. Each is an enumeration here, a number on the wire and a lower-case word in JSON.

use crate::rejection::FieldError;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* })*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = concat!("`", $word, "`")] $(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value, in the order of the list.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word, as in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Reads the word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        /// As its word, so that what is kept stays readable where the list gets longer.
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let word = String::deserialize(d)?;
                Self::parse(&word).ok_or_else(|| {
                    serde::de::Error::custom(format!("must be one of {}", [$($word),*].join(", ")))
                })
            }
        }

        scalar!([] $name, i32,
            |r| match crate::wire::$name::try_from(r) {
                $(Ok(crate::wire::$name::$variant) => Ok(Self::$variant),)*
                Ok(crate::wire::$name::Unspecified) => Err(FieldError::rule("is required")),
                Err(_) => Err(FieldError::rule(format!("must be one of {}", [$($word),*].join(", ")))),
            },
            |v| match v { $(Self::$variant => crate::wire::$name::$variant as i32,)* });
    )* };
}

words! {
    /// Who acts.
    ActorKind {
        Requester = "requester", Agent = "agent", LightAgent = "light_agent", Supervisor = "supervisor",
        Admin = "admin", Bot = "bot", Service = "service", System = "system",
    }
    /// Where a contact came from.
    Channel {
        Email = "email", Phone = "phone", Chat = "chat", Form = "form", Social = "social", Portal = "portal",
        InApp = "in_app", System = "system", Sms = "sms", Forum = "forum", Api = "api",
    }
    /// State of a ticket. Custom statuses map onto one of these.
    TicketState {
        New = "new", Open = "open", Pending = "pending", Hold = "hold", Resolved = "resolved",
        Closed = "closed", Cancelled = "cancelled",
    }
    /// Why a ticket is on hold.
    HoldReason {
        ThirdParty = "third_party", Vendor = "vendor", Change = "change", Problem = "problem",
        Internal = "internal", Asset = "asset",
    }
    /// Order of work.
    Priority { Low = "low", Normal = "normal", High = "high", Urgent = "urgent", }
    /// How soon it hurts.
    Urgency { Low = "low", Medium = "medium", High = "high", }
    /// How much it hurts.
    Impact { Low = "low", Medium = "medium", High = "high", }
    /// Kind of request.
    TicketType {
        Incident = "incident", ServiceRequest = "service_request", Question = "question", Problem = "problem",
        ChangeRef = "change_ref", Complaint = "complaint", Alert = "alert", SystemEvent = "system_event", Task = "task",
    }
    /// Who noticed first.
    Origin { System = "system", Requester = "requester", Agent = "agent", }
    /// Relation of the requester to the desk.
    RequesterKind {
        Prospect = "prospect", Customer = "customer", Employee = "employee", Partner = "partner", System = "system",
    }
    /// To a higher tier, or to a manager.
    EscalationKind { Functional = "functional", Hierarchical = "hierarchical", }
    /// Why a ticket was escalated.
    EscalationReason {
        Expertise = "expertise", Authority = "authority", TimeLimit = "time_limit", Scope = "scope",
        Complexity = "complexity", CustomerRequest = "customer_request",
    }
    /// The outcome of a problem.
    ResolutionCode {
        UserEducation = "user_education", Defect = "defect", Configuration = "configuration",
        ThirdParty = "third_party", Duplicate = "duplicate", CannotReproduce = "cannot_reproduce",
        Workaround = "workaround", Access = "access", Other = "other",
    }
    /// Who may read a comment.
    Visibility { Public = "public", Internal = "internal", }
    /// What a comment is for.
    CommentKind { Message = "message", Troubleshooting = "troubleshooting", Handover = "handover", }
    /// Who wrote a comment.
    AuthorKind {
        Requester = "requester", Agent = "agent", Bot = "bot", System = "system", Peer = "peer",
        ThirdParty = "third_party",
    }
    /// How an owner was chosen.
    Strategy {
        Manual = "manual", RoundRobin = "round_robin", LeastLoaded = "least_loaded", Skill = "skill",
        Sticky = "sticky", Pull = "pull", Rule = "rule",
    }
    /// What moved a status.
    StatusCause { Command = "command", RequesterComment = "requester_comment", Rule = "rule", Timer = "timer", }
    /// Who confirmed a resolution.
    ConfirmedBy { Requester = "requester", Timeout = "timeout", Override = "override", None = "none", }
    /// Why a ticket was closed.
    CloseReason { Resolved = "resolved", Merged = "merged", }
    /// Why a ticket was cancelled.
    CancelReason {
        Withdrawn = "withdrawn", Duplicate = "duplicate", Spam = "spam", Test = "test", Error = "error",
    }
    /// How a ticket is tied to another.
    LinkKind {
        Relates = "relates", Duplicates = "duplicates", Blocks = "blocks", Parent = "parent", CausedBy = "caused_by",
        FollowUp = "follow_up",
    }
    /// What becomes of the comments of a ticket that goes into another one.
    CommentMode { Copy = "copy", Reference = "reference", }
    /// Who found that tickets have one cause.
    ProblemTrigger { Manual = "manual", MassDetection = "mass_detection", }
    /// The metric that a clock measures.
    SlaMetric {
        FirstReply = "first_reply", NextReply = "next_reply", Assignment = "assignment",
        PeriodicUpdate = "periodic_update", PausableUpdate = "pausable_update", RequesterWait = "requester_wait",
        AgentWork = "agent_work", Resolution = "resolution", TierTime = "tier_time",
    }
    /// What a survey asks for: how satisfied somebody is, whether they would recommend the desk, how much effort it took.
    SurveyKind { Csat = "csat", Nps = "nps", Ces = "ces", }
    /// On which scale somebody rated.
    RatingScale { GoodBad = "good_bad", OneToFive = "one_to_five", OneToSeven = "one_to_seven", }
    /// Why a claim ended.
    ReleaseReason {
        Released = "released", Expired = "expired", Forced = "forced", Superseded = "superseded",
    }
    /// Who called whom.
    Direction { Inbound = "inbound", Outbound = "outbound", }
    /// How a call ended.
    CallOutcome {
        Answered = "answered", NoAnswer = "no_answer", Voicemail = "voicemail", Busy = "busy", Failed = "failed",
    }
    /// On what time was spent.
    TimeKind { Work = "work", Research = "research", Communication = "communication", Travel = "travel", Other = "other", }
    /// What somebody who was asked to agree says.
    Verdict { Approved = "approved", Rejected = "rejected", }
    /// With whom a side conversation is.
    SideParty { Peer = "peer", ThirdParty = "third_party", }
    /// What a model can suggest.
    SuggestionKind {
        Category = "category", Priority = "priority", Type = "type", Tag = "tag", Group = "group",
        Sentiment = "sentiment",
    }
    /// What a scan for malware says about an attachment.
    ScanVerdict { Clean = "clean", Infected = "infected", Unscannable = "unscannable", }
    /// Who may read an article.
    Audience { Internal = "internal", Public = "public", }
    /// What became of a step of a procedure.
    StepOutcome { Done = "done", Skipped = "skipped", Failed = "failed", }
    /// For which clocks a publication holds.
    Apply { OpenClocks = "open_clocks", NewOnly = "new_only", }
    /// The subject of a stream of events.
    StreamKind {
        Ticket = "ticket", Config = "config", Directory = "directory", System = "system", Subject = "subject",
        Article = "article",
    }
    /// By what the queue board makes a row.
    QueueBy { Group = "group", Agent = "agent", }
    /// In which order a queue is worked off.
    QueueOrder { Fifo = "fifo", Priority = "priority", Due = "due", }
    /// Length of the periods of a report.
    Period { Day = "day", Week = "week", Month = "month", Range = "range", }
    /// By what the rows of a report are parted.
    GroupBy {
        Channel = "channel", Category = "category", Group = "group", Priority = "priority", Product = "product",
        Agent = "agent", Tier = "tier", Tag = "tag", Kind = "kind", Reason = "reason",
    }
}

/// Clocks that are open count too, unless somebody says otherwise; else they keep their set of policies for good.
impl Default for Apply {
    fn default() -> Self {
        Self::OpenClocks
    }
}

impl RatingScale {
    /// The lowest and the highest score.
    #[must_use]
    pub const fn range(self) -> (u32, u32) {
        match self {
            Self::GoodBad => (0, 1),
            Self::OneToFive => (1, 5),
            Self::OneToSeven => (1, 7),
        }
    }

    /// Which survey it answers.
    #[must_use]
    pub const fn of(self) -> SurveyKind {
        match self {
            Self::GoodBad | Self::OneToFive => SurveyKind::Csat,
            Self::OneToSeven => SurveyKind::Ces,
        }
    }

    /// Whether a score says that somebody is satisfied: good, or one of the two best.
    #[must_use]
    pub const fn is_good(self, score: u32) -> bool {
        score
            >= match self {
                Self::GoodBad => 1,
                Self::OneToFive => 4,
                Self::OneToSeven => 6,
            }
    }
}

impl TicketState {
    /// Nothing but notes and links follows.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Closed | Self::Cancelled)
    }

    /// Resolved, closed or cancelled: no work is left.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Resolved | Self::Closed | Self::Cancelled)
    }
}

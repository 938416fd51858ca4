//! Every event and every verb of this build, each declared once: the enums, the codecs, the modules and all lists follow
//! from these two tables. Their order is that of the contract.

/// Hands every event to a macro: by what it is about, and those of a ticket by family.
#[macro_export]
macro_rules! each_event {
    ($then:ident) => {
        $then! {
            Ticket: TicketEvent {
                LifeCycle {
                    TicketCreated, TicketImported, StatusChanged, TicketResolved, TicketReopened, TicketClosed,
                    TicketCancelled,
                }
                Ownership {
                    TicketRouted, TicketAssigned, TicketUnassigned, TicketEscalated, TicketDeescalated,
                    TicketClaimed, ClaimReleased, ParticipantsChanged,
                }
                Conversation { CommentAdded, ReopenHeld, CallLogged, ChannelSwitched, }
                Relations {
                    FollowUpCreated, TicketsLinked, TicketsUnlinked,
                    TicketMerged, MergeReceived, CommentCopied, TicketSplit,
                    ProblemDeclared, WorkaroundPublished, BroadcastSent,
                    ExternalLinked, AssetLinked,
                }
                Confirmation { ResolutionProposed, ResolutionConfirmed, ResolutionRejected, }
                Classification {
                    PriorityChanged, TypeChanged, CategoryChanged, TagsChanged, FieldChanged, DueDateSet,
                    RestrictionChanged,
                }
                Satisfaction { SurveyRequested, TicketRated, NpsRecorded, }
                Work {
                    TaskAdded, TaskCompleted, TaskCancelled, ApprovalRequested, ApprovalDecided, TimeLogged,
                    FollowUpScheduled, FollowUpRecorded, ArticleUsed, ProcedureAttached, StepCompleted,
                }
                Moderation {
                    CommentMadePrivate, CommentRedacted, ReplyDrafted, ReplyApproved, ReplyRejected,
                    DecisionReviewed,
                }
                Assistance {
                    HandedOff, SideConversationOpened, SideMessageAdded, SideConversationClosed,
                    ClassificationSuggested, SuggestionAccepted,
                }
                Attachments { AttachmentAdded, AttachmentScanned, AttachmentRedacted, }
            }
            Log: LogEvent { EpochStarted, KeyCreated, AccessRecorded, }
            Sla: SlaEvent { SlaWarned, SlaBreached, SlaBreachVoided, TimeRuleFired, }
            Config: ConfigEvent { ConfigPublished, ConfigRetired, }
            Desk: DeskEvent { ArticlePublished, ArticleRetired, }
        }
    };
}

/// Hands every verb to a macro: its word in subjects, which names its file too, its name as a type, and what it is about,
/// one of [`About`](crate::verb::About).
#[macro_export]
macro_rules! each_verb {
    ($then:ident) => {
        $then! {
            create => Create on New,
            assign => Assign on Ticket,
            unassign => Unassign on Ticket,
            escalate => Escalate on Ticket,
            deescalate => Deescalate on Ticket,
            set_status => SetStatus on Ticket,
            request_information => RequestInformation on Ticket,
            add_comment => AddComment on Ticket,
            propose_resolution => ProposeResolution on Ticket,
            confirm_resolution => ConfirmResolution on Ticket,
            reject_resolution => RejectResolution on Ticket,
            resolve => Resolve on Ticket,
            reopen => Reopen on Ticket,
            close => Close on Ticket,
            cancel => Cancel on Ticket,
            create_follow_up => CreateFollowUp on New,
            set_due_date => SetDueDate on Ticket,
            set_priority => SetPriority on Ticket,
            set_type => SetType on Ticket,
            set_category => SetCategory on Ticket,
            change_tags => ChangeTags on Ticket,
            set_field => SetField on Ticket,
            link => Link on Ticket,
            unlink => Unlink on Ticket,
            import => Import on New,
            publish_config => PublishConfig on Config,
            retire_config => RetireConfig on Config,
            record_sla_warning => RecordSlaWarning on Ticket,
            record_sla_breach => RecordSlaBreach on Ticket,
            fire_time_rule => FireTimeRule on Ticket,
            void_sla_breach => VoidSlaBreach on Ticket,
            record_access => RecordAccess on Desk,
            request_survey => RequestSurvey on Ticket,
            rate => Rate on Ticket,
            record_nps => RecordNps on Ticket,
            claim => Claim on Ticket,
            renew_claim => RenewClaim on Ticket,
            release_claim => ReleaseClaim on Ticket,
            set_participants => SetParticipants on Ticket,
            log_call => LogCall on Ticket,
            switch_channel => SwitchChannel on Ticket,
            add_task => AddTask on Ticket,
            complete_task => CompleteTask on Ticket,
            cancel_task => CancelTask on Ticket,
            log_time => LogTime on Ticket,
            schedule_follow_up => ScheduleFollowUp on Ticket,
            record_follow_up => RecordFollowUp on Ticket,
            use_article => UseArticle on Ticket,
            request_approval => RequestApproval on Ticket,
            decide_approval => DecideApproval on Ticket,
            merge => Merge on Ticket,
            split => Split on Ticket,
            declare_problem => DeclareProblem on Ticket,
            broadcast_to_linked => BroadcastToLinked on Ticket,
            link_external => LinkExternal on Ticket,
            link_asset => LinkAsset on Ticket,
            make_comment_private => MakeCommentPrivate on Ticket,
            redact_comment => RedactComment on Ticket,
            draft_reply => DraftReply on Ticket,
            approve_reply => ApproveReply on Ticket,
            reject_reply => RejectReply on Ticket,
            review_decision => ReviewDecision on Ticket,
            hand_off => HandOff on Ticket,
            open_side_conversation => OpenSideConversation on Ticket,
            add_side_message => AddSideMessage on Ticket,
            close_side_conversation => CloseSideConversation on Ticket,
            suggest => Suggest on Ticket,
            accept_suggestion => AcceptSuggestion on Ticket,
            set_restriction => SetRestriction on Ticket,
            add_attachment => AddAttachment on Ticket,
            report_scan => ReportScan on Ticket,
            redact_attachment => RedactAttachment on Ticket,
            attach_procedure => AttachProcedure on Ticket,
            complete_step => CompleteStep on Ticket,
            publish_article => PublishArticle on Articles,
            publish_article_from_ticket => PublishArticleFromTicket on Articles,
            retire_article => RetireArticle on Articles,
        }
    };
}

/// Further verbs of the contract, refused as `unsupported` until they are built. One that is built may stay here, for
/// those that are built are looked up first.
pub(crate) const LATER_VERBS: &[&str] = &[
    "record_intake",
    "decide_intake",
    "bulk_reassign",
    "change_subject",
    "set_requester",
    "verify_requester",
    "apply_macro",
    "simulate_sla",
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
    "seal_log",
    "verify_log",
    "start_scenario",
    "pause_rules",
    "redeliver_connector",
];

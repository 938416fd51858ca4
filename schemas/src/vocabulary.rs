//! Every event and every verb of this build, each declared once: the enums, the codecs and all lists follow from these
//! two tables. Their order is that of the contract.

/// Hands every event to a macro: by what it is about, and those of a ticket by family.
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
                }
                Conversation { CommentAdded, }
                Classification { PriorityChanged, CategoryChanged, TagsChanged, FieldChanged, }
            }
            Log: LogEvent { EpochStarted, KeyCreated, }
            Sla: SlaEvent { SlaWarned, SlaBreached, SlaBreachVoided, TimeRuleFired, }
            Config: ConfigEvent { ConfigPublished, ConfigRetired, }
        }
    };
}

/// Hands every verb to a macro: its word in subjects, and its name as a type.
macro_rules! each_verb {
    ($then:ident) => {
        $then! {
            "create" => Create,
            "assign" => Assign,
            "unassign" => Unassign,
            "escalate" => Escalate,
            "deescalate" => Deescalate,
            "set_status" => SetStatus,
            "add_comment" => AddComment,
            "resolve" => Resolve,
            "reopen" => Reopen,
            "close" => Close,
            "cancel" => Cancel,
            "set_priority" => SetPriority,
            "set_category" => SetCategory,
            "change_tags" => ChangeTags,
            "import" => Import,
            "publish_config" => PublishConfig,
            "retire_config" => RetireConfig,
            "record_sla_warning" => RecordSlaWarning,
            "record_sla_breach" => RecordSlaBreach,
            "fire_time_rule" => FireTimeRule,
            "void_sla_breach" => VoidSlaBreach,
        }
    };
}

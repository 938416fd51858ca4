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

/// Hands every verb to a macro: its word in subjects, its name as a type, and what it is about, one of
/// [`About`](crate::verb::About).
#[macro_export]
macro_rules! each_verb {
    ($then:ident) => {
        $then! {
            "create" => Create on New,
            "assign" => Assign on Ticket,
            "unassign" => Unassign on Ticket,
            "escalate" => Escalate on Ticket,
            "deescalate" => Deescalate on Ticket,
            "set_status" => SetStatus on Ticket,
            "add_comment" => AddComment on Ticket,
            "resolve" => Resolve on Ticket,
            "reopen" => Reopen on Ticket,
            "close" => Close on Ticket,
            "cancel" => Cancel on Ticket,
            "set_priority" => SetPriority on Ticket,
            "set_category" => SetCategory on Ticket,
            "change_tags" => ChangeTags on Ticket,
            "import" => Import on New,
            "publish_config" => PublishConfig on Config,
            "retire_config" => RetireConfig on Config,
            "record_sla_warning" => RecordSlaWarning on Ticket,
            "record_sla_breach" => RecordSlaBreach on Ticket,
            "fire_time_rule" => FireTimeRule on Ticket,
            "void_sla_breach" => VoidSlaBreach on Ticket,
        }
    };
}

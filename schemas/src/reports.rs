//! Every report of this build, declared once: names, codecs, addresses and all lists follow from this table. Their
//! order is that of the contract.

/// Hands every report to a macro, behind what stands in braces after the name of the macro.
///
/// Reports stand under the histories that they are sums over: those of tickets, or those of clocks. Of each: its name
/// as a query, its variant in the questions and in the answers, the message of its answer; then its name as a type,
/// with the file in `projections/reports/src/reports` that says what it counts, its address and its summary there.
#[macro_export]
macro_rules! each_report {
    ([$($then:tt)+] $({ $($before:tt)* })?) => {
        $($then)+! {
            $({ $($before)* })?
            Tickets {
                "report_backlog" => ReportBacklog: BacklogReport {
                    Backlog in backlog, "/reports/backlog", "Created, resolved, and what was left"
                }
                "report_reopen_rate" => ReportReopenRate: ReopenRateReport {
                    ReopenRate in reopen_rate, "/reports/reopen_rate", "How many resolutions did not hold"
                }
                "report_resolution_time" => ReportResolutionTime: ResolutionTimeReport {
                    ResolutionTime in resolution_time, "/reports/resolution_time", "How long resolutions took"
                }
                "report_first_response" => ReportFirstResponse: FirstResponseReport {
                    FirstResponse in first_response, "/reports/first_response", "How long the first answer took"
                }
                "report_closure" => ReportClosure: ClosureReport {
                    Closure in closure, "/reports/closure", "Whether the desk keeps up with what comes in"
                }
                "report_escalation" => ReportEscalation: EscalationReport {
                    Escalation in escalation, "/reports/escalation", "What went to a higher tier or a manager"
                }
                "report_volume" => ReportVolume: VolumeReport {
                    Volume in volume, "/reports/volume", "What came in"
                }
                "report_ageing" => ReportAgeing: AgeingReport {
                    Ageing in ageing, "/reports/ageing", "How old the unresolved tickets are"
                }
                "report_agent_load" => ReportAgentLoad: AgentLoadReport {
                    AgentLoad in agent_load, "/reports/agent_load", "How much work agents have"
                }
                "report_figure" => ReportFigure: FigureReport {
                    Figure in figure, "/reports/figure", "A figure that the desk published"
                }
                "report_reassignment" => ReportReassignment: ReassignmentReport {
                    Reassignment in reassignment, "/reports/reassignment", "How often work changed hands"
                }
                "report_csat" => ReportCsat: CsatReport {
                    Csat in csat, "/reports/csat", "How satisfied requesters are"
                }
                "report_knowledge" => ReportKnowledge: KnowledgeReport {
                    Knowledge in knowledge, "/reports/knowledge", "What articles and programs spared"
                }
                "report_time_in_status" => ReportTimeInStatus: TimeInStatusReport {
                    TimeInStatus in time_in_status, "/reports/time_in_status", "How long tickets stay in each state"
                }
                "report_funnel" => ReportFunnel: FunnelReport {
                    Funnel in funnel, "/reports/funnel", "How far tickets have come"
                }
            }
            Clocks {
                "report_sla" => ReportSla: SlaReport {
                    Sla in sla, "/reports/sla", "Promises kept and broken"
                }
            }
        }
    };
}

/// The pattern of any report in one of the enums of questions and answers.
///
/// ```
/// use guichet_schemas::wire::{ReportQuery, query::Data};
/// let question = Data::ReportVolume(ReportQuery::default());
/// assert!(matches!(question, guichet_schemas::any_report!(Data, _)));
/// ```
#[macro_export]
macro_rules! any_report {
    ($data:ident, $held:tt) => {
        $crate::each_report!([$crate::report_patterns] { $data $held })
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! report_patterns {
    ({ $data:ident $held:tt }
     $first_of:ident { $first:literal => $one:ident: $first_answer:ident $first_about:tt
                       $($name:literal => $variant:ident: $answer:ident $about:tt)* }
     $($of:ident { $($more:literal => $other:ident: $other_answer:ident $other_about:tt)* })*) => {
        $data::$one($held) $(| $data::$variant($held))* $($(| $data::$other($held))*)*
    };
}

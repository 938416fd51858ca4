//! The states of the source as events of ours. A source may do what our own transitions do not allow:
//! come back from closed, close what was never resolved, resolve what is already over.

use guichet_schemas::event::{
    Personal, StatusChanged, TicketCancelled, TicketClosed, TicketReopened, TicketResolved,
};
use guichet_schemas::text::Note as NoteText;
use guichet_schemas::words::{
    ActorKind, CancelReason, CloseReason, ConfirmedBy, HoldReason, ResolutionCode, StatusCause, TicketState,
};

use super::history::History;
use super::limits::cut;
use super::names::Kind;
use super::row::Row;

impl History<'_> {
    /// Writes what leads from the present state to that of the row.
    pub(super) fn go_to(&mut self, row: &Row, to: TicketState, hold_reason: Option<HoldReason>) {
        match to {
            TicketState::New | TicketState::Open | TicketState::Pending | TicketState::Hold => {
                if self.state().is_done() {
                    self.reopen();
                }
                self.status(row, to, hold_reason);
            }
            TicketState::Resolved => match self.state() {
                TicketState::Resolved => {}
                // Back from closed without work in between: no new resolution.
                TicketState::Closed => self.status(row, to, None),
                TicketState::New
                | TicketState::Open
                | TicketState::Pending
                | TicketState::Hold
                | TicketState::Cancelled => self.resolve(row, "Resolved"),
            },
            TicketState::Closed => match self.state() {
                // Closed again without a reopen: it was over already.
                TicketState::Closed => {}
                TicketState::Resolved | TicketState::Cancelled => self.close(),
                TicketState::New | TicketState::Open | TicketState::Pending | TicketState::Hold => {
                    self.resolve(row, "Closed without a resolution");
                    self.close();
                }
            },
            TicketState::Cancelled => match self.state() {
                TicketState::Closed | TicketState::Cancelled => {}
                TicketState::New
                | TicketState::Open
                | TicketState::Pending
                | TicketState::Hold
                | TicketState::Resolved => self.push(TicketCancelled { reason: CancelReason::Withdrawn }),
            },
        }
    }

    fn status(&mut self, row: &Row, to: TicketState, hold_reason: Option<HoldReason>) {
        // What a ticket waits for is worth its own name; the others say all with their state.
        let waits_for = match to {
            TicketState::Pending | TicketState::Hold
                if self.mapping.names.leaves_out(Kind::Status, &self.strangers) =>
            {
                None
            }
            TicketState::Pending | TicketState::Hold => self.state_name(row),
            TicketState::New
            | TicketState::Open
            | TicketState::Resolved
            | TicketState::Closed
            | TicketState::Cancelled => None,
        };
        if self.state() == to && self.hold_reason() == hold_reason && self.waits_for() == waits_for.as_deref()
        {
            return;
        }
        self.push(StatusChanged {
            from: self.state(),
            to,
            custom_status: waits_for,
            hold_reason,
            expected_until: None,
            cause: StatusCause::Command,
            unanswered: false,
        });
    }

    fn resolve(&mut self, row: &Row, how: &str) {
        let by = self.agent().or(self.by.as_deref()).unwrap_or("unknown").to_owned();
        let m = self.mapping;
        let code = self.word(
            &m.resolution.codes,
            "resolution",
            row.optional(m.resolution.code),
            "resolved as other",
        );
        let summary = row.optional(m.resolution.summary).map(|text| cut(text, NoteText::BYTES).to_owned());
        let resolutions = self.last_resolution().map_or(0, |last| last.number);
        self.push(TicketResolved {
            by,
            code: code.unwrap_or(ResolutionCode::Other),
            summary: Personal::Plain(summary.unwrap_or_else(|| format!("{how} in {}.", m.name))),
            steps: Vec::new(),
            root_cause: None,
            confirmed_by: ConfirmedBy::None,
            override_reason: None,
            resolution_no: resolutions.saturating_add(1),
        });
    }

    fn close(&mut self) {
        let auto = self.row_kind() == ActorKind::System;
        self.push(TicketClosed { reason: CloseReason::Resolved, auto });
    }

    fn reopen(&mut self) {
        let (last, now) = (self.last_resolution(), self.clock().max(self.at));
        self.push(TicketReopened {
            by_kind: self.row_kind(),
            reason: None,
            resolution_no: last.map_or(0, |last| last.number),
            resolver_of_last: last.map(|last| last.by.clone()),
            since_resolved_ms: last.map_or(0, |last| now.since(last.at)),
            follow_up: false,
        });
    }
}

//! `guichet query ticket` for a person: who it is about, where it stands, what it says and what was promised.

use chrono_tz::Tz;
use guichet_schemas::time::Timestamp;
use guichet_schemas::view::readable;
use guichet_schemas::wire::{self, SlaClockState};
use guichet_schemas::words::SlaMetric;

use crate::show;
use crate::timeline::{Story, head};
use guichet_client::output::{Look, one_line, printable};

/// Columns before a text that belongs to a heading.
const MARGIN: usize = 2;
/// Columns of what was promised.
const PROMISE: usize = 18;

pub(crate) fn card(ticket: &wire::TicketView, position: u64, now: Timestamp, look: Look) -> String {
    let story = Story { ticket, entries: &[], position, now, as_of: None };
    let mut out = head(&story, Tz::UTC, look);
    let description = readable(ticket.description.as_ref());
    if !description.is_empty() {
        out.push_str(&format!("\n{}\n", look.bold("Description")));
        for line in show::wrapped(&printable(description), look.width - MARGIN) {
            out.push_str(format!("{:MARGIN$}{line}", "").trim_end());
            out.push('\n');
        }
    }
    if !ticket.sla_clocks.is_empty() {
        out.push_str(&format!("\n{}\n", look.bold("Promises")));
    }
    for clock in &ticket.sla_clocks {
        out.push_str(&promise(clock, now, look));
    }
    if ticket.sla_clocks_left_out > 0 {
        let more = show::count(ticket.sla_clocks_left_out, "more promise", "more promises");
        out.push_str(&look.dim(&format!("  {more}: guichet query sla_clocks {}\n", ticket.number)));
    }
    if !ticket.allowed_verbs.is_empty() {
        let verbs = format!("Possible now: {}", ticket.allowed_verbs.join(", "));
        out.push_str(&format!("\n{}\n", show::wrapped(&verbs, look.width).join("\n")));
    }
    out
}

fn promise(clock: &wire::SlaClockView, now: Timestamp, look: Look) -> String {
    let span = |seconds: u64| show::span(seconds.saturating_mul(1000));
    let target = u64::from(clock.target_s);
    let late = || look.alarm(&format!("late by {}", span(clock.consumed_s.saturating_sub(target))));
    let standing = match clock.state() {
        SlaClockState::Running
            if clock.breached_at.is_some() || clock.due_at.is_some_and(|due| due < now.0) =>
        {
            late()
        }
        SlaClockState::Running => format!("{} left", span(clock.remaining_s)),
        SlaClockState::Paused => format!("paused, {} left", span(clock.remaining_s)),
        SlaClockState::Met => "kept".to_owned(),
        SlaClockState::Breached => look.alarm("broken"),
        SlaClockState::Voided => "broken, does not count".to_owned(),
        SlaClockState::Cancelled | SlaClockState::Unspecified => "came to nothing".to_owned(),
    };
    let again = if clock.instance > 1 { format!(" {}", clock.instance) } else { String::new() };
    let metric = format!("{}{again}", show::word::<SlaMetric>(clock.metric));
    let due = clock.due_at.map_or(String::new(), |at| format!(", due {} UTC", show::minute(Timestamp(at))));
    let used = format!("{} of {} used", span(clock.consumed_s), span(target));
    format!(
        "  {}{standing}{due}; {used} ({})\n",
        look.dim(&format!("{metric:<PROMISE$}")),
        one_line(&clock.policy)
    )
}

#[cfg(test)]
mod tests {
    use guichet_schemas::event::Personal;
    use guichet_schemas::mirror::Wire as _;
    use guichet_schemas::view::personal;
    use guichet_schemas::words::{Channel, Priority, TicketState, TicketType};

    use super::*;

    fn clock(state: SlaClockState, consumed_s: u64, due_at: Option<i64>) -> wire::SlaClockView {
        wire::SlaClockView {
            metric: SlaMetric::FirstReply.to_wire(),
            instance: 1,
            state: state as i32,
            policy: "everybody".to_owned(),
            target_s: 3600,
            consumed_s,
            remaining_s: 3600_u64.saturating_sub(consumed_s),
            due_at,
            ..Default::default()
        }
    }

    fn ticket() -> wire::TicketView {
        wire::TicketView {
            number: "T-7".to_owned(),
            state: TicketState::Open.to_wire(),
            priority: Priority::High.to_wire(),
            r#type: TicketType::Incident.to_wire(),
            channel: Channel::Email.to_wire(),
            requester: "r-1".to_owned(),
            assignee: Some("alice".to_owned()),
            group: Some("network".to_owned()),
            subject: personal(Personal::Plain("VPN drops".to_owned())),
            description: personal(Personal::Plain("Every ten minutes.\n\n\u{1b}[2JLaptop 7".to_owned())),
            allowed_verbs: vec!["assign".to_owned(), "resolve".to_owned()],
            ..Default::default()
        }
    }

    #[test]
    fn a_card_says_who_what_and_what_was_promised() {
        let clocks = vec![
            clock(SlaClockState::Met, 600, None),
            clock(SlaClockState::Running, 5400, Some(-60_000)),
            clock(SlaClockState::Running, 1800, Some(1_800_000)),
        ];
        let ticket = wire::TicketView { sla_clocks: clocks, sla_clocks_left_out: 2, ..ticket() };
        let said = card(&ticket, 12, Timestamp(0), Look::PLAIN);
        for line in [
            "T-7  VPN drops",
            "open · high priority · incident · tier 0",
            "alice, group network",
            "  Every ten minutes.",
            "  \\u{1b}[2JLaptop 7",
            "  first reply       kept; 10 min of 1 h 0 min used (everybody)",
            "  first reply       late by 30 min, due 1969-12-31 23:59 UTC; 1 h 30 min of 1 h 0 min used (everybody)",
            "  first reply       30 min left, due 1970-01-01 00:30 UTC; 30 min of 1 h 0 min used (everybody)",
            "  2 more promises: guichet query sla_clocks T-7",
            "Possible now: assign, resolve",
        ] {
            assert!(said.lines().any(|l| l.trim_end().ends_with(line)), "{line:?} is not in\n{said}");
        }
        assert!(!said.contains('\u{1b}'), "a ticket cannot steer the terminal");
    }

    #[test]
    fn what_a_ticket_has_not_is_not_headed() {
        let said = card(&wire::TicketView { description: None, ..ticket() }, 12, Timestamp(0), Look::PLAIN);
        assert!(!said.contains("Description") && !said.contains("Promises"), "{said}");
    }
}

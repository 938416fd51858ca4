//! How values are written for a reader: numbers, shares, spans, and the words of states and priorities.

use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;
use guichet_schemas::words::{Priority, TicketState};

use super::text::Text;

/// Shown where there is no value.
pub(super) const NOTHING: &str = "–";

/// The id of a ticket in another system, and the name of that system.
pub(super) fn external_ref(ticket: &wire::TicketView) -> String {
    let reference = ticket.external_ref.as_ref();
    reference
        .map_or_else(|| NOTHING.to_owned(), |reference| format!("{} ({})", reference.id, reference.source))
}

/// A whole number, with its thousands parted.
pub(super) fn count(t: &Text, n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + 4);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(t.thousands);
        }
        out.push(digit);
    }
    out
}

/// A number with so many decimals.
pub(super) fn decimal(t: &Text, value: f64, decimals: usize) -> String {
    format!("{value:.decimals$}").replace('.', &t.point.to_string())
}

/// A share as percent.
pub(super) fn percent(t: &Text, value: f64) -> String {
    let blank = if t.lang == "fr" { "\u{202f}" } else { "" };
    format!("{}{blank}%", decimal(t, value * 100.0, 1))
}

/// A span in its two largest units: "3 d 4 h".
pub(super) fn span(t: &Text, ms: u64) -> String {
    let minutes = ms / 60_000;
    let (days, hours, minutes) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    let unit = |n: u64, unit: &str| format!("{n}\u{a0}{unit}");
    match (days, hours, minutes) {
        (0, 0, 0) => t.ago_less_than_a_minute.to_owned(),
        (0, 0, m) => unit(m, t.minutes),
        (0, h, m) => format!("{} {}", unit(h, t.hours), unit(m, t.minutes)),
        (d, h, _) if d < 14 => format!("{} {}", unit(d, t.days), unit(h, t.hours)),
        (d, _, _) => unit(d, t.days),
    }
}

/// An instant, for the attribute that machines read.
pub(super) fn machine(ms: i64) -> String {
    Timestamp(ms).to_string()
}

/// An instant for people, in UTC until the browser writes it in its own zone.
pub(super) fn minute(ms: i64) -> String {
    Timestamp(ms).to_chrono().map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M UTC").to_string())
}

/// The name of a state.
pub(super) const fn state(t: &Text, state: TicketState) -> &'static str {
    match state {
        TicketState::New => t.new,
        TicketState::Open => t.open,
        TicketState::Pending => t.pending,
        TicketState::Hold => t.hold,
        TicketState::Resolved => t.resolved_state,
        TicketState::Closed => t.closed,
        TicketState::Cancelled => t.cancelled,
    }
}

/// The name of a priority.
pub(super) const fn priority(t: &Text, priority: Priority) -> &'static str {
    match priority {
        Priority::Low => t.low,
        Priority::Normal => t.normal,
        Priority::High => t.high,
        Priority::Urgent => t.urgent,
    }
}

/// A word of the wire and its name; nothing for what is newer than this page.
pub(super) fn state_of(t: &Text, wire: i32) -> (&'static str, &'static str) {
    use guichet_schemas::mirror::Wire as _;
    TicketState::from_wire(wire).map_or(("", NOTHING), |s| (s.as_str(), state(t, s)))
}

/// The same for a priority.
pub(super) fn priority_of(t: &Text, wire: i32) -> (&'static str, &'static str) {
    use guichet_schemas::mirror::Wire as _;
    Priority::from_wire(wire).map_or(("", NOTHING), |p| (p.as_str(), priority(t, p)))
}

/// The name of a read model's state.
pub(super) const fn model_state(t: &Text, state: wire::ProjectionState) -> &'static str {
    match state {
        wire::ProjectionState::Unspecified => t.state_unknown,
        wire::ProjectionState::Live => t.state_live,
        wire::ProjectionState::CatchingUp => t.state_catching_up,
        wire::ProjectionState::Rebuilding => t.state_rebuilding,
        wire::ProjectionState::Degraded => t.state_degraded,
        wire::ProjectionState::Halted => t.state_halted,
    }
}

/// A text as a part of an address.
pub(super) fn in_address(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::text::by_code;
    use super::*;

    #[test]
    fn values_are_written_in_the_readers_language() {
        let (en, fr) = (by_code("en").unwrap(), by_code("fr").unwrap());
        assert_eq!(count(en, 1_234_567), "1,234,567");
        assert_eq!(count(fr, 12_345), "12\u{202f}345");
        assert_eq!(count(en, 999), "999");
        assert_eq!(decimal(fr, 1.25, 2), "1,25");
        assert_eq!(percent(en, 0.0417), "4.2%");
        assert_eq!(span(en, 59_000), "< 1\u{a0}min");
        assert_eq!(span(fr, 3 * 86_400_000 + 4 * 3_600_000), "3\u{a0}j 4\u{a0}h");
        assert_eq!(span(en, 90 * 60_000), "1\u{a0}h 30\u{a0}min");
        assert_eq!(in_address("a b/é"), "a%20b%2F%C3%A9");
    }
}

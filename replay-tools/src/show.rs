//! How values look in a text for people: words, times, spans, wrapped lines.

use chrono::TimeZone as _;
use chrono_tz::Tz;
use guichet_schemas::mirror::Wire;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{AssetView, ExternalView, MergedTicket, TicketLink, TicketView};
use guichet_schemas::words::{HoldReason, LinkKind, TicketState};

use guichet_client::output::one_line;

/// An enumeration of the wire as a word; unknown ones, of a newer program, say so.
#[must_use]
pub fn word<W: Wire<Repr = i32> + std::fmt::Display>(repr: i32) -> String {
    W::from_wire(repr).map_or_else(|_| "unknown".to_owned(), |w| w.to_string().replace('_', " "))
}

/// The tickets that a ticket is tied to, each with how.
#[must_use]
pub fn links(ticket: &TicketView) -> String {
    let one = |link: &TicketLink| {
        let from = if link.from_other { ", seen from there" } else { "" };
        format!("{} ({}{from})", link.number, word::<LinkKind>(link.kind))
    };
    ticket.links.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Where other systems have to do with a ticket.
#[must_use]
pub fn externals(ticket: &TicketView) -> String {
    let one = |e: &ExternalView| match &e.url {
        Some(url) => format!("{} {} ({url})", e.system, e.r#ref),
        None => format!("{} {}", e.system, e.r#ref),
    };
    ticket.externals.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The equipment that a ticket is about.
#[must_use]
pub fn assets(ticket: &TicketView) -> String {
    let one = |a: &AssetView| match a.label.as_ref().or(a.kind.as_ref()) {
        Some(what) => format!("{} {} ({what})", a.system, a.asset),
        None => format!("{} {}", a.system, a.asset),
    };
    ticket.assets.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The numbers of tickets that became one, in their order.
#[must_use]
pub fn numbers(tickets: &[MergedTicket]) -> String {
    tickets.iter().map(|ticket| ticket.number.as_str()).collect::<Vec<_>>().join(", ")
}

/// The state of a ticket with what qualifies it.
#[must_use]
pub fn state(ticket: &TicketView) -> String {
    let mut text = word::<TicketState>(ticket.state);
    if let Some(reason) = ticket.hold_reason {
        text.push_str(&format!(" ({})", word::<HoldReason>(reason)));
    }
    if let Some(custom) = &ticket.custom_status {
        text.push_str(&format!(" ({custom})"));
    }
    text
}

/// Date and minute in UTC.
#[must_use]
pub fn minute(at: Timestamp) -> String {
    in_zone(at, Tz::UTC, "%Y-%m-%d %H:%M")
}

/// Date and second in a zone.
#[must_use]
pub fn second(at: Timestamp, zone: Tz) -> String {
    in_zone(at, zone, "%Y-%m-%d %H:%M:%S")
}

/// The hour of the clock, to the second.
#[must_use]
pub fn clock(at: Timestamp, zone: Tz) -> String {
    in_zone(at, zone, "%H:%M:%S")
}

/// The day as people say it.
#[must_use]
pub fn day(at: Timestamp, zone: Tz) -> String {
    in_zone(at, zone, "%A %-d %B %Y")
}

fn in_zone(at: Timestamp, zone: Tz, format: &str) -> String {
    at.to_chrono()
        .map_or_else(|| at.to_string(), |t| zone.from_utc_datetime(&t.naive_utc()).format(format).to_string())
}

/// A span of time in its two largest units.
///
/// ```
/// use guichet_replay_tools::show::span;
/// assert_eq!(span(45_000), "45 s");
/// assert_eq!(span(3_720_000), "1 h 2 min");
/// assert_eq!(span(90_000_000), "1 d 1 h");
/// ```
#[must_use]
pub fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, m) => format!("{m} min"),
        (0, h, m) => format!("{h} h {} min", m % 60),
        (d, h, _) => format!("{d} d {} h", h % 24),
    }
}

/// At most `max` characters on one line.
#[must_use]
pub fn shortened(text: &str, max: usize) -> String {
    let line = one_line(text);
    match line.char_indices().nth(max.saturating_sub(1)) {
        Some((end, last)) if line.len() > end + last.len_utf8() => format!("{}…", line[..end].trim_end()),
        Some(_) | None => line,
    }
}

/// Breaks a text between words so that no line is longer than `width` characters; a longer word stays whole.
/// The text's own line breaks stay.
#[must_use]
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.trim_end().split('\n') {
        let mut line = String::new();
        let mut length = 0;
        for word in paragraph.split_whitespace() {
            let more = word.chars().count();
            if length > 0 && length + 1 + more > width {
                lines.push(std::mem::take(&mut line));
                length = 0;
            }
            if length > 0 {
                line.push(' ');
                length += 1;
            }
            line.push_str(word);
            length += more;
        }
        lines.push(line);
    }
    lines
}

/// `1 event`, `2 events`.
#[must_use]
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("the VPN drops\nevery minute", 8), ["the VPN", "drops", "every", "minute"]);
        assert_eq!(wrapped("unbreakable", 4), ["unbreakable"]);
        assert_eq!(wrapped("a\n\nb\n", 9), ["a", "", "b"]);
    }

    #[test]
    fn a_long_text_ends_with_a_sign() {
        assert_eq!(shortened("été à Nice", 20), "été à Nice");
        assert_eq!(shortened("été à Nice", 7), "été à…");
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("abcd", 3), "ab…");
    }

    #[test]
    fn times_are_those_of_the_zone() {
        let at = Timestamp::parse("2026-03-29T00:59:59Z").unwrap();
        assert_eq!(second(at, Tz::Europe__Paris), "2026-03-29 01:59:59");
        assert_eq!(second(Timestamp(at.0 + 1000), Tz::Europe__Paris), "2026-03-29 03:00:00");
        assert_eq!(day(at, Tz::Europe__Paris), "Sunday 29 March 2026");
    }
}

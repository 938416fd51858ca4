//! Holidays from a calendar file (RFC 5545), as states and companies publish them.

use chrono::{Days, NaiveDate};
use icalendar::{Calendar, CalendarComponent, Component as _, DatePerhapsTime, Event, EventStatus};

use crate::fault::Fault;

/// An event that lasts longer is no holiday but a mistake, such as a year in the wrong century.
const DAYS_MAX: u64 = 366;

/// The dates of all whole days in a calendar file, in order and each once. What is cancelled is left out.
///
/// # Errors
/// It is no calendar, or holds something that is not a whole day on a date of its own: an hour, or a rule of recurrence,
/// which would have to be followed for ever. Leaving it out would keep a desk open on a holiday.
///
/// ```
/// let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n\
///             DTSTART;VALUE=DATE:20261225\r\nSUMMARY:Noël\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
/// let days = guichet_config::holidays_ical(text).unwrap();
/// assert_eq!(days[0].to_string(), "2026-12-25");
/// ```
pub fn holidays_ical(text: &str) -> Result<Vec<NaiveDate>, Fault> {
    if !text.trim_start().starts_with("BEGIN:VCALENDAR") {
        return Err(Fault::at("holidays_ical", "it does not begin with BEGIN:VCALENDAR"));
    }
    let calendar: Calendar = text.parse().map_err(|fault| Fault::at("holidays_ical", fault))?;
    let mut days = Vec::new();
    for component in &calendar.components {
        if let CalendarComponent::Event(event) = component
            && event.get_status() != Some(EventStatus::Cancelled)
        {
            days.extend(whole_days(event)?);
        }
    }
    if days.is_empty() {
        return Err(Fault::at("holidays_ical", "there is no event in it"));
    }
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

fn whole_days(event: &Event) -> Result<Vec<NaiveDate>, Fault> {
    let name = event.get_summary().unwrap_or("without a name");
    let fault = |rule: &str| Fault::at("holidays_ical", format!("event {name:?} {rule}"));
    for rule in ["RRULE", "RDATE", "DURATION"] {
        if event.property_value(rule).is_some() {
            return Err(fault(&format!("has {rule}; each holiday needs a date of its own")));
        }
    }
    let date = |at: Option<DatePerhapsTime>| match at {
        Some(DatePerhapsTime::Date(day)) => Ok(Some(day)),
        Some(DatePerhapsTime::DateTime(_)) => Err(fault("is not a whole day")),
        None => Ok(None),
    };
    let first = date(event.get_start())?.ok_or_else(|| fault("has no date"))?;
    // The end is the day after the last; without one it is a single day.
    let end = date(event.get_end())?.or_else(|| first.succ_opt()).unwrap_or(first);
    let length = u64::try_from(end.signed_duration_since(first).num_days()).unwrap_or(0);
    if !(1..=DAYS_MAX).contains(&length) {
        return Err(fault("does not last 1 to 366 days"));
    }
    Ok((0..length).filter_map(|n| first.checked_add_days(Days::new(n))).collect())
}

#[cfg(test)]
mod tests {
    use super::holidays_ical;

    fn event(lines: &[&str]) -> String {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        format!("BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Pont\r\n{lines}END:VEVENT\r\n")
    }

    fn read(events: &[String]) -> Result<Vec<String>, String> {
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{}END:VCALENDAR\r\n",
            events.concat()
        );
        let days = holidays_ical(&text).map_err(|fault| fault.to_string())?;
        Ok(days.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn whole_days_are_read_in_order_and_once() {
        let bridge = event(&["DTSTART;VALUE=DATE:20260514", "DTEND;VALUE=DATE:20260517"]);
        let single = event(&["DTSTART;VALUE=DATE:20260101"]);
        let again = event(&["DTSTART;VALUE=DATE:20260515", "DTEND;VALUE=DATE:20260516"]);
        let cancelled = event(&["DTSTART;VALUE=DATE:20260601", "STATUS:CANCELLED"]);
        let days = read(&[bridge, single, again, cancelled]).unwrap();
        assert_eq!(days, ["2026-01-01", "2026-05-14", "2026-05-15", "2026-05-16"]);
    }

    #[test]
    fn what_is_no_whole_day_of_its_own_is_refused() {
        let refused = [
            (vec!["DTSTART:20260514T090000Z"], "is not a whole day"),
            (vec!["DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=YEARLY"], "has RRULE"),
            (vec!["DTSTART;VALUE=DATE:20260102", "DTEND;VALUE=DATE:20260101"], "does not last"),
            (vec!["LOCATION:Lyon"], "has no date"),
        ];
        for (lines, rule) in refused {
            let fault = read(&[event(&lines)]).unwrap_err();
            assert!(fault.contains(rule), "{lines:?}: {fault}");
        }
        assert!(read(&[]).unwrap_err().contains("no event"));
        assert!(holidays_ical("2026-01-01").is_err());
    }
}

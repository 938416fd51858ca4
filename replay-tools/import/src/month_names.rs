//! The names of months and days of the week in French, as the three letters of English that chrono reads.

use chrono::format::{Fixed, Item};

/// A name that a pattern reads, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Month,
    Weekday,
}

const MONTHS: [(&str, &[&str]); 12] = [
    ("Jan", &["jan", "janv", "janvier", "january"]),
    ("Feb", &["feb", "fev", "fevr", "fevrier", "february"]),
    ("Mar", &["mar", "mars", "march"]),
    ("Apr", &["apr", "avr", "avril", "april"]),
    ("May", &["mai", "may"]),
    ("Jun", &["jun", "juin", "june"]),
    ("Jul", &["jul", "juil", "juill", "juillet", "july"]),
    ("Aug", &["aug", "aou", "aout", "august"]),
    ("Sep", &["sep", "sept", "septembre", "september"]),
    ("Oct", &["oct", "octobre", "october"]),
    ("Nov", &["nov", "novembre", "november"]),
    ("Dec", &["dec", "decembre", "december"]),
];

const WEEKDAYS: [(&str, &[&str]); 7] = [
    ("Mon", &["lun", "lundi", "mon", "monday"]),
    ("Tue", &["mar", "mardi", "tue", "tues", "tuesday"]),
    ("Wed", &["mer", "mercredi", "wed", "wednesday"]),
    ("Thu", &["jeu", "jeudi", "thu", "thur", "thurs", "thursday"]),
    ("Fri", &["ven", "vendredi", "fri", "friday"]),
    ("Sat", &["sam", "samedi", "sat", "saturday"]),
    ("Sun", &["dim", "dimanche", "sun", "sunday"]),
];

/// The names that a pattern reads.
pub(super) fn of(items: &[Item<'_>]) -> Vec<Name> {
    let name = |item: &Item<'_>| {
        if let Item::Fixed(Fixed::ShortMonthName | Fixed::LongMonthName) = item {
            Some(Name::Month)
        } else if let Item::Fixed(Fixed::ShortWeekdayName | Fixed::LongWeekdayName) = item {
            Some(Name::Weekday)
        } else {
            None
        }
    };
    items.iter().filter_map(name).collect()
}

/// The text with its names, and the points that shorten them, in English; `None` where one is missing.
pub(super) fn in_english(text: &str, names: &[Name]) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let mut wanted = names.iter().copied().peekable();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(name) = wanted.peek().copied() {
        let begin = rest.find(char::is_alphabetic)?;
        let (before, word) = rest.split_at(begin);
        let end = word.find(|c: char| !c.is_alphabetic()).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        out.push_str(before);
        match english(word, name) {
            Some(english) => {
                out.push_str(english);
                rest = after.strip_prefix('.').unwrap_or(after);
                wanted.next();
            }
            None => {
                out.push_str(word);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Some(out)
}

fn english(word: &str, name: Name) -> Option<&'static str> {
    let plain: String = word.to_lowercase().chars().map(without_accent).collect();
    let table: &[(&str, &[&str])] = match name {
        Name::Month => &MONTHS,
        Name::Weekday => &WEEKDAYS,
    };
    table.iter().find(|(_, words)| words.contains(&plain.as_str())).map(|(english, _)| *english)
}

const fn without_accent(c: char) -> char {
    match c {
        'é' | 'è' => 'e',
        'û' | 'ù' => 'u',
        _ => c,
    }
}

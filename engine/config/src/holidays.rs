//! Public holidays as dates: those of France by computation, any others from an iCalendar file. What is published are
//! the dates: an auditor needs no program to know on which days a desk was closed.

mod ical;

use chrono::{Days, NaiveDate};

pub use self::ical::holidays_ical;

/// Tables by name, as `holidays_of` in a file calls them.
pub const TABLES: [&str; 2] = ["fr", "fr-alsace-moselle"];

/// The public holidays of France in a year, in the order of the calendar: the eleven days of the Code du travail,
/// article L3133-1. The three that move follow Easter; years before 1583 have none that are computed.
///
/// ```
/// let days = guichet_config::holidays_fr(2026);
/// assert_eq!(days[1].0.to_string(), "2026-04-06");
/// assert_eq!(days[1].1, "lundi de Pâques");
/// ```
#[must_use]
pub fn holidays_fr(year: i32) -> Vec<(NaiveDate, &'static str)> {
    of(
        year,
        &[
            (1, 1, "jour de l'an"),
            (5, 1, "fête du Travail"),
            (5, 8, "victoire de 1945"),
            (7, 14, "fête nationale"),
            (8, 15, "Assomption"),
            (11, 1, "Toussaint"),
            (11, 11, "armistice de 1918"),
            (12, 25, "Noël"),
        ],
        &[(1, "lundi de Pâques"), (39, "Ascension"), (50, "lundi de Pentecôte")],
    )
}

/// The days that Bas-Rhin, Haut-Rhin and Moselle have beside [`holidays_fr`]: Code du travail, article L3134-13. Good
/// Friday is one only in communes with a Protestant church or a church of both confessions.
#[must_use]
pub fn holidays_fr_alsace_moselle(year: i32) -> Vec<(NaiveDate, &'static str)> {
    of(year, &[(12, 26, "second jour de Noël")], &[(-2, "vendredi saint")])
}

/// The dates of a table in a year; `None`: there is no such table.
pub(crate) fn of_table(table: &str, year: i32) -> Option<Vec<NaiveDate>> {
    let mut days = match table {
        "fr" => holidays_fr(year),
        "fr-alsace-moselle" => [holidays_fr(year), holidays_fr_alsace_moselle(year)].concat(),
        _ => return None,
    };
    days.sort_unstable();
    Some(days.into_iter().map(|(day, _)| day).collect())
}

fn of(
    year: i32,
    fixed: &[(u32, u32, &'static str)],
    from_easter: &[(i64, &'static str)],
) -> Vec<(NaiveDate, &'static str)> {
    let fixed = fixed
        .iter()
        .filter_map(|(month, day, name)| Some((NaiveDate::from_ymd_opt(year, *month, *day)?, *name)));
    let easter = easter(year);
    let moving = from_easter.iter().filter_map(|(days, name)| {
        let by = Days::new(days.unsigned_abs());
        let day = if *days < 0 { easter?.checked_sub_days(by) } else { easter?.checked_add_days(by) };
        Some((day?, *name))
    });
    // The order of two holidays on one day, as 1 May 2008, is that of their names: it must not change between runs.
    let mut days: Vec<_> = fixed.chain(moving).collect();
    days.sort_unstable();
    days
}

/// Easter Sunday of the Gregorian calendar: the algorithm of Meeus, Jones and Butcher (J. Meeus, Astronomical
/// Algorithms, 2nd edition, chapter 8, "Date of Easter"), valid for every year from 1583 on.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "of a year of at most four digits each step stays below 2^31"
)]
fn easter(year: i32) -> Option<NaiveDate> {
    if !(1583..=9999).contains(&year) {
        return None;
    }
    let golden = year % 19;
    let (century, rest) = (year / 100, year % 100);
    let (leap, leap_rest) = (century / 4, century % 4);
    let moon = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - leap - moon + 15) % 30;
    let (quarter, quarter_rest) = (rest / 4, rest % 4);
    let weekday = (32 + 2 * leap_rest + 2 * quarter - epact - quarter_rest) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let day = epact + weekday - 7 * late + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(day / 31).ok()?, u32::try_from(day % 31 + 1).ok()?)
}

#[cfg(test)]
mod tests {
    use super::{holidays_fr, holidays_fr_alsace_moselle, of_table};

    fn dates(days: &[(chrono::NaiveDate, &str)]) -> Vec<String> {
        days.iter().map(|(day, _)| day.to_string()).collect()
    }

    /// As service-public.fr prints them.
    #[test]
    fn the_french_holidays_of_2026_and_2027_are_the_published_ones() {
        assert_eq!(
            dates(&holidays_fr(2026)),
            [
                "2026-01-01",
                "2026-04-06",
                "2026-05-01",
                "2026-05-08",
                "2026-05-14",
                "2026-05-25",
                "2026-07-14",
                "2026-08-15",
                "2026-11-01",
                "2026-11-11",
                "2026-12-25",
            ]
        );
        assert_eq!(
            dates(&holidays_fr(2027)),
            [
                "2027-01-01",
                "2027-03-29",
                "2027-05-01",
                "2027-05-06",
                "2027-05-08",
                "2027-05-17",
                "2027-07-14",
                "2027-08-15",
                "2027-11-01",
                "2027-11-11",
                "2027-12-25",
            ]
        );
    }

    #[test]
    fn alsace_and_moselle_have_two_days_more() {
        assert_eq!(dates(&holidays_fr_alsace_moselle(2026)), ["2026-04-03", "2026-12-26"]);
        assert_eq!(of_table("fr-alsace-moselle", 2027).unwrap().len(), 13);
        assert_eq!(of_table("de", 2027), None);
    }

    /// The earliest and the latest Easter there can be, the two years for which the simpler rule of Gauss needs its
    /// exceptions (1954, 1981), and two others.
    #[test]
    fn easter_is_where_the_almanacs_have_it() {
        let known = [
            (1818, "03-22"),
            (1943, "04-25"),
            (1954, "04-18"),
            (1981, "04-19"),
            (2000, "04-23"),
            (2024, "03-31"),
        ];
        for (year, day) in known {
            assert_eq!(super::easter(year).unwrap().to_string(), format!("{year}-{day}"));
        }
        assert_eq!(super::easter(1582), None);
    }
}

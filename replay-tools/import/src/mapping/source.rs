//! The table `[source]`.

use chrono_tz::Tz;

use super::Fault;
use super::shape::{Json, Source};
use crate::dates::Dates;
use crate::encoding;
use crate::grammar::{self, Columns, Format, Order};
use crate::json_paths::{self, Step};

pub(super) fn source(s: grammar::Source) -> Result<Source, Fault> {
    if s.tie.is_some() && s.order != Order::Time {
        return Err(Fault::new("source.tie", "is only for order = \"time\""));
    }
    if s.decimal.is_some() && s.format != Format::Csv {
        return Err(Fault::new("source.decimal", "is only for csv"));
    }
    let delimiter = of_csv("source.delimiter", s.delimiter.as_deref(), s.format)?;
    let escape = of_csv("source.escape", s.escape.as_deref(), s.format)?;
    let encoding = s.encoding.as_deref().map(|label| {
        encoding::of_label(label).ok_or_else(|| {
            let hint = "is no encoding of the WHATWG, such as \"utf-8\", \"windows-1252\" or \"utf-16le\"";
            Fault::new("source.encoding", format!("{label:?} {hint}"))
        })
    });
    let encoding = encoding.transpose()?;
    match (&s.object_type, s.format == Format::Ocel) {
        (None, true) => {
            return Err(Fault::new("source.object_type", "must name the type of object that is a ticket"));
        }
        (Some(_), false) => return Err(Fault::new("source.object_type", "is only for ocel")),
        (Some(_), true) | (None, false) => {}
    }
    let json = json("source", s.format, s.records.as_deref(), s.rows)?;
    let decimal = decimal(s.decimal.as_deref())?;
    let zone = s.zone.as_deref().map_or(Ok(Tz::UTC), parse_zone)?;
    let mut dates = Dates::new(&s.date_formats, zone).map_err(|(i, why)| {
        Fault::new(format!("source.date_formats[{i}]"), format!("{:?} {why}", s.date_formats[i]))
    })?;
    match s.two_digit_years.as_deref() {
        None => {}
        Some("20xx") => dates.set_this_century(),
        Some(_) => return Err(Fault::new("source.two_digit_years", "must be \"20xx\"")),
    }
    dates.set_decimal(decimal);
    Ok(Source {
        format: s.format,
        encoding,
        delimiter,
        escape,
        member: s.member,
        json,
        object_type: s.object_type,
        dates,
        missing: s.missing,
        // Traces keep a ticket together by their nature. Elsewhere a wrong promise would tear tickets apart.
        grouped: s.grouped.unwrap_or(s.format == Format::Xes),
        order: s.order,
        tie: None,
        absent: s.absent,
        too_long: s.too_long,
        decimal,
    })
}

fn decimal(text: Option<&str>) -> Result<char, Fault> {
    match text {
        None | Some(".") => Ok('.'),
        Some(",") => Ok(','),
        Some(_) => Err(Fault::new("source.decimal", "must be \".\" or \",\"")),
    }
}

/// A key of CSV whose value is one character.
pub(crate) fn of_csv(key: &str, value: Option<&str>, format: Format) -> Result<Option<u8>, Fault> {
    match value.map(str::as_bytes) {
        None => Ok(None),
        Some(_) if format != Format::Csv => Err(Fault::new(key, "is only for csv")),
        Some(&[byte]) if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(Some(byte)),
        Some(_) => Err(Fault::new(
            key,
            "must be one ASCII character that is no quote and no line end, such as \";\" or \"\\t\"",
        )),
    }
}

pub(crate) fn json(
    table: &str,
    format: Format,
    records: Option<&str>,
    rows: Option<Columns>,
) -> Result<Json, Fault> {
    let (records_key, rows_key) = (format!("{table}.records"), format!("{table}.rows"));
    let path = |key: &str, path: &str| {
        let steps = json_paths::steps(path).map_err(|why| Fault::new(key, format!("{path:?} {why}")))?;
        let chooses = steps.iter().any(|step| matches!(step, Step::Where(..)));
        if steps.last() == Some(&Step::Each) && !chooses {
            return Ok(steps);
        }
        Err(Fault::new(
            key,
            format!(
                "{path:?} must end with \"[]\", and choose no element: it leads to all elements of a list"
            ),
        ))
    };
    if records.is_some() && format != Format::Json {
        return Err(Fault::new(records_key, "is only for json"));
    }
    if rows.is_some() && !matches!(format, Format::Json | Format::Jsonl) {
        return Err(Fault::new(rows_key, "is only for json and jsonl"));
    }
    Ok(Json {
        records: records.map(|p| path(&records_key, p)).transpose()?,
        rows: rows
            .map_or_else(Vec::new, Columns::into_vec)
            .iter()
            .map(|p| path(&rows_key, p))
            .collect::<Result<_, _>>()?,
    })
}

pub(super) fn parse_zone(zone: &str) -> Result<Tz, Fault> {
    zone.parse().map_err(|_| {
        Fault::new(
            "source.zone",
            format!("{zone:?} is no zone of the IANA database, such as \"Europe/Paris\""),
        )
    })
}

//! Queries and their answers as JSON: the filters stand beside the common fields, an answer says `ok` first.

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::command::{ErrorForm, Refused};
use super::{object, path};
use crate::wire;
use crate::wire::query::Data;
use crate::wire::query_reply::Data as Answer;

macro_rules! queries {
    ({ $($name:literal => $variant:ident,)* }
     $($of:ident { $($report:literal => $asked:ident: $answer:ident $about:tt)* })*) => {
        fn read_filters(name: &str, json: &str) -> Result<Option<Data>, serde_json::Error> {
            match name {
                $($name => path::read("", json.as_bytes()).map(|d| Some(Data::$variant(d))),)*
                $($($report => path::read("", json.as_bytes()).map(|d| Some(Data::$asked(d))),)*)*
                _ => Ok(None),
            }
        }

        /// The name of a query.
        #[must_use]
        pub const fn name_of(data: &Data) -> &'static str {
            match data {
                $(Data::$variant(_) => $name,)*
                $($(Data::$asked(_) => $report,)*)*
            }
        }

        /// Writes the rows of a report, and nothing of another answer.
        fn report_rows<M: SerializeMap>(answer: &Answer, map: &mut M) -> Result<(), M::Error> {
            match answer {
                $($(Answer::$asked(report) => map.serialize_entry("data", &report.rows),)*)*
                _ => Ok(()),
            }
        }
    };
}
each_report!([queries] {
    "ticket" => Ticket,
    "timeline" => Timeline,
    "tickets" => Tickets,
    "events" => Events,
    "projections" => Projections,
    "queues" => Queues,
    "queue" => Queue,
    "figures" => Figures,
    "sla_clocks" => SlaClocks,
    "sla_breaches" => SlaBreaches,
    "article" => Article,
    "articles" => Articles,
    "suggested_articles" => SuggestedArticles,
    "knowledge_gaps" => KnowledgeGaps,
});

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Common {
    #[serde(deserialize_with = "crate::json::whole::optional")]
    min_position: Option<u64>,
    #[serde(deserialize_with = "crate::json::whole::optional")]
    wait_ms: Option<u64>,
    #[serde(with = "crate::json::time::optional")]
    as_of: Option<i64>,
    #[serde(deserialize_with = "crate::json::whole::optional")]
    as_of_position: Option<u64>,
    #[serde(deserialize_with = "crate::json::whole::optional")]
    limit: Option<u32>,
    cursor: Option<String>,
    #[serde(deserialize_with = "crate::json::whole::optional")]
    access: Option<u64>,
}
const COMMON: &[&str] = &["min_position", "wait_ms", "as_of", "as_of_position", "limit", "cursor", "access"];

/// Reads a query whose name stands in the subject. An empty body asks with the defaults.
///
/// # Errors
/// What is not as the schema says, and where.
pub fn read(name: &str, body: &[u8]) -> Result<wire::Query, serde_json::Error> {
    struct Fields(Vec<(String, Box<RawValue>)>);
    impl<'de> Deserialize<'de> for Fields {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            object::unique(d, |raw| Ok(raw.to_owned())).map(|m| Self(m.into_iter().collect()))
        }
    }
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    path::shallow(body)?;
    let fields: Fields = path::read("", body)?;
    let (common, filters): (Vec<_>, Vec<_>) =
        fields.0.into_iter().partition(|(k, _)| COMMON.contains(&k.as_str()));
    let common: Common = path::read("", joined(&common)?.as_bytes())?;
    let data = read_filters(name, &joined(&filters)?)?;
    if data.is_none() {
        return Err(serde_json::Error::custom(format!("{name} is no query")));
    }
    Ok(wire::Query {
        min_position: common.min_position,
        wait_ms: common.wait_ms,
        as_of: common.as_of,
        as_of_position: common.as_of_position,
        limit: common.limit,
        cursor: common.cursor,
        access: common.access,
        data,
    })
}

fn joined(fields: &[(String, Box<RawValue>)]) -> Result<String, serde_json::Error> {
    let mut out = String::from("{");
    for (i, (key, value)) in fields.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&serde_json::to_string(key)?);
        out.push(':');
        out.push_str(value.get());
    }
    out.push('}');
    Ok(out)
}

impl Serialize for wire::QueryReply {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        if let Some(Answer::Error(error)) = &self.data {
            let refused = Refused { ok: false, error: ErrorForm(error) };
            map.serialize_entry("ok", &refused.ok)?;
            map.serialize_entry("error", &refused.error)?;
            return map.end();
        }
        map.serialize_entry("ok", &true)?;
        map.serialize_entry("as_of_position", &self.as_of_position)?;
        map.serialize_entry("as_of_time", &crate::time::Timestamp(self.as_of_time).to_string())?;
        if let Some(as_of) = self.as_of {
            map.serialize_entry("as_of", &crate::time::Timestamp(as_of).to_string())?;
        }
        if let Some(position) = self.sla_as_of_position {
            map.serialize_entry("sla_as_of_position", &position)?;
        }
        match &self.data {
            Some(Answer::Ticket(v)) => map.serialize_entry("data", v)?,
            Some(Answer::Timeline(v)) => map.serialize_entry("data", &v.entries)?,
            Some(Answer::Tickets(v)) => map.serialize_entry("data", &v.tickets)?,
            Some(Answer::Events(v)) => map.serialize_entry("data", &v.events)?,
            Some(Answer::Projections(v)) => {
                map.serialize_entry("data", &v.projections)?;
                // Beside the list, which others read as one.
                if let Some(publishing) = &v.publishing {
                    map.serialize_entry("publishing", publishing)?;
                }
            }
            Some(Answer::Queues(v)) => map.serialize_entry("data", &v.queues)?,
            Some(Answer::Queue(v)) => map.serialize_entry("data", &v.tickets)?,
            Some(Answer::Figures(v)) => map.serialize_entry("data", &v.figures)?,
            Some(report @ any_report!(Answer, _)) => report_rows(report, &mut map)?,
            Some(Answer::SlaClocks(v)) => map.serialize_entry("data", &v.clocks)?,
            Some(Answer::SlaBreaches(v)) => map.serialize_entry("data", &v.breaches)?,
            Some(Answer::Article(v)) => map.serialize_entry("data", v)?,
            Some(Answer::Articles(v)) => map.serialize_entry("data", &v.articles)?,
            Some(Answer::SuggestedArticles(v)) => map.serialize_entry("data", v)?,
            Some(Answer::KnowledgeGaps(v)) => map.serialize_entry("data", &v.gaps)?,
            Some(Answer::Error(_)) | None => {}
        }
        if !self.attainment.is_empty() {
            map.serialize_entry("attainment", &self.attainment)?;
        }
        if let Some(cursor) = &self.next_cursor {
            map.serialize_entry("next_cursor", cursor)?;
        }
        map.end()
    }
}

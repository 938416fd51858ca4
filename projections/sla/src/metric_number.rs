//! A metric in stored rows: the number of its place in the list, for people its word. The list only gets longer.

use guichet_schemas::words::SlaMetric;
use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
pub(crate) fn serialize<S: Serializer>(metric: &SlaMetric, to: S) -> Result<S::Ok, S::Error> {
    if to.is_human_readable() {
        return metric.serialize(to);
    }
    let place = SlaMetric::ALL.iter().position(|one| one == metric);
    let number = place.and_then(|place| u32::try_from(place).ok()).expect("every metric is in the list");
    to.serialize_u32(number)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SlaMetric, D::Error> {
    if from.is_human_readable() {
        return SlaMetric::deserialize(from);
    }
    let number = usize::try_from(u32::deserialize(from)?).map_err(de::Error::custom)?;
    SlaMetric::ALL.get(number).copied().ok_or_else(|| de::Error::custom("no metric"))
}

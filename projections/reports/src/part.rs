//! Parts of a report: what a ticket is by, as a text.

use guichet_schemas::mirror::Wire as _;
use guichet_schemas::words::{Channel, GroupBy, Priority};

use crate::life::Dimensions;

/// The part that a figure belongs to. `None` where the report is whole; empty: the dimension has no value.
pub(crate) type Part = Option<Box<str>>;

/// The part of a ticket that is so. Tags, kinds and reasons are of escalations, not of tickets.
pub(crate) fn of(group_by: Option<GroupBy>, now: &Dimensions<'_>) -> Part {
    let text: &str = match group_by? {
        GroupBy::Channel => Channel::from_wire(now.channel).map_or("", Channel::as_str),
        GroupBy::Priority => Priority::from_wire(now.priority).map_or("", Priority::as_str),
        GroupBy::Category => now.category,
        GroupBy::Group => now.group,
        GroupBy::Product => now.product,
        GroupBy::Agent => now.agent,
        GroupBy::Tier => return Some(now.tier.to_string().into()),
        GroupBy::Tag | GroupBy::Kind | GroupBy::Reason => return None,
    };
    Some(text.into())
}

//! Records in the order of their positions, each exactly once, decoded as far as somebody asks.

use std::ops::ControlFlow;
use std::time::Instant;

use guichet_client::output::Progress;
use guichet_schemas::codec::{DecodeError, Head, decode_record, encode_record};
use guichet_schemas::each_event;
use guichet_schemas::event::{Event, Meaning as _};
use guichet_schemas::words::TicketState;

use crate::HistoryError;
use crate::source::History;

/// Records between two looks at the progress.
const PROGRESS_EVERY: u64 = 4096;

/// Shows every record from `first` to `last`. Its head is read in place; the event itself is decoded by whoever wants
/// it ([`Head::content`], [`Head::event`]).
///
/// # Errors
/// What the source or the visitor said, or a position that is missing: nothing is passed over in silence.
pub fn each(
    history: &History,
    (first, last): (u64, u64),
    progress: Option<&Progress>,
    mut visit: impl FnMut(&Head<'_>) -> Result<ControlFlow<()>, HistoryError>,
) -> Result<(), HistoryError> {
    let (mut next, mut stopped, begun) = (first, false, Instant::now());
    let mut fault = None;
    history.source.scan(first, last, &mut |position, bytes| {
        let seen = if position == next {
            one(position, bytes, &mut visit)
        } else {
            Err(HistoryError::Missing(next))
        };
        next = next.saturating_add(1);
        if let Some(progress) = progress
            && position.is_multiple_of(PROGRESS_EVERY)
        {
            progress.set(position);
            let seconds = begun.elapsed().as_secs().max(1);
            progress.say(format!("{} events/s", position.saturating_sub(first) / seconds));
        }
        match seen {
            Ok(ControlFlow::Continue(())) => return true,
            Ok(ControlFlow::Break(())) => stopped = true,
            Err(why) => fault = Some(why),
        }
        false
    })?;
    match fault {
        Some(why) => Err(why),
        None if !stopped && next <= last => Err(HistoryError::Missing(next)),
        None => Ok(()),
    }
}

fn one(
    position: u64,
    bytes: &[u8],
    visit: &mut impl FnMut(&Head<'_>) -> Result<ControlFlow<()>, HistoryError>,
) -> Result<ControlFlow<()>, HistoryError> {
    if let Some(head) = Head::read(bytes) {
        return visit(&head);
    }
    // Valid, but not in the form that our encoder gives; or no record at all.
    let wrong = |problem| HistoryError::Record { position, problem };
    let canonical = encode_record(decode_record(bytes).map_err(wrong)?);
    match Head::read(&canonical) {
        Some(head) => visit(&head),
        None => Err(HistoryError::Missing(position)),
    }
}

macro_rules! life_cycle {
    (
        Ticket: TicketEvent { LifeCycle { $($fact:ident,)* } $($family:ident { $($other:ident,)* })* }
        $($rest:tt)*
    ) => {
        /// True for the name of an event of the life cycle: no other moves a ticket to another state.
        pub(crate) fn is_of_life_cycle(name: &str) -> bool {
            [$(stringify!($fact),)*].contains(&name)
        }
    };
}
each_event!(life_cycle);

/// The state that the ticket enters by an event. Other events than those of the life cycle are not decoded.
///
/// # Errors
/// The event cannot be decoded.
pub fn entered(head: &Head<'_>) -> Result<Option<TicketState>, DecodeError> {
    if !is_of_life_cycle(head.r#type) {
        return Ok(None);
    }
    match head.event(head.content()?)? {
        Event::Ticket(event) => Ok(event.enters()),
        Event::Log(_) | Event::Sla(_) | Event::Config(_) | Event::Desk(_) => Ok(None),
    }
}

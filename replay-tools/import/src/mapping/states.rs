//! The table `[state]`.

use guichet_schemas::words::{HoldReason, TicketState};

use super::Fault;
use super::check::words;
use super::columns::Interner;
use super::shape::{Meaning, State};
use crate::grammar;
use crate::words::default_fits;

pub(super) fn state(s: grammar::State, columns: &mut Interner) -> Result<State, Fault> {
    let slots = columns.list("state.column", s.column.into_vec())?;
    if slots.is_empty() {
        return Err(Fault::new("state.column", "must name a column"));
    }
    let map = s
        .map
        .into_iter()
        .map(|(value, m)| meaning(&value, &m).map(|m| (value, m)))
        .collect::<Result<_, _>>()?;
    let default = s.default.map(|m| meaning("default", &m)).transpose()?;
    default_fits("state", s.unknown, default.is_some())?;
    Ok(State { columns: slots, map, unknown: s.unknown, default })
}

fn meaning(value: &str, m: &grammar::Meaning) -> Result<Meaning, Fault> {
    let fault = |problem: String| Fault::new(format!("state.map.{value:?}"), problem);
    let reason = match m.hold_reason.as_deref() {
        None => None,
        Some(word) => Some(HoldReason::parse(word).ok_or_else(|| {
            fault(format!("has the hold_reason {word:?}; it must be one of {}", words(HoldReason::ALL)))
        })?),
    };
    match m.state.as_str() {
        "ignore" if reason.is_none() => return Ok(Meaning::Ignore),
        "note" if reason.is_none() => return Ok(Meaning::Note),
        _ => {}
    }
    let state = TicketState::parse(&m.state).ok_or_else(|| {
        fault(format!("is {:?}; it must be one of {}, ignore, note", m.state, words(TicketState::ALL)))
    })?;
    match (state, reason) {
        (TicketState::Hold, None) => Err(fault(format!(
            "is hold without a reason; write {{ state = \"hold\", hold_reason = \"…\" }} with one of {}",
            words(HoldReason::ALL)
        ))),
        (TicketState::Hold, Some(_)) | (_, None) => {
            Ok(Meaning::State { to: state, hold_reason: reason, reopens: m.reopens })
        }
        (_, Some(_)) => Err(fault("has a hold_reason, which is only for hold".to_owned())),
    }
}

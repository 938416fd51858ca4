//! The small form of the frame: from what somebody typed to the ticket that is meant, by its number, its id, or the id
//! that another system gave it.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::view::readable;
use guichet_schemas::wire::{self, query, query_reply};
use serde::Deserialize;

use super::failed;
use super::form;
use super::frame::{Frame, Here, question, unexpected};
use super::html;
use super::text::fill;
use crate::refusal::Refusal;
use crate::shared::Shared;

/// Tickets with one id in other systems that are shown to choose from.
const SHOWN: u32 = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    number: String,
}

/// Several tickets that may be meant.
#[derive(Template)]
#[template(path = "found.html")]
struct Found {
    f: Frame,
    typed: String,
    several: String,
    tickets: Vec<Candidate>,
    /// Says that there are more.
    more: Option<String>,
}

struct Candidate {
    number: String,
    subject: String,
    source: String,
}

/// `GET …/tickets?number=…`.
pub(super) async fn page(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Response {
    let typed = wanted.number.trim();
    if typed.is_empty() {
        return Redirect::to(&format!("/desk/{}/", form::in_address(&tenant))).into_response();
    }
    let number = TicketNumber::parse(typed);
    // A bare number may be that of a ticket here, or the id that another desk gave one.
    let is_plain = typed.bytes().all(|byte| byte.is_ascii_digit());
    if TicketId::parse(typed).is_some() || (number.is_some() && !is_plain) {
        return at(&tenant, &number.map_or_else(|| typed.to_owned(), |number| number.to_string()));
    }
    let f = match Frame::part(&tenant, &headers, Here::Ticket) {
        Ok(frame) => frame,
        Err(failed) => return *failed,
    };
    match candidates(&shared, &f, typed, number).await {
        Ok((found, _)) if found.is_empty() => {
            at(&tenant, &number.map_or_else(|| typed.to_owned(), |number| number.to_string()))
        }
        Ok((found, false)) if found.len() == 1 => at(&tenant, &found[0].number),
        Ok((found, is_cut)) => choice(&shared, &tenant, &headers, typed, (found, is_cut)).await,
        Err(refusal) => failed::page(f.t, Some(&f.tenant), &refusal),
    }
}

fn at(tenant: &str, ticket: &str) -> Response {
    let address = format!("/desk/{}/tickets/{}", form::in_address(tenant), form::in_address(ticket));
    Redirect::to(&address).into_response()
}

/// The tickets that may be meant, and whether there are more.
async fn candidates(
    shared: &Shared,
    f: &Frame,
    typed: &str,
    number: Option<TicketNumber>,
) -> Result<(Vec<wire::TicketView>, bool), Refusal> {
    let filter = wire::TicketsQuery { external_id: Some(typed.to_owned()), ..Default::default() };
    let mut asked = question(query::Data::Tickets(filter));
    asked.limit = Some(SHOWN);
    let (reply, _) = f.ask(shared, asked).await?;
    let Some(query_reply::Data::Tickets(view)) = reply.data else { return Err(unexpected()) };
    let mut found = view.tickets;
    if let Some(number) = number.map(|number| number.to_string())
        && !found.is_empty()
        && found.iter().all(|ticket| ticket.number != number)
        && let Some(ticket) = by_number(shared, f, number).await?
    {
        found.insert(0, ticket);
    }
    Ok((found, reply.next_cursor.is_some()))
}

async fn by_number(shared: &Shared, f: &Frame, number: String) -> Result<Option<wire::TicketView>, Refusal> {
    let about = wire::TicketQuery { number: Some(number), ..Default::default() };
    match f.ask(shared, question(query::Data::Ticket(about))).await {
        Ok((reply, _)) => match reply.data {
            Some(query_reply::Data::Ticket(ticket)) => Ok(Some(ticket)),
            Some(_) | None => Err(unexpected()),
        },
        Err(refusal) if refusal.error.code == "not_found" => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

async fn choice(
    shared: &Shared,
    tenant: &str,
    headers: &HeaderMap,
    typed: &str,
    (found, is_cut): (Vec<wire::TicketView>, bool),
) -> Response {
    let f = match Frame::new(shared, tenant, headers, Here::Ticket).await {
        Ok(frame) => frame,
        Err(failed) => return *failed,
    };
    let candidate = |ticket: &wire::TicketView| Candidate {
        number: ticket.number.clone(),
        subject: readable(ticket.subject.as_ref()).to_owned(),
        source: form::external_ref(ticket),
    };
    let tickets: Vec<_> = found.iter().map(candidate).collect();
    let several = fill(f.t.found_several, &[typed]);
    let more = is_cut.then(|| fill(f.t.found_cut, &[&form::count(f.t, found.len() as u64)]));
    html(&Found { typed: typed.to_owned(), several, tickets, more, f })
}

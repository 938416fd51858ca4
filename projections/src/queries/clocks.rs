//! What the read model of the clocks adds to the answers of others: all clocks of a ticket, and when the tickets of a
//! queue are due. Each answer names the position of the clocks beside its own.

use std::sync::Arc;
use std::time::Duration;

use guichet_schemas::ids::TicketId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::{QueryReply, SlaClockState, SlaClockView};
use guichet_service::Full;

use super::answer::rejection;
use super::reader::Refusal;
use super::{Queries, blocking};
use crate::keys;
use crate::live::Model;
use crate::model::sla::{self, Row};

/// How long an answer waits for the clocks to be where it is.
const WITHIN: Duration = Duration::from_millis(250);

/// Clocks that the answer about a ticket shows; the query `sla_clocks` has all, page by page.
const OF_TICKET_MAX: usize = 100;

type Clocks = Option<(Vec<SlaClockView>, u64)>;

impl Queries {
    /// Waits a moment until the clocks are where another model is. They are folded side by side, so that is soon;
    /// where they are far behind, whoever asks is told how far they are.
    pub(super) async fn clocks_follow(&self, wanted: u64) {
        let Some(clocks) = self.clocks() else { return };
        let mut position = clocks.position();
        drop(tokio::time::timeout(WITHIN, position.wait_for(|have| *have >= wanted)).await);
    }

    /// Tells the queue board when tickets are due by their clocks. Gives the position that this is of; `None`: nobody
    /// keeps clocks here, or they stand still.
    pub(super) async fn dues(&self, board: &Model) -> Result<Option<u64>, Rejection> {
        // One after the other, or an older instant would come after a newer one.
        let _telling = self.telling.lock().await;
        let (clocks, board) = (self.clocks().cloned(), board.slot.get());
        let told = blocking(move || -> Result<Option<u64>, Refusal> {
            let Some(clocks) = clocks else {
                board.answers.hear(None);
                return Ok(None);
            };
            let position = *clocks.position().borrow();
            let news = clocks.slot.get().answers.dues(!board.answers.has_dues())?;
            let behind = news.as_ref().and_then(|news| news.behind);
            board.answers.hear(news);
            Ok(Some(behind.map_or(position, |behind| behind.min(position))))
        });
        told.await?.map_err(rejection)
    }

    /// The model that keeps the clocks, if it is in this process and does not stand still.
    fn clocks(&self) -> Option<&Model> {
        let model = self.models.iter().find(|model| model.model().name == sla::SLA.name)?;
        model.halted().borrow().is_none().then_some(model)
    }

    /// Puts the clocks into an answer about a ticket. Where nobody keeps them here, or they are behind, it says so.
    pub(super) async fn with_clocks(&self, tenant: &str, reply: &mut QueryReply) -> Result<(), Rejection> {
        let Some(Data::Ticket(ticket)) = &mut reply.data else { return Ok(()) };
        self.clocks_follow(reply.as_of_position).await;
        let Some(model) = self.clocks() else { return Ok(()) };
        if *model.position().borrow() < reply.as_of_position {
            return Ok(());
        }
        let Ok(id) = TicketId::from_wire(ticket.ticket_id.clone()) else { return Ok(()) };
        let (model, books, tenant) = (model.clone(), Arc::clone(&self.books), tenant.to_owned());
        let now = Timestamp(reply.as_of_time);
        // Of a few at a time, each quick.
        let _slot = self.reading_clocks.acquire().await.map_err(|_| super::busy(Full::All))?;
        let read = blocking(move || {
            model.slot.read(|view, _| -> Result<Clocks, Refusal> {
                let Some(bytes) = view.get(keys::SLA_TICKETS, &keys::ticket(&tenant, id))? else {
                    return Ok(None);
                };
                let book = books.of(&view, &tenant)?;
                let runs = sla::Runs::Newest(sla::RUNS_OF_TICKET_MAX);
                let clocks = sla::clocks(&Row::read(&bytes)?, id, now, &book, runs);
                Ok(Some((clocks, view.checkpoint()?.position_or_zero())))
            })
        });
        let Some((mut clocks, position)) = read.await?.map_err(rejection)? else { return Ok(()) };
        let running = |clock: &&SlaClockView| clock.state == SlaClockState::Running as i32;
        let due = clocks.iter().filter(running).filter_map(|clock| clock.due_at).min();
        ticket.next_due_at = ticket.next_due_at.into_iter().chain(due).min();
        ticket.sla_clocks_left_out = clocks.len().saturating_sub(OF_TICKET_MAX) as u64;
        clocks.truncate(OF_TICKET_MAX);
        ticket.sla_clocks = clocks;
        ticket.sla_as_of_position = Some(position);
        Ok(())
    }
}

//! Many clients at once, each with a connection of its own and a will of its own. They are other services: they
//! know the contract and nothing else, and they send again what they have no answer for, as the contract says.

mod client;
mod orders;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use self::client::Client;
use self::orders::Tickets;
use crate::harness::until;
use crate::ledger::Ledger;

/// Clients of a campaign.
pub(crate) const CLIENTS: u64 = 16;
/// Characters of a note, at most.
const NOTE: usize = 400;
/// A condition that is not met by then never is.
const GIVES_UP: Duration = Duration::from_secs(60);
const SETTLES_WITHIN: Duration = Duration::from_secs(60);

/// What all clients share.
pub(crate) struct Shared {
    pub(crate) ledger: Ledger,
    tickets: Tickets,
    /// The pause of a client between two commands.
    thinks: Duration,
    /// Rises whenever something was killed or came back: whoever waits for an answer then waits in vain.
    life: watch::Sender<u64>,
    /// Answers that came, of whatever kind.
    answered: AtomicU64,
    /// Nothing new is begun.
    ending: AtomicBool,
}

/// The clients at work.
pub(crate) struct Crowd {
    shared: Arc<Shared>,
    clients: JoinSet<()>,
}

impl Crowd {
    /// Sets so many clients to work.
    pub(crate) async fn start(url: &str, clients: u64, seed: u64) -> Self {
        Self::of(url, clients, seed, NOTE).await
    }

    /// The same with notes of up to so many characters.
    pub(crate) async fn of(url: &str, clients: u64, seed: u64, longest: usize) -> Self {
        Self::unhurried(url, clients, seed, longest, Duration::ZERO).await
    }

    /// The same; and each client thinks for so long before its next command.
    pub(crate) async fn unhurried(
        url: &str,
        clients: u64,
        seed: u64,
        longest: usize,
        thinks: Duration,
    ) -> Self {
        let shared = Arc::new(Shared {
            ledger: Ledger::new(),
            tickets: Tickets::new(seed, longest),
            thinks,
            life: watch::Sender::new(0),
            answered: AtomicU64::new(0),
            ending: AtomicBool::new(false),
        });
        let mut set = JoinSet::new();
        for n in 0..clients {
            let client = Client::connect(url, Arc::clone(&shared), seed.wrapping_mul(1_000) + n).await;
            set.spawn(client.work());
        }
        Self { shared, clients: set }
    }

    /// Something was killed, or came back.
    pub(crate) fn interrupt(&self) {
        self.shared.life.send_modify(|life| *life += 1);
    }

    /// How many answers came so far.
    pub(crate) fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// The book, while it is written.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }

    /// From now on nothing new is begun, and what is in doubt is sent again until it is answered. Returns when
    /// nothing is in doubt any more; false where that takes too long.
    pub(crate) async fn settle(&mut self) -> bool {
        self.shared.ending.store(true, Ordering::Relaxed);
        let settled = async {
            while let Some(ended) = self.clients.join_next().await {
                ended.expect("a client does not panic");
            }
        };
        tokio::time::timeout(SETTLES_WITHIN, settled).await.is_ok()
    }

    /// Ends the clients where they stand; what they wait for stays in doubt.
    pub(crate) async fn abandon(&mut self) {
        self.clients.shutdown().await;
    }

    /// Waits for so many answers from now on; false where they do not come.
    pub(crate) async fn hears(&self, answers: u64, within: Duration) -> bool {
        let enough = self.answered() + answers;
        // Whoever gives up first must be the time-out, also where a busy machine looks late.
        let waiting = until("answers", within + GIVES_UP, async || (self.answered() >= enough).then_some(()));
        tokio::time::timeout(within, waiting).await.is_ok()
    }
}

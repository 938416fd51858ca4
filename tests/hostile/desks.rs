//! Whose desks are attacked, and what is known of them without listening: a ticket may be created under an id that
//! the caller chooses, so every message can be drawn before any answer came.

use uuid::Uuid;

use guichet_test_support::mutate::Dice;

/// Messages after which the attack goes on at another desk: one that forbade everything would be attacked no more.
pub(crate) const EACH: u64 = 10_000;
/// Tickets of a desk.
const TICKETS: usize = 60;
/// Services of a desk. The command line may configure.
pub(crate) const CALLERS: &[&str] = &["shop", "shop", "portal", "cli", "bot-7", "sla", "http", "nobody"];

/// A desk under attack.
#[derive(Debug, Clone)]
pub(crate) struct UnderAttack {
    pub(crate) tenant: String,
}

impl UnderAttack {
    /// The desk that message number `n` goes to.
    pub(crate) fn of(n: u64) -> Self {
        Self { tenant: format!("attacked-{}", n / EACH) }
    }

    /// One of its tickets; once in a while one that there is not.
    pub(crate) fn ticket(&self, dice: &mut Dice) -> Uuid {
        if dice.once_in(20) {
            return dice.uuid();
        }
        self.known(dice.below(TICKETS))
    }

    /// The n-th of its tickets.
    pub(crate) fn known(&self, n: usize) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{} {n}", self.tenant).as_bytes())
    }

    /// How many tickets it has at most under ids that we chose.
    pub(crate) const fn tickets() -> usize {
        TICKETS
    }
}

//! What every request sees of the server.

use std::sync::Arc;

use tokio::sync::watch;

use crate::ask::Questions;
use crate::live::hub::Hub;
use crate::looks::Looks;
use crate::shares::Shares;
use crate::token::Token;

/// Cheap to clone: each request gets its own.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) questions: Questions,
    pub(crate) token: Token,
    /// Cookies do not know ports: two desks on one machine must not take each other's.
    pub(crate) cookie: Arc<str>,
    pub(crate) names: Arc<[String]>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) live_places: Arc<Shares>,
    /// Requests under way.
    pub(crate) turns: Arc<Shares>,
    pub(crate) looks: Arc<Looks>,
    pub(crate) stopping: watch::Receiver<bool>,
}

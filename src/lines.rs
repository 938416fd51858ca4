//! The connections of a process to NATS: one for each part of the desk where each has a key of its own, which is so with
//! the embedded server; else one for all. And what becomes of a right that is missing: it has a name, and ends what
//! cannot go on without it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::{Client, Event, ServerError};
use guichet_client::{
    Act, ClientError, ConnectOptions, Credentials, Denial, Login, NamedBy, Refusals, Server,
};
use guichet_engine::Healer;
use tokio::sync::watch;

use crate::config::CONNECT_WITHIN;
use crate::nats_server::rights::{Role, covers};
use crate::nats_server::{Keys, NatsServer};
use crate::permissions;

/// Requests that may wait in the client library before it drops them without a word; the intake is faster than that.
const SUBSCRIPTION_CAPACITY: usize = 256 * 1024;
/// Of so many answers that the server does not let out, one is told.
const TELL_EVERY: u64 = 1_000;

/// The way to a server.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// The embedded one, with a key for each role.
    Own(ConnectOptions, Arc<Keys>),
    /// One that somebody named, with one user for all.
    Named(ConnectOptions),
}

/// The connections.
pub(crate) struct Lines {
    way: Way,
    shared: Option<Line>,
    forbidden: watch::Sender<Option<(Role, Denial)>>,
}

/// One connection, and how often it was made.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) client: Client,
    pub(crate) reconnected: watch::Receiver<u64>,
}

/// A role lacks a right without which it cannot work: exit code 3.
#[derive(Debug, thiserror::Error)]
#[error(
    "the {} {denial} on NATS at {server}; its user needs that right (docs/OPERATIONS.md lists them, `guichet doctor --role` checks them)", role.name()
)]
pub(crate) struct Forbidden {
    role: Role,
    denial: Denial,
    server: Server,
}

impl Way {
    /// To the embedded server.
    pub(crate) fn own(nats: &NatsServer) -> Self {
        let server = Server::new(&nats.url(), NamedBy::Child);
        let options = ConnectOptions { server, credentials: Credentials::default(), timeout: CONNECT_WITHIN };
        Self::Own(options, nats.keys())
    }

    fn options(&self, role: Role) -> ConnectOptions {
        match self {
            Self::Named(options) => options.clone(),
            Self::Own(options, keys) => {
                let mut options = options.clone();
                options.credentials.login = Some(Login::Nkey(keys.file(role)));
                options.credentials.inbox_prefix = Some(role.inbox());
                options
            }
        }
    }

    pub(crate) const fn server(&self) -> &Server {
        match self {
            Self::Own(options, _) | Self::Named(options) => &options.server,
        }
    }
}

impl Lines {
    pub(crate) fn along(way: Way) -> Self {
        Self { way, shared: None, forbidden: watch::Sender::new(None) }
    }

    /// Asks a server that somebody named whether the roles may send what they will have to, before one of them finds out
    /// in the middle of its work. Its own users the embedded server has as they should be.
    ///
    /// # Errors
    /// They may not, or the server is not there.
    pub(crate) async fn check(&self, roles: &[Role]) -> anyhow::Result<()> {
        let Way::Named(options) = &self.way else { return Ok(()) };
        for role in roles {
            let subjects: Vec<String> =
                role.rights().publish.iter().filter_map(|p| asked_at_once(p)).collect();
            if subjects.is_empty() {
                continue;
            }
            let lacking = match permissions::not_published(options, subjects).await {
                Ok(lacking) => lacking,
                Err(error) if error.is::<ClientError>() => return Err(error),
                Err(error) => {
                    tracing::warn!("{error:#}");
                    return Ok(());
                }
            };
            for subject in lacking {
                let denial = Denial { act: Act::Publish, subject };
                if !can_do_without(&denial) {
                    return Err(Forbidden { role: *role, denial, server: options.server.clone() }.into());
                }
                tracing::error!(role = role.name(), %denial, "the role lacks a right and goes on without");
            }
        }
        Ok(())
    }

    /// The connection of a role.
    ///
    /// # Errors
    /// The server is not there, or does not let it in.
    pub(crate) async fn of(&mut self, role: Role) -> Result<Line, ClientError> {
        if let Some(line) = &self.shared {
            return Ok(line.clone());
        }
        let connections = watch::Sender::new(0);
        let reconnected = connections.subscribe();
        let told = self.told(role);
        let withheld = AtomicU64::new(0);
        let options = async_nats::ConnectOptions::new()
            .name(format!("guichet {}", role.name()))
            .subscription_capacity(SUBSCRIPTION_CAPACITY)
            .max_reconnects(None)
            .reconnect_delay_callback(|attempt| Duration::from_millis((20 << attempt.min(6)) as u64))
            .event_callback(move |event| {
                if event == Event::Connected {
                    connections.send_modify(|n| *n += 1);
                }
                told.hear(&event, &withheld);
                std::future::ready(())
            });
        let client = self.way.options(role).dial(options).await?;
        let line = Line { client, reconnected };
        if matches!(self.way, Way::Named(_)) {
            self.shared = Some(line.clone());
        }
        Ok(line)
    }

    fn told(&self, role: Role) -> Told {
        let forbidden = matches!(self.way, Way::Named(_)).then(|| self.forbidden.clone());
        Told { role, forbidden, refusals: Refusals::default() }
    }

    /// Whoever heals the stream: connected when that is needed, where it has a key of its own.
    pub(crate) fn healer(&self) -> Healer {
        if let Some(line) = &self.shared {
            return Healer::with(line.client.clone());
        }
        let way = self.way.clone();
        Healer::by(move || {
            let way = way.clone();
            Box::pin(async move {
                let told = Told { role: Role::Healer, forbidden: None, refusals: Refusals::default() };
                let options =
                    async_nats::ConnectOptions::new().name("guichet healer").event_callback(move |event| {
                        told.hear(&event, &AtomicU64::new(0));
                        std::future::ready(())
                    });
                way.options(Role::Healer).dial(options).await.map_err(|e| e.to_string())
            })
        })
    }

    /// Waits until a right turns out to be missing without which a role cannot work.
    pub(crate) fn watch(&self) -> impl Future<Output = Forbidden> + use<> {
        let (mut forbidden, server) = (self.forbidden.subscribe(), self.way.server().clone());
        async move {
            let found = forbidden.wait_for(Option::is_some).await.map(|found| found.clone());
            match found {
                Ok(Some((role, denial))) => Forbidden { role, denial, server },
                Ok(None) | Err(_) => std::future::pending().await,
            }
        }
    }
}

/// Listeners to the messages of the server that answer no request.
struct Told {
    role: Role,
    /// None where the users are ours: what we have not thought of there is no reason to end the desk.
    forbidden: Option<watch::Sender<Option<(Role, Denial)>>>,
    refusals: Refusals,
}

impl Told {
    fn hear(&self, event: &Event, withheld: &AtomicU64) {
        match event {
            Event::SlowConsumer(sid) => {
                tracing::error!(sid, "requests were dropped: this process reads NATS too slowly");
            }
            Event::ServerError(ServerError::Other(_)) => match self.refusals.note(event) {
                Some(denial) => self.refused(denial, withheld),
                None => tracing::warn!(%event, role = self.role.name(), "nats"),
            },
            Event::ServerError(_) => tracing::warn!(%event, role = self.role.name(), "nats"),
            Event::Connected
            | Event::Disconnected
            | Event::LameDuckMode
            | Event::Draining
            | Event::Closed
            | Event::ClientError(_) => tracing::info!(%event, role = self.role.name(), "nats"),
        }
    }

    fn refused(&self, denial: Denial, withheld: &AtomicU64) {
        if denial.is_answer() {
            // Whoever asks chooses where the answer goes, and may ask very often.
            let before = withheld.fetch_add(1, Ordering::Relaxed);
            if before.is_multiple_of(TELL_EVERY) {
                tracing::error!(
                    role = self.role.name(), %denial, withheld = before + 1,
                    "an answer was not let out: the user of this role needs allow_responses"
                );
            }
            return;
        }
        let role = part(&denial).unwrap_or(self.role);
        match &self.forbidden {
            Some(forbidden) if !can_do_without(&denial) => {
                forbidden.send_if_modified(|first| {
                    let is_first = first.is_none();
                    first.get_or_insert((role, denial));
                    is_first
                });
            }
            Some(_) | None => {
                tracing::error!(role = role.name(), %denial, "the role lacks a right and goes on without");
            }
        }
    }
}

/// Which part of a desk needs a right, where one user is all of them.
fn part(denial: &Denial) -> Option<Role> {
    let needs = |role: &&Role| {
        let rights = role.rights();
        let among = match denial.act {
            Act::Publish => rights.publish,
            Act::Subscribe => rights.subscribe,
        };
        among.iter().any(|pattern| covers(pattern, &denial.subject))
    };
    // Of our own, not of those who ask us.
    [Role::Clocks, Role::Publisher, Role::Healer, Role::Engine, Role::Worker, Role::Http]
        .iter()
        .find(needs)
        .copied()
}

/// A subject of a pattern that is needed whichever tenants there are. An operator may have made the stream, and keep the
/// right to it.
fn asked_at_once(pattern: &str) -> Option<String> {
    let by_tenant = [
        "guichet.v1.evt.",
        "guichet.v1.cmd.",
        "guichet.v1.query.",
        "guichet.v1.attachment.",
        "guichet.v1.projection.",
        "$JS.API.STREAM.CREATE.",
    ];
    let is_by_tenant = by_tenant.iter().any(|prefix| pattern.starts_with(prefix));
    (!is_by_tenant).then(|| pattern.replace(['*', '>'], "guichet"))
}

/// What is missed, and nothing worse: discovery, the checkpoints for listeners (whoever asks is answered), what other
/// processes say about their models, a look at a consumer that is rebuilt otherwise, live pages, attachments where the server knows nothing of them yet, whether an asker is gone, and the healing of a stream that may never be damaged. A browser
/// names the tenant of a query, so a tenant that is not for us must not end the role.
fn can_do_without(denial: &Denial) -> bool {
    let subject = denial.subject.as_str();
    match denial.act {
        Act::Subscribe => ["$SRV.", "guichet.v1.evt.", "guichet.v1.attachment."]
            .iter()
            .any(|prefix| subject.starts_with(prefix)),
        Act::Publish => [
            "$JS.API.STREAM.UPDATE.",
            "$JS.API.STREAM.DELETE.",
            "$JS.API.CONSUMER.INFO.",
            "guichet.v1.checkpoint.",
            "guichet.v1.projection.",
            "guichet.v1.query.",
            "guichet.v1.attachment.",
            guichet_service::CONNECTIONS,
        ]
        .iter()
        .any(|prefix| subject.starts_with(prefix)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(act: Act, subject: &str) -> Denial {
        Denial { act, subject: subject.to_owned() }
    }

    #[test]
    fn a_missing_right_is_somebodys() {
        for (act, subject, role) in [
            (Act::Publish, "guichet.v1.evt.acme.0.TicketCreated", Role::Publisher),
            (Act::Publish, "$JS.API.STREAM.DELETE.GUICHET_EVENTS_0", Role::Healer),
            (Act::Publish, "$JS.API.CONSUMER.MSG.NEXT.GUICHET_EVENTS_0.x", Role::Worker),
            (Act::Publish, "guichet.v1.cmd.acme.sla.new.create", Role::Clocks),
            (Act::Subscribe, "guichet.v1.cmd.>", Role::Engine),
            (Act::Subscribe, "$SRV.PING.guichet-projections.X", Role::Worker),
            (Act::Publish, "guichet.v1.query.acme.http.ticket", Role::Http),
        ] {
            assert_eq!(part(&denial(act, subject)), Some(role), "{subject}");
        }
        assert_eq!(part(&denial(Act::Publish, "elsewhere")), None);
    }

    #[test]
    fn what_a_caller_can_bring_about_ends_nothing() {
        let forbidden = watch::Sender::new(None);
        let told =
            Told { role: Role::Engine, forbidden: Some(forbidden.clone()), refusals: Refusals::default() };
        told.refused(denial(Act::Publish, "_INBOX.of.somebody"), &AtomicU64::new(0));
        assert!(forbidden.borrow().is_none());
        told.refused(denial(Act::Subscribe, "_INBOX.x.*"), &AtomicU64::new(0));
        assert!(forbidden.borrow().is_some());
    }
}

//! The wait of a long-running role for a NATS server that is not there yet: who starts several programs at once
//! need not start them in order.

use std::time::Duration;

use async_nats::{ConnectErrorKind, ConnectOptions};
use tokio::sync::watch;

use crate::say::say;

/// Pause between two attempts.
const TRY_EVERY: Duration = Duration::from_millis(250);

/// Returns once somebody answers at `url`, or refuses for a reason that no waiting changes; `false`: stopped before.
pub(crate) async fn reach(url: &str, mut stop: watch::Receiver<bool>) -> bool {
    let mut said = false;
    loop {
        let tried = tokio::select! {
            tried = ConnectOptions::new().connect(url) => tried,
            _ = stop.wait_for(|stop| *stop) => return false,
        };
        let Err(error) = tried else { return true };
        if !is_passing(error.kind()) {
            return true;
        }
        if !said {
            say(&format!(
                "waiting for NATS at {url}: {error}; this goes on as soon as a server answers there, Ctrl-C ends it"
            ));
            said = true;
        }
        tokio::select! {
            () = tokio::time::sleep(TRY_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return false,
        }
    }
}

fn is_passing(kind: ConnectErrorKind) -> bool {
    match kind {
        ConnectErrorKind::Dns | ConnectErrorKind::TimedOut | ConnectErrorKind::Io => true,
        ConnectErrorKind::ServerParse
        | ConnectErrorKind::Authentication
        | ConnectErrorKind::AuthorizationViolation
        | ConnectErrorKind::Tls
        | ConnectErrorKind::MaxReconnects => false,
    }
}

//! The wait of a long-running role for a NATS server that is not there yet: who starts several programs at once
//! need not start them in order.

use std::time::Duration;

use guichet_client::{ClientError, ConnectOptions};
use tokio::sync::watch;

use crate::say::say;

/// Pause between two attempts.
const TRY_EVERY: Duration = Duration::from_millis(250);

/// Returns once somebody answers there, or refuses for a reason that no waiting changes; `false`: stopped before.
pub(crate) async fn reach(options: &ConnectOptions, mut stop: watch::Receiver<bool>) -> bool {
    let mut said = false;
    loop {
        let tried = tokio::select! {
            tried = options.dial(async_nats::ConnectOptions::new()) => tried,
            _ = stop.wait_for(|stop| *stop) => return false,
        };
        let Err(ClientError::Unreachable { server, problem }) = tried else { return true };
        if !said {
            say(&format!(
                "waiting for NATS at {server}: {problem}; this goes on as soon as a server answers there, Ctrl-C ends it"
            ));
            said = true;
        }
        tokio::select! {
            () = tokio::time::sleep(TRY_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return false,
        }
    }
}

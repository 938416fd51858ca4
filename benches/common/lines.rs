//! Connections to the embedded server, each with the key of its role, as the binary has them.

use async_nats::{Client, ConnectOptions};
use guichet_engine::{Connections, Healer};

use crate::nats_server::NatsServer;
use crate::nats_server::keys::CALLER;
use crate::nats_server::rights::Role;

/// As in the binary: the client library drops what a slow subscription leaves lying.
const SUBSCRIPTION_CAPACITY: usize = 256 * 1024;

/// The connection of a role.
pub(crate) async fn connect(server: &NatsServer, role: Role) -> Client {
    let keys = server.keys();
    let options =
        ConnectOptions::new().subscription_capacity(SUBSCRIPTION_CAPACITY).custom_inbox_prefix(role.inbox());
    let options = if role == Role::Caller {
        options.user_and_password(CALLER.to_owned(), keys.password().to_owned())
    } else {
        let seed = std::fs::read_to_string(keys.file(role)).expect("a key");
        options.nkey(seed.trim().to_owned())
    };
    options.connect(server.url()).await.expect("our own server takes connections")
}

/// Those of an engine.
pub(crate) async fn of_engine(server: &NatsServer) -> Connections {
    Connections {
        desk: connect(server, Role::Engine).await,
        stream: connect(server, Role::Publisher).await,
        healer: Healer::with(connect(server, Role::Healer).await),
    }
}

/// Those of the read models.
pub(crate) async fn of_models(server: &NatsServer) -> guichet_projections::Connections {
    guichet_projections::Connections {
        models: connect(server, Role::Worker).await,
        clocks: connect(server, Role::Clocks).await,
    }
}

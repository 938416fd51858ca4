//! Tells every checkpoint to whoever listens: witnesses and auditors keep them, out of our reach.

use async_nats::Client;
use guichet_schemas::position::Partition;
use guichet_schemas::subject;

use crate::log::TreeReader;

/// Publishes each new checkpoint until the notary ends. One that nobody hears is no loss: the next covers it, and the
/// newest can be asked for.
pub async fn publish(client: Client, partition: Partition, tree: TreeReader) {
    let mut newest = tree.changes();
    let subject = subject::checkpoint(partition);
    loop {
        let note = newest.borrow_and_update().as_ref().map(|n| n.checkpoint().note().to_owned());
        if let Some(note) = note
            && let Err(error) = client.publish(subject.clone(), note.into()).await
        {
            tracing::warn!(%error, "a checkpoint was not published");
        }
        if newest.changed().await.is_err() {
            return;
        }
    }
}

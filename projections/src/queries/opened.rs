//! The personal texts of an answer, opened where their keys are given to us. What stays sealed is answered as it is.

use guichet_key_client::{Opener, Text, of_reply};
use guichet_schemas::record::Record;
use guichet_schemas::wire::QueryReply;
use guichet_schemas::wire::query_reply::Data;
use tokio::runtime::Handle;

use super::reader::Reader;
use crate::model::sentence::sentence;

/// Opens an answer before it goes out.
pub(super) async fn open(opener: &Opener, tenant: &str, reply: &mut QueryReply) {
    opener.open(tenant, of_reply(reply)).await;
    let Some(Data::Timeline(view)) = &mut reply.data else { return };
    for entry in &mut view.entries {
        // A sentence quotes what it tells of.
        let record = entry.data.clone().and_then(|data| Record::from_wire(data).ok());
        if let Some(record) = record.filter(|record| guichet_schemas::personal::holds(&record.event)) {
            entry.sentence = sentence(&record);
        }
    }
}

impl Reader<'_> {
    /// Opens texts that the answer itself must look into. Waits for keys, so it is not for models in memory.
    pub(crate) fn open(&self, texts: Vec<Text<'_>>) {
        if let Some(opener) = self.opener {
            Handle::current().block_on(opener.open(self.ask.tenant.as_str(), texts));
        }
    }
}

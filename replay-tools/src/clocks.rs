//! Clocks of recorded tickets, worked out here with the fold of the desk: why one is due when it is (`explain-sla`), and
//! what other promises would have come to (`whatif`). Nothing is written.

mod course;
mod explain;
mod feasible;
mod whatif;

use guichet_schemas::codec::decode_record;
use guichet_schemas::position::Partition;
use guichet_schemas::record::Record;

pub use self::course::{Broken, Course, Promise, only_in};
pub use self::explain::{ExplainArgs, run as explain};
pub use self::whatif::{WhatifArgs, run as whatif};
use guichet_client::output::Output;
use guichet_client::{Client, ClientError};

/// Hands every record of the tenant over, oldest first. Gives the position up to which that is.
async fn each_record(
    client: &Client,
    output: &Output,
    mut take: impl FnMut(Record),
) -> Result<u64, ClientError> {
    let partition = Partition::default();
    let head = client.log(partition, 0).await?.head;
    let progress = output.progress("records", head);
    let mut next = 1;
    let mut fetched = client.log(partition, next).await?;
    while next <= head && !fetched.records.is_empty() {
        let records = std::mem::take(&mut fetched.records);
        let behind = next + records.len() as u64;
        // The next answer is on its way while this one is folded.
        let (ahead, folded) = tokio::join!(client.log(partition, behind), async {
            for (bytes, _) in records.iter().zip(next..=head) {
                let record = decode_record(bytes);
                let record = record.map_err(|e| client.strange("a record of the log".to_owned(), &e))?;
                if record.tenant == client.tenant().as_str() {
                    take(record);
                }
            }
            progress.set(behind.min(head));
            Ok::<_, ClientError>(())
        });
        folded?;
        fetched = ahead?;
        next = behind;
    }
    if next <= head {
        return Err(
            client.strange("the log".to_owned(), &format!("it goes on to {head}, but ends at {next}"))
        );
    }
    Ok(head)
}

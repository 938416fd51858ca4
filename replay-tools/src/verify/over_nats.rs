//! Verifying a running desk: the log from the engine's log service, the checkpoint from its notary, and the stream
//! beside them, byte for byte.

use guichet_proof::VerifyingKey;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::Partition;

use super::section::{Filled, Section};
use super::whole::Whole;
use super::{Claims, Report, VerifyArgs, report};
use crate::client::{Client, ClientError, Messages};
use crate::output::Output;

/// Reads a running desk from end to end.
///
/// # Errors
/// Nobody answers.
pub async fn over_nats(
    args: &VerifyArgs,
    key: Option<&VerifyingKey>,
    mut claims: Claims,
    output: &Output,
) -> Result<Report, ClientError> {
    let partition = Partition::default();
    let client = args.connect.connect().await?;
    let newest = client.checkpoint(partition).await?;
    claims.add("the newest checkpoint", newest.note().as_bytes(), key);
    let mut stream = if args.no_stream { None } else { Some(Beside::open(&client, partition).await?) };

    let head = client.log(partition, 0).await?.head;
    let sizes: Vec<u64> = claims.claims.iter().map(|claim| claim.checkpoint.size).collect();
    let mut section = Section::starting_at(1, &sizes);
    let no_tiles = &mut |_: Filled<'_>, _: &mut super::Findings| {};
    let mut whole = Whole::default();
    let progress = output.progress("records", head);
    let mut next = 1;
    let mut fetched = client.log(partition, next).await?;
    while next <= head && !fetched.records.is_empty() {
        let records = std::mem::take(&mut fetched.records);
        let behind = next + records.len() as u64;
        // The next answer is on its way while this one is judged.
        let ahead = client.log(partition, behind);
        let judge = async {
            for (position, record) in (next..=head).zip(&records) {
                section.take(position, record, no_tiles);
                if let Some(stream) = &mut stream {
                    stream.compare(position, Hash::of_record(record), whole.findings()).await?;
                }
            }
            progress.set(behind.min(head));
            Ok::<_, ClientError>(())
        };
        let (ahead, judged) = tokio::join!(ahead, judge);
        judged?;
        fetched = ahead?;
        next = behind;
    }
    drop(progress);
    if next <= head {
        section.unreadable("the engine says that its log goes on, but sends no more records");
    }
    whole.join(section.ended(), &sizes);
    for claim in &claims.claims {
        whole.compare(claim);
    }
    if let Some(stream) = &stream
        && stream.last < head
    {
        claims.unchecked.push(format!("the stream behind {}: it was not published so far yet", stream.last));
    }
    if stream.is_none() {
        claims.unchecked.push("the stream: --no-stream".to_owned());
    }
    Ok(report(whole, claims))
}

/// The stream, read in step with the log.
struct Beside {
    messages: Messages,
    first: u64,
    last: u64,
}

impl Beside {
    async fn open(client: &Client, partition: Partition) -> Result<Self, ClientError> {
        let stream = client.events(partition).await?;
        let (first, last) = (stream.first().max(1), stream.last());
        Ok(Self { messages: stream.from(first), first, last })
    }

    async fn compare(
        &mut self,
        position: u64,
        hash: Hash,
        findings: &mut super::Findings,
    ) -> Result<(), ClientError> {
        if position < self.first || position > self.last {
            return Ok(());
        }
        let published = self.messages.next().await?;
        if published.sequence != position {
            findings.at(position, format!("the stream holds {} in its place", published.sequence));
            self.first = published.sequence + 1;
        } else if Hash::of_record(&published.bytes) != hash {
            findings.at(position, "the stream holds other bytes than the log".to_owned());
        }
        Ok(())
    }
}

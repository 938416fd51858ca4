//! Verifying a running desk: the log from the engine's log service, the checkpoint from its notary, and the stream
//! beside them, byte for byte.

use guichet_proof::{Author, Authorship, VerifyingKey};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{LogPosition, Partition};

use super::section::{Filled, Section};
use super::whole::Whole;
use super::{Claims, Report, VerifyArgs, report};
use crate::client::{Client, ClientError, Messages};
use crate::output::Output;

/// Reads a running desk from end to end. With `authorship`, the stream beyond the log is told apart by who wrote it.
///
/// # Errors
/// Nobody answers.
pub async fn over_nats(
    args: &VerifyArgs,
    (key, authorship): (Option<&VerifyingKey>, Option<&Authorship>),
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
    if let Some(stream) = &mut stream {
        stream.beyond(head, authorship, whole.findings()).await?;
    }
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

/// Messages beyond the log that are looked at one by one.
const BEYOND_MAX: u64 = 1_000;

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

    /// What the stream held behind the `head` that the log had later: the engine publishes what is in the log, so it is
    /// not from this log, however well it continues it.
    async fn beyond(
        &mut self,
        head: u64,
        authorship: Option<&Authorship>,
        findings: &mut super::Findings,
    ) -> Result<(), ClientError> {
        let from = self.first.max(head + 1);
        for _ in from..=self.last.min(from + BEYOND_MAX - 1) {
            let published = self.messages.next().await?;
            let position = LogPosition::new(published.sequence).unwrap_or(LogPosition::FIRST);
            let author =
                authorship.map(|a| a.of(position, Hash::of_record(&published.bytes), &published.says));
            let who = match author {
                Some(Author::Stranger) => "its MAC is not of this log: it is forged",
                Some(Author::Ours | Author::Older | Author::Newer) => {
                    "an engine on a copy of this data folder wrote it"
                }
                Some(Author::Unproven) => "it is from before there were MACs, or forged",
                None => "who wrote it is told where the data folder is at hand",
            };
            findings
                .at(published.sequence, format!("the stream holds a message that the log has not: {who}"));
        }
        let rest = self.last.saturating_sub(from + BEYOND_MAX - 1);
        if self.last >= from && rest > 0 {
            findings.of_all(format!("the stream holds {rest} more messages that the log has not"));
        }
        Ok(())
    }
}

//! Verifying a running desk: the log from the engine's log service, the checkpoint from its notary, and the stream
//! beside them, byte for byte.

use guichet_proof::{Author, Authorship, VerifyingKey};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{LogPosition, Partition};

use super::{Check, Claims, Filled, Findings, Report, Section, VerifyArgs, Whole, report};
use guichet_client::output::{Output, Progress};
use guichet_client::{ClientError, Messages, Reading};

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
    let desk = args.connect.connect().await?.reading();
    let newest = desk.checkpoint(partition).await?;
    claims.add("the newest checkpoint", newest.note().as_bytes(), key);
    let mut stream = if args.no_stream { None } else { Some(Beside::open(&desk, partition, None).await?) };

    let head = desk.log(partition, 0).await?.head;
    let sizes: Vec<u64> = claims.claims.iter().map(|claim| claim.checkpoint.size).collect();
    let mut section = Section::starting_at(1, &sizes);
    let no_tiles = &mut |_: Filled<'_>, _: &mut Findings| {};
    let mut whole = Whole::default();
    let progress = output.progress("records", head);
    let take = &mut |position, record: &[u8]| section.take(position, record, no_tiles);
    let next = read_log(&desk, head, take, (stream.as_mut(), whole.findings()), &progress).await?;
    drop(progress);
    if let Some(stream) = &mut stream {
        stream.beyond(head, authorship, whole.findings()).await?;
    }
    if next <= head {
        section.unreadable(SHORT);
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

/// What is said of a log service that sends less than it says it has.
pub(crate) const SHORT: &str = "the engine says that its log goes on, but sends no more records";

/// Hands over the records of a running desk up to `head`, each beside the message of the stream. Gives the first
/// position that was not sent.
pub(crate) async fn read_log(
    desk: &Reading,
    head: u64,
    take: &mut dyn FnMut(u64, &[u8]) -> bool,
    (mut stream, findings): (Option<&mut Beside>, &mut Findings),
    progress: &Progress,
) -> Result<u64, ClientError> {
    let partition = Partition::default();
    let mut next = 1;
    let mut fetched = desk.log(partition, next).await?;
    while next <= head && !fetched.records.is_empty() {
        let records = std::mem::take(&mut fetched.records);
        let behind = next + records.len() as u64;
        // The next answer is on its way while this one is judged.
        let ahead = desk.log(partition, behind);
        let judge = async {
            for (position, record) in (next..=head).zip(&records) {
                take(position, record);
                if let Some(stream) = &mut stream {
                    stream.compare(position, Hash::of_record(record), findings).await?;
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
    Ok(next)
}

/// Messages beyond the log that are looked at one by one.
const BEYOND_MAX: u64 = 1_000;

/// The stream, read in step with the log.
pub(crate) struct Beside {
    messages: Messages,
    first: u64,
    pub(crate) last: u64,
    /// With it, the MAC of every message is judged.
    authorship: Option<Authorship>,
    /// Messages that were compared with the log.
    pub(crate) compared: u64,
    /// Messages from before there were MACs.
    pub(crate) unproven: u64,
}

impl Beside {
    pub(crate) async fn open(
        desk: &Reading,
        partition: Partition,
        authorship: Option<Authorship>,
    ) -> Result<Self, ClientError> {
        let stream = desk.events(partition).await?;
        let (first, last) = (stream.first().max(1), stream.last());
        Ok(Self { messages: stream.from(first), first, last, authorship, compared: 0, unproven: 0 })
    }

    async fn compare(
        &mut self,
        position: u64,
        hash: Hash,
        findings: &mut Findings,
    ) -> Result<(), ClientError> {
        if position < self.first || position > self.last {
            return Ok(());
        }
        let published = self.messages.next().await?;
        self.compared += 1;
        if published.sequence != position {
            let what = format!("the stream holds {} in its place", published.sequence);
            findings.at(Check::Publication, position, what);
            self.first = published.sequence + 1;
            return Ok(());
        }
        let published_hash = Hash::of_record(&published.bytes);
        if published_hash != hash {
            let what = "the stream holds other bytes than the log".to_owned();
            findings.at(Check::Publication, position, what);
        }
        let Some(authorship) = &self.authorship else { return Ok(()) };
        let at = LogPosition::new(position).unwrap_or(LogPosition::FIRST);
        let what = match authorship.of(at, published_hash, &published.says) {
            Author::Ours => return Ok(()),
            Author::Unproven => {
                self.unproven += 1;
                return Ok(());
            }
            Author::Stranger => "the message has no MAC of this log's engine: it is forged",
            Author::Older => "the message has the MAC of a lineage of this log that was given up",
            Author::Newer => "the message has the MAC of a later lineage of this log",
        };
        findings.at(Check::Authorship, position, what.to_owned());
        Ok(())
    }

    /// What the stream held behind the `head` that the log had later: the engine publishes what is in the log, so it is
    /// not from this log, however well it continues it.
    pub(crate) async fn beyond(
        &mut self,
        head: u64,
        authorship: Option<&Authorship>,
        findings: &mut Findings,
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
            let what = format!("the stream holds a message that the log has not: {who}");
            findings.at(Check::Publication, published.sequence, what);
        }
        let rest = self.last.saturating_sub(from + BEYOND_MAX - 1);
        if self.last >= from && rest > 0 {
            findings.of_all(
                Check::Publication,
                format!("the stream holds {rest} more messages that the log has not"),
            );
        }
        Ok(())
    }
}

//! A report on a desk that runs: the log from the engine's log service, the checkpoint from its notary, and the stream.

use guichet_audit::{About, Auditor, Check, Report};
use guichet_proof::{Authorship, VerifyingKey};
use guichet_schemas::position::Partition;

use crate::verify::{Beside, Claims, SHORT, read_log};
use guichet_client::output::Output;
use guichet_client::{ClientError, Reading};

/// Reads a running desk from end to end, with every check that it allows. `about` is asked at the end: what it says of
/// the time is when the audit ended.
///
/// # Errors
/// Nobody answers.
pub async fn live(
    desk: &Reading,
    (key, authorship): (Option<&VerifyingKey>, Option<Authorship>),
    (mut claims, with_stream): (Claims, bool),
    about: impl FnOnce(String) -> About,
    output: &Output,
) -> Result<Report, ClientError> {
    let partition = Partition::default();
    let newest = desk.checkpoint(partition).await?;
    claims.add("the newest checkpoint", newest.note().as_bytes(), key);
    let may_tell = authorship.is_some();
    let mut stream = match with_stream {
        true => Some(Beside::open(desk, partition, authorship.clone()).await?),
        false => None,
    };
    let head = desk.log(partition, 0).await?.head;
    let mut auditor = Auditor::new(&claims.claims);
    let progress = output.progress("records", head);
    let mut found = guichet_audit::Findings::default();
    let take = &mut |position, record: &[u8]| auditor.take(position, record);
    let next = read_log(desk, head, take, (stream.as_mut(), &mut found), &progress).await?;
    drop(progress);
    if next <= head {
        auditor.unreadable(SHORT);
    }
    match &mut stream {
        None => {
            auditor.unchecked(Check::Publication, "the stream: --no-stream".to_owned());
            auditor.unchecked(Check::Authorship, "the messages of the stream: --no-stream".to_owned());
        }
        Some(stream) => {
            stream.beyond(head, authorship.as_ref(), &mut found).await?;
            if stream.last < head {
                let why = format!("the stream behind {}: it was not published so far yet", stream.last);
                auditor.unchecked(Check::Publication, why);
            }
            auditor.count(Check::Publication, "messages", stream.compared);
            let judged = if may_tell { stream.compared.saturating_sub(stream.unproven) } else { 0 };
            auditor.count(Check::Authorship, "messages", judged);
            if stream.unproven > 0 {
                let why = format!("{} messages: a program that made no MACs wrote them", stream.unproven);
                auditor.unchecked(Check::Authorship, why);
            }
        }
    }
    if !may_tell && with_stream {
        let why = "who wrote the messages: only where the data folder is at hand can their MACs be checked";
        auditor.unchecked(Check::Authorship, why.to_owned());
    }
    auditor.unchecked(
        Check::Tree,
        "the stored tiles: an engine that runs hands out none as they are stored".to_owned(),
    );
    auditor.findings().join(found);
    auditor.findings().join(claims.findings);
    for why in claims.unchecked {
        auditor.unchecked(Check::Tree, why);
    }
    auditor
        .end(about(format!("the desk that runs at {}", desk.shown())), &claims.claims, None)
        .map_err(|why| ClientError::Usage(why.to_string()))
}

//! What the engine says of its log, asked once a second: where it ends, and how its copy in the stream goes. A stream
//! that stands still says nothing, so whoever counts from the stream alone is current for ever.

use std::time::Duration;
use tokio::sync::watch;

use crate::ground::Clock;
use crate::heard::Heard;
use crate::live::Model;
use crate::worker::source::{Reply, Source};

/// How often the log service is asked for its head alone: some hundred bytes.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// So often nobody answers before it counts: an engine that starts again is back by then.
const MISSES: u32 = 3;

/// Asks until it is stopped, and tells the models.
pub(crate) async fn run<S: Source>(
    source: S,
    models: Vec<Model>,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) {
    let (mut heard, mut missed) = (Heard::default(), 0);
    loop {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            reply = source.log(0, 1) => {
                missed = take(&mut heard, reply, missed, &clock);
                for model in &models {
                    model.status.heard(&heard);
                }
            }
        }
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            () = source.sleep(ASK_EVERY) => {}
        }
    }
}

fn take(heard: &mut Heard, reply: Reply, missed: u32, clock: &Clock) -> u32 {
    let missed = match reply {
        Reply::Batch(batch) => {
            *heard = Heard { head: batch.head, publishing: batch.publishing, silent: None };
            return 0;
        }
        Reply::Nobody => missed.saturating_add(1),
        // It was waited for already.
        Reply::Unclear(_) => MISSES,
    };
    if missed >= MISSES && heard.silent.is_none() {
        heard.silent = Some(clock());
    }
    missed
}

#[cfg(test)]
mod tests {
    use guichet_schemas::time::Timestamp;
    use guichet_schemas::wire::{PublishingReason, PublishingState, PublishingView};

    use std::sync::Arc;

    use guichet_schemas::wire::LogBatch;

    use super::*;

    fn told(state: PublishingState, head: u64) -> Reply {
        let publishing = PublishingView { state: state as i32, head, ..PublishingView::default() };
        Reply::Batch(LogBatch { head, publishing: Some(publishing), ..LogBatch::default() })
    }

    #[test]
    fn an_engine_that_is_away_for_longer_is_named_and_the_head_stays_known() {
        let clock: Clock = Arc::new(|| Timestamp(9));
        let mut heard = Heard::default();
        let mut missed = take(&mut heard, told(PublishingState::Live, 7), 0, &clock);
        for _ in 1..MISSES {
            missed = take(&mut heard, Reply::Nobody, missed, &clock);
            assert_eq!(heard.view().unwrap().state(), PublishingState::Live);
        }
        missed = take(&mut heard, Reply::Nobody, missed, &clock);
        let view = heard.view().unwrap();
        assert_eq!((view.state(), view.reason()), (PublishingState::Unknown, PublishingReason::NoEngine));
        assert_eq!((view.head, view.since), (7, Some(9)));
        assert!(heard.doubt(0).is_some());
        assert_eq!(take(&mut heard, told(PublishingState::Live, 8), missed, &clock), 0);
        assert!(heard.doubt(0).is_none() && !heard.stands());
    }

    #[test]
    fn a_stream_that_stands_is_a_doubt_only_for_who_is_behind() {
        let clock: Clock = Arc::new(|| Timestamp(9));
        let mut heard = Heard::default();
        take(&mut heard, told(PublishingState::Standing, 7), 0, &clock);
        assert!(heard.stands() && heard.doubt(0).is_none() && heard.doubt(1).is_some());
        take(&mut heard, Reply::Unclear("no".to_owned()), 0, &clock);
        assert!(!heard.stands() && heard.view().unwrap().state() == PublishingState::Unknown);
    }
}

//! How publishing goes, for those who ask: the stream has what the log has, is getting it, or takes nothing, and why.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No room: on its disk, or under a limit of its server.
    Full,
    /// It is not there, or the folder that its server keeps it in.
    Gone,
    /// Its folder cannot be written.
    ReadOnly,
    /// The server answers, but stores nothing and does not say why.
    Silent,
    /// NATS or JetStream does not answer.
    Unreachable,
    /// The server refuses: rights, or a setting.
    Refused,
}

impl Reason {
    /// The reason in words, for an operator.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Full => "the stream has no room left: on its disk, or under a limit of its server",
            Self::Gone => "the stream, or the folder that its server keeps it in, is gone",
            Self::ReadOnly => "the folder of the stream cannot be written",
            Self::Silent => {
                "JetStream answers, but acknowledges nothing: its disk may be full, gone or read-only"
            }
            Self::Unreachable => "NATS or JetStream does not answer",
            Self::Refused => "JetStream refuses the stream",
        }
    }
}

impl From<Reason> for wire::PublishingReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Full => Self::StreamFull,
            Reason::Gone => Self::StreamGone,
            Reason::ReadOnly => Self::StreamReadOnly,
            Reason::Silent => Self::StreamSilent,
            Reason::Unreachable => Self::Unreachable,
            Reason::Refused => Self::Refused,
        }
    }
}

/// The stream takes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub reason: Reason,
    /// The reason in words, with what the server said.
    pub detail: String,
    /// Since when.
    pub since: Timestamp,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Publishing {
    /// Set while the stream takes nothing.
    pub standing: Option<Standing>,
}

impl Publishing {
    /// True while nobody answers for the stream.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        self.standing.as_ref().is_some_and(|standing| standing.reason == Reason::Unreachable)
    }

    /// As the log service tells it, for a log that ends at `head` and a stream that is known to reach `published`.
    #[must_use]
    pub fn view(&self, head: u64, published: u64) -> wire::PublishingView {
        let state = match &self.standing {
            Some(_) => wire::PublishingState::Standing,
            None if published < head => wire::PublishingState::CatchingUp,
            None => wire::PublishingState::Live,
        };
        let standing = self.standing.as_ref();
        wire::PublishingView {
            state: state as i32,
            reason: standing.map(|one| wire::PublishingReason::from(one.reason) as i32),
            detail: standing.map(|one| one.detail.clone()),
            head,
            published,
            since: standing.map(|one| one.since.to_wire()),
        }
    }
}

/// The last refusals of the broker: noted by those who talk to it, read by those who watch.
#[derive(Debug, Clone, Default)]
pub(super) struct Signs(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    /// Of questions about the stream.
    asked: Option<Sign>,
    /// Of messages that were sent.
    sent: Option<Sign>,
}

/// A refusal, and since when there is nothing else.
#[derive(Debug, Clone)]
pub(super) struct Sign {
    pub(super) reason: Reason,
    pub(super) detail: String,
    since: Instant,
}

impl Sign {
    pub(super) fn lasts(&self) -> Duration {
        self.since.elapsed()
    }
}

impl Signs {
    /// A question about the stream was answered, or was not.
    pub(super) fn asked<T>(&self, answer: Result<T, (Reason, String)>) -> Result<T, String> {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).asked, answer)
    }

    /// A message was stored, or was not.
    pub(super) fn sent<T>(&self, answer: Result<T, (Reason, String)>) -> Result<T, String> {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).sent, answer)
    }

    /// The last sign that questions met, and the last that messages met.
    pub(super) fn read(&self) -> (Option<Sign>, Option<Sign>) {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (noted.asked.clone(), noted.sent.clone())
    }
}

fn note<T>(sign: &mut Option<Sign>, answer: Result<T, (Reason, String)>) -> Result<T, String> {
    match answer {
        Ok(answer) => {
            *sign = None;
            Ok(answer)
        }
        Err((reason, detail)) => {
            let since = sign.as_ref().map_or_else(Instant::now, |sign| sign.since);
            *sign = Some(Sign { reason, detail: detail.clone(), since });
            Err(detail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_follows_from_the_log() {
        let mut publishing = Publishing::default();
        assert_eq!(publishing.view(7, 7).state(), wire::PublishingState::Live);
        assert_eq!(publishing.view(8, 7).state(), wire::PublishingState::CatchingUp);
        let detail = "no space left on device".to_owned();
        publishing.standing = Some(Standing { reason: Reason::Full, detail, since: Timestamp(5) });
        let view = publishing.view(8, 7);
        assert_eq!(
            (view.state(), view.reason()),
            (wire::PublishingState::Standing, wire::PublishingReason::StreamFull)
        );
        assert_eq!((view.head, view.published, view.since), (8, 7, Some(5)));
    }

    #[test]
    fn a_sign_lasts_until_the_contrary() {
        let signs = Signs::default();
        assert!(signs.asked::<()>(Err((Reason::Unreachable, "no".to_owned()))).is_err());
        let since = signs.read().0.unwrap().since;
        assert!(signs.asked::<()>(Err((Reason::Refused, "no".to_owned()))).is_err());
        let (asked, sent) = signs.read();
        assert!(
            asked.is_some_and(|sign| sign.reason == Reason::Refused && sign.since == since) && sent.is_none()
        );
        assert_eq!(signs.asked(Ok(1)), Ok(1));
        assert!(signs.read().0.is_none());
    }
}

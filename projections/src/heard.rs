//! What the engine says of its log, for read models that must know how far they are behind.

use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{PublishingReason, PublishingState, PublishingView};

/// The engine's last account of its log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard {
    /// Where the log ended; 0: nobody has said yet.
    pub(crate) head: u64,
    /// How its stream goes, where the engine publishes.
    pub(crate) publishing: Option<PublishingView>,
    /// Since when nobody answers, once that counts.
    pub(crate) silent: Option<Timestamp>,
}

impl Heard {
    /// True where the stream takes nothing and the log is there to be read.
    pub(crate) fn stands(&self) -> bool {
        self.silent.is_none()
            && self.publishing.as_ref().is_some_and(|view| view.state() == PublishingState::Standing)
    }

    /// True where the engine says that nobody answers for the stream.
    pub(crate) fn is_unreachable(&self) -> bool {
        let reason = self.publishing.as_ref().map(PublishingView::reason);
        self.stands() && reason == Some(PublishingReason::Unreachable)
    }

    /// Why a read model may be behind without knowing it, or cannot catch up through the stream.
    pub(crate) fn doubt(&self, lag: u64) -> Option<String> {
        if self.silent.is_some() {
            return Some("no engine answers: how far the log has gone is not known".to_owned());
        }
        let view = self.publishing.as_ref().filter(|_| lag > 0 && self.stands())?;
        Some(format!("publishing stands: {}", view.detail()))
    }

    /// As the query `projections` tells it; `None`: the engine does not publish.
    pub(crate) fn view(&self) -> Option<PublishingView> {
        let Some(since) = self.silent else { return self.publishing.clone() };
        let published = self.publishing.as_ref().map_or(0, |view| view.published);
        Some(PublishingView {
            state: PublishingState::Unknown as i32,
            reason: Some(PublishingReason::NoEngine as i32),
            detail: Some("no engine answers".to_owned()),
            head: self.head,
            published,
            since: Some(since.to_wire()),
        })
    }
}

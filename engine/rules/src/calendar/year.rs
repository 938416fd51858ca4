//! The open spans of one year, with the open time before each: both questions are one binary search.

#[derive(Debug, Clone, Copy)]
struct Span {
    from: i64,
    to: i64,
    /// Open milliseconds of the year before it.
    before: i64,
}

/// A year of UTC.
#[derive(Debug)]
pub(super) struct Year {
    spans: Vec<Span>,
    open: i64,
}

impl Year {
    /// From spans in any order, which may overlap: what is open twice is open once.
    pub(super) fn new(mut found: Vec<(i64, i64)>) -> Self {
        found.sort_unstable();
        let mut spans: Vec<Span> = Vec::with_capacity(found.len());
        let mut open = 0_i64;
        for (from, to) in found {
            match spans.last_mut() {
                Some(last) if from <= last.to => {
                    open = open.saturating_add(to.saturating_sub(last.to).max(0));
                    last.to = last.to.max(to);
                }
                Some(_) | None => {
                    spans.push(Span { from, to, before: open });
                    open = open.saturating_add(to.saturating_sub(from));
                }
            }
        }
        Self { spans, open }
    }

    /// Open milliseconds of the whole year.
    pub(super) const fn open(&self) -> i64 {
        self.open
    }

    /// Open milliseconds of the year before an instant.
    pub(super) fn open_before(&self, at: i64) -> i64 {
        let behind = self.spans.partition_point(|span| span.from < at);
        match behind.checked_sub(1).and_then(|last| self.spans.get(last)) {
            Some(span) => span.before.saturating_add(at.min(span.to).saturating_sub(span.from)),
            None => 0,
        }
    }

    /// The earliest instant with so many open milliseconds, more than 0, of the year before it.
    pub(super) fn when_open(&self, wanted: i64) -> Option<i64> {
        if wanted > self.open {
            return None;
        }
        let behind = self.spans.partition_point(|span| span.before < wanted);
        let span = self.spans.get(behind.checked_sub(1)?)?;
        Some(span.from.saturating_add(wanted.saturating_sub(span.before)))
    }
}

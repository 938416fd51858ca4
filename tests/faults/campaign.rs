//! How long the rig works, and on what: short with fixed seeds by default, everything when asked.

/// What was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Campaign {
    pub(crate) full: bool,
    /// Words that choose goals; none: all of them.
    pub(crate) goals: Vec<String>,
    /// Of these, the ones that must be a part of some name. Words that `cargo test` hands to every test of the workspace
    /// need not.
    pub(crate) named: Vec<String>,
    /// Where the dice begin.
    pub(crate) seed: u64,
}

/// Another one comes from `GUICHET_SEED`.
const SEED: u64 = 20_261_122;

impl Campaign {
    /// From the command line, where whatever `cargo test` passes and we do not know is ignored, and from
    /// `GUICHET_CAMPAIGN`.
    pub(crate) fn asked() -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let full = std::env::var_os("GUICHET_CAMPAIGN").is_some_and(|v| v == "full");
        let named = arguments.windows(2).filter(|two| two[0] == "--goal").map(|two| two[1].clone());
        Self {
            full: full || arguments.iter().any(|argument| argument == "--full"),
            named: named.collect(),
            goals: arguments.into_iter().filter(|argument| !argument.starts_with('-')).collect(),
            seed: crate::harness::seed().unwrap_or(SEED),
        }
    }

    /// One of two figures.
    pub(crate) const fn pick<T: Copy>(&self, short: T, full: T) -> T {
        if self.full { full } else { short }
    }

    /// True where this goal is to be worked on. Words in the arguments choose by a part of its name.
    pub(crate) fn wants(&self, goal: &str) -> bool {
        self.goals.is_empty() || self.goals.iter().any(|part| goal.contains(part.as_str()))
    }

    /// Name of what is done.
    pub(crate) const fn name(&self) -> &'static str {
        if self.full { "full campaign" } else { "short campaign" }
    }
}

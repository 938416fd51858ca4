//! What is wrong, or unwise, in a configuration, and where.

/// A place in a body or a file, and the rule that does not hold there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{path}: {rule}")]
pub struct Fault {
    /// Where: `policies[2].targets[0].calendar`. In what is checked as a whole it begins with kind and id.
    pub path: String,
    /// The rule that is broken, or the surprise that is to be expected.
    pub rule: String,
}

impl Fault {
    /// A fault.
    #[must_use]
    pub fn at(path: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { path: path.into(), rule: rule.into() }
    }

    /// The same, seen from further out.
    #[must_use]
    pub fn below(self, outer: &str) -> Self {
        let path = match self.path.as_str() {
            "" => outer.to_owned(),
            inner if inner.starts_with('[') => format!("{outer}{inner}"),
            inner => format!("{outer}.{inner}"),
        };
        Self { path, rule: self.rule }
    }
}

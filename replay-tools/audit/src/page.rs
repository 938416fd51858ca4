//! The report as a page: one file, light or dark as the reader prefers, and fit to be printed.

use askama::Template;

use crate::findings::Check;
use crate::report::{Checked, Outcome, Report};

/// Findings of one check that are shown; the JSON beside the page has more.
const SHOWN_MAX: usize = 200;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
}

/// Writes the page.
pub(crate) fn of(report: &Report) -> String {
    Page { report }.render().unwrap_or_else(|problem| {
        // A template that is checked when it is compiled fails only where memory does.
        format!("the page could not be written: {problem}; the JSON beside it holds the report")
    })
}

impl Report {
    fn left_out(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.checks.iter().flat_map(|one| one.not_checked.iter().map(|why| (one.title(), why.as_str())))
    }
}

impl Checked {
    const fn title(&self) -> &'static str {
        match self.check {
            Check::Form => "Form of the records",
            Check::Gaps => "Gaps",
            Check::Chain => "Hash chains",
            Check::Tree => "Tree and signed checkpoints",
            Check::Clock => "Clock",
            Check::Authorship => "Authorship",
            Check::Publication => "Publication",
            Check::Configuration => "Configuration in force",
            Check::Roles => "Roles against actors",
            Check::Attachments => "Attachments",
            Check::Access => "Access log",
        }
    }

    const fn asks(&self) -> &'static str {
        match self.check {
            Check::Form => "Are the bytes at each position a record that says this position?",
            Check::Gaps => "Is a record there and readable at every position?",
            Check::Chain => "Does each event name the hash of the event before it in its stream?",
            Check::Tree => "Do the records give the stored tree and the roots that were signed?",
            Check::Clock => "Do the time of recording and the epoch never go back?",
            Check::Authorship => "Does every message of the stream carry the MAC of this log's engine?",
            Check::Publication => "Does the stream hold what the log holds, byte for byte, and nothing else?",
            Check::Configuration => "Was each event decided under the configuration that was in force?",
            Check::Roles => {
                "Were the caller of each event, and the kind of actor for whom it spoke, allowed to cause it?"
            }
            Check::Attachments => "Are the attachments there that the log names?",
            Check::Access => "Who was given personal texts, and what for?",
        }
    }

    const fn class(&self) -> &'static str {
        match self.outcome {
            Outcome::Passed => "passed",
            Outcome::PassedInPart => "part",
            Outcome::Failed => "failed",
            Outcome::NotChecked => "not",
        }
    }

    const fn word(&self) -> &'static str {
        match self.outcome {
            Outcome::Passed => "nothing found",
            Outcome::PassedInPart => "nothing found in what was checked",
            Outcome::Failed => "findings",
            Outcome::NotChecked => "not checked",
        }
    }

    fn shown(&self) -> &[crate::Finding] {
        &self.findings[..self.findings.len().min(SHOWN_MAX)]
    }

    fn hidden(&self) -> u64 {
        self.faults.saturating_sub(self.shown().len() as u64)
    }
}

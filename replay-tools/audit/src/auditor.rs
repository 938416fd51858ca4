//! Reads a log once, in order, and applies every check that its records allow.

use guichet_schemas::codec::Head;

use crate::configured::Configured;
use crate::findings::{Check, Findings};
use crate::permitted::Permitted;
use crate::report::{About, Report};
use crate::section::{Filled, Section};
use crate::whole::{Claim, Source, Unread, Whole, compare_tile};

/// The event that says who read personal texts.
const ACCESS: &str = "AccessRecorded";

/// What has been seen of a log so far.
#[derive(Debug)]
pub struct Auditor {
    section: Section,
    sizes: Vec<u64>,
    findings: Findings,
    configured: Configured,
    permitted: Permitted,
    accesses: u64,
    tiles: u64,
    counted: Vec<(Check, &'static str, u64)>,
    unchecked: Vec<(Check, String)>,
}

impl Auditor {
    /// Of a log that will be compared with these claims.
    #[must_use]
    pub fn new(claims: &[Claim]) -> Self {
        let sizes: Vec<u64> = claims.iter().map(|claim| claim.checkpoint.size).collect();
        Self {
            section: Section::starting_at(1, &sizes),
            sizes,
            findings: Findings::default(),
            configured: Configured::default(),
            permitted: Permitted::default(),
            accesses: 0,
            tiles: 0,
            counted: Vec::new(),
            unchecked: Vec::new(),
        }
    }

    /// Judges the next record. False where nothing behind it can be judged.
    pub fn take(&mut self, position: u64, record: &[u8]) -> bool {
        self.take_with(position, record, &mut |_, _| {})
    }

    fn take_with(
        &mut self,
        position: u64,
        record: &[u8],
        filled: &mut dyn FnMut(Filled<'_>, &mut Findings),
    ) -> bool {
        let goes_on = self.section.take(position, record, filled);
        // A record in the place of another is no word about who may do what.
        if let Some(head) = Head::read(record).filter(|head| head.position == position) {
            self.configured.judge(&head, &mut self.findings);
            let configuration = self.configured.of(head.tenant);
            self.permitted.judge(&head, configuration, &mut self.findings);
            self.configured.take(&head, &mut self.findings);
            self.accesses += u64::from(head.r#type == ACCESS);
        }
        goes_on
    }

    /// The source ends before the log does.
    pub fn unreadable(&mut self, problem: &str) {
        self.section.unreadable(problem);
    }

    /// What was found elsewhere.
    pub const fn findings(&mut self) -> &mut Findings {
        &mut self.findings
    }

    /// So many of something were looked at by a check.
    pub fn count(&mut self, check: Check, what: &'static str, count: u64) {
        self.counted.push((check, what, count));
    }

    /// A check, or a part of it, that could not be made, and why.
    pub fn unchecked(&mut self, check: Check, why: String) {
        self.unchecked.push((check, why));
    }

    /// Compares with what was claimed, and sums up. Tiles above the leaves are compared where the source keeps some.
    ///
    /// # Errors
    /// The system refused to read a tile.
    pub fn end(
        mut self,
        about: About,
        claims: &[Claim],
        source: Option<&dyn Source>,
    ) -> Result<Report, Unread> {
        let mut whole = Whole::default();
        let positions = self.section.next() - 1;
        let section = std::mem::replace(&mut self.section, Section::starting_at(1, &[])).ended();
        for tile in whole.join(section, &self.sizes) {
            if let Some(source) = source {
                self.tiles += 1;
                compare_tile(source, tile.level, tile.index, &tile.hashes, &mut self.findings)?;
            }
        }
        claims.iter().for_each(|claim| whole.compare(claim));
        self.findings.join(std::mem::take(whole.findings()));
        for (check, what, count) in [
            (Check::Form, "records", whole.events()),
            (Check::Gaps, "positions", positions),
            (Check::Chain, "records", whole.events()),
            (Check::Chain, "streams", whole.streams() as u64),
            (Check::Tree, "leaves", whole.events()),
            (Check::Tree, "stored tiles", self.tiles),
            (Check::Tree, "checkpoints", claims.len() as u64),
            (Check::Clock, "records", whole.events()),
            (Check::Configuration, "events", self.configured.judged),
            (Check::Configuration, "publications", self.configured.published),
            (Check::Roles, "events", self.permitted.judged),
            (Check::Roles, "of them by configured callers", self.permitted.configured),
            (Check::Access, "accesses", self.accesses),
        ] {
            self.counted.push((check, what, count));
        }
        if claims.is_empty() {
            let why = "whether the records are those that were signed: no checkpoint is at hand";
            self.unchecked.push((Check::Tree, why.to_owned()));
        }
        if self.configured.unread > 0 {
            let why = format!("{} publications that a newer program wrote", self.configured.unread);
            self.unchecked.push((Check::Configuration, why));
        }
        self.unjudged();
        Ok(Report::new(about, &whole, claims, self.findings, &self.counted, self.unchecked))
    }

    fn unjudged(&mut self) {
        let mut not = |check, why: String| self.unchecked.push((check, why));
        if self.permitted.imported > 0 {
            let facts = self.permitted.imported;
            not(
                Check::Roles,
                format!(
                    "{facts} facts of imports: their actors are of another system; who imported them was checked"
                ),
            );
        }
        for (event, count) in &self.permitted.unknown {
            not(
                Check::Roles,
                format!("{count} events {event}: this program does not know which verbs write them"),
            );
        }
        if self.permitted.configured > 0 {
            not(
                Check::Roles,
                "whether callers without a role that writes internal comments wrote some".to_owned(),
            );
        }
        not(
            Check::Roles,
            "whether an actor is who it says: the record says what its caller claimed".to_owned(),
        );
        not(
            Check::Access,
            "who read personal texts on the pages, over the API, by queries or with keys of their own: only what export \
             and replay give out is recorded"
                .to_owned(),
        );
    }
}

/// Reads a source from end to end. `read` is told how far it is.
///
/// # Errors
/// The system refused to read a part of it.
pub fn audit_source(
    auditor: &mut Auditor,
    source: &dyn Source,
    read: &mut dyn FnMut(u64),
) -> Result<(), Unread> {
    let (head, mut refused, mut tiles) = (source.head(), None, 0);
    let mut compare = |tile: Filled<'_>, findings: &mut Findings| {
        tiles += 1;
        if let Err(why) = compare_tile(source, 0, tile.index, tile.hashes, findings) {
            refused.get_or_insert(why);
        }
    };
    let scanned = source.scan(1, head, &mut |position, record| {
        if position.is_multiple_of(4096) {
            read(position);
        }
        auditor.take_with(position, record, &mut compare)
    });
    auditor.tiles += tiles;
    if let Some(why) = refused {
        return Err(why);
    }
    match scanned {
        Err(Unread::Damaged(why)) => auditor.unreadable(&why.to_string()),
        Err(why @ Unread::Refused(_)) => return Err(why),
        Ok(()) if auditor.section.next() <= head => auditor.unreadable(&format!("the log goes on to {head}")),
        Ok(()) => {}
    }
    Ok(())
}

#[cfg(test)]
#[path = "auditor_tests.rs"]
mod tests;

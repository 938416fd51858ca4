//! One command: what it leads to, and how that gets into the batch. Tickets and configurations are decided here alike; what
//! is different about them stands with them ([`Stream`]).

use guichet_rules::Draft;
use guichet_schemas::codec::Request;
use guichet_schemas::command::Command;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_service::caught;

use super::Decider;
use super::meeting::Met;
use crate::log::batch::Answer;
use crate::log::derived::Derived;
use crate::log::disk::Disk;
use crate::log::sealer::Fresh;
use crate::log::stage::{Part, Place, Staged, stage};
use crate::log::told::{About, Recorded, Told};
use crate::log::{StoreFault, keys, outcome};

/// A stream that a command has met: a ticket, or the configuration of a tenant. It is out of its shelf while it is here.
pub(super) trait Stream<D: Disk> {
    /// What the decision looked at beside the stream.
    type Beside;
    /// What it will be once the records are in the batch.
    type After;

    /// What a panic is counted as.
    const DECIDES: &'static str;

    /// What answers say that they are about.
    fn about(&self) -> About;

    /// The same, once these records are there.
    fn about_after(&self, _beside: &Self::Beside, _staged: &[Staged]) -> About {
        self.about()
    }

    /// Where it ends; `None`: it has no record yet.
    fn end(&self) -> Option<(StreamVersion, Hash)>;

    /// When the command was met, and the version of the configuration that it is decided under.
    fn met(&self) -> (Timestamp, u64);

    /// True where the command expects the stream as it is.
    fn is_expected(&self, command: &Command) -> bool {
        command.expects(self.end().map(|(version, _)| version))
    }

    /// What the rules say.
    fn decide(&self, on: &mut Decider<D>, command: &Command) -> Result<Decided<Self::Beside>, StoreFault>;

    /// The drafts by stream, in their order.
    fn parts(&self, _beside: &Self::Beside, drafts: Vec<Draft>) -> Vec<Part> {
        vec![Part { about: self.about(), end: self.end(), drafts }]
    }

    /// Seals what is personal in the drafts; gives the keys that are new. Most streams hold nothing personal.
    fn seal(
        &self,
        _on: &mut Decider<D>,
        _request: &Request,
        _beside: &Self::Beside,
        _parts: &mut [Part],
    ) -> Result<Vec<Fresh>, StoreFault> {
        Ok(Vec::new())
    }

    /// Folds records as they were read back. Whatever falls over in there, the stream is still what it was.
    fn fold(&self, beside: &Self::Beside, staged: &[Staged]) -> Option<Self::After>;

    /// Behind the border: it is that now.
    fn becomes(&mut self, on: &mut Decider<D>, command: &Command, after: Self::After);

    /// Back to its shelf, whatever came of the command.
    fn leave(self, on: &mut Decider<D>);
}

/// Drafts with what the decision looked at, or a refusal.
pub(super) type Decided<Beside> = Result<(Vec<Draft>, Beside), Rejection>;

/// What a decision comes to, before anything of it is in the batch.
enum Prepared<After> {
    /// Nothing to write.
    Answer(Answer),
    /// The effect already holds; only the answer is kept.
    Nothing,
    /// Records, and the stream after them.
    Records(Box<Records<After>>),
}

struct Records<After> {
    created: Vec<(Staged, Fresh)>,
    staged: Vec<Staged>,
    after: After,
    told: Told,
}

impl<D: Disk> Decider<D> {
    /// Decides one command.
    ///
    /// Up to the border, which is where the first byte goes into the batch, nothing is changed but what could be read
    /// again: a panic there is the answer `internal` to this command, and the next one is decided. Behind it, on the
    /// way from decided to durable, a panic ends the process, for nobody could say what the batch holds. So all that
    /// may be wrong is done before: the rules, the seals, the encoding, and the fold of what was decided.
    pub(super) fn decide(&mut self, request: &Request) -> Result<Answer, StoreFault> {
        match caught("decide", || self.meet(request)) {
            Ok(Ok(Met::Ticket(ticket))) => self.decide_on(request, *ticket),
            Ok(Ok(Met::Config(configuration))) => self.decide_on(request, *configuration),
            Ok(Ok(Met::Access(access))) => self.decide_on(request, *access),
            Ok(Ok(Met::Article(article))) => self.decide_on(request, *article),
            Ok(Ok(Met::Answered(answer))) => Ok(answer),
            Ok(Err(fault)) => Err(fault),
            Err(internal) => Ok(refused(internal)),
        }
    }

    fn decide_on<S: Stream<D>>(&mut self, request: &Request, mut stream: S) -> Result<Answer, StoreFault> {
        // By reference: whatever happens in there, the stream is still what it was.
        let prepared = match caught(S::DECIDES, || self.prepare(request, &stream)) {
            Ok(prepared) => prepared,
            Err(internal) => Ok(Prepared::Answer(refused(internal))),
        };
        // The border.
        let answer = prepared.map(|prepared| match prepared {
            Prepared::Answer(answer) => answer,
            Prepared::Nothing => self.nothing_to_do(request, &stream),
            Prepared::Records(records) => self.append(request, &mut stream, *records),
        });
        stream.leave(self);
        answer
    }

    /// Decides, seals, encodes and folds. Changes nothing that another command sees.
    fn prepare<S: Stream<D>>(
        &mut self,
        request: &Request,
        stream: &S,
    ) -> Result<Prepared<S::After>, StoreFault> {
        let command = &request.command;
        #[cfg(test)]
        super::tests::fall_over(command);
        let decided = if stream.is_expected(command) {
            stream.decide(self, command)?
        } else {
            let (expected, actual) = (command.expected_version.unwrap_or(0), 0);
            Err(Rejection::VersionConflict { expected, actual, missed: Vec::new(), missed_count: 0 })
        };
        match decided {
            Ok((drafts, _)) if drafts.is_empty() => Ok(Prepared::Nothing),
            Ok((drafts, beside)) => self.records(request, stream, &beside, drafts),
            Err(Rejection::VersionConflict { expected, .. }) => {
                let (about, actual) = (stream.about(), stream.end().map(|(version, _)| version));
                let conflict = self.conflict(&command.tenant, &about, expected, actual)?;
                Ok(Prepared::Answer(refused(conflict)))
            }
            Err(rejection) => Ok(Prepared::Answer(refused(rejection))),
        }
    }

    /// The effect already holds: nothing to record but the answer.
    fn nothing_to_do<S: Stream<D>>(&mut self, request: &Request, stream: &S) -> Answer {
        let version = StreamVersion::or_zero(stream.end().map(|(version, _)| version));
        let told = self.told(stream.about(), version, self.last, 0);
        if !request.command.dry_run {
            let row = outcome::row_without_events(request.request_hash, &outcome::accepted(&told, &[]));
            self.keep_answer(request, &row);
            self.remember(request, told.clone());
        }
        Answer::Told(told)
    }

    const fn told(&self, about: About, version: u64, position: Option<LogPosition>, events: usize) -> Told {
        Told { partition: self.partition, about, version, position, events: (0, events) }
    }

    /// Keeps the answer of a command that wrote no event, and counts it: nothing else says that it was given.
    fn keep_answer(&mut self, request: &Request, row: &[u8]) {
        let at = keys::command(request.command.tenant.as_str(), request.command.command_id);
        self.batch.bytes += row.len();
        self.answers += 1;
        self.batch.answers = self.answers;
        D::put(&mut self.batch.synced, &self.store.cf(keys::COMMANDS), at, row);
        let counted = self.answers.to_be_bytes();
        D::put(&mut self.batch.synced, &self.store.cf(keys::META), keys::META_ANSWERS, counted);
    }

    /// The records of what was decided, and the stream that they make.
    fn records<S: Stream<D>>(
        &mut self,
        request: &Request,
        stream: &S,
        beside: &S::Beside,
        drafts: Vec<Draft>,
    ) -> Result<Prepared<S::After>, StoreFault> {
        let mut parts = stream.parts(beside, drafts);
        let fresh = stream.seal(self, request, beside, &mut parts)?;
        let (now, config_version) = stream.met();
        let (partition, epoch, last) = (self.partition, self.epoch, self.last);
        let place = Place { partition, epoch, last, now, config_version };
        let (created, staged) = match stage(request, parts, &fresh, &place, &mut self.ids) {
            Ok(staged) => staged,
            Err(rejection) => return Ok(Prepared::Answer(refused(rejection))),
        };
        let Some(newest) = staged.last().map(|s| s.recorded) else { return Ok(Prepared::Nothing) };
        let (version, position) = (newest.version.get(), Some(newest.position));
        let told = self.told(stream.about_after(beside, &staged), version, position, staged.len());
        if request.command.dry_run {
            let events: Vec<Recorded> = staged.iter().map(|s| s.recorded).collect();
            return Ok(Prepared::Answer(Answer::Ready(Ok(outcome::accepted(&told, &events)))));
        }
        let Some(after) = stream.fold(beside, &staged) else { return Ok(Prepared::Nothing) };
        let created = created.into_iter().zip(fresh).collect();
        Ok(Prepared::Records(Box::new(Records { created, staged, after, told })))
    }

    /// Behind the border: everything is made, and is only put where it belongs.
    fn append<S: Stream<D>>(
        &mut self,
        request: &Request,
        stream: &mut S,
        records: Records<S::After>,
    ) -> Answer {
        let Records { created, staged, after, mut told } = records;
        let tenant = &request.command.tenant;
        for (created, fresh) in created {
            self.put(created.bytes, created.hash, created.recorded.position, created.derived);
            self.batch.keys = self.sealer.keep(tenant, fresh);
        }
        told.events.0 = self.overlay().recorded.len();
        for Staged { bytes, hash, recorded, derived, .. } in staged {
            if let Some(number) = derived.number {
                self.numbers.insert(tenant.clone(), number);
            }
            self.put(bytes, hash, recorded.position, derived);
            self.overlay().recorded.push(recorded);
        }
        stream.becomes(self, &request.command, after);
        self.remember(request, told.clone());
        Answer::Told(told)
    }

    /// Puts a record into the batch.
    fn put(&mut self, bytes: Vec<u8>, hash: Hash, position: LogPosition, derived: Derived) {
        self.batch.bytes += bytes.len();
        D::put(&mut self.batch.synced, &self.store.cf(keys::EVENTS), keys::event(position), &bytes);
        self.batch.leaves.push(hash);
        self.batch.derived.push(derived);
        self.batch.head = Some(position);
        self.overlay().head = Some(position);
        self.last = Some(position);
    }

    fn remember(&mut self, request: &Request, told: Told) {
        let key = (request.command.tenant.clone(), request.command.command_id);
        self.overlay().outcomes.insert(key, (request.request_hash, told));
    }
}

pub(super) fn refused(rejection: Rejection) -> Answer {
    Answer::Ready(Err(rejection))
}

//! The writer of a log without threads: somebody else says who of it does what next. This is how the simulation
//! brings every order about in which the threads may run, and how it stops them between any two steps.
//!
//! Everything that is decided, written and answered happens in the code that the threads run. What is left out is
//! only how they wait for each other.

use std::sync::Arc;
use std::time::Duration;

use guichet_keys::Dice;
use guichet_proof::Authorship;
use guichet_schemas::codec::RequestKey;
use guichet_schemas::position::{Generation, Partition};

use super::batch::Batch;
use super::begin::{self, Now};
use super::committer::{Committed, Stage};
use super::copy::EventCopy;
use super::decider::{Next, Stop};
use super::disk::Disk;
use super::epoch::Circumstances;
use super::head::Head;
use super::identity::Identity;
use super::inlet::CommandInlet;
use super::writer::{Ground, Writer};
use super::{KeyShelf, LogReader, OpenError, Store};
use crate::clock::{IdSource, TimeSource};
use crate::halt::{Halt, HaltReason};

pub struct Beginning<'a, D> {
    /// The database, open.
    pub store: Arc<Store<D>>,
    /// The keys of data subjects.
    pub keys: Arc<dyn KeyShelf>,
    /// From where the log is repaired.
    pub copy: &'a dyn EventCopy,
    pub partition: Partition,
    /// Its clock.
    pub time: Box<dyn TimeSource>,
    pub ids: IdSource,
    /// Dice for who seals and for who stores keys.
    pub dice: (Dice, Dice),
    /// Whether the log is still the one that was opened.
    pub still_ours: Box<dyn Fn() -> Result<(), HaltReason> + Send>,
    /// Set at the first doubt.
    pub halt: Halt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The decider decides one command.
    Decide,
    /// The decider hands its batch over.
    HandOver,
    /// The decider learns that its batch is on disk.
    Learn,
    /// New keys are made durable.
    Keys,
    /// The committer brings its batch one stage further.
    Commit,
}

/// A writer that is led.
pub struct Steps<D: Disk> {
    writer: Writer<D>,
    inlet: CommandInlet,
    reader: LogReader<D>,
    head: Head,
    authorship: Authorship,
    /// With the committer, and the stage that comes next.
    under_way: Option<(Batch<D::Rows>, usize)>,
    /// A thread ended: the others find that out when they need it.
    ended: bool,
}

impl<D: Disk> Steps<D> {
    /// Starts as the engine does: completes, repairs, begins an epoch.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn begin(beginning: Beginning<'_, D>) -> Result<Self, OpenError> {
        let Beginning { store, keys, copy, partition, time, ids, dice, still_ours, halt } = beginning;
        // The files of a folder are not simulated.
        let request_key = RequestKey([0; 32]);
        let identity = Identity { generation: Generation(1), request_key, macs_from: Some(1) };
        let (last, continued) = begin::complete(&store, &identity, partition, None, copy)?;
        let circumstances = Circumstances { continued, ..Circumstances::default() };
        let now = Now { time, ids, accept_clock: true };
        let (head, clock, ids) =
            begin::begin(&store, partition, identity.generation, last, circumstances, now)?;
        let ground = Ground {
            store,
            keys: Some(keys),
            partition,
            head,
            halt,
            still_ours,
            notary: None,
            note: Box::new(|_, _| Ok(())),
            answers: 0,
            clock,
            ids,
            dice,
            attachments: None,
        };
        let (writer, inlet, reader) = Writer::on(ground);
        let authorship = identity.authorship(partition);
        Ok(Self { writer, inlet, reader, head, authorship, under_way: None, ended: false })
    }

    /// Where the log ended at the start, the epoch event included.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The author of the messages in the stream of this log.
    #[must_use]
    pub fn authorship(&self) -> Authorship {
        self.authorship.clone()
    }

    /// A reader of what is on disk.
    #[must_use]
    pub fn reader(&self) -> LogReader<D> {
        self.reader.clone()
    }

    #[must_use]
    pub fn inlet(&self) -> CommandInlet {
        self.inlet.clone()
    }

    /// Which steps can be made now; none: the writer waits for a command, or has ended.
    #[must_use]
    pub fn possible(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.ended {
            return steps;
        }
        let (queued, done) = (!self.writer.commands.is_empty(), !self.writer.done.1.is_empty());
        let next = self.writer.decider.next();
        match next {
            Next::HandOver => steps.push(Step::HandOver),
            Next::Learn | Next::Either if done => steps.push(Step::Learn),
            Next::Learn | Next::Either | Next::End => {}
        }
        // Also where a batch is ready: how many commands more it waits for is a matter of time.
        if matches!(next, Next::Either | Next::HandOver) && queued {
            steps.push(Step::Decide);
        }
        if self.writer.key_writer.as_ref().is_some_and(|writer| !writer.groups.is_empty()) {
            steps.push(Step::Keys);
        }
        let ready = match &self.under_way {
            Some((batch, stage)) => {
                Stage::ALL[*stage] != Stage::Keys || self.writer.committer.keys.settled(batch.keys)
            }
            None => !self.writer.batches.1.is_empty(),
        };
        if ready {
            steps.push(Step::Commit);
        }
        steps
    }

    /// Makes a step that is possible.
    pub fn make(&mut self, step: Step) {
        match step {
            Step::Decide => {
                if let Ok(command) = self.writer.commands.try_recv() {
                    let taken = self.writer.decider.take(command);
                    self.decided(taken);
                }
            }
            Step::HandOver => match self.writer.decider.hand_over() {
                Ok(batch) => {
                    let sent = self.writer.batches.0.try_send(batch).map_err(|_| Stop::CommitterGone);
                    self.decided(sent);
                }
                Err(stop) => self.decided(Err(stop)),
            },
            Step::Learn => {
                if let Ok(batch) = self.writer.done.1.try_recv() {
                    self.writer.decider.committed(batch);
                }
            }
            Step::Keys => self.write_keys(),
            Step::Commit => self.commit(),
        }
        if !self.ended && self.writer.decider.next() == Next::Either {
            let rested = self.writer.decider.rest(&self.writer.commands);
            self.decided(rested);
        }
    }

    fn decided(&mut self, decided: Result<(), Stop>) {
        if let Err(stop) = decided {
            self.writer.decider.give_up(&stop, &self.writer.commands);
            self.ended = true;
        }
    }

    fn write_keys(&mut self) {
        let Some(writer) = &mut self.writer.key_writer else { return };
        if let Ok(group) = writer.groups.try_recv() {
            // A failure is found by the committer, at its next batch.
            writer.write(group);
        }
    }

    fn commit(&mut self) {
        let Some((mut batch, stage)) = self.under_way.take() else {
            // Taken only: its keys may not be on disk yet, and here nobody else would write them while it waits.
            self.under_way = self.writer.batches.1.try_recv().ok().map(|batch| (batch, 0));
            return;
        };
        if let Err(doubt) = self.writer.committer.take(Stage::ALL[stage], &mut batch) {
            self.writer.committer.give_up(doubt, &mut batch);
            self.decided(Err(Stop::CommitterGone));
        } else if stage + 1 < Stage::ALL.len() {
            self.under_way = Some((batch, stage + 1));
        } else {
            // Two batches at most are under way: there is room.
            let told = self
                .writer
                .done
                .0
                .try_send(Committed { emptied: batch.emptied(), write_took: Duration::ZERO });
            self.decided(told.map_err(|_| Stop::CommitterGone));
        }
    }
}

//! The writer of a log, put together: decider, committer and key writer, and the queues between them. Whoever has it
//! gives it threads (`recovery`), or leads it by the hand (`steps`).

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use guichet_keys::Dice;
use guichet_schemas::position::Partition;
use tokio::sync::watch;

use super::batch::Batch;
use super::committer::{Committed, Committer, StillOurs};
use super::decider::{Commands, Decider};
use super::disk::Disk;
use super::head::Head;
use super::head_note::Note;
use super::inlet::CommandInlet;
use super::key_writer::{self, KeyWriter, KeysOnDisk};
use super::sealer::Sealer;
use super::{KeyShelf, LogReader, Store};
use crate::attachments::AttachmentStore;
use crate::clock::{EngineClock, IdSource};
use crate::halt::Halt;
use crate::notary::Leaves;

pub(super) struct Ground<D> {
    pub(super) store: Arc<Store<D>>,
    /// None: the log is measured without sealing.
    pub(super) keys: Option<Arc<dyn KeyShelf>>,
    pub(super) partition: Partition,
    pub(super) head: Head,
    pub(super) halt: Halt,
    pub(super) still_ours: StillOurs,
    pub(super) notary: Option<Leaves>,
    pub(super) note: Note,
    /// So many answers of commands that wrote no event are kept.
    pub(super) answers: u64,
    pub(super) clock: EngineClock,
    pub(super) ids: IdSource,
    /// For who seals, and for who stores keys.
    pub(super) dice: (Dice, Dice),
    /// Bytes that commands name; none: there is no folder for them.
    pub(super) attachments: Option<Arc<AttachmentStore>>,
}

/// Both ends of one.
type Queue<T> = (Sender<T>, Receiver<T>);

/// The three who write, and what they say to each other.
pub(super) struct Writer<D: Disk> {
    pub(super) decider: Decider<D>,
    pub(super) committer: Committer<D>,
    pub(super) key_writer: Option<KeyWriter>,
    pub(super) commands: Commands,
    pub(super) batches: Queue<Batch<D::Rows>>,
    pub(super) done: Queue<Committed<D::Rows>>,
}

/// The work of one thread, and its name.
pub(super) type Work = (&'static str, Box<dyn FnOnce() + Send>);

impl<D: Disk> Writer<D> {
    /// A writer, with the inlet where commands are handed in and a reader of what is on disk.
    pub(super) fn on(ground: Ground<D>) -> (Self, CommandInlet, LogReader<D>) {
        let Ground {
            store,
            keys,
            partition,
            head,
            halt,
            still_ours,
            notary,
            note,
            answers,
            clock,
            ids,
            dice,
            attachments,
        } = ground;
        let (head_tx, head_rx) = watch::channel(head.position.get());
        let (inlet, commands) = CommandInlet::new();
        let on_disk = Arc::new(KeysOnDisk::default());
        let (groups_tx, groups) = crossbeam_channel::bounded(key_writer::GROUPS);
        let sealer = Sealer::new(keys.clone(), dice.0, groups_tx);
        let key_writer = keys.map(|keys| KeyWriter {
            keys,
            groups,
            on_disk: on_disk.clone(),
            halt: halt.clone(),
            dice: dice.1,
        });
        let committer = Committer {
            store: store.clone(),
            head: head_tx,
            keys: on_disk,
            halt: halt.clone(),
            still_ours,
            notary,
            note,
        };
        let reader = LogReader::new(store.clone(), head_rx, head.epoch, head.generation);
        let writer = Self {
            decider: Decider::new(store, halt, &head, partition, clock, ids, sealer)
                .counting_from(answers)
                .with_attachments(attachments),
            committer,
            key_writer,
            commands,
            batches: crossbeam_channel::bounded(1),
            done: crossbeam_channel::bounded(2),
        };
        (writer, inlet, reader)
    }

    /// The duty of each thread.
    pub(super) fn threads(self) -> Vec<Work> {
        let Self { decider, committer, key_writer, commands, batches, done } = self;
        let (batches_tx, batches_rx) = batches;
        let (done_tx, done_rx) = done;
        let mut threads: Vec<Work> = vec![
            ("guichet-commit", Box::new(move || committer.run(&batches_rx, &done_tx))),
            ("guichet-decide", Box::new(move || decider.run(&commands, &batches_tx, &done_rx))),
        ];
        if let Some(writer) = key_writer {
            threads.push(("guichet-keys", Box::new(move || writer.run())));
        }
        threads
    }
}

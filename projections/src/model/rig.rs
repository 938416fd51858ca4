//! A folder and its answers without NATS, for the tests of the models.

use std::sync::Arc;

use guichet_schemas::codec::Encoding;
use guichet_schemas::position::Partition;
use guichet_schemas::subject::QuerySubject;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;
use guichet_schemas::wire::query_reply::Data;

use crate::arrived::{Arrived, Checked};
use crate::fold::{End, ModelWriter};
use crate::generation_dirs::GenerationDirs;
use crate::history::Entry;
use crate::live::Model;
use crate::projection::ReadModel;
use crate::queries::{Ask, Budget, LIMITS, Limits, Reader, Refusal};
use crate::sight::Sight;
use crate::store::{Memory, Store};

/// A read model in a folder of its own.
pub(crate) struct Rig {
    pub(crate) folder: ModelWriter,
    dir: tempfile::TempDir,
}

impl Rig {
    pub(crate) fn new(model: &'static ReadModel) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { folder: open(dir.path(), model), dir }
    }

    pub(crate) fn restart(self) -> Self {
        let Self { folder, dir } = self;
        let model = folder.model();
        drop(folder);
        Self { folder: open(dir.path(), model), dir }
    }

    /// The model for who serves it, with its folder.
    pub(crate) fn into_model(self) -> (Model, tempfile::TempDir) {
        let Self { folder, dir } = self;
        let folders = GenerationDirs::of(dir.path(), folder.model().name, Partition(0));
        let model = Model::new(folder, Arc::new(folders));
        model.status.verify();
        (model, dir)
    }

    pub(crate) fn fold(&mut self, entries: &[Entry]) {
        let arrived = |entry: &Entry| Arrived {
            sequence: entry.record.position.get(),
            prev_hash: Some(entry.prev_hash),
            hash: Some(entry.hash),
            bytes: entry.bytes.clone().into(),
            proof: None,
        };
        let checked: Vec<_> = entries.iter().map(|entry| Checked::of(arrived(entry))).collect();
        assert_eq!(self.folder.fold(&checked.iter().collect::<Vec<_>>()).end, End::All);
    }

    /// One page, and where the next begins.
    pub(crate) fn ask(&self, name: &str, query: wire::Query, now: i64) -> (Data, Option<String>) {
        self.ask_within(LIMITS, name, query, now).unwrap()
    }

    /// The same by other bounds.
    pub(crate) fn ask_within(
        &self,
        limits: Limits,
        name: &str,
        query: wire::Query,
        now: i64,
    ) -> Result<(Data, Option<String>), Refusal> {
        let subject = QuerySubject::parse(&format!("guichet.v1.query.default.test.{name}")).unwrap();
        let ask = Ask::check(subject, query, Encoding::Json).unwrap();
        let budget = Budget::of_test(limits);
        self.folder.slot().read(|view, answers| {
            let checkpoint = view.checkpoint().unwrap();
            let have = checkpoint.position_or_zero();
            let until = ask.as_of_position.map_or(have, |asked| asked.min(have));
            let (now, own_position) = (Timestamp(now), std::cell::Cell::new(None));
            let (opener, meter) = (None, std::cell::RefCell::new(budget.meter()));
            let (ask, budget) = (&ask, &budget);
            let attainment = std::cell::RefCell::default();
            let sight = Sight::of(&view, ask, now)?;
            let mut reader = Reader {
                ask,
                view,
                checkpoint,
                until,
                now,
                own_position,
                attainment,
                sight,
                opener,
                budget,
                meter,
            };
            reader.now = answers.instant(&reader)?.unwrap_or(reader.now);
            answers.answer(&reader)
        })
    }
}

fn open(dir: &std::path::Path, model: &'static ReadModel) -> ModelWriter {
    let store = Store::open(dir, model.layout(), &Memory::new(1 << 20, 64 << 20)).unwrap();
    ModelWriter::open(model, Arc::new(store), Partition(0)).unwrap()
}

//! Programs that judge us: Go's `golang.org/x/mod/sumdb`, and Python without a package.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::both;
use crate::harness;

/// The programs, built once for a test.
pub(crate) struct Judge {
    check: Option<PathBuf>,
    witness: Option<PathBuf>,
}

impl Judge {
    pub(crate) fn new(dir: &Path) -> Self {
        let build = |name: &str| {
            let (source, program) =
                (harness::project("docs/examples/go").join(name).join("main.go"), dir.join(name));
            harness::go(&source, &program).map(|()| program)
        };
        Self { check: build("check"), witness: build("witness") }
    }

    /// Every judge there is accepts the proof of the record beside it.
    pub(crate) fn all_accept(&self, key: &Path, proof: &Path) -> bool {
        self.verdicts(key, proof, &proof.with_extension("record"))
            .iter()
            .all(|verdict| verdict.status.success())
    }

    pub(crate) fn accept(&self, key: &Path, proof: &Path, record: &Path) {
        for verdict in self.verdicts(key, proof, record) {
            assert!(verdict.status.success(), "{}", both(&verdict));
        }
    }

    /// Every judge there is refuses it, by the exit code for that.
    pub(crate) fn all_refuse(&self, key: &Path, proof: &Path, what: &str) {
        for verdict in self.verdicts(key, proof, &proof.with_extension("record")) {
            assert_eq!(verdict.status.code(), Some(1), "{what} was not refused: {}", both(&verdict));
        }
    }

    fn verdicts(&self, key: &Path, proof: &Path, record: &Path) -> Vec<Output> {
        let script = harness::project("docs/examples/python/check.py");
        let mut python = Command::new("python3");
        python.env("PYTHONDONTWRITEBYTECODE", "1").arg(script);
        let go = self.check.as_ref().map(Command::new);
        go.into_iter().chain([python]).map(|mut judge| ran(judge.args([key, proof, record]))).collect()
    }

    /// The witness looks at a copy of the log; none where there is no witness on this machine.
    pub(crate) fn witness(&self, key: &Path, copy: &Path, kept: &Path) -> Option<Result<(), String>> {
        let verdict = ran(Command::new(self.witness.as_ref()?).args([key, copy, kept]));
        Some(match verdict.status.code() {
            Some(0) => Ok(()),
            Some(1) => Err(both(&verdict)),
            other => panic!("the witness ended with {other:?}: {}", both(&verdict)),
        })
    }

    pub(crate) fn unpack(&self, zip: &Path, to: &Path) {
        let unpacked = ran(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(zip).arg(to));
        assert!(unpacked.status.success(), "{}", both(&unpacked));
    }

    /// Follows the page of an evidence file, word for word.
    pub(crate) fn page(&self, folder: &Path) {
        let verdict = page(folder);
        assert!(verdict.status.success(), "{}", both(&verdict));
    }

    pub(crate) fn page_refuses(&self, folder: &Path) {
        let verdict = page(folder);
        assert_eq!(verdict.status.code(), Some(1), "{}", both(&verdict));
    }
}

fn page(folder: &Path) -> Output {
    let page = std::fs::read_to_string(folder.join("README.md")).expect("a page");
    let line =
        page.lines().map(str::trim).find(|line| line.starts_with("python3 check.py")).expect("the line");
    ran(Command::new("sh").arg("-c").arg(line).current_dir(folder))
}

fn ran(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

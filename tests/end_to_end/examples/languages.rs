//! How the examples of a language are run, and what must be there for it. Nothing is written into the source tree.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness;
use crate::python::REQUIREMENT;

/// The two programs of a language, each with what runs it.
pub(crate) struct Language {
    desk: Vec<PathBuf>,
    follow: Vec<PathBuf>,
}

impl Language {
    /// Opens, assigns and resolves a ticket, and asks about it.
    pub(crate) fn desk(&self, url: &str) -> Command {
        let mut command = command(&self.desk);
        command.arg(url);
        command
    }

    /// Follows the events into a folder, and believes what this key has signed.
    pub(crate) fn follow(&self, folder: &Path, url: &str, key: &Path) -> Command {
        let mut command = command(&self.follow);
        command.arg(folder).arg(url).arg(key);
        command
    }
}

fn command(words: &[PathBuf]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn examples(language: &str) -> PathBuf {
    harness::project("docs/examples").join(language)
}

pub(crate) fn python() -> Option<Language> {
    let python = harness::python(&[REQUIREMENT])?;
    let script = |name: &str| vec![python.clone(), examples("python").join(name)];
    Some(Language { desk: script("desk.py"), follow: script("follow.py") })
}

/// The scripts are copied beside a link to the packages, for that is where node looks for them.
pub(crate) fn javascript(dir: &Path) -> Option<Language> {
    let source = examples("javascript");
    let modules = harness::node_modules(&source)?;
    std::os::unix::fs::symlink(modules, dir.join("node_modules")).expect("the folder is ours");
    for file in ["package.json", "desk.js", "follow.js"] {
        fs::copy(source.join(file), dir.join(file)).expect("the folder is ours");
    }
    let script = |name: &str| vec!["node".into(), dir.join(name)];
    Some(Language { desk: script("desk.js"), follow: script("follow.js") })
}

pub(crate) fn go(dir: &Path) -> Option<Language> {
    let build = |name: &str| {
        let program = dir.join(name);
        harness::go(&examples("go").join(name).join("main.go"), &program)?;
        Some(vec![program])
    };
    Some(Language { desk: build("desk")?, follow: build("follow")? })
}

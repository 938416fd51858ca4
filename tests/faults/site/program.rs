//! The program under test: the product, or a build that breaks a promise; alone, or in the hands of strace.

use std::path::{Path, PathBuf};
use std::process::Command;

use guichet_crash::Sabotage;

/// Which program, and how it is told to misbehave.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    path: PathBuf,
    sabotage: Option<Sabotage>,
}

impl Program {
    /// The product.
    pub(crate) fn product() -> Self {
        Self { path: PathBuf::from(env!("CARGO_BIN_EXE_guichet")), sabotage: None }
    }

    /// The build that can be told to break a promise, told so.
    pub(crate) fn sabotaged(path: PathBuf, sabotage: Sabotage) -> Self {
        Self { path, sabotage: Some(sabotage) }
    }

    /// A command of it, with an environment of which nothing leaks in.
    pub(crate) fn command(&self) -> Command {
        self.dressed(Command::new(&self.path))
    }

    /// The same under strace, which leaves the process number to the program.
    pub(crate) fn traced(&self, injection: &Injection, into: &Path) -> Command {
        let mut strace = Command::new("strace");
        strace.args(["-D", "-f", "-qq", "-ttt", "-o"]).arg(into);
        if let Fault::Error(_) = injection.fault {
            // Spares every other call the detour. With it, strace delivers no signal.
            strace.arg("--seccomp-bpf");
        }
        strace
            .args(["-e", &format!("trace={}", injection.calls), "-e", &injection.expression()])
            .arg(&self.path);
        self.dressed(strace)
    }

    fn dressed(&self, mut command: Command) -> Command {
        for name in ["NATS_URL", "GUICHET_LOG", "GUICHET_CRASH_POINT", "GUICHET_SABOTAGE"] {
            command.env_remove(name);
        }
        if let Some(sabotage) = self.sabotage {
            command.env("GUICHET_SABOTAGE", sabotage.name());
        }
        command
    }
}

/// What strace does to a system call.
#[derive(Debug, Clone)]
pub(crate) struct Injection {
    /// Names, with commas.
    pub(crate) calls: &'static str,
    pub(crate) fault: Fault,
    /// At which call of a thread.
    pub(crate) when: u64,
}

/// What a system call comes to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The process is killed before it is made.
    Kill,
    /// It is not made, and this is its answer.
    Error(&'static str),
}

impl Injection {
    fn expression(&self) -> String {
        let fault = match self.fault {
            Fault::Kill => "signal=KILL".to_owned(),
            Fault::Error(name) => format!("error={name}"),
        };
        format!("inject={}:{fault}:when={}", self.calls, self.when)
    }
}

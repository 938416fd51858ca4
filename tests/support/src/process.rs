//! One child process: ended by its number when its owner lets go of it, and by the kernel when the thread
//! that started it dies.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::until;

/// A drain may take this long.
const STOP_WITHIN: Duration = Duration::from_secs(40);
/// How much of what it said is shown when a test fails.
const TAIL_LINES: usize = 25;

/// A running child. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    said: PathBuf,
}

impl Process {
    /// Starts a program. What it prints goes to `<name>.said` in a folder of the test.
    pub fn spawn(name: &str, mut command: Command, dir: &Path) -> Self {
        let said = dir.join(format!("{name}.said"));
        let out = File::options().create(true).append(true).open(&said).expect("the folder is ours");
        let err = out.try_clone().expect("a file can be opened twice");
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        die_with_this_thread(&mut command);
        let child = command.spawn().unwrap_or_else(|e| panic!("start {name}: {e}"));
        Self { name: name.to_owned(), child, said }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it printed, together with earlier processes of that name in that folder.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.said).unwrap_or_default()).into_owned()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child")
    }

    /// SIGKILL: the process is gone when this returns.
    pub fn kill(mut self) {
        self.end();
    }

    /// Waits until it ends by itself.
    pub async fn exit(&mut self, within: Duration) -> ExitStatus {
        let name = self.name.clone();
        until(&format!("the end of {name}"), within, async || self.ended()).await
    }

    /// SIGTERM, then waits until it has drained and ended.
    pub async fn terminate(mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.exit(STOP_WITHIN).await
    }

    /// Sends a signal. The number belongs to our child as long as nobody has waited for it.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none() {
            let pid = i32::try_from(self.pid()).expect("a process number");
            kill(Pid::from_raw(pid), signal).expect("our own child");
        }
    }

    /// True where every thread of it is stopped, or it has ended.
    pub fn stands_still(&mut self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).into_iter().flatten().flatten();
        // The state stands behind the name, which stands in brackets.
        let state = |path: PathBuf| fs::read_to_string(path).ok()?.rsplit_once(") ")?.1.chars().next();
        self.ended().is_some()
            || threads.filter_map(|thread| state(thread.path().join("stat"))).all(|s| s == 'T')
    }

    fn end(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = self.said();
            let lines: Vec<&str> = said.lines().collect();
            let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
            eprintln!("--- {} (process {}) said last:\n{}", self.name, self.pid(), tail.join("\n"));
        }
        self.end();
    }
}

/// Without this, tests that are killed would leave their servers behind.
#[expect(unsafe_code, reason = "only between fork and exec can the child ask for that signal")]
fn die_with_this_thread(command: &mut Command) {
    let parent = std::process::id();
    let ask = move || {
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        if nix::unistd::getppid().as_raw().unsigned_abs() == parent {
            Ok(())
        } else {
            Err(std::io::ErrorKind::NotFound.into())
        }
    };
    // SAFETY: prctl and getppid are safe to call in a child that was just forked, and nothing allocates.
    unsafe {
        command.pre_exec(ask);
    }
}

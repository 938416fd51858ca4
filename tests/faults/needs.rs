//! What some faults need of the machine, probed by doing it once. The answer that is no says why.

use std::path::Path;
use std::process::{Command, Output};

/// Signals and errors can be injected at system calls.
pub(crate) fn strace() -> Result<(), String> {
    let killed = run(Command::new("strace").args(["-D", "-f", "-qq", "-o", "/dev/null"]).args([
        "-e",
        "trace=write",
        "-e",
        "inject=write:signal=KILL:when=1",
        "echo",
        "probe",
    ]));
    match killed {
        Ok(output) if output.status.success() => {
            Err("strace runs, but injects nothing: ptrace is forbidden here".to_owned())
        }
        Ok(output) if output.status.code().is_none() => Ok(()),
        Ok(output) => Err(format!("strace cannot trace: {}", last_line(&output.stderr))),
        Err(why) => Err(format!("this needs strace (apt-get install strace): {why}")),
    }
}

/// A program that must succeed.
pub(crate) fn done(program: &str, arguments: &[&str], on: &[&Path]) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments).args(on);
    let output = run(&mut command)?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {}: {}", arguments.join(" "), last_line(&output.stderr)))
}

fn run(command: &mut Command) -> Result<Output, String> {
    command.output().map_err(|error| format!("{}: {error}", command.get_program().to_string_lossy()))
}

fn last_line(said: &[u8]) -> String {
    String::from_utf8_lossy(said).lines().last().unwrap_or_default().to_owned()
}

//! What the kernel says of a process.

use std::fs;

/// Memory that it holds, in MiB; 0: it is gone.
pub(crate) fn rss_mib(pid: u32) -> u64 {
    status(pid, "VmRSS:")
}

/// The most that it ever held since [`forget_peak`], in MiB.
pub(crate) fn peak_mib(pid: u32) -> u64 {
    status(pid, "VmHWM:")
}

/// From now on only what it holds now counts.
pub(crate) fn forget_peak(pid: u32) {
    if let Err(error) = fs::write(format!("/proc/{pid}/clear_refs"), "5") {
        crate::table::say(&format!("the peak of process {pid} cannot be forgotten: {error}"));
    }
}

/// Files and connections that it has open.
pub(crate) fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

fn status(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// This process may open as many files as the machine lets it; what it started before may not.
pub(crate) fn open_many() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).ok();
    }
}

/// What is started from now on may open so many.
pub(crate) fn open_few(files: u64) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        setrlimit(Resource::RLIMIT_NOFILE, files, hard).ok();
    }
}

//! Time that threads of this process spent on a CPU: a figure that a busy machine blurs less than the clock does.

use std::fs;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};

/// CPU time so far of the threads with this name; zero where the system does not tell.
pub fn of_threads(name: &str) -> Duration {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let used = threads.filter_map(|thread| {
        let thread = thread.ok()?.path();
        let comm = fs::read_to_string(thread.join("comm")).ok()?;
        // Three numbers: nanoseconds on a CPU, nanoseconds waiting for one, time slices.
        let stat = fs::read_to_string(thread.join("schedstat")).ok()?;
        let on_cpu = stat.split(' ').next()?.parse().ok()?;
        (comm.trim_end() == name).then(|| Duration::from_nanos(on_cpu))
    });
    used.sum()
}

/// CPU time so far of the thread that asks.
pub fn of_this_thread() -> Duration {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_THREAD) else { return Duration::ZERO };
    let spent = |t: TimeVal| Duration::from_micros(u64::try_from(t.num_microseconds()).unwrap_or(0));
    spent(usage.user_time()) + spent(usage.system_time())
}

/// CPU time so far of all threads of a process, those that have ended included; a tick is 10 ms.
pub fn of_process(pid: u32) -> Duration {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return Duration::ZERO };
    // The name in brackets may hold blanks; user and system time are the 12th and 13th field behind it.
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    let ticks = behind.split_ascii_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

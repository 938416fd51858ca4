//! `guichet verify`: over NATS where a node runs, else the files of the data folder themselves.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use guichet_client::ClientError;
use guichet_client::output::Output;
use guichet_engine::attachments::{Named, Place, ReadError};
use guichet_engine::log::{Memory, StoppedLog, StoreFault};
use guichet_engine::protection::Protection;
use guichet_keys::KeyStore;
use guichet_replay_tools::verify::{self, Check, Claims, Report, Source, Unread, VerifyArgs};

use crate::config::{CACHE_BYTES, WRITE_BUFFER_BYTES};
use crate::node::{PARTITION, authorship_beside};
use crate::run_file;

/// Verifies. A finding is exit code 1.
pub(crate) async fn run(args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let output = Output::new(&args.output);
    let key = args.key()?;
    let claims = args.kept(key.as_ref())?;
    let connect = &args.connect;
    let is_named = connect.access.names_a_server();
    let runs = connect.data_dir.join(run_file::NODE).exists();
    let report = if !args.offline && (is_named || runs) {
        let authorship = authorship_beside(&connect.data_dir);
        verify::over_nats(&args, (key.as_ref(), authorship.as_ref()), claims, &output).await?
    } else {
        let (dir, shown) = (connect.data_dir.clone(), output.clone());
        tokio::task::spawn_blocking(move || offline(&dir, claims, key.as_ref(), &shown)).await??
    };
    Ok(verify::print(&report, args.json, &output)?.into())
}

/// Reads the files of a stopped node.
fn offline(
    data_dir: &Path,
    mut claims: Claims,
    key: Option<&guichet_proof::VerifyingKey>,
    output: &Output,
) -> anyhow::Result<Report> {
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let log = StoppedLog::open(&data_dir.join(format!("log-{PARTITION}")), &memory).with_context(|| {
        format!("{} cannot be read; verify a running node over NATS, without --offline", data_dir.display())
    })?;
    let anchor = Protection::within(data_dir, PARTITION).anchor;
    match std::fs::read(&anchor) {
        Ok(note) => claims.add("the anchor", &note, key),
        Err(error) => claims.unchecked.push(format!(
            "the anchor: {} cannot be read ({error}); name it with --checkpoint if it is elsewhere",
            anchor.display()
        )),
    }
    let (progress, read, head) = (output.progress("records", log.head()), AtomicU64::new(0), log.head());
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let log = Files(log);
    let whole = std::thread::scope(|scope| {
        let audit = scope.spawn(|| verify::audit(&log, threads, &claims.claims, &read));
        while !audit.is_finished() {
            progress.set(read.load(Ordering::Relaxed).min(head));
            // A bar that moves, no condition: the end is noticed a moment late.
            std::thread::park_timeout(Duration::from_millis(20));
        }
        audit.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    check_attachments(&log, data_dir, &mut claims);
    let problem = |why: Unread| ClientError::File { path: data_dir.to_owned(), problem: why.to_string() };
    Ok(verify::report(whole.map_err(problem)?, claims))
}

/// Opens each attachment that the log names, and compares its bytes with their digest.
fn check_attachments(log: &Files, data_dir: &Path, claims: &mut Claims) {
    let mut named = Named::default();
    let mut unread = None;
    let scanned = log.scan(1, log.head(), &mut |_, record| {
        unread = named.take(record).err();
        unread.is_none()
    });
    if let Some(why) = unread.or_else(|| scanned.err().map(|why| why.to_string())) {
        claims.unchecked.push(format!("attachments: the log does not say which there are: {why}"));
        return;
    }
    if named.is_empty() {
        return;
    }
    let protection = Protection::within(data_dir, PARTITION);
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let opened = protection
        .kek
        .load(true)
        .map_err(anyhow::Error::from)
        .and_then(|kek| Ok(KeyStore::open(&protection.keys, &memory.cache, &memory.write_buffers, kek)?));
    let keys = match opened {
        Ok(keys) => keys,
        Err(why) => {
            let count = named.len();
            claims.unchecked.push(format!("{count} attachments: their keys cannot be used: {why:#}"));
            return;
        }
    };
    for (place, error) in named.check(&protection.attachments, Some(&keys)) {
        let Place { sha256, ticket, .. } = &place;
        match error {
            ReadError::Erased => {
                claims.unchecked.push(format!("attachment {sha256} of ticket {ticket}: {error}"));
            }
            ReadError::Missing | ReadError::Damaged(_) | ReadError::Refused(_) => {
                let found = format!("attachment {sha256} of ticket {ticket}: {error}");
                claims.findings.of_all(Check::Attachments, found);
            }
        }
    }
}

/// The files of a stopped node.
pub(crate) struct Files(pub(crate) StoppedLog);

impl Source for Files {
    fn head(&self) -> u64 {
        self.0.head()
    }

    fn scan(&self, first: u64, last: u64, visit: &mut dyn FnMut(u64, &[u8]) -> bool) -> Result<(), Unread> {
        self.0.scan(first, last, visit).map_err(unread)
    }

    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, Unread> {
        self.0.tile(level, index).map_err(unread)
    }
}

fn unread(fault: StoreFault) -> Unread {
    if fault.is_damage() { Unread::Damaged(fault.into()) } else { Unread::Refused(fault.into()) }
}

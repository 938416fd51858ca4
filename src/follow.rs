//! `import --follow`: imports what comes, as it comes, until a signal ends it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use guichet_client::Client;
use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs};
use guichet_import::{
    self, Balance, Folder, Growing, ImportError, Mapping, Reader, Reason, SendOptions, Summary,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::import::{ImportArgs, table};
use crate::say::say;

/// How often is looked whether something came: one look asks the system for the length of a file, or lists a folder.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a part, so many times as long as it took is rested: reading a long file again for each of its new lines must not
/// keep a processor busy.
const REST: u32 = 4;

enum Followed {
    File(Box<Growing>),
    Folder(Folder),
}

struct Follower<'a> {
    args: &'a ImportArgs,
    mapping: Mapping,
    client: &'a Client,
    /// Of all parts together.
    total: Balance,
    parts: u64,
    /// Files that could not be imported.
    failed: u64,
}

/// Imports what comes until a signal ends it, then prints the balance of all that came.
pub(crate) async fn run(args: &ImportArgs, mapping: Mapping, client: &Client) -> anyhow::Result<ExitCode> {
    let [path] = args.files.as_slice() else {
        anyhow::bail!("--follow follows one file or one folder; put several files into a folder");
    };
    let mut followed =
        if std::fs::metadata(path).with_context(|| format!("open {}", path.display()))?.is_dir() {
            Followed::Folder(Folder::open(path)?)
        } else {
            Followed::File(Box::new(Growing::open(path, &mapping)?))
        };
    let mut stop = Stop::new()?;
    let mut follower = Follower { args, mapping, client, total: Balance::default(), parts: 0, failed: 0 };
    say(&format!("following {}; Ctrl-C, or SIGTERM, ends it with its balance", path.display()));
    loop {
        let began = Instant::now();
        let outcome = {
            let round = follower.round(&mut followed);
            tokio::pin!(round);
            tokio::select! {
                biased;
                outcome = &mut round => outcome,
                () = stop.asked() => {
                    say("stopping once what was begun is done; a second signal stops at once, and the next start goes on");
                    tokio::select! {
                        biased;
                        outcome = &mut round => outcome,
                        () = stop.asked() => return Ok(exit::REFUSED.into()),
                    }
                }
            }
        };
        if let Err(error) = outcome {
            follower.report(&followed)?;
            return Err(error);
        }
        let rest = LOOK_EVERY.max(began.elapsed() * REST);
        if stop.was_asked {
            return follower.end(&followed);
        }
        tokio::select! {
            () = stop.asked() => return follower.end(&followed),
            () = tokio::time::sleep(rest) => {}
        }
    }
}

/// The signals that end a follower.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
    was_asked: bool,
}

impl Stop {
    fn new() -> anyhow::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate, was_asked: false })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        self.was_asked = true;
    }
}

impl Follower<'_> {
    /// Looks once, and imports what came.
    async fn round(&mut self, followed: &mut Followed) -> anyhow::Result<()> {
        match followed {
            Followed::File(file) => {
                let rejects = self.rejects();
                // Reading a file waits for the disk.
                let Some(part) = tokio::task::block_in_place(|| file.look(rejects.as_deref()))? else {
                    return Ok(());
                };
                let what = format!("{} new lines", part.lines);
                self.take(part.reader, &what, rejects).await?;
                file.done();
            }
            Followed::Folder(folder) => {
                for path in folder.look()? {
                    self.file(&path).await?;
                    folder.done(&path);
                }
            }
        }
        Ok(())
    }

    /// A file of a folder. One that cannot be read ends nothing: the next may be good.
    async fn file(&mut self, path: &Path) -> anyhow::Result<()> {
        let rejects = self.rejects();
        let opened =
            tokio::task::block_in_place(|| guichet_import::open(path, &self.mapping, rejects.as_deref()));
        let done = match opened {
            Ok(reader) => self.take(reader, &path.display().to_string(), rejects).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => Ok(()),
            Err(error) if is_of_the_file(&error) => {
                self.failed += 1;
                say(&format!("{} was not imported: {:#}", path.display(), anyhow::Error::from(error)));
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn take(
        &mut self,
        reader: Reader,
        what: &str,
        rejects: Option<PathBuf>,
    ) -> Result<(), ImportError> {
        let options = SendOptions {
            window: self.args.window.into(),
            patience: Duration::from_secs(self.args.patience),
        };
        let summary = guichet_import::send(
            self.client.nats(),
            self.client.tenant(),
            self.client.caller(),
            reader,
            options,
            |_| {},
        )
        .await?;
        self.parts += 1;
        add(&mut self.total, &summary.balance);
        // A file of rejects that holds none would only be in the way.
        if let Some(file) = rejects.filter(|_| summary.balance.findings(&[]).is_empty())
            && let Err(error) = std::fs::remove_file(&file)
        {
            say(&format!("could not remove the empty {}: {error}", file.display()));
        }
        self.tell(what, &summary);
        Ok(())
    }

    fn tell(&self, what: &str, s: &Summary) {
        let (rows, t) = (s.balance.rows.read, &s.balance.tickets);
        say(&format!(
            "{what}: {rows} rows of {} tickets, {} new, {} continued, {} unchanged, {} rejected; {} events, newest position {}",
            t.met, t.new, t.continued, t.unchanged, t.rejected, s.events, s.position
        ));
        for (reason, n) in s.balance.findings(&self.args.allow) {
            say(&format!("  {n} × {reason}: {}", reason.says()));
        }
    }

    /// Where what cannot be used of the next part goes: the name that was given, and the number of the part.
    fn rejects(&self) -> Option<PathBuf> {
        let file = self.args.rejects.as_ref()?;
        let mut name = file.clone().into_os_string();
        name.push(format!(".{}", self.parts + self.failed + 1));
        Some(name.into())
    }

    /// Counts the lines that were not read into the balance, and reports it.
    fn end(&self, followed: &Followed) -> anyhow::Result<ExitCode> {
        let is_whole = self.report(followed)?;
        let code = if is_whole { self.total.exit_code(&self.args.allow) } else { exit::REFUSED };
        Ok(code.into())
    }

    /// Prints the balance of all parts; whether nothing was left unread.
    fn report(&self, followed: &Followed) -> anyhow::Result<bool> {
        let mut left = Vec::new();
        match followed {
            Followed::File(file) => match file.unread() {
                Ok(0) => {}
                Ok(bytes) if self.args.allow.contains(&Reason::Unterminated) => {
                    say(&format!("{bytes} bytes after the last line end were not read (allowed)"));
                }
                Ok(bytes) => left.push(format!("{bytes} bytes after the last line end were not read")),
                Err(error) => left.push(error.to_string()),
            },
            Followed::Folder(folder) => {
                let waiting = folder.waiting()?;
                left.extend(waiting.iter().map(|path| format!("{} was not read yet", path.display())));
            }
        }
        if let (Followed::File(file), true) = (followed, self.parts > 0) {
            left.extend(file.refuse_absent().err().map(|error| error.to_string()));
        }
        if self.failed > 0 {
            left.push(format!("{} files could not be imported", self.failed));
        }
        for what in &left {
            say(what);
        }
        if self.args.json {
            let line = serde_json::json!({
                "parts": self.parts, "failed": self.failed, "left": left, "balance": self.total,
                "adds_up": self.total.adds_up(), "findings": self.total.findings(&self.args.allow),
            });
            Output::new(&OutputArgs::default()).json_line(&line)?;
        } else {
            say(&format!(
                "{} parts; a row of a ticket that went on is counted in each part that read it\n{}",
                self.parts,
                table(self.args, &self.total)
            ));
        }
        Ok(left.is_empty())
    }
}

/// Whether another file may be good all the same.
fn is_of_the_file(error: &ImportError) -> bool {
    !matches!(
        error,
        ImportError::Unreachable { .. }
            | ImportError::Request { .. }
            | ImportError::Answer { .. }
            | ImportError::ReaderDied
            | ImportError::Rejects { .. }
            | ImportError::RejectsExist { .. }
            | ImportError::Sort(_)
    )
}

fn add(total: &mut Balance, part: &Balance) {
    let sum = |into: &mut BTreeMap<Reason, u64>, counts: &BTreeMap<Reason, u64>| {
        for (reason, n) in counts {
            *into.entry(*reason).or_default() += n;
        }
    };
    total.rows.read += part.rows.read;
    total.rows.used += part.rows.used;
    total.rows.without_effect += part.rows.without_effect;
    total.rows.duplicates += part.rows.duplicates;
    total.rows.filtered += part.rows.filtered;
    sum(&mut total.rows.rejected, &part.rows.rejected);
    total.tickets.met += part.tickets.met;
    total.tickets.new += part.tickets.new;
    total.tickets.continued += part.tickets.continued;
    total.tickets.unchanged += part.tickets.unchanged;
    total.tickets.rejected += part.tickets.rejected;
    sum(&mut total.noted, &part.noted);
    total.left_out.extend(part.left_out.iter().cloned());
}

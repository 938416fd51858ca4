//! A panic that is an answer: work that outsiders ask for runs here, and its fault costs the one who asked, not the
//! process.
//!
//! A panic quotes what it stumbled over: a slice out of bounds prints the text, an `expect` the value. So nothing here
//! ever shows the message of a panic, only the place in our source; the place and an id are what a report needs.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use guichet_schemas::rejection::Rejection;

/// Counts what [`caught`] caught, by `where`. Every one of them is a fault of ours: an alarm belongs on it.
pub const INTERNAL_ERRORS: &str = "guichet_internal_errors_total";

/// Says what to an operator.
type Say = fn(&str);

/// Set once a release role has asked for it; without, the hook that was there before shows a panic as ever.
static WITHHELD: OnceLock<Say> = OnceLock::new();

thread_local! {
    /// How many calls of [`caught`] this thread is inside of.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs work whose panic is an answer: `internal`, with an id that stands in the log of the process beside the place
/// of the panic, and counted as [`INTERNAL_ERRORS`]. `what` is a fixed word for the kind of work, such as `decide`.
///
/// Whoever calls this answers for what `work` may have left half done: nothing that goes on being used may be changed
/// in it. An overflow of the stack is not caught, so what it does must have a bounded depth.
///
/// # Errors
/// `internal`, where `work` panicked.
pub fn caught<T>(what: &'static str, work: impl FnOnce() -> T) -> Result<T, Rejection> {
    hook();
    DEPTH.set(DEPTH.get().saturating_add(1));
    let done = catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get().saturating_sub(1));
    done.map_err(|payload| {
        let id = fresh_id();
        let place = PLACE.take();
        metrics::counter!(INTERNAL_ERRORS, "where" => what).increment(1);
        tracing::error!(
            id,
            r#where = what,
            place,
            "a fault of ours: the work panicked and was answered with internal"
        );
        // It may be a value with a destructor of its own.
        if catch_unwind(AssertUnwindSafe(|| drop(payload))).is_err() {
            PLACE.take();
        }
        Rejection::Internal { id }
    })
}

/// From now on no panic of this process shows its message, caught or not: `say` gets the thread and the place.
/// For the roles that see texts of callers; tests keep what they have.
pub fn withhold_panic_messages(say: Say) {
    WITHHELD.get_or_init(|| say);
    hook();
}

/// Notes the place of every panic, and hides its message where that is wished.
fn hook() {
    static SET: OnceLock<()> = OnceLock::new();
    SET.get_or_init(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // Where the thread is ending there is nobody left who would look.
            PLACE.try_with(|place| place.replace(place_of(info))).ok();
            match WITHHELD.get() {
                None => before(info),
                Some(say) if !is_caught() => say(&outside(info)),
                Some(_) => {}
            }
        }));
    });
}

fn is_caught() -> bool {
    DEPTH.try_with(Cell::get).is_ok_and(|depth| depth > 0)
}

fn place_of(info: &PanicHookInfo<'_>) -> String {
    info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string)
}

/// The report of a panic that is nobody's answer.
fn outside(info: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("without a name");
    let place = place_of(info);
    let line = format!("thread {name} panicked at {place}; the message is withheld, it may quote a text");
    // Names of functions alone; with RUST_BACKTRACE, as without this hook.
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured { format!("{line}\n{trace}") } else { line }
}

/// Sixteen hexadecimal digits that no other fault has.
fn fresh_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let counted = COUNT.fetch_add(1, Relaxed);
    let mut bytes = [0; 8];
    // Without dice the count still tells one fault of a process from another.
    let id = if getrandom::fill(&mut bytes).is_ok() { u64::from_be_bytes(bytes) } else { counted };
    format!("{id:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_panic_is_given_back() {
        assert_eq!(caught("sum", || 1 + 1), Ok(2));
    }

    #[test]
    fn a_panic_within_a_panic_that_was_caught_has_its_own_id() {
        let fall = |what: &'static str| caught(what, || -> u8 { panic!("{what}") });
        let inner = caught("outer", || fall("inner"));
        assert!(matches!(inner, Ok(Err(Rejection::Internal { .. }))), "{inner:?}");
        assert_ne!(fall("one"), fall("two"));
    }
}

//! What a process says of a panic: where it was and an id, never the text that it stumbled over. One test, for the hook
//! and the subscriber are those of the process.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use std::sync::Mutex;

use guichet_schemas::rejection::Rejection;
use guichet_service::{caught, withhold_panic_messages};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps the fields of every event, as text.
struct Heard;

impl Visit for Heard {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        LOGGED.lock().unwrap().push(format!("{}={value:?}", field.name()));
    }
}

impl Subscriber for Heard {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut Self);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Panics as code does that slices a text of a caller at a wrong place.
fn cut(text: &str, at: usize) -> usize {
    text[at..].len()
}

#[test]
fn a_panic_is_told_by_its_place_and_its_id_and_without_the_text() {
    tracing::subscriber::set_global_default(Heard).unwrap();
    withhold_panic_messages(|line| SAID.lock().unwrap().push(line.to_owned()));

    let answer = caught("cutting", || cut("grüße von anna", 3));
    let Err(Rejection::Internal { id }) = answer else { panic!("{answer:?}") };
    let logged = std::mem::take(&mut *LOGGED.lock().unwrap()).join(" ");
    assert!(logged.contains(&id) && logged.contains("where=\"cutting\""), "{logged}");
    assert!(logged.contains("caught.rs:"), "the place is missing: {logged}");
    assert!(!logged.contains("anna"), "the text of a caller is in the log: {logged}");
    assert_eq!(*SAID.lock().unwrap(), [""; 0], "what was answered is told once");

    // What nobody caught ends its thread, and is said with as little.
    let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(|| cut("grüße von anna", 3));
    thread.unwrap().join().unwrap_err();
    let said = std::mem::take(&mut *SAID.lock().unwrap()).join("\n");
    assert!(said.contains("thread writer panicked at") && said.contains("caught.rs:"), "{said}");
    assert!(!said.contains("anna"), "the text of a caller is on the terminal: {said}");
}

//! A replay that is told to pause, and to go on: `kill -USR1` and `kill -USR2`.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::HistoryError;

/// Whether the replay stands still.
#[derive(Debug, Default)]
pub(super) struct Pause {
    stands: Mutex<bool>,
    changed: Condvar,
}

impl Pause {
    /// Tells it to stand still, or to go on.
    pub(super) fn set(&self, stands: bool) {
        *self.lock() = stands;
        self.changed.notify_all();
    }

    /// Returns once an event is due and the replay goes on; how long it stood still meanwhile, so that the gaps behind a
    /// pause are those of before.
    pub(super) fn until(&self, due: Option<Instant>) -> Duration {
        let mut stood = Duration::ZERO;
        let mut stands = self.lock();
        loop {
            if *stands {
                let began = Instant::now();
                stands =
                    self.changed.wait_while(stands, |stands| *stands).unwrap_or_else(PoisonError::into_inner);
                stood += began.elapsed();
                continue;
            }
            let left =
                due.map_or(Duration::ZERO, |due| (due + stood).saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return stood;
            }
            let waited = self.changed.wait_timeout_while(stands, left, |stands| !*stands);
            stands = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.stands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens for the signals as long as it lives.
#[derive(Debug)]
pub(super) struct Listening(JoinHandle<()>);

impl Listening {
    /// Begins, before the first event is handed over: a signal that nobody listens for would end the process.
    pub(super) fn begin(
        pause: &Arc<Pause>,
        note: impl Fn(&str) + Send + 'static,
    ) -> Result<Self, HistoryError> {
        let runtime = Handle::current();
        let _inside = runtime.enter();
        let mut stop = signal(SignalKind::user_defined1())?;
        let mut go = signal(SignalKind::user_defined2())?;
        let pause = Arc::clone(pause);
        Ok(Self(runtime.spawn(async move {
            loop {
                tokio::select! {
                    told = stop.recv() => {
                        if told.is_none() {
                            return;
                        }
                        pause.set(true);
                        note("paused; kill -USR2 goes on");
                    }
                    told = go.recv() => {
                        if told.is_none() {
                            return;
                        }
                        pause.set(false);
                        note("goes on");
                    }
                }
            }
        })))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_pause_holds_an_event_back_and_moves_what_is_due_behind_it() {
        let pause = Arc::new(Pause::default());
        assert_eq!(pause.until(None), Duration::ZERO);
        pause.set(true);
        let (told, hears) = mpsc::channel();
        let other = Arc::clone(&pause);
        let waiting = std::thread::spawn(move || {
            let began = Instant::now();
            // Long past: without the pause it would come at once.
            let stood = other.until(Some(began));
            told.send(()).expect("the test listens");
            (stood, began.elapsed())
        });
        let early = hears.recv_timeout(Duration::from_millis(100));
        assert!(early.is_err(), "the event did not wait for the end of the pause");
        pause.set(false);
        let (stood, took) = waiting.join().expect("it ends");
        assert!(stood > Duration::ZERO && stood <= took, "{stood:?} of {took:?}");
    }
}

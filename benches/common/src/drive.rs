//! A closed loop of commands: each answer hands in the next command, so that a fixed number is under way.

use std::collections::VecDeque;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use guichet_engine::log::{CommandInlet, LogReader};
use guichet_schemas::codec::Request;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::LogPosition;

use crate::workload::Workload;

/// Commands made ahead for each second of a turn, so that making them is not measured. More than any log takes.
const AHEAD_PER_SECOND: f64 = 600_000.0;

/// Hands in the commands of a workload.
pub struct Drive {
    desk: CommandInlet,
    reader: LogReader,
    workload: Workload,
    left: VecDeque<Request>,
}

/// What one turn brought.
pub struct Turn {
    /// From the first command to the last answer.
    pub took: Duration,
    /// Head of the log after each batch.
    pub heads: Vec<u64>,
    /// From handing in to answer, of every command.
    pub latencies_ns: Vec<u64>,
}

impl Drive {
    pub fn new(desk: CommandInlet, reader: LogReader, workload: Workload) -> Self {
        Self { desk, reader, workload, left: VecDeque::new() }
    }

    /// Keeps `in_flight` commands under way for `length`, then waits for the last answer.
    pub fn turn(&mut self, in_flight: usize, length: Duration) -> Turn {
        let ahead = (length.as_secs_f64() * AHEAD_PER_SECOND).ceil() as usize;
        while self.left.len() < ahead {
            let command = self.workload.next().expect("the workload has no end");
            let request_hash = Hash::of_record(command.command_id.0.as_bytes());
            self.left.push_back(Request { command, request_hash });
        }
        let (all_answered, wait) = channel();
        let begun = Instant::now();
        let looping = Arc::new(Loop {
            desk: self.desk.clone(),
            reader: self.reader.clone(),
            until: begun + length,
            all_answered,
            state: Mutex::new(State {
                commands: std::mem::take(&mut self.left),
                under_way: 0,
                heads: Vec::with_capacity(ahead),
                latencies_ns: Vec::with_capacity(ahead),
            }),
        });
        {
            // The first answers wait for this lock, so that the commands go in in order.
            let mut state = looping.state.lock().expect("no responder panicked");
            for _ in 0..in_flight {
                looping.submit(&mut state);
            }
        }
        wait.recv().expect("the last answer tells");
        let took = begun.elapsed();
        let mut state = looping.state.lock().expect("no responder panicked");
        self.left = std::mem::take(&mut state.commands);
        let heads = std::mem::take(&mut state.heads);
        Turn { took, heads, latencies_ns: std::mem::take(&mut state.latencies_ns) }
    }
}

struct Loop {
    desk: CommandInlet,
    reader: LogReader,
    until: Instant,
    all_answered: Sender<()>,
    state: Mutex<State>,
}

struct State {
    commands: VecDeque<Request>,
    under_way: usize,
    heads: Vec<u64>,
    latencies_ns: Vec<u64>,
}

impl Loop {
    fn submit(self: &Arc<Self>, state: &mut State) {
        let request = state.commands.pop_front().expect("more commands were made than a turn takes");
        state.under_way += 1;
        let looping = self.clone();
        let begun = Instant::now();
        let responder = move |outcome: guichet_schemas::codec::Outcome| {
            let now = Instant::now();
            outcome.expect("every command of the workload is accepted");
            looping.answered(begun, now);
        };
        self.desk.submit(request, Box::new(responder));
    }

    fn answered(self: &Arc<Self>, begun: Instant, now: Instant) {
        let mut state = self.state.lock().expect("no responder panicked");
        state.latencies_ns.push(u64::try_from((now - begun).as_nanos()).unwrap_or(u64::MAX));
        // The committer moves the head once a batch, before its answers.
        let head = LogPosition::or_zero(self.reader.head());
        if state.heads.last() != Some(&head) {
            state.heads.push(head);
        }
        state.under_way -= 1;
        if now < self.until {
            self.submit(&mut state);
        } else if state.under_way == 0 {
            self.all_answered.send(()).expect("the turn waits for this");
        }
    }
}

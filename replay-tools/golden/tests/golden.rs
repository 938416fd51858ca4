//! Every worked example of SLA clocks and of business time, run through what the desk itself uses.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use std::path::PathBuf;

use guichet_client::ClientError;
use guichet_client::output::OutputArgs;
use guichet_golden::{GoldenArgs, calendar_vectors, sla_cases};
use guichet_test_support::shared;
use serde_json::{Value, json};

fn differences(file: PathBuf, run: fn(&GoldenArgs) -> Result<u8, ClientError>) -> u8 {
    run(&GoldenArgs { file, check: true, output: OutputArgs::default() }).unwrap()
}

fn compared(name: &str, run: fn(&GoldenArgs) -> Result<u8, ClientError>) {
    if let Some(file) = shared(name) {
        assert_eq!(differences(file, run), 0, "the differences are listed above");
    }
}

#[test]
fn every_case_of_sla_clocks_gives_exactly_the_facts_that_are_expected() {
    compared("golden/sla.json", sla_cases);
}

#[test]
fn every_vector_of_business_time_is_equal() {
    compared("golden/calendar.json", calendar_vectors);
}

#[test]
fn every_settled_question_is_answered_as_it_was_settled() {
    compared("golden/sla_settled.json", sla_cases);
}

/// The case says in words what must be true of the facts; here they are in full.
#[test]
fn a_promise_that_is_taken_back_and_given_again_goes_on() {
    let Some(file) = shared("cases/10-promise-taken-back-and-given-again/sla.json") else { return };
    let mut cases: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let goes_on = |metric: &str, due: &str, target_s: u32| {
        json!([
            {"at": "2026-03-10T10:30:00Z", "type": "SlaClockResumed", "metric": metric, "instance": 1,
                "consumed_s": 7200, "due_at": due},
            {"at": due, "type": "SlaBreached", "metric": metric, "instance": 1, "due_at": due, "consumed_s": target_s},
        ])
    };
    for (case, last) in [
        (1, goes_on("first_reply", "2026-03-10T12:30:00Z", 14_400)),
        (2, goes_on("resolution", "2026-03-10T16:30:00Z", 28_800)),
    ] {
        let expected = cases["cases"][case]["expect"].as_array_mut().unwrap();
        // What was said in words.
        expected.pop();
        expected.extend(last.as_array().unwrap().iter().cloned());
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sla.json");
    std::fs::write(&file, serde_json::to_vec(&cases).unwrap()).unwrap();
    assert_eq!(differences(file, sla_cases), 0, "the differences are listed above");
}

/// Random histories and what `projections/sla/tests/reference` makes of them: naive, in another language, from the text
/// of the domain alone. `histories.py` beside it makes as many more as one likes.
#[test]
fn random_histories_give_the_facts_of_an_independent_reference() {
    let file = PathBuf::from("../../projections/sla/tests/reference/histories.json");
    assert_eq!(differences(file, sla_cases), 0, "the differences are listed above");
}

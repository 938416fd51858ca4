//! Every worked example of SLA clocks and of business time, run through what the desk itself uses.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]
#![expect(clippy::print_stderr, reason = "what was not compared must be seen")]

use std::path::PathBuf;

use guichet_replay_tools::client::ClientError;
use guichet_replay_tools::golden::{GoldenArgs, calendar_vectors, sla_cases};
use guichet_replay_tools::output::OutputArgs;

fn compared(name: &str, run: fn(&GoldenArgs) -> Result<u8, ClientError>) {
    let shared =
        std::env::var_os("GUICHET_SHARED").map_or_else(|| PathBuf::from("../../shared"), PathBuf::from);
    let file = shared.join("golden").join(name);
    if !file.exists() {
        assert!(std::env::var_os("CI").is_none(), "{} is not here", file.display());
        eprintln!("SKIPPED: {} is not here; its examples were not compared", file.display());
        return;
    }
    let args = GoldenArgs { file, check: true, output: OutputArgs::default() };
    assert_eq!(run(&args).unwrap(), 0, "the differences are listed above");
}

#[test]
fn every_case_of_sla_clocks_gives_exactly_the_facts_that_are_expected() {
    compared("sla.json", sla_cases);
}

#[test]
fn every_vector_of_business_time_is_equal() {
    compared("calendar.json", calendar_vectors);
}

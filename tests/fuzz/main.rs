//! The fuzz targets over what the project has of real input, and over some thousand changes of it by a fixed seed.
//!
//! `GUICHET_SEED=7` changes otherwise, `GUICHET_LONG=1` a hundred times as often. For coverage-guided fuzzing see
//! `libfuzzer/`.

mod targets;

use std::panic::catch_unwind;

use guichet_test_support::corpus;
use guichet_test_support::mutate::{self, Dice};

/// Changed inputs for each target.
const ROUNDS: usize = 20_000;

fn number(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}

#[test]
fn no_input_makes_us_panic_or_contradict_ourselves() {
    let rounds = if number("GUICHET_LONG") == Some(1) { 100 * ROUNDS } else { ROUNDS };
    let seed = number("GUICHET_SEED").unwrap_or(1);
    for (name, run) in targets::ALL {
        let corpus = corpus::of(name);
        assert!(corpus.len() > 1, "{name} has nothing to begin with");
        let mut dice = Dice(seed);
        let changed = (0..rounds).map(|_| mutate::change(&corpus, &mut dice));
        for input in corpus.iter().cloned().chain(changed) {
            let ended = catch_unwind(|| run(&input));
            assert!(
                ended.is_ok(),
                "{name} with seed {seed}, add it to tests/fuzz/corpus: {:?}",
                String::from_utf8_lossy(&input)
            );
        }
    }
}

#[test]
fn what_is_in_the_corpus_is_taken() {
    // Else the changes would be changes of what is refused at the first byte.
    let taken = |name: &str, check: fn(&[u8]) -> bool| {
        let corpus = corpus::of(name);
        let taken = corpus.iter().filter(|input| check(input)).count();
        assert!(taken * 2 > corpus.len(), "{taken} of {} for {name}", corpus.len());
    };
    taken("record", |bytes| guichet_schemas::codec::decode_record(bytes).is_ok());
    taken("subject", |bytes| {
        let text = std::str::from_utf8(bytes).unwrap();
        guichet_schemas::subject::CommandSubject::parse(text).is_ok()
            || guichet_schemas::subject::QuerySubject::parse(text).is_ok()
    });
    taken("mapping", |bytes| guichet_import::Mapping::parse(std::str::from_utf8(bytes).unwrap()).is_ok());
}

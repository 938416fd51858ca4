//! Runs the target that `GUICHET_TARGET` names under libFuzzer.
#![no_main]

#[path = "../../targets.rs"]
mod targets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let wanted = std::env::var("GUICHET_TARGET").unwrap_or_default();
    let names = targets::ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let found = targets::ALL.iter().find(|(name, _)| *name == wanted);
    found.unwrap_or_else(|| panic!("set GUICHET_TARGET to one of: {names}")).1
});

fuzz_target!(|data: &[u8]| TARGET(data));

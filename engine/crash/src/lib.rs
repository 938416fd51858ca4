//! Where a process can be told to die, and which promises a build can be told to break.
//!
//! A [`CrashPoint`] is a named place between two steps that a crash may separate. It is in every build, so that
//! what is tested is what runs; unarmed it costs one relaxed load. The rig of `tests/faults` arms each of them in
//! turn and checks afterwards that nothing acknowledged was lost.
//!
//! A [`Sabotage`] is the other half: a rig that has never found a fault proves nothing. Only a build with the
//! feature `sabotage` can be told to commit one; in every other the question is answered `false` by the compiler.

mod point;
mod sabotage;

pub use point::{ArmError, CrashPoint, arm, crash_point};
pub use sabotage::{Sabotage, sabotaged};
#[cfg(feature = "sabotage")]
pub use sabotage::{UnknownSabotage, sabotage};

//! What the simulation has found, told again so that it stays found: a calm run, one thing that happens, and the calm
//! after it.

use crate::forger::Forger;
use crate::judge::Broken;
use crate::sim::Process;
use crate::world::{Plan, World};

/// A story by its name, and who tells how it ended.
pub(crate) type Story = (&'static str, fn() -> Result<(), Broken>);

/// All of them.
pub(crate) const ALL: &[Story] = &[
    ("a bit flips in the last message of the stream", a_bit_flips_in_the_last_message),
    ("a bit flips in the message at a worker's checkpoint", a_bit_flips_at_the_checkpoint),
    ("the message at a worker's checkpoint comes again, damaged", a_folded_message_comes_again),
    ("somebody forges a message while no engine runs", a_message_is_forged_in_the_night),
];

/// A run in which nothing has broken.
fn calm() -> Result<World, Broken> {
    let mut world = World::of(1, Plan::default());
    world.sim.calm_down();
    world.live()?;
    Ok(world)
}

/// The engine compared the last message of the stream with its log, found another hash, and halted for good: "another
/// engine writes this stream". But nobody had published that: the message did not even have the hash that its own
/// header names. Now it is damage, and heals as in every other place.
fn a_bit_flips_in_the_last_message() -> Result<(), Broken> {
    let mut world = calm()?;
    let last = world.broker.look().map_or(0, |found| found.last);
    world.broker.flip(last);
    world.crash(0);
    world.live()?;
    world.judge()
}

/// A worker that starts asks the stream for the message at its checkpoint where no engine serves the log. The message
/// was damaged, so it had another hash, and the worker halted: "another lineage". It must wait for the log instead.
fn a_bit_flips_at_the_checkpoint() -> Result<(), Broken> {
    let mut world = calm()?;
    world.workers.flush();
    let at = world.workers.models().first().map_or(0, |model| *model.position().borrow());
    world.broker.flip(at);
    world.crash_workers();
    world.crash(0);
    // The engine is away until the worker has looked.
    world.hold(Process::Engine(0), std::time::Duration::from_secs(20));
    world.live()?;
    world.judge()
}

/// A consumer delivered the message at the worker's checkpoint once more, and a bit of it had flipped. The worker went
/// to the log for it, had it already, looked at the message again, and so on: it never did anything else any more.
fn a_folded_message_comes_again() -> Result<(), Broken> {
    let mut world = calm()?;
    let at = world.workers.models().first().map_or(0, |model| *model.position().borrow());
    world.broker.flip(at);
    world.broker.repeat(at);
    world.crash(0);
    world.live()?;
    world.judge()
}

/// A neighbour published a record behind the end of the stream, with headers like ours, while the engine was away. The
/// start took it into the log, and the notary signed it. Now nothing of it is taken, and the desk goes on by itself.
fn a_message_is_forged_in_the_night() -> Result<(), Broken> {
    let mut world = calm()?;
    world.crash(0);
    for _ in 0..3 {
        Forger::Stranger.forge(&world.sim, &world.broker);
    }
    world.live()?;
    world.judge()
}

/// The same by somebody who has the secret of the folder: it gets in, as everything would if nobody looked at a MAC.
pub(crate) fn a_thief_forges_in_the_night() -> Result<(), Broken> {
    let mut world = calm()?;
    world.crash(0);
    Forger::Thief.forge(&world.sim, &world.broker);
    world.live()?;
    world.judge()
}

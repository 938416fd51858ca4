//! The only place of the engine that asks what time it is, or throws dice.

use std::time::{Duration, Instant, UNIX_EPOCH};

use guichet_schemas::time::Timestamp;
use uuid::{Builder, Uuid};

/// A wall clock that jumps further than this from the monotonic one is not believed.
const JUMP_MAX: Duration = Duration::from_secs(5 * 60);

/// Reads the wall clock, unchecked; for answers, never for records.
#[must_use]
pub fn wall() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "this file owns the wall clock")]
    let now = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

/// The readings that a clock needs. One call that must be looked up, beside the two of the system that it makes.
pub trait TimeSource: Send + std::fmt::Debug {
    /// The wall clock, as somebody has set it.
    fn wall(&self) -> Timestamp;
    /// How long the source has been there. Never goes back.
    fn elapsed(&self) -> Duration;
}

/// The clocks of the machine.
#[derive(Debug)]
pub struct SystemTime(Instant);

impl SystemTime {
    /// From now on.
    #[must_use]
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for SystemTime {
    fn default() -> Self {
        Self::new()
    }
}

impl TimeSource for SystemTime {
    fn wall(&self) -> Timestamp {
        wall()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// How fast time goes: as on the wall, or for a rehearsal so many times as fast from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    from: Timestamp,
    times: u32,
}

impl Pace {
    /// As on the wall.
    pub const TRUE: Self = Self { from: Timestamp(0), times: 1 };

    /// So many times as fast from an instant on.
    #[must_use]
    pub const fn faster(from: Timestamp, times: u32) -> Self {
        Self { from, times }
    }

    /// The wall clock at this pace, unchecked; for answers.
    #[must_use]
    pub fn wall(self) -> Timestamp {
        let passed = wall().0.saturating_sub(self.from.0);
        Timestamp(self.from.0.saturating_add(passed.saturating_mul(i64::from(self.times))))
    }
}

/// The clocks of the machine at another pace: both readings go as fast.
#[derive(Debug)]
pub struct PacedTime(Pace, SystemTime);

impl PacedTime {
    /// From now on.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self(pace, SystemTime::new())
    }
}

impl TimeSource for PacedTime {
    fn wall(&self) -> Timestamp {
        self.0.wall()
    }

    fn elapsed(&self) -> Duration {
        self.1.elapsed().saturating_mul(self.0.times)
    }
}

/// The time of records: the wall clock, checked against the monotonic one, never going back.
#[derive(Debug)]
pub struct EngineClock {
    source: Box<dyn TimeSource>,
    wall_at_start: Timestamp,
    last: Timestamp,
    jumped: bool,
}

impl EngineClock {
    /// A clock that goes on from the newest record.
    #[must_use]
    pub fn new(source: Box<dyn TimeSource>, last_recorded: Timestamp) -> Self {
        let started = i64::try_from(source.elapsed().as_millis()).unwrap_or(i64::MAX);
        let wall_at_start = Timestamp(source.wall().0.saturating_sub(started));
        Self { source, wall_at_start, last: last_recorded, jumped: false }
    }

    /// The instant for the next record.
    pub fn now(&mut self) -> Timestamp {
        let elapsed = i64::try_from(self.source.elapsed().as_millis()).unwrap_or(i64::MAX);
        let monotonic = Timestamp(self.wall_at_start.0.saturating_add(elapsed));
        let reading = self.checked(self.source.wall(), monotonic);
        self.last = self.last.max(reading);
        self.last
    }

    fn checked(&mut self, wall: Timestamp, monotonic: Timestamp) -> Timestamp {
        let jump = wall.0.abs_diff(monotonic.0);
        if jump <= JUMP_MAX.as_millis() as u64 {
            return wall;
        }
        if !self.jumped {
            self.jumped = true;
            tracing::error!(
                jump_ms = jump,
                "the wall clock jumped; records go on by the monotonic clock until a restart confirms the time"
            );
        }
        monotonic
    }
}

/// Makes ids of UUID version 7: sorted by time, unique across restarts.
#[derive(Debug)]
pub struct IdSource {
    random: u128,
}

impl IdSource {
    /// Starts at a random place, so that two starts in one millisecond do not meet.
    #[must_use]
    pub fn new() -> Self {
        Self::at(u128::from(dice()) << 64 | u128::from(dice()))
    }

    /// Starts at this place.
    #[must_use]
    pub const fn at(random: u128) -> Self {
        Self { random }
    }

    /// The next id at this instant.
    pub fn next(&mut self, now: Timestamp) -> Uuid {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let mut bytes = [0; 10];
        bytes.copy_from_slice(&self.random.to_be_bytes()[..10]);
        Builder::from_unix_timestamp_millis(u64::try_from(now.0).unwrap_or(0), &bytes).into_uuid()
    }
}

impl Default for IdSource {
    fn default() -> Self {
        Self::new()
    }
}

/// Sixty-two random bits, from the generator behind new ids; not a secret.
fn dice() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "this file owns the dice")]
    let id = Uuid::now_v7();
    id.as_u64_pair().1
}

/// A secret of 32 bytes from the operating system.
///
/// # Errors
/// The system gives no random bytes.
pub fn secret() -> std::io::Result<[u8; 32]> {
    use std::io::Read as _;
    let mut bytes = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_records_never_goes_back() {
        let mut clock = EngineClock::new(Box::new(SystemTime::new()), Timestamp(i64::MAX - 10));
        assert_eq!(clock.now(), Timestamp(i64::MAX - 10));
    }

    #[test]
    fn a_wall_clock_that_jumps_is_not_believed() {
        let mut clock = EngineClock::new(Box::new(SystemTime::new()), Timestamp(0));
        let hour = 3_600_000;
        assert_eq!(clock.checked(Timestamp(1000), Timestamp(900)), Timestamp(1000));
        assert_eq!(clock.checked(Timestamp(hour), Timestamp(900)), Timestamp(900));
        assert_eq!(clock.checked(Timestamp(-hour), Timestamp(900)), Timestamp(900));
    }

    #[test]
    fn a_faster_clock_is_faster_in_both_readings_and_believed() {
        let from = Timestamp(wall().0 - 60_000);
        let time = PacedTime::new(Pace::faster(from, 3_600));
        let hours = 60 * 3_600_000;
        assert!((hours..2 * hours).contains(&(time.wall().0 - from.0)), "a minute is sixty hours");
        assert!(Pace::TRUE.wall().0.abs_diff(wall().0) < 60_000);
        let mut clock = EngineClock::new(Box::new(time), Timestamp(0));
        let first = clock.now();
        assert!(clock.now() >= first && !clock.jumped);
    }

    #[test]
    fn ids_of_one_millisecond_differ_and_sort_by_time() {
        let mut ids = IdSource::new();
        let (a, b, c) = (ids.next(Timestamp(1000)), ids.next(Timestamp(1000)), ids.next(Timestamp(1001)));
        assert_ne!(a, b);
        assert!(c > a && c > b);
        assert_eq!(a.get_version_num(), 7);
    }
}

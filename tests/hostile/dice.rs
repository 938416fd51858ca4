//! What is drawn, beyond a number: the dice of the fuzz targets with a few more games.

use uuid::Uuid;

pub(crate) use crate::mutate::Dice;

impl Dice {
    /// The dice of one message of a run: each can be drawn again alone.
    pub(crate) fn of(seed: u64, message: u64) -> Self {
        let mut dice = Self(seed);
        let begin = dice.roll();
        Self(begin ^ message.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of them.
    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// A fresh identifier.
    pub(crate) fn uuid(&mut self) -> Uuid {
        let (high, low) = (self.roll(), self.roll());
        uuid::Builder::from_random_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
            .into_uuid()
    }

    /// Bytes that mean nothing.
    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.roll().to_be_bytes()[3]).collect()
    }
}

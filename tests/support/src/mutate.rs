//! Changes of real input, by seed, and what else is drawn.

use uuid::Uuid;

/// Words that grammars are made of, and numbers at which types end.
const WORDS: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    ".",
    "*",
    ">",
    " ",
    "\0",
    "\r\n",
    "null",
    "true",
    "-1",
    "1e400",
    "0",
    "18446744073709551616",
    "9007199254740993",
    "\u{202e}",
    "\\ud800",
    "é",
    "$JS.API.STREAM.PURGE",
    "\"data\":",
    "=",
    "\n[state]\n",
    "\n[[",
    "'''",
];

/// SplitMix64: the same seed, the same changes.
pub struct Dice(pub u64);

impl Dice {
    /// The dice of one message of a run: each can be drawn again alone.
    pub fn of(seed: u64, message: u64) -> Self {
        let mut dice = Self(seed);
        let begin = dice.roll();
        Self(begin ^ message.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// A fresh identifier.
    pub fn uuid(&mut self) -> Uuid {
        let (high, low) = (self.roll(), self.roll());
        uuid::Builder::from_random_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
            .into_uuid()
    }

    /// Bytes that mean nothing.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.roll().to_be_bytes()[3]).collect()
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % end.max(1) as u64).expect("below a usize")
    }
}

/// One of the corpus, changed in one to four places.
pub fn change(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = corpus[dice.below(corpus.len())].clone();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            1 => bytes.truncate(at),
            2 => bytes.insert(at, dice.roll().to_be_bytes()[0]),
            3 => drop(bytes.splice(at..at, WORDS[dice.below(WORDS.len())].bytes())),
            4 => {
                let end = at + dice.below(bytes.len() - at + 1);
                bytes.drain(at..end);
            }
            5 => {
                let end = at + dice.below((bytes.len() - at).min(64) + 1);
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let other = &corpus[dice.below(corpus.len())];
                let from = dice.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes
}

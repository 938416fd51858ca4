//! The stream is a copy. What it loses comes back from the log, to the byte; what is foreign in it stops whoever
//! finds it, and nobody reads on as if nothing had happened.

mod foreign;
mod healing;

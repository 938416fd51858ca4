//! The stream is a copy. What it loses comes back from the log, to the byte; what somebody forged goes out
//! of it, and what another engine wrote stops whoever finds it: nobody reads on as if nothing had happened.

pub(crate) mod foreign;
mod healing;
mod store;

//! What lets others check us: the RFC 6962 tree over the record bytes, signed checkpoints of it, and proofs.
//!
//! The leaf of a record is [`Hash::of_record`](guichet_schemas::hash::Hash::of_record); the record at position p is
//! leaf p − 1. An [`Edge`] grows the tree and hands out every tile once it is full; [`tile`] reads it back from
//! tiles; [`prove`] makes proofs and checks them; a [`Checkpoint`] is a root under a signature; a [`ProofFile`] is a
//! proof and its checkpoint in one text that can be checked offline.
//!
//! All forms are those of C2SP (tlog-tiles, tlog-checkpoint, signed-note, tlog-proof), so that programs which we did
//! not write read them. No database, no network, no clock.

mod authorship;
mod checkpoint;
mod edge;
mod keys;
mod proof_file;
pub mod prove;
pub mod stream_key;
pub mod tile;

pub use authorship::{Author, Authorship, Said};
pub use checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
pub use edge::{Edge, FullTile};
pub use keys::{KeyError, SigningKey, VerifyingKey};
pub use proof_file::{ProofFile, ProofFileError};
pub use stream_key::{Placed, StreamKey, StreamMac};
pub use tile::{TileId, TileSource};

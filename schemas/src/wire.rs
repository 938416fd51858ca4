//! The wire types, generated from `proto/`. They hold bytes and numbers as they came; only
//! [`crate::codec`], the views and the stores touch them.
#![expect(clippy::all, reason = "generated; the documentation stands in the .proto files")]

/// The contract, version 1; see `proto/guichet/v1/`.
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/guichet.v1.rs"));
}
pub use v1::*;

/// Shapes of the engine's own store; see `proto/guichet/store/v1/store.proto`.
pub mod store {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/guichet.store.v1.rs"));
    }
    pub use v1::*;
}

/// The encoded `FileDescriptorSet` of all our `.proto` files, for tools that reflect.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

impl std::fmt::Debug for v1::Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

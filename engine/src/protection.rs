//! What protects the log besides the fsync, and where its files are.

use std::path::{Path, PathBuf};

use guichet_keys::KekSource;
use guichet_schemas::position::Partition;

/// Where the files are that stand outside the database.
#[derive(Debug, Clone)]
pub struct Protection {
    /// Key that signs the checkpoints. Made at the first start; the public one is written beside it.
    pub signing_key: PathBuf,
    /// The newest checkpoint. Best on another disk than the log: it is what a lost or rolled-back log is found by.
    pub anchor: PathBuf,
    /// Folder of the key store. Best with backups of its own, which are not kept for ever.
    pub keys: PathBuf,
    /// Folder of the bytes of attachments.
    pub attachments: PathBuf,
    /// The key-encryption key of the key store.
    pub kek: KekSource,
    /// Off: no tree, no checkpoints. To measure what they cost.
    #[cfg(feature = "measure")]
    pub notary: bool,
    /// Off: personal texts are stored readable. To measure what sealing costs.
    #[cfg(feature = "measure")]
    pub sealing: bool,
}

impl Protection {
    /// The places that are used unless others are named.
    #[must_use]
    pub fn within(data_dir: &Path, partition: Partition) -> Self {
        Self {
            signing_key: data_dir.join("signing.key"),
            anchor: data_dir.join(format!("anchor-{partition}")).join("checkpoint"),
            keys: data_dir.join(format!("keys-{partition}")),
            attachments: crate::attachments::within(data_dir),
            kek: KekSource::Own(data_dir.join("kek")),
            #[cfg(feature = "measure")]
            notary: true,
            #[cfg(feature = "measure")]
            sealing: true,
        }
    }

    /// True where the tree is kept: always, outside benches.
    #[must_use]
    pub const fn has_notary(&self) -> bool {
        #[cfg(feature = "measure")]
        return self.notary;
        #[cfg(not(feature = "measure"))]
        true
    }
    /// True where personal texts are sealed: always, outside benches.
    #[must_use]
    pub const fn has_sealing(&self) -> bool {
        #[cfg(feature = "measure")]
        return self.sealing;
        #[cfg(not(feature = "measure"))]
        true
    }
}

//! The faults that a build for the rig can be told to commit. Each breaks one promise.

macro_rules! sabotages {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal;)*) => {
        /// One fault, committed on purpose.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Sabotage {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Sabotage {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name by which it is chosen.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

sabotages! {
    /// The answers go before the batch is written, as behind a buffer.
    AckBeforeWrite = "ack_before_write";
    /// The write-ahead log is written and never synced.
    AckBeforeSync = "ack_before_sync";
    /// What a command led to is forgotten with its batch.
    NoDedup = "no_dedup";
    /// A read model notes how far it is before it is there.
    CheckpointBeforeData = "checkpoint_before_data";
    /// Messages are published without the sequence that they must get.
    PublishUnchecked = "publish_unchecked";
}

/// True where this process was told to commit this fault. The compiler knows better in every build that is used.
#[cfg(not(feature = "sabotage"))]
#[inline]
#[must_use]
pub const fn sabotaged(_fault: Sabotage) -> bool {
    false
}

#[cfg(feature = "sabotage")]
static CHOSEN: std::sync::OnceLock<Sabotage> = std::sync::OnceLock::new();

/// True where this process was told to commit this fault.
#[cfg(feature = "sabotage")]
#[must_use]
pub fn sabotaged(fault: Sabotage) -> bool {
    CHOSEN.get() == Some(&fault)
}

/// There is no fault of that name.
#[cfg(feature = "sabotage")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no sabotage {0}; `Sabotage::ALL` has their names")]
pub struct UnknownSabotage(String);

/// Chooses the fault that this process commits. The first choice stays.
///
/// # Errors
/// There is no fault of that name.
#[cfg(feature = "sabotage")]
pub fn sabotage(name: &str) -> Result<(), UnknownSabotage> {
    let fault = Sabotage::ALL.iter().copied().find(|fault| fault.name() == name);
    let fault = fault.ok_or_else(|| UnknownSabotage(name.to_owned()))?;
    CHOSEN.get_or_init(|| fault);
    Ok(())
}

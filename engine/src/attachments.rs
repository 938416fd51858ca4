//! Files that are attached to tickets: their bytes, sealed, in a folder beside the log
//! ([decision 33](../../docs/decisions/0033-an-attachment-is-on-disk-before-it-is-named.md)).
//!
//! ```text
//! attachments/uploads/<number>                                 an upload under way; removed at each start
//! attachments/tenants/<tenant>/<key id>/<sha256>/bytes         the sealed bytes, once per data subject
//! attachments/tenants/<tenant>/<key id>/<sha256>/<ticket>      empty: the ticket has them, or may name them soon
//! ```
//!
//! A file is sealed, fsynced and renamed into its place before whoever uploads it is told so, and only then does the
//! decider take a command that names it. What no command names goes after a day.

mod copy;
mod durable;
mod layout;
mod sealed;
mod store;
mod sweep;
mod upload;

pub use copy::{BackedUp, Named, back_up, check_copy, restore, within};
pub use layout::{Filed, Place, filed};
pub use sealed::ReadError;
pub use store::{AttachmentStore, Received, check};
pub use sweep::{Standing, Swept};

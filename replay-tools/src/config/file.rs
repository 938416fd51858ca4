//! A configuration file on disk.

use std::path::Path;

use guichet_config::{Draft, Fault, read_toml_with};

use guichet_client::ClientError;

/// Reads a file and the files that it names, which lie beside it.
///
/// # Errors
/// The file cannot be read. What is wrong in it is the inner error.
pub(crate) fn read(path: &Path) -> Result<Result<Vec<Draft>, Fault>, ClientError> {
    let problem = |e: std::io::Error| ClientError::File { path: path.to_owned(), problem: e.to_string() };
    let text = std::fs::read_to_string(path).map_err(problem)?;
    let beside = |name: &str| {
        let other = path.parent().unwrap_or(Path::new(".")).join(name);
        std::fs::read_to_string(&other).map_err(|e| format!("{}: {e}", other.display()))
    };
    Ok(read_toml_with(&text, beside))
}

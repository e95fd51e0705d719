//! The pages of the documentation.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A page of the documentation.
pub struct Page {
    /// Below the root of the repository, as in `docs/guides/sync.md`.
    pub path: String,
    pub text: String,
}

/// One page.
pub fn page(path: &str) -> Page {
    let text = std::fs::read_to_string(root().join(path)).expect("a page");
    Page { path: path.to_owned(), text }
}

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

/// A fenced block.
pub struct Block {
    /// What stands behind the fence, as in `sh`.
    pub mark: String,
    /// Its lines, without the indentation of the list that it stands in.
    pub text: String,
}

/// One page.
pub fn page(path: &str) -> Page {
    let text = std::fs::read_to_string(root().join(path)).expect("a page");
    Page { path: path.to_owned(), text }
}

/// All pages but that of the measurements.
pub fn pages() -> Vec<Page> {
    let mut paths = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(str::to_owned).to_vec();
    collect("docs", &mut paths);
    paths.sort();
    paths.iter().map(|path| page(path)).collect()
}

fn collect(folder: &str, paths: &mut Vec<String>) {
    for entry in std::fs::read_dir(root().join(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&path, paths);
        } else if ends(&path) == "md" {
            paths.push(path);
        }
    }
}

/// What a path ends with, behind its last dot.
fn ends(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, end)| end)
}

impl Page {
    /// Its fenced blocks, and the text between them.
    fn split(&self) -> (Vec<Block>, String) {
        let mut blocks = Vec::new();
        let mut prose = String::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            let Some(mark) = line.trim_start().strip_prefix("```") else {
                prose.extend([line, "\n"]);
                continue;
            };
            let indentation = line.len() - line.trim_start().len();
            let mut text = String::new();
            for line in lines.by_ref().take_while(|line| line.trim() != "```") {
                text.extend([line.get(indentation..).unwrap_or_default(), "\n"]);
            }
            blocks.push(Block { mark: mark.to_owned(), text });
        }
        (blocks, prose)
    }

    /// Its fenced blocks.
    pub fn blocks(&self) -> Vec<Block> {
        self.split().0
    }

    /// The blocks of commands that a test runs.
    pub fn commands(&self) -> Vec<String> {
        self.blocks().into_iter().filter(|block| block.mark == "sh").map(|block| block.text).collect()
    }

    /// What stands in backticks outside of blocks.
    pub fn code(&self) -> Vec<String> {
        let prose = self.split().1;
        prose.split('`').skip(1).step_by(2).map(|code| code.replace('\n', " ")).collect()
    }
}

//! A shell in a folder of its own, in which commands of the documentation run as they are written.

use crate::killed::program;
use crate::world::World;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use tempfile::TempDir;
use tokio::process::Command;

/// A shell whose folder holds what the commands name.
pub struct Shell {
    url: String,
    data: PathBuf,
    folder: TempDir,
}

/// What a block of commands hands on to the next one.
const KEPT: &str = "kept.sh";

impl Shell {
    /// On the machine of a service.
    pub fn of(world: &World) -> Self {
        Self::new(world.url(), world.data())
    }

    pub fn new(url: &str, data: &Path) -> Self {
        Self { url: url.to_owned(), data: data.to_owned(), folder: tempfile::tempdir().expect("a folder") }
    }

    /// One in which `$AUTH` and `$ID` are set, as the guides want it.
    pub fn with(world: &World, id: &str) -> Self {
        let shell = Self::of(world);
        shell.put(KEPT, &format!("AUTH='Authorization: Bearer {}'\nID='{id}'\n", world.token()));
        shell
    }

    pub fn put(&self, file: &str, text: &str) {
        std::fs::write(self.folder.path().join(file), text).expect("a file");
    }

    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(file)).expect("a file")
    }

    pub async fn run(&self, command: &str) -> Output {
        let program = program();
        let path = format!("{}:/usr/bin:/bin", program.parent().map(Path::display).expect("a folder"));
        let mut shell = Command::new("bash");
        shell.args(["-c", command]).env_clear().env("PATH", path).env("OKTA_CONNECTOR_URL", &self.url);
        shell.env("OKTA_CONNECTOR_DATA", &self.data).env("HOME", self.folder.path()).current_dir(self.folder.path());
        shell.stdin(Stdio::null()).output().await.expect("bash runs")
    }

    /// Runs a block of a guide as it is written, except for the place of the service, and gives what it prints. `$AUTH` and
    /// `$ID` stay as it leaves them.
    pub async fn block(&self, block: &str) -> String {
        let block = block.replace("localhost:7070", &self.url);
        let output = self.run(&format!("set -euo pipefail\n. ./{KEPT}\n{block}\ndeclare -p AUTH ID > {KEPT}")).await;
        assert!(output.status.success(), "{block}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }
}

fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A line may have gaps, written as an ellipsis.
fn matches(wanted: &str, line: &str) -> bool {
    let Some((before, wanted)) = wanted.split_once('…') else { return wanted == line };
    let Some(line) = line.strip_prefix(before) else { return false };
    let ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
    ends.into_iter().any(|at| matches(wanted, &line[at..]))
}

fn all_match(wanted: &[&str], lines: &[&str]) -> bool {
    match (wanted.split_first(), lines.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if *first == "…" => {
            all_match(rest, lines) || lines.split_first().is_some_and(|(_, below)| all_match(wanted, below))
        }
        (Some((first, rest)), Some((line, below))) => matches(&words(first), &words(line)) && all_match(rest, below),
        _ => false,
    }
}

/// Whether a command prints what a page shows. A line that is nothing but an ellipsis stands for any number of lines.
pub fn prints(shown: &str, printed: &str) -> bool {
    let shown: Vec<_> = shown.lines().collect();
    let printed: Vec<_> = printed.trim_end().lines().collect();
    all_match(&shown, &printed)
}

//! The pages of the documentation, and that every link, heading and file that they name exists.

use std::collections::{BTreeMap, BTreeSet};
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

/// The measurements, whose commands take hours.
const BENCH: &str = "tests/bench/README.md";

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

    /// Where its links lead.
    fn links(&self) -> Vec<String> {
        let prose = self.split().1;
        prose.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
    }

    /// The names of its headings, as GitHub makes them.
    fn anchors(&self) -> BTreeSet<String> {
        let mut seen = BTreeMap::<String, usize>::new();
        let mut anchors = BTreeSet::new();
        for heading in self.split().1.lines().filter(|line| line.starts_with('#')) {
            let name = anchor(heading.trim_start_matches('#').trim_start());
            let times = seen.entry(name.clone()).or_default();
            anchors.insert(if *times == 0 { name } else { format!("{name}-{times}") });
            *times += 1;
        }
        anchors
    }
}

/// The name of a heading: letters, digits, hyphens and underscores, a hyphen for each blank.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter.to_ascii_lowercase() }).collect()
}

/// A link of a page, as a path below the root and the name of a heading.
fn target(page: &Page, link: &str) -> (String, String) {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    if file.is_empty() {
        return (page.path.clone(), heading.to_owned());
    }
    let mut parts: Vec<_> = page.path.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    (parts.join("/"), heading.to_owned())
}

/// The links of a page that stay in the repository.
fn relative(page: &Page) -> Vec<(String, String)> {
    page.links().iter().filter(|link| !link.contains("://")).map(|link| target(page, link)).collect()
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading_of_it() {
    let mut wrong = Vec::new();
    for from in pages().into_iter().chain([page(BENCH)]) {
        for (file, heading) in relative(&from) {
            let exists = root().join(&file).is_file();
            if !exists || !heading.is_empty() && !page(&file).anchors().contains(&heading) {
                wrong.push(format!("{}: {file}#{heading}", from.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_is_reached_from_the_readme() {
    let mut reached = BTreeSet::new();
    let mut waiting = vec!["README.md".to_owned()];
    while let Some(path) = waiting.pop() {
        if reached.insert(path.clone()) {
            let files = relative(&page(&path)).into_iter().map(|(file, _)| file);
            waiting.extend(files.filter(|file| ends(file) == "md"));
        }
    }
    for page in pages() {
        assert!(reached.contains(&page.path), "no link leads to {}", page.path);
    }
}

/// Where the pages for developers leave out the beginning of a path.
const FOLDERS: [&str; 4] = ["", "shared/src", "infra/cli/src", "infra/console/src"];

#[test]
fn every_file_of_the_code_that_a_page_names_exists() {
    let mut wrong = Vec::new();
    for page in pages().into_iter().chain([page(BENCH)]) {
        for code in page.code() {
            let file = code.split(' ').next().unwrap_or_default();
            let is_code = ["rs", "py"].contains(&ends(file));
            let exists = FOLDERS.iter().any(|folder| root().join(folder).join(file).is_file());
            if is_code && file.contains('/') && !exists {
                wrong.push(format!("{}: {file}", page.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_pages_that_one_reads_first_are_short() {
    for (path, most) in [("README.md", 150), ("CONTRIBUTING.md", 120), ("docs/dev/architecture.md", 150)] {
        let lines = page(path).text.lines().count();
        assert!(lines <= most, "{path} has {lines} lines");
    }
}

#[test]
fn a_heading_has_the_name_that_github_gives_it() {
    for (heading, name) in [
        ("Where is …?", "where-is-"),
        ("With a user's sign-in", "with-a-users-sign-in"),
        ("`user.get`", "userget"),
        ("People, groups, apps", "people-groups-apps"),
    ] {
        assert_eq!(anchor(heading), name);
    }
}

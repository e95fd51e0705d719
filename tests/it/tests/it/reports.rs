//! The table of what Okta does, what is right then, and which tests show it: a row for each public report that was tried, each
//! finding of recorded answers, and each trait of a rude tenant.

use std::collections::BTreeSet;
use std::path::Path;

const TABLE: &str = include_str!("reports.tsv");
const COLUMNS: [&str; 5] = ["row", "source", "what Okta does", "what is right", "tests"];
const REPORTS: usize = 31;
const RECORDINGS: usize = 9;
const TRAITS: [&str; 15] = [
    "background-log",
    "built-in-groups",
    "refused-object",
    "odd-records",
    "odd-logins",
    "deprovisioned-user",
    "refused-cursor",
    "forbidden",
    "failure-after-change",
    "passing-refusals",
    "one-502",
    "refused-proof",
    "retry-after",
    "token-errors",
    "unknown-roles",
];

/// The columns of each row.
fn rows() -> Vec<[&'static str; 5]> {
    let columns = |line: &'static str| -> [&'static str; 5] {
        let columns: Vec<_> = line.split('\t').collect();
        columns.try_into().unwrap_or_else(|columns| panic!("not five columns: {columns:?}"))
    };
    let mut rows: Vec<_> = TABLE.lines().map(columns).collect();
    assert_eq!(rows.remove(0), COLUMNS);
    rows
}

#[test]
fn every_report_recording_and_trait_has_one_row() {
    let rows = rows();
    for row in &rows {
        assert!(row.iter().all(|column| !column.is_empty() && column.trim() == *column), "{row:?}");
    }
    let reports = (1..=REPORTS).map(|number| format!("report-{number:02}"));
    let recordings = (1..=RECORDINGS).map(|number| format!("recording-p{number}"));
    let traits = TRAITS.into_iter().map(|name| format!("trait-{name}"));
    let wanted: BTreeSet<_> = reports.chain(recordings).chain(traits).collect();
    let slugs: BTreeSet<_> = rows.iter().map(|row| row[0].to_owned()).collect();
    assert_eq!(slugs, wanted);
    assert_eq!(slugs.len(), rows.len(), "each row once");
}

#[test]
fn every_test_that_a_row_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for [slug, _, _, _, tests] in rows() {
        for test in tests.split(',').map(str::trim) {
            let (file, name) = test.split_once("::").unwrap_or_else(|| panic!("{slug}: {test} names no test"));
            let code = std::fs::read_to_string(root.join(file));
            let code = code.unwrap_or_else(|error| panic!("{slug}: {file}: {error}"));
            assert!(has_test(&code, name), "{slug}: {file} has no test {name}");
        }
    }
}

/// True where a file has a test function of this name.
fn has_test(code: &str, name: &str) -> bool {
    let function = format!("fn {name}(");
    let lines: Vec<_> = code.lines().map(str::trim).collect();
    let is_attribute = |line: &&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    let is_test = |place: usize| lines[place.saturating_sub(3)..place].iter().any(is_attribute);
    (0..lines.len()).any(|place| lines[place].contains(&function) && is_test(place))
}

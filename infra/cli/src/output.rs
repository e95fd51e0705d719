//! What is printed: a table for people, JSON, a line of JSON for each item, or CSV. What came from Okta is printed without
//! the characters that a terminal obeys.
//!
//! Results go to standard output. What helps a person beside them goes to standard error, and only with tables: what comes
//! next, why a list is empty, what the program waits for.

use crate::screen::Screen;
use clap::ValueEnum;
use console::style;
use serde::Serialize;
use serde_json::Value;
use std::io::{self, IsTerminal, Write};

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One JSON document a line.
    Ndjson,
    /// Comma-separated values with a header.
    Csv,
}

/// Prints.
pub struct Output {
    /// How.
    pub format: Format,
    screen: Screen,
}

/// Something that is shown alone.
pub trait Facts: Serialize {
    /// What people want to know of it.
    fn facts(&self) -> Vec<(&'static str, String)>;
}

/// Something that lists show.
pub trait Row: Serialize {
    /// The columns.
    const COLUMNS: &'static [&'static str];

    /// What is in them.
    fn cells(&self) -> Vec<String>;
}

impl Output {
    pub fn new(format: Format) -> Self {
        Self { format, screen: Screen::of_standard_output() }
    }

    /// A list.
    pub fn list<T: Row>(&self, items: &[T]) -> io::Result<()> {
        match self.format {
            Format::Table => self.table(T::COLUMNS, items.iter().map(Row::cells)),
            Format::Json => print(&serde_json::to_string_pretty(items)?),
            Format::Ndjson => items.iter().try_for_each(|item| print(&serde_json::to_string(item)?)),
            Format::Csv => csv(Some(T::COLUMNS), items.iter().map(Row::cells)),
        }
    }

    /// More rows of a list whose header is printed already.
    pub fn rows<T: Row>(items: &[T]) -> io::Result<()> {
        csv(None, items.iter().map(Row::cells))
    }

    /// One thing: what people want to know of it, or for programs all of it.
    pub fn facts<T: Facts>(&self, item: &T) -> io::Result<()> {
        match self.format {
            Format::Table => {
                self.table(&[], item.facts().into_iter().map(|(name, value)| vec![name.to_owned(), value]))
            }
            _ => self.one(item),
        }
    }

    /// One thing, with all that is known of it.
    pub fn one<T: Serialize>(&self, item: &T) -> io::Result<()> {
        match self.format {
            Format::Json => print(&serde_json::to_string_pretty(item)?),
            Format::Ndjson => print(&serde_json::to_string(item)?),
            Format::Table | Format::Csv => {
                let mut members = Vec::new();
                flatten("", &serde_json::to_value(item)?, &mut members);
                match self.format {
                    Format::Csv => csv(Some(&["member", "value"]), members.into_iter()),
                    _ => self.table(&[], members.into_iter()),
                }
            }
        }
    }

    /// A sentence for people; programs get the document instead.
    pub fn say<T: Serialize>(&self, sentence: &str, document: &T) -> io::Result<()> {
        match self.format {
            Format::Table => print(&plain(sentence)),
            _ => self.one(document),
        }
    }

    /// A sentence for people about what was done, with a check mark on a terminal; programs get the document instead.
    pub fn done<T: Serialize>(&self, sentence: &str, document: &T) -> io::Result<()> {
        match self.format {
            Format::Table => self.mark(sentence),
            _ => self.one(document),
        }
    }

    /// A sentence about what was done.
    pub fn mark(&self, sentence: &str) -> io::Result<()> {
        let mark = if self.screen.styled { format!("{} ", style("✓").green()) } else { String::new() };
        writeln!(io::stdout(), "{mark}{}", plain(sentence))
    }

    /// Rows below a header. A file or a pipe gets each cell whole, whatever the terminal is.
    pub fn table(&self, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> io::Result<()> {
        let shown = |cell: &String| if cell.is_empty() { "-".to_owned() } else { plain(cell) };
        let rows: Vec<Vec<String>> = rows.map(|cells| cells.iter().map(shown).collect()).collect();
        self.screen.lines(columns, &rows).iter().try_for_each(|line| writeln!(io::stdout(), "{line}"))
    }

    /// What comes next: a command, after a word about it. Only people are told.
    pub fn next(&self, what: &str) {
        self.note(&format!("Next: {what}"));
    }

    /// Something that helps a person beside the result.
    pub fn note(&self, text: &str) {
        if self.format == Format::Table {
            aside(&style(plain(text)).dim().for_stderr().to_string());
        }
    }
}

/// A line on standard error. Where nobody reads it, the command goes on.
pub fn aside(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Lines on the output, for a terminal without control sequences. A closed pipe is an error, which ends the output.
pub fn print(lines: &str) -> io::Result<()> {
    lines.split('\n').try_for_each(|line| writeln!(io::stdout(), "{}", seen(line.trim_end_matches('\r'))))
}

/// A text of a file, byte by byte; on a terminal, line by line.
pub fn copy(text: &str) -> io::Result<()> {
    if io::stdout().is_terminal() { print(text.trim_end()) } else { io::stdout().write_all(text.as_bytes()) }
}

/// Without what a terminal would obey, or what would hide the order of letters.
pub fn plain(text: &str) -> String {
    let obeyed = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|letter| if obeyed(letter) { '\u{fffd}' } else { letter }).collect()
}

/// The text of a cell, which is empty where nothing is known. A table shows a dash there, a CSV file nothing.
pub fn or_empty(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

/// A moment without fractions of seconds and zone, or an empty cell.
pub fn moment(text: Option<&str>) -> String {
    let short = |text: &str| text.split('.').next().unwrap_or(text).trim_end_matches('Z').replace('T', " ");
    text.map(short).unwrap_or_default()
}

fn csv(columns: Option<&[&str]>, rows: impl Iterator<Item = Vec<String>>) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if let Some(columns) = columns {
        writer.write_record(columns.iter().map(|column| column.to_lowercase().replace(' ', "_")))?;
    }
    for row in rows {
        writer.write_record(row.iter().map(|cell| guarded(cell)))?;
    }
    let text = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    copy(&String::from_utf8_lossy(&text))
}

/// As a terminal may have it; a file or a pipe gets what there is.
fn seen(text: &str) -> String {
    if io::stdout().is_terminal() { plain(text) } else { text.to_owned() }
}

/// A spreadsheet takes such a cell for a formula, also in signs of full width (OWASP, "CSV Injection").
fn guarded(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if formula && cell != "-" { format!("'{cell}") } else { cell.to_owned() }
}

/// The members of a document, each by its path and as text.
pub fn flatten(name: &str, value: &Value, members: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (member, value) in object {
                let name = if name.is_empty() { member.clone() } else { format!("{name}.{member}") };
                flatten(&name, value, members);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, value) in items.iter().enumerate() {
                flatten(&format!("{name}[{index}]"), value, members);
            }
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(text_of).collect();
            members.push(vec![name.to_owned(), items.join(", ")]);
        }
        other => members.push(vec![name.to_owned(), text_of(other)]),
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null | Value::Object(_) => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_that_came_from_okta() {
        assert_eq!(plain("\u{1b}[31mred\u{7}\r\n\u{202e}live"), "\u{fffd}[31mred\u{fffd}\u{fffd}\u{fffd}\u{fffd}live");
        assert_eq!(plain("Zoë 名 🙂"), "Zoë 名 🙂");
    }

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(
            ["=1+1", "-1", "@a", "\t=1", "＝1", "-", "a=b"].map(guarded),
            ["'=1+1", "'-1", "'@a", "'\t=1", "'＝1", "-", "a=b"]
        );
    }

    #[test]
    fn a_document_is_told_member_by_member() {
        let mut members = Vec::new();
        let document = serde_json::json!({"a": {"b": 1, "c": []}, "d": [{"e": null}], "f": ["x", "y"]});
        flatten("", &document, &mut members);
        let lines: Vec<_> = members.iter().map(|pair| format!("{}={}", pair[0], pair[1])).collect();
        assert_eq!(lines, ["a.b=1", "a.c=", "d[0].e=", "f=x, y"]);
    }
}

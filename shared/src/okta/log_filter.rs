//! Filters, evaluated here: those of the System Log, where one poll of a tenant's log serves all triggers that wait for its
//! events, and those of the directory's lists (`parse_of`).
//!
//! The grammar is SCIM's (RFC 7644, section 3.4.2.2) as Okta's log takes it: without `[ ]`, without `published`, and
//! without `co` on a URL. Three things are decided here:
//!
//! - Text is compared without regard to case, of values and not of names: Okta does not say for the log, and SCIM's
//!   attributes are that way unless they say otherwise (RFC 7643, section 2.2).
//! - Where a list is on the way, as in `target.id`, one member is enough. What is missing or null is equal to nothing, and
//!   neither greater nor less. `ne` is the opposite of `eq`: it holds where the attribute is missing, and of a list only
//!   where every member differs.
//! - A comparison that tells no two events apart is refused, even where Okta may take it: of text with a number, or of
//!   an object with anything, as in `actor eq "x"`.

mod attribute;
mod condition;
mod operator;
mod parse;

use std::fmt;

pub use attribute::{Members, Shape, Subject};
use condition::Condition;
use serde_json::Value;

/// A filter that events are held against.
///
/// ```
/// use okta_connector::okta::LogFilter;
///
/// let failed = LogFilter::parse(r#"eventType sw "user.session" and outcome.result eq "FAILURE""#)?;
/// let event = serde_json::json!({"eventType": "user.session.start", "outcome": {"result": "FAILURE"}});
/// assert!(failed.matches(&event));
/// # Ok::<_, okta_connector::okta::FilterFault>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LogFilter {
    text: String,
    root: Node,
}

/// What is wrong with a filter, where, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {character}: {detail}")]
pub struct FilterFault {
    /// Which character of the filter, from 1.
    pub character: usize,
    /// A sentence for whoever wrote the filter.
    pub detail: String,
}

impl LogFilter {
    /// The most characters of a filter.
    pub const LONGEST: usize = 4_096;
    /// The most parentheses that may be open at once.
    pub const DEEPEST: usize = 32;

    /// Reads a filter.
    pub fn parse(text: &str) -> Result<Self, FilterFault> {
        Self::parse_of(text, &attribute::EVENTS)
    }

    /// Reads a filter of something else than the log's events, in the same grammar.
    pub fn parse_of(text: &str, subject: &'static Subject) -> Result<Self, FilterFault> {
        Ok(Self { text: text.to_owned(), root: parse::parse(text, subject)? })
    }

    /// True where it asks for no other attributes than these.
    pub fn uses_only(&self, attributes: &[&str]) -> bool {
        self.root.uses_only(attributes)
    }

    /// True for an event of the log, as Okta writes it, that the filter holds for; false for anything else that it does
    /// not hold for.
    pub fn matches(&self, event: &Value) -> bool {
        self.root.holds(event)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Compare { path: Vec<String>, condition: Condition },
}

impl Node {
    fn uses_only(&self, attributes: &[&str]) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().all(|part| part.uses_only(attributes)),
            Self::Not(part) => part.uses_only(attributes),
            Self::Compare { path, .. } => path.len() == 1 && attributes.contains(&path[0].as_str()),
        }
    }

    fn holds(&self, event: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(event)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(event)),
            Self::Not(part) => !part.holds(event),
            Self::Compare { path, condition } => some(event, path, condition),
        }
    }
}

/// Whether the condition holds for one of the values at a path.
fn some(value: &Value, path: &[String], condition: &Condition) -> bool {
    match (value, path) {
        (Value::Array(members), _) => members.iter().any(|member| some(member, path, condition)),
        (_, [name, rest @ ..]) => value.get(name).is_some_and(|inner| some(inner, rest, condition)),
        (_, []) => condition.holds(value),
    }
}

#[cfg(test)]
mod tests;

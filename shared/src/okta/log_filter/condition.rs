//! What is asked of one value of an event.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

/// What is asked of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    Present,
    Equal(Literal),
    Starts(Folded),
    Ends(Folded),
    Contains(Folded),
    /// The value against the literal.
    Ordered {
        order: Ordering,
        or_equal: bool,
        literal: Literal,
    },
}

/// What a value is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// The second is the number that the text reads as, for values that are numbers.
    Text(Folded, Option<f64>),
    Number(f64),
    Flag(bool),
}

/// Text in lower case.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded(String);

impl Condition {
    /// True for a value that it holds for; a list is never one value.
    pub fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Present, _) => is_present(value),
            (Self::Starts(start), Value::String(text)) => start.begins(text),
            (Self::Ends(end), Value::String(text)) => end.ends(text),
            (Self::Contains(part), Value::String(text)) => lower(text).contains(&*part.0),
            (Self::Equal(literal), _) => literal.equals(value),
            (Self::Ordered { order, or_equal, literal }, _) => {
                literal.order(value).is_some_and(|found| found == *order || *or_equal && found.is_eq())
            }
            _ => false,
        }
    }
}

/// Whether there is anything in it.
fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(members) => members.iter().any(is_present),
        Value::Object(members) => members.values().any(is_present),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

impl Literal {
    /// A literal of text.
    pub fn text(text: &str) -> Self {
        Self::Text(Folded::new(text), text.parse().ok().filter(|number: &f64| number.is_finite()))
    }

    /// The number that it is or reads as.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Text(_, number) => *number,
            Self::Number(number) => Some(*number),
            Self::Flag(_) => None,
        }
    }

    /// The flag that it is or reads as.
    pub fn flag(&self) -> Option<bool> {
        match self {
            Self::Text(text, _) => text.0.parse().ok(),
            Self::Number(_) => None,
            Self::Flag(flag) => Some(*flag),
        }
    }

    fn equals(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text(folded, _), Value::String(text)) => folded.equals(text),
            (_, Value::Bool(flag)) => self.flag() == Some(*flag),
            _ => self.order(value).is_some_and(Ordering::is_eq),
        }
    }

    /// How a value lies to the literal, where both are text or both are numbers.
    fn order(&self, value: &Value) -> Option<Ordering> {
        match (self, value) {
            (Self::Text(folded, _), Value::String(text)) => Some(folded.order(text)),
            (_, Value::Number(number)) => number.as_f64()?.partial_cmp(&self.number()?),
            _ => None,
        }
    }
}

/// Text that is ASCII, as nearly all of it is, is compared where it lies.
impl Folded {
    pub fn new(text: &str) -> Self {
        Self(lower(text).into_owned())
    }

    fn equals(&self, text: &str) -> bool {
        if text.is_ascii() { text.eq_ignore_ascii_case(&self.0) } else { lower(text) == self.0 }
    }

    fn begins(&self, text: &str) -> bool {
        match text.as_bytes().get(..self.0.len()) {
            Some(start) if text.is_ascii() => start.eq_ignore_ascii_case(self.0.as_bytes()),
            _ => !text.is_ascii() && lower(text).starts_with(&self.0),
        }
    }

    fn ends(&self, text: &str) -> bool {
        let start = text.len().checked_sub(self.0.len());
        match start.and_then(|start| text.as_bytes().get(start..)) {
            Some(end) if text.is_ascii() => end.eq_ignore_ascii_case(self.0.as_bytes()),
            _ => !text.is_ascii() && lower(text).ends_with(&self.0),
        }
    }

    /// How a text lies to this one.
    fn order(&self, text: &str) -> Ordering {
        if text.is_ascii() {
            text.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(self.0.bytes())
        } else {
            (*lower(text)).cmp(self.0.as_str())
        }
    }
}

/// A text in lower case, character by character: a sigma is one letter wherever it stands.
fn lower(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    let letters = text.chars().flat_map(char::to_lowercase);
    Cow::Owned(letters.map(|letter| if letter == 'ς' { 'σ' } else { letter }).collect())
}

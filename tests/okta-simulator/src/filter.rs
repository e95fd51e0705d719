//! Okta's filter and search expressions: the grammar and its evaluation.
//!
//! ```text
//! or      = and ("or" and)*
//! and     = not ("and" not)*
//! not     = "not" "(" or ")" | primary
//! primary = "(" or ")" | attribute "pr" | attribute operator literal
//! literal = a JSON string, a number, true or false
//! ```
//!
//! What an endpoint allows of it is its [`Dialect`].

mod dialect;
mod parse;

pub use dialect::{APPS_FILTER, GROUPS_FILTER, GROUPS_SEARCH, LOGS_FILTER, USERS_FILTER, USERS_SEARCH};

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// All of them hold.
    And(Vec<Expression>),
    /// One of them holds.
    Or(Vec<Expression>),
    /// It does not hold.
    Not(Box<Expression>),
    /// A comparison of one attribute.
    Compare {
        /// The attribute's dotted name.
        attribute: String,
        /// The operator.
        operator: Operator,
        /// What it is compared with; null for `pr`.
        literal: Value,
    },
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Contains.
    Co,
    /// Present.
    Pr,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

/// The value of an attribute in the object at hand.
#[derive(Debug)]
pub enum Found<'a> {
    /// No value, or null.
    Missing,
    /// Text.
    Text(Cow<'a, str>),
    /// A time, in milliseconds since 1970.
    Time(i64),
    /// Several texts; one of them must match.
    Texts(Vec<String>),
    /// A value of a profile or an event; an array matches if one member does.
    Json(&'a Value),
    /// Several such values; one of them must match.
    Many(Vec<&'a Value>),
}

impl<'a> From<&'a str> for Found<'a> {
    fn from(text: &'a str) -> Found<'a> {
        Found::Text(Cow::Borrowed(text))
    }
}

impl Expression {
    /// Whether the expression holds for an object; `fold` compares text without regard to case.
    pub fn holds<'a>(&self, fold: bool, get: &impl Fn(&str) -> Found<'a>) -> bool {
        match self {
            Expression::And(parts) => parts.iter().all(|part| part.holds(fold, get)),
            Expression::Or(parts) => parts.iter().any(|part| part.holds(fold, get)),
            Expression::Not(part) => !part.holds(fold, get),
            Expression::Compare { attribute, operator, literal } => compare(&get(attribute), *operator, literal, fold),
        }
    }

    /// The texts an attribute is compared with anywhere in the expression.
    pub fn literals(&self, name: &str) -> Vec<&str> {
        let named = self.comparisons().into_iter().filter(|comparison| comparison.0 == name);
        named.filter_map(|(_, literal)| literal.as_str()).collect()
    }

    /// Attributes and literals of all comparisons, in the order written.
    fn comparisons(&self) -> Vec<(&str, &Value)> {
        match self {
            Expression::And(parts) | Expression::Or(parts) => parts.iter().flat_map(Expression::comparisons).collect(),
            Expression::Not(part) => part.comparisons(),
            Expression::Compare { attribute, literal, .. } => vec![(attribute, literal)],
        }
    }
}

/// The texts that a filter or search expression compares with, in the order written, as the tenant understands them;
/// none if it is no expression.
///
/// ```
/// let texts = okta_simulator::literals(r#"profile.login eq "a\"b" or id eq "c""#);
/// assert_eq!(texts, Some(vec![r#"a"b"#.to_owned(), "c".to_owned()]));
/// ```
pub fn literals(expression: &str) -> Option<Vec<String>> {
    let parsed = parse::parse(expression)?;
    Some(parsed.comparisons().into_iter().filter_map(|(_, literal)| literal.as_str().map(str::to_owned)).collect())
}

fn compare(found: &Found<'_>, operator: Operator, literal: &Value, fold: bool) -> bool {
    match (found, operator) {
        (Found::Missing | Found::Json(Value::Null), _) => operator == Operator::Ne,
        (Found::Many(items), _) => one_of(items.iter().copied(), operator, literal, fold),
        (Found::Json(value), Operator::Pr) => filled(value),
        (_, Operator::Pr) => true,
        (Found::Time(time), _) => time_of(literal).is_some_and(|other| ordered(operator, time, &other)),
        (Found::Texts(texts), _) => texts.iter().any(|text| text_compare(text, operator, literal, fold)),
        (Found::Text(text), _) => text_compare(text, operator, literal, fold),
        (Found::Json(Value::String(text)), _) => text_compare(text, operator, literal, fold),
        (Found::Json(Value::Array(items)), _) => one_of(items, operator, literal, fold),
        (Found::Json(Value::Number(number)), _) => match (number.as_f64(), number_of(literal)) {
            (Some(left), Some(right)) => left.partial_cmp(&right).is_some_and(|order| holds(operator, order)),
            _ => operator == Operator::Ne,
        },
        (Found::Json(other), _) => match operator {
            Operator::Eq => same_scalar(other, literal),
            Operator::Ne => !same_scalar(other, literal),
            _ => false,
        },
    }
}

/// Whether there is anything in a value: present is what is not empty.
fn filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter().any(filled),
        Value::Object(fields) => fields.values().any(filled),
        _ => true,
    }
}

/// Whether one of the values matches; to differ, all of them must.
fn one_of<'a>(items: impl IntoIterator<Item = &'a Value>, operator: Operator, literal: &Value, fold: bool) -> bool {
    let mut items = items.into_iter().map(|item| compare(&Found::Json(item), operator, literal, fold));
    if operator == Operator::Ne { items.all(|holds| holds) } else { items.any(|holds| holds) }
}

fn text_compare(text: &str, operator: Operator, literal: &Value, fold: bool) -> bool {
    let Value::String(literal) = literal else { return operator == Operator::Ne };
    let (text, literal) = if fold {
        (Cow::Owned(text.to_lowercase()), Cow::Owned(literal.to_lowercase()))
    } else {
        (Cow::Borrowed(text), Cow::Borrowed(literal.as_str()))
    };
    match operator {
        Operator::Sw => text.starts_with(&*literal),
        Operator::Ew => text.ends_with(&*literal),
        Operator::Co => text.contains(&*literal),
        _ => ordered(operator, &*text, &*literal),
    }
}

fn ordered<T: Ord + ?Sized>(operator: Operator, left: &T, right: &T) -> bool {
    holds(operator, left.cmp(right))
}

fn holds(operator: Operator, order: std::cmp::Ordering) -> bool {
    match operator {
        Operator::Eq => order.is_eq(),
        Operator::Ne => order.is_ne(),
        Operator::Gt => order.is_gt(),
        Operator::Ge => order.is_ge(),
        Operator::Lt => order.is_lt(),
        Operator::Le => order.is_le(),
        Operator::Sw | Operator::Ew | Operator::Co | Operator::Pr => false,
    }
}

/// The moment a literal names, in milliseconds; Okta takes RFC 3339 in a string.
fn time_of(literal: &Value) -> Option<i64> {
    literal.as_str()?.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

fn number_of(literal: &Value) -> Option<f64> {
    literal.as_f64().or_else(|| literal.as_str()?.parse().ok())
}

fn same_scalar(value: &Value, literal: &Value) -> bool {
    value == literal
        || match value {
            Value::Bool(flag) => literal.as_str() == Some(if *flag { "true" } else { "false" }),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds_for(object: &Value, expression: &str, fold: bool) -> bool {
        let parsed = parse::parse(expression).unwrap_or_else(|| panic!("{expression} parses"));
        parsed.holds(fold, &|name| match name {
            "created" => Found::Time(1_767_225_600_000),
            _ => object.pointer(&format!("/{}", name.replace('.', "/"))).map_or(Found::Missing, Found::Json),
        })
    }

    #[test]
    fn expressions_hold_as_their_operators_say() {
        let object = json!({"status": "ACTIVE", "profile": {"firstName": "Łucja", "skills": ["sql", "rust"], "age": 41, "remote": true,
            "title": "", "badge": {"color": null}}});
        let cases = [
            (r#"status eq "active""#, true),
            (r#"status lt "STAGED" or status gt "STAGED""#, true),
            (r#"profile.firstName sw "łu" and profile.firstName co "cj""#, true),
            (r#"profile.skills eq "rust""#, true),
            (r#"profile.skills ne "rust""#, false),
            ("profile.age gt 40 and profile.remote eq true", true),
            ("profile.city pr", false),
            ("profile.title pr or profile.badge pr", false),
            ("profile pr and profile.skills pr", true),
            (r#"profile.city eq "Oslo""#, false),
            ("not (profile.city pr)", true),
            (r#"status eq "X" or status eq "ACTIVE" and profile.age lt 40"#, false),
            (r#"(status eq "X" or status eq "ACTIVE") and profile.age ge 41"#, true),
            (r#"created ge "2026-01-01T00:00:00.000Z" and created le "2026-01-01T01:00:00+01:00""#, true),
            (r#"created gt "2026-01-01T00:00:00.000Z""#, false),
        ];
        for (expression, expected) in cases {
            assert_eq!(holds_for(&object, expression, true), expected, "{expression}");
        }
        assert!(!holds_for(&object, r#"status eq "active""#, false));
    }
}

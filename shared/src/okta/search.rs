//! Search and filter expressions, built from typed conditions: a value is always one literal and never a part of the
//! grammar.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// How an attribute is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Operator {
    /// Equals.
    Eq,
    /// Starts with.
    Sw,
    /// Contains.
    Co,
    /// Greater than.
    Gt,
    /// Greater than or equal to.
    Ge,
    /// Less than.
    Lt,
    /// Less than or equal to.
    Le,
}

impl Operator {
    fn word(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Sw => "sw",
            Self::Co => "co",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }
}

/// An expression in Okta's grammar, a subset of SCIM's (RFC 7644, section 3.4.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression(String);

impl Expression {
    /// Compares an attribute with a string, a number or a boolean. Its literals are JSON's, so JSON escapes them.
    pub fn compare(attribute: &str, operator: Operator, value: impl Into<Value>) -> Self {
        Self(format!("{attribute} {} {}", operator.word(), value.into()))
    }

    /// True for an object that equals a text in this attribute.
    pub fn equals(attribute: &str, text: &str) -> Self {
        Self::compare(attribute, Operator::Eq, text)
    }

    /// Where all of them hold.
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, " and ")
    }

    /// Where one of them holds.
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, " or ")
    }

    fn joined(parts: impl IntoIterator<Item = Self>, word: &str) -> Self {
        let mut parts: Vec<_> = parts.into_iter().map(|part| part.0).collect();
        if parts.len() == 1 {
            return Self(parts.swap_remove(0));
        }
        Self(format!("({})", parts.join(word)))
    }

    /// As it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// True for what can name an attribute: without it, a name could bring grammar of its own.
pub fn is_attribute(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    name.len() <= 200 && name.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_literal() {
        let named = Expression::equals("profile.login", "a\" or status pr or id eq \"\\");
        assert_eq!(named.as_str(), r#"profile.login eq "a\" or status pr or id eq \"\\""#);
        let both = Expression::all([
            Expression::compare("profile.badge", Operator::Ge, 7),
            Expression::any([
                Expression::equals("status", "ACTIVE"),
                Expression::compare("profile.remote", Operator::Eq, true),
            ]),
        ]);
        assert_eq!(both.as_str(), r#"(profile.badge ge 7 and (status eq "ACTIVE" or profile.remote eq true))"#);
    }

    #[test]
    fn an_attribute_brings_no_grammar() {
        for name in ["", ".", "a.", "status pr or id", "a\"", "a(b)", "ü"] {
            assert!(!is_attribute(name), "{name}");
        }
        assert!(is_attribute("profile.employeeNumber") && is_attribute("status"));
    }
}

//! The operators, and which of them go with which attributes and values.

use std::cmp::Ordering;

use serde_json::Value;

use super::attribute::{Shape, parts};
use super::condition::{Condition, Folded, Literal};

use Operator::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Pr, Sw};

/// How an attribute is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operator {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Pr,
    Gt,
    Ge,
    Lt,
    Le,
}

/// The attributes of which Okta searches no part, as they are URLs.
const URLS: [&str; 2] = ["debugContext.debugData.requestUri", "debugContext.debugData.url"];

impl Operator {
    /// The operators, to be told.
    pub const ALL: &str = "eq, ne, co, sw, ew, pr, gt, ge, lt or le";

    /// The operator of a name, in whatever case.
    pub fn named(word: &str) -> Option<Self> {
        let names = ["eq", "ne", "co", "sw", "ew", "pr", "gt", "ge", "lt", "le"];
        let at = names.iter().position(|name| word.eq_ignore_ascii_case(name))?;
        Some([Eq, Ne, Co, Sw, Ew, Pr, Gt, Ge, Lt, Le][at])
    }

    /// Whether it can hold for an attribute of this shape; else a sentence for whoever wrote it.
    pub fn fits(self, name: &str, shape: Shape) -> Result<(), String> {
        match (self, shape) {
            (Pr, _) => Ok(()),
            (_, Shape::Parts(members)) => {
                Err(format!("{name} is no value: write one of {}, or {name} pr", parts(name, members)))
            }
            (Co, _) if URLS.contains(&name) => Err(format!("Okta takes no co with {name}: write eq, sw or ew")),
            (Co | Sw | Ew, Shape::Number) => Err(format!("{name} is a number: write eq, ne, gt, ge, lt, le or pr")),
            (Co | Sw | Ew | Gt | Ge | Lt | Le, Shape::Flag) => {
                Err(format!("{name} is true or false: write eq, ne or pr"))
            }
            _ => Ok(()),
        }
    }

    /// The condition with a value, which `ne` negates; else a sentence for whoever wrote it.
    pub fn condition(self, name: &str, shape: Shape, literal: &Value) -> Result<Condition, String> {
        if let (Co | Sw | Ew, Value::String(text)) = (self, literal) {
            let text = Folded::new(text);
            return Ok(match self {
                Co => Condition::Contains(text),
                Sw => Condition::Starts(text),
                _ => Condition::Ends(text),
            });
        }
        let ordered = |order, or_equal| {
            literal_of(name, shape, literal).map(|literal| Condition::Ordered { order, or_equal, literal })
        };
        match (self, literal) {
            (Co | Sw | Ew, _) => Err("only text has parts: write the value in double quotes".to_owned()),
            (Gt | Ge | Lt | Le, Value::Bool(_)) => Err("true and false have no order: write eq or ne".to_owned()),
            (Gt | Ge, _) => ordered(Ordering::Greater, self == Ge),
            (Lt | Le, _) => ordered(Ordering::Less, self == Le),
            (Eq | Ne | Pr, _) => literal_of(name, shape, literal).map(Condition::Equal),
        }
    }
}

/// A value that an attribute of this shape can have.
fn literal_of(name: &str, shape: Shape, literal: &Value) -> Result<Literal, String> {
    let literal = match literal {
        Value::String(text) => Literal::text(text),
        Value::Bool(flag) => Literal::Flag(*flag),
        other => Literal::Number(other.as_f64().unwrap_or(f64::NAN)),
    };
    match shape {
        Shape::Text if !matches!(literal, Literal::Text(..)) => {
            Err(format!("{name} is text: write the value in double quotes"))
        }
        Shape::Number if literal.number().is_none() => Err(format!("{name} is a number: write one")),
        Shape::Flag if literal.flag().is_none() => Err(format!("{name} is true or false: write one of them")),
        _ => Ok(literal),
    }
}

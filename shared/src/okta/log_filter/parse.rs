//! The parser: recursive descent, no deeper than [`LogFilter::DEEPEST`].
//!
//! ```text
//! any     = all *("or" all)
//! all     = one *("and" one)
//! one     = ["not"] "(" any ")" | attribute "pr" | attribute operator literal
//! literal = a string, a number, true or false, as JSON writes them
//! ```

use serde_json::Value;

use super::attribute::Subject;
use super::attribute::{self, cut};
use super::condition::Condition;
use super::operator::Operator;
use super::{FilterFault, LogFilter, Node};

const BRACKETS: &str = "a filter has no [ ]: write the attribute with a dot, as in target.type eq \"User\"";

/// Reads a whole filter.
pub fn parse(text: &str, subject: &'static Subject) -> Result<Node, FilterFault> {
    let mut parser = Parser { subject, text, at: 0, depth: 0 };
    if let Some((end, _)) = text.char_indices().nth(LogFilter::LONGEST) {
        return Err(parser.fault(end, format!("a filter has at most {} characters: shorten it", LogFilter::LONGEST)));
    }
    let root = parser.any()?;
    match parser.rest() {
        "" => Ok(root),
        rest if rest.starts_with(')') => Err(parser.wrong("this parenthesis closes none: remove it")),
        _ => Err(parser.unjoined()),
    }
}

struct Parser<'a> {
    subject: &'static Subject,
    text: &'a str,
    /// The byte that comes next.
    at: usize,
    /// Parentheses that are open.
    depth: usize,
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Result<Node, FilterFault> {
        let mut parts = vec![self.all()?];
        while self.takes("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Node::Any(parts) })
    }

    fn all(&mut self) -> Result<Node, FilterFault> {
        let mut parts = vec![self.one()?];
        while self.takes("and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Node::All(parts) })
    }

    fn one(&mut self) -> Result<Node, FilterFault> {
        let negated = self.takes("not");
        match self.rest().chars().next() {
            Some('(') => {
                let inner = self.grouped()?;
                Ok(if negated { Node::Not(Box::new(inner)) } else { inner })
            }
            _ if negated => Err(self.wrong("what is negated stands in parentheses: write not (…)")),
            None => Err(self.wrong(format!("a condition is missing: write one, as in {}", self.subject.example))),
            Some('[' | ']') => Err(self.wrong(BRACKETS)),
            Some(_) => self.comparison(),
        }
    }

    fn grouped(&mut self) -> Result<Node, FilterFault> {
        let opened = self.at;
        self.depth += 1;
        if self.depth > LogFilter::DEEPEST {
            let deepest = LogFilter::DEEPEST;
            return Err(self.wrong(format!("at most {deepest} parentheses may be open at once: write fewer")));
        }
        self.at += 1;
        let inner = self.any()?;
        self.depth -= 1;
        match self.rest().chars().next() {
            Some(')') => self.at += 1,
            Some(_) => return Err(self.unjoined()),
            None => return Err(self.fault(opened, "this parenthesis is not closed: write ) where it ends")),
        }
        Ok(inner)
    }

    fn comparison(&mut self) -> Result<Node, FilterFault> {
        let name = self.word();
        if ["", "and", "or"].iter().any(|other| name.eq_ignore_ascii_case(other)) {
            let example = self.subject.example;
            return Err(self.wrong(format!("a condition begins with an attribute: write one, as in {example}")));
        }
        let shape = attribute::find(name, self.subject).map_err(|detail| self.wrong(detail))?;
        self.at += name.len();
        let word = self.word();
        let operator = self.operator(name, word)?;
        operator.fits(name, shape).map_err(|detail| self.wrong(detail))?;
        self.at += word.len();
        let path = name.split('.').map(str::to_owned).collect();
        if operator == Operator::Pr {
            return Ok(Node::Compare { path, condition: Condition::Present });
        }
        self.rest();
        let start = self.at;
        let literal = self.literal(name, word)?;
        let condition = operator.condition(name, shape, &literal).map_err(|detail| self.fault(start, detail))?;
        let node = Node::Compare { path, condition };
        Ok(if operator == Operator::Ne { Node::Not(Box::new(node)) } else { node })
    }

    fn operator(&self, name: &str, word: &str) -> Result<Operator, FilterFault> {
        match Operator::named(word) {
            Some(operator) => Ok(operator),
            None if word.is_empty() && self.text[self.at..].starts_with('[') => Err(self.wrong(BRACKETS)),
            None if word.is_empty() => {
                Err(self.wrong(format!("an operator is missing after {name}: write {}", Operator::ALL)))
            }
            None => Err(self.wrong(format!("`{}` is no operator: write {}", cut(word), Operator::ALL))),
        }
    }

    fn literal(&mut self, name: &str, operator: &str) -> Result<Value, FilterFault> {
        let rest = self.rest();
        if rest.starts_with('"') {
            let Some(end) = end_of_string(rest) else {
                return Err(self.wrong("this text does not end: write \" where it ends, and \\\" within it"));
            };
            let value = serde_json::from_str(&rest[..end]).map_err(|_| {
                self.wrong("this text is no JSON string: write \\\\ for \\, \\n for a new line, \\u0000 for a code")
            })?;
            self.at += end;
            return Ok(value);
        }
        let word = self.word();
        let value = match serde_json::from_str(word) {
            Ok(Value::Null) => Err(format!("nothing is compared with null: write {name} pr, or not ({name} pr)")),
            Ok(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value),
            _ if word.is_empty() => Err(format!("a value is missing: write {name} {operator} \"…\"")),
            _ => Err(format!("`{}` is no value: write text in double quotes, a number, true or false", cut(word))),
        };
        let value = value.map_err(|detail| self.wrong(detail))?;
        self.at += word.len();
        Ok(value)
    }

    /// What is left, without the space before it.
    fn rest(&mut self) -> &'a str {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        rest
    }

    /// The next word, not taken yet.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '[' | ']'));
        &rest[..end.unwrap_or(rest.len())]
    }

    /// Takes a word if it is next.
    fn takes(&mut self, keyword: &str) -> bool {
        let found = self.word().eq_ignore_ascii_case(keyword);
        self.at += if found { keyword.len() } else { 0 };
        found
    }

    fn fault(&self, at: usize, detail: impl Into<String>) -> FilterFault {
        FilterFault { character: self.text[..at].chars().count() + 1, detail: detail.into() }
    }

    /// A fault of what comes next.
    fn wrong(&self, detail: impl Into<String>) -> FilterFault {
        self.fault(self.at, detail)
    }

    /// A fault of what follows a condition.
    fn unjoined(&self) -> FilterFault {
        match self.text[self.at..].chars().next() {
            Some('[' | ']') => self.wrong(BRACKETS),
            _ => self.wrong("the condition before ends here: write and or or between two conditions"),
        }
    }
}

/// Where the string ends that a text begins with: behind the first quote that is not escaped.
fn end_of_string(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some(at + 1),
            b'\\' => _ = bytes.next(),
            _ => {}
        }
    }
    None
}

//! The part of Okta's expression language that group rules are written in.
//!
//! ```text
//! or      = and (("or" | "||") and)*
//! and     = not (("and" | "&&") not)*
//! not     = "!" not | equal
//! equal   = value (("==" | "!=") value)?
//! value   = "(" or ")" | literal | "user." attribute | function "(" (or ("," or)*)? ")"
//! literal = a text in double or single quotes, true, false or null
//! ```
//!
//! The words are read without regard to case. Texts are compared with regard to it: what Okta does is not documented.

use serde_json::Value;

use crate::tenant::user::User;
use crate::tenant::{Tenant, schema};

/// How deep parentheses, negations and calls may be nested.
const MOST_DEPTH: usize = 30;

/// A function of the language: what it is called and how many arguments it takes at least and at most.
const FUNCTIONS: &[(&str, usize, usize)] = &[
    ("isMemberOfGroup", 1, 1),
    ("isMemberOfAnyGroup", 1, usize::MAX),
    ("isMemberOfGroupName", 1, 1),
    ("isMemberOfGroupNameStartsWith", 1, 1),
    ("isMemberOfGroupNameContains", 1, 1),
    ("String.startsWith", 2, 2),
    ("String.stringContains", 2, 2),
    ("String.toLowerCase", 1, 1),
    ("String.toUpperCase", 1, 1),
    ("String.substringAfter", 2, 2),
    ("String.substringBefore", 2, 2),
    ("Arrays.contains", 2, 2),
];

/// An expression: its text, and what it means.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    text: String,
    root: Node,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Literal(Value),
    Attribute(String),
    Call(&'static str, Vec<Node>),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Equal(Box<Node>, Box<Node>),
}

impl Expression {
    /// Reads an expression; the error is what is wrong with it.
    pub fn parse(text: &str) -> Result<Expression, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
        let root = parser.or()?;
        match parser.peek() {
            None if root.is_condition() => Ok(Expression { text: text.to_owned(), root }),
            None => Err("The expression must evaluate to a boolean.".into()),
            Some(token) => Err(format!("Unexpected {token:?}.")),
        }
    }

    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds for a user.
    pub fn holds(&self, tenant: &Tenant, user: &User) -> bool {
        self.root.value(tenant, user) == Value::Bool(true)
    }
}

impl Node {
    /// Whether it can be true or false.
    fn is_condition(&self) -> bool {
        match self {
            Node::Literal(value) => value.is_boolean(),
            Node::Attribute(name) => schema::attribute(name).is_some_and(schema::Attribute::is_boolean),
            Node::Call(name, _) => !TEXT_FUNCTIONS.contains(name),
            Node::Not(_) | Node::And(_) | Node::Or(_) | Node::Equal(..) => true,
        }
    }

    fn value(&self, tenant: &Tenant, user: &User) -> Value {
        let holds = |node: &Node| node.value(tenant, user) == Value::Bool(true);
        match self {
            Node::Literal(value) => value.clone(),
            Node::Attribute(name) => user.profile.get(name.as_str()).cloned().unwrap_or_default(),
            Node::Call(name, arguments) => {
                let arguments: Vec<Value> = arguments.iter().map(|node| node.value(tenant, user)).collect();
                call(tenant, user, name, &arguments)
            }
            Node::Not(node) => Value::Bool(!holds(node)),
            Node::And(nodes) => Value::Bool(nodes.iter().all(holds)),
            Node::Or(nodes) => Value::Bool(nodes.iter().any(holds)),
            Node::Equal(left, right) => Value::Bool(left.value(tenant, user) == right.value(tenant, user)),
        }
    }
}

/// The functions that give a text.
const TEXT_FUNCTIONS: &[&str] =
    &["String.toLowerCase", "String.toUpperCase", "String.substringAfter", "String.substringBefore"];

fn call(tenant: &Tenant, user: &User, name: &str, arguments: &[Value]) -> Value {
    let text = |place: usize| arguments.get(place).and_then(Value::as_str).unwrap_or_default();
    let named = |fits: &dyn Fn(&str) -> bool| {
        let mut groups = tenant.groups.values().filter(|group| fits(&group.name));
        groups.any(|group| tenant.is_member(user, group.id))
    };
    let member = |id: &Value| {
        let group = id.as_str().and_then(crate::random::Id::parse);
        group.is_some_and(|group| tenant.is_member(user, group))
    };
    match name {
        "isMemberOfGroup" | "isMemberOfAnyGroup" => arguments.iter().any(member).into(),
        "isMemberOfGroupName" => named(&|group| group == text(0)).into(),
        "isMemberOfGroupNameStartsWith" => named(&|group| group.starts_with(text(0))).into(),
        "isMemberOfGroupNameContains" => named(&|group| group.contains(text(0))).into(),
        "String.startsWith" => text(0).starts_with(text(1)).into(),
        "String.stringContains" => text(0).contains(text(1)).into(),
        "String.toLowerCase" => text(0).to_lowercase().into(),
        "String.toUpperCase" => text(0).to_uppercase().into(),
        "String.substringAfter" => text(0).split_once(text(1)).map_or("", |parts| parts.1).into(),
        "String.substringBefore" => text(0).split_once(text(1)).map_or("", |parts| parts.0).into(),
        _ => arguments.first().and_then(Value::as_array).is_some_and(|list| list.contains(&arguments[1])).into(),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Text(String),
    Word(String),
    Sign(&'static str),
}

const SIGNS: &[&str] = &["==", "!=", "&&", "||", "!", "(", ")", ","];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = if matches!(first, '"' | '\'') {
            quoted(rest, first)?
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Token::Sign(sign), sign.len())
        } else {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
            let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            if length == 0 {
                return Err(format!("Unexpected '{first}'."));
            }
            (Token::Word(rest[..length].to_owned()), length)
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// A text in quotes, and how long it is with them; a backslash takes the next character as it is.
fn quoted(text: &str, quote: char) -> Result<(Token, usize), String> {
    let mut read = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        if c == quote {
            return Ok((Token::Text(read), at + 1));
        }
        let taken = if c == '\\' { characters.next().map(|(_, c)| c) } else { Some(c) };
        read.extend(taken);
    }
    Err("A text is not closed.".into())
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    /// Takes the next token if it is this sign, or this word in any case.
    fn take(&mut self, wanted: &str) -> bool {
        let is_next = match self.peek() {
            Some(Token::Sign(sign)) => *sign == wanted,
            Some(Token::Word(word)) => word.eq_ignore_ascii_case(wanted),
            _ => false,
        };
        self.at += usize::from(is_next);
        is_next
    }

    fn or(&mut self) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err("The expression is nested too deeply.".into());
        }
        let mut nodes = vec![self.and()?];
        while self.take("or") || self.take("||") {
            nodes.push(self.and()?);
        }
        self.depth -= 1;
        Ok(if nodes.len() == 1 { nodes.swap_remove(0) } else { Node::Or(nodes) })
    }

    fn and(&mut self) -> Result<Node, String> {
        let mut nodes = vec![self.not()?];
        while self.take("and") || self.take("&&") {
            nodes.push(self.not()?);
        }
        Ok(if nodes.len() == 1 { nodes.swap_remove(0) } else { Node::And(nodes) })
    }

    fn not(&mut self) -> Result<Node, String> {
        let mut negations = 0;
        while self.take("!") {
            negations += 1;
        }
        let node = self.equal()?;
        Ok(match negations {
            0 => node,
            odd if odd % 2 == 1 => Node::Not(Box::new(node)),
            _ => Node::Not(Box::new(Node::Not(Box::new(node)))),
        })
    }

    fn equal(&mut self) -> Result<Node, String> {
        let left = self.value()?;
        let is_equal = self.take("==");
        if !is_equal && !self.take("!=") {
            return Ok(left);
        }
        let equal = Node::Equal(Box::new(left), Box::new(self.value()?));
        Ok(if is_equal { equal } else { Node::Not(Box::new(equal)) })
    }

    fn value(&mut self) -> Result<Node, String> {
        if self.take("(") {
            let node = self.or()?;
            return if self.take(")") { Ok(node) } else { Err("A parenthesis is not closed.".into()) };
        }
        let token = self.peek().cloned().ok_or("The expression ends too soon.")?;
        self.at += 1;
        match token {
            Token::Text(text) => Ok(Node::Literal(text.into())),
            Token::Word(word) if self.take("(") => self.call(&word),
            Token::Word(word) => named(&word),
            Token::Sign(sign) => Err(format!("Unexpected '{sign}'.")),
        }
    }

    /// The arguments of a function, after its opening parenthesis.
    fn call(&mut self, word: &str) -> Result<Node, String> {
        let known = FUNCTIONS.iter().find(|function| function.0 == word);
        let (name, least, most) = known.ok_or_else(|| format!("The function {word} is not supported."))?;
        let mut arguments = Vec::new();
        while !self.take(")") {
            if !arguments.is_empty() && !self.take(",") {
                return Err(format!("The arguments of {word} are not closed."));
            }
            arguments.push(self.or()?);
        }
        if (*least..=*most).contains(&arguments.len()) {
            Ok(Node::Call(name, arguments))
        } else {
            Err(format!("Wrong number of arguments for {word}."))
        }
    }
}

/// What a word means that is no function.
fn named(word: &str) -> Result<Node, String> {
    match word.to_ascii_lowercase().as_str() {
        "true" => return Ok(Node::Literal(true.into())),
        "false" => return Ok(Node::Literal(false.into())),
        "null" => return Ok(Node::Literal(Value::Null)),
        _ => {}
    }
    let attribute = word.strip_prefix("user.").filter(|name| schema::attribute(name).is_some());
    let attribute = attribute.ok_or_else(|| format!("The attribute {word} is not available."))?;
    Ok(Node::Attribute(attribute.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn expressions_hold_for_whom_they_say() {
        let mut tenant = Tenant::found(&Config { users: 20, ..Config::default() }, 1, "http://127.0.0.1:1".into());
        let group = tenant.users.values().find_map(|user| user.groups.first().copied()).expect("a member");
        let id = tenant.groups.get(&group).and_then(|group| group.members.first().copied()).expect("a member");
        let name = tenant.groups[&group].name.clone();
        let user = tenant.users.get_mut(&id).expect("a user");
        user.profile.insert("department", "R&D \"Labs\"".into());
        user.profile.insert("skills", serde_json::json!(["rust", "sql"]));
        user.profile.insert("remote", true.into());
        user.profile.remove("manager");
        let user = &tenant.users[&id];
        for (text, holds) in [
            (r#"user.department=="R&D \"Labs\"""#.to_owned(), true),
            (r#"user.department == 'R&D "Labs"'"#.to_owned(), true),
            (r#"user.department != "Sales" AND !(user.remote == false)"#.to_owned(), true),
            (r#"user.department == "Sales" or user.remote"#.to_owned(), true),
            (r#"user.department == "Sales" || !user.remote && true"#.to_owned(), false),
            ("user.manager == null".to_owned(), true),
            (format!("isMemberOfGroup(\"{group}\")"), true),
            (format!("isMemberOfAnyGroup('00g00000000000000000', \"{group}\")"), true),
            (format!("!isMemberOfAnyGroup(\"{group}\")"), false),
            (format!("isMemberOfGroupName(\"{name}\")"), true),
            (r#"String.startsWith(String.toLowerCase(user.department), "r&d")"#.to_owned(), true),
            (r#"String.substringAfter(user.login, "@") == "acme.example""#.to_owned(), true),
            (r#"Arrays.contains(user.skills, "rust")"#.to_owned(), true),
            (r#"Arrays.contains(user.skills, "cobol")"#.to_owned(), false),
        ] {
            let expression = Expression::parse(&text).expect(&text);
            assert_eq!((expression.holds(&tenant, user), expression.text()), (holds, text.as_str()), "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused_with_a_reason() {
        for text in [
            "",
            "user.department",
            "user.department = \"Sales\"",
            "user.department == ",
            "user.shoeSize == \"46\"",
            "department == \"Sales\"",
            "(user.department == \"Sales\"",
            "user.department == \"Sales",
            "isMemberOfGroup()",
            "isMemberOfGroup(\"a\", \"b\")",
            "Time.now() == \"x\"",
            "String.toLowerCase(user.login)",
            "true true",
            "user.department == \"a\" && && true",
        ] {
            assert!(Expression::parse(text).is_err_and(|reason| !reason.is_empty()), "{text}");
        }
        let deep = format!("{}true{}", "(".repeat(10_000), ")".repeat(10_000));
        assert_eq!(Expression::parse(&deep), Err("The expression is nested too deeply.".into()));
        assert!(Expression::parse(&format!("{}true", "!".repeat(10_001))).is_ok());
    }
}

//! The parser: recursive descent over characters, no backtracking.

use serde_json::Value;

use super::{Expression, Operator};

/// Parentheses deeper than this are refused rather than risked.
const DEPTH: usize = 32;

/// Parses a whole expression; none if any of it does not fit the grammar.
pub fn parse(text: &str) -> Option<Expression> {
    let mut parser = Parser { rest: text, depth: 0 };
    let expression = parser.any()?;
    parser.skip();
    parser.rest.is_empty().then_some(expression)
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes a character if it is next.
    fn symbol(&mut self, symbol: char) -> bool {
        self.skip();
        let rest = self.rest.strip_prefix(symbol);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// The next word without taking it: everything up to a space, a parenthesis or a quote.
    fn word(&mut self) -> &str {
        self.skip();
        let end =
            self.rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"')).unwrap_or(self.rest.len());
        &self.rest[..end]
    }

    /// Takes a keyword if it is next.
    fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.word().eq_ignore_ascii_case(keyword);
        if found {
            self.rest = &self.rest[keyword.len()..];
        }
        found
    }

    fn any(&mut self) -> Option<Expression> {
        let mut parts = vec![self.all()?];
        while self.keyword("or") {
            parts.push(self.all()?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Expression::Or(parts) })
    }

    fn all(&mut self) -> Option<Expression> {
        let mut parts = vec![self.negated()?];
        while self.keyword("and") {
            parts.push(self.negated()?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Expression::And(parts) })
    }

    fn negated(&mut self) -> Option<Expression> {
        if self.keyword("not") {
            self.skip();
            if !self.rest.starts_with('(') {
                return None;
            }
            return Some(Expression::Not(Box::new(self.primary()?)));
        }
        self.primary()
    }

    fn primary(&mut self) -> Option<Expression> {
        if !self.symbol('(') {
            return self.comparison();
        }
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        let inner = self.any()?;
        self.depth -= 1;
        self.symbol(')').then_some(inner)
    }

    fn comparison(&mut self) -> Option<Expression> {
        let attribute = self.word().to_owned();
        let named = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '$');
        if attribute.is_empty() || !attribute.chars().all(named) {
            return None;
        }
        self.rest = &self.rest[attribute.len()..];
        let operator = self.operator()?;
        let literal = if operator == Operator::Pr { Value::Null } else { self.literal()? };
        Some(Expression::Compare { attribute, operator, literal })
    }

    fn operator(&mut self) -> Option<Operator> {
        const OPERATORS: [(&str, Operator); 10] = [
            ("eq", Operator::Eq),
            ("ne", Operator::Ne),
            ("sw", Operator::Sw),
            ("ew", Operator::Ew),
            ("co", Operator::Co),
            ("pr", Operator::Pr),
            ("gt", Operator::Gt),
            ("ge", Operator::Ge),
            ("lt", Operator::Lt),
            ("le", Operator::Le),
        ];
        OPERATORS.iter().find(|(name, _)| self.keyword(name)).map(|(_, operator)| *operator)
    }

    /// A JSON string, number or boolean.
    fn literal(&mut self) -> Option<Value> {
        self.skip();
        if self.rest.starts_with('"') {
            let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
            let value = values.next()?.ok()?;
            self.rest = &self.rest[values.byte_offset()..];
            return Some(value);
        }
        let word = self.word();
        let length = word.len();
        let value: Value = serde_json::from_str(word).ok()?;
        self.rest = &self.rest[length..];
        (value.is_number() || value.is_boolean()).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_does_not_fit_the_grammar_is_no_expression() {
        let cases = [
            "",
            "status",
            "status eq",
            "status eq ACTIVE",
            r#"status is "ACTIVE""#,
            r#"status eq "ACTIVE" and"#,
            r#"(status eq "ACTIVE""#,
            r#"status eq "ACTIVE")"#,
            r#"status eq "ACTIVE" status eq "STAGED""#,
            r#"status eq "unfinished"#,
            r#"status eq "a"b""#,
            r#""status" eq "ACTIVE""#,
            "emails[type eq 1]",
            "status eq null",
            "not status pr",
        ];
        for text in cases {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&format!("{}a pr{}", "(".repeat(40), ")".repeat(40))), None);
    }

    #[test]
    fn and_binds_closer_than_or_and_keywords_may_be_upper_case() {
        let Some(Expression::Or(parts)) = parse("a pr OR b pr AND c pr") else { panic!("an or") };
        assert!(matches!(parts[1], Expression::And(_)));
        assert!(matches!(parse("not(a pr)"), Some(Expression::Not(_))));
    }

    proptest! {
        #[test]
        fn any_text_survives_being_a_literal(text in any::<String>()) {
            let expression = format!("profile.city eq {}", Value::from(text.clone()));
            let parsed = parse(&expression).expect("a quoted literal parses");
            let wanted = Expression::Compare {
                attribute: "profile.city".into(), operator: Operator::Eq, literal: Value::from(text),
            };
            prop_assert_eq!(parsed, wanted);
        }

        #[test]
        fn no_input_panics(text in any::<String>(), inner in "[a-z\" ().\\\\]{0,40}") {
            let _ = (parse(&text), parse(&inner));
        }
    }
}

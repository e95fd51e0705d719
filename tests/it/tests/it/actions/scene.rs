//! Names for what a row is about: a row says `{user}`, and the tenant gives it an id.

use serde_json::Value;

/// What the names of a row stand for.
#[derive(Clone, Debug, Default)]
pub struct Scene(Vec<(String, String)>);

impl Scene {
    /// Gives something a name.
    pub fn name(&mut self, name: &str, text: &str) {
        self.0.push((format!("{{{name}}}"), text.to_owned()));
    }

    /// What a name stands for.
    pub fn get(&self, name: &str) -> Option<&str> {
        let name = format!("{{{name}}}");
        self.0.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_str())
    }

    /// A text with what its names stand for.
    pub fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, is)| text.replace(name, is))
    }

    /// JSON with what its names stand for.
    #[track_caller]
    pub fn json(&self, text: &str) -> Value {
        serde_json::from_str(&self.fill(text)).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// A text with names for what they stand for.
    pub fn tell(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, is)| text.replace(is, name))
    }
}

/// Asserts that a value has everything that is expected: of an object these members, of an array these items and no
/// others, and for `"…"` some text.
#[track_caller]
pub fn holds(value: &Value, expected: &Value, about: &str) {
    match (value, expected) {
        (Value::Object(_), Value::Object(members)) => {
            for (name, expected) in members {
                holds(&value[name], expected, &format!("{about}/{name}"));
            }
        }
        (Value::Array(items), Value::Array(expected)) => {
            assert_eq!(items.len(), expected.len(), "{about}: {value:#}");
            for (at, (item, expected)) in items.iter().zip(expected).enumerate() {
                holds(item, expected, &format!("{about}/{at}"));
            }
        }
        (Value::String(text), Value::String(any)) if any == "…" => assert!(!text.is_empty(), "{about}"),
        _ => assert_eq!(value, expected, "{about}"),
    }
}

/// An object with one more member.
pub trait With {
    /// The object and this.
    fn with(&self, name: &str, value: impl Into<Value>) -> Value;
}

impl With for Value {
    fn with(&self, name: &str, value: impl Into<Value>) -> Value {
        let mut with = self.clone();
        with[name] = value.into();
        with
    }
}

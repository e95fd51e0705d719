//! The profile schema: Okta's default attributes and the organization's own, and the checks they impose.

use serde_json::{Map, Value, json};

use super::{Org, UserType};

/// The type of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text with a least and a greatest length in characters.
    Text(usize, usize),
    /// Text with an `@` in it.
    Email,
    /// One of a few texts.
    Choice(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// True or false.
    Boolean,
}

/// An attribute of the profile.
#[derive(Debug)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// Its title in the Admin Console.
    title: &'static str,
    kind: Kind,
    required: bool,
    custom: bool,
}

const fn base(name: &'static str, title: &'static str, kind: Kind) -> Attribute {
    Attribute { name, title, kind, required: false, custom: false }
}

const fn required(name: &'static str, title: &'static str, kind: Kind) -> Attribute {
    Attribute { name, title, kind, required: true, custom: false }
}

const fn custom(name: &'static str, title: &'static str, kind: Kind) -> Attribute {
    Attribute { name, title, kind, required: false, custom: true }
}

const TEXT: Kind = Kind::Text(0, 10_000);

/// Every attribute.
pub const ATTRIBUTES: &[Attribute] = &[
    required("login", "Username", Kind::Text(5, 100)),
    required("email", "Primary email", Kind::Email),
    base("secondEmail", "Secondary email", Kind::Email),
    required("firstName", "First name", Kind::Text(1, 50)),
    required("lastName", "Last name", Kind::Text(1, 50)),
    base("middleName", "Middle name", TEXT),
    base("honorificPrefix", "Honorific prefix", TEXT),
    base("honorificSuffix", "Honorific suffix", TEXT),
    base("title", "Title", TEXT),
    base("displayName", "Display name", TEXT),
    base("nickName", "Nickname", TEXT),
    base("profileUrl", "Profile Url", TEXT),
    base("primaryPhone", "Primary phone", Kind::Text(0, 100)),
    base("mobilePhone", "Mobile phone", Kind::Text(0, 100)),
    base("streetAddress", "Street address", Kind::Text(0, 1024)),
    base("city", "City", Kind::Text(0, 128)),
    base("state", "State", Kind::Text(0, 128)),
    base("zipCode", "Zip code", Kind::Text(0, 50)),
    base("countryCode", "Country code", Kind::Text(0, 2)),
    base("postalAddress", "Postal address", Kind::Text(0, 4096)),
    base("preferredLanguage", "Preferred language", TEXT),
    base("locale", "Locale", TEXT),
    base("timezone", "Time zone", TEXT),
    base("userType", "User type", TEXT),
    base("employeeNumber", "Employee number", TEXT),
    base("costCenter", "Cost center", TEXT),
    base("organization", "Organization", TEXT),
    base("division", "Division", TEXT),
    base("department", "Department", TEXT),
    base("managerId", "ManagerId", TEXT),
    base("manager", "Manager", TEXT),
    custom("badgeColor", "Badge color", Kind::Choice(&["red", "green", "blue"])),
    custom("startDate", "Start date", Kind::Text(0, 10)),
    custom("tShirtSize", "T-shirt size", Kind::Choice(&["S", "M", "L", "XL"])),
    custom("officeLocation", "Office location", TEXT),
    custom("skills", "Skills", Kind::Texts),
    custom("remote", "Works remotely", Kind::Boolean),
];

/// The attribute of a name.
pub fn attribute(name: &str) -> Option<&'static Attribute> {
    ATTRIBUTES.iter().find(|attribute| attribute.name == name)
}

/// The names of the attributes every user must have.
pub fn required_names() -> impl Iterator<Item = &'static str> {
    ATTRIBUTES.iter().filter(|attribute| attribute.required).map(|attribute| attribute.name)
}

impl Attribute {
    /// Why a value does not fit, if it does not; null is no value.
    pub fn fault(&self, value: &Value) -> Option<String> {
        let name = self.name;
        let length = |text: &str| text.chars().count();
        match (self.kind, value) {
            (_, Value::Null) => None,
            (Kind::Text(min, _), Value::String(text)) if length(text) < min => {
                Some(format!("{name}: The field cannot be less than {min} characters"))
            }
            (Kind::Text(_, max), Value::String(text)) if length(text) > max => {
                Some(format!("{name}: The field cannot exceed {max} characters"))
            }
            (Kind::Email, Value::String(text)) if !is_email(text) => {
                Some(format!("{name}: Does not match required pattern"))
            }
            (Kind::Choice(choices), Value::String(text)) if !choices.contains(&text.as_str()) => {
                Some(format!("{name}: Value is not one of the enumerated values"))
            }
            (Kind::Text(..) | Kind::Email | Kind::Choice(_), Value::String(_)) | (Kind::Boolean, Value::Bool(_)) => {
                None
            }
            (Kind::Texts, Value::Array(items)) if items.iter().all(Value::is_string) => None,
            _ => Some(format!("{name}: Incorrect type. Expected {}", self.type_name())),
        }
    }

    /// Whether its values are true and false.
    pub fn is_boolean(&self) -> bool {
        self.kind == Kind::Boolean
    }

    const fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Texts => "array",
            Kind::Boolean => "boolean",
            Kind::Text(..) | Kind::Email | Kind::Choice(_) => "string",
        }
    }

    fn json(&self) -> Value {
        let mut shown = json!({
            "title": self.title,
            "type": self.type_name(),
            "mutability": "READ_WRITE",
            "scope": "NONE",
            "permissions": [{ "principal": "SELF", "action": if self.custom { "READ_ONLY" } else { "READ_WRITE" } }],
            "master": { "type": "PROFILE_MASTER" },
        });
        if self.required {
            shown["required"] = json!(true);
        }
        match self.kind {
            Kind::Text(min, max) if max < 10_000 => {
                shown["minLength"] = json!(min);
                shown["maxLength"] = json!(max);
            }
            Kind::Email => shown["format"] = json!("email"),
            Kind::Choice(choices) => {
                shown["enum"] = json!(choices);
                shown["oneOf"] = choices.iter().map(|choice| json!({ "const": choice, "title": choice })).collect();
            }
            Kind::Texts => shown["items"] = json!({ "type": "string" }),
            Kind::Text(..) | Kind::Boolean => {}
        }
        shown
    }
}

/// Whether a text has the least an email needs.
fn is_email(text: &str) -> bool {
    let plain = !text.contains(char::is_whitespace) && (5..=100).contains(&text.chars().count());
    plain && text.split_once('@').is_some_and(|(local, host)| !local.is_empty() && host.contains('.'))
}

/// The schema of a user type as Okta shows it.
pub fn json(org: &Org, kind: &UserType, base: &str) -> Value {
    let properties = |custom: bool| -> Map<String, Value> {
        let chosen = ATTRIBUTES.iter().filter(|attribute| attribute.custom == custom);
        chosen.map(|attribute| (attribute.name.to_owned(), attribute.json())).collect()
    };
    let own = format!("{base}/api/v1/meta/schemas/user/{}", kind.schema);
    json!({
        "id": own,
        "$schema": "http://json-schema.org/draft-04/schema#",
        "name": kind.name,
        "title": kind.title,
        "description": "Okta user profile template with default permission settings",
        "lastUpdated": org.created,
        "created": org.created,
        "definitions": {
            "base": { "id": "#base", "type": "object", "properties": properties(false),
                      "required": required_names().collect::<Vec<_>>() },
            "custom": { "id": "#custom", "type": "object", "properties": properties(true), "required": [] },
        },
        "type": "object",
        "properties": { "profile": { "allOf": [{ "$ref": "#/definitions/custom" }, { "$ref": "#/definitions/base" }] } },
        "_links": {
            "self": { "rel": "self", "href": own, "method": "GET" },
            "type": { "rel": "type", "href": format!("{base}/api/v1/meta/types/user/{}", kind.id), "method": "GET" },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_must_fit_their_attribute() {
        let cases = [
            ("firstName", json!("Łucja"), true),
            ("firstName", json!(""), false),
            ("firstName", json!("x".repeat(51)), false),
            ("firstName", json!(null), true),
            ("countryCode", json!("USA"), false),
            ("email", json!("a@b.co"), true),
            ("email", json!("nobody"), false),
            ("city", json!(7), false),
            ("skills", json!(["sql"]), true),
            ("skills", json!("sql"), false),
            ("remote", json!(true), true),
            ("badgeColor", json!("pink"), false),
        ];
        for (name, value, fits) in cases {
            let attribute = attribute(name).expect("a known attribute");
            assert_eq!(attribute.fault(&value).is_none(), fits, "{name} {value}");
        }
        assert!(attribute("notValid").is_none());
    }
}

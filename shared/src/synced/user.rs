//! A user of the directory, and what makes it a changed one.

use crate::connection::Attributes;
use crate::id::ConnectionId;
use crate::okta::{self, Provider, UserId};
use crate::store::keys::{self, Listed};
use crate::store::{Error, Index, Item, Key};
use crate::synced::fingerprint;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A user as it is stored and told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Okta's id.
    pub id: UserId,
    /// One of Okta's statuses.
    pub status: String,
    /// Its user type.
    #[serde(rename = "type")]
    pub user_type: Option<TypeName>,
    /// Okta's profile, verbatim.
    pub profile: BTreeMap<String, Value>,
    /// When it was made.
    pub created: Option<String>,
    /// When it was last activated.
    pub activated: Option<String>,
    /// When its status last moved.
    pub status_changed: Option<String>,
    /// When it last signed in, as of the last stored change.
    pub last_login: Option<String>,
    /// When Okta last changed it, as of the last stored change.
    pub last_updated: Option<String>,
    /// When its password last changed, as of the last stored change.
    pub password_changed: Option<String>,
    /// When the tenant was seen without it.
    pub removed_at: Option<Timestamp>,
    /// When it was last stored.
    pub synced_at: Timestamp,
    /// The realm that it is in, where the organization has realms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm_id: Option<String>,
    /// Who checks how it signs in, and masters it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
}

/// A user type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TypeName {
    /// `oty…`
    pub id: String,
    /// Its name, where it is known.
    pub name: Option<String>,
}

/// What makes a user a changed one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    status: &'a str,
    #[serde(rename = "type")]
    user_type: Option<&'a str>,
    created: Option<&'a str>,
    activated: Option<&'a str>,
    status_changed: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    realm_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a Provider>,
    profile: &'a BTreeMap<String, Value>,
}

/// A removed object is kept for this long.
pub const REMOVED_DAYS: i64 = 30;

impl User {
    /// Of what Okta told just now.
    pub fn new(user: okta::User, now: Timestamp) -> Self {
        Self {
            id: user.id,
            status: user.status,
            user_type: user.user_type.map(|it| TypeName { id: it.id, name: None }),
            profile: user.profile,
            created: user.created,
            activated: user.activated,
            status_changed: user.status_changed,
            last_login: user.last_login,
            last_updated: user.last_updated,
            password_changed: user.password_changed,
            removed_at: None,
            synced_at: now,
            realm_id: user.realm_id,
            provider: user.credentials.provider,
        }
    }

    /// A hash of all that makes a user a changed one. Signing in, a new password and Okta's own stamps do not: otherwise
    /// an idle tenant would be written anew every day.
    pub fn hash(&self) -> String {
        let Content { status, user_type, created, activated, status_changed, realm_id, provider, profile } =
            self.content();
        let kind = provider.map(|provider| provider.kind.as_str());
        let name = provider.and_then(|provider| provider.name.as_deref());
        let mut bytes = Vec::with_capacity(1_024);
        let texts = [Some(self.id.as_str()), Some(status), user_type, created, activated, status_changed];
        for text in texts.into_iter().chain([realm_id, kind, name]) {
            match text {
                Some(text) => put_text(text, &mut bytes),
                None => bytes.push(b'-'),
            }
        }
        put_object(profile.len(), profile, &mut bytes);
        fingerprint(&bytes)
    }

    /// What makes it a changed one, under Okta's names.
    pub fn told(&self) -> Value {
        serde_json::to_value(self.content()).unwrap_or_default()
    }

    fn content(&self) -> Content<'_> {
        Content {
            status: &self.status,
            user_type: self.user_type.as_ref().map(|it| it.id.as_str()),
            created: self.created.as_deref(),
            activated: self.activated.as_deref(),
            status_changed: self.status_changed.as_deref(),
            realm_id: self.realm_id.as_deref(),
            provider: self.provider.as_ref(),
            profile: &self.profile,
        }
    }

    /// As it is written.
    pub fn item(&self, connection: &ConnectionId) -> Result<Item, Error> {
        let listed = if self.removed_at.is_some() { Listed::Removed } else { Listed::Present };
        let item = Item::at(&Self::key(connection, &self.id))
            .indexed(Index::G1, keys::user_index(connection, &self.id, listed))
            .text("hash", self.hash())
            .text("stored", self.synced_at.to_string())
            .document(self)?;
        Ok(match self.removed_at {
            Some(at) => item.expires(crate::clock::after(at, REMOVED_DAYS * 86_400)),
            None => item,
        })
    }

    /// Where it lies.
    pub fn key(connection: &ConnectionId, id: &UserId) -> Key {
        keys::user(connection, id)
    }

    /// A text or a number of its profile, as text: a schema may make any attribute a number. None where it is missing,
    /// null, empty or neither.
    pub fn text(&self, attribute: &str) -> Option<Cow<'_, str>> {
        match self.profile.get(attribute)? {
            Value::Number(number) => Some(number.to_string().into()),
            Value::String(text) if !text.is_empty() => Some(text.into()),
            _ => None,
        }
    }

    /// Display name, else first and last, else login.
    pub fn name(&self) -> String {
        if let Some(name) = self.text("displayName") {
            return name.into_owned();
        }
        let parts = [self.text("firstName"), self.text("lastName")];
        let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        if name.is_empty() { self.text("login").map_or_else(|| self.id.to_string(), Cow::into_owned) } else { name }
    }

    /// What names its manager.
    pub fn manager(&self, attributes: &Attributes) -> Option<Cow<'_, str>> {
        self.text(attributes.manager.as_deref()?)
    }
}

// What is hashed has the length of each text and the size of each list before it, so that no two values look alike. JSON
// would do as well, and takes longer: this is done for every user of every full sync.

fn put_text(text: &str, bytes: &mut Vec<u8>) {
    bytes.push(b's');
    bytes.extend_from_slice(&text.len().to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn put_object<'a>(size: usize, members: impl IntoIterator<Item = (&'a String, &'a Value)>, bytes: &mut Vec<u8>) {
    bytes.push(b'{');
    bytes.extend_from_slice(&size.to_le_bytes());
    for (name, value) in members {
        put_text(name, bytes);
        put(value, bytes);
    }
}

fn put(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Null => bytes.push(b'-'),
        Value::Bool(value) => bytes.push(if *value { b't' } else { b'f' }),
        Value::Number(number) => {
            bytes.push(b'n');
            put_text(&number.to_string(), bytes);
        }
        Value::String(text) => put_text(text, bytes),
        Value::Array(items) => {
            bytes.push(b'[');
            bytes.extend_from_slice(&items.len().to_le_bytes());
            for item in items {
                put(item, bytes);
            }
        }
        Value::Object(members) => put_object(members.len(), members, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeSet;

    fn user(change: impl Fn(&mut Value)) -> User {
        let mut body = json!({
            "id": "00u1", "status": "ACTIVE", "created": "2025-01-01T00:00:00.000Z", "lastLogin": null,
            "type": {"id": "oty1"}, "profile": {"login": "ana@example.com", "firstName": "Ana", "city": "Oslo"},
        });
        change(&mut body);
        User::new(serde_json::from_value(body).expect("a user"), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn signing_in_changes_nothing_and_everything_else_does() {
        let before = user(|_| {}).hash();
        for field in ["lastLogin", "passwordChanged", "lastUpdated", "transitioningToStatus"] {
            assert_eq!(user(|body| body[field] = json!("2026-01-01T00:00:00.000Z")).hash(), before, "{field}");
        }
        for field in ["created", "activated", "statusChanged", "status"] {
            assert_ne!(user(|body| body[field] = json!("2026-01-01T00:00:00.000Z")).hash(), before, "{field}");
        }
        assert_ne!(user(|body| body["type"]["id"] = json!("oty2")).hash(), before);
        assert_ne!(user(|body| body["realmId"] = json!("guo1")).hash(), before);
        let mastered = json!({"provider": {"type": "ACTIVE_DIRECTORY", "name": "corp.example"}});
        assert_ne!(user(|body| body["credentials"] = mastered.clone()).hash(), before);
        for odd in [json!(7), json!({"provider": "OKTA"}), json!([])] {
            assert_eq!(user(|body| body["credentials"] = odd.clone()).hash(), before, "{odd}");
        }
        assert_ne!(user(|body| body["profile"]["city"] = json!("Bergen")).hash(), before);
        assert_ne!(user(|body| body["profile"]["city"] = Value::Null).hash(), before);
    }

    #[test]
    fn no_two_profiles_are_taken_for_the_same() {
        let profiles = [
            json!({}),
            json!({"a": null}),
            json!({"a": ""}),
            json!({"a": "1"}),
            json!({"a": 1}),
            json!({"a": 1.5}),
            json!({"a": true}),
            json!({"a": false}),
            json!({"a": ["b", "c"]}),
            json!({"a": ["bc"]}),
            json!({"a": ["b"], "c": null}),
            json!({"a": [["b"], "c"]}),
            json!({"a": {"b": "c"}}),
            json!({"a": "b", "c": ""}),
        ];
        let hashes: BTreeSet<_> =
            profiles.iter().map(|profile| user(|body| body["profile"] = profile.clone()).hash()).collect();
        assert_eq!(hashes.len(), profiles.len());
    }

    #[test]
    fn the_order_of_a_profile_changes_nothing() {
        let other = user(|body| {
            body["profile"] = json!({"city": "Oslo", "firstName": "Ana", "login": "ana@example.com"});
        });
        assert_eq!(other.hash(), user(|_| {}).hash());
    }

    #[test]
    fn a_name_is_display_name_else_first_and_last_else_login() {
        assert_eq!(user(|_| {}).name(), "Ana");
        assert_eq!(user(|body| body["profile"]["displayName"] = json!("Ana B.")).name(), "Ana B.");
        assert_eq!(
            user(|body| body["profile"] = json!({"login": "x@example.com", "lastName": ""})).name(),
            "x@example.com"
        );
        assert_eq!(user(|body| body["profile"] = json!({})).name(), "00u1");
    }
}

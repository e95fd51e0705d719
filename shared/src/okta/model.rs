//! Okta's objects as far as they are understood here, read leniently: an unknown field is kept out, a missing or null
//! one is none, and an object that cannot be read at all spoils itself and not its page.

mod access;
mod app;
mod user_type;

pub use access::{
    AppTarget, Assignee, GroupRule, GroupTarget, OAuthApp, Owner, Permission, Resource, ResourceSet, Role,
};
pub use app::{App, AppGroup};
pub use user_type::{Attribute, UserSchema, UserType};

use super::error::Error;
use super::id::{GroupId, UserId};
use super::null;
use super::origin::Origin;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use url::Url;

/// One page of a listing.
pub struct Page<T> {
    /// The objects that could be read.
    pub items: Vec<T>,
    /// What could not be read: the id, where there is one, and why.
    pub bad: Vec<BadRecord>,
    /// The next page; only its absence ends a listing.
    pub next: Option<Url>,
    /// The server's time when it answered.
    pub served: Timestamp,
}

/// An object of a listing that cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRecord {
    /// `user`, `group` or `app`; empty where that goes without saying.
    #[serde(default)]
    pub kind: String,
    /// Its id, if that much can be read.
    pub id: Option<String>,
    /// Its name, login or label, if that much can be read.
    #[serde(default)]
    pub name: Option<String>,
    /// What is wrong with it.
    pub detail: String,
}

/// What may be readable of an object that is not.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Identified {
    id: Value,
    label: Value,
    profile: Value,
}

impl BadRecord {
    fn of(record: &RawValue, error: &serde_json::Error) -> Self {
        let known: Identified = serde_json::from_str(record.get()).unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let named = ["login", "name"].iter().find_map(|name| text(&known.profile[*name]));
        Self { kind: String::new(), id: text(&known.id), name: text(&known.label).or(named), detail: error.to_string() }
    }
}

impl<T: DeserializeOwned> Page<T> {
    /// Reads a JSON array, object by object where one cannot be read.
    pub(super) fn parse(body: &[u8], next: Option<Url>, served: Timestamp) -> Result<Self, Error> {
        if let Ok(items) = serde_json::from_slice(body) {
            return Ok(Self { items, bad: Vec::new(), next, served });
        }
        let records: Vec<&RawValue> =
            serde_json::from_slice(body).map_err(|_| Error::Unreadable("not a list".to_owned()))?;
        let (mut items, mut bad) = (Vec::with_capacity(records.len()), Vec::new());
        for record in records {
            match serde_json::from_str(record.get()) {
                Ok(item) => items.push(item),
                Err(error) => bad.push(BadRecord::of(record, &error)),
            }
        }
        Ok(Self { items, bad, next, served })
    }

    /// Reads a list that is a member of an object, with the link to its next page in the body.
    pub(super) fn enclosed(body: &[u8], name: &str, origin: &Origin, served: Timestamp) -> Result<Self, Error> {
        let unreadable = || Error::Unreadable(format!("no list of {name}"));
        let mut object: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(body).map_err(|_| unreadable())?;
        let list = object.remove(name).ok_or_else(unreadable)?;
        let links: Option<Links> = object.get("_links").and_then(|links| serde_json::from_str(links.get()).ok());
        let next = links.and_then(|links| links.next).map(|link| Url::parse(&link.href)).transpose();
        let next = next.map_err(|_| Error::ForeignUrl)?;
        if next.as_ref().is_some_and(|next| !origin.owns(next)) {
            return Err(Error::ForeignUrl);
        }
        Self::parse(list.get().as_bytes(), next, served)
    }
}

/// The links of a list in its body.
#[derive(Deserialize)]
struct Links {
    #[serde(default)]
    next: Option<Href>,
}

/// A user. The profile is Okta's, verbatim.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// `00u…`
    pub id: UserId,
    /// One of Okta's eight; an unknown one is kept.
    pub status: String,
    /// When it was made.
    #[serde(default)]
    pub created: Option<String>,
    /// When it was last activated.
    #[serde(default)]
    pub activated: Option<String>,
    /// When its status last moved.
    #[serde(default)]
    pub status_changed: Option<String>,
    /// When it last signed in.
    #[serde(default)]
    pub last_login: Option<String>,
    /// When Okta last changed it.
    #[serde(default)]
    pub last_updated: Option<String>,
    /// When its password last changed.
    #[serde(default)]
    pub password_changed: Option<String>,
    /// Its user type.
    #[serde(default, rename = "type")]
    pub user_type: Option<TypeRef>,
    /// Its attributes.
    #[serde(default, deserialize_with = "null::as_default")]
    pub profile: BTreeMap<String, Value>,
    /// The realm that it is in.
    #[serde(default, deserialize_with = "null::lenient", skip_serializing_if = "Option::is_none")]
    pub realm_id: Option<String>,
    /// Of how it signs in, who checks that.
    #[serde(default, deserialize_with = "null::lenient", skip_serializing)]
    pub credentials: Credentials,
}

/// How a user signs in, without secrets.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Credentials {
    /// Who checks that, and masters the user.
    #[serde(default)]
    pub provider: Option<Provider>,
}

/// Who checks how a user signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provider {
    /// `OKTA`, `ACTIVE_DIRECTORY`, `LDAP`, `FEDERATION`, `SOCIAL` or `IMPORT`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name, such as a directory's domain.
    #[serde(default)]
    pub name: Option<String>,
}

/// A reference to a user type.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TypeRef {
    /// `oty…`
    pub id: String,
}

/// A group.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// `00g…`
    pub id: GroupId,
    /// `OKTA_GROUP`, `APP_GROUP` or `BUILT_IN`.
    #[serde(rename = "type")]
    pub group_type: String,
    /// When it was made.
    #[serde(default)]
    pub created: Option<String>,
    /// When its profile last changed.
    #[serde(default)]
    pub last_updated: Option<String>,
    /// When its members last changed, to the second.
    #[serde(default)]
    pub last_membership_updated: Option<String>,
    /// Name and description.
    #[serde(default, deserialize_with = "null::as_default")]
    pub profile: GroupProfile,
    /// What `expand=stats` adds.
    #[serde(default, rename = "_embedded", skip_serializing)]
    pub embedded: Option<Embedded>,
}

/// A group's own attributes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GroupProfile {
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its description.
    #[serde(default)]
    pub description: Option<String>,
    /// The other attributes.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What Okta adds to a group when asked.
#[derive(Clone, Debug, Deserialize)]
pub struct Embedded {
    #[serde(default)]
    stats: Option<Stats>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    #[serde(default)]
    users_count: Option<u64>,
    #[serde(default, deserialize_with = "null::lenient")]
    has_admin_privilege: bool,
}

impl Group {
    /// One of the groups that Okta keeps by itself, `Everyone` and `Okta Administrators`: their members are implied, and
    /// may not be listable.
    pub fn is_built_in(&self) -> bool {
        self.group_type == "BUILT_IN"
    }

    /// How many members Okta says it has.
    pub fn users_count(&self) -> Option<u64> {
        self.embedded.as_ref()?.stats.as_ref()?.users_count
    }

    /// True where Okta says that it holds an admin role.
    pub fn holds_roles(&self) -> bool {
        self.embedded.as_ref().and_then(|it| it.stats.as_ref()).is_some_and(|stats| stats.has_admin_privilege)
    }
}

/// A member of a group or a user of an app, of whom little more than the id is of interest.
#[derive(Clone, Debug, Deserialize)]
pub struct Member {
    /// `00u…`
    pub id: UserId,
    /// Of an app's users: `USER` for an assignment of one's own, `GROUP` for one by a group.
    #[serde(default)]
    pub scope: Option<String>,
}

/// An event of the System Log, as far as a sync looks at it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEvent {
    /// As in `user.lifecycle.create`.
    pub event_type: String,
    /// When it happened.
    #[serde(default, deserialize_with = "null::lenient")]
    pub published: Option<String>,
    #[serde(default, rename = "target", deserialize_with = "null::each_readable")]
    targets: Vec<LogTarget>,
}

/// What an event is about.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LogTarget {
    /// Its id.
    #[serde(deserialize_with = "null::as_default")]
    pub id: String,
    /// `User`, `UserGroup`, `AppInstance`, …
    #[serde(rename = "type", deserialize_with = "null::as_default")]
    pub target_type: String,
}

impl LogEvent {
    /// When it happened, where it says so readably.
    pub fn time(&self) -> Option<Timestamp> {
        self.published.as_deref()?.parse().ok()
    }

    /// All that it is about.
    pub fn targets(&self) -> impl Iterator<Item = &LogTarget> {
        self.targets.iter()
    }
}

/// `/.well-known/okta-organization`, which anybody may read.
#[derive(Clone, Debug, Deserialize)]
pub struct Organization {
    /// `00o…`
    pub id: String,
    /// `idx` or `v1`.
    #[serde(default)]
    pub pipeline: Option<String>,
    #[serde(default, rename = "_links", deserialize_with = "null::as_default")]
    links: OrganizationLinks,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct OrganizationLinks {
    #[serde(default)]
    organization: Option<Href>,
}

#[derive(Clone, Debug, Deserialize)]
struct Href {
    #[serde(default, deserialize_with = "null::as_default")]
    href: String,
}

impl Organization {
    /// The URL of the organization's own host.
    pub fn href(&self) -> Option<&str> {
        self.links.organization.as_ref().map(|link| link.href.as_str())
    }

    /// `oie` or `classic`; none for a pipeline that is not known here.
    pub fn engine(&self) -> Option<&'static str> {
        match self.pipeline.as_deref() {
            Some("idx") => Some("oie"),
            Some("v1") => Some("classic"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_record_that_cannot_be_read_spoils_only_itself() {
        let body = br#"[{"id":"00u1","status":"ACTIVE","profile":{"login":"a"},"new":1},{"id":"00u2"},{"id":"../x","status":"ACTIVE"},7]"#;
        let page = Page::<User>::parse(body, None, Timestamp::UNIX_EPOCH).expect("a list");
        assert_eq!(page.items.iter().map(|user| user.id.as_str()).collect::<Vec<_>>(), ["00u1"]);
        assert_eq!(
            page.bad.iter().map(|bad| bad.id.as_deref()).collect::<Vec<_>>(),
            [Some("00u2"), Some("../x"), None]
        );
    }

    #[test]
    fn a_body_that_is_no_list_is_unreadable() {
        for body in ["", "{}", "<html>", "[{\"id\":\"00u1\"", "null"] {
            let page = Page::<User>::parse(body.as_bytes(), None, Timestamp::UNIX_EPOCH);
            assert!(matches!(page, Err(Error::Unreadable(_))), "{body}");
        }
    }

    #[test]
    fn a_list_in_an_object_is_read_with_the_next_page_of_its_own_tenant() {
        let origin = Origin::okta("acme.okta.com");
        let read = |body: &str| {
            let page = Page::<Assignee>::enclosed(body.as_bytes(), "value", &origin, Timestamp::UNIX_EPOCH)?;
            Ok::<_, Error>((page.items.len(), page.bad.len(), page.next.map(String::from)))
        };
        let next = "https://acme.okta.com/api/v1/iam/assignees/users?after=1";
        let page = read(&format!(r#"{{"value":[{{"id":"00u1"}},7],"_links":{{"next":{{"href":"{next}"}}}}}}"#));
        assert_eq!(page.expect("a page"), (1, 1, Some(next.to_owned())));
        assert_eq!(read(r#"{"value":[]}"#).expect("a page"), (0, 0, None));
        let foreign = r#"{"value":[],"_links":{"next":{"href":"https://evil.example/api/v1/iam"}}}"#;
        assert!(matches!(read(foreign), Err(Error::ForeignUrl)));
        for body in ["[]", "{}", r#"{"value":{}}"#, r#"{"values":[]}"#] {
            assert!(matches!(read(body), Err(Error::Unreadable(_))), "{body}");
        }
    }

    /// Any JSON of a moderate size.
    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        let name = prop_oneof!["id|status|type|profile|name|_embedded|stats|usersCount|created|_links", ".{0,8}"];
        leaf.prop_recursive(4, 48, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((name.clone(), inner), 0..6).prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    /// Every record of a list is read or told as bad.
    fn reads<T: DeserializeOwned>(body: &[u8]) -> Option<usize> {
        let page = Page::<T>::parse(body, None, Timestamp::UNIX_EPOCH).ok()?;
        Some(page.items.len() + page.bad.len())
    }

    proptest! {
        #[test]
        fn no_record_is_lost_and_none_panics(records in prop::collection::vec(json(), 0..6)) {
            let (count, body) = (records.len(), Value::from(records).to_string());
            let body = body.as_bytes();
            let read = [reads::<User>(body), reads::<Group>(body), reads::<Member>(body), reads::<Role>(body)];
            prop_assert_eq!(read, [Some(count); 4]);
            let read = [reads::<App>(body), reads::<AppGroup>(body), reads::<UserType>(body)];
            prop_assert_eq!(read, [Some(count); 3]);
            let read = [reads::<Assignee>(body), reads::<Owner>(body), reads::<GroupRule>(body), reads::<Resource>(body)];
            prop_assert_eq!(read, [Some(count); 4]);
        }

        #[test]
        fn no_body_panics(bytes in any::<Vec<u8>>(), text in "[\\[\\]{}\",:a-z0-9\\\\ ]{0,60}") {
            let _ = (reads::<User>(&bytes), reads::<User>(text.as_bytes()), reads::<Group>(text.as_bytes()));
        }
    }

    #[test]
    fn a_record_that_is_nested_without_end_spoils_only_itself() {
        let deep = format!("[{{\"id\":\"00u1\",\"status\":\"ACTIVE\"}},{}{}]", "[".repeat(50_000), "]".repeat(50_000));
        let page = Page::<User>::parse(deep.as_bytes(), None, Timestamp::UNIX_EPOCH).expect("a list");
        assert_eq!((page.items.len(), page.bad.len()), (1, 1));
    }
}

//! References: what a caller names a user, a group or an app by, and the one object that it names.
//!
//! What Okta finds must equal the reference: its own lookup also takes short names and `me`, and its searches ignore
//! case. From then on the id names the object.

use super::object::{Found, Object};
use super::run::Run;
use crate::okta::{AppId, Error, Expression, GroupId, Request, UserId, api};
use crate::problem::{Kind, Problem};
use serde_json::{Value, json};

/// References that would name something else altogether.
const REFUSED: [&str; 3] = ["me", ".", ".."];
/// A longer reference names nothing.
pub const LONGEST: usize = 300;

macro_rules! reference {
    ($(#[$doc:meta])* $name:ident, $id:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub(super) String);

        impl $name {
            /// As it was given.
            pub fn as_given(&self) -> &str {
                &self.0
            }

            /// Stands for its id in a request that is described.
            pub fn described(&self) -> $id {
                $id::described(&self.0)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string", "minLength": 1, "maxLength": LONGEST, "not": { "enum": REFUSED },
                })
            }
        }
    };
}

reference!(
    /// A user: an id, a login or an email.
    UserRef,
    UserId
);
reference!(
    /// A group: an id or its exact name.
    GroupRef,
    GroupId
);
reference!(
    /// An app: an id or its exact label.
    AppRef,
    AppId
);

/// True for a text that names something else where an id is expected.
pub fn is_refused(text: &str) -> bool {
    REFUSED.contains(&text)
}

/// True for a text that has the form of an id of Okta's, of a user (`00u`), a group (`00g`) or an app (`0oa`).
pub fn is_id(text: &str, prefix: &str) -> bool {
    text.len() == 20 && text.starts_with(prefix) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What was found must be what was asked for; Okta ignores case.
pub fn same(text: &str, reference: &str) -> bool {
    text.to_lowercase() == reference.to_lowercase()
}

/// A group as a candidate of an ambiguous reference.
pub(super) fn group_candidate(group: &Object) -> Value {
    json!({ "id": group.text("id"), "name": group.profile("name"), "type": group.text("type") })
}

impl Run {
    /// The user that a reference names: by id, then by login, then by email.
    pub async fn user(&mut self, reference: &UserRef) -> Result<Found<UserId>, Problem> {
        let found = self.look_up_user(&reference.0).await?;
        self.about_user(found.user());
        Ok(found)
    }

    async fn look_up_user(&mut self, text: &str) -> Result<Found<UserId>, Problem> {
        if let Some(user) = self.user_by_path(text).await?
            && (user.text("id") == text
                || same(user.profile("login").and_then(Value::as_str).unwrap_or_default(), text))
        {
            return found(user);
        }
        let login = Expression::equals("profile.login", text);
        let email = Expression::equals("profile.email", text);
        if is_id(text, "00u") {
            return Err(nobody("user", text));
        }
        let either = Expression::any([login, email]);
        let mut users = self.all(&api::search_users(either.as_str(), None, 200)).await?;
        let named = |user: &Object, attribute: &str| {
            same(user.profile(attribute).and_then(Value::as_str).unwrap_or_default(), text)
        };
        if users.iter().any(|user| named(user, "login")) {
            users.retain(|user| named(user, "login"));
        }
        users.retain(|user| named(user, "login") || named(user, "email"));
        let candidate = |user: &Object| json!({ "id": user.text("id"), "login": user.profile("login"), "status": user.text("status") });
        found(one(users, "user", text, candidate)?)
    }

    /// A user by what Okta takes in a path, its id or its login: a shortcut. Okta does not find every login there, and
    /// answers some with 400 or 405; then the search decides.
    async fn user_by_path(&mut self, text: &str) -> Result<Option<Object>, Problem> {
        // Okta takes a login with a slash for a path.
        if text.contains('/') {
            return Ok(None);
        }
        self.by_path(&api::find_user(text)).await
    }

    /// An object by its path, or none where Okta does not find it there.
    async fn by_path(&mut self, request: &Request) -> Result<Option<Object>, Problem> {
        match self.fetch(request).await {
            Ok(found) => Ok(Some(found)),
            Err(Error::Api(refusal)) if matches!(refusal.status.as_u16(), 400 | 404 | 405) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The group that a reference names: by id, then by name.
    pub async fn group(&mut self, reference: &GroupRef) -> Result<Found<GroupId>, Problem> {
        let text = reference.0.as_str();
        if let Ok(id) = GroupId::parse(text)
            && let Some(object) = self.by_path(&api::get_group(&id)).await?
            && object.text("id") == text
        {
            return Ok(Found { id, object });
        }
        let named = Expression::equals("profile.name", text);
        let mut groups = self.all(&api::search_groups(Some(&named), 200)).await?;
        groups.retain(|group| same(group.profile("name").and_then(Value::as_str).unwrap_or_default(), text));
        let object = one(groups, "group", text, group_candidate)?;
        let id = GroupId::parse(object.text("id")).map_err(|_| unreadable("group"))?;
        Ok(Found { id, object })
    }

    /// The app that a reference names: by id, then by label.
    pub async fn app(&mut self, reference: &AppRef) -> Result<Found<AppId>, Problem> {
        let text = reference.0.as_str();
        if let Ok(id) = AppId::parse(text)
            && let Some(object) = self.by_path(&api::get_app(&id)).await?
            && object.text("id") == text
        {
            return Ok(Found { id, object });
        }
        let mut apps = self.all(&api::list_apps(Some(text), true, 200)).await?;
        apps.retain(|app| same(app.text("label"), text));
        let candidate =
            |app: &Object| json!({ "id": app.text("id"), "label": app.text("label"), "status": app.text("status") });
        let object = one(apps, "app", text, candidate)?;
        let id = AppId::parse(object.text("id")).map_err(|_| unreadable("app"))?;
        Ok(Found { id, object })
    }

    /// An object, or none where Okta answers 404.
    pub async fn find<T: serde::de::DeserializeOwned>(&mut self, request: &Request) -> Result<Option<T>, Problem> {
        match self.fetch(request).await {
            Ok(found) => Ok(Some(found)),
            Err(Error::Api(refusal)) if refusal.is_absence() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// A user with its id.
pub fn found(object: Object) -> Result<Found<UserId>, Problem> {
    let id = UserId::parse(object.text("id")).map_err(|_| unreadable("user"))?;
    Ok(Found { id, object })
}

/// The one among those that were found.
fn one(
    mut objects: Vec<Object>,
    what: &str,
    reference: &str,
    candidate: impl Fn(&Object) -> Value,
) -> Result<Object, Problem> {
    match objects.len() {
        0 => Err(nobody(what, reference)),
        1 => Ok(objects.swap_remove(0)),
        several => {
            let candidates: Vec<_> = objects.iter().take(20).map(candidate).collect();
            let detail = format!("'{reference}' names {several} {what}s; give the id of one of them.");
            Err(Problem::new(Kind::AmbiguousReference, detail).with("candidates", candidates))
        }
    }
}

fn nobody(what: &str, reference: &str) -> Problem {
    Problem::new(Kind::OktaNotFound, format!("Okta has no {what} '{reference}', or none that this connection may see."))
}

fn unreadable(what: &str) -> Problem {
    Problem::new(Kind::OktaUnavailable, format!("Okta's answer holds no {what} with an id."))
}

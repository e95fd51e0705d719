//! Users made and changed.

use super::MANAGE;
use super::lifecycle::{ActivationLink, yes};
use crate::action::Action;
use crate::action::lookup::{GroupRef, UserRef, found, is_refused, same};
use crate::action::object::{Found, Object};
use crate::action::run::Run;
use crate::audit::Target;
use crate::connection::Fault;
use crate::okta::{Error, Expression, GroupId, Meaning, Request, SchemaId, TypeId, UserId, api};
use crate::problem::{Kind, Problem};
use crate::schema;
use async_trait::async_trait;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Create a user. By default the user is activated and Okta mails a link; without a mail the user is made staged and
/// activated afterwards, and the answer holds the link.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// The profile: login, email, firstName, lastName and whatever else the tenant's schema has.
    profile: Map<String, Value>,
    /// A first password.
    #[serde(default)]
    password: Option<Password>,
    /// Whether the user is activated at once.
    #[serde(default = "yes")]
    activate: bool,
    /// Whether Okta mails the link; if not, the answer holds it.
    #[serde(default = "yes")]
    send_email: bool,
    /// Groups to be in from the beginning: ids or exact names.
    #[serde(default)]
    #[schemars(length(max = 20))]
    groups: Option<Vec<GroupRef>>,
    /// The id of the user type; the default type if absent.
    #[serde(default)]
    type_id: Option<String>,
}

/// Update attributes of a user's profile: those that are given change, null clears one, all others stay.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    /// The user's id, login or email.
    user: UserRef,
    /// The attributes to change.
    #[schemars(extend("minProperties" = 1))]
    profile: Map<String, Value>,
}

/// A password: shown to Okta and to nobody else.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Password(SecretString);

impl JsonSchema for Password {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Password".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "minLength": 1, "format": "password", "writeOnly": true })
    }
}

/// A user who was made.
#[derive(Serialize, JsonSchema)]
pub struct Created {
    /// Always true.
    changed: bool,
    /// The user.
    user: Object,
    /// The link, if it was not mailed.
    #[serde(flatten)]
    link: ActivationLink,
}

/// A user who was changed.
#[derive(Serialize, JsonSchema)]
pub struct Updated {
    /// False where everything was so already.
    changed: bool,
    /// The user as it now is.
    user: Object,
}

impl CreateUser {
    fn login(&self) -> &str {
        self.profile.get("login").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the user is activated by a request of its own, because that alone answers the link.
    fn activates_apart(&self) -> bool {
        self.activate && !self.send_email
    }

    fn request(&self, groups: &[&str], password: Option<&str>) -> Request {
        let mut body = json!({ "profile": self.profile });
        if let Some(password) = password {
            body["credentials"] = json!({ "password": { "value": password } });
        }
        if !groups.is_empty() {
            body["groupIds"] = groups.into();
        }
        if let Some(id) = &self.type_id {
            body["type"] = json!({ "id": id });
        }
        api::create_user(body, self.activate && self.send_email)
    }

    /// The user that is there already, if it is this very request's.
    async fn adopt(&self, run: &mut Run, there: Found<UserId>) -> Result<Found<UserId>, Problem> {
        if run.made(&there).await? { Ok(there) } else { Err(taken(self.login(), &there)) }
    }

    #[expect(clippy::disallowed_methods, reason = "a new user's password is shown to Okta")]
    async fn send(&self, run: &mut Run) -> Result<Found<UserId>, Problem> {
        let mut groups = Vec::new();
        for group in self.groups.iter().flatten() {
            groups.push(run.group(group).await?.id);
        }
        let groups: Vec<_> = groups.iter().map(GroupId::as_str).collect();
        let request = self.request(&groups, self.password.as_ref().map(|it| it.0.expose_secret()));
        found(run.create(request).await?)
    }
}

impl Run {
    /// The user of a login, if there is one.
    async fn by_login(&mut self, login: &str) -> Result<Option<Object>, Problem> {
        // Okta does not find these in a path.
        if login.contains(['/', '?']) {
            return self.search_login(login).await;
        }
        let user = self.find::<Object>(&api::find_user(login)).await?;
        Ok(user.filter(|user| has_login(user, login)))
    }

    async fn search_login(&mut self, login: &str) -> Result<Option<Object>, Problem> {
        let search = Expression::equals("profile.login", login);
        let users = self.all(&api::search_users(search.as_str(), None, 200)).await?;
        Ok(users.into_iter().find(|user| has_login(user, login)))
    }

    /// Sends the link of a user's activation to the caller instead of the user, however far the user got before.
    async fn link_of(&mut self, user: &Found<UserId>) -> Result<ActivationLink, Problem> {
        let request = match user.status() {
            "STAGED" => api::activate_user(&user.id, false),
            // Activated by an attempt whose answer was lost: only a new link can be told.
            "PROVISIONED" => api::reactivate_user(&user.id, false),
            _ => return Ok(ActivationLink::default()),
        };
        Ok(ActivationLink::of(&self.change_for(&request).await?))
    }

    /// The attributes that the tenant's schema has for a user; none where it may not be read.
    async fn attributes_of(&mut self, user: &Object) -> Result<Option<Vec<String>>, Problem> {
        let Some(id) = user.get("type").and_then(|it| it["id"].as_str()).and_then(|id| TypeId::parse(id).ok()) else {
            return Ok(None);
        };
        let Some(user_type) = readable(self.fetch::<Value>(&api::get_user_type(&id)).await)? else { return Ok(None) };
        let linked = user_type["_links"]["schema"]["href"].as_str().and_then(|href| href.rsplit('/').next());
        let schema = if user_type["default"] == true { Some("default") } else { linked };
        let Some(schema) = schema.and_then(|schema| SchemaId::parse(schema).ok()) else { return Ok(None) };
        let Some(schema) = readable(self.fetch::<Value>(&api::get_user_schema(&schema)).await)? else {
            return Ok(None);
        };
        let parts = ["base", "custom"].map(|part| schema["definitions"][part]["properties"].as_object());
        Ok(parts[0].is_some().then(|| parts.into_iter().flatten().flat_map(Map::keys).cloned().collect()))
    }
}

/// What was read, or nothing where Okta refuses it or says it unreadably: an optional fact fails nothing.
fn readable(read: Result<Value, Error>) -> Result<Option<Value>, Problem> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(Error::Api(refusal)) if refusal.meaning() != Meaning::RateLimit => Ok(None),
        Err(Error::Unreadable(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[async_trait]
impl Action for CreateUser {
    const NAME: &'static str = "user.create";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = Created;

    fn reveals(&self) -> bool {
        self.activates_apart()
    }

    fn faults(&self) -> Vec<Fault> {
        let login = self.login();
        if login.is_empty() || is_refused(login) {
            return vec![Fault::new("/profile/login", "must be the login of the new user")];
        }
        Vec::new()
    }

    fn would(&self) -> Vec<Request> {
        let groups: Vec<_> = self.groups.iter().flatten().map(GroupRef::as_given).collect();
        let create = self.request(&groups, self.password.as_ref().map(|_| "***"));
        let activate = self.activates_apart().then(|| api::activate_user(&UserId::described("{user_id}"), false));
        [create].into_iter().chain(activate).collect()
    }

    async fn run(&self, run: &mut Run) -> Result<Created, Problem> {
        run.about(Target::user("", self.login()).without_id());
        let user = match run.by_login(self.login()).await?.map(found).transpose()? {
            Some(there) => self.adopt(run, there).await?,
            None => match self.send(run).await {
                // A login is not always found in a path; the search decides.
                Err(problem) if problem.kind == Kind::AlreadyExists => {
                    let there = run.search_login(self.login()).await?.map(found).transpose()?;
                    self.adopt(run, there.ok_or(problem)?).await?
                }
                sent => sent?,
            },
        };
        run.about_user(user.user());
        let link = if self.activates_apart() { run.link_of(&user).await? } else { ActivationLink::default() };
        let now = if self.activates_apart() { run.fetch(&api::get_user(&user.id)).await.ok() } else { None };
        Ok(Created { changed: true, user: now.unwrap_or(user.object), link })
    }
}

fn has_login(user: &Object, login: &str) -> bool {
    same(user.profile("login").and_then(Value::as_str).unwrap_or_default(), login)
}

fn taken(login: &str, user: &Found<UserId>) -> Problem {
    let status = user.status();
    let detail = format!("A user with the login '{login}' already exists: {}, {status}.", user.id);
    let candidate = json!({ "id": user.id, "login": user.object.profile("login"), "status": status });
    Problem::new(Kind::AlreadyExists, detail).with("current_status", status).with("candidates", vec![candidate])
}

#[async_trait]
impl Action for UpdateUser {
    const NAME: &'static str = "user.update";
    const SCOPES: &'static [&'static str] =
        &["okta.users.manage", "okta.users.read", "okta.schemas.read", "okta.userTypes.read"];
    type Output = Updated;

    fn would(&self) -> Vec<Request> {
        vec![api::update_user(&self.user.described(), &self.profile.clone().into())]
    }

    async fn run(&self, run: &mut Run) -> Result<Updated, Problem> {
        let user = run.user(&self.user).await?;
        // What the profile holds, the schema has.
        let new: Vec<_> = self.profile.keys().filter(|name| user.object.profile(name).is_none()).collect();
        if !new.is_empty()
            && let Some(known) = run.attributes_of(&user.object).await?
        {
            let unknown = new.into_iter().filter(|name| !known.contains(name));
            let fault = |name: &String| {
                Fault::new(schema::member("/profile", name), "is not an attribute of the tenant's users")
            };
            let faults: Vec<_> = unknown.map(fault).collect();
            if !faults.is_empty() {
                return Err(Problem::invalid(&faults));
            }
        }
        let differs = |(name, value): (&String, &Value)| user.object.profile(name).unwrap_or(&Value::Null) != value;
        if !self.profile.iter().any(differs) {
            return Ok(Updated { changed: false, user: user.object });
        }
        let updated = run.change_for(&api::update_user(&user.id, &self.profile.clone().into())).await?;
        Ok(Updated { changed: true, user: updated })
    }
}

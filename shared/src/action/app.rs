//! Actions on apps and who is assigned to them.

use super::Action;
use super::list::{List, Paging};
use super::lookup::{AppRef, UserRef};
use super::object::{App, Object, User};
use super::run::Run;
use super::user::lifecycle::yes;
use crate::okta::{Request, api};
use crate::problem::{Kind, Problem};
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

const READ: &[&str] = &["okta.apps.read"];
const MANAGE: &[&str] = &["okta.apps.manage", "okta.apps.read", "okta.users.read"];

/// List apps: all, or those whose name or label begins with a text. Okta's own apps are among them.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListApps {
    /// What the name or label begins with.
    #[serde(default)]
    #[schemars(length(min = 1))]
    query: Option<String>,
    /// Whether inactive apps are listed too.
    #[serde(default = "yes")]
    include_inactive: bool,
    #[serde(flatten)]
    paging: Paging,
}

/// List an app's users, each with the scope of the assignment: USER for one of their own, GROUP for one by a group.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListAppUsers {
    /// The app's id or exact label.
    app: AppRef,
    #[serde(flatten)]
    paging: Paging,
}

/// Assign a user to an app. Where the user is assigned already, a profile that is given changes the assignment's.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignUser {
    /// The app's id or exact label.
    app: AppRef,
    /// The user's id, login or email.
    user: UserRef,
    /// Attributes of the assignment, as the app's schema has them.
    #[serde(default)]
    profile: Option<Map<String, Value>>,
}

/// Unassign a user from an app: an app that is provisioned may delete the account there. An assignment by a group ends
/// only by leaving the group.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnassignUser {
    /// The app's id or exact label.
    app: AppRef,
    /// The user's id, login or email.
    user: UserRef,
}

/// What became of an assignment.
#[derive(Serialize, JsonSchema)]
pub struct Assignment {
    /// False where it was so already.
    changed: bool,
    /// The app.
    app: App,
    /// The user.
    user: User,
}

impl ListApps {
    fn request(&self) -> Request {
        api::list_apps(self.query.as_deref(), self.include_inactive, self.paging.limit)
    }
}

#[async_trait]
impl Action for ListApps {
    const NAME: &'static str = "app.list";
    const SCOPES: &'static [&'static str] = READ;
    type Output = List<Object>;

    fn would(&self) -> Vec<Request> {
        vec![self.request()]
    }

    async fn run(&self, run: &mut Run) -> Result<List<Object>, Problem> {
        let tie = format!("{:?} {}", self.query, self.include_inactive);
        run.page(&self.request(), &self.paging, &tie).await
    }
}

#[async_trait]
impl Action for ListAppUsers {
    const NAME: &'static str = "app.list_users";
    const SCOPES: &'static [&'static str] = READ;
    type Output = List<Object>;

    fn would(&self) -> Vec<Request> {
        vec![api::list_app_users(&self.app.described(), self.paging.limit)]
    }

    async fn run(&self, run: &mut Run) -> Result<List<Object>, Problem> {
        let app = run.app(&self.app).await?;
        run.page(&api::list_app_users(&app.id, self.paging.limit), &self.paging, "").await
    }
}

impl AssignUser {
    fn profile(&self) -> Option<Value> {
        self.profile.clone().map(Value::from)
    }

    /// True where an assignment has what is given of its profile.
    fn is_met_by(&self, assignment: &Object) -> bool {
        let same = |(name, value): (&String, &Value)| assignment.profile(name).unwrap_or(&Value::Null) == value;
        self.profile.iter().flatten().all(same)
    }
}

#[async_trait]
impl Action for AssignUser {
    const NAME: &'static str = "app.assign_user";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = Assignment;

    fn would(&self) -> Vec<Request> {
        vec![api::assign_app_user(&self.app.described(), self.user.as_given(), self.profile().as_ref())]
    }

    async fn run(&self, run: &mut Run) -> Result<Assignment, Problem> {
        let app = run.app(&self.app).await?;
        let user = run.user(&self.user).await?;
        let assigned = run.find::<Object>(&api::get_app_user(&app.id, &user.id)).await?;
        let own = assigned.filter(|it| it.text("scope") == "USER");
        let profile = self.profile();
        let request = match (&own, &profile) {
            (Some(own), _) if self.is_met_by(own) => None,
            (Some(_), Some(profile)) => Some(api::update_app_user(&app.id, &user.id, profile)),
            _ => Some(api::assign_app_user(&app.id, user.id.as_str(), profile.as_ref())),
        };
        let mut changed = request.is_some();
        if let Some(request) = &request
            && let Err(problem) = run.change(request).await
        {
            // Another caller may have assigned the user at the same moment.
            let now = run.find::<Object>(&api::get_app_user(&app.id, &user.id)).await?;
            let is_met = now.is_some_and(|now| now.text("scope") == "USER" && self.is_met_by(&now));
            if problem.kind != Kind::AlreadyExists || !is_met {
                return Err(problem);
            }
            changed = false;
        }
        Ok(Assignment { changed, app: app.app(), user: user.user() })
    }
}

#[async_trait]
impl Action for UnassignUser {
    const NAME: &'static str = "app.unassign_user";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = Assignment;

    fn would(&self) -> Vec<Request> {
        vec![api::unassign_app_user(&self.app.described(), &self.user.described())]
    }

    async fn run(&self, run: &mut Run) -> Result<Assignment, Problem> {
        let app = run.app(&self.app).await?;
        let user = run.user(&self.user).await?;
        let assigned = run.find::<Object>(&api::get_app_user(&app.id, &user.id)).await?;
        if assigned.as_ref().is_some_and(|it| it.text("scope") == "GROUP") {
            let detail = "The user has the app by a group: take the user out of that group instead.";
            return Err(Problem::new(Kind::OktaRejected, detail));
        }
        if assigned.is_some() {
            run.change(&api::unassign_app_user(&app.id, &user.id)).await?;
        }
        Ok(Assignment { changed: assigned.is_some(), app: app.app(), user: user.user() })
    }
}

//! Users, and what belongs to them, as Okta tells it.

use super::READ;
use crate::action::Action;
use crate::action::list::{List, Paging};
use crate::action::lookup::UserRef;
use crate::action::object::{App, Object};
use crate::action::run::Run;
use crate::connection::Fault;
use crate::okta::{Expression, Operator, Request, api, is_attribute};
use crate::problem::Problem;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Attributes of a user that are not of its profile.
const OWN: [&str; 7] = ["id", "status", "created", "activated", "statusChanged", "lastUpdated", "type.id"];

/// Get a user: everything that Okta tells about one.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetUser {
    /// The user's id, login or email.
    user: UserRef,
}

/// Search users, the deactivated ones too: by conditions that all must hold, by a search expression of Okta's, or by the
/// beginning of a name or email (`q`, without the deactivated). Give one of the three.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchUsers {
    /// A search expression of Okta's, as in status eq "ACTIVE" and profile.city eq "Oslo".
    #[serde(default)]
    search: Option<String>,
    /// What a first name, last name or email begins with.
    #[serde(default)]
    q: Option<String>,
    /// Conditions, all of which must hold.
    #[serde(default, rename = "where")]
    #[schemars(length(min = 1, max = 20))]
    conditions: Option<Vec<Condition>>,
    /// The attribute to sort by; not with q.
    #[serde(default)]
    sort_by: Option<String>,
    /// Which way to sort.
    #[serde(default)]
    sort_order: Order,
    #[serde(flatten)]
    paging: Paging,
}

/// One condition.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Condition {
    /// An attribute of the user or of its profile, with or without `profile.` before it.
    attribute: String,
    /// How it is compared.
    op: Operator,
    /// With what: a text, a number, true or false.
    value: Scalar,
}

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
struct Scalar(#[schemars(schema_with = "scalar")] Value);

fn scalar(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["string", "number", "boolean"] })
}

/// Which way a list is sorted.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Order {
    /// The least first.
    #[default]
    Asc,
    /// The greatest first.
    Desc,
}

/// List a user's groups, whole: the one of all users, those of apps and those of Okta itself.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListUserGroups {
    /// The user's id, login or email.
    user: UserRef,
    #[serde(flatten)]
    paging: Paging,
}

/// List a user's apps, whole: one item for each app that shows on the user's dashboard.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListUserApps {
    /// The user's id, login or email.
    user: UserRef,
    #[serde(flatten)]
    paging: Paging,
}

/// A user.
#[derive(Serialize, JsonSchema)]
pub struct OneUser {
    user: Object,
}

impl Order {
    fn word(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}

impl Run {
    /// A list that Okta does not page, with no more of each item than was asked for.
    pub async fn whole(&mut self, listing: &Request, paging: &Paging) -> Result<List<Object>, Problem> {
        let items = self.all(listing).await?;
        Ok(List::whole(items.into_iter().map(|item| paging.project(item)).collect()))
    }
}

#[async_trait]
impl Action for GetUser {
    const NAME: &'static str = "user.get";
    const SCOPES: &'static [&'static str] = READ;
    type Output = OneUser;

    fn would(&self) -> Vec<Request> {
        vec![api::get_user(&self.user.described())]
    }

    async fn run(&self, run: &mut Run) -> Result<OneUser, Problem> {
        Ok(OneUser { user: run.user(&self.user).await?.object })
    }
}

/// The attribute's name as Okta's search knows it.
fn attribute(name: &str) -> String {
    if OWN.contains(&name) || name.starts_with("profile.") { name.to_owned() } else { format!("profile.{name}") }
}

impl SearchUsers {
    fn request(&self) -> Request {
        if let Some(q) = &self.q {
            return api::quick_search_users(q);
        }
        let sort_by = self.sort_by.as_deref().map(attribute);
        let sort = sort_by.as_deref().map(|by| (by, self.sort_order.word()));
        api::search_users(&self.expression(), sort, self.paging.limit)
    }

    fn expression(&self) -> String {
        let Some(conditions) = &self.conditions else { return self.search.clone().unwrap_or_default() };
        let compare = |it: &Condition| Expression::compare(&attribute(&it.attribute), it.op, it.value.0.clone());
        Expression::all(conditions.iter().map(compare)).as_str().to_owned()
    }
}

#[async_trait]
impl Action for SearchUsers {
    const NAME: &'static str = "user.search";
    const SCOPES: &'static [&'static str] = READ;
    type Output = List<Object>;

    fn faults(&self) -> Vec<Fault> {
        let given = [self.search.is_some(), self.q.is_some(), self.conditions.is_some()];
        let mut faults = Vec::new();
        if given.into_iter().filter(|given| *given).count() != 1 {
            faults.push(Fault::new("", "give one of search, q and where"));
        }
        if self.q.is_some() && self.sort_by.is_some() {
            faults.push(Fault::new("/sort_by", "is not possible with q"));
        }
        for (at, text) in [("/search", &self.search), ("/q", &self.q)] {
            if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
                faults.push(Fault::new(at, "must not be empty"));
            }
        }
        let named = self.conditions.iter().flatten().enumerate();
        let named = named.map(|(at, it)| (format!("/where/{at}/attribute"), it.attribute.as_str()));
        for (at, name) in named.chain(self.sort_by.iter().map(|name| ("/sort_by".to_owned(), name.as_str()))) {
            if !is_attribute(name) {
                faults.push(Fault::new(at, "must be the name of an attribute, as in status or profile.city"));
            }
        }
        faults
    }

    fn would(&self) -> Vec<Request> {
        vec![self.request()]
    }

    async fn run(&self, run: &mut Run) -> Result<List<Object>, Problem> {
        let request = self.request();
        if self.q.is_some() {
            return run.whole(&request, &self.paging).await;
        }
        let tie = format!("{} {:?} {}", self.expression(), self.sort_by, self.sort_order.word());
        run.page(&request, &self.paging, &tie).await
    }
}

#[async_trait]
impl Action for ListUserGroups {
    const NAME: &'static str = "user.list_groups";
    const SCOPES: &'static [&'static str] = READ;
    type Output = List<Object>;

    fn would(&self) -> Vec<Request> {
        vec![api::list_user_groups(&self.user.described())]
    }

    async fn run(&self, run: &mut Run) -> Result<List<Object>, Problem> {
        let user = run.user(&self.user).await?;
        run.whole(&api::list_user_groups(&user.id), &self.paging).await
    }
}

/// An app as it shows on a dashboard.
#[derive(Serialize, JsonSchema)]
pub struct DashboardApp {
    /// The app, by the label of its first link.
    #[serde(flatten)]
    app: App,
    /// The app's name in Okta's catalogue.
    name: String,
}

#[async_trait]
impl Action for ListUserApps {
    const NAME: &'static str = "user.list_apps";
    const SCOPES: &'static [&'static str] = READ;
    type Output = List<Object>;

    fn would(&self) -> Vec<Request> {
        vec![api::list_app_links(&self.user.described())]
    }

    async fn run(&self, run: &mut Run) -> Result<List<Object>, Problem> {
        let user = run.user(&self.user).await?;
        let links = run.all(&api::list_app_links(&user.id)).await?;
        let mut apps: Vec<DashboardApp> = Vec::new();
        for link in links {
            let (id, label) = (link.text("appInstanceId").to_owned(), link.text("label").to_owned());
            // One app may show several links, as mail and calendar of one suite.
            if !apps.iter().any(|known| known.app.id == id) {
                apps.push(DashboardApp { app: App { id, label }, name: link.text("appName").to_owned() });
            }
        }
        let object = |app| serde_json::from_value(serde_json::to_value(app)?);
        let items: Result<Vec<Object>, serde_json::Error> = apps.into_iter().map(object).collect();
        let items = items.map_err(|error| Problem::internal(&error))?;
        Ok(List::whole(items.into_iter().map(|item| self.paging.project(item)).collect()))
    }
}

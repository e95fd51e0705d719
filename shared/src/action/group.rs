//! Actions on groups.

use super::Action;
use super::list::{List, Paging};
use super::lookup::{GroupRef, UserRef, group_candidate};
use super::object::{Found, Group, Object, User};
use super::run::Run;
use crate::audit::Target;
use crate::connection::Fault;
use crate::okta::{Expression, GroupId, Operator, Request, UserId, api};
use crate::problem::{Kind, Problem};
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const READ: &[&str] = &["okta.groups.read"];
const MANAGE: &[&str] = &["okta.groups.manage", "okta.groups.read"];
const MEMBERS: &[&str] = &["okta.groups.manage", "okta.groups.read", "okta.users.read"];
/// Where a name stands.
const NAME: &str = "profile.name";

/// List groups: all, or those whose name contains a text.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListGroups {
    /// What the name contains, in any case of letters.
    #[serde(default)]
    #[schemars(length(min = 1))]
    query: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

/// Find groups by name: exactly, by its beginning, or by a part of it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindGroups {
    /// The name or the part of it.
    #[schemars(length(min = 1))]
    name: String,
    /// How the name is compared.
    #[serde(default, rename = "match")]
    comparison: Comparison,
    #[serde(flatten)]
    paging: Paging,
}

/// How a name is compared; case never counts.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Comparison {
    /// The whole name.
    #[default]
    Exact,
    /// Its beginning.
    Prefix,
    /// Any part.
    Contains,
}

/// Get a group, with a page of its members.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetGroup {
    /// The group's id or exact name.
    group: GroupRef,
    #[serde(flatten)]
    paging: Paging,
}

/// List a group's members.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListMembers {
    /// The group's id or exact name.
    group: GroupRef,
    #[serde(flatten)]
    paging: Paging,
}

/// Add a user to a group that Okta masters.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddUser {
    /// The group's id or exact name.
    group: GroupRef,
    /// The user's id, login or email.
    user: UserRef,
}

/// Remove a user from a group that Okta masters.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveUser {
    /// The group's id or exact name.
    group: GroupRef,
    /// The user's id, login or email.
    user: UserRef,
}

/// Create a group that Okta masters.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateGroup {
    /// Its name, of at most 255 characters.
    #[schemars(length(min = 1, max = 255))]
    name: String,
    /// What it is for.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    description: Option<String>,
}

/// Delete a group: its members stay, what they had through it goes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteGroup {
    /// The group's id or exact name.
    group: GroupRef,
}

/// A group with some of its members.
#[derive(Serialize, JsonSchema)]
pub struct WithMembers {
    /// The group.
    group: Object,
    /// A page of its members.
    members: List<Object>,
}

/// What became of a membership.
#[derive(Serialize, JsonSchema)]
pub struct Membership {
    /// False where it was so already.
    changed: bool,
    /// The group.
    group: Group,
    /// The user.
    user: User,
}

/// A group that was made.
#[derive(Serialize, JsonSchema)]
pub struct Created {
    /// Always true.
    changed: bool,
    /// The group.
    group: Object,
}

/// A group that is gone.
#[derive(Serialize, JsonSchema)]
pub struct Deleted {
    /// Always true.
    deleted: bool,
    /// The group as it last was.
    group: Group,
}

impl ListGroups {
    fn search(&self) -> Option<Expression> {
        self.query.as_deref().map(|query| Expression::compare(NAME, Operator::Co, query))
    }
}

#[async_trait]
impl Action for ListGroups {
    const NAME: &'static str = "group.list";
    const SCOPES: &'static [&'static str] = READ;
    type Output = List<Object>;

    fn would(&self) -> Vec<Request> {
        vec![api::search_groups(self.search().as_ref(), self.paging.limit)]
    }

    async fn run(&self, run: &mut Run) -> Result<List<Object>, Problem> {
        let tie = self.search().map_or_else(String::new, |search| search.to_string());
        run.page(&api::search_groups(self.search().as_ref(), self.paging.limit), &self.paging, &tie).await
    }
}

impl FindGroups {
    fn search(&self) -> Expression {
        let operator = match self.comparison {
            Comparison::Exact => Operator::Eq,
            Comparison::Prefix => Operator::Sw,
            Comparison::Contains => Operator::Co,
        };
        Expression::compare(NAME, operator, self.name.as_str())
    }
}

#[async_trait]
impl Action for FindGroups {
    const NAME: &'static str = "group.find";
    const SCOPES: &'static [&'static str] = READ;
    type Output = List<Object>;

    fn would(&self) -> Vec<Request> {
        vec![api::search_groups(Some(&self.search()), self.paging.limit)]
    }

    async fn run(&self, run: &mut Run) -> Result<List<Object>, Problem> {
        let search = self.search();
        run.page(&api::search_groups(Some(&search), self.paging.limit), &self.paging, search.as_str()).await
    }
}

#[async_trait]
impl Action for GetGroup {
    const NAME: &'static str = "group.get";
    const SCOPES: &'static [&'static str] = READ;
    type Output = WithMembers;

    fn would(&self) -> Vec<Request> {
        let group = self.group.described();
        vec![api::get_group(&group), api::page_group_members(&group, self.paging.limit)]
    }

    async fn run(&self, run: &mut Run) -> Result<WithMembers, Problem> {
        let group = run.group(&self.group).await?;
        let members = run.page(&api::page_group_members(&group.id, self.paging.limit), &self.paging, "").await?;
        Ok(WithMembers { group: group.object, members })
    }
}

#[async_trait]
impl Action for ListMembers {
    const NAME: &'static str = "group.list_members";
    const SCOPES: &'static [&'static str] = READ;
    type Output = List<Object>;

    fn would(&self) -> Vec<Request> {
        vec![api::page_group_members(&self.group.described(), self.paging.limit)]
    }

    async fn run(&self, run: &mut Run) -> Result<List<Object>, Problem> {
        let group = run.group(&self.group).await?;
        run.page(&api::page_group_members(&group.id, self.paging.limit), &self.paging, "").await
    }
}

/// Refuses what only the app or directory behind a group may change.
fn require_mastered_by_okta(group: &Found<GroupId>) -> Result<(), Problem> {
    let kind = group.object.text("type");
    if kind == "OKTA_GROUP" {
        return Ok(());
    }
    let name = group.group().name;
    let detail = format!(
        "The group '{name}' is of type {kind}: Okta does not master it, and refuses changes of its members. Change them where the group comes from."
    );
    Err(Problem::new(Kind::OktaRejected, detail))
}

impl Run {
    /// Makes or ends a membership, unless it is so already.
    async fn set_membership(
        &mut self,
        group: &GroupRef,
        user: &UserRef,
        member: bool,
        change: fn(&GroupId, &UserId) -> Request,
    ) -> Result<Membership, Problem> {
        let group = self.group(group).await?;
        let user = self.user(user).await?;
        require_mastered_by_okta(&group)?;
        let groups = self.all(&api::list_user_groups(&user.id)).await?;
        let changed = groups.iter().any(|it| it.text("id") == group.id.as_str()) != member;
        if changed {
            self.change(&change(&group.id, &user.id)).await?;
        }
        Ok(Membership { changed, group: group.group(), user: user.user() })
    }
}

#[async_trait]
impl Action for AddUser {
    const NAME: &'static str = "group.add_user";
    const SCOPES: &'static [&'static str] = MEMBERS;
    type Output = Membership;

    fn would(&self) -> Vec<Request> {
        vec![api::add_to_group(&self.group.described(), &self.user.described())]
    }

    async fn run(&self, run: &mut Run) -> Result<Membership, Problem> {
        run.set_membership(&self.group, &self.user, true, api::add_to_group).await
    }
}

#[async_trait]
impl Action for RemoveUser {
    const NAME: &'static str = "group.remove_user";
    const SCOPES: &'static [&'static str] = MEMBERS;
    type Output = Membership;

    fn would(&self) -> Vec<Request> {
        vec![api::remove_from_group(&self.group.described(), &self.user.described())]
    }

    async fn run(&self, run: &mut Run) -> Result<Membership, Problem> {
        run.set_membership(&self.group, &self.user, false, api::remove_from_group).await
    }
}

#[async_trait]
impl Action for CreateGroup {
    const NAME: &'static str = "group.create";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = Created;

    fn faults(&self) -> Vec<Fault> {
        let empty = self.name.trim().is_empty();
        if empty { vec![Fault::new("/name", "must not be empty")] } else { Vec::new() }
    }

    fn would(&self) -> Vec<Request> {
        vec![api::create_group(&self.name, self.description.as_deref())]
    }

    async fn run(&self, run: &mut Run) -> Result<Created, Problem> {
        run.about(Target::named("group", "", &self.name).without_id());
        let made = run.change_for::<Object>(&api::create_group(&self.name, self.description.as_deref())).await;
        let group = match made {
            Err(problem) if problem.kind == Kind::AlreadyExists => {
                return Err(match run.group(&GroupRef(self.name.clone())).await {
                    Ok(there) => problem.with("candidates", vec![group_candidate(&there.object)]),
                    Err(_) => problem,
                });
            }
            made => made?,
        };
        let Group { id, name } = Group::of(&group);
        run.about(Target::named("group", id, name));
        Ok(Created { changed: true, group })
    }
}

#[async_trait]
impl Action for DeleteGroup {
    const NAME: &'static str = "group.delete";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = Deleted;

    fn would(&self) -> Vec<Request> {
        vec![api::delete_group(&self.group.described())]
    }

    async fn run(&self, run: &mut Run) -> Result<Deleted, Problem> {
        let group = run.group(&self.group).await?;
        run.about(Target::named("group", group.id.as_str(), group.group().name));
        run.change(&api::delete_group(&group.id)).await?;
        Ok(Deleted { deleted: true, group: group.group() })
    }
}

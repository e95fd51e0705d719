//! Who can grant what by a plain reading of the tenant: user by user, role by role, without what the product knows.

use super::Tenant;
use crate::world::text;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a user may do by one role.
struct Role {
    kind: String,
    apps: BTreeSet<String>,
    groups: BTreeSet<String>,
    permissions: BTreeSet<String>,
    resources: Vec<String>,
}

struct Group {
    kind: String,
    holds_roles: bool,
    owners: BTreeSet<String>,
}

struct App {
    name: String,
    groups: BTreeSet<String>,
}

/// A tenant as its own API shows it.
pub struct Truth {
    /// The roles of the users who can sign in.
    roles: BTreeMap<String, Vec<Role>>,
    groups: BTreeMap<String, Group>,
    apps: BTreeMap<String, App>,
}

async fn list(tenant: &Tenant, path: &str) -> Vec<Value> {
    let listed = tenant.tenant("GET", &format!("api/v1/{path}"), Value::Null).await;
    listed.as_array().expect("a list").clone()
}

fn id(object: &Value) -> String {
    text(object, "id").to_owned()
}

impl Truth {
    /// Reads it.
    pub async fn read(tenant: &Tenant) -> Self {
        let mut read = Self { roles: BTreeMap::new(), groups: BTreeMap::new(), apps: BTreeMap::new() };
        for user in list(tenant, "users?limit=200").await {
            if matches!(text(&user, "status"), "ACTIVE" | "PASSWORD_EXPIRED" | "RECOVERY") {
                let mut roles = Vec::new();
                let of_groups = list(tenant, &format!("users/{}/roles?expand=targets/groups", id(&user))).await;
                let of_apps = list(tenant, &format!("users/{}/roles?expand=targets/catalog/apps", id(&user))).await;
                for (by_group, by_app) in of_groups.iter().zip(&of_apps) {
                    roles.push(Role::read(tenant, by_group, by_app).await);
                }
                read.roles.insert(id(&user), roles);
            }
        }
        for group in list(tenant, "groups?limit=200").await {
            let mut owners = BTreeSet::new();
            for owner in list(tenant, &format!("groups/{}/owners", id(&group))).await {
                match text(&owner, "type") {
                    "USER" => drop(owners.insert(id(&owner))),
                    _ => owners.extend(list(tenant, &format!("groups/{}/users", id(&owner))).await.iter().map(id)),
                }
            }
            let holds_roles = !list(tenant, &format!("groups/{}/roles", id(&group))).await.is_empty();
            read.groups.insert(id(&group), Group { kind: text(&group, "type").to_owned(), holds_roles, owners });
        }
        for app in list(tenant, "apps?limit=200").await {
            let groups = list(tenant, &format!("apps/{}/groups", id(&app))).await.iter().map(id).collect();
            read.apps.insert(id(&app), App { name: text(&app, "name").to_owned(), groups });
        }
        read
    }

    /// Who can give an app to a user.
    pub fn app_granters(&self, app: &str) -> BTreeSet<String> {
        let found = &self.apps[app];
        let can = |user: &str, roles: &[Role]| {
            roles.iter().any(|role| role.assigns(app, &found.name))
                || found.groups.iter().any(|group| self.can_add(user, roles, group))
        };
        self.who(can)
    }

    /// Who can add a member to a group.
    pub fn group_granters(&self, group: &str) -> BTreeSet<String> {
        self.who(|user, roles| self.can_add(user, roles, group))
    }

    fn who(&self, can: impl Fn(&str, &[Role]) -> bool) -> BTreeSet<String> {
        self.roles.iter().filter(|(user, roles)| can(user, roles)).map(|(user, _)| user.clone()).collect()
    }

    fn can_add(&self, user: &str, roles: &[Role], group: &str) -> bool {
        let Some(found) = self.groups.get(group).filter(|found| found.kind == "OKTA_GROUP") else { return false };
        if found.holds_roles {
            return roles.iter().any(|role| role.kind == "SUPER_ADMIN");
        }
        found.owners.contains(user) || roles.iter().any(|role| role.adds_to(group))
    }
}

impl Role {
    async fn read(tenant: &Tenant, by_group: &Value, by_app: &Value) -> Self {
        let mut role = Self {
            kind: text(by_group, "type").to_owned(),
            apps: BTreeSet::new(),
            groups: BTreeSet::new(),
            permissions: BTreeSet::new(),
            resources: Vec::new(),
        };
        let embedded =
            |shown: &Value, path: &str| shown.pointer(path).and_then(Value::as_array).cloned().unwrap_or_default();
        role.groups = embedded(by_group, "/_embedded/targets/groups").iter().map(id).collect();
        for app in embedded(by_app, "/_embedded/targets/catalog/apps") {
            role.apps.insert(text(&app, if app["id"].is_string() { "id" } else { "name" }).to_owned());
        }
        if role.kind == "CUSTOM" {
            let custom = format!("api/v1/iam/roles/{}/permissions", text(by_group, "role"));
            let permissions = tenant.tenant("GET", &custom, Value::Null).await;
            let labels = permissions["permissions"].as_array().expect("permissions").iter();
            role.permissions = labels.map(|permission| text(permission, "label").to_owned()).collect();
            let set = format!("api/v1/iam/resource-sets/{}/resources", text(by_group, "resource-set"));
            let resources = tenant.tenant("GET", &set, Value::Null).await;
            let orns = resources["resources"].as_array().expect("resources").iter();
            role.resources = orns.map(|resource| text(resource, "orn").to_owned()).collect();
        }
        role
    }

    fn assigns(&self, app: &str, name: &str) -> bool {
        match self.kind.as_str() {
            "SUPER_ADMIN" => true,
            "APP_ADMIN" => self.apps.is_empty() || self.apps.contains(app) || self.apps.contains(name),
            "CUSTOM" => {
                let allowed = ["okta.apps.manage", "okta.apps.assignment.manage"];
                let covers = |orn: &String| orn.ends_with(":apps") || orn.ends_with(&format!(":{app}"));
                allowed.iter().any(|it| self.permissions.contains(*it)) && self.resources.iter().any(covers)
            }
            _ => false,
        }
    }

    fn adds_to(&self, group: &str) -> bool {
        match self.kind.as_str() {
            "SUPER_ADMIN" | "ORG_ADMIN" => true,
            "USER_ADMIN" | "GROUP_MEMBERSHIP_ADMIN" => self.groups.is_empty() || self.groups.contains(group),
            "CUSTOM" => {
                let allowed = ["okta.groups.manage", "okta.groups.members.manage"];
                let covers = |orn: &String| orn.ends_with(":groups") || orn.ends_with(&format!(":groups:{group}"));
                allowed.iter().any(|it| self.permissions.contains(*it)) && self.resources.iter().any(covers)
            }
            _ => false,
        }
    }
}

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn roll<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        &of[usize::try_from(self.0 >> 33).expect("31 bits") % of.len()]
    }
}

/// Grants roles and ownerships to users and groups, with targets or without. What Okta refuses is left.
pub async fn scramble(tenant: &Tenant, seed: u64) {
    let mut dice = Dice(seed);
    let users: Vec<_> = list(tenant, "users?limit=200").await.iter().map(id).collect();
    let groups = list(tenant, "groups?limit=200").await;
    // Who is in a group that Okta keeps by itself is not told.
    let groups: Vec<_> = groups.iter().filter(|group| group["type"] != "BUILT_IN").map(id).collect();
    let apps = list(tenant, "apps?limit=200").await;
    let orn = |group: &str| format!("orn:okta:directory:00o:groups:{group}");
    let world = &tenant.world;
    for round in 0..24 {
        let holder = if round % 4 == 0 {
            format!("groups/{}", dice.roll(&groups))
        } else {
            format!("users/{}", dice.roll(&users))
        };
        let kinds = ["ORG_ADMIN", "APP_ADMIN", "APP_ADMIN", "USER_ADMIN", "GROUP_MEMBERSHIP_ADMIN", "HELP_DESK_ADMIN"];
        let kind: &str = dice.roll::<&str>(&kinds);
        let granted = world.tenant("POST", &format!("/api/v1/{holder}/roles"), Some(json!({"type": kind}))).await;
        if let Some(assignment) = granted.body["id"].as_str().filter(|_| round % 3 != 0) {
            let targets = format!("/api/v1/{holder}/roles/{assignment}/targets");
            let app = dice.roll(&apps);
            let path = match kind {
                "APP_ADMIN" if round % 2 == 0 => format!("{targets}/catalog/apps/{}", text(app, "name")),
                "APP_ADMIN" => format!("{targets}/catalog/apps/{}/{}", text(app, "name"), text(app, "id")),
                _ => format!("{targets}/groups/{}", dice.roll(&groups)),
            };
            world.tenant("PUT", &path, None).await;
        }
        let owned = dice.roll(&groups);
        let owner = if round % 5 == 0 {
            json!({"type": "GROUP", "id": dice.roll(&groups)})
        } else {
            json!({"type": "USER", "id": dice.roll(&users)})
        };
        world.tenant("POST", &format!("/api/v1/groups/{owned}/owners"), Some(owner)).await;
    }
    for (at, permission) in ["okta.groups.manage", "okta.apps.manage", "okta.users.read"].into_iter().enumerate() {
        let role = json!({"label": format!("Role {at}"), "description": "d", "permissions": [permission]});
        let role = tenant.tenant("POST", "api/v1/iam/roles", role).await;
        let app = format!("{}/api/v1/apps/{}", world.domain(), text(dice.roll(&apps), "id"));
        let resources = json!([orn(dice.roll::<String>(&groups)), orn(dice.roll::<String>(&groups)), app]);
        let set = json!({"label": format!("Set {at}"), "description": "d", "resources": resources});
        let set = tenant.tenant("POST", "api/v1/iam/resource-sets", set).await;
        let custom = json!({"type": "CUSTOM", "role": role["id"], "resource-set": set["id"]});
        world.tenant("POST", &format!("/api/v1/users/{}/roles", dice.roll(&users)), Some(custom)).await;
    }
}

/// All that the directory knows of roles and owners.
pub async fn picture(tenant: &Tenant) -> Value {
    let mut owners = Vec::new();
    for group in tenant.all("groups").await {
        owners.push(json!([id(&group), tenant.all(&format!("groups/{}/owners", id(&group))).await]));
    }
    json!({"admins": tenant.all("admins").await, "owners": owners})
}

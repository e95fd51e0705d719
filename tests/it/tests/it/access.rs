//! Who may administer what: admin roles, owners and group rules as a sync reads them, and who can grant an app or a group.

mod killed;
mod truth;

use crate::world::{World, quiet, text};
use it::campaign::Campaign;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const STREAMS: [&str; 7] = ["users", "groups", "apps", "locations", "admins", "owners", "group_rules"];

/// A tenant in which nothing happens but what a test does, and a connection that reads everything.
struct Tenant {
    world: World,
    path: String,
    id: String,
}

impl Tenant {
    async fn of(config: okta_simulator::Config) -> Self {
        let world = World::with(config).await;
        let connected = world.connect().await;
        let id = text(&connected, "id").to_owned();
        world.finished(&id, text(&connected, "sync_id")).await;
        let path = format!("/v1/connections/{id}");
        let all = json!({"sync": {"full": null, "incremental": null, "verify": null, "streams": STREAMS}});
        world.api("PATCH", &path, Some(all)).await.expect(200);
        Self { world, path, id }
    }

    async fn sync(&self, mode: &str) -> Value {
        let sync = self.world.sync(&self.id, mode).await;
        assert_eq!(sync["status"], "succeeded", "{sync:#}");
        sync
    }

    async fn all(&self, path: &str) -> Vec<Value> {
        self.world.all(&format!("{}/{path}", self.path)).await
    }

    /// Does something in the tenant as its administrator.
    async fn tenant(&self, method: &str, path: &str, body: Value) -> Value {
        let reply = self.world.tenant(method, &format!("/{path}"), Some(body).filter(|it| !it.is_null())).await;
        assert!(reply.status < 300, "{method} {path}: {} {:#}", reply.status, reply.body);
        reply.body
    }

    async fn grant(&self, holder: &str, role: &str) -> String {
        let granted = self.tenant("POST", &format!("api/v1/{holder}/roles"), json!({"type": role})).await;
        format!("api/v1/{holder}/roles/{}", text(&granted, "id"))
    }

    async fn group(&self, name: &str) -> String {
        let group = self.tenant("POST", "api/v1/groups", json!({"profile": {"name": name}})).await;
        text(&group, "id").to_owned()
    }

    /// Active people who hold no role and own nothing.
    async fn staff(&self) -> Vec<String> {
        let people = self.all("people?status=ACTIVE").await;
        let admins: BTreeSet<_> = ids(&self.all("people?admin=true").await);
        people.iter().map(|person| text(person, "id").to_owned()).filter(|id| !admins.contains(id)).collect()
    }

    /// Who can grant something, with the kinds of their reasons.
    async fn granters(&self, of: &str) -> BTreeMap<String, Vec<String>> {
        let granters = self.all(&format!("{of}/granters")).await;
        let kinds = |granter: &Value| {
            let reasons = granter["reasons"].as_array().expect("reasons").iter();
            reasons.map(|reason| text(reason, "kind").to_owned()).collect()
        };
        granters.iter().map(|granter| (text(&granter["user"], "id").to_owned(), kinds(granter))).collect()
    }
}

fn ids(items: &[Value]) -> BTreeSet<String> {
    items.iter().map(|item| text(item, "id").to_owned()).collect()
}

/// Requests to the tenant for roles, owners and rules.
fn asked(world: &World) -> usize {
    let about = |path: &str| ["/roles", "/iam/", "/owners", "/groups/rules"].iter().any(|part| path.contains(part));
    world.okta.exchanges().iter().filter(|exchange| about(&exchange.path)).count()
}

/// What the constellations are about.
struct Places {
    sales: String,
    admins: String,
    leads: String,
}

/// Sets up all constellations, each with people of its own.
async fn appoint(tenant: &Tenant, staff: &[String], app: &Value, other: &Value) -> Places {
    let (app_id, app_name) = (text(app, "id"), text(app, "name"));
    let sales = tenant.group("Field sales").await;
    tenant.tenant("PUT", &format!("api/v1/apps/{app_id}/groups/{sales}"), json!({})).await;
    let elsewhere = tenant.group("Elsewhere").await;

    // 1: a super admin. 2: an app admin of every app, 3: of an app type, 4: of one app, and one of another app.
    tenant.grant(&format!("users/{}", staff[0]), "SUPER_ADMIN").await;
    tenant.grant(&format!("users/{}", staff[1]), "APP_ADMIN").await;
    let catalog = |assignment: &str, target: &str| format!("{assignment}/targets/catalog/apps/{target}");
    let of_type = tenant.grant(&format!("users/{}", staff[2]), "APP_ADMIN").await;
    tenant.tenant("PUT", &catalog(&of_type, app_name), Value::Null).await;
    let of_one = tenant.grant(&format!("users/{}", staff[3]), "APP_ADMIN").await;
    tenant.tenant("PUT", &catalog(&of_one, &format!("{app_name}/{app_id}")), Value::Null).await;
    let of_other = tenant.grant(&format!("users/{}", staff[4]), "APP_ADMIN").await;
    tenant.tenant("PUT", &catalog(&of_other, text(other, "name")), Value::Null).await;
    // 5: a group admin of every group, 6: of the app's group, and one of another group.
    tenant.grant(&format!("users/{}", staff[5]), "USER_ADMIN").await;
    let of_sales = tenant.grant(&format!("users/{}", staff[6]), "USER_ADMIN").await;
    tenant.tenant("PUT", &format!("{of_sales}/targets/groups/{sales}"), Value::Null).await;
    let of_elsewhere = tenant.grant(&format!("users/{}", staff[7]), "GROUP_MEMBERSHIP_ADMIN").await;
    tenant.tenant("PUT", &format!("{of_elsewhere}/targets/groups/{elsewhere}"), Value::Null).await;
    // 7: a custom role on a resource set.
    let role = json!({"label": "Assigner", "description": "d", "permissions": ["okta.apps.assignment.manage"]});
    let role = tenant.tenant("POST", "api/v1/iam/roles", role).await;
    let base = tenant.world.domain();
    let set = json!({"label": "One app", "description": "d", "resources": [format!("{base}/api/v1/apps/{app_id}")]});
    let set = tenant.tenant("POST", "api/v1/iam/resource-sets", set).await;
    let custom = json!({"type": "CUSTOM", "role": role["id"], "resource-set": set["id"]});
    tenant.tenant("POST", &format!("api/v1/users/{}/roles", staff[8]), custom).await;
    // 8: a role that a group holds.
    let admins = tenant.group("App admins").await;
    tenant.tenant("PUT", &format!("api/v1/groups/{admins}/users/{}", staff[9]), Value::Null).await;
    tenant.grant(&format!("groups/{admins}"), "APP_ADMIN").await;
    // 9: an owner, 10: a group that is an owner.
    let own = |id: &str, kind: &str| json!({"id": id, "type": kind});
    tenant.tenant("POST", &format!("api/v1/groups/{sales}/owners"), own(&staff[10], "USER")).await;
    let leads = tenant.group("Sales leads").await;
    tenant.tenant("PUT", &format!("api/v1/groups/{leads}/users/{}", staff[11]), Value::Null).await;
    tenant.tenant("POST", &format!("api/v1/groups/{sales}/owners"), own(&leads, "GROUP")).await;
    // 11: a suspended admin. 12: the OAuth client, a super admin, is nobody who could be asked.
    tenant.grant(&format!("users/{}", staff[12]), "SUPER_ADMIN").await;
    tenant.tenant("POST", &format!("api/v1/users/{}/lifecycle/suspend", staff[12]), Value::Null).await;
    tenant.grant(&format!("users/{}", staff[13]), "ORG_ADMIN").await;
    tenant.grant(&format!("users/{}", staff[14]), "HELP_DESK_ADMIN").await;
    Places { sales, admins, leads }
}

#[tokio::test]
async fn twelve_constellations_give_exactly_the_expected_granters_with_the_right_reasons() {
    let tenant = Tenant::of(quiet()).await;
    let staff = tenant.staff().await;
    let owner: Vec<_> = ids(&tenant.all("people?admin=SUPER_ADMIN").await).into_iter().collect();
    let apps = tenant.all("apps?status=ACTIVE").await;
    let app = apps.iter().rfind(|app| app["okta_owned"] == false).expect("an app").clone();
    let other = apps.iter().find(|it| it["okta_owned"] == false && it["name"] != app["name"]).expect("another app");
    let app_id = text(&app, "id");
    for group in
        tenant.tenant("GET", &format!("api/v1/apps/{app_id}/groups"), Value::Null).await.as_array().expect("groups")
    {
        tenant.tenant("DELETE", &format!("api/v1/apps/{app_id}/groups/{}", text(group, "id")), Value::Null).await;
    }
    let Places { sales, admins, leads } = appoint(&tenant, &staff, &app, other).await;

    tenant.sync("full").await;
    let expected = |kinds: &[(&str, &str)]| -> BTreeMap<String, Vec<String>> {
        kinds.iter().map(|(id, kind)| ((*id).to_owned(), vec![(*kind).to_owned()])).collect()
    };
    let of_app = tenant.granters(&format!("apps/{app_id}")).await;
    assert_eq!(
        of_app,
        expected(&[
            (&owner[0], "super_admin"),
            (&staff[0], "super_admin"),
            (&staff[1], "app_admin"),
            (&staff[2], "app_admin"),
            (&staff[3], "app_admin"),
            (&staff[5], "group_admin"),
            (&staff[6], "group_admin"),
            (&staff[8], "custom_role"),
            (&staff[9], "app_admin"),
            (&staff[10], "group_owner"),
            (&staff[11], "group_owner"),
            (&staff[13], "org_admin"),
        ])
    );
    let of_group = tenant.granters(&format!("groups/{sales}")).await;
    assert_eq!(
        of_group,
        expected(&[
            (&owner[0], "super_admin"),
            (&staff[0], "super_admin"),
            (&staff[5], "group_admin"),
            (&staff[6], "group_admin"),
            (&staff[10], "group_owner"),
            (&staff[11], "group_owner"),
            (&staff[13], "org_admin"),
        ])
    );
    // Only super administrators change who is in a group that holds a role.
    let of_admins = tenant.granters(&format!("groups/{admins}")).await;
    assert_eq!(of_admins, expected(&[(&owner[0], "super_admin"), (&staff[0], "super_admin")]));

    let reason = |granters: &[Value], id: &str| {
        let granter = granters.iter().find(|granter| granter["user"]["id"] == id).expect("a granter");
        granter["reasons"][0].clone()
    };
    let granters = tenant.all(&format!("apps/{app_id}/granters")).await;
    let typed = reason(&granters, &staff[2]);
    assert_eq!((&typed["target"]["type"], &typed["target"]["id"]), (&json!("integration"), &app["name"]), "{typed:#}");
    assert_eq!(reason(&granters, &staff[3])["target"]["id"], app["id"]);
    assert_eq!(reason(&granters, &staff[8])["target"]["name"], "One app");
    assert_eq!(reason(&granters, &staff[8])["role"]["label"], "Assigner");
    let by_group = reason(&granters, &staff[9]);
    assert_eq!(by_group["group"]["name"], "App admins");
    let sentence = text(&by_group, "text");
    assert!(sentence.contains(", as a member of App admins, holds the role"), "{sentence}");
    let owned = reason(&granters, &staff[11]);
    assert_eq!((&owned["group"]["id"], &owned["role"]), (&json!(sales), &Value::Null), "{owned:#}");

    let held = tenant.all(&format!("users/{}/admin-roles", staff[9])).await;
    assert_eq!((&held[0]["via_group"]["name"], &held[0]["role"]["type"]), (&json!("App admins"), &json!("APP_ADMIN")));
    let owners = tenant.all(&format!("groups/{sales}/owners")).await;
    assert_eq!(ids(&owners), BTreeSet::from([staff[10].clone(), leads.clone()]), "{owners:#?}");
    assert_eq!(ids(&tenant.all("people?owner=true").await), BTreeSet::from([staff[10].clone(), staff[11].clone()]));
    let app_admins = ids(&tenant.all("people?admin=APP_ADMIN").await);
    assert_eq!(app_admins, [1, 2, 3, 4, 9].map(|at| staff[at].clone()).into());
    let admins = tenant.all("admins").await;
    let client = admins.iter().find(|admin| admin["principal"]["type"] == "CLIENT").expect("the client");
    assert_eq!(client["principal"]["id"], tenant.world.simulator.credentials().client_id);
    let findings = tenant.all("findings").await;
    let inactive = findings.iter().find(|finding| finding["kind"] == "admin_inactive").expect("a finding");
    assert_eq!(inactive["user"], staff[12]);
}

#[tokio::test]
async fn an_unchanged_tenant_costs_no_writes_and_no_more_requests_than_there_are_admins_and_owned_groups() {
    let tenant = Tenant::of(okta_simulator::Config { access: true, users: 300, groups: 40, ..quiet() }).await;
    tenant.sync("verify").await;
    let held = tenant.all("admins").await;
    let others = held.iter().filter(|admin| admin["principal"]["type"] != "USER");
    let mut admins: BTreeSet<_> = others.map(|admin| text(&admin["principal"], "id").to_owned()).collect();
    admins.extend(ids(&tenant.all("people?admin=true").await));
    let mut owned = 0;
    for group in tenant.all("groups").await {
        owned += usize::from(!tenant.all(&format!("groups/{}/owners", text(&group, "id"))).await.is_empty());
    }
    assert!(admins.len() > 5 && owned > 0, "{admins:?}, {owned} groups with owners");
    let before = asked(&tenant.world);
    let sync = tenant.sync("full").await;
    // One page of the assignees and of the rules, and three requests for the custom role and its resource set.
    let most = admins.len() + owned + 5;
    assert!(asked(&tenant.world) - before <= most, "{} requests, at most {most}", asked(&tenant.world) - before);
    for stream in ["admins", "owners", "group_rules"] {
        let counts = &sync["progress"][stream];
        let moved: Vec<_> = ["added", "changed", "removed"].iter().map(|it| counts[it].as_u64()).collect();
        assert_eq!(moved, [Some(0); 3], "{stream} {counts}");
        assert_eq!(sync["streams"][stream]["complete"], true, "{sync:#}");
    }
    let before = asked(&tenant.world);
    tenant.sync("incremental").await;
    assert_eq!(asked(&tenant.world), before, "nothing has changed");
}

#[tokio::test]
async fn an_incremental_sync_follows_the_events_that_change_who_may_what() {
    let tenant = Tenant::of(quiet()).await;
    let staff = tenant.staff().await;
    tenant.sync("full").await;
    let group = tenant.group("Night shift").await;
    tenant.sync("incremental").await;

    let assignment = tenant.grant(&format!("users/{}", staff[0]), "ORG_ADMIN").await;
    tenant.grant(&format!("groups/{group}"), "READ_ONLY_ADMIN").await;
    let other = tenant.group("Owned").await;
    let owner = json!({"id": staff[1], "type": "USER"});
    tenant.tenant("POST", &format!("api/v1/groups/{other}/owners"), owner).await;
    let rule = json!({
        "type": "group_rule", "name": "All engineers",
        "conditions": {"expression": {"type": "urn:okta:expression:1.0", "value": "user.department==\"Engineering\""}},
        "actions": {"assignUserToGroups": {"groupIds": [other]}},
    });
    let rule = tenant.tenant("POST", "api/v1/groups/rules", rule).await;
    tenant.tenant("POST", &format!("api/v1/groups/rules/{}/lifecycle/activate", text(&rule, "id")), Value::Null).await;
    let before = asked(&tenant.world);
    tenant.sync("incremental").await;
    assert!(asked(&tenant.world) - before <= 5, "{} requests", asked(&tenant.world) - before);
    let holders = |admins: &[Value]| -> BTreeSet<_> {
        admins.iter().map(|admin| text(&admin["principal"], "id").to_owned()).collect()
    };
    let found = holders(&tenant.all("admins").await);
    assert!(found.contains(&staff[0]) && found.contains(&group), "{found:?}");
    assert_eq!(ids(&tenant.all(&format!("groups/{other}/owners")).await), BTreeSet::from([staff[1].clone()]));

    tenant.tenant("DELETE", &assignment, Value::Null).await;
    tenant.tenant("DELETE", &format!("api/v1/groups/{other}/owners/{}", staff[1]), Value::Null).await;
    tenant.sync("incremental").await;
    let left = holders(&tenant.all("admins").await);
    assert!(!left.contains(&staff[0]) && left.contains(&group), "{left:?}");
    assert!(tenant.all(&format!("groups/{other}/owners")).await.is_empty());
    let known = truth::picture(&tenant).await;
    tenant.sync("verify").await;
    assert_eq!(truth::picture(&tenant).await, known, "as a verifying sync leaves it");
}

#[tokio::test]
async fn a_custom_role_that_changes_changes_who_can_grant() {
    let tenant = Tenant::of(quiet()).await;
    let staff = tenant.staff().await;
    let group = tenant.group("Night shift").await;
    let role = json!({"label": "Members", "description": "d", "permissions": ["okta.groups.read"]});
    let role = tenant.tenant("POST", "api/v1/iam/roles", role).await;
    let href = format!("{}/api/v1/groups", tenant.world.domain());
    let set = json!({"label": "Groups", "description": "d", "resources": [format!("{href}/{group}")]});
    let set = tenant.tenant("POST", "api/v1/iam/resource-sets", set).await;
    let custom = json!({"type": "CUSTOM", "role": role["id"], "resource-set": set["id"]});
    tenant.tenant("POST", &format!("api/v1/users/{}/roles", staff[0]), custom).await;
    tenant.sync("full").await;
    let path = format!("groups/{group}");
    assert!(!tenant.granters(&path).await.contains_key(&staff[0]), "reading a group adds no member");
    let permissions = format!("api/v1/iam/roles/{}/permissions/okta.groups.members.manage", text(&role, "id"));
    tenant.tenant("POST", &permissions, Value::Null).await;
    tenant.sync("incremental").await;
    assert_eq!(tenant.granters(&path).await[&staff[0]], ["custom_role"]);
    tenant.tenant("DELETE", &permissions, Value::Null).await;
    tenant.sync("incremental").await;
    assert!(!tenant.granters(&path).await.contains_key(&staff[0]));
}

#[tokio::test]
async fn what_okta_does_not_let_us_read_is_skipped_and_the_rest_goes_on() {
    let tenant = Tenant::of(okta_simulator::Config { access: true, ..quiet() }).await;
    let world = &tenant.world;
    world.sim("PATCH", "app", Some(json!({"role": "READ_ONLY_ADMIN"}))).await;
    world.sim("PATCH", "org", Some(json!({"governance": "feature_missing"}))).await;
    let sync = tenant.sync("verify").await;
    assert_eq!(sync["streams"]["admins"]["skipped"], "role_missing", "{sync:#}");
    assert_eq!(sync["streams"]["owners"]["skipped"], "not_licensed", "{sync:#}");
    for stream in ["users", "groups", "apps", "group_rules"] {
        assert_eq!(sync["streams"][stream]["complete"], true, "{stream} {sync:#}");
    }
    assert!(!tenant.all("people").await.is_empty());
    // Back with the right: read as if for the first time.
    world.sim("PATCH", "app", Some(json!({"role": "SUPER_ADMIN"}))).await;
    world.sim("PATCH", "org", Some(json!({"governance": "licensed"}))).await;
    let sync = tenant.sync("full").await;
    assert!(sync["progress"]["owners"]["added"].as_u64() > Some(0), "{sync:#}");
    assert!(tenant.all("admins").await.len() > 5);
}

#[tokio::test]
async fn a_connection_without_the_scope_reads_everything_else_and_is_not_partial() {
    let world = World::with(quiet()).await;
    let scopes = [
        "okta.users.read",
        "okta.groups.read",
        "okta.apps.read",
        "okta.logs.read",
        "okta.userTypes.read",
        "okta.schemas.read",
    ];
    world.sim("PATCH", "app", Some(json!({"scopes": scopes}))).await;
    let connected = world.connect().await;
    assert!(connected["sync"]["streams"].as_array().expect("streams").contains(&json!("admins")), "on by default");
    let sync = world.finished(text(&connected, "id"), text(&connected, "sync_id")).await;
    assert_eq!((&sync["partial"], &sync["streams"]["admins"]["skipped"]), (&json!(false), &json!("scope_missing")));
    assert_eq!(asked(&world), 0, "Okta is not asked for what it did not grant");
}

#[tokio::test]
async fn who_can_grant_is_what_a_plain_reading_of_the_tenant_says() {
    let campaign = Campaign::start();
    for round in 0..campaign.count(3, 20) {
        let seed = campaign.seed().wrapping_add(round as u64);
        let config = okta_simulator::Config { access: true, users: 80, groups: 16, apps: 8, seed, ..quiet() };
        let tenant = Tenant::of(config).await;
        truth::scramble(&tenant, seed).await;
        tenant.sync("verify").await;
        let read = truth::Truth::read(&tenant).await;
        for app in tenant.all("apps").await {
            let id = text(&app, "id");
            let found: BTreeSet<_> = tenant.granters(&format!("apps/{id}")).await.into_keys().collect();
            assert_eq!(found, read.app_granters(id), "app {id} {} seed {seed}", app["label"]);
        }
        for group in tenant.all("groups").await {
            let id = text(&group, "id");
            let found: BTreeSet<_> = tenant.granters(&format!("groups/{id}")).await.into_keys().collect();
            assert_eq!(found, read.group_granters(id), "group {id} {} seed {seed}", group["name"]);
        }
    }
}

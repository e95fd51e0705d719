//! What a sync makes of a tenant that changes, of half answers, and of a tenant that is busy or away.

mod listings;

use crate::picture::Table;
use crate::process::Ground;
use crate::world::{World, small, text, unlimited};
use it::proxy::Answer;
use jiff::SignedDuration;
use okta_connector::runs;
use okta_connector::synced::{Mode, Phase, Run, RunStatus};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The directory of a world's only connection.
pub struct Synced {
    pub world: World,
    pub path: String,
    pub id: String,
}

impl Synced {
    pub async fn start() -> Self {
        let world = World::with(unlimited()).await;
        let id = world.synced().await;
        Self { path: format!("/v1/connections/{id}"), world, id }
    }

    pub async fn all(&self, list: &str) -> Vec<Value> {
        self.world.all(&format!("{}/{list}", self.path)).await
    }

    pub async fn ids(&self, list: &str) -> BTreeSet<String> {
        self.all(list).await.iter().map(|item| text(item, "id").to_owned()).collect()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.world.api("GET", &format!("{}/{path}", self.path), None).await.expect(200)
    }

    pub async fn sync(&self) -> Value {
        self.world.sync(&self.id, "full").await
    }

    pub async fn okta(&self, method: &str, path: &str, body: Option<Value>) {
        let reply = self.world.tenant(method, &format!("/api/v1/{path}"), body).await;
        assert!(reply.status < 300, "{method} {path}: {:#}", reply.body);
    }

    /// Somebody active who has groups, and one of those groups that may be changed.
    pub async fn member(&self) -> (String, String) {
        let groups = self.all("groups").await;
        let changeable = |id: &str| groups.iter().any(|group| group["id"] == id && group["type"] == "OKTA_GROUP");
        let active = self.ids("users?status=ACTIVE").await;
        let edges = self.all("memberships").await;
        let found = edges
            .iter()
            .rev()
            .find(|edge| changeable(text(edge, "group_id")) && active.contains(text(edge, "user_id")));
        let edge = found.expect("somebody is in a group");
        (text(edge, "user_id").to_owned(), text(edge, "group_id").to_owned())
    }

    /// Groups whose members were asked for since the n-th exchange.
    fn crawled(&self, since: usize) -> Vec<String> {
        let exchanges = self.world.okta.exchanges();
        let paths = exchanges[since..].iter().map(|exchange| exchange.path.clone());
        let groups =
            paths.filter_map(|path| Some(path.strip_prefix("/api/v1/groups/")?.strip_suffix("/users")?.to_owned()));
        groups.collect()
    }
}

/// A fault of users' listings; everything is stored as before, and a person is asked what to make of it.
async fn removes_nothing_until_confirmed(fault: Value) {
    let synced = Synced::start().await;
    let (users, edges) = (synced.ids("users").await, synced.all("memberships").await);
    if fault["fault"] == "role" {
        synced.world.sim("PATCH", "app", Some(json!({"role": null}))).await;
    } else {
        synced.world.sim("POST", "faults", Some(fault.clone())).await;
    }
    let sync = synced.sync().await;
    assert_eq!(sync["status"], "needs_confirmation", "{fault}: {sync:#}");
    assert!(sync["pending_removals"]["users"].as_u64() > Some(25), "{fault}: {sync:#}");
    assert_eq!((synced.ids("users").await, synced.all("memberships").await), (users, edges), "{fault}");
    assert_eq!(synced.all("users?removed=true").await.len(), 0, "{fault}");
}

#[tokio::test]
async fn a_role_that_was_taken_away_removes_nothing_until_confirmed() {
    removes_nothing_until_confirmed(json!({"fault": "role"})).await;
}

#[tokio::test]
async fn an_empty_list_removes_nothing_until_confirmed() {
    removes_nothing_until_confirmed(json!({"fault": "empty_list", "path": "/api/v1/users"})).await;
}

#[tokio::test]
async fn a_sharply_shorter_list_removes_nothing_until_confirmed() {
    removes_nothing_until_confirmed(json!({"fault": "cut_list", "path": "/api/v1/users", "after": 20})).await;
}

#[tokio::test]
async fn a_user_who_is_missing_from_the_list_and_still_there_is_kept() {
    let synced = Synced::start().await;
    let users = synced.ids("users").await;
    synced.world.sim("POST", "faults", Some(json!({"fault": "cut_list", "path": "/api/v1/users", "after": 50}))).await;
    let sync = synced.sync().await;
    assert_eq!((&sync["status"], &sync["progress"]["users"]["removed"]), (&json!("succeeded"), &json!(0)));
    assert_eq!(synced.ids("users").await, users);
}

#[tokio::test]
async fn a_deleted_user_is_asked_for_and_removed_with_their_memberships() {
    let synced = Synced::start().await;
    let (user, _) = synced.member().await;
    for _ in ["deactivated", "deleted"] {
        synced.okta("DELETE", &format!("users/{user}"), None).await;
    }
    let since = synced.world.okta.exchanges().len();
    assert_eq!(synced.sync().await["progress"]["users"]["removed"], 1);
    let asked =
        |path: &str| synced.world.okta.exchanges()[since..].iter().any(|it| it.path == path && it.status == 404);
    assert!(asked(&format!("/api/v1/users/{user}")));
    assert!(!synced.ids("users").await.contains(&user));
    assert!(synced.all("memberships").await.iter().all(|edge| edge["user_id"] != user.as_str()));
    assert!(synced.get(&format!("users/{user}")).await["removed_at"].is_string());
    assert_eq!(synced.ids("users?removed=true").await, BTreeSet::from([user]));
}

#[tokio::test]
async fn a_deactivated_user_stays_and_is_no_longer_among_the_people() {
    let synced = Synced::start().await;
    let (user, group) = synced.member().await;
    synced.okta("POST", &format!("users/{user}/lifecycle/deactivate"), None).await;
    assert_eq!(synced.sync().await["status"], "succeeded");
    assert_eq!(synced.get(&format!("users/{user}")).await["status"], "DEPROVISIONED");
    assert!(synced.ids("users?status=DEPROVISIONED").await.contains(&user));
    assert!(!synced.ids("people").await.contains(&user));
    synced.world.api("GET", &format!("{}/people/{user}", synced.path), None).await.expect(404);
    assert!(!synced.ids(&format!("groups/{group}/members")).await.contains(&user));
    assert_eq!(synced.all(&format!("users/{user}/groups")).await.len(), 0);
}

#[tokio::test]
async fn memberships_follow_and_a_group_that_just_changed_is_read_once_more() {
    let synced = Synced::start().await;
    let (user, group) = synced.member().await;
    let before = synced.get(&format!("groups/{group}")).await["members_count"].as_u64().expect("a count");
    synced.okta("DELETE", &format!("groups/{group}/users/{user}"), None).await;
    let crawled = async || {
        let since = synced.world.okta.exchanges().len();
        assert_eq!(synced.sync().await["status"], "succeeded");
        synced.crawled(since)
    };
    assert_eq!(crawled().await, [group.as_str()], "nothing but the group that moved");
    assert!(!synced.ids(&format!("groups/{group}/members")).await.contains(&user));
    assert_eq!(synced.get(&format!("groups/{group}")).await["members_count"], before - 1);
    assert_eq!(crawled().await, [group.as_str()], "its stamp is too young to be trusted");
    synced.world.sim("POST", "clock", Some(json!({"advance": "70s"}))).await;
    assert_eq!(crawled().await, [group.as_str()], "now it is trusted");
    assert_eq!(crawled().await, [""; 0], "and costs nothing");
}

#[tokio::test]
async fn a_deleted_group_goes_with_its_memberships_and_is_shown_as_removed() {
    let synced = Synced::start().await;
    let (user, group) = synced.member().await;
    synced.okta("DELETE", &format!("groups/{group}"), None).await;
    assert_eq!(synced.sync().await["progress"]["groups"]["removed"], 1);
    assert!(!synced.ids("groups").await.contains(&group));
    assert!(synced.all("memberships").await.iter().all(|edge| edge["group_id"] != group.as_str()));
    assert!(!synced.ids(&format!("users/{user}/groups")).await.contains(&group));
    assert!(synced.get(&format!("groups/{group}")).await["removed_at"].is_string());
}

#[tokio::test]
async fn everyone_holds_all_people_and_its_members_are_never_asked_for() {
    let synced = Synced::start().await;
    let groups = synced.all("groups").await;
    let everyone = groups.iter().find(|group| group["type"] == "BUILT_IN").expect("everyone");
    let id = text(everyone, "id");
    let people = synced.ids("people").await;
    assert_eq!(synced.ids(&format!("groups/{id}/members")).await, people);
    assert_eq!(everyone["members_count"], people.len());
    assert!(!synced.crawled(0).contains(&id.to_owned()));
    let somebody = people.first().expect("somebody");
    assert!(synced.ids(&format!("users/{somebody}/groups")).await.contains(id));
}

#[tokio::test]
async fn neither_built_in_group_is_asked_for_its_members() {
    let synced = Synced::start().await;
    for mode in ["full", "verify", "incremental"] {
        let sync = synced.world.sync(&synced.id, mode).await;
        assert_eq!((&sync["status"], &sync["partial"]), (&json!("succeeded"), &json!(false)), "{mode}: {sync:#}");
    }
    let groups = synced.all("groups").await;
    let built_in: Vec<_> = groups.iter().filter(|group| group["type"] == "BUILT_IN").collect();
    assert!(built_in.iter().all(|group| !synced.crawled(0).contains(&text(group, "id").to_owned())));
    let names: BTreeSet<_> = built_in.iter().map(|group| text(group, "name")).collect();
    assert_eq!(names, BTreeSet::from(["Everyone", "Okta Administrators"]));
    let administrators = built_in.iter().find(|group| group["name"] == "Okta Administrators").expect("the group");
    assert_eq!(administrators["members_count"], Value::Null, "who is in it is not known");
}

#[tokio::test]
async fn lists_are_filtered_and_their_cursors_pass_everything_once() {
    let synced = Synced::start().await;
    let users = synced.all("users").await;
    for list in ["users", "people", "groups", "memberships", "findings"] {
        let whole = synced.all(list).await;
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = synced.get(&format!("{list}?limit=7{cursor}")).await;
            let some = page["items"].as_array().expect("items");
            assert!(some.len() <= 7, "{list}");
            items.extend(some.clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(items, whole, "{list}");
    }
    let one = users.iter().find(|user| user["status"] == "ACTIVE").expect("somebody is active");
    let (id, last) = (text(one, "id").to_owned(), text(&one["profile"], "lastName").to_uppercase());
    assert!(synced.ids(&format!("users?q={}", &last)).await.contains(&id));
    assert_eq!(synced.ids("users?q=zzzz").await.len(), 0);
    let statuses: BTreeSet<_> = users.iter().map(|user| text(user, "status").to_owned()).collect();
    for status in &statuses {
        let wanted = users.iter().filter(|user| user["status"] == status.as_str()).count();
        assert_eq!(synced.ids(&format!("users?status={status}")).await.len(), wanted, "{status}");
    }
    let all = statuses.into_iter().collect::<Vec<_>>().join(",");
    assert_eq!(synced.ids(&format!("users?status={all}")).await.len(), users.len());
}

#[tokio::test]
async fn only_what_was_stored_since_then_is_listed() {
    let synced = Synced::start().await;
    let users = synced.all("users").await;
    let newest = users.iter().map(|user| text(user, "synced_at")).max().expect("somebody").to_owned();
    let (user, _) = synced.member().await;
    let body = json!({"profile": {"title": "Keeper"}});
    synced.okta("POST", &format!("users/{user}"), Some(body)).await;
    assert_eq!(synced.sync().await["progress"]["users"]["changed"], 1);
    let since: BTreeSet<_> = synced.ids(&format!("users?updated_since={newest}")).await;
    assert!(since.contains(&user));
    let stamp = text(&synced.get(&format!("users/{user}")).await, "synced_at").to_owned();
    assert_eq!(synced.ids(&format!("users?updated_since={stamp}")).await, BTreeSet::from([user.clone()]));
    assert_eq!(synced.ids("people?title=KEEPER").await, BTreeSet::from([user]));
}

#[tokio::test]
async fn a_second_sync_waits_for_the_first_which_can_be_cancelled() {
    let synced = Synced::start().await;
    synced.world.sim("POST", "faults", Some(json!({"fault": "latency", "ms": 300, "path": "/api/v1"}))).await;
    let path = format!("{}/syncs", synced.path);
    let first = synced.world.api("POST", &path, Some(json!({}))).await.expect(202);
    let second = synced.world.api("POST", &path, Some(json!({"mode": "full"}))).await;
    assert_eq!((second.status, second.problem()), (409, "sync-running"));
    assert_eq!(second.body["sync_id"], first["id"]);
    let cancel = format!("{path}/{}/cancel", text(&first, "id"));
    synced.world.api("POST", &cancel, None).await.expect(202);
    let ended = synced.world.finished(&synced.id, text(&first, "id")).await;
    assert_eq!(ended["status"], "cancelled");
    assert_eq!(synced.world.api("POST", &cancel, None).await.problem(), "wrong-state");
    assert_eq!(synced.all("users").await.len(), 60, "what was stored stays");
}

/// A small tenant, read in pages of 25.
async fn ground() -> Ground {
    let ground = Ground::with(small()).await;
    ground.okta.rewrite(|target| *target = target.replace("limit=200", "limit=25"));
    ground
}

async fn assert_equal_to_the_tenant(ground: &Ground) {
    let (picture, wanted) = (Table::read(ground).await.picture(ground).await, ground.tenant().picture().await);
    assert_eq!(picture, wanted);
}

fn assert_status(run: &Run, status: RunStatus) {
    assert_eq!(run.status, status, "{:?}", run.error);
}

pub fn okta_answer(status: u16, headers: &[(&str, &str)], body: &Value) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    (status, headers, body.to_string().into_bytes())
}

#[tokio::test]
async fn an_incremental_sync_before_any_success_is_a_full_one() {
    let ground = ground().await;
    let run = ground.sync(Mode::Incremental).await;
    assert_eq!((run.mode, run.requested_mode), (Mode::Full, Some(Mode::Incremental)));
    assert_equal_to_the_tenant(&ground).await;
}

#[tokio::test]
async fn a_busy_tenant_is_waited_for_and_never_answers_429() {
    let config = okta_simulator::Config { rate_limit: Some(24), apps: 4, ..small() };
    let ground = Ground::with(config).await;
    ground.okta.rewrite(|target| *target = target.replace("limit=200", "limit=25").replace("limit=1000", "limit=10"));
    assert_status(&ground.sync(Mode::Full).await, RunStatus::Succeeded);
    let stats = ground.tenant().call("GET", "/_sim/stats", None).await.0;
    assert!(ground.clock.moved().as_secs() > 60, "it waited");
    assert_eq!(stats["rate_limited"], 0);
    assert_equal_to_the_tenant(&ground).await;
}

#[tokio::test]
async fn a_tenant_that_stays_away_ends_the_sync_with_a_reason_and_loses_nothing() {
    let ground = ground().await;
    assert_status(&ground.sync(Mode::Full).await, RunStatus::Succeeded);
    let fault = json!({"fault": "status", "status": 500, "path": "/api/v1/"});
    ground.tenant().door("POST", "faults", fault).await;
    let run = ground.sync(Mode::Full).await;
    assert_status(&run, RunStatus::Failed);
    let error = run.error.expect("a reason");
    assert_eq!(error["type"], "urn:okta-connector:problem:okta-unavailable", "{error:#}");
    ground.tenant().call("DELETE", "/_sim/faults", None).await;
    assert_equal_to_the_tenant(&ground).await;
    assert_status(&ground.sync(Mode::Full).await, RunStatus::Succeeded);
}

#[tokio::test]
async fn a_failure_while_missing_groups_are_asked_for_counts_nothing_twice() {
    let ground = ground().await;
    assert_status(&ground.sync(Mode::Full).await, RunStatus::Succeeded);
    let tenant = ground.tenant();
    let groups: Vec<_> = tenant.groups().await.into_iter().filter(|group| group["type"] == "OKTA_GROUP").collect();
    let gone: Vec<_> = groups.iter().take(2).map(|group| text(group, "id").to_owned()).collect();
    for id in &gone {
        tenant.change("DELETE", &format!("/api/v1/groups/{id}"), None).await;
    }
    // Of whom they had in an app, their groups are told a day later.
    ground.clock.advance(SignedDuration::from_hours(24));
    tenant.door("POST", "clock", json!({"advance": "24h"})).await;
    let asked = AtomicUsize::new(0);
    // Whichever is asked for second is refused twice.
    ground.okta.intercept(move |exchange| {
        let one = gone.iter().any(|id| exchange.path == format!("/api/v1/groups/{id}"));
        let fails = one && matches!(asked.fetch_add(1, Ordering::SeqCst), 1 | 3);
        fails.then(|| okta_answer(500, &[], &json!({})))
    });
    let run = ground.sync(Mode::Full).await;
    assert_status(&run, RunStatus::Succeeded);
    assert_eq!(run.progress[&Phase::Groups].removed, 2);
    assert_equal_to_the_tenant(&ground).await;
}

#[tokio::test]
async fn a_cancelled_run_stops_before_its_next_page() {
    let ground = ground().await;
    let run = ground.begin(Mode::Full).await;
    let process = ground.lasting().await;
    runs::cancel(&process.app, &ground.connection.id, &run).await.expect("a wish");
    process.drive(&run).await.expect("nothing kills it");
    assert_status(&ground.run(&run).await, RunStatus::Cancelled);
    assert_eq!(Table::read(&ground).await.count("U#"), 0);
}

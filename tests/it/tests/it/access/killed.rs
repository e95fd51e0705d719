//! Killed at any outbound call and resumed, a sync leaves the roles, owners and rules that an undisturbed one leaves.

use crate::process::Ground;
use crate::world::{quiet, text};
use it::campaign::Campaign;
use it::proxy::{KillSwitch, When};
use jiff::SignedDuration;
use okta_connector::synced::access::{Admin, CustomRole, GroupRule, Owned, ResourceSet, records};
use okta_connector::synced::{Mode, RunStatus};
use serde_json::json;

/// A tenant with administrators, owners and rules, and a connection that reads them.
async fn ground() -> Ground {
    let config = okta_simulator::Config { access: true, users: 40, groups: 14, apps: 4, ..quiet() };
    let mut ground = Ground::with(config).await;
    ground.connection.auth.scopes.insert("okta.roles.read".to_owned());
    let streams = json!({"full": null, "incremental": null, "verify": null, "streams": super::STREAMS});
    ground.connection.settings.sync = serde_json::from_value(streams).expect("settings");
    ground.renew().await;
    ground
}

/// All that is stored of them.
async fn stored(ground: &Ground) -> String {
    let process = ground.lasting().await;
    let (store, id) = (&process.app.store, &ground.connection.id);
    let admins = records::<Admin>(store, id).await.expect("admins");
    let roles = records::<CustomRole>(store, id).await.expect("custom roles");
    let sets = records::<ResourceSet>(store, id).await.expect("resource sets");
    let owned = records::<Owned>(store, id).await.expect("owners");
    let rules = records::<GroupRule>(store, id).await.expect("rules");
    assert!(admins.len() > 4 && roles.len() == 1 && sets.len() == 1 && !owned.is_empty() && !rules.is_empty());
    format!("{admins:#?} {roles:#?} {sets:#?} {owned:#?} {rules:#?}")
}

/// Kills a run at calls of it, resumes it, and compares what it leaves.
async fn kill_at_each(ground: &mut Ground, mode: Mode) {
    let campaign = Campaign::start();
    let before = ground.snapshot();
    let run = ground.begin(mode).await;
    let calls = ground.count(&run).await;
    assert_eq!(ground.run(&run).await.status, RunStatus::Succeeded);
    let wanted = stored(ground).await;
    ground.renew_from(&before).await;
    let run = ground.begin(mode).await;
    for (place, (point, left)) in ground.kept_at(&run, &campaign.points(calls)).await.iter().enumerate() {
        ground.renew_from(left).await;
        if place % 5 == 3 {
            let gate = KillSwitch::new(1 + place * 31 % 47, When::Before);
            let _ended_or_died = ground.process(&gate).await.drive(&run).await;
        }
        ground.lasting().await.drive(&run).await.expect("nothing kills it");
        assert_eq!(ground.run(&run).await.status, RunStatus::Succeeded, "{point:?}");
        assert_eq!(stored(ground).await, wanted, "{mode:?} {point:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_first_sync_that_is_killed_reads_all_roles_owners_and_rules() {
    let mut ground = ground().await;
    kill_at_each(&mut ground, Mode::Full).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn an_incremental_sync_that_is_killed_follows_every_event() {
    let mut ground = ground().await;
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    let tenant = ground.tenant();
    let users = tenant.all("/api/v1/users?limit=200").await;
    let id = |place: usize| text(&users[place], "id").to_owned();
    for (place, role) in [(12, "APP_ADMIN"), (13, "USER_ADMIN")] {
        let path = format!("/api/v1/users/{}/roles", id(place));
        tenant.change("POST", &path, Some(json!({"type": role}))).await;
    }
    let groups = tenant.groups().await;
    let group = groups.iter().rfind(|group| group["type"] == "OKTA_GROUP").expect("a group");
    let owners = format!("/api/v1/groups/{}/owners", text(group, "id"));
    tenant.change("POST", &owners, Some(json!({"type": "USER", "id": id(14)}))).await;
    let rules = tenant.all("/api/v1/groups/rules").await;
    let active = rules.iter().find(|rule| rule["status"] == "ACTIVE").expect("a rule");
    let rule = format!("/api/v1/groups/rules/{}/lifecycle/deactivate", text(active, "id"));
    tenant.change("POST", &rule, None).await;
    tenant.door("POST", "clock", json!({"advance": "30s"})).await;
    ground.clock.advance(SignedDuration::from_secs(30));
    let before = stored(&ground).await;
    kill_at_each(&mut ground, Mode::Incremental).await;
    assert_ne!(stored(&ground).await, before);
}

//! People: who manages whom, whatever their profiles say, and how they are found.

use crate::world::{Reply, World, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A tenant whose people a test has dressed, and the service.
pub struct Company {
    pub world: World,
    /// Okta's ids of people, of whom nobody manages anybody else.
    pub staff: Vec<String>,
    pub path: String,
    pub id: String,
}

impl Company {
    /// Nothing is connected yet, so that the first sync finds people as they were dressed.
    pub async fn open() -> Self {
        let world = World::start().await;
        let users = world.tenant("GET", "/api/v1/users?limit=200", None).await.expect(200);
        // The first tenth of a simulated tenant manages the rest.
        let staff = users.as_array().expect("users").iter().skip(20).map(|user| text(user, "id").to_owned()).collect();
        Self { world, staff, path: String::new(), id: String::new() }
    }

    /// Changes somebody's profile in the tenant.
    pub async fn dress(&self, user: &str, profile: Value) {
        let reply =
            self.world.tenant("POST", &format!("/api/v1/users/{user}"), Some(json!({"profile": profile}))).await;
        assert_eq!(reply.status, 200, "{:#}", reply.body);
    }

    /// Connects and reads it all.
    pub async fn synced(&mut self) {
        self.id = self.world.synced().await;
        self.path = format!("/v1/connections/{}", self.id);
    }

    pub async fn sync(&self) -> Value {
        let sync = self.world.sync(&self.id, "full").await;
        assert_eq!(sync["status"], "succeeded", "{sync:#}");
        sync
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.world.api("GET", &format!("{}/{path}", self.path), None).await
    }

    pub async fn all(&self, list: &str) -> Vec<Value> {
        self.world.all(&format!("{}/{list}", self.path)).await
    }

    pub async fn ids(&self, list: &str) -> BTreeSet<String> {
        self.all(list).await.iter().map(|item| text(item, "id").to_owned()).collect()
    }

    /// The kinds of findings about somebody.
    async fn findings(&self, user: &str) -> Vec<Value> {
        let findings = self.all("findings").await;
        findings.into_iter().filter(|it| it["user"] == user).map(|it| it["kind"].clone()).collect()
    }
}

/// An id alone as a set.
fn only(id: &str) -> BTreeSet<String> {
    BTreeSet::from([id.to_owned()])
}

#[tokio::test]
async fn a_manager_is_named_in_any_way_and_chains_lead_up() {
    let mut company = Company::open().await;
    let [boss, a, b, c, d] = &company.staff[..5] else { panic!("people") };
    company.dress(boss, json!({"managerId": null, "employeeNumber": "X-77", "email": "the.boss@mail.example"})).await;
    let login = company.world.tenant("GET", &format!("/api/v1/users/{boss}"), None).await.expect(200);
    let login = text(&login["profile"], "login").to_uppercase();
    for (user, name) in [(a, boss.as_str()), (b, &login), (c, " x-77 "), (d, "The.Boss@mail.example")] {
        company.dress(user, json!({"managerId": name})).await;
    }
    company.dress(&company.staff[5], json!({"managerId": d})).await;
    let (boss, reports, last) = (boss.clone(), [a, b, c, d].map(String::clone), company.staff[5].clone());
    company.synced().await;
    assert_eq!(company.ids(&format!("people?manager={boss}")).await, BTreeSet::from(reports.clone()));
    assert_eq!(company.ids(&format!("people?manager={login}")).await, BTreeSet::from(reports.clone()));
    let told = company.get(&format!("people/{boss}")).await.expect(200);
    assert_eq!((&told["reports_count"], &told["all_reports_count"]), (&json!(4), &json!(5)));
    assert_eq!((&told["manager"], &told["reports"]["total"]), (&Value::Null, &json!(4)));
    let told = company.get(&format!("people/{last}")).await.expect(200);
    let chain: Vec<_> = told["manager_chain"].as_array().expect("a chain").iter().map(|it| text(it, "id")).collect();
    assert_eq!(chain, [reports[3].as_str(), boss.as_str()]);
}

#[tokio::test]
async fn whoever_left_manages_nobody_and_is_a_finding() {
    let mut company = Company::open().await;
    let [left, gone, a, b] = &company.staff[..4] else { panic!("people") };
    for (user, manager) in [(a, left), (b, gone)] {
        company.dress(user, json!({"managerId": manager})).await;
    }
    let (left, gone, reports) = (left.clone(), gone.clone(), [a.clone(), b.clone()]);
    company.synced().await;
    for report in &reports {
        assert!(company.get(&format!("people/{report}")).await.expect(200)["manager"].is_object());
        assert_eq!(company.findings(report).await, [Value::Null; 0]);
    }
    for (user, times) in [(&left, 1), (&gone, 2)] {
        for _ in 0..times {
            company.world.tenant("DELETE", &format!("/api/v1/users/{user}"), None).await;
        }
    }
    company.sync().await;
    for report in &reports {
        let told = company.get(&format!("people/{report}")).await.expect(200);
        assert_eq!((&told["manager"], &told["manager_chain"]), (&Value::Null, &json!([])));
        assert_eq!(company.findings(report).await, ["manager_dangling"]);
    }
}

#[tokio::test]
async fn a_manager_of_ten_kilobytes_is_a_finding_and_breaks_nothing() {
    let mut company = Company::open().await;
    let (user, own) = (company.staff[0].clone(), company.staff[1].clone());
    company.dress(&user, json!({"managerId": "é".repeat(5_000)})).await;
    company.dress(&own, json!({"managerId": own})).await;
    company.synced().await;
    assert_eq!(company.findings(&user).await, ["manager_dangling"]);
    assert_eq!(company.findings(&own).await, ["manager_cycle"]);
    let told = company.get(&format!("people/{user}")).await.expect(200);
    assert_eq!((&told["manager"], told["profile"]["managerId"].as_str().map(str::len)), (&Value::Null, Some(10_000)));
    let told = company.get(&format!("people/{own}")).await.expect(200);
    assert_eq!((&told["manager"]["id"], &told["manager_chain"]), (&json!(own), &json!([])));
    let kinds: Vec<_> = company.all("findings").await.iter().map(|it| it["kind"].clone()).collect();
    let count = |kind: &str| kinds.iter().filter(|it| *it == kind).count();
    assert_eq!((count("manager_cycle"), count("manager_dangling"), kinds.len()), (3, 2, 5), "those of the tenant, too");
}

#[tokio::test]
async fn people_are_found_whatever_their_case_and_accents() {
    let mut company = Company::open().await;
    let user = company.staff[0].clone();
    let profile = json!({"displayName": "Zoë Żółć-Ångström", "title": "Leiter Qualität", "department": "Forschung"});
    company.dress(&user, profile).await;
    company.synced().await;
    for query in [
        "q=ZOLC",
        "q=angstr",
        "title=LEITER%20QUALITAT",
        "title=Leit",
        "title=qual",
        "title=%22leiter+qualitat%22",
        "department=forschung&title=leiter+qualität",
    ] {
        assert_eq!(company.ids(&format!("people?{query}")).await, only(&user), "{query}");
    }
    for query in [
        "q=oë",
        "title=eiter",
        "title=%22Leiter%22",
        "manager=nobody@example.com",
        "location=loc_1",
        "department=%22forschun%22",
    ] {
        assert_eq!(company.ids(&format!("people?{query}")).await, BTreeSet::new(), "{query}");
    }
}

#[tokio::test]
async fn other_attributes_count_from_the_next_sync_on() {
    let mut company = Company::open().await;
    let [boss, user] = &company.staff[..2] else { panic!("people") };
    let (boss, user) = (boss.clone(), user.clone());
    company.dress(&user, json!({"organization": boss, "officeLocation": "The Attic"})).await;
    company.synced().await;
    let change = json!({"attributes": {"manager": "organization", "location": ["officeLocation"]}});
    company.world.api("PATCH", &company.path, Some(change)).await.expect(200);
    company.sync().await;
    let told = company.get(&format!("people/{user}")).await.expect(200);
    assert_eq!((&told["manager"]["id"], &told["location"]["name"]), (&json!(boss), &json!("The Attic")));
}

//! Locations: spellings of one place are one, and its people are found by it.

use crate::people::Company;
use crate::world::{World, text};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A company of which three work in Gotham, which they spell in three ways.
async fn company() -> Company {
    let mut company = Company::open().await;
    for (user, city, code) in [(0, "Gotham", "DE"), (1, " GOTHAM ,", "de"), (2, "Gótham", "De"), (3, "Gotham", "US")] {
        let profile = json!({"city": city, "countryCode": code, "state": null});
        company.dress(&company.staff[user], profile).await;
    }
    company.synced().await;
    company
}

/// The location of somebody.
async fn location(company: &Company, user: usize) -> Value {
    company.get(&format!("people/{}", company.staff[user])).await.expect(200)["location"].clone()
}

#[tokio::test]
async fn spellings_of_a_place_are_one_location_and_its_people_are_found() {
    let company = company().await;
    let gotham = location(&company, 0).await;
    assert_eq!((location(&company, 1).await, location(&company, 2).await), (gotham.clone(), gotham.clone()));
    assert_ne!(location(&company, 3).await["id"], gotham["id"]);
    let id = text(&gotham, "id");
    let told = company.get(&format!("locations/{id}")).await.expect(200);
    let expected = json!({
        "id": id, "name": "GOTHAM, Germany", "street_address": null, "city": "GOTHAM", "state": null,
        "postal_code": null, "country_code": "DE", "people_count": 3,
    });
    assert_eq!((&told, &gotham["name"]), (&expected, &expected["name"]));
    let there = BTreeSet::from([0, 1, 2].map(|user| company.staff[user].clone()));
    assert_eq!(company.ids(&format!("people?location={id}")).await, there);
    assert_eq!(company.ids(&format!("locations/{id}/people")).await, there);
    assert_eq!(company.all("locations").await.iter().filter(|it| it["id"] == id).collect::<Vec<_>>(), [&expected]);
}

#[tokio::test]
async fn every_location_counts_its_people_and_the_connection_counts_locations() {
    let company = company().await;
    let locations = company.all("locations").await;
    let mut people = BTreeMap::<_, u64>::new();
    for person in company.all("people").await {
        *people.entry(person["location"]["id"].as_str().map(str::to_owned)).or_default() += 1;
    }
    let nowhere = people.remove(&None).unwrap_or_default();
    assert!(nowhere > 0 && people.values().sum::<u64>() + nowhere > 40, "some have no address");
    let counted = locations.iter().map(|it| (Some(text(it, "id").to_owned()), it["people_count"].as_u64().expect("n")));
    assert_eq!(counted.collect::<BTreeMap<_, _>>(), people);
    let names: Vec<_> = locations.iter().map(|it| text(it, "name").to_lowercase()).collect();
    assert!(names.iter().collect::<BTreeSet<_>>().len() == names.len(), "{names:?}");
    let connection = company.world.api("GET", &company.path, None).await.expect(200);
    assert_eq!(connection["counts"]["locations"], locations.len());
    let sync = company.all("syncs").await.remove(0);
    let all = locations.len();
    assert_eq!(sync["progress"]["locations"], json!({"seen": all, "added": all, "changed": 0, "removed": 0}));
}

#[tokio::test]
async fn whoever_moves_changes_two_locations_and_the_last_to_leave_takes_one_along() {
    let company = company().await;
    let progress = async || company.sync().await["progress"]["locations"].clone();
    let all = company.all("locations").await.len();
    assert_eq!(progress().await, json!({"seen": all, "added": 0, "changed": 0, "removed": 0}));
    company.dress(&company.staff[3], json!({"countryCode": "DE"})).await;
    assert_eq!(progress().await, json!({"seen": all - 1, "added": 0, "changed": 1, "removed": 1}));
    assert_eq!(location(&company, 3).await, location(&company, 0).await);
    assert_eq!(location(&company, 0).await["name"], "Gotham, Germany", "now two spell it so");
    company.dress(&company.staff[3], json!({"city": "Metropolis"})).await;
    assert_eq!(progress().await, json!({"seen": all, "added": 1, "changed": 1, "removed": 0}));
}

#[tokio::test]
async fn locations_are_paged_and_another_ones_id_is_not_found() {
    let company = company().await;
    let whole = company.all("locations").await;
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = company.get(&format!("locations?limit=2{cursor}")).await.expect(200);
        items.extend(page["items"].as_array().expect("items").clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(items, whole);
    for path in ["locations/loc_0", "locations/loc_0/people", "locations/x%2Fy", "locations/00u1"] {
        assert_eq!(company.get(path).await.status, 404, "{path}");
    }
    assert_eq!(company.get("locations?q=x").await.status, 400);
}

#[tokio::test]
async fn without_the_stream_there_are_no_locations() {
    let world = World::start().await;
    let pending = world.pending_with(json!({"sync": {"streams": ["users"]}})).await;
    let id = text(&pending, "id").to_owned();
    world.sim("PATCH", "app", Some(json!({"jwks_uri": pending["public_key_url"]}))).await;
    let connected = world.put_auth(&id, world.app_auth()).await.expect(200);
    let sync = world.finished(&id, text(&connected, "sync_id")).await;
    assert_eq!((&sync["status"], &sync["progress"]["locations"]), (&json!("succeeded"), &Value::Null));
    let path = format!("/v1/connections/{id}");
    assert_eq!(world.all(&format!("{path}/locations")).await, [Value::Null; 0]);
    assert!(world.all(&format!("{path}/people")).await.iter().all(|person| person["location"].is_null()));
    assert_eq!(world.api("GET", &path, None).await.expect(200)["counts"]["locations"], 0);
    let change = json!({"sync": {"streams": ["users", "locations"]}});
    world.api("PATCH", &path, Some(change)).await.expect(200);
    let known = world.all(&format!("{path}/locations")).await.len();
    assert!(known > 0, "what profiles say is known already");
    world.sync(&id, "full").await;
    assert_eq!(world.api("GET", &path, None).await.expect(200)["counts"]["locations"], known);
}

#[tokio::test]
async fn locations_are_counted_again_after_an_incremental_sync_moved_somebody() {
    let company = company().await;
    company.dress(&company.staff[3], json!({"city": "Metropolis"})).await;
    // Okta's search follows a second later.
    company.world.sim("POST", "clock", Some(json!({"advance": "5s"}))).await;
    let moved = company.world.sync(&company.id, "incremental").await;
    assert_eq!(moved["progress"]["users"]["changed"], 1, "{moved:#}");
    let all = company.all("locations").await.len();
    company.sync().await;
    assert_eq!(company.world.api("GET", &company.path, None).await.expect(200)["counts"]["locations"], all);
}

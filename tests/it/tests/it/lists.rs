//! What every list of the directory can be asked for, and the search over all of them.

use crate::people::Company;
use crate::world::{World, text, unlimited};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn a_filter_holds_for_any_attribute_that_a_list_shows() {
    let mut company = Company::open().await;
    let user = company.staff[0].clone();
    let profile = json!({"title": "Finance Approver", "costCenter": "CC-7", "officeLocation": "EMEA"});
    company.dress(&user, profile).await;
    company.synced().await;
    let login = text(&company.get(&format!("people/{user}")).await.expect(200), "login").to_owned();
    let only = BTreeSet::from([user.clone()]);
    for (list, filter) in [
        ("people", r#"title eq "finance approver""#.to_owned()),
        ("people", r#"cost_center eq "CC-7""#.to_owned()),
        ("people", r#"custom.officeLocation sw "em" and not (title co "sales")"#.to_owned()),
        ("people", format!("login eq \"{login}\" and custom.officeLocation pr")),
        ("users", r#"profile.officeLocation eq "EMEA""#.to_owned()),
        ("users", format!("id eq \"{user}\"")),
    ] {
        assert_eq!(company.ids(&format!("{list}?filter={}", segment(&filter))).await, only, "{list}: {filter}");
    }
    let built_in = company.ids(&format!("groups?filter={}", segment(r#"type eq "BUILT_IN""#))).await;
    assert!(!built_in.is_empty() && built_in.len() < company.ids("groups").await.len());
    let owned = company.all(&format!("apps?filter={}", segment("okta_owned eq true"))).await;
    assert!(!owned.is_empty() && owned.iter().all(|app| app["okta_owned"] == true));
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_says_where_and_what_to_write() {
    let mut company = Company::open().await;
    company.synced().await;
    for (filter, said) in [
        ("titel eq \"x\"", "at character 1: `titel` is no attribute of people"),
        ("title eq x", "at character 10: `x` is no value"),
        ("", "a condition is missing: write one, as in department eq \"Sales\""),
    ] {
        let reply = company.get(&format!("people?filter={}", segment(filter))).await;
        assert_eq!((reply.status, reply.problem()), (400, "bad-request"), "{filter}");
        let detail = text(&reply.body, "detail");
        assert!(detail.contains("'filter'") && detail.contains(said), "{detail}");
    }
    let reply = company.get("users?removed=true&sort=name").await;
    assert_eq!((reply.status, reply.problem()), (400, "bad-request"));
}

#[tokio::test]
async fn a_sorted_list_has_everybody_once_in_order_whatever_its_pages() {
    let mut company = Company::open().await;
    company.dress(&company.staff[0], json!({"title": null})).await;
    company.synced().await;
    for (list, sort, member) in [
        ("people", "name", "name"),
        ("people", "-login", "login"),
        ("people", "title", "title"),
        ("groups", "-name", "name"),
        ("apps", "name", "label"),
    ] {
        let all = company.ids(list).await;
        let mut items = Vec::<Value>::new();
        let mut cursor = String::new();
        loop {
            let page = company.get(&format!("{list}?sort={sort}&count=true&limit=7{cursor}")).await.expect(200);
            assert_eq!(page["total"], json!(all.len()), "{list} {sort}");
            items.extend(page["items"].as_array().expect("items").iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(items.iter().map(|item| text(item, "id").to_owned()).collect::<BTreeSet<_>>(), all, "{list} {sort}");
        assert_eq!(items.len(), all.len(), "{list} {sort}");
        let texts: Vec<_> = items.iter().filter_map(|item| item[member].as_str()).collect();
        assert!(items[..texts.len()].iter().all(|item| item[member].is_string()), "{sort}: what has none comes last");
        // Accents and case do not count: plain texts are in order among themselves.
        let mut plain: Vec<_> = texts.iter().filter(|text| text.is_ascii()).map(|text| text.to_lowercase()).collect();
        if sort.starts_with('-') {
            plain.reverse();
        }
        assert!(plain.len() > 1 && plain.is_sorted(), "{list} {sort}: {plain:?}");
    }
}

#[tokio::test]
async fn statuses_and_counts_go_with_every_filter() {
    let mut company = Company::open().await;
    company.synced().await;
    let people = company.all("people").await;
    let suspended = people.iter().filter(|person| person["status"] == "SUSPENDED").count();
    for filter in ["", "&filter=custom.nothing+pr+or+id+pr"] {
        let page = company.get(&format!("people?status=suspended&count=true{filter}")).await.expect(200);
        assert_eq!((&page["total"], page["items"].as_array().map(Vec::len)), (&json!(suspended), Some(suspended)));
    }
    let apps = company.all("apps?status=INACTIVE").await;
    assert!(!apps.is_empty() && apps.iter().all(|app| app["status"] == "INACTIVE"), "{apps:?}");
    let page = company.get("apps?status=INACTIVE&count=true&limit=1").await.expect(200);
    assert_eq!(page["total"], json!(apps.len()));
    assert_eq!(company.get("people?status=GONE").await.status, 400);
}

#[tokio::test]
async fn a_search_finds_everything_by_words_and_says_why() {
    let mut company = Company::open().await;
    let user = company.staff[0].clone();
    company.dress(&user, json!({"displayName": "Żanna Engel", "title": "Quarry Lead", "city": "Quarrytown"})).await;
    let group = json!({"profile": {"name": "Quarry team"}});
    company.world.tenant("POST", "/api/v1/groups", Some(group)).await.expect(200);
    company.synced().await;
    let found = company.all("search?q=quarry").await;
    let kinds: Vec<_> = found.iter().map(|hit| (text(hit, "type"), text(&hit["matched"], "field"))).collect();
    assert_eq!(kinds, [("group", "name"), ("location", "name"), ("person", "title")]);
    assert_eq!(found[0]["matched"]["text"], "Quarry team");
    let scores: Vec<_> = found.iter().filter_map(|hit| hit["score"].as_f64()).collect();
    assert!(scores.len() == 3 && scores.iter().rev().is_sorted(), "{scores:?}");
    let found = company.all("search?q=zanna+quarry&types=person,app").await;
    assert_eq!(found.iter().map(|hit| text(hit, "id")).collect::<Vec<_>>(), [user]);
    assert_eq!(company.get("search").await.status, 400);
    assert_eq!(company.get("search?q=a&types=robot").await.status, 400);
}

#[tokio::test]
async fn the_managers_of_a_group_come_with_their_shares() {
    let mut company = Company::open().await;
    let [boss, other, a, b, c] = &company.staff[..5] else { panic!("people") };
    company.dress(boss, json!({"managerId": null})).await;
    for (user, manager) in [(a, boss), (b, boss), (c, other)] {
        company.dress(user, json!({"managerId": manager})).await;
    }
    let group = json!({"profile": {"name": "Sales enablement"}});
    let group = company.world.tenant("POST", "/api/v1/groups", Some(group)).await.expect(200);
    let group = text(&group, "id").to_owned();
    for user in [boss, a, b, c] {
        company.world.tenant("PUT", &format!("/api/v1/groups/{group}/users/{user}"), None).await;
    }
    let expected = [(boss.clone(), 2, 0.5), (other.clone(), 1, 0.25)];
    company.synced().await;
    let managers = company.all(&format!("groups/{group}/managers")).await;
    let found: Vec<_> = managers
        .iter()
        .map(|it| {
            (
                text(&it["user"], "id").to_owned(),
                it["members"].as_u64().unwrap_or(0),
                it["share"].as_f64().unwrap_or(0.0),
            )
        })
        .collect();
    assert_eq!(found, expected);
    assert!(managers.iter().all(|it| it["user"]["login"].is_string() && it["user"]["status"].is_string()));
}

#[tokio::test]
async fn a_filter_that_takes_much_reading_says_that_the_page_is_partial_and_goes_on() {
    let config = okta_simulator::Config { users: 2_200, groups: 1, apps: 1, memberships: Some(0), ..unlimited() };
    let world = World::with(config).await;
    let people = format!("/v1/connections/{}/people", world.synced().await);
    let filter = "filter=custom.officeLocation+eq+%22nowhere%22&count=true";
    let page = world.api("GET", &format!("{people}?{filter}"), None).await.expect(200);
    assert_eq!((&page["items"], &page["partial"], &page["total"]), (&json!([]), &json!(true), &Value::Null));
    let next = format!("{people}?{filter}&cursor={}", text(&page, "next_cursor"));
    let last = world.api("GET", &next, None).await.expect(200);
    assert_eq!((&last["items"], &last["partial"], &last["next_cursor"]), (&json!([]), &Value::Null, &Value::Null));
}

#[tokio::test]
async fn removed_users_that_a_filter_leaves_out_are_no_end_of_their_list() {
    let mut company = Company::open().await;
    company.synced().await;
    for user in &company.staff[..4] {
        for _ in ["deactivated", "deleted"] {
            company.world.tenant("DELETE", &format!("/api/v1/users/{user}"), None).await;
        }
    }
    company.sync().await;
    let page = company.get("users?removed=true&limit=2&q=nobody-is-called-so").await.expect(200);
    assert!(page["next_cursor"].is_string(), "{page:#}");
    assert_eq!((&page["items"], &page["partial"]), (&json!([]), &json!(true)));
}

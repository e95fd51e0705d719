//! Pages, cursors, searches and limits.

use std::collections::HashSet;

use okta_simulator::Config;
use reqwest::Method;
use serde_json::json;

use crate::world::{Seen, World};

/// Follows a listing to its end.
async fn all(world: &World, path: &str) -> Vec<String> {
    let (mut ids, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let page = world.get(&path).await;
        assert_eq!(page.status, 200, "{page:?}");
        ids.extend(page.ids());
        next = page.next();
    }
    ids
}

#[tokio::test]
async fn a_plain_listing_pages_through_everyone_who_is_here_once() {
    let world = World::small().await;
    let ids = all(&world, "/api/v1/users?limit=7").await;
    assert_eq!(ids.len(), 118, "two of 120 are DEPROVISIONED");
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    let gone = all(&world, "/api/v1/users?search=status+eq+%22DEPROVISIONED%22").await;
    assert_eq!(gone.len(), 2);
    let everyone = all(&world, "/api/v1/users?search=status+lt+%22STAGED%22+or+status+ge+%22STAGED%22&limit=50").await;
    assert_eq!(everyone.len(), 120);
    let full = world.get("/api/v1/users").await;
    assert_eq!(full.header("link"), format!("<{}/api/v1/users?limit=200>; rel=\"self\"", world.okta.url()));
}

#[tokio::test]
async fn someone_hired_during_a_listing_is_at_its_end() {
    let world = World::small().await;
    let first = world.get("/api/v1/users?limit=100").await;
    let id = world.hire("zara@acme.example").await;
    let rest = world.get(&first.next().expect("a second page")).await;
    assert_eq!((rest.ids().len(), rest.ids().last()), (19, Some(&id)));
    assert_eq!(rest.next(), None);
}

#[tokio::test]
async fn a_cursor_is_refused_when_changed_or_taken_elsewhere() {
    let world = World::small().await;
    let next = world.get("/api/v1/users?limit=5").await.next().expect("a next page");
    let cursor = next.split("after=").nth(1).and_then(|rest| rest.split('&').next()).expect("a cursor").to_owned();
    assert!(!cursor.starts_with("00u"));
    let reordered = world.get(&format!("/api/v1/users?limit=3&after={cursor}")).await;
    assert_eq!((reordered.status, reordered.ids().len()), (200, 3));
    let changed = cursor.replacen(&cursor[20..21], if &cursor[20..21] == "A" { "B" } else { "A" }, 1);
    for path in [
        format!("/api/v1/users?limit=5&after={changed}"),
        "/api/v1/users?after=00u1testcursorvalue".to_owned(),
        format!("/api/v1/apps?after={cursor}"),
    ] {
        let seen = world.get(&path).await;
        assert_eq!((seen.status, seen.code()), (400, "E0000029"), "{path}");
        assert_eq!(seen.body["errorCauses"][0]["errorSummary"], "Invalid cursor.");
    }
    let search = world.get(&format!("/api/v1/users?search=id+pr&after={cursor}")).await;
    assert_eq!((search.status, search.code()), (400, "E0000031"));
}

#[tokio::test]
async fn the_search_index_lags_a_second_behind() {
    let world = World::small().await;
    let found = |path: &'static str| {
        let world = &world;
        async move { world.get(path).await.ids().len() }
    };
    let (by_search, by_filter) = (
        "/api/v1/users?search=profile.login+eq+%22ZARA@acme.example%22",
        "/api/v1/users?filter=profile.login+eq+%22zara@acme.example%22",
    );
    let id = world.hire("zara@acme.example").await;
    assert_eq!((found(by_search).await, found(by_filter).await), (0, 1));
    world.advance("2s").await;
    assert_eq!(found(by_search).await, 1);
    world.call(Method::POST, &format!("/api/v1/users/{id}"), Some(json!({"profile": {"city": "Bergen"}}))).await;
    assert_eq!(found("/api/v1/users?search=profile.city+eq+%22Bergen%22").await, 0);
    world.advance("2s").await;
    assert_eq!(found("/api/v1/users?search=profile.city+eq+%22bergen%22").await, 1);
}

#[tokio::test]
async fn a_sorted_search_pages_in_order() {
    let world = World::small().await;
    let mut names = Vec::new();
    let mut next = Some("/api/v1/users?search=id+pr&sortBy=profile.lastName&sortOrder=desc&limit=50".to_owned());
    while let Some(path) = next {
        let page = world.get(&path).await;
        names.extend(page.items().iter().map(|user| user["profile"]["lastName"].to_string().to_lowercase()));
        next = page.next();
    }
    assert_eq!(names.len(), 120);
    assert!(names.is_sorted_by(|left, right| left >= right));
}

#[tokio::test]
async fn q_finds_starts_of_names_and_is_not_paged() {
    let world = World::small().await;
    let found = world.get("/api/v1/users?q=a").await;
    assert_eq!((found.items().len(), found.next()), (10, None));
    for (path, code) in [
        ("/api/v1/users?q=a&search=id+pr", "E0000033"),
        ("/api/v1/users?filter=id+eq+%22x%22&search=id+pr", "E0000033"),
        ("/api/v1/users?search=nonsense", "E0000031"),
        ("/api/v1/users?filter=profile.city+eq+%22x%22", "E0000031"),
    ] {
        assert_eq!(world.get(path).await.code(), code, "{path}");
    }
}

#[tokio::test]
async fn groups_and_members_page_and_are_found_by_name() {
    let world = World::small().await;
    assert_eq!(all(&world, "/api/v1/groups?limit=5").await.len(), 12);
    let everyone = &world.get("/api/v1/groups?q=every&expand=stats").await.body[0];
    assert_eq!((&everyone["type"], &everyone["_embedded"]["stats"]["usersCount"]), (&json!("BUILT_IN"), &json!(118)));
    let members = format!("/api/v1/groups/{}/users?limit=50", everyone["id"].as_str().unwrap_or_default());
    assert_eq!(all(&world, &members).await.len(), 118);
    assert_eq!(world.get("/api/v1/groups?filter=type+eq+%22APP_GROUP%22").await.items().len(), 2);
    assert_eq!(world.get("/api/v1/groups?search=profile.name+co+%22VERY%22").await.items().len(), 1);
}

#[tokio::test]
async fn a_share_is_half_a_bucket_and_comes_back_when_its_window_ends() {
    let world = World::new(Config { users: 20, rate_limit: Some(4), ..Config::default() }).await;
    let remaining = |seen: &Seen| (seen.status, seen.header("x-rate-limit-remaining").to_owned());
    assert_eq!(remaining(&world.get("/api/v1/users").await), (200, "1".into()));
    assert_eq!(remaining(&world.get("/api/v1/users").await), (200, "0".into()));
    let limited = world.get("/api/v1/users").await;
    assert_eq!((remaining(&limited), limited.code()), ((429, "0".into()), "E0000047"));
    assert_eq!(limited.header("x-rate-limit-limit"), "2");
    assert_eq!(world.get("/api/v1/groups").await.status, 200, "another bucket");
    world.advance("60s").await;
    assert_eq!(world.get("/api/v1/users").await.status, 200);
    assert_eq!(world.door(Method::GET, "/stats", json!({})).await["rate_limited"], 1);
}

#[tokio::test]
async fn links_lead_to_the_public_address() {
    let world =
        World::new(Config { users: 20, public_url: Some("https://acme.example/".into()), ..Config::default() }).await;
    let page = world.get("/api/v1/users?limit=2").await;
    assert!(page.header("link").starts_with("<https://acme.example/api/v1/users?limit=2>"), "{page:?}");
    assert!(
        page.body[0]["_links"]["self"]["href"].as_str().is_some_and(|href| href.starts_with("https://acme.example/"))
    );
    let org = Seen::of(world.request(Method::GET, "/.well-known/okta-organization")).await;
    assert_eq!(org.body["_links"]["organization"]["href"], "https://acme.example");
}

#[tokio::test]
async fn a_search_ignores_the_case_of_values_and_reads_their_escapes() {
    let world = World::small().await;
    let id = world.hire(r#"za"ra\@acme.example"#).await;
    world.advance("2s").await;
    let by_id = format!(r#"search=id eq "{id}""#);
    for (query, finds) in [
        (by_id.as_str(), true),
        (r#"search=profile.login eq "ZA\"RA\\@acme.example""#, true),
        (r#"search=profile.email eq "ZA\"RA\\@acme.example""#, true),
        (r#"filter=profile.login eq "za\"ra\\@acme.example""#, true),
        (r#"filter=profile.login eq "ZA\"RA\\@acme.example""#, false),
        (r#"search=profile.login eq "za"ra\\@acme.example""#, false),
    ] {
        let query = query.replace('"', "%22").replace('\\', "%5C").replace(' ', "+");
        let found = world.get(&format!("/api/v1/users?{query}")).await;
        assert_eq!(found.ids() == [id.clone()], finds, "{query} {found:?}");
    }
}

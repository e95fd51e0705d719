//! Requests that are wrong in every way that a caller finds, and what they are told.

use crate::world::{Reply, World, text};
use serde_json::{Value, json};

/// Every route with a JSON body; `{id}` is a connection.
const WITH_BODY: [(&str, &str); 5] = [
    ("POST", "/v1/connections"),
    ("PATCH", "/v1/connections/{id}"),
    ("PUT", "/v1/connections/{id}/auth"),
    ("POST", "/v1/connections/{id}/keys"),
    ("POST", "/v1/connections/{id}/syncs"),
];

/// Every route that answers with a list.
const LISTS: [&str; 9] = [
    "/v1/connections",
    "/v1/connections/{id}/keys",
    "/v1/connections/{id}/syncs",
    "/v1/connections/{id}/users",
    "/v1/connections/{id}/groups",
    "/v1/connections/{id}/memberships",
    "/v1/connections/{id}/people",
    "/v1/connections/{id}/findings",
    "/v1/connections/{id}/admins",
];

/// Every other route.
const OTHERS: [(&str, &str); 12] = [
    ("GET", "/v1/me"),
    ("GET", "/v1/connections/{id}"),
    ("DELETE", "/v1/connections/{id}"),
    ("POST", "/v1/connections/{id}/test"),
    ("GET", "/v1/connections/{id}/syncs/sync_0"),
    ("POST", "/v1/connections/{id}/syncs/sync_0/cancel"),
    ("GET", "/v1/connections/{id}/users/00u0"),
    ("GET", "/v1/connections/{id}/users/00u0/groups"),
    ("GET", "/v1/connections/{id}/groups/00g0"),
    ("GET", "/v1/connections/{id}/groups/00g0/members"),
    ("GET", "/v1/connections/{id}/people/00u0"),
    ("GET", "/v1/connections/{id}/jwks.json"),
];

impl World {
    /// Calls a route with a raw body.
    async fn raw(&self, (method, path): (&str, &str), kind: Option<&str>, body: impl Into<reqwest::Body>) -> Reply {
        let url = format!("{}{path}", self.url());
        let mut request = reqwest::Client::new().request(method.parse().expect("a method"), url).body(body);
        request = request.bearer_auth(self.token());
        request = kind.iter().fold(request, |request, kind| request.header("content-type", *kind));
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = serde_json::from_str(&response.text().await.expect("a body")).unwrap_or_default();
        Reply { status, headers, body }
    }

    async fn problem(&self, method: &str, path: &str) -> (u16, String) {
        let reply = self.api(method, path, None).await;
        (reply.status, reply.problem().to_owned())
    }

    async fn id(&self) -> String {
        text(&self.pending().await, "id").to_owned()
    }
}

fn told(status: u16, slug: &str) -> (u16, String) {
    (status, slug.to_owned())
}

/// The places of all faults, in order.
fn pointers(body: &Value) -> Vec<&str> {
    let mut pointers: Vec<_> =
        body["errors"].as_array().expect("errors").iter().map(|it| text(it, "pointer")).collect();
    pointers.sort_unstable();
    pointers
}

#[tokio::test]
async fn a_body_must_be_json_by_name_and_by_nature_and_not_too_large() {
    let world = World::start().await;
    let id = world.id().await;
    let json = Some("application/json");
    for (method, path) in WITH_BODY {
        let route = (method, path.replace("{id}", &id));
        let route = (route.0, route.1.as_str());
        for (kind, body, expected) in [
            (json, "{".to_owned(), told(400, "bad-request")),
            (json, String::new(), told(400, "bad-request")),
            (json, "{} {}".to_owned(), told(400, "bad-request")),
            (json, "\u{feff}{}".to_owned(), told(400, "bad-request")),
            (None, "{}".to_owned(), told(415, "unsupported-media-type")),
            (Some("text/plain"), "{}".to_owned(), told(415, "unsupported-media-type")),
            (Some("application/x-www-form-urlencoded"), "a=b".to_owned(), told(415, "unsupported-media-type")),
            (json, format!("{{\"name\":\"{}\"}}", "x".repeat(256 * 1024)), told(413, "too-large")),
            (json, "[]".to_owned(), told(422, "invalid-body")),
            (Some("Application/JSON; charset=utf-8"), "{\"bogus\":1}".to_owned(), told(422, "invalid-body")),
        ] {
            let reply = world.raw(route, kind, body.clone()).await;
            assert_eq!((reply.status, reply.problem().to_owned()), expected, "{route:?} {kind:?} {body:.20}");
        }
    }
}

#[tokio::test]
async fn every_fault_of_a_new_connection_is_told_at_once() {
    let world = World::start().await;
    let body = json!({
        "name": " ", "domain": "http://localhost", "bogus": 1, "teams": ["ok", "no space"], "paused": true,
        "permissions": {"actions": ["read", "user.fly"]}, "attributes": {"location": ["no-dash"], "x": 1},
        "sync": {"full": "rate(0 hours)", "timezone": "Mars/Olympus", "streams": ["groups"], "y": 1},
        "auth": {"type": "private_key_jwt", "client_id": "a/b", "private_key": "nope", "scopes": [], "z": 1},
    });
    let reply = world.api("POST", "/v1/connections", Some(body)).await;
    assert_eq!(reply.problem(), "invalid-body");
    let expected = [
        "/attributes/location/0",
        "/attributes/x",
        "/auth/client_id",
        "/auth/private_key",
        "/auth/scopes",
        "/auth/z",
        "/bogus",
        "/domain",
        "/name",
        "/paused",
        "/permissions/actions/1",
        "/sync/full",
        "/sync/streams",
        "/sync/timezone",
        "/sync/y",
        "/teams/1",
    ];
    assert_eq!(pointers(&reply.expect(422)), expected);
}

#[tokio::test]
async fn what_is_missing_or_of_another_type_has_its_place() {
    let world = World::start().await;
    let id = world.id().await;
    let (new, auth, keys) =
        ("/v1/connections".to_owned(), format!("/v1/connections/{id}/auth"), format!("/v1/connections/{id}/keys"));
    let syncs = format!("/v1/connections/{id}/syncs");
    for (method, path, body, expected) in [
        ("POST", &new, json!({}), vec!["/auth", "/name"]),
        ("POST", &new, json!({"name": 1, "auth": [], "teams": "a"}), vec!["/auth", "/name", "/teams"]),
        ("POST", &new, json!({"name": "A", "auth": {}}), vec!["/auth/type"]),
        (
            "POST",
            &new,
            json!({"name": "A", "auth": {"type": "api_token"}, "domain": ""}),
            vec!["/auth/token", "/domain"],
        ),
        (
            "POST",
            &new,
            json!({"name": "A", "auth": {"type": "private_key_jwt"}, "permissions": {}}),
            vec!["/permissions/actions"],
        ),
        (
            "POST",
            &new,
            json!({"name": "A", "auth": {"type": "private_key_jwt"}, "sync": {"full": 7}}),
            vec!["/sync/full"],
        ),
        ("POST", &new, json!({"name": "A", "auth": {"type": "private_key_jwt"}, "sync": 7}), vec!["/sync"]),
        ("PUT", &auth, json!({"domain": "127.0.0.1"}), vec!["/auth", "/domain"]),
        ("PUT", &auth, json!({"auth": {"type": "magic"}, "name": "B"}), vec!["/auth/type", "/name"]),
        ("POST", &keys, json!({}), vec!["/overlap"]),
        ("POST", &keys, json!({"overlap": 24}), vec!["/overlap"]),
        ("POST", &syncs, json!({"mode": "fast"}), vec!["/mode"]),
    ] {
        let reply = world.api(method, path, Some(body.clone())).await;
        assert_eq!((reply.problem(), pointers(&reply.body)), ("invalid-body", expected), "{body}");
    }
}

#[tokio::test]
async fn every_fault_of_a_patch_is_told_at_once() {
    let world = World::start().await;
    let path = format!("/v1/connections/{}", world.id().await);
    let change = json!({"name": "", "id": "conn_1", "teams": ["a b"], "paused": 1, "sync": {"full": "x", "z": 1}});
    let reply = world.api("PATCH", &path, Some(change)).await;
    let expected = ["/id", "/name", "/paused", "/sync/full", "/sync/z", "/teams/0"];
    assert_eq!((reply.problem(), pointers(&reply.body)), ("invalid-body", expected.to_vec()));
}

#[tokio::test]
async fn schedules_that_could_never_run_are_invalid_schedules() {
    let world = World::start().await;
    let path = format!("/v1/connections/{}", world.id().await);
    for schedule in [
        "",
        "hourly",
        "rate(0 hours)",
        "rate(5 weeks)",
        "rate(-1 day)",
        "cron(* * * * *)",
        "cron(0 25 * * ? *)",
        "at(2026-01-01T00:00:00)",
    ] {
        let reply = world.api("PATCH", &path, Some(json!({"sync": {"full": schedule}}))).await;
        assert_eq!((reply.status, reply.problem()), (422, "invalid-schedule"), "{schedule}");
        assert_eq!(pointers(&reply.body), ["/sync/full"]);
    }
    for schedule in ["rate(1 hour)", "rate(90 minutes)", "cron(0 2 * * ? *)", "cron(0/15 8-17 ? * MON-FRI *)"] {
        world.api("PATCH", &path, Some(json!({"sync": {"full": schedule}}))).await.expect(200);
    }
}

#[tokio::test]
async fn a_hostile_domain_is_refused_without_a_packet() {
    let world = World::start().await;
    let auth = json!({"type": "api_token", "token": "00x"});
    for domain in [
        "localhost",
        "http://acme.okta.com",
        "127.0.0.1",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://user:pass@acme.okta.com",
        "acme.okta.com:8443",
        "2130706433",
        "metadata.google.internal",
        "okta.com",
        "a.b.okta.com",
        "xn--cme-7cd.okta.com",
        "file:///etc/passwd",
        "http://127.0.0.1:1",
        "acme.okta.com.",
        "а.okta.com",
    ] {
        let body = json!({"name": "A", "domain": domain, "auth": auth});
        let reply = world.api("POST", "/v1/connections", Some(body)).await;
        assert_eq!((reply.problem(), pointers(&reply.body)), ("invalid-body", vec!["/domain"]), "{domain}");
    }
    assert_eq!(world.okta.calls(), 0);
}

#[tokio::test]
async fn a_query_parameter_must_be_known_given_once_and_in_range() {
    let world = World::start().await;
    let id = world.id().await;
    for path in LISTS.map(|path| path.replace("{id}", &id)) {
        for query in [
            "bogus=1",
            "limit=0",
            "limit=201",
            "limit=abc",
            "limit=-1",
            "limit=",
            "limit=1.5",
            "limit=99999999999999999999",
            "limit=1&limit=2",
            "cursor=",
            "cursor=nonsense",
            "cursor=%00",
            "Limit=5",
            "limit=5&bogus",
        ] {
            assert_eq!(
                world.problem("GET", &format!("{path}?{query}")).await,
                told(400, "bad-request"),
                "{path}?{query}"
            );
        }
        for query in ["limit=1", "limit=200"] {
            world.api("GET", &format!("{path}?{query}"), None).await.expect(200);
        }
    }
    for (method, path) in [
        ("GET", "/v1/me".to_owned()),
        ("POST", format!("/v1/connections/{id}/test")),
        ("DELETE", format!("/v1/connections/{id}")),
    ] {
        assert_eq!(world.problem(method, &format!("{path}?bogus=1")).await, told(400, "bad-request"), "{path}");
    }
    for query in ["updated_since=yesterday", "removed=maybe", "q=", "status="] {
        let path = format!("/v1/connections/{id}/users?{query}");
        assert_eq!(world.problem("GET", &path).await, told(400, "bad-request"), "{query}");
    }
}

#[tokio::test]
async fn a_cursor_belongs_to_its_query() {
    let world = World::start().await;
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}");
    let page = world.api("GET", &format!("{path}/users?limit=2&status=ACTIVE"), None).await.expect(200);
    let cursor = text(&page, "next_cursor");
    for other in ["users?limit=2", "users?status=STAGED", "users?status=ACTIVE&q=a", "people?limit=2", "groups?limit=2"]
    {
        let query = format!("{path}/{other}&cursor={cursor}");
        assert_eq!(world.problem("GET", &query).await, told(400, "bad-request"), "{other}");
    }
    for same in ["status=ACTIVE&limit=3", "limit=100&status=ACTIVE"] {
        world.api("GET", &format!("{path}/users?{same}&cursor={cursor}"), None).await.expect(200);
    }
    let (kept, last) = cursor.split_at(cursor.len() - 1);
    let forged = format!("{kept}{}", if last == "A" { "B" } else { "A" });
    let query = format!("{path}/users?status=ACTIVE&cursor={forged}");
    assert_eq!(world.problem("GET", &query).await, told(400, "bad-request"));
}

#[tokio::test]
async fn whatever_is_not_there_is_one_and_the_same_answer() {
    let world = World::start().await;
    let id = world.id().await;
    let answer = |reply: Reply| {
        let mut body = reply.body;
        assert!(body["instance"].is_string(), "{body:#}");
        body["instance"] = Value::Null;
        (reply.status, reply.headers["content-type"].clone(), body)
    };
    let expected = answer(world.api("GET", "/v1/nothing", None).await);
    assert_eq!((expected.0, &expected.2["type"]), (404, &json!("urn:okta-connector:problem:not-found")));
    let foreign = format!("conn_{}", "0".repeat(32));
    let malformed =
        ["conn_", "conn_zz", "nonsense", "..%2f..", "%ff", "%00", "CONN_1", "conn_1%2ftest", "%F0%9F%98%80"];
    for other in malformed.into_iter().chain([foreign.as_str()]) {
        for (method, path) in OTHERS.into_iter().chain(LISTS.map(|path| ("GET", path))).chain(WITH_BODY) {
            let Some((before, after)) = path.split_once("{id}") else { continue };
            let body = (method != "GET").then(|| json!({}));
            let reply = world.api(method, &format!("{before}{other}{after}"), body).await;
            assert_eq!(answer(reply), expected, "{method} {path} with {other}");
        }
    }
    let wrong = [
        ("GET", "/".to_owned()),
        ("GET", "/v2/connections".to_owned()),
        ("GET", "/v1/connections/".to_owned()),
        ("GET", "//v1/connections".to_owned()),
        ("GET", format!("/v1/connections/{id}/syncs/sync_{}", "0".repeat(32))),
        ("GET", format!("/v1/connections/{id}/users/%ff")),
        ("GET", format!("/v1/connections/{id}/users/a%2fb")),
    ];
    for (method, path) in wrong {
        assert_eq!(answer(world.api(method, &path, None).await), expected, "{method} {path}");
    }
}

#[tokio::test]
async fn a_known_path_with_another_method_says_which_it_takes() {
    let world = World::start().await;
    let id = world.id().await;
    for (method, path, takes) in [
        ("DELETE", "/v1/connections".to_owned(), "GET,HEAD,POST"),
        ("PUT", format!("/v1/connections/{id}"), "GET,HEAD,PATCH,DELETE"),
        ("POST", format!("/v1/connections/{id}/auth"), "PUT"),
        ("POST", format!("/v1/connections/{id}/users"), "GET,HEAD"),
        ("POST", "/v1/health".to_owned(), "GET,HEAD"),
        ("OPTIONS", "/v1/connections".to_owned(), "GET,HEAD,POST"),
        ("TRACE", "/v1/connections".to_owned(), "GET,HEAD,POST"),
    ] {
        let reply = world.raw((method, &path), None, "").await;
        assert_eq!((reply.status, reply.problem()), (405, "method-not-allowed"), "{method} {path}");
        let mut allowed: Vec<_> = reply.headers["allow"].to_str().expect("text").split(',').map(str::trim).collect();
        let mut expected: Vec<_> = takes.split(',').collect();
        allowed.sort_unstable();
        expected.sort_unstable();
        assert_eq!(allowed, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn an_unknown_action_is_not_found_and_the_known_ones_are_named() {
    let world = World::start().await;
    let id = world.id().await;
    for (method, path) in [
        ("GET", "/v1/actions/user.obliterate".to_owned()),
        ("POST", format!("/v1/connections/{id}/actions/user.obliterate")),
    ] {
        let reply = world.api(method, &path, (method == "POST").then(|| json!({}))).await;
        assert_eq!((reply.status, reply.problem()), (404, "not-found"), "{path}");
        let detail = text(&reply.body, "detail");
        assert!(detail.contains("'user.obliterate'") && detail.contains("user.suspend"), "{detail}");
    }
}

#[tokio::test]
async fn the_root_of_the_api_leads_to_its_description() {
    let world = World::start().await;
    let index = world.api("GET", "/v1", None).await.expect(200);
    for member in ["openapi", "docs", "health"] {
        assert_eq!(world.api("GET", text(&index, member), None).await.status, 200, "{member}");
    }
}

#[tokio::test]
async fn the_last_test_can_be_read_with_its_checks() {
    let world = World::start().await;
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}/test");
    assert_eq!(world.api("GET", &path, None).await.status, 404);
    let tested = world.api("POST", &path, None).await.expect(200);
    assert_eq!(world.api("GET", &path, None).await.expect(200), tested);
    assert!(tested["checks"].as_array().is_some_and(|checks| checks.len() > 5), "{tested:#}");
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_keeps_a_good_one() {
    let world = World::start().await;
    let longest = "a".repeat(64);
    for (path, status) in
        [("/v1/health", 200), ("/v1/connections", 200), ("/v1/nothing", 404), ("/v1/connections?x=1", 400)]
    {
        let url = format!("{}{path}", world.url());
        for good in ["a", "A-b-9", &longest] {
            let reply = world.request("GET", &url, &[("x-request-id", good)], None).await;
            assert_eq!(reply.status, status);
            assert_eq!(reply.headers["x-request-id"], good);
            assert!(status == 200 || reply.body["instance"] == good, "{:#}", reply.body);
        }
        for bad in ["", "a b", "a_b", "<script>", &"a".repeat(65)] {
            let reply = world.request("GET", &url, &[("x-request-id", bad)], None).await;
            let own = reply.headers["x-request-id"].to_str().expect("text").to_owned();
            assert!(own != bad && (1..=64).contains(&own.len()), "{own}");
            assert!(status == 200 || reply.body["instance"] == own, "{:#}", reply.body);
        }
    }
}

#[tokio::test]
async fn a_problem_has_the_documented_form() {
    let world = World::start().await;
    let id = world.id().await;
    for (method, path, body) in [
        ("GET", "/v1/nothing".to_owned(), None),
        ("GET", "/v1/connections?x=1".to_owned(), None),
        ("POST", format!("/v1/connections/{id}/test"), None),
        ("POST", "/v1/connections".to_owned(), Some(json!({}))),
    ] {
        let reply = world.api(method, &path, body).await;
        assert_eq!(reply.headers["content-type"], "application/problem+json");
        assert_eq!(reply.body["status"], reply.status);
        assert!(text(&reply.body, "type").starts_with("urn:okta-connector:problem:"));
        assert!(!text(&reply.body, "title").is_empty() && !text(&reply.body, "detail").is_empty());
        assert_eq!(text(&reply.body, "instance"), reply.headers["x-request-id"]);
    }
}

#[tokio::test]
async fn a_sync_needs_no_body() {
    let world = World::start().await;
    let id = world.synced().await;
    let started = world.api("POST", &format!("/v1/connections/{id}/syncs"), None).await.expect(202);
    assert_eq!((&started["mode"], started.get("requested_mode")), (&json!("full"), None));
    assert_eq!(world.finished(&id, text(&started, "id")).await["status"], "succeeded");
}

//! The description of the API: served to whoever is known, and true.

use crate::callers::Guarded;
use crate::world::{PROMISE, World};
use it::promise::Promise;
use serde_json::Value;

/// Path, method and operation.
fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = Promise::document(&PROMISE)["paths"].as_object().expect("paths");
    paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("methods");
        methods.iter().map(|(method, told)| (path.as_str(), method.as_str(), told))
    })
}

/// A path without parameters is not there at all: so 401 is said by a route, and never by what stands behind none.
#[tokio::test]
async fn every_operation_that_is_told_is_there_and_wants_a_caller_where_it_says_so() {
    let guarded = Guarded::start().await;
    for (path, method, told) in operations() {
        let path = path.replace(['{', '}'], "");
        let (status, _, body) = guarded.call(None, &method.to_uppercase(), &path, None).await;
        let public = told["security"].as_array().is_some_and(Vec::is_empty);
        // A hook knows Okta by its secret.
        let wants_secret = path.starts_with("/v1/hooks/");
        assert_eq!(status == 401, !public || wants_secret, "{method} {path} {status} {body:#}");
    }
    assert_eq!(guarded.call(None, "GET", "/v1/nothing", None).await.0, 404);
}

#[tokio::test]
async fn admins_alone_do_what_is_told_to_be_for_admins() {
    let guarded = Guarded::start().await;
    let (id, member) = (guarded.made(&["it"]).await, guarded.member(&["it"]));
    for (path, method, told) in operations() {
        let path = path.replace("{id}", &id).replace(['{', '}'], "");
        let (status, slug, _) = guarded.call(Some(&member), &method.to_uppercase(), &path, None).await;
        let admins = told["description"] == "For admins.";
        assert_eq!((status, slug.as_str()) == (403, "forbidden"), admins, "{method} {path} {status} {slug}");
    }
}

#[tokio::test]
async fn the_service_tells_the_description_that_is_in_the_repository() {
    let world = World::start().await;
    let told = world.api("GET", "/v1/openapi.json", None).await.expect(200);
    assert!(&told == PROMISE.document());
}

#[tokio::test]
async fn the_page_loads_and_runs_nothing() {
    let world = World::start().await;
    let reply = world.api("GET", "/v1/docs", None).await;
    let header = |name: &str| reply.headers[name].to_str().expect("text").to_owned();
    assert_eq!((reply.status, header("content-type")), (200, "text/html; charset=utf-8".to_owned()));
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let page = reply.body.as_str().expect("a page");
    for external in ["<script", "<link", "<img", "<iframe", "http://", "https://", " on", "style="] {
        assert!(
            !page.split('<').any(|tag| format!("<{}", tag.split('>').next().unwrap_or_default()).contains(external)),
            "{external}"
        );
    }
    assert!(page.contains("<h3><code>POST /v1/connections/{id}/actions/user.suspend</code></h3>"));
}

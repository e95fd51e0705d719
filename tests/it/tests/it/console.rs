//! The console's pages as a browser gets them, beside the service that they are a client of.

use crate::world::{World, text};
use serde_json::json;

/// A page that was got.
struct Got {
    status: u16,
    url: String,
    policy: String,
    html: String,
}

impl Got {
    #[track_caller]
    fn shows(&self, wanted: &str) -> &Self {
        assert!(self.html.contains(wanted), "{} does not show {wanted}: {}", self.url, self.html);
        self
    }

    /// The key that forms of this page carry.
    fn key(&self) -> &str {
        let (_, behind) = self.html.split_once("name=\"form_key\" value=\"").expect("a form");
        behind.split('"').next().expect("a key")
    }
}

/// A browser without a script, at the console of a world.
struct Browser<'a> {
    world: &'a World,
    http: reqwest::Client,
}

impl<'a> Browser<'a> {
    fn of(world: &'a World) -> Self {
        Self { world, http: reqwest::Client::new() }
    }

    async fn got(request: reqwest::RequestBuilder) -> Got {
        let response = request.send().await.expect("an answer");
        let header =
            |name: &str| response.headers().get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
        let (status, url, policy) =
            (response.status().as_u16(), response.url().path().to_owned(), header("content-security-policy"));
        Got { status, url, policy, html: response.text().await.expect("a body") }
    }

    async fn get(&self, path: &str) -> Got {
        let got = Self::got(self.http.get(format!("{}{path}", self.world.console()))).await;
        assert_eq!(got.status, 200, "{path}: {}", got.html);
        assert!(got.policy.starts_with("default-src 'none'"), "{path}");
        got
    }

    async fn post(&self, path: &str, key: &str, fields: &[(&str, &str)]) -> Got {
        let mut form = vec![("form_key", key)];
        form.extend(fields);
        Self::got(self.http.post(format!("{}{path}", self.world.console())).form(&form)).await
    }
}

#[tokio::test]
async fn a_tenant_is_connected_tested_synced_and_acted_on_in_pages() {
    let world = World::start().await;
    let browser = Browser::of(&world);
    let new = browser.get("/connections/new").await;
    let made = browser
        .post("/connections", new.key(), &[("way", "private_key_jwt"), ("name", "Acme"), ("actions", "all")])
        .await;
    assert_eq!(made.status, 200, "{}", made.html);
    let path = made.url.clone();
    let id = path.rsplit('/').next().expect("an id");
    let key_url = format!("{}/v1/connections/{id}/jwks.json", world.url());
    made.shows(&key_url).shows("API Services");
    let fields = [("domain", world.domain()), ("client_id", world.simulator.credentials().client_id.clone())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // Okta does not know the key yet: the test fails, and says why and what to do.
    let failed = browser.post(&format!("{path}/auth"), made.key(), &fields).await;
    failed.shows("class=\"trouble\"").shows("class=\"fix\"");
    world.sim("PATCH", "app", Some(json!({"jwks_uri": key_url}))).await;
    browser
        .post(&format!("{path}/auth"), made.key(), &fields)
        .await
        .shows("Integration setup complete")
        .shows("Active");
    browser.post(&format!("{path}/test"), made.key(), &[]).await.shows("Integration test successful");
    let syncs = world.all(&format!("/v1{path}/syncs")).await;
    world.finished(id, text(&syncs[0], "id")).await;
    browser.get(&format!("{path}/syncs")).await.shows("succeeded").shows("60 read");
    let live = reqwest::get(format!("{}{path}/syncs/live", world.console())).await.expect("an answer");
    assert_eq!(live.headers()["x-over"], "true");

    let found = browser.get(&format!("{path}/people/found?q=rossi")).await;
    found.shows("Carlos Rossi");
    let person = world.all(&format!("/v1{path}/people?q=rossi")).await[0].clone();
    let profile = browser.get(&format!("{path}/people/{}", text(&person, "id"))).await;
    profile.shows("reports to Mei Wójcik").shows("<svg").shows("Hans Wójcik");

    let action = format!("{path}/actions/user.deactivate");
    let form = browser.get(&action).await;
    let fields = |what| [("user", "carlos.rossi@acme.example"), ("do", what)];
    browser.post(&action, form.key(), &fields("rehearse")).await.shows("/lifecycle/deactivate");
    let status = async || {
        let user = world.tenant("GET", "/api/v1/users/carlos.rossi@acme.example", None).await;
        user.body["status"].as_str().unwrap_or("gone").to_owned()
    };
    browser
        .post(&action, form.key(), &fields("run"))
        .await
        .shows("This cannot be taken back")
        .shows("carlos.rossi@acme.example");
    assert_eq!(status().await, "ACTIVE", "it was only asked");
    browser.post(&action, form.key(), &fields("confirmed")).await.shows("Done");
    assert_ne!(status().await, "ACTIVE");

    let trigger = [("type", "event_hook"), ("event_types", "user.session.start"), ("name", "sign-ins")];
    browser.post(&format!("{path}/triggers"), form.key(), &trigger).await.shows("sign-ins");
    world.sim("POST", "events", Some(json!({"count": 1, "type": "user.session.start"}))).await;
    world.events_at_last(&format!("/v1{path}"), "com.okta.user.session.start", 1).await;
    browser.get(&format!("{path}/events")).await.shows("com.okta.user.session.start");
    browser.get("/audit").await.shows("user.deactivate").shows("trigger.create");
    browser.post(&format!("{path}/delete"), form.key(), &[("name", "acme")]).await.shows("nothing was deleted");
    browser.post(&format!("{path}/delete"), form.key(), &[("name", "Acme")]).await.shows("There is no connection yet");
}

#[tokio::test]
async fn nothing_that_came_from_okta_is_markup_on_any_page() {
    let world = World::start().await;
    let mark = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'>";
    let long = "\u{202e}ال".repeat(1_460);
    let profile = json!({
        "firstName": "<img src=x onerror=alert(1)>", "lastName": "\u{202e}\u{5d0}\u{5d1}", "email": "mark.up@acme.example", "login": "mark.up@acme.example",
        "title": mark, "department": mark, "city": mark, "costCenter": long,
    });
    world.tenant("POST", "/api/v1/users?activate=true", Some(json!({"profile": profile}))).await.expect(200);
    let group = json!({"profile": {"name": mark, "description": long}});
    world.tenant("POST", "/api/v1/groups", Some(group)).await.expect(200);
    world.sim("POST", "clock", Some(json!({"advance": "10s"}))).await;
    let id = world.synced().await;
    let browser = Browser::of(&world);
    let path = format!("/connections/{id}");
    world.api("PATCH", &format!("/v1{path}"), Some(json!({"name": mark}))).await.expect(200);
    let first =
        async |list: &str, q: &str| text(&world.all(&format!("/v1{path}/{list}?q={q}")).await[0], "id").to_owned();
    let (user, group) = (first("people", "mark.up").await, first("groups", "%3Cscript").await);
    let mut pages = vec!["/connections".to_owned(), "/audit".to_owned(), path.clone()];
    for part in
        ["syncs", "people", "findings", "groups", "apps", "locations", "actions", "events", "actions/user.create"]
    {
        pages.push(format!("{path}/{part}"));
    }
    pages.extend([
        format!("{path}/people/{user}"),
        format!("{path}/people/found?q=mark.up"),
        format!("{path}/groups/{group}"),
    ]);
    for page in pages {
        let got = browser.get(&page).await;
        for markup in ["<script>alert", "<img"] {
            assert!(!got.html.contains(markup), "{page} holds {markup}");
        }
    }
    browser.get(&format!("{path}/people/{user}")).await.shows("&lt;script&gt;alert(1)");
}

#[tokio::test]
async fn no_other_site_can_have_a_browser_use_the_console() {
    let world = World::start().await;
    let browser = Browser::of(&world);
    let fields = [("way", "private_key_jwt"), ("name", "Forged")];
    let forged = browser.post("/connections", "guessed", &fields).await;
    assert_eq!(forged.status, 403);
    for (name, value) in [
        ("host", "rebound.example.com"),
        ("origin", "https://evil.example.com"),
        ("x-forwarded-for", "203.0.113.7"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let request = browser.http.get(format!("{}/connections", world.console())).header(name, value);
        assert_eq!(Browser::got(request).await.status, 403, "{name}");
    }
    assert_eq!(world.all("/v1/connections").await.len(), 0);
}

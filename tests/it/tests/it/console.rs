//! The console's pages as a browser gets them, beside the service that they are a client of.

use crate::world::{World, small, text};
use okta_connector_client::Credentials;
use reqwest::Client;
use reqwest::header::{COOKIE, HeaderMap};
use reqwest::redirect::Policy;
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

/// A browser without a script, at a console.
struct Browser {
    console: String,
    http: Client,
}

impl Browser {
    /// At the console of a world.
    async fn of(world: &World) -> Self {
        Self::at(world.console()).await
    }

    /// Opens the link of a console, and keeps the cookie that it leaves.
    async fn at(link: &str) -> Self {
        let http = Client::builder().redirect(Policy::none()).build().expect("a client");
        let entered = http.get(link).send().await.expect("an answer");
        assert_eq!(
            (entered.status().as_u16(), &entered.headers()["location"]),
            (303, &"/connections".parse().expect("a path"))
        );
        let cookie = entered.headers()["set-cookie"].to_str().expect("a text");
        let own = cookie.split(';').next().unwrap_or_default().parse().expect("a cookie");
        let headers = HeaderMap::from_iter([(COOKIE, own)]);
        let http = Client::builder().default_headers(headers).build().expect("a client");
        Self { console: link.split("/?").next().unwrap_or_default().to_owned(), http }
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
        let got = Self::got(self.http.get(format!("{}{path}", self.console))).await;
        assert_eq!(got.status, 200, "{path}: {}", got.html);
        assert!(got.policy.starts_with("default-src 'none'"), "{path}");
        got
    }

    async fn post(&self, path: &str, key: &str, fields: &[(&str, &str)]) -> Got {
        let mut form = vec![("form_key", key)];
        form.extend(fields);
        Self::got(self.http.post(format!("{}{path}", self.console)).form(&form)).await
    }
}

/// All pages that a browser gets of a connection, with those of one person and one group, who are searched for.
async fn all_pages(world: &World, id: &str, person: &str, group: &str) -> Vec<String> {
    let path = format!("/connections/{id}");
    let first =
        async |list: &str, q: &str| text(&world.all(&format!("/v1{path}/{list}?{q}")).await[0], "id").to_owned();
    let (user, group) = (first("people", &format!("q={person}")).await, first("groups", &format!("q={group}")).await);
    let (app, location) = (first("apps", "").await, first("locations", "").await);
    let parts = [
        "syncs",
        "people",
        "findings",
        "groups",
        "apps",
        "locations",
        "admins",
        "actions",
        "events",
        "actions/user.create",
    ];
    let mut pages = ["/connections", "/connections/new", "/audit", &path].map(str::to_owned).to_vec();
    pages.extend(parts.map(|part| format!("{path}/{part}")));
    pages.extend([
        format!("{path}/people/{user}"),
        format!("{path}/people/found?q={person}"),
        format!("{path}/groups/{group}"),
        format!("{path}/apps/{app}"),
        format!("{path}/locations/{location}"),
    ]);
    pages
}

#[tokio::test]
async fn a_tenant_is_connected_tested_synced_and_acted_on_in_pages() {
    let world = World::start().await;
    let browser = Browser::of(&world).await;
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
    let live = browser.http.get(format!("{}{path}/syncs/live", browser.console)).send().await;
    let live = live.expect("an answer");
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
    let browser = Browser::of(&world).await;
    let path = format!("/connections/{id}");
    world.api("PATCH", &format!("/v1{path}"), Some(json!({"name": mark}))).await.expect(200);
    for page in all_pages(&world, &id, "mark.up", "%3Cscript").await {
        let got = browser.get(&page).await;
        for markup in ["<script>alert", "<img"] {
            assert!(!got.html.contains(markup), "{page} holds {markup}");
        }
    }
    let user = world.all(&format!("/v1{path}/people?q=mark.up")).await.remove(0);
    browser.get(&format!("{path}/people/{}", text(&user, "id"))).await.shows("&lt;script&gt;alert(1)");
}

#[tokio::test]
async fn no_other_site_can_have_a_browser_use_the_console() {
    let world = World::start().await;
    let browser = Browser::of(&world).await;
    let fields = [("way", "private_key_jwt"), ("name", "Forged")];
    let forged = browser.post("/connections", "guessed", &fields).await;
    assert_eq!(forged.status, 403);
    for (name, value) in [
        ("host", "rebound.example.com"),
        ("origin", "https://evil.example.com"),
        ("x-forwarded-for", "203.0.113.7"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let request = browser.http.get(format!("{}/connections", browser.console)).header(name, value);
        assert_eq!(Browser::got(request).await.status, 403, "{name}");
    }
    assert_eq!(world.all("/v1/connections").await.len(), 0);
}

#[tokio::test]
async fn only_the_browser_that_opened_the_link_sees_pages() {
    let world = World::start().await;
    let http = Client::new();
    let link = world.console();
    let base = link.split("/?").next().expect("an address");
    let status = async |url: &str| http.get(url).send().await.expect("an answer").status().as_u16();
    for path in ["", "/", "/connections", "/audit", "/?key=guessed", "/connections?key=guessed"] {
        assert_eq!(status(&format!("{base}{path}")).await, 401, "{path}");
    }
    let form = http.post(format!("{base}/connections")).form(&[("name", "Forged")]).send().await;
    assert_eq!(form.expect("an answer").status(), 401);
    let browser = Browser::at(link).await;
    browser.get("/connections").await;
    assert_eq!(status(link).await, 401, "the link works once");
    browser.get("/audit").await;
}

#[tokio::test]
async fn what_is_refused_is_said_beside_the_form_which_keeps_what_was_written() {
    let world = World::start().await;
    let id = world.synced().await;
    let browser = Browser::of(&world).await;
    let path = format!("/connections/{id}");
    let key = browser.get(&path).await.key().to_owned();
    let trigger = [("type", "new_events"), ("name", "mine"), ("filter", "nonsense eq")];
    let refused = browser.post(&format!("{path}/triggers"), &key, &trigger).await;
    refused.shows("/filter").shows("value=\"mine\"").shows("value=\"nonsense eq\"").shows("<details open");
    let profile = [("profile", "login"), ("groups", "Design"), ("do", "run")];
    let refused = browser.post(&format!("{path}/actions/user.create"), &key, &profile).await;
    refused.shows("is no JSON").shows(">login</textarea>").shows(">Design</textarea>");
    let token = [("way", "api_token"), ("name", "Other"), ("domain", "nowhere"), ("token", "00secret")];
    let refused = browser.post("/connections", &key, &token).await;
    refused.shows("/domain").shows("value=\"Other\"").shows("value=\"nowhere\"");
    assert!(!refused.html.contains("00secret"), "a secret is not sent back");
    let pause = [("paused", "true")];
    browser.post(&format!("{path}/pause"), &key, &pause).await.shows("Resume");
    browser.post(&format!("{path}/syncs"), &key, &[("mode", "full")]).await.shows("class=\"trouble\"").shows("History");
}

#[tokio::test]
async fn settings_and_credentials_are_changed_in_pages() {
    let world = World::start().await;
    let id = world.synced().await;
    let browser = Browser::of(&world).await;
    let path = format!("/connections/{id}");
    let key = browser.get(&path).await.key().to_owned();
    let now = async || world.api("GET", &format!("/v1{path}"), None).await.expect(200);
    let save = async |version: &str, more: &[(&str, &str)]| {
        let form = [&[("version", version), ("name", "Other"), ("teams", "a, b"), ("actions", "read")], more].concat();
        browser.post(&format!("{path}/settings"), &key, &form).await
    };
    let seen = now().await["version"].to_string();
    save(&seen, &[("full", "rate(12 hours)")]).await.shows("It is changed");
    let changed = now().await;
    assert_eq!((&changed["name"], &changed["teams"]), (&json!("Other"), &json!(["a", "b"])));
    let sync = &changed["sync"];
    assert_eq!((&sync["full"], &sync["incremental"]), (&json!("rate(12 hours)"), &json!(null)), "{sync}");
    save(&seen, &[("full", "rate(1 day)")]).await.shows("Somebody else has changed it").shows("rate(1 day)");
    let seen = changed["version"].to_string();
    save(&seen, &[("full", "at noon")]).await.shows("/sync/full").shows("value=\"at noon\"");
    assert_eq!(now().await["version"], changed["version"]);

    world.api("PATCH", &format!("/v1{path}"), Some(json!({"sync": null}))).await.expect(200);
    let seen = now().await["version"].to_string();
    save(&seen, &[]).await.shows("It is changed");
    assert_eq!(now().await["sync"], json!(null), "what is not synced by itself stays so");

    let wrong = [("domain", world.domain()), ("client_id", "0oaunknown".to_owned())];
    let wrong: Vec<_> = wrong.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = browser.post(&format!("{path}/auth"), &key, &wrong).await;
    refused.shows("class=\"trouble\"").shows("Active").shows("value=\"0oaunknown\"");
}

#[tokio::test]
async fn what_a_sync_asks_about_is_listed_and_confirmed() {
    let world = World::start().await;
    let id = world.synced().await;
    world.sim("PATCH", "app", Some(json!({"role": null}))).await;
    let sync = world.sync(&id, "full").await;
    let browser = Browser::of(&world).await;
    let path = format!("/connections/{id}");
    let history = browser.get(&format!("{path}/syncs")).await;
    history.shows("What would be removed");
    let question = format!("{path}/syncs/{}/removals", text(&sync, "id"));
    let user = world.all(&format!("/v1{path}/users")).await.remove(0);
    browser.get(&question).await.shows(text(&user, "id"));
    browser.post(&question, history.key(), &[]).await;
    assert_eq!(world.finished(&id, text(&sync, "id")).await["status"], "succeeded");
    assert_eq!(world.all(&format!("/v1{path}/users")).await.len(), 0);
}

#[tokio::test]
async fn a_secret_that_an_action_tells_is_shown_once_with_a_button_that_copies_it() {
    let world = World::start().await;
    let id = world.synced().await;
    let all = json!({"permissions": {"actions": ["all"]}});
    world.api("PATCH", &format!("/v1/connections/{id}"), Some(all)).await.expect(200);
    let browser = Browser::of(&world).await;
    let path = format!("/connections/{id}/actions/user.reset_password");
    let key = browser.get(&path).await.key().to_owned();
    let fields = [("user", "carlos.rossi@acme.example"), ("send_email", "false"), ("do", "confirmed")];
    let done = browser.post(&path, &key, &fields).await;
    done.shows("shown this once").shows("data-copy=\"reset_password_url\"");
    let (_, behind) = done.html.split_once("<code id=\"reset_password_url\">").expect("a secret");
    let secret = behind.split('<').next().expect("a text");
    assert!(secret.starts_with("http") && done.html.matches(secret).count() == 1, "{}", done.html);
    for page in ["/audit".to_owned(), path] {
        assert!(!browser.get(&page).await.html.contains(secret), "{page}");
    }
}

#[tokio::test]
async fn what_is_not_there_has_a_page_that_says_so() {
    let world = World::start().await;
    let browser = Browser::of(&world).await;
    for (path, said) in [("/nowhere", "There is no such page"), ("/connections/conn_x", "There is nothing here")] {
        let got = Browser::got(browser.http.get(format!("{}{path}", browser.console))).await;
        assert_eq!(got.status, 404, "{path}");
        got.shows(said).shows("href=\"/connections\"");
        assert!(got.policy.starts_with("default-src 'none'"), "{path}");
    }
}

#[tokio::test]
async fn no_page_loads_a_whole_list() {
    let many = okta_simulator::Config { users: 120, groups: 60, apps: 60, rate_limit: Some(100_000), ..small() };
    let world = World::with(many).await;
    let id = world.synced().await;
    let api = it::proxy::Proxy::start(world.url()).await;
    api.record(true);
    let client = okta_connector_client::Client::new(&api.url(), Credentials::Bearer(world.token().into()));
    let (url, pages) = okta_connector_local::console(client.expect("an address"), 0).await.expect("a console");
    tokio::spawn(pages);
    let browser = Browser::at(&url).await;
    for page in all_pages(&world, &id, "rossi", "everyone").await {
        let known = api.recorded();
        let html = browser.get(&page).await.html;
        let most = if page.ends_with("/events") { 100 } else { 50 };
        assert!(html.matches("<tr").count() <= 1 + most, "{page}");
        let asked = api.exchanges_behind(known);
        let lists = asked.iter().filter(|it| it.response_body.windows(11).any(|text| text == b"next_cursor"));
        for list in lists {
            let query = list.query.clone().unwrap_or_default();
            let bounded = query.split('&').any(|pair| ["limit=1", "limit=50", "limit=200"].contains(&pair));
            let small = ["/v1/actions", "/triggers"].iter().any(|known| list.path.ends_with(known));
            assert!(bounded || small, "{page} asks for {}?{query}", list.path);
            // The newest events are at the end of a feed; the way there has a limit of its own.
            let is_feed = list.path.ends_with("/events");
            assert!(is_feed || !query.contains("cursor="), "{page} goes on reading {}", list.path);
        }
        assert!(asked.len() <= 25, "{page} asks {} times", asked.len());
    }
    browser.get(&format!("/connections/{id}/people")).await.shows("Next page");
}

#[tokio::test]
async fn events_of_the_past_are_read_in_pages_and_a_filter_that_matches_none_is_said_to() {
    let world = World::start().await;
    let browser = Browser::of(&world).await;
    let id = world.synced().await;
    let path = format!("/connections/{id}/events");
    browser.get(&path).await.shows("Add a trigger");
    let trigger = json!({"type": "new_events", "name": "All"});
    world.api("POST", &format!("/v1/connections/{id}/triggers"), Some(trigger)).await.expect(201);
    world.sim("POST", "events", Some(json!({"count": 250, "type": "user.session.start"}))).await;
    world.poll(&id).await;
    browser.get(&format!("{path}?type=com.okta.none")).await.shows("No event matches the filter.");
    let first = browser.get(&format!("{path}?since=2020-01-01T00:00:00Z&type=com.okta.user.session.start")).await;
    first.shows("com.okta.user.session.start: 200").shows("Next page");
    let next = first.html.split("class=\"more\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
    let next = next.expect("a link").replace("&amp;", "&");
    browser.get(&next).await.shows("com.okta.user.session.start: 50");
}

#[tokio::test]
async fn a_trigger_is_removed_only_after_a_second_look_and_a_pause_is_on_every_page() {
    let world = World::start().await;
    let browser = Browser::of(&world).await;
    let id = world.synced().await;
    let trigger = json!({"type": "event_hook", "name": "Sign-ins", "event_types": ["user.session.start"]});
    world.api("POST", &format!("/v1/connections/{id}/triggers"), Some(trigger)).await.expect(201);
    let events = browser.get(&format!("/connections/{id}/events")).await;
    events.shows("Its event hook in Okta is deleted too.").shows("<summary aria-label=\"Remove Sign-ins\">");
    world.api("PATCH", &format!("/v1/connections/{id}"), Some(json!({"paused": true}))).await.expect(200);
    browser.get(&format!("/connections/{id}/people")).await.shows("Paused");
}

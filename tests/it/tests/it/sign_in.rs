//! A user's sign-in through the whole service: invited, sent back, and used from then on.

use crate::world::{Reply, World, text, unlimited};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// An invitation, and the connection it is for.
pub struct Invited {
    id: String,
    url: String,
}

impl World {
    /// The tenant's web app, with this secret.
    fn web_app(&self, secret: &str) -> Value {
        let client_id = &self.simulator.credentials().web_client_id;
        json!({"type": "authorization_code", "client_id": client_id, "client_secret": secret})
    }

    fn secret(&self) -> &str {
        &self.simulator.credentials().client_secret
    }

    /// A pending connection to the web app, which knows where to send users back to.
    pub async fn made(&self, secret: &str) -> Value {
        let back = format!("{}/v1/oauth/callback", self.url());
        self.sim("PATCH", "app", Some(json!({"redirect_uris": [back]}))).await;
        let body = json!({"name": "Acme", "domain": self.domain(), "auth": self.web_app(secret)});
        self.api("POST", "/v1/connections", Some(body)).await.expect(201)
    }

    pub async fn invite(&self, id: &str) -> Invited {
        let invited = self.api("POST", &format!("/v1/connections/{id}/authorize"), None).await.expect(200);
        Invited { id: id.to_owned(), url: text(&invited, "authorize_url").to_owned() }
    }

    /// Goes where the invitation leads, and back; a program that accepts JSON.
    pub async fn follow(&self, invited: &Invited) -> Reply {
        self.request("GET", &invited.url, &[("accept", "application/json")], None).await
    }

    /// A connection that a user has signed in to; its id.
    pub async fn signed_in(&self) -> String {
        let made = self.made(self.secret()).await;
        let invited = self.invite(text(&made, "id")).await;
        let back = self.follow(&invited).await.expect(200);
        assert_eq!(back, json!({"status": "Active", "message": "Integration setup complete"}));
        self.first_sync(&invited.id).await;
        invited.id
    }

    /// Waits for the sync that a first sign-in starts.
    async fn first_sync(&self, id: &str) {
        let syncs = self.all(&format!("/v1/connections/{id}/syncs")).await;
        assert_eq!(self.finished(id, text(&syncs[0], "id")).await["status"], "succeeded");
    }

    /// Comes back with these parameters.
    async fn come_back(&self, query: &str) -> Reply {
        let headers = [("accept", "application/json")];
        self.request("GET", &format!("{}/v1/oauth/callback?{query}", self.url()), &headers, None).await
    }

    async fn as_seen(&self, id: &str) -> Value {
        self.api("GET", &format!("/v1/connections/{id}"), None).await.expect(200)
    }

    async fn tested(&self, id: &str) -> Value {
        self.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200)
    }

    /// How many requests the tenant had at a path.
    async fn had(&self, path: &str) -> usize {
        let requests = self.sim("GET", "requests", None).await;
        requests["items"].as_array().expect("requests").iter().filter(|it| it["path"] == path).count()
    }
}

/// A parameter of an invitation.
fn parameter(invited: &Invited, name: &str) -> String {
    let url = url::Url::parse(&invited.url).expect("a URL");
    url.query_pairs().find(|pair| pair.0 == name).map(|pair| pair.1.into_owned()).unwrap_or_default()
}

fn connection_check(report: &Value) -> (&str, &str, &str) {
    let check = &report["checks"][0];
    (text(report, "status"), text(check, "finding"), text(check, "fix"))
}

#[tokio::test]
async fn a_connection_is_made_by_a_user_who_signs_in_and_syncs() {
    let world = World::start().await;
    let made = world.made(world.secret()).await;
    assert_eq!((&made["status"], &made["auth"]["type"]), (&json!("Pending"), &json!("authorization_code")));
    assert_eq!(made["redirect_uri"], format!("{}/v1/oauth/callback", world.url()));
    let id = text(&made, "id");
    let test = format!("/v1/connections/{id}/test");
    assert_eq!(world.api("POST", &test, None).await.problem(), "connection-not-ready");
    let back = world.follow(&world.invite(id).await).await.expect(200);
    assert_eq!(back["status"], "Active");
    let shown = world.as_seen(id).await;
    assert_eq!((&shown["auth"]["dpop"], &shown["staged_auth"]), (&json!(true), &Value::Null));
    world.first_sync(id).await;
    assert_eq!(world.all(&format!("/v1/connections/{id}/users")).await.len(), 60);
    let report = world.tested(id).await;
    let roles = report["checks"].as_array().and_then(|checks| checks.iter().find(|it| it["finding"] == "role_missing"));
    assert_eq!((&report["status"], roles), (&json!("Active"), None));
}

#[tokio::test]
async fn everything_that_reads_is_asked_for_unless_scopes_are_named() {
    let world = World::start().await;
    let id = text(&world.made(world.secret()).await, "id").to_owned();
    let asked = parameter(&world.invite(&id).await, "scope");
    assert!(asked.contains("okta.logs.read") && asked.contains("openid") && asked.contains("offline_access"));
    assert!(!asked.contains("manage"), "{asked}");
    let mut auth = world.web_app(world.secret());
    auth["scopes"] = json!(["okta.users.read"]);
    world.api("PUT", &format!("/v1/connections/{id}/auth"), Some(json!({"auth": auth}))).await.expect(200);
    let invited = world.invite(&id).await;
    assert_eq!(parameter(&invited, "scope"), "offline_access okta.users.read");
    world.follow(&invited).await.expect(200);
    assert_eq!(world.as_seen(&id).await["auth"]["scopes"], json!(["offline_access", "okta.users.read"]));
}

#[tokio::test]
async fn a_browser_gets_a_page_that_loads_nothing() {
    let world = World::start().await;
    let made = world.made(world.secret()).await;
    let invited = world.invite(text(&made, "id")).await;
    let page = world.request("GET", &invited.url, &[("accept", "text/html,*/*")], None).await;
    let header = |name: &str| page.headers[name].to_str().unwrap_or_default().to_owned();
    assert!(header("content-type").starts_with("text/html") && header("cache-control") == "no-store");
    assert!(header("content-security-policy").starts_with("default-src 'none'"));
    assert!(page.body.as_str().is_some_and(|page| page.contains("Integration setup complete")));
    let again = world.request("GET", &format!("{}/v1/oauth/callback", world.url()), &[], None).await;
    assert!(again.status == 400 && again.body.as_str().is_some_and(|page| page.contains("<h1>")));
}

#[tokio::test]
async fn a_used_or_invented_state_asks_nothing_of_okta() {
    let world = World::start().await;
    let made = world.made(world.secret()).await;
    let invited = world.invite(text(&made, "id")).await;
    let state = parameter(&invited, "state");
    world.follow(&invited).await.expect(200);
    world.first_sync(&invited.id).await;
    let before = world.had("/oauth2/v1/token").await;
    for query in [format!("state={state}&code=c"), format!("state={state}x&code=c"), "code=c".to_owned(), String::new()]
    {
        assert_eq!(world.come_back(&query).await.problem(), "bad-request", "{query}");
    }
    assert_eq!(world.had("/oauth2/v1/token").await, before);
}

#[tokio::test]
async fn an_invitation_is_told_once_and_both_its_ends_are_audited() {
    let world = World::start().await;
    let id = text(&world.made(world.secret()).await, "id").to_owned();
    let url = format!("{}/v1/connections/{id}/authorize", world.url());
    let ask = || world.request("POST", &url, &[("idempotency-key", "once")], None);
    let (first, again) = (ask().await.expect(200), ask().await.expect(200));
    assert_eq!((&again["authorize_url"], &again["shown_once"]), (&Value::Null, &json!(true)));
    let invited = Invited { id: id.clone(), url: text(&first, "authorize_url").to_owned() };
    world.follow(&invited).await.expect(200);
    let rows = world.all(&format!("/v1/connections/{id}/audit")).await;
    let rows: Vec<_> = rows.iter().map(|row| (text(row, "action"), text(row, "outcome"))).collect();
    let expected = ["connection.sign_in", "connection.authorize", "connection.create"].map(|name| (name, "succeeded"));
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn an_invitation_is_void_once_the_credentials_are_others() {
    let world = World::start().await;
    let id = text(&world.made(world.secret()).await, "id").to_owned();
    let old = world.invite(&id).await;
    let body = json!({"auth": world.web_app(world.secret())});
    world.api("PUT", &format!("/v1/connections/{id}/auth"), Some(body)).await.expect(200);
    let before = world.had("/oauth2/v1/token").await;
    assert_eq!(world.follow(&old).await.problem(), "bad-request");
    assert_eq!(world.had("/oauth2/v1/token").await, before);
    world.follow(&world.invite(&id).await).await.expect(200);
}

#[tokio::test]
async fn what_okta_refuses_is_told_and_uses_the_state_up() {
    let world = World::start().await;
    let id = text(&world.made(world.secret()).await, "id").to_owned();
    world.sim("PATCH", "app", Some(json!({"scopes": ["okta.users.read"]}))).await;
    let refused = world.follow(&world.invite(&id).await).await;
    assert_eq!((refused.status, refused.problem()), (422, "verification-failed"));
    assert_eq!(refused.body["okta_error_code"], "invalid_scope");
    let state = parameter(&world.invite(&id).await, "state");
    let refused = world.come_back(&format!("state={state}&error=access_denied&error_description=%3Cb%3E")).await;
    assert_eq!((refused.status, &refused.body["okta_error_code"]), (422, &json!("access_denied")));
    assert_eq!(world.come_back(&format!("state={state}&code=c")).await.status, 400);
    assert_eq!(world.had("/oauth2/v1/token").await, 0);
}

#[tokio::test]
async fn staged_credentials_replace_the_old_ones_only_once_a_user_has_signed_in() {
    let world = World::start().await;
    let connected = world.connect().await;
    let id = text(&connected, "id").to_owned();
    world.finished(&id, text(&connected, "sync_id")).await;
    world.made(world.secret()).await;
    for (secret, status) in [("wrong", 422), (world.secret(), 200)] {
        let put = json!({"auth": world.web_app(secret)});
        let staged = world.api("PUT", &format!("/v1/connections/{id}/auth"), Some(put)).await.expect(200);
        assert_eq!((&staged["auth"]["type"], &staged["status"]), (&json!("private_key_jwt"), &json!("Active")));
        assert_eq!(staged["staged_auth"]["client_id"], world.simulator.credentials().web_client_id);
        assert_eq!(world.tested(&id).await["status"], "Active", "the old ones go on working");
        world.follow(&world.invite(&id).await).await.expect(status);
        let now = if status == 200 { "authorization_code" } else { "private_key_jwt" };
        assert_eq!(world.as_seen(&id).await["auth"]["type"], now);
        assert_eq!(world.tested(&id).await["status"], "Active");
    }
    assert_eq!(world.as_seen(&id).await["keys"].as_array().map(Vec::len), Some(1), "a hosted key stays");
}

#[tokio::test]
async fn other_credentials_drop_what_is_staged() {
    let world = World::start().await;
    let id = world.signed_in().await;
    let path = format!("/v1/connections/{id}/auth");
    world.api("PUT", &path, Some(json!({"auth": world.web_app("another")}))).await.expect(200);
    let token = json!({"auth": {"type": "api_token", "token": world.simulator.credentials().api_token}});
    let changed = world.api("PUT", &path, Some(token)).await.expect(200);
    assert_eq!((&changed["auth"]["type"], &changed["staged_auth"]), (&json!("api_token"), &Value::Null));
    let invited = world.api("POST", &format!("/v1/connections/{id}/authorize"), None).await;
    assert_eq!(invited.problem(), "connection-not-ready");
}

#[tokio::test]
async fn a_grant_that_was_revoked_or_has_expired_is_told_and_mended_by_another_sign_in() {
    let world = World::start().await;
    let id = world.signed_in().await;
    world.sim("DELETE", "sign_ins", None).await;
    for _ in 0..2 {
        let report = world.tested(&id).await;
        let (status, finding, fix) = connection_check(&report);
        assert_eq!((status, finding), ("Inactive", "token_revoked"));
        assert!(fix.contains("authorize again (POST"), "{fix}");
        world.follow(&world.invite(&id).await).await.expect(200);
        assert_eq!(world.tested(&id).await["status"], "Active");
        // The tenant's clock alone moves on, so that proofs would be old.
        world.sim("PATCH", "app", Some(json!({"dpop": "off"}))).await;
        world.sim("POST", "clock", Some(json!({"advance": "91d"}))).await;
    }
}

#[tokio::test]
async fn a_wrong_client_secret_is_an_invalid_client() {
    let world = World::start().await;
    let made = world.made("wrong").await;
    let refused = world.follow(&world.invite(text(&made, "id")).await).await;
    assert_eq!((refused.status, refused.problem()), (422, "verification-failed"));
    assert_eq!(refused.body["checks"][0]["finding"], "invalid_client");
    assert_eq!(world.as_seen(text(&made, "id")).await["status"], "Pending");
}

#[tokio::test]
async fn the_role_that_counts_is_the_users() {
    let world = World::start().await;
    let id = world.signed_in().await;
    world.sim("PATCH", "app", Some(json!({"web_role": null, "role": "SUPER_ADMIN"}))).await;
    let report = world.tested(&id).await;
    let employees = &report["checks"][1];
    assert_eq!((&report["status"], &employees["finding"]), (&json!("Inactive"), &json!("role_missing")));
}

#[tokio::test]
async fn a_deleted_connection_takes_its_token_back_if_okta_can_be_reached() {
    let world = World::with(unlimited()).await;
    for (fault, status) in [(false, 200), (true, 503)] {
        let id = world.signed_in().await;
        if fault {
            world.sim("POST", "faults", Some(json!({"fault": "status", "status": 503}))).await;
        }
        world.api("DELETE", &format!("/v1/connections/{id}"), None).await.expect(204);
        let requests = world.sim("GET", "requests", None).await;
        let last =
            requests["items"].as_array().and_then(|items| items.iter().rfind(|it| it["path"] == "/oauth2/v1/revoke"));
        assert_eq!(last.map(|it| &it["status"]), Some(&json!(status)));
    }
}

#[tokio::test]
async fn tokens_that_okta_does_not_replace_are_kept() {
    let world = World::start().await;
    world.sim("PATCH", "app", Some(json!({"refresh_rotation": "static", "dpop": "off"}))).await;
    let id = world.signed_in().await;
    for _ in 0..3 {
        assert_eq!(world.tested(&id).await["status"], "Active");
    }
    let stats = world.sim("GET", "stats", None).await;
    assert!(stats["refreshes"].as_array().is_some_and(|uses| uses.len() == 1), "{stats:#}");
}

#[tokio::test]
async fn whichever_function_finds_the_token_over_renews_it() {
    let world = World::with(unlimited()).await;
    let id = world.signed_in().await;
    let path = format!("/v1/connections/{id}");
    world.api("PATCH", &path, Some(json!({"sync": null}))).await.expect(200);
    let renewals = async || {
        let uses = world.sim("GET", "stats", None).await["refreshes"].clone();
        uses.as_array().expect("counts").iter().filter_map(Value::as_u64).sum::<u64>()
    };
    let an_hour = async || {
        world.clock.advance(SignedDuration::from_hours(1));
        world.sim("POST", "clock", Some(json!({"advance": "1h"}))).await;
    };
    let before = renewals().await;
    an_hour().await;
    let search = format!("{path}/actions/user.search");
    world.api("POST", &search, Some(json!({"search": "status eq \"ACTIVE\""}))).await.expect(200);
    assert_eq!(renewals().await, before + 1, "by an action");
    world.api("POST", &format!("{path}/triggers"), Some(json!({"type": "new_events"}))).await.expect(201);
    assert_eq!(renewals().await, before + 1, "the token is shared");
    an_hour().await;
    world.poll(&id).await;
    assert_eq!(renewals().await, before + 2, "by a poll");
}

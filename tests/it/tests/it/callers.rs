//! Who may what: callers with a token of an issuer, their teams, and admins.

use crate::killed::program;
use crate::pages::page;
use crate::pasted::PastedKey;
use crate::world::{Reply, text};
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use okta_connector::clock::{Clock, SystemClock};
use okta_connector::okta::AllowedOrigins;
use okta_connector_local::{Config, Issuer, Service};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A service that accepts an issuer's tokens and nobody else.
pub struct Guarded {
    service: Service,
    key: PastedKey,
    issuer: String,
    keys: Arc<Published>,
    http: reqwest::Client,
    serving: JoinHandle<()>,
    _data: TempDir,
}

/// What an issuer publishes.
struct Published {
    keys: Mutex<Value>,
    asked: AtomicUsize,
    /// A silent issuer holds it.
    silence: tokio::sync::Mutex<()>,
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Guarded {
    /// One that reaches no tenant.
    pub async fn start() -> Self {
        Self::reaching(AllowedOrigins::default()).await
    }

    /// One that reaches tenants of this machine.
    pub async fn reaching(allowed: AllowedOrigins) -> Self {
        let (key, data) = (PastedKey::generate(), tempfile::tempdir().expect("a directory"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let discovery = json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")}).to_string();
        let keys = json!({"keys": [key.public]});
        let keys = Arc::new(Published {
            keys: Mutex::new(keys),
            asked: AtomicUsize::new(0),
            silence: tokio::sync::Mutex::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(move || async move { discovery }))
            .route("/keys", get(published))
            .with_state(keys.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap_or_default() });
        let accepted = Issuer::new(&issuer, "connector", "teams", "okta-connector.admin").expect("an issuer");
        let (data_folder, clock) = (data.path().to_owned(), Arc::new(SystemClock));
        let config = Config { port: 0, data: data_folder, public_url: None, allowed, issuer: Some(accepted), clock };
        let service = Service::start(config).await.expect("a service");
        Self { service, key, issuer, keys, http: reqwest::Client::new(), serving, _data: data }
    }

    pub fn url(&self) -> &str {
        self.service.url()
    }

    /// A token with these claims beside those that every token has.
    fn token(&self, claims: &Value) -> String {
        self.signed(&Header { kid: Some(self.key.key_id().to_owned()), ..Header::new(Algorithm::RS256) }, claims)
    }

    fn signed(&self, header: &Header, claims: &Value) -> String {
        let mut all = json!({"iss": self.issuer, "aud": "connector", "exp": 4_000_000_000_u64, "sub": "someone"});
        all.as_object_mut().expect("an object").extend(claims.as_object().cloned().unwrap_or_default());
        let key = EncodingKey::from_rsa_pem(self.key.pem.as_bytes()).expect("a key");
        jsonwebtoken::encode(header, &all, &key).expect("a token")
    }

    /// The status that a caller with a token gets.
    async fn status(&self, token: &str) -> u16 {
        self.call(Some(token), "GET", "/v1/me", None).await.0
    }

    pub fn admin(&self) -> String {
        self.token(&json!({"sub": "ada", "scope": "openid okta-connector.admin"}))
    }

    pub fn member(&self, teams: &[&str]) -> String {
        self.token(&json!({"sub": "mia", "teams": teams}))
    }

    /// Status, problem slug or nothing, and body.
    pub async fn call(
        &self,
        token: Option<&str>,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (u16, String, Value) {
        let url = format!("{}{path}", self.service.url());
        let mut request = self.http.request(method.parse().expect("a method"), url);
        request = token.iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        answer(body.iter().fold(request, reqwest::RequestBuilder::json), method, path).await
    }

    /// The same, of a POST under an `Idempotency-Key`.
    pub async fn keyed(&self, token: Option<&str>, key: &str, path: &str, body: Value) -> (u16, String, Value) {
        let request =
            self.http.post(format!("{}{path}", self.service.url())).header("idempotency-key", key).json(&body);
        answer(token.iter().fold(request, reqwest::RequestBuilder::bearer_auth), "POST", path).await
    }

    /// A pending connection of these teams.
    pub async fn made(&self, teams: &[&str]) -> String {
        let body = json!({"name": "Acme", "auth": {"type": "private_key_jwt"}, "teams": teams});
        let (status, _, made) = self.call(Some(&self.admin()), "POST", "/v1/connections", Some(body)).await;
        assert_eq!(status, 201, "{made:#}");
        text(&made, "id").to_owned()
    }
}

async fn published(State(published): State<Arc<Published>>) -> String {
    published.asked.fetch_add(1, Ordering::SeqCst);
    let _silence = published.silence.lock().await;
    published.keys.lock().expect("not poisoned").to_string()
}

async fn answer(request: reqwest::RequestBuilder, method: &str, path: &str) -> (u16, String, Value) {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("a body");
    let reply = Reply { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) };
    reply.is_as_promised(method, path);
    let slug = if reply.problem() == "none" { "" } else { reply.problem() };
    (status, slug.to_owned(), reply.body)
}

#[tokio::test]
async fn callers_are_told_who_they_are() {
    let guarded = Guarded::start().await;
    for (claims, told) in [
        (json!({"sub": "a", "scope": "x okta-connector.admin"}), json!({"subject": "a", "teams": [], "admin": true})),
        (json!({"sub": "b", "scp": ["okta-connector.admin"]}), json!({"subject": "b", "teams": [], "admin": true})),
        (json!({"sub": "c", "teams": ["it", "hr"]}), json!({"subject": "c", "teams": ["hr", "it"], "admin": false})),
        (json!({"sub": "d", "teams": "it hr"}), json!({"subject": "d", "teams": ["hr", "it"], "admin": false})),
        (json!({"sub": "e", "scope": "okta-connector.admins"}), json!({"subject": "e", "teams": [], "admin": false})),
        (
            json!({"sub": "f", "teams": ["no space", "", "ok"]}),
            json!({"subject": "f", "teams": ["ok"], "admin": false}),
        ),
    ] {
        let token = guarded.token(&claims);
        assert_eq!(guarded.call(Some(&token), "GET", "/v1/me", None).await.2, told);
    }
}

#[tokio::test]
async fn a_token_that_is_not_the_issuers_own_is_nobody() {
    let guarded = Guarded::start().await;
    let good = guarded.admin();
    let other = Guarded::start().await.token(&json!({"iss": guarded.issuer, "scope": "okta-connector.admin"}));
    let tampered = format!("{}x", &good[..good.len() - 1]);
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", good.split('.').nth(1).expect("claims"));
    for token in [
        guarded.token(&json!({"exp": 1_000_000_000})),
        guarded.token(&json!({"aud": "another"})),
        guarded.token(&json!({"iss": "https://evil.example.com"})),
        other,
        tampered,
        unsigned,
        "nonsense".to_owned(),
    ] {
        let (status, slug, _) = guarded.call(Some(&token), "GET", "/v1/connections", None).await;
        assert_eq!((status, slug.as_str()), (401, "unauthenticated"), "{token}");
    }
    assert_eq!(guarded.call(Some(&good), "GET", "/v1/connections", None).await.0, 200);
}

#[tokio::test]
async fn a_token_is_as_strictly_read_as_by_api_gateway() {
    let guarded = Guarded::start().await;
    let named = || Header { kid: Some(guarded.key.key_id().to_owned()), ..Header::new(Algorithm::RS256) };
    let now = SystemClock.now().as_second();
    let critical = Header { crit: Some(vec!["exp2".to_owned()]), ..named() };
    for (token, status) in [
        (guarded.signed(&named(), &json!({"nbf": now - 5, "iat": now - 5})), 200),
        (guarded.signed(&named(), &json!({"nbf": now + 3_600})), 401),
        (guarded.signed(&named(), &json!({"iat": now + 3_600})), 401),
        (guarded.signed(&Header { alg: Algorithm::RS512, ..named() }, &json!({})), 401),
        (guarded.signed(&critical, &json!({})), 401),
        (guarded.signed(&Header::new(Algorithm::RS256), &json!({})), 401),
    ] {
        assert_eq!(guarded.status(&token).await, status, "{token}");
    }
    for (member, value) in [("use", json!("enc")), ("key_ops", json!(["encrypt"])), ("alg", json!("RS384"))] {
        let other = Guarded::start().await;
        let mut key = other.key.public.clone();
        key[member] = value;
        *other.keys.keys.lock().expect("not poisoned") = json!({"keys": [key]});
        assert_eq!(other.status(&other.admin()).await, 401, "{member}");
    }
}

#[tokio::test]
async fn a_silent_issuer_stops_no_caller_whose_key_is_known() {
    let guarded = Guarded::start().await;
    let good = guarded.admin();
    assert_eq!(guarded.status(&good).await, 200);
    let unknown = Header { kid: Some("unknown".to_owned()), ..Header::new(Algorithm::RS256) };
    let by_unknown_key = guarded.signed(&unknown, &json!({}));
    let silence = guarded.keys.silence.lock().await;
    let (unknown, known) = tokio::join!(guarded.status(&by_unknown_key), async {
        let mut answers = Vec::new();
        for _ in 0..5 {
            answers.push(guarded.status(&good).await);
        }
        answers
    });
    assert_eq!((unknown, known), (401, vec![200; 5]));
    drop(silence);
    let asked = guarded.keys.asked.load(Ordering::SeqCst);
    for _ in 0..20 {
        assert_eq!(guarded.status(&by_unknown_key).await, 401);
    }
    assert!(
        guarded.keys.asked.load(Ordering::SeqCst) <= asked + 1,
        "unknown keys do not have it asked again and again"
    );
}

#[tokio::test]
async fn without_an_identity_only_the_public_routes_answer() {
    let guarded = Guarded::start().await;
    let id = guarded.made(&["it"]).await;
    for (method, path) in [
        ("GET", "/v1/me".to_owned()),
        ("GET", "/v1/connections".to_owned()),
        ("POST", "/v1/connections".to_owned()),
        ("GET", format!("/v1/connections/{id}")),
        ("PATCH", format!("/v1/connections/{id}")),
        ("DELETE", format!("/v1/connections/{id}")),
        ("PUT", format!("/v1/connections/{id}/auth")),
        ("POST", format!("/v1/connections/{id}/keys")),
        ("POST", format!("/v1/connections/{id}/authorize")),
        ("POST", format!("/v1/connections/{id}/test")),
        ("POST", format!("/v1/connections/{id}/syncs")),
        ("GET", format!("/v1/connections/{id}/people")),
    ] {
        let (status, slug, _) = guarded.call(None, method, &path, None).await;
        assert_eq!((status, slug.as_str()), (401, "unauthenticated"), "{method} {path}");
    }
    assert_eq!(guarded.call(None, "GET", "/v1/health", None).await.0, 200);
    assert_eq!(guarded.call(None, "GET", "/v1/oauth/callback", None).await.0, 400, "it lets in whoever has a state");
    assert_eq!(guarded.call(None, "GET", &format!("/v1/connections/{id}/jwks.json"), None).await.0, 200);
}

#[tokio::test]
async fn a_member_sees_the_connections_of_their_teams_and_no_others() {
    let guarded = Guarded::start().await;
    let (it, hr, admins) = (guarded.made(&["it"]).await, guarded.made(&["hr", "ops"]).await, guarded.made(&[]).await);
    let listed = |listed: &Value| -> Vec<String> {
        listed["items"].as_array().expect("items").iter().map(|item| text(item, "id").to_owned()).collect()
    };
    for (token, sees) in [
        (guarded.member(&["it"]), vec![it.clone()]),
        (guarded.member(&["ops", "it"]), vec![it.clone(), hr.clone()]),
        (guarded.member(&["IT"]), vec![]),
        (guarded.member(&[]), vec![]),
        (guarded.admin(), vec![it.clone(), hr.clone(), admins.clone()]),
    ] {
        assert_eq!(listed(&guarded.call(Some(&token), "GET", "/v1/connections", None).await.2), sees);
        for id in [&it, &hr, &admins] {
            let status = guarded.call(Some(&token), "GET", &format!("/v1/connections/{id}"), None).await.0;
            assert_eq!(status, if sees.contains(id) { 200 } else { 404 });
        }
    }
}

#[tokio::test]
async fn a_filtered_page_may_be_empty_and_go_on() {
    let guarded = Guarded::start().await;
    for _ in 0..2 {
        guarded.made(&[]).await;
    }
    let mine = guarded.made(&["it"]).await;
    let token = guarded.member(&["it"]);
    let (_, _, page) = guarded.call(Some(&token), "GET", "/v1/connections?limit=2", None).await;
    assert_eq!(page["items"], json!([]));
    let path = format!("/v1/connections?limit=2&cursor={}", text(&page, "next_cursor"));
    let (_, _, page) = guarded.call(Some(&token), "GET", &path, None).await;
    assert_eq!((&page["items"][0]["id"], &page["next_cursor"]), (&json!(mine), &Value::Null));
}

#[tokio::test]
async fn only_admins_set_up_connections_and_others_learn_nothing_of_foreign_ones() {
    let guarded = Guarded::start().await;
    let (own, foreign) = (guarded.made(&["it"]).await, guarded.made(&["hr"]).await);
    let member = guarded.member(&["it"]);
    let auth = json!({"auth": {"type": "private_key_jwt"}});
    for (method, path, body) in [
        ("PATCH", "", Some(json!({"name": "B"}))),
        ("DELETE", "", None),
        ("PUT", "/auth", Some(auth.clone())),
        ("POST", "/keys", Some(json!({"overlap": "24h"}))),
        ("POST", "/authorize", None),
    ] {
        let (status, slug, _) =
            guarded.call(Some(&member), method, &format!("/v1/connections/{own}{path}"), body.clone()).await;
        assert_eq!((status, slug.as_str()), (403, "forbidden"), "{method} {path}");
        let (status, slug, _) =
            guarded.call(Some(&member), method, &format!("/v1/connections/{foreign}{path}"), body).await;
        assert_eq!((status, slug.as_str()), (404, "not-found"), "{method} {path}");
    }
    let new = json!({"name": "Acme", "auth": {"type": "private_key_jwt"}, "teams": ["it"]});
    let (status, slug, _) = guarded.call(Some(&member), "POST", "/v1/connections", Some(new)).await;
    assert_eq!((status, slug.as_str()), (403, "forbidden"));
}

#[tokio::test]
async fn what_a_caller_may_not_do_is_told_before_what_is_wrong_with_it() {
    let guarded = Guarded::start().await;
    let (own, foreign) = (guarded.made(&["it"]).await, guarded.made(&["hr"]).await);
    let member = guarded.member(&["it"]);
    let bad = Some(json!({"bogus": 1}));
    for (method, path, expected) in [
        ("POST", "/v1/connections".to_owned(), 403),
        ("PUT", format!("/v1/connections/{own}/auth"), 403),
        ("POST", format!("/v1/connections/{own}/keys"), 403),
        ("PUT", format!("/v1/connections/{foreign}/auth"), 404),
        ("POST", format!("/v1/connections/{foreign}/keys"), 404),
        ("POST", format!("/v1/connections/{foreign}/syncs"), 404),
    ] {
        assert_eq!(guarded.call(Some(&member), method, &path, bad.clone()).await.0, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn a_member_reads_tests_and_syncs() {
    let guarded = Guarded::start().await;
    let (own, foreign) = (guarded.made(&["it"]).await, guarded.made(&["hr"]).await);
    let member = guarded.member(&["it"]);
    let sync = Some(json!({"mode": "full"}));
    for (method, path, body, status) in [
        ("GET", "", None, 200),
        ("GET", "/keys", None, 200),
        ("GET", "/syncs", None, 200),
        ("GET", "/users", None, 200),
        ("GET", "/people", None, 200),
        ("GET", "/findings", None, 200),
        ("GET", "/admins", None, 200),
        ("POST", "/test", None, 409),
        ("POST", "/syncs", sync, 409),
    ] {
        let told = guarded.call(Some(&member), method, &format!("/v1/connections/{own}{path}"), body.clone()).await;
        assert_eq!(told.0, status, "{method} {path} {:#}", told.2);
        let told = guarded.call(Some(&member), method, &format!("/v1/connections/{foreign}{path}"), body).await;
        assert_eq!((told.0, told.1.as_str()), (404, "not-found"), "{method} {path}");
    }
}

/// A service in a folder, with the address at which a proxy publishes it, or without.
async fn started(data: &Path, public_url: Option<&str>) -> Service {
    let config = Config {
        port: 0,
        data: data.to_owned(),
        public_url: public_url.map(str::to_owned),
        allowed: AllowedOrigins::default(),
        issuer: None,
        clock: Arc::new(SystemClock),
    };
    Service::start(config).await.expect("a service")
}

#[tokio::test]
async fn only_the_token_of_the_machine_makes_an_admin() {
    for public_url in [None, Some("https://connector.example.com")] {
        let data = tempfile::tempdir().expect("a directory");
        let service = started(data.path(), public_url).await;
        let file = data.path().join("token");
        let token = std::fs::read_to_string(&file).expect("a token");
        assert_eq!(file.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
        let http = reqwest::Client::new();
        let status = async |path: &str, headers: &[(&str, &str)]| {
            let request = http.get(format!("{}{path}", service.url()));
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            request.send().await.expect("an answer").status().as_u16()
        };
        let bearer = format!("Bearer {token}");
        let wrong = format!("Bearer {}x", &token[1..]);
        let forwarded = ("x-forwarded-for", "203.0.113.1");
        for (headers, wanted) in [
            // What nginx sends by default, and what a program of this machine sends.
            (vec![], 401),
            (vec![("host", "127.0.0.1:7070")], 401),
            (vec![("host", "localhost")], 401),
            (vec![("origin", "http://localhost:3000"), ("sec-fetch-site", "same-site")], 401),
            (vec![("authorization", "Bearer ")], 401),
            (vec![("authorization", wrong.as_str())], 401),
            (vec![("authorization", token.as_str())], 401),
            (vec![("authorization", bearer.as_str())], 200),
            (vec![("authorization", bearer.as_str()), ("host", "connector.example.com"), forwarded], 200),
        ] {
            for path in ["/v1/me", "/v1/connections", "/v1/audit"] {
                assert_eq!(status(path, &headers).await, wanted, "{path} {headers:?}");
            }
        }
        assert_eq!(status("/v1/health", &[]).await, 200, "the public routes need nothing");
        drop(service);
        started(data.path(), public_url).await;
        assert_eq!(std::fs::read_to_string(&file).expect("a token"), token, "it is made once");
    }
}

#[tokio::test]
async fn the_commands_of_the_guide_and_the_command_line_read_the_token_of_the_machine() {
    let data = tempfile::tempdir().expect("a directory");
    let service = started(data.path(), None).await;
    let script = page("docs/guides/api.md").commands()[0].replace("localhost:7070", service.url());
    let mut bash = tokio::process::Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", &script]).env("OKTA_CONNECTOR_DATA", data.path());
    let me: Value = serde_json::from_slice(&bash.output().await.expect("bash runs").stdout).expect("JSON");
    assert_eq!(me, json!({"subject": "local", "teams": [], "admin": true}));
    let listed = |data: &Path| {
        let mut command = tokio::process::Command::new(program());
        command.args(["connections", "list", "--url", service.url()]).env("OKTA_CONNECTOR_DATA", data);
        command.output()
    };
    assert!(listed(data.path()).await.expect("a program").status.success());
    let elsewhere = tempfile::tempdir().expect("a directory");
    let refused = listed(elsewhere.path()).await.expect("a program");
    assert_eq!(refused.status.code(), Some(3));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("OKTA_CONNECTOR_DATA"), "{said}");
}

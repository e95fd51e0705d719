//! A running tenant and those who talk to it.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use okta_simulator::{Config, Simulator};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Where what Okta has published and what others have recorded is: `OKTA_FACTS_DIR`. Unset, a test that needs it has
/// nothing to compare with and ends; that is said once, past the test runner.
#[expect(clippy::disallowed_methods, reason = "the one place in which these tests read this variable")]
pub fn facts() -> Option<PathBuf> {
    let facts = std::env::var_os("OKTA_FACTS_DIR").map(PathBuf::from);
    if facts.is_none() {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            let _ = writeln!(std::io::stderr(), "skipped: OKTA_FACTS_DIR is not set");
        });
    }
    facts
}

/// An answer, read.
#[derive(Debug)]
pub struct Seen {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Seen {
    pub async fn of(request: RequestBuilder) -> Seen {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a whole body");
        Seen { status, headers, body: serde_json::from_str(&text).unwrap_or_default() }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn code(&self) -> &str {
        self.body["errorCode"].as_str().unwrap_or_default()
    }

    pub fn items(&self) -> &[Value] {
        self.body.as_array().map(Vec::as_slice).unwrap_or_default()
    }

    pub fn ids(&self) -> Vec<String> {
        self.items().iter().map(|item| item["id"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The path of the next page.
    pub fn next(&self) -> Option<String> {
        let mut links = self.headers.get_all("link").iter().filter_map(|value| value.to_str().ok());
        let next = links.rfind(|link| link.ends_with(r#"rel="next""#))?;
        let url = next.split_once('>')?.0.trim_start_matches('<');
        url.splitn(4, '/').nth(3).map(|path| format!("/{path}"))
    }
}

pub struct World {
    pub okta: Simulator,
    pub http: Client,
}

impl World {
    pub async fn new(config: Config) -> World {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let okta = Simulator::start(config, listener).await.expect("a simulator");
        World { okta, http: Client::new() }
    }

    pub async fn small() -> World {
        World::new(Config { users: 120, groups: 12, apps: 8, ..Config::default() }).await
    }

    /// As in examples, where users who have left can still be asked about.
    pub async fn polite() -> World {
        World::new(Config { users: 120, rude: false, ..Config::default() }).await
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.okta.url()))
    }

    /// A call with the API token.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Seen {
        let request = self.request(method, path);
        let request = request.header("authorization", format!("SSWS {}", self.okta.credentials().api_token));
        Seen::of(match body {
            Some(body) => request.json(&body),
            None => request.header("content-length", "0"),
        })
        .await
    }

    pub async fn get(&self, path: &str) -> Seen {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str) -> Seen {
        self.call(Method::POST, path, None).await
    }

    /// A call of the operator.
    pub async fn door(&self, method: Method, path: &str, body: Value) -> Value {
        let seen = Seen::of(self.request(method, &format!("/_sim{path}")).json(&body)).await;
        assert!(seen.status < 300, "{seen:?}");
        seen.body
    }

    pub async fn fault(&self, order: Value) {
        self.door(Method::POST, "/faults", order).await;
    }

    pub async fn advance(&self, by: &str) {
        self.door(Method::POST, "/clock", json!({ "advance": by })).await;
    }

    /// The tenant's clock in seconds.
    pub async fn now(&self) -> i64 {
        let now = self.door(Method::GET, "/clock", json!({})).await;
        let now: jiff::Timestamp = now["now"].as_str().and_then(|text| text.parse().ok()).expect("a time");
        now.as_second()
    }

    /// A new active user's id.
    pub async fn hire(&self, login: &str) -> String {
        let body = json!({
            "profile": { "firstName": "Zara", "lastName": "Novak", "email": login, "login": login },
            "credentials": { "password": { "value": "correct horse" } },
        });
        let made = self.call(Method::POST, "/api/v1/users", Some(body)).await;
        assert_eq!((made.status, &made.body["status"]), (200, &json!("ACTIVE")), "{made:?}");
        made.body["id"].as_str().unwrap_or_default().to_owned()
    }
}

/// A key that signs.
pub struct Signer(EcdsaKeyPair);

impl Signer {
    pub fn new() -> Signer {
        Signer(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    pub fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        json!({ "kty": "EC", "crv": "P-256", "x": BASE64.encode(&point[1..33]), "y": BASE64.encode(&point[33..]) })
    }

    pub fn published(&self, kid: &str) -> Value {
        let mut key = self.jwk();
        (key["kid"], key["use"], key["alg"]) = (json!(kid), json!("sig"), json!("ES256"));
        key
    }

    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", BASE64.encode(signature))
    }
}

/// A service app: the key it signs in with and the key it proves with.
pub struct App<'w> {
    pub world: &'w World,
    pub key: Signer,
    pub kid: &'static str,
    proofs: Signer,
    serial: AtomicU64,
}

impl<'w> App<'w> {
    /// An app whose keys Okta keeps.
    pub async fn new(world: &'w World, dpop: &str) -> App<'w> {
        let app = App { world, key: Signer::new(), kid: "one", proofs: Signer::new(), serial: AtomicU64::new(0) };
        let keys = json!({ "jwks": { "keys": [app.key.published("one")] }, "dpop": dpop });
        world.door(Method::PATCH, "/app", keys).await;
        app
    }

    pub fn serial(&self) -> String {
        self.serial.fetch_add(1, Ordering::Relaxed).to_string()
    }

    /// The claims of a good assertion.
    pub async fn claims(&self) -> Value {
        let (client, now) = (&self.world.okta.credentials().client_id, self.world.now().await);
        let audience = format!("{}/oauth2/v1/token", self.world.okta.url());
        json!({ "iss": client, "sub": client, "aud": audience, "iat": now, "exp": now + 300, "jti": self.serial() })
    }

    pub fn assertion(&self, claims: &Value) -> String {
        self.key.sign(&json!({ "alg": "ES256", "kid": self.kid }), claims)
    }

    /// Sends a form to the token endpoint.
    pub async fn ask(&self, assertion: &str, scope: &str, proof: Option<&str>) -> Seen {
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", scope),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
        ];
        let request = self.world.request(Method::POST, "/oauth2/v1/token").form(&form);
        Seen::of(proof.into_iter().fold(request, |request, proof| request.header("dpop", proof))).await
    }

    pub async fn proof(&self, method: &str, path: &str, more: Value) -> String {
        let path = path.split('?').next().unwrap_or_default();
        let mut claims = json!({
            "htm": method, "htu": format!("{}{path}", self.world.okta.url()),
            "iat": self.world.now().await, "jti": self.serial(),
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        self.proofs.sign(&json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.proofs.jwk() }), &claims)
    }

    /// Signs in, with a nonce if one is asked for.
    pub async fn token(&self, scope: &str) -> Seen {
        let proof = self.proof("POST", "/oauth2/v1/token", json!({})).await;
        let first = self.ask(&self.assertion(&self.claims().await), scope, Some(&proof)).await;
        if first.body["error"] != "use_dpop_nonce" {
            return first;
        }
        let nonce = json!({ "nonce": first.header("dpop-nonce") });
        let proof = self.proof("POST", "/oauth2/v1/token", nonce).await;
        self.ask(&self.assertion(&self.claims().await), scope, Some(&proof)).await
    }

    /// The proof that goes with a token.
    pub async fn bound(&self, token: &str, method: &str, path: &str) -> String {
        let hash = BASE64.encode(digest::digest(&digest::SHA256, token.as_bytes()));
        self.proof(method, path, json!({ "ath": hash })).await
    }

    pub async fn get(&self, token: &str, path: &str) -> Seen {
        let proof = self.bound(token, "GET", path).await;
        self.show(token, path, &proof).await
    }

    pub async fn show(&self, token: &str, path: &str, proof: &str) -> Seen {
        let request = self.world.request(Method::GET, path).header("authorization", format!("DPoP {token}"));
        Seen::of(request.header("dpop", proof)).await
    }

    pub async fn bearer(&self, token: &str, path: &str) -> Seen {
        Seen::of(self.world.request(Method::GET, path).bearer_auth(token)).await
    }
}

/// A page of public keys that changes, and how often it was read.
#[derive(Clone)]
pub struct KeyPage {
    pub url: String,
    keys: Arc<Mutex<Value>>,
    reads: Arc<AtomicUsize>,
}

impl KeyPage {
    pub async fn new(keys: Value) -> KeyPage {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/jwks.json", listener.local_addr().expect("an address"));
        let page = KeyPage { url, keys: Arc::new(Mutex::new(keys)), reads: Arc::default() };
        let served = page.clone();
        let read = move || {
            served.reads.fetch_add(1, Ordering::SeqCst);
            std::future::ready(axum::Json(served.keys.lock().expect("no one panics here").clone()))
        };
        let router = axum::Router::new().route("/jwks.json", axum::routing::get(read));
        tokio::spawn(async move { axum::serve(listener, router).await });
        page
    }

    pub fn publish(&self, keys: Value) {
        *self.keys.lock().expect("no one panics here") = keys;
    }

    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

//! Secrets stay where they belong: in the secret store and on the way to Okta, in no answer, log line or item.

use crate::pasted::PastedKey;
use crate::world::{World, text};
use embedded_dynamodb::Engine;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// Everything that was logged on this thread while the guard lived.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Captures at the finest level.
    pub fn capture(&self) -> (DefaultGuard, Dispatch) {
        let filter = "trace,h2=off,hyper=off,hyper_util=off,aws=debug,dynoxide=off";
        let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(self.clone());
        // With a single subscriber in the process, a line that another thread reaches first is off for all of them.
        let second = Dispatch::new(tracing_subscriber::registry());
        (tracing::subscriber::set_default(subscriber.finish()), second)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Calls the service and keeps every answer: status, headers and body.
struct Ear<'a>(&'a World, Mutex<Vec<String>>);

impl Ear<'_> {
    async fn api(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let reply = self.0.api(method, path, body).await;
        self.1.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{reply:?}"));
        reply.body
    }
}

/// Files below a directory.
fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// All items of the table as text.
async fn items(data: &Path) -> String {
    let client = Engine::open(Some(&data.join("dynamodb.sqlite"))).expect("the engine's file").client();
    let items = client.scan().table_name("okta-connector").into_paginator().items().send();
    format!("{:?}", items.collect::<Result<Vec<_>, _>>().await.expect("items"))
}

/// What was said to and by Okta that nobody else may know: access tokens, assertions, proofs, API tokens.
fn spoken(world: &World) -> BTreeSet<String> {
    let mut secrets = BTreeSet::new();
    for exchange in world.okta.exchanges() {
        let carried = exchange.request_headers.iter().filter(|(name, _)| name == "authorization" || name == "dpop");
        secrets.extend(carried.filter_map(|(_, value)| value.rsplit(' ').next().map(str::to_owned)));
        let form = String::from_utf8_lossy(&exchange.request_body).into_owned();
        let sent = ["client_assertion", "refresh_token", "code", "code_verifier"];
        let fields = form.split('&').filter_map(|field| field.split_once('=')).filter(|(name, _)| sent.contains(name));
        secrets.extend(fields.map(|(_, value)| value.to_owned()));
        let granted: Value = serde_json::from_slice(&exchange.response_body).unwrap_or_default();
        let tokens = ["access_token", "refresh_token", "id_token"].iter().filter_map(|name| granted[*name].as_str());
        secrets.extend(tokens.map(str::to_owned));
    }
    secrets
}

/// A part of a secret that is long enough to be nothing else.
fn needles(secrets: impl IntoIterator<Item = String>) -> Vec<String> {
    let middle = |secret: String| secret[secret.len() / 2..].chars().take(24).collect::<String>();
    secrets.into_iter().filter(|secret| secret.len() >= 40).map(middle).collect()
}

/// The run in which everything is used that is secret, with success and without.
async fn everything(world: &World, ear: &Ear<'_>, key: &PastedKey) {
    let credentials = world.simulator.credentials();
    let token = json!({"type": "api_token", "token": credentials.api_token});
    let new = |auth: &Value| Some(json!({"name": "A", "domain": world.domain(), "auth": auth, "sync": null}));
    let made = ear.api("POST", "/v1/connections", new(&token)).await;
    let id = text(&made, "id").to_owned();
    world.sim("PATCH", "app", Some(json!({"jwks": {"keys": [key.public]}}))).await;
    for private in [json!(key.pem), json!(key.pkcs8), key.jwk.clone(), json!({"d": key.jwk["d"]}), json!([key.pem])] {
        let auth = json!({"type": "private_key_jwt", "client_id": credentials.client_id, "private_key": private});
        ear.api("POST", "/v1/connections", new(&auth)).await;
        ear.api("PUT", &format!("/v1/connections/{id}/auth"), Some(json!({"auth": auth}))).await;
    }
    let wrong = json!({"type": "api_token", "token": [credentials.api_token], "bogus": credentials.api_token});
    ear.api("POST", "/v1/connections", new(&wrong)).await;
    let hosted =
        ear.api("POST", "/v1/connections", Some(json!({"name": "B", "auth": {"type": "private_key_jwt"}}))).await;
    world.sim("PATCH", "app", Some(json!({"jwks_uri": hosted["public_key_url"]}))).await;
    let path = format!("/v1/connections/{}", text(&hosted, "id"));
    let connected = ear.api("PUT", &format!("{path}/auth"), Some(world.app_auth())).await;
    world.finished(text(&hosted, "id"), text(&connected, "sync_id")).await;
    for fault in ["rate_limit", "key_revoked"] {
        world.sim("POST", "faults", Some(json!({"fault": fault, "times": 3}))).await;
        ear.api("POST", &format!("{path}/test"), None).await;
        world.sim("DELETE", "faults", None).await;
    }
    ear.api("POST", &format!("{path}/keys"), Some(json!({"overlap": "24h"}))).await;
    for path in [format!("{path}/jwks.json"), format!("{path}/keys"), path, "/v1/connections".to_owned()] {
        ear.api("GET", &path, None).await;
    }
    sign_in(world, ear).await;
}

/// A user's sign-in, with success and without.
async fn sign_in(world: &World, ear: &Ear<'_>) {
    let known = world.simulator.credentials();
    for secret in [known.client_secret.clone(), format!("{}x", known.client_secret)] {
        let made = world.made(&secret).await;
        let back = world.follow(&world.invite(text(&made, "id")).await).await;
        ear.1.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{made} {back:?}"));
        let path = format!("/v1/connections/{}", text(&made, "id"));
        let auth =
            json!({"type": "authorization_code", "client_id": "a/b", "client_secret": secret, "scopes": [secret]});
        ear.api("PUT", &format!("{path}/auth"), Some(json!({"auth": auth}))).await;
        ear.api("POST", &format!("{path}/test"), None).await;
        ear.api("GET", &path, None).await;
    }
}

#[tokio::test]
async fn no_secret_is_told_logged_or_stored_outside_the_secret_store() {
    let lines = Lines::default();
    let capturing = lines.capture();
    let world = World::start().await;
    let (ear, key) = (Ear(&world, Mutex::default()), PastedKey::generate());
    everything(&world, &ear, &key).await;
    drop(capturing);
    let stored = files(&world.data().join("secrets"));
    let documents = stored.iter().map(|file| std::fs::read_to_string(file).expect("a document"));
    let (keys, documents): (Vec<_>, Vec<_>) = documents.partition(|text| !text.starts_with('{'));
    let documents: Vec<Value> =
        documents.iter().map(|text| serde_json::from_str(text).expect("a connection's document")).collect();
    let mut secrets = spoken(&world);
    secrets.extend(keys);
    assert!(secrets.len() > 20 && secrets.iter().any(|it| it.starts_with("eyJ")), "the run used its secrets");
    let hosted = documents.iter().filter_map(|it| it["hosted_keys"].as_object()).flat_map(|keys| keys.values());
    secrets.extend(hosted.filter_map(|key| key.as_str().map(str::to_owned)));
    secrets.extend(["d", "p", "q", "dp", "dq", "qi"].map(|name| text(&key.jwk, name).to_owned()));
    secrets.extend([&key.pem, &key.pkcs8].map(|pem| pem.lines().nth(12).expect("a line").to_owned()));
    let known = world.simulator.credentials();
    secrets.extend([known.api_token.clone(), known.client_secret.clone()]);
    let (told, logged, kept) =
        (ear.1.into_inner().expect("answers").join("\n"), lines.text(), items(world.data()).await);
    assert!(logged.contains("was refused"), "the product's own lines are among those that were captured");
    for needle in needles(secrets) {
        for (place, text) in [("an answer", &told), ("a log line", &logged), ("an item", &kept)] {
            assert!(!text.contains(&needle), "{place} holds {needle}");
        }
    }
}

#[tokio::test]
async fn secrets_lie_in_files_that_only_their_owner_reads() {
    let world = World::start().await;
    let (ear, key) = (Ear(&world, Mutex::default()), PastedKey::generate());
    everything(&world, &ear, &key).await;
    let mode = |path: &Path| std::fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    let secrets = world.data().join("secrets");
    assert_eq!(mode(&secrets), 0o700);
    let stored = files(&secrets);
    assert!(stored.len() >= 3);
    for file in &stored {
        assert_eq!((mode(file), mode(file.parent().expect("a directory"))), (0o600, 0o700), "{}", file.display());
    }
    let marks = needles([world.simulator.credentials().api_token.clone(), text(&key.jwk, "d").to_owned()]);
    for file in files(world.data()).into_iter().filter(|file| !file.starts_with(&secrets)) {
        let bytes = std::fs::read(&file).expect("a file");
        let holds = |mark: &String| bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
        assert!(!marks.iter().any(holds), "{}", file.display());
    }
}

//! Real exchanges with Okta, recorded by others, replayed to the product's own client.

use crate::direct::{Direct, answer, api_token, header, identity, jwt, proof, request};
use crate::process::MovedClock;
use it::judge::facts_dir;
use it::proxy::{Answer, Exchange};
use okta_connector::clock::Clock;
use okta_connector::diagnosis::{Finding, of_error};
use okta_connector::okta::{Credential, Error, Group, Page, Patience, Refusal, User, api};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// A recorded exchange.
#[derive(Clone)]
struct Call(Value);

impl Call {
    fn method(&self) -> &str {
        self.0["request"]["method"].as_str().expect("a method")
    }

    fn target(&self) -> &str {
        self.0["request"]["target"].as_str().expect("a target")
    }

    fn body(&self) -> Option<Value> {
        Some(self.0["request"]["body"].clone()).filter(|body| !body.is_null())
    }

    fn status(&self) -> u64 {
        self.0["response"]["status"].as_u64().expect("a status")
    }

    fn answered(&self) -> &Value {
        &self.0["response"]["body"]
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.0["response"]["headers"][name].as_str()
    }

    /// The answer as a tenant at `origin` would have given it; 599 to another request than the recorded one.
    fn replay(&self, origin: &str, asked: &Exchange) -> Answer {
        let query = asked.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let target = format!("{}{query}", asked.path);
        if (asked.method.as_str(), target.as_str()) != (self.method(), self.target()) {
            return answer(599, &[], &format!("{} {target} was not recorded here", asked.method));
        }
        let mut lines = Vec::new();
        for (name, value) in self.0["response"]["headers"].as_object().expect("headers") {
            for value in value.as_array().unwrap_or(&vec![value.clone()]) {
                let value = value.as_str().expect("a header's value").to_owned();
                lines.push((name.clone(), if name == "link" { at(origin, &value) } else { value }));
            }
        }
        let body = if self.answered().is_null() { String::new() } else { self.answered().to_string() };
        (u16::try_from(self.status()).expect("a status"), lines, body.into_bytes())
    }
}

/// A link of the recorded tenant's, at another origin.
fn at(origin: &str, link: &str) -> String {
    let path = link.find("/api/v1").expect("a link of the API's");
    format!("<{origin}{}", &link[path..])
}

/// The exchanges of each recording, by the recording's name.
fn recordings() -> Vec<(String, Vec<Call>)> {
    let Some(facts) = facts_dir() else { return Vec::new() };
    let files = std::fs::read_dir(facts.join("recorded")).expect("recordings");
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.expect("a file").path();
        let calls: Vec<Value> = serde_json::from_slice(&std::fs::read(&path).expect("readable")).expect("JSON");
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, calls.into_iter().map(Call).collect())
    };
    files.map(read).collect()
}

/// The exchanges of one recording.
fn recording(name: &str) -> Option<Vec<Call>> {
    recordings().into_iter().find(|(have, _)| have == name).map(|(_, calls)| calls)
}

/// A tenant that repeats what was recorded, in order.
async fn replayed(calls: &[Call]) -> Direct {
    let direct = Direct::start().await;
    replay(&direct, calls);
    direct
}

fn replay(direct: &Direct, calls: &[Call]) {
    let (calls, origin) = (calls.to_vec(), direct.okta.url());
    let next = std::sync::atomic::AtomicUsize::new(0);
    direct.okta.intercept(move |asked| {
        let call = calls.get(next.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
        call.map(|call| call.replay(&origin, asked))
    });
}

/// The last exchange of a recording, asked for by the product's client: why it was refused.
async fn refusal(calls: &[Call], position: usize) -> Error {
    let call = &calls[position];
    let direct = replayed(std::slice::from_ref(call)).await;
    let sent = direct.client(api_token()).send(&request(call.method(), call.target(), call.body())).await;
    assert_eq!(direct.okta.calls(), 1, "a refusal is not asked for twice");
    sent.err().expect("Okta refused")
}

#[tokio::test]
async fn every_recorded_answer_of_the_api_comes_through_whole_and_is_asked_for_once() {
    for (name, calls) in recordings() {
        let calls: Vec<_> = calls.into_iter().filter(|call| !call.target().starts_with("/oauth2/")).collect();
        let direct = replayed(&calls).await;
        let client = direct.client(api_token());
        for call in &calls {
            let result = client.send(&request(call.method(), call.target(), call.body())).await;
            let told = format!("{name}: {} {}", call.method(), call.target());
            match result {
                Ok(answer) => {
                    let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
                    assert_eq!((u64::from(answer.status.as_u16()), &body), (call.status(), call.answered()), "{told}");
                    assert_eq!(answer.request_id().as_deref(), call.header("x-okta-request-id"), "{told}");
                }
                Err(Error::Api(refusal)) => same_refusal(&refusal, call, &told),
                Err(other) => panic!("{told}: {other}"),
            }
        }
        assert_eq!(direct.okta.calls(), calls.len(), "{name}");
    }
}

#[track_caller]
fn same_refusal(refusal: &Refusal, call: &Call, told: &str) {
    let causes: Vec<_> = refusal.causes.iter().map(|cause| json!({"errorSummary": cause})).collect();
    let body = call.answered();
    assert_eq!(u64::from(refusal.status.as_u16()), call.status(), "{told}");
    assert_eq!(
        json!([refusal.code, refusal.summary, causes]),
        json!([body["errorCode"], body["errorSummary"], body["errorCauses"]]),
        "{told}"
    );
    assert_eq!(refusal.request_id.as_deref(), call.header("x-okta-request-id"), "{told}");
}

#[tokio::test]
async fn a_request_is_sent_as_the_recorded_one_was() {
    for (name, calls) in recordings() {
        let calls: Vec<_> = calls.into_iter().filter(|call| !call.target().starts_with("/oauth2/")).collect();
        let direct = replayed(&calls).await;
        let client = direct.client(api_token());
        for call in &calls {
            let _ = client.send(&request(call.method(), call.target(), call.body())).await;
        }
        for (exchange, call) in direct.okta.exchanges().iter().zip(&calls) {
            let body = serde_json::from_slice::<Value>(&exchange.request_body).ok();
            assert_eq!(body, call.body(), "{name}: {}", call.target());
            assert_eq!(header(&exchange.request_headers, "authorization"), Some("SSWS 00canary"), "{name}");
            assert_eq!(header(&exchange.request_headers, "accept"), Some("application/json"), "{name}");
            let length = header(&exchange.request_headers, "content-length").map(str::to_owned);
            let bodiless = call.method() == "GET" && call.body().is_none();
            assert_eq!(
                length,
                (!bodiless).then(|| exchange.request_body.len().to_string()),
                "{name}: {}",
                call.target()
            );
        }
    }
}

#[tokio::test]
async fn the_recorded_pages_of_applications_are_followed_verbatim() {
    let Some(calls) = recording("applications.list_applications_pagination_with_after") else { return };
    let direct = replayed(&calls[4..5]).await;
    let client = direct.client(api_token());
    let listing = request("GET", calls[4].target(), None);
    let page: Page<Value> = client.page(&listing).await.expect("a page");
    assert_eq!((page.items.len(), page.bad.len()), (2, 0));
    let next = page.next.expect("a next page");
    let target = "/api/v1/apps?after=0oanwlw0so3WcfOQi5d7&limit=2";
    assert_eq!(next.as_str(), format!("{}{target}", direct.okta.url()));
    direct.first([answer(200, &[], "[]")]);
    let last: Page<Value> = client.page(&api::next(&listing, next)).await.expect("a page");
    assert!(last.items.is_empty() && last.next.is_none());
    assert_eq!(direct.okta.exchanges()[1].query.as_deref(), target.split_once('?').map(|(_, query)| query));
}

#[tokio::test]
async fn the_recorded_next_link_is_refused_by_a_client_of_another_tenant() {
    let Some(calls) = recording("applications.list_applications_pagination_with_after") else { return };
    let direct = Direct::start().await;
    let call = calls[4].clone();
    direct.okta.intercept(move |asked| Some(call.replay("https://dev-20982288.okta.com", asked)));
    let page = direct.client(api_token()).page::<Value>(&request("GET", calls[4].target(), None)).await;
    assert!(matches!(page, Err(Error::ForeignUrl)));
}

#[tokio::test]
async fn a_recorded_stale_cursor_is_told_with_its_cause() {
    let Some(calls) = recording("applications.list_applications_pagination_with_after") else { return };
    let Error::Api(refusal) = refusal(&calls, 6).await else { panic!("a refusal of the API's") };
    assert_eq!((refusal.status.as_u16(), refusal.code.as_str()), (400, "E0000029"));
    assert_eq!(refusal.causes, ["Invalid cursor."]);
}

#[tokio::test]
async fn a_recorded_401_of_an_unlicensed_feature_is_no_fault_of_the_credential() {
    let Some(calls) = recording("users.list_user_blocks") else { return };
    let error = refusal(&calls, 1).await;
    assert_eq!(of_error(&error, &BTreeSet::new()).finding, Some(Finding::NotLicensed), "{error}");
}

#[tokio::test]
async fn a_recorded_403_of_a_wrong_status_keeps_its_code() {
    for (name, code) in [("users.reactivate_user", "E0000038"), ("users.unlock_user", "E0000032")] {
        let Some(calls) = recording(name) else { return };
        let Error::Api(refusal) = refusal(&calls, 1).await else { panic!("a refusal of the API's") };
        assert_eq!((refusal.status.as_u16(), refusal.code.as_str()), (403, code));
        assert!(refusal.challenge.is_none() && !refusal.summary.is_empty());
    }
}

/// A client of the recorded app, which asks for what it asked for.
fn recorded_app() -> Credential {
    let scopes = ["okta.users.read", "okta.apps.read", "okta.groups.read"].map(str::to_owned);
    Credential::PrivateKeyJwt(identity("0oa_sanitized_client_id"), BTreeSet::from(scopes))
}

#[tokio::test]
async fn the_recorded_dpop_flow_is_walked_with_a_new_proof_and_assertion_at_each_step() {
    let Some(calls) = recording("dpop.dpop_api_request") else { return };
    let direct = replayed(&calls[..3]).await;
    let client = direct.client(recorded_app());
    let page: Page<User> = client.page(&api::probe_users()).await.expect("a page");
    assert!(page.items.is_empty() && page.next.is_none(), "no admin role: an empty list, and no error");
    let sent = direct.okta.exchanges();
    let claims: Vec<_> = sent.iter().map(|exchange| jwt(proof(exchange), 1)).collect();
    let nonces: Vec<_> = claims.iter().map(|claims| claims["nonce"].as_str()).collect();
    assert_eq!(nonces, [None, Some("sanitized_dpop_nonce"), None]);
    let token = calls[1].answered()["access_token"].as_str().expect("a token");
    assert_eq!(header(&sent[2].request_headers, "authorization"), Some(format!("DPoP {token}").as_str()));
    assert_eq!(claims[2]["ath"], "toljXctUVWF3anuuRUafNvqqEbDBFIJWm1qCwxBZ7qg");
    let ids: BTreeSet<_> = claims.iter().map(|claims| claims["jti"].to_string()).collect();
    assert_eq!((ids.len(), client.tokens(), client.requests()), (3, 1, 3));
    let token = client.token().await.expect("it is kept").expect("a token");
    assert_eq!(
        token.scopes.iter().map(String::as_str).collect::<Vec<_>>(),
        ["okta.apps.read", "okta.groups.read", "okta.users.read"]
    );
}

#[tokio::test]
async fn a_nonce_is_used_again_for_the_next_token() {
    let Some(calls) = recording("dpop.dpop_api_request") else { return };
    let direct = replayed(&[calls[0].clone(), calls[1].clone(), calls[4].clone()]).await;
    let client = direct.client(recorded_app());
    client.token().await.expect("a token");
    client.ask(&BTreeSet::from(["okta.users.read".to_owned()])).await.expect("another token, without a challenge");
    let sent = direct.okta.exchanges();
    assert_eq!(jwt(proof(&sent[2]), 1)["nonce"], "sanitized_dpop_nonce");
}

#[tokio::test]
async fn the_recorded_refusal_of_a_request_without_a_proof_is_told_as_a_dpop_failure() {
    let Some(calls) = recording("dpop.private_key_auth_without_dpop") else { return };
    let direct = replayed(&calls).await;
    let error = direct.client(recorded_app()).send(&api::probe_users()).await.err().expect("a refusal");
    let Error::Token(refusal) = &error else { panic!("{error}") };
    assert_eq!((refusal.status.as_u16(), refusal.error.as_str()), (400, "invalid_dpop_proof"));
    assert_eq!(refusal.request_id.as_deref(), calls[0].header("x-okta-request-id"));
    assert_eq!(of_error(&error, &BTreeSet::new()).finding, Some(Finding::DpopFailed));
    assert_eq!(direct.okta.calls(), 1, "there is no nonce to try again with");
}

#[tokio::test]
async fn every_recorded_user_and_group_can_be_read() {
    let (mut users, mut groups) = (0, 0);
    for (name, calls) in recordings() {
        for call in calls.iter().filter(|call| call.method() == "GET" && call.status() == 200) {
            let direct = replayed(std::slice::from_ref(call)).await;
            let (client, asked) = (direct.client(api_token()), request("GET", call.target(), None));
            let path = asked.path().to_owned();
            if path.ends_with("/users") {
                let page: Page<User> = client.page(&asked).await.expect("a page");
                assert_eq!(page.bad, [], "{name}");
                users += page.items.len();
            } else if path.ends_with("/groups") {
                let page: Page<Group> = client.page(&asked).await.expect("a page");
                assert_eq!(page.bad, [], "{name}");
                groups += page.items.len();
            }
        }
    }
    assert!(facts_dir().is_none() || (users >= 3 && groups >= 3), "{users} users, {groups} groups");
}

#[tokio::test]
async fn background_work_leaves_half_of_a_recorded_window_in_which_others_drew_until_it_ends() {
    let Some(calls) = recording("users.comprehensive_user_lifecycle") else { return };
    let left = |call: &Call| {
        call.header("x-rate-limit-remaining") == Some("27") || call.header("x-rate-limit-remaining") == Some("25")
    };
    let calls: Vec<_> = calls.into_iter().filter(left).collect();
    let clock = Arc::<MovedClock>::default();
    let direct = Direct::at(Arc::clone(&clock) as _).await;
    replay(&direct, &calls);
    let patience = Patience { wait: Duration::ZERO, ..Patience::background(Duration::from_secs(9)) };
    let client = direct.patient(api_token(), patience);
    for call in &calls {
        // Three seconds lie between the two.
        clock.advance(jiff::SignedDuration::from_secs(3));
        client
            .send(&request("GET", call.target(), None))
            .await
            .expect("27, then 25 of 50 are left: one of those two was drawn by others");
    }
    let stopped = client.send(&request("GET", "/api/v1/users/00u1/groups", None)).await.err();
    // Served at 03:50:06, reset at 03:50:08, and one second more.
    let Some(Error::RateLimited { until }) = stopped else { panic!("{stopped:?}") };
    assert!((2..=3).contains(&until.duration_since(clock.now()).as_secs()), "{until}");
    assert_eq!(direct.okta.calls(), 2);
}

//! What is sent again: a read after anything that may pass, a write only if it cannot have happened.

use crate::direct::{Direct, answer, api_token, operate, patience, request, towards};
use it::proxy::{Answer, Exchange};
use okta_connector::clock::SystemClock;
use okta_connector::okta::{Client, Error, Patience, User, api};
use okta_simulator::{Dpop, Simulator};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A tenant, an API token's client, and somebody's path.
async fn tenant() -> (Direct, Simulator, Client, String) {
    let (direct, simulator, _) = Direct::tenant(Dpop::Off).await;
    let token = simulator.credentials().api_token.clone();
    let client = direct.client(okta_connector::okta::Credential::ApiToken(token.into()));
    let page = client.page::<User>(&request("GET", "/api/v1/users?filter=status%20eq%20%22ACTIVE%22", None)).await;
    let user = page.expect("users").items.pop().expect("somebody").id;
    (direct, simulator, client, format!("/api/v1/users/{user}"))
}

/// Faults that leave open whether the request was carried out.
fn open_ended() -> [serde_json::Value; 6] {
    [
        json!({"fault": "status", "status": 502}),
        json!({"fault": "status", "status": 503}),
        json!({"fault": "status", "status": 504}),
        json!({"fault": "drop", "when": "before"}),
        json!({"fault": "drop", "when": "after"}),
        json!({"fault": "truncate", "bytes": 1}),
    ]
}

async fn once(simulator: &Simulator, mut fault: serde_json::Value) {
    fault["times"] = json!(1);
    operate(simulator, "POST", "faults", fault).await;
}

#[tokio::test]
async fn a_read_is_sent_again_after_whatever_may_pass() {
    let (direct, simulator, client, user) = tenant().await;
    for fault in open_ended() {
        once(&simulator, fault.clone()).await;
        let before = direct.okta.calls();
        client.fetch::<User>(&request("GET", &user, None)).await.unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert_eq!(direct.okta.calls() - before, 2, "{fault}");
    }
}

#[tokio::test]
async fn a_replacement_is_sent_again_because_twice_is_once() {
    let (direct, simulator, client, user) = tenant().await;
    let group = client
        .page::<serde_json::Value>(&request("GET", "/api/v1/groups?filter=type%20eq%20%22OKTA_GROUP%22", None))
        .await;
    let group = group.expect("groups").items[0]["id"].as_str().expect("an id").to_owned();
    let join = format!("/api/v1/groups/{group}/users/{}", user.trim_start_matches("/api/v1/users/"));
    for fault in [json!({"fault": "status", "status": 503}), json!({"fault": "drop", "when": "after"})] {
        once(&simulator, fault.clone()).await;
        let before = direct.okta.calls();
        client.send(&request("PUT", &join, None)).await.unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert_eq!(direct.okta.calls() - before, 2, "{fault}");
    }
}

#[tokio::test]
async fn a_write_that_may_have_happened_is_sent_exactly_once() {
    let (direct, simulator, client, user) = tenant().await;
    let writes = [("POST", format!("{user}/lifecycle/reset_factors")), ("DELETE", format!("{user}/sessions"))];
    for (method, path) in &writes {
        for fault in open_ended() {
            // An answer without a body cannot be cut short.
            if *method == "DELETE" && fault["fault"] == "truncate" {
                continue;
            }
            once(&simulator, fault.clone()).await;
            let before = direct.okta.calls();
            let error = client.send(&request(method, path, None)).await.err();
            assert!(matches!(error, Some(Error::Api(_) | Error::Broken)), "{method} after {fault}: {error:?}");
            assert_eq!(direct.okta.calls() - before, 1, "{method} after {fault}");
        }
    }
}

#[tokio::test]
async fn a_write_refused_by_maintenance_is_sent_again() {
    for method in ["POST", "PUT", "DELETE"] {
        let maintenance =
            answer(503, &[], "{\"errorCode\":\"E0000010\",\"errorSummary\":\"Service is in read only mode.\"}");
        let direct = Direct::scripted([maintenance, answer(200, &[], "{}")]).await;
        direct.client(api_token()).send(&request(method, "/api/v1/users/00u1", None)).await.expect("it is done");
        assert_eq!(direct.okta.calls(), 2, "{method}");
    }
}

#[tokio::test]
async fn a_write_refused_by_maintenance_is_sent_again_though_other_members_are_null() {
    let body = "{\"errorCode\":\"E0000010\",\"errorSummary\":null,\"errorCauses\":null}";
    let direct = Direct::scripted([answer(503, &[], body), answer(200, &[], "{}")]).await;
    direct.client(api_token()).send(&request("POST", "/api/v1/users", None)).await.expect("it is done");
}

#[tokio::test]
async fn a_connection_that_never_opens_is_tried_again_for_reads_and_writes_alike() {
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("its address");
    let (transport, origin) = towards(&format!("http://{closed}"), Arc::new(SystemClock));
    for method in ["GET", "POST", "DELETE"] {
        let budget = Patience { deadline: tokio::time::Instant::now() + Duration::from_millis(1_200), ..patience() };
        let client = okta_connector::okta::Client::new(&transport, origin.clone(), api_token(), None, budget);
        let error = client.send(&request(method, "/api/v1/users/00u1", None)).await.err();
        assert!(matches!(error, Some(Error::Unreachable)), "{method}: {error:?}");
        assert!(client.requests() >= 2, "{method}");
    }
}

#[tokio::test]
async fn a_refusal_is_final() {
    for status in [400, 401, 403, 404, 409, 410, 412, 500, 501] {
        let direct = Direct::answering(move |_| answer(status, &[], "<html>no</html>")).await;
        let error = direct.client(api_token()).send(&api::list_users()).await.err();
        assert!(matches!(error, Some(Error::Api(refusal)) if refusal.status == status), "{status}");
        assert_eq!(direct.okta.calls(), 1, "{status}");
    }
}

#[tokio::test]
async fn trouble_that_does_not_pass_is_reported_in_the_end() {
    let direct = Direct::answering(|_| answer(503, &[], "")).await;
    let error = direct.client(api_token()).send(&api::list_users()).await.err();
    assert!(matches!(error, Some(Error::Api(refusal)) if refusal.status == 503));
    assert_eq!(direct.okta.calls(), 4);
}

#[tokio::test]
async fn a_redirect_is_an_error_and_is_never_followed() {
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    elsewhere.set_nonblocking(true).expect("it can be asked without waiting");
    let elsewhere_url = format!("http://{}/api/v1/users", elsewhere.local_addr().expect("its address"));
    for status in [301, 302, 303, 307, 308] {
        for target in ["/api/v1/groups", elsewhere_url.as_str()] {
            let direct = Direct::start().await;
            let target = target.to_owned();
            direct.okta.intercept(move |_: &Exchange| -> Option<Answer> {
                Some(answer(status, &[("location", &target)], ""))
            });
            let error = direct.client(api_token()).send(&api::list_users()).await.err();
            assert!(matches!(error, Some(Error::Api(refusal)) if refusal.status == status));
            assert_eq!(direct.okta.calls(), 1);
        }
    }
    assert!(elsewhere.accept().is_err(), "nobody came");
}

#[tokio::test]
async fn a_write_without_a_body_says_so() {
    let (direct, _simulator, client, user) = tenant().await;
    client.send(&request("POST", &format!("{user}/lifecycle/suspend"), None)).await.expect("411 without a length");
    client.send(&request("POST", &format!("{user}/lifecycle/unsuspend"), None)).await.expect("411 without a length");
    direct.judge();
}

#[tokio::test]
async fn a_tenant_that_never_answers_is_given_up_and_a_write_to_it_is_sent_once() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let (transport, origin) =
        towards(&format!("http://{}", silent.local_addr().expect("bound")), Arc::new(SystemClock));
    for (method, attempts) in [("GET", 4), ("POST", 1)] {
        let hurried = Patience { attempt: Duration::from_millis(30), ..patience() };
        let client = okta_connector::okta::Client::new(&transport, origin.clone(), api_token(), None, hurried);
        let error = client.send(&request(method, "/api/v1/users/00u1", None)).await.err();
        assert!(matches!(error, Some(Error::Timeout)), "{method}: {error:?}");
        assert_eq!(client.requests(), attempts, "{method}");
    }
}

#[tokio::test]
async fn a_tenant_that_stops_in_the_middle_of_an_answer_is_given_up() {
    let slow = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let (transport, origin) = towards(&format!("http://{}", slow.local_addr().expect("bound")), Arc::new(SystemClock));
    let hurried = Patience { attempt: Duration::from_millis(300), ..patience() };
    let client = okta_connector::okta::Client::new(&transport, origin, api_token(), None, hurried);
    let serve = async {
        let (mut stream, _) = slow.accept().await.expect("a connection");
        stream.read_buf(&mut Vec::with_capacity(4_096)).await.expect("a request");
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n[").await.expect("it is open");
        let _ = stream.read_to_end(&mut Vec::new()).await;
    };
    let write = request("POST", "/api/v1/users", None);
    let (error, ()) = tokio::join!(client.send(&write), serve);
    assert!(matches!(error, Err(Error::Timeout)));
}

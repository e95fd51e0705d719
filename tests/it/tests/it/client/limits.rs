//! Rate limits: what is sat out, what is reported, and what is learnt.

use crate::direct::{Direct, Still, answer, api_token, patience, proof, request};
use it::proxy::Answer;
use jiff::{SignedDuration, Timestamp};
use okta_connector::okta::{Error, Patience, User, api};
use okta_simulator::Dpop;
use std::sync::Arc;
use std::time::Duration;

/// Noon on a day on which our own clock is an hour behind: waits go by the answer's own date.
const DATE: &str = "Mon, 29 Sep 2025 12:00:00 GMT";
const NOON: i64 = 1_759_147_200;
const OURS: Timestamp = Timestamp::constant(NOON - 3_600, 0);

/// An answer that says how many requests are left and how many seconds the window lasts.
fn limited(status: u16, limit: u32, remaining: u32, seconds: i64) -> Answer {
    let (limit, remaining, reset) = (limit.to_string(), remaining.to_string(), (NOON + seconds).to_string());
    let headers = [
        ("date", DATE),
        ("x-rate-limit-limit", &limit),
        ("x-rate-limit-remaining", &remaining),
        ("x-rate-limit-reset", &reset),
    ];
    let exceeded =
        "{\"errorCode\":\"E0000047\",\"errorSummary\":\"API call exceeded rate limit due to too many requests.\"}";
    answer(status, &headers, if status == 429 { exceeded } else { "[]" })
}

async fn an_hour_behind() -> Direct {
    Direct::at(Arc::new(Still(OURS))).await
}

#[tokio::test]
async fn a_short_limit_is_sat_out_by_the_answers_own_date_and_the_proof_is_new() {
    let (direct, _tenant, app) = Direct::tenant(Dpop::Required).await;
    direct.first_of("/api/", [limited(429, 50, 0, 0)]);
    let client = direct.client(app);
    client.page::<User>(&api::list_users()).await.expect("users");
    let sent = direct.sent("/api/");
    assert_eq!(sent.iter().map(|exchange| exchange.status).collect::<Vec<_>>(), [429, 200]);
    assert_ne!(proof(&sent[0]), proof(&sent[1]), "the first was burnt");
    assert_eq!(client.waited_seconds(), 1, "reset - date + 1");
}

#[tokio::test]
async fn a_write_is_sent_again_after_a_limit_because_nothing_was_done() {
    for method in ["POST", "DELETE"] {
        let direct = Direct::scripted([limited(429, 50, 0, 0), answer(200, &[], "{}")]).await;
        direct.client(api_token()).send(&request(method, "/api/v1/users/00u1", None)).await.expect("it is done");
        assert_eq!(direct.okta.calls(), 2, "{method}");
    }
}

#[tokio::test]
async fn a_longer_limit_is_reported_with_the_moment_at_which_it_ends() {
    let direct = an_hour_behind().await;
    direct.first([limited(429, 50, 0, 30)]);
    let error = direct.client(api_token()).send(&api::list_users()).await.err();
    let ends = OURS + SignedDuration::from_secs(31);
    assert!(matches!(error, Some(Error::RateLimited { until }) if until == ends), "{error:?}");
    assert_eq!(direct.okta.calls(), 1);
}

#[tokio::test]
async fn a_limit_without_a_date_ends_by_our_own_clock() {
    let direct = an_hour_behind().await;
    let (status, mut headers, body) = limited(429, 50, 0, -3_570);
    headers.retain(|(name, _)| name != "date");
    direct.first([(status, headers, body)]);
    let error = direct.client(api_token()).send(&api::list_users()).await.err();
    let ends = OURS + SignedDuration::from_secs(31);
    assert!(matches!(error, Some(Error::RateLimited { until }) if until == ends), "{error:?}");
}

#[tokio::test]
async fn a_limit_with_nothing_but_retry_after_lasts_so_long() {
    let direct = an_hour_behind().await;
    let page = "<html>Too many requests</html>";
    direct.first([
        answer(429, &[("retry-after", "0")], ""),
        answer(200, &[], "[]"),
        answer(429, &[("retry-after", "30")], page),
    ]);
    let client = direct.client(api_token());
    client.send(&api::list_users()).await.expect("an answer");
    assert_eq!(direct.okta.calls(), 2);
    let error = client.send(&api::list_users()).await.err();
    let ends = OURS + SignedDuration::from_secs(30);
    assert!(matches!(error, Some(Error::RateLimited { until }) if until == ends), "{error:?}");
    assert_eq!(direct.okta.calls(), 3);
}

#[tokio::test]
async fn a_limit_is_reported_where_there_is_no_time_to_sit_it_out() {
    let direct = an_hour_behind().await;
    direct.first([limited(429, 50, 0, 30)]);
    let hurried = Patience::foreground(Duration::from_secs(20), Duration::from_secs(60));
    let error = direct.patient(api_token(), hurried).send(&api::list_users()).await.err();
    assert!(matches!(error, Some(Error::RateLimited { .. })), "{error:?}");
}

#[tokio::test]
async fn too_many_at_once_is_tried_again_soon_whatever_the_reset_says() {
    let direct = an_hour_behind().await;
    direct.first([limited(429, 0, 0, 50), limited(200, 50, 49, 50)]);
    let client = direct.client(api_token());
    client.send(&api::list_users()).await.expect("an answer");
    assert_eq!((direct.okta.calls(), client.waited_seconds()), (2, 0));
}

#[tokio::test]
async fn a_limit_that_never_ends_is_reported_in_the_end() {
    let direct = Direct::answering(|_| limited(429, 50, 0, 0)).await;
    let error = direct.client(api_token()).send(&api::list_users()).await.err();
    assert!(matches!(error, Some(Error::RateLimited { .. })), "{error:?}");
    assert_eq!(direct.okta.calls(), 3);
}

#[tokio::test]
async fn a_limit_at_the_token_endpoint_is_told_as_a_limit() {
    let direct = an_hour_behind().await;
    direct.first([limited(429, 150, 0, 30)]);
    let scopes = std::collections::BTreeSet::from(["okta.users.read".to_owned()]);
    let app = okta_connector::okta::Credential::PrivateKeyJwt(crate::direct::identity("0oa1"), scopes);
    let error = direct.client(app).send(&api::list_users()).await.err();
    let ends = OURS + SignedDuration::from_secs(31);
    assert!(matches!(error, Some(Error::RateLimited { until }) if until == ends), "{error:?}");
}

#[tokio::test]
async fn background_work_leaves_a_tenth_and_a_caller_that_waits_goes_on() {
    let direct = an_hour_behind().await;
    direct.first([limited(200, 50, 5, 30), limited(200, 50, 4, 30), answer(200, &[], "[]")]);
    let never_waits = Patience { wait: Duration::ZERO, ..Patience::background(Duration::from_secs(9)) };
    let background = direct.patient(api_token(), never_waits);
    background.send(&api::list_users()).await.expect("an answer");
    let error = background.send(&api::list_users()).await.err();
    let ends = OURS + SignedDuration::from_secs(31);
    assert!(matches!(error, Some(Error::RateLimited { until }) if until == ends), "{error:?}");
    direct.patient(api_token(), patience()).send(&api::list_users()).await.expect("the rest is for callers");
    background.send(&api::list_groups()).await.expect("another bucket has its own limit");
    assert_eq!(direct.okta.calls(), 3);
}

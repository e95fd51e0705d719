//! What is logged in the form in which the functions log on AWS.

use crate::killed::program;
use serde_json::Value;
use std::collections::BTreeSet;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// The lines of a whole demo, which is run once.
async fn of_a_demo() -> &'static [Value] {
    static LINES: OnceCell<Vec<Value>> = OnceCell::const_new();
    LINES.get_or_init(demo).await
}

async fn demo() -> Vec<Value> {
    let demo =
        Command::new(program()).args(["demo", "--users", "60", "--exit"]).env("OKTA_CONNECTOR_LOG", "json").output();
    let demo = demo.await.expect("the demo runs");
    let log = String::from_utf8(demo.stderr).expect("text");
    assert!(demo.status.success(), "{log}");
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"))).collect()
}

#[tokio::test]
async fn every_line_of_a_demo_is_json_and_tells_when_where_and_of_what() {
    let lines = of_a_demo().await;
    let mut functions = BTreeSet::new();
    let mut metrics = BTreeSet::new();
    for line in lines {
        let text = |name: &str| line[name].as_str();
        assert!(text("timestamp").is_some_and(|at| at.parse::<jiff::Timestamp>().is_ok()), "{line}");
        assert!(text("level").is_some() && text("message").is_some(), "{line}");
        let function = text("function").unwrap_or_else(|| panic!("no function: {line}"));
        functions.insert(function);
        assert!(text("connection").is_some_and(|id| id.starts_with("conn_")), "{line}");
        let by_request = !matches!(function, "sync" | "log-poll");
        assert!(!by_request || text("request_id").is_some(), "{line}");
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten() {
            assert_eq!(directive["Dimensions"], serde_json::json!([["Stack"]]), "{line}");
            let metric = directive["Metrics"][0]["Name"].as_str().expect("a name");
            assert!(line[metric].is_i64() && text("Stack") == Some("local"), "{line}");
            metrics.insert(metric);
        }
    }
    assert!(functions.is_superset(&BTreeSet::from(["sync", "log-poll", "public"])), "{functions:?}");
    assert!(metrics.is_superset(&BTreeSet::from(["SyncsSucceeded", "EventsTold", "PollDelay"])), "{metrics:?}");
}

#[tokio::test]
async fn no_line_of_a_demo_holds_a_secret() {
    let log = of_a_demo().await.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    // Tokens, assertions and proofs; API tokens; what a key looks like; what carries any of them.
    for mark in ["eyJ", "00A", "PRIVATE KEY", "\"d\"", "client_assertion", "SSWS", "Bearer", "DPoP "] {
        assert!(!log.contains(mark), "{mark} in {log}");
    }
}

//! The commands of the README's parts about schedules, actions and events, run as they are written.

use crate::world::{World, text};
use okta_connector::metric::Metric;
use serde_json::{Value, json};
use tokio::process::Command;

/// The commands of a part of the README.
fn commands(part: &str) -> Vec<&'static str> {
    let readme = include_str!("../../../../README.md");
    let (_, part) = readme.split_once(&format!("\n## {part}\n")).expect("the part");
    let part = part.split("\n## ").next().unwrap_or_default();
    part.split("```sh\n").skip(1).filter_map(|block| block.split("```").next()).collect()
}

impl World {
    /// Runs a command as it is written, but for the place of the service.
    async fn run(&self, command: &str, id: &str) -> Value {
        let command = command.replace("localhost:7070", self.url());
        let auth = format!("Authorization: Bearer {}", self.token());
        let mut bash = Command::new("bash");
        let run = bash.args(["-euo", "pipefail", "-c", &command]).env("ID", id).env("AUTH", auth).output();
        let output = run.await.expect("bash runs");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

#[tokio::test]
async fn the_commands_of_the_readme_do_what_it_says() {
    let world = World::start().await;
    let profile = json!({"firstName": "Ana", "lastName": "Abel", "email": "ana.abel@example.com", "login": "ana.abel@example.com"});
    let user = json!({"profile": profile, "credentials": {"password": {"value": "correct horse 9 Battery"}}});
    let user = world.tenant("POST", "/api/v1/users?activate=true", Some(user)).await.expect(200);
    // Okta's searches find a new user a moment later.
    world.sim("POST", "clock", Some(json!({"advance": "10s"}))).await;
    let connected = world.connect().await;
    let id = text(&connected, "id");
    let [permit, search, suspend, rehearse] = commands("Do something with a tenant")[..] else {
        panic!("four commands")
    };
    assert_eq!(world.run(permit, id).await["permissions"]["actions"][3], "user.offboard");
    let found = world.run(search, id).await;
    assert_eq!(found["output"]["items"], json!([{"id": user["id"], "status": "ACTIVE"}]));
    assert_eq!(world.run(suspend, id).await["output"]["changed"], true);
    let read = world.tenant("GET", &format!("/api/v1/users/{}", text(&user, "id")), None).await.expect(200);
    assert_eq!(read["status"], "SUSPENDED");
    let told = world.run(rehearse, id).await;
    assert_eq!(told["requests"][0]["path"], "/api/v1/users/ana.abel@example.com/lifecycle/suspend");
}

#[tokio::test]
async fn the_schedules_of_the_readme_are_those_that_a_connection_has_and_its_calendar_is_taken() {
    let world = World::start().await;
    let pending = world.pending().await;
    let id = text(&pending, "id");
    let [schedule] = commands("Keep it in sync")[..] else { panic!("one command") };
    assert_eq!(world.run(schedule, id).await["sync"], pending["sync"]);
    for days in ["? * MON-FRI", "L * ?", "LW * ?", "15W * ?", "? * 6L", "? * 3#2"] {
        let change = json!({"sync": {"full": format!("cron(30 2 {days} *)"), "timezone": "Europe/Berlin"}});
        world.api("PATCH", &format!("/v1/connections/{id}"), Some(change)).await.expect(200);
    }
}

#[test]
fn every_problem_of_the_readme_is_one_that_is_told() {
    let document = &*crate::world::PROMISE.document().to_string();
    let readme = include_str!("../../../../README.md");
    let (_, part) = readme.split_once("| problem | status | what it means |").expect("the table");
    let rows: Vec<_> = part.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 14);
    for slug in rows.iter().flat_map(|row| row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2)) {
        assert!(document.contains(&format!("\"urn:okta-connector:problem:{slug}\"")), "{slug}");
    }
}

#[test]
fn every_alarm_of_the_template_is_explained() {
    let template = include_str!("../../../../template.yaml").lines();
    let alarms: Vec<_> = template.filter_map(|line| line.strip_prefix("  ")?.strip_suffix("Alarm:")).collect();
    let readme = include_str!("../../../../README.md");
    let counted = format!("{} alarms (0.10 USD each) and {} metrics", alarms.len(), Metric::ALL.len());
    assert!(readme.contains(&counted), "{counted}");
    // Those of the functions' errors are one row.
    for alarm in alarms.iter().filter(|alarm| !alarm.ends_with("Errors") || **alarm == "ConnectErrors") {
        assert!(readme.contains(&format!("\n| `{alarm}Alarm`")), "{alarm}");
    }
}

#[test]
fn the_template_watches_metrics_that_are_told() {
    let template = include_str!("../../../../template.yaml");
    let own: Vec<_> = template.split("Namespace: OktaConnector\n      MetricName: ").skip(1).collect();
    assert!(own.len() > 4);
    for metric in own.iter().filter_map(|text| text.lines().next()) {
        assert!(Metric::ALL.iter().any(|it| it.to_string() == metric), "{metric}");
    }
    for metric in Metric::ALL {
        assert!(template.contains(&metric.to_string()), "{metric} is neither watched nor shown");
    }
}

#[tokio::test]
async fn the_triggers_of_the_readme_are_made_and_its_loop_reads_the_feed_and_goes_on_where_it_ended() {
    let world = World::start().await;
    let connected = world.connect().await;
    let id = text(&connected, "id");
    world.finished(id, text(&connected, "sync_id")).await;
    let [hook, news, search, read] = commands("React to events")[..] else { panic!("four commands") };
    for (command, kind) in [(hook, "event_hook"), (news, "new_events"), (search, "event_search")] {
        let trigger = world.run(command, id).await;
        assert_eq!((&trigger["type"], &trigger["status"]), (&json!(kind), &json!("active")), "{trigger:#}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let read = read.replace("localhost:7070", world.url());
    let lines = async || {
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", &read]).env("ID", id).current_dir(&folder);
        let run = bash.env("AUTH", format!("Authorization: Bearer {}", world.token())).output().await;
        assert!(run.expect("bash runs").status.success());
        let read = std::fs::read_to_string(folder.path().join("events.jsonl")).expect("events");
        read.lines().map(|line| serde_json::from_str::<Value>(line).expect("a page")).collect::<Vec<_>>()
    };
    let path = format!("/v1/connections/{id}");
    world.events_at_last(&path, "okta-connector.sync.completed", 1).await;
    let told = |pages: &[Value]| pages.iter().map(|page| page["items"].as_array().map_or(0, Vec::len)).sum::<usize>();
    assert_eq!(told(&lines().await), 1, "how the first sync ended");
    assert_eq!(told(&lines().await), 1, "nothing twice");
    world.sync(id, "full").await;
    world.events_at_last(&path, "okta-connector.sync.completed", 2).await;
    assert_eq!(told(&lines().await), 2);
}

/// True where a path is the pattern's, in which a star stands for any text.
fn matches(pattern: &str, path: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('*') else { return pattern == path };
    let Some(path) = path.strip_prefix(before) else { return false };
    path.char_indices().map(|(at, _)| at).chain([path.len()]).any(|at| matches(rest, &path[at..]))
}

#[test]
fn the_proxies_of_the_readme_pass_the_public_routes_and_no_others() {
    let readme = include_str!("../../../../README.md");
    let (_, caddy) = readme.split_once("@public path ").expect("Caddy's paths");
    let caddy: Vec<_> = caddy.lines().next().unwrap_or_default().split(' ').map(str::to_owned).collect();
    let (_, nginx) = readme.split_once("location ~ ^/v1/(").expect("nginx's paths");
    let nginx = nginx.split(") {").next().unwrap_or_default().split('|').map(|it| match it.strip_suffix('$') {
        Some(whole) => format!("/v1/{}", whole.replace("[^/]+", "*").replace("\\.", ".")),
        None => format!("/v1/{it}*"),
    });
    assert_eq!(nginx.collect::<Vec<_>>(), caddy);
    let document = crate::world::PROMISE.document();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let is_public = methods.as_object().expect("methods").values().any(|it| it["security"] == json!([]));
        let path = path.replace(['{', '}'], "");
        assert_eq!(caddy.iter().any(|pattern| matches(pattern, &path)), is_public, "{path}");
    }
}

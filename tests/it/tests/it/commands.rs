//! What the commands do, run by the real program against the service and a tenant.

use crate::killed::program;
use crate::shell::Shell;
use crate::world::{World, small, text};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// What a command came to.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

async fn ran(shell: &Shell, command: &str) -> Ran {
    let output = shell.run(command).await;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ran { code: output.status.code().expect("a code"), out: text(output.stdout), err: text(output.stderr) }
}

/// What a command prints that succeeds.
async fn printed(shell: &Shell, command: &str) -> String {
    let ran = ran(shell, command).await;
    assert_eq!(ran.code, 0, "{command}: {}{}", ran.out, ran.err);
    ran.out
}

fn of_json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test]
async fn without_a_command_the_program_prints_its_help() {
    let shell = Shell::new("http://127.0.0.1:9", Path::new("/nonexistent"));
    let help = printed(&shell, "okta-connector").await;
    assert!(help.contains("Usage: okta-connector") && help.contains("Examples:"), "{help}");
}

#[tokio::test]
async fn cargo_run_alone_is_the_demo() {
    let shell = Shell::new("http://127.0.0.1:9", Path::new("/nonexistent"));
    let start = "CARGO_MANIFEST_DIR=/ okta-connector > out.txt 2> err.txt & pid=$!\n\
                 until grep -q 'A simulated Okta tenant' out.txt; do :; done; kill $pid";
    printed(&shell, start).await;
}

#[tokio::test]
async fn ctrl_c_ends_the_watching_and_not_the_sync() {
    let world = World::start().await;
    let id = world.synced().await;
    world.sim("POST", "faults", Some(json!({"fault": "latency", "ms": 300, "path": "/api/v1"}))).await;
    let watch = "okta-connector sync start --watch 2> err.txt & pid=$!\n\
                 until [ -s err.txt ]; do :; done; kill -INT $pid; wait $pid";
    let shell = Shell::of(&world);
    let watched = ran(&shell, watch).await;
    assert_eq!(watched.code, 130, "{}", watched.err);
    assert!(shell.read("err.txt").contains("the sync goes on"), "{}", shell.read("err.txt"));
    let syncs = world.all(&format!("/v1/connections/{id}/syncs")).await;
    assert_eq!(world.finished(&id, text(&syncs[0], "id")).await["status"], "succeeded");
}

#[tokio::test]
async fn two_people_of_one_name_are_told_apart_by_their_ids() {
    let world = World::start().await;
    let profile =
        json!({"firstName": "Carlos", "lastName": "Rossi", "email": "c@acme.example", "login": "c@acme.example"});
    let other =
        world.tenant("POST", "/api/v1/users?activate=true", Some(json!({"profile": profile}))).await.expect(200);
    world.synced().await;
    let shell = Shell::of(&world);
    let both = ran(&shell, "okta-connector people show 'Carlos Rossi'").await;
    assert!(both.code == 2 && both.err.contains(text(&other, "id")), "{}", both.err);
    let one = printed(&shell, "okta-connector people show c@acme.example -o json").await;
    assert_eq!(of_json(&one)["id"], other["id"]);
}

#[tokio::test]
async fn what_a_sync_would_remove_is_listed_and_confirmed() {
    let world = World::start().await;
    let id = world.synced().await;
    world.sim("PATCH", "app", Some(json!({"role": null}))).await;
    let shell = Shell::of(&world);
    let sync = ran(&shell, "okta-connector sync start --watch").await;
    assert_eq!(sync.code, 10, "{}", sync.err);
    assert!(sync.err.contains("okta-connector sync confirm"), "{}", sync.err);
    let removals = printed(&shell, "okta-connector sync removals --all -o csv").await;
    assert!(removals.lines().filter(|line| line.starts_with("user,")).count() == 60, "{removals}");
    assert_eq!(ran(&shell, "okta-connector sync confirm").await.code, 2, "nobody was asked");
    printed(&shell, "okta-connector sync confirm --yes --watch").await;
    assert_eq!(world.all(&format!("/v1/connections/{id}/users")).await.len(), 0);
    assert_eq!(ran(&shell, "okta-connector sync removals").await.code, 4);
}

#[tokio::test]
async fn a_key_is_rotated() {
    let world = World::start().await;
    world.synced().await;
    let shell = Shell::of(&world);
    let rotated = printed(&shell, "okta-connector keys rotate --overlap 24h --yes").await;
    assert!(rotated.starts_with("Published key "), "{rotated}");
    let keys = printed(&shell, "okta-connector keys list acme -o ndjson").await;
    assert_eq!(keys.lines().count(), 2, "{keys}");
}

#[tokio::test]
async fn a_name_stands_for_an_id_wherever_it_is_clear() {
    let world = World::start().await;
    let id = world.synced().await;
    let shell = Shell::of(&world);
    let people = world.all(&format!("/v1/connections/{id}/people")).await;
    let carlos = people.iter().find(|person| person["name"] == "Carlos Rossi").expect("a person");
    let by_name = printed(&shell, "okta-connector people show 'carlos rossi' -o json").await;
    assert_eq!(of_json(&by_name)["id"], carlos["id"]);
    let reports = printed(&shell, "okta-connector people find --manager 'Carlos Rossi' --all -o ndjson").await;
    assert_eq!(reports.lines().count() as u64, carlos["reports_count"].as_u64().expect("a count"));
    let members = printed(&shell, "okta-connector groups members design --all -o csv").await;
    let named = printed(&shell, "okta-connector people find --group Design --all -o csv").await;
    assert!(members.lines().count() > 1 && named.lines().count() > 1, "{members}{named}");
    printed(&shell, "okta-connector connections edit --allow all").await;
    let preview = "okta-connector actions run user.suspend --user 'Carlos Rossi' --dry-run";
    assert!(printed(&shell, preview).await.contains(text(carlos, "id")));
}

#[tokio::test]
async fn a_name_that_is_not_clear_is_answered_with_what_it_could_be() {
    let world = World::start().await;
    world.synced().await;
    let shell = Shell::of(&world);
    for (command, code, told) in [
        ("okta-connector groups members Desgn", 4, "Did you mean “Design”"),
        ("okta-connector apps users Slak", 4, "“Slack”"),
        ("okta-connector locations people Nowhere", 4, "No location is called “Nowhere”."),
        ("okta-connector triggers show none", 4, "No trigger is called “none”."),
        ("okta-connector people show wójcik", 4, "“Mei Wójcik” or “Hans Wójcik”"),
        ("okta-connector connections show other", 4, "  conn_"),
    ] {
        let ran = ran(&shell, command).await;
        assert_eq!(ran.code, code, "{command}: {}", ran.err);
        assert!(ran.err.contains(told), "{command}: {}", ran.err);
    }
    world.pending().await;
    let several = ran(&shell, "okta-connector people find").await;
    assert_eq!((several.code, several.err.matches("  conn_").count()), (2, 2), "{}", several.err);
    let twice = ran(&shell, "okta-connector -c acme people find").await;
    assert_eq!((twice.code, twice.err.matches("  conn_").count()), (2, 2), "{}", twice.err);
}

#[tokio::test]
async fn schedules_are_words() {
    let world = World::start().await;
    let id = text(&world.pending().await, "id").to_owned();
    let shell = Shell::of(&world);
    let edit = "okta-connector connections edit --full 'daily at 03:00 Europe/Oslo' --incremental 10m --verify never";
    printed(&shell, edit).await;
    let sync = world.api("GET", &format!("/v1/connections/{id}"), None).await.expect(200)["sync"].clone();
    assert_eq!(sync["full"], "cron(0 3 * * ? *)");
    assert_eq!(sync["incremental"], "rate(10 minutes)");
    assert_eq!((&sync["verify"], &sync["timezone"]), (&Value::Null, &json!("Europe/Oslo")));
    let shown = printed(&shell, "okta-connector connections show").await;
    assert!(shown.contains("daily at 03:00 Europe/Oslo") && shown.contains("every 10 minutes"), "{shown}");
    let apart = "okta-connector connections edit --full 'daily at 03:00 UTC' --timezone Europe/Oslo";
    assert_eq!(ran(&shell, apart).await.code, 2);
    let wrong = ran(&shell, "okta-connector connections edit --full soon").await;
    assert!(wrong.code == 2 && wrong.err.contains("daily at 03:00"), "{}", wrong.err);
}

#[tokio::test]
async fn a_paused_connection_starts_no_sync_until_it_is_resumed() {
    let world = World::start().await;
    world.synced().await;
    let shell = Shell::of(&world);
    printed(&shell, "okta-connector connections pause").await;
    assert_eq!(ran(&shell, "okta-connector sync start").await.code, 5);
    printed(&shell, "okta-connector connections resume").await;
    printed(&shell, "okta-connector sync start --watch").await;
}

#[tokio::test]
async fn any_request_is_sent_with_a_body_of_an_option_a_file_or_the_input() {
    let world = World::start().await;
    let id = world.synced().await;
    let shell = Shell::of(&world);
    shell.put("body.json", r#"{"name":"C"}"#);
    for (command, name) in [
        (r#"okta-connector api PATCH '/v1/connections/{connection}' -d '{"name":"A"}'"#, "A"),
        (r#"echo '{"name":"B"}' | okta-connector api patch '/v1/connections/{connection}' --input -"#, "B"),
        ("okta-connector api PATCH 'v1/connections/{connection}' --input body.json", "C"),
    ] {
        assert_eq!(of_json(&printed(&shell, command).await)["name"], name, "{command}");
    }
    let all = printed(&shell, "okta-connector api GET '/v1/connections/{connection}/users?limit=7' --all").await;
    assert_eq!(all.lines().count(), world.all(&format!("/v1/connections/{id}/users")).await.len());
    assert_eq!(ran(&shell, "okta-connector api GET /v1/nothing").await.code, 4);
    assert_eq!(ran(&shell, "okta-connector api GET /v1/me -d '{'").await.code, 2);
    assert_eq!(ran(&shell, "okta-connector api FETCH /v1/me").await.code, 2);
}

#[tokio::test]
async fn an_event_is_handed_on_to_a_program_at_an_address() {
    let world = World::start().await;
    let id = world.synced().await;
    world.api("POST", &format!("/v1/connections/{id}/triggers"), Some(json!({"type": "new_events"}))).await.expect(201);
    let (sender, mut received) = mpsc::unbounded_channel();
    let take = move |headers: axum::http::HeaderMap, body: String| async move {
        sender.send((headers, body)).expect("a test that listens");
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/events", listener.local_addr().expect("an address"));
    let router = axum::Router::new().route("/events", axum::routing::post(take));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let shell = Shell::of(&world);
    let command = format!("okta-connector events tail --count 1 --type com.okta.user.session.start --forward-to {url}");
    let happen = async {
        loop {
            world.sim("POST", "events", Some(json!({"count": 1, "type": "user.session.start"}))).await;
            world.poll(&id).await;
        }
    };
    let tailed = tokio::select! {
        ran = ran(&shell, &command) => ran,
        () = happen => unreachable!("it goes on"),
    };
    assert_eq!(tailed.code, 0, "{}", tailed.err);
    assert!(tailed.err.contains("Waiting for events of Acme") && tailed.err.contains(": 200"), "{}", tailed.err);
    let (headers, body) = received.recv().await.expect("an event");
    assert_eq!(of_json(&body)["type"], "com.okta.user.session.start");
    assert_eq!(headers["content-type"], "application/cloudevents+json");
    assert!(!headers.contains_key("authorization"), "the credentials are for the deployment alone");
    server.abort();
}

#[tokio::test]
async fn an_event_of_the_directory_says_who_and_what() {
    let world = World::start().await;
    let id = world.synced().await;
    let shell = Shell::of(&world);
    printed(&shell, "okta-connector connections edit --allow all").await;
    let members = printed(&shell, "okta-connector groups members Design --limit 1 -o json").await;
    let member = of_json(&members)[0]["profile"].clone();
    let login = text(&member, "login");
    printed(&shell, &format!("okta-connector actions run group.remove_user --group Design --user '{login}'")).await;
    world.sync(&id, "full").await;
    let list = "okta-connector events list --type okta-connector.membership.removed";
    let events = printed(&shell, list).await;
    assert!(events.contains(text(&member, "lastName")) && events.contains("left Design"), "{events}");
    let json = of_json(&printed(&shell, &format!("{list} -o json")).await);
    assert_eq!(json[0]["specversion"], "1.0");
    assert!(json[0].get("who").is_none(), "{json:#}");
}

#[tokio::test]
async fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let world = World::with(small()).await;
    let shell = Shell::of(&world);
    let none = ran(&shell, "okta-connector doctor").await;
    assert!(none.code == 0 && none.out.contains("okta-connector connections add"), "{}", none.out);
    let id = world.synced().await;
    world.sim("POST", "faults", Some(json!({"fault": "key_revoked"}))).await;
    assert_eq!(ran(&shell, "okta-connector connections test").await.code, 10);
    let ill = ran(&shell, "okta-connector doctor -o json").await;
    let checks = of_json(&ill.out);
    let of = |name: &str| {
        let checks = checks.as_array().expect("checks").iter();
        checks.clone().find(|check| check["check"] == name).unwrap_or_else(|| panic!("no {name}: {}", ill.out)).clone()
    };
    assert_eq!(of("Acme: connection")["status"], "failed", "{}", ill.out);
    assert_eq!(of("Acme: test")["fix"], format!("okta-connector connections test {id}"));
    assert_eq!(ill.code, 10);
    std::fs::set_permissions(world.data(), std::fs::Permissions::from_mode(0o755)).expect("a folder");
    assert!(ran(&shell, "okta-connector doctor").await.out.contains("chmod 700"));
    let away = ran(&shell, "okta-connector --url http://127.0.0.1:9 doctor").await;
    assert!(away.code == 10 && away.out.contains("okta-connector serve"), "{}", away.out);
    let unknown = ran(&shell, "OKTA_CONNECTOR_TOKEN=wrong okta-connector doctor").await;
    assert!(unknown.out.contains("the token in OKTA_CONNECTOR_TOKEN"), "{}", unknown.out);
}

#[tokio::test]
async fn what_comes_next_is_for_people_alone() {
    let world = World::start().await;
    world.connect().await;
    let shell = Shell::of(&world);
    let told = ran(&shell, "okta-connector connections edit --name B").await;
    assert!(told.err.starts_with("Next: okta-connector connections show conn_"), "{}", told.err);
    assert_eq!(told.err.lines().count(), 1);
    let silent = ran(&shell, "okta-connector connections edit --name C -o json").await;
    assert_eq!((silent.code, silent.err.as_str()), (0, ""));
}

#[tokio::test]
async fn a_list_of_an_action_is_a_table_and_its_steps_are_lines() {
    let world = World::start().await;
    world.synced().await;
    let shell = Shell::of(&world);
    printed(&shell, "okta-connector connections edit --allow all").await;
    let users = printed(&shell, "okta-connector actions run user.search --q fatima").await;
    assert!(users.starts_with("ID ") && users.contains("fatima.wojcik@acme.example"), "{users}");
    let json = printed(&shell, "okta-connector actions run user.search --q fatima -o json").await;
    assert!(of_json(&json)["output"]["items"][0]["profile"].is_object(), "{json}");
    let steps = printed(&shell, "okta-connector actions run user.offboard --user 'Fatima Wójcik' --yes").await;
    let order: Vec<_> = steps.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(order, ["suspend", "clear_sessions", "reset_mfa", "leave_groups", "deactivate"]);
}

#[tokio::test]
async fn the_simulator_prints_the_line_that_connects_it() {
    let shell = Shell::new("http://127.0.0.1:9", Path::new("/nonexistent"));
    let start = "okta-simulator --port 0 > ready.json 2> told.txt & pid=$!\n\
                 until [ -s ready.json ] && grep -q -e '--allow all' told.txt; do :; done; kill $pid; cat told.txt";
    let told = printed(&shell, start).await;
    let (_, add) = told.split_once("| ").expect("a command");
    let add = add.replace("\\\n", " ");
    assert!(printed(&shell, &format!("{} --help", add.trim())).await.contains("Connect a tenant"));
    assert!(of_json(&shell.read("ready.json"))["api_token"].as_str().is_some_and(|token| told.contains(token)));
    assert!(program().with_file_name("okta-simulator").exists());
}

#[tokio::test]
async fn the_console_is_opened_by_its_link() {
    let world = World::start().await;
    let shell = Shell::of(&world);
    let open = "okta-connector open --no-browser > out.txt 2> err.txt & pid=$!\n\
                until grep -q 'works once' out.txt; do :; done; kill $pid; cat out.txt";
    let told = printed(&shell, open).await;
    assert!(told.contains(&format!("the console of {}/ is at http://127.0.0.1:", world.url())), "{told}");
}

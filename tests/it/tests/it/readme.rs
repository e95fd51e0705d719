//! The commands of the README, the guides and the pages about deployments, run as they are written.

use crate::pages::{Page, page, pages};
use crate::pasted::PastedKey;
use crate::shell::{Shell, prints};
use crate::world::{World, text, unlimited};
use okta_connector::metric::Metric;
use serde_json::{Value, json};
use std::path::Path;
use tokio::net::TcpListener;

/// The pages with commands, all of which a test runs: those of the README with the program that it starts, the token of
/// `api.md` in `callers.rs`, the others here.
const RUN: [&str; 12] = [
    "README.md",
    "docs/deploy/security.md",
    "docs/guides/access.md",
    "docs/guides/actions.md",
    "docs/guides/agents.md",
    "docs/guides/api.md",
    "docs/guides/connect.md",
    "docs/guides/events.md",
    "docs/guides/getting-started.md",
    "docs/guides/people.md",
    "docs/guides/sync.md",
    "docs/guides/test.md",
];

/// Commands that need an account of AWS or a real tenant, or that start what a test cannot.
const NOT_RUN: &str = "sh no-run";

#[test]
fn every_block_of_commands_is_run_or_says_that_it_is_not() {
    let with_commands = pages().into_iter().filter(|page| !page.commands().is_empty());
    assert_eq!(with_commands.map(|page| page.path).collect::<Vec<_>>(), RUN);
    let known = ["sh", NOT_RUN, "console", "text", "json", "toml", "nginx", "caddyfile"];
    for page in pages() {
        for block in page.blocks() {
            assert!(known.contains(&block.mark.as_str()), "{}: {:?} {}", page.path, block.mark, block.text);
        }
    }
}

/// The commands of the program that a page shows in a block or in a sentence.
fn shown_commands(page: &Page) -> Vec<String> {
    let blocks = page.blocks().into_iter().filter(|block| block.mark == NOT_RUN);
    let lines: Vec<_> = blocks.flat_map(|block| block.text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    // One with a placeholder is no command.
    let code =
        page.code().into_iter().filter(|code| !code.contains(|letter: char| letter.is_uppercase() || letter == '…'));
    let all = lines.into_iter().chain(code).filter(|line| line.starts_with("okta-connector "));
    all.map(|line| line.trim_end_matches([' ', '&']).to_owned()).collect()
}

#[tokio::test]
async fn the_program_knows_every_command_and_option_that_a_page_shows() {
    let shell = Shell::new("http://127.0.0.1:9", Path::new("/nonexistent"));
    for page in pages() {
        for command in shown_commands(&page) {
            let output = shell.run(&format!("{command} --help")).await;
            assert!(output.status.success(), "{}: {command}: {output:?}", page.path);
        }
    }
}

#[tokio::test]
async fn the_demo_prints_what_the_readme_shows() {
    let readme = page("README.md");
    assert_eq!(readme.commands(), ["cargo run\n", "cargo test --workspace\n"]);
    let shell = Shell::new("http://127.0.0.1:9", Path::new("/nonexistent"));
    let output = shell.run("okta-connector demo --exit").await;
    let printed = String::from_utf8(output.stdout).expect("text");
    let shown = readme.blocks().into_iter().filter(|block| block.mark == "text").nth(1).expect("what it prints");
    assert!(prints(&shown.text, &printed), "{printed}");
}

#[test]
fn the_readme_connects_and_deploys_as_the_guides_do() {
    let commands = |page: &str| -> Vec<String> {
        let blocks = self::page(page).blocks().into_iter().filter(|block| block.mark.starts_with("sh"));
        blocks.flat_map(|block| block.text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let guides = [commands("docs/guides/getting-started.md"), commands("docs/deploy/aws.md")].concat().join("\n");
    for block in page("README.md").blocks().into_iter().filter(|block| block.mark == NOT_RUN) {
        for command in block.text.lines().flat_map(|line| line.split(" && ")) {
            assert!(guides.contains(command), "{command}");
        }
    }
}

/// The blocks of commands of a page, each with what the block behind it says that they print.
fn steps(page: &Page) -> Vec<(String, Option<String>)> {
    let mut steps = Vec::new();
    for block in page.blocks() {
        match block.mark.as_str() {
            "sh" => steps.push((block.text, None)),
            "text" => steps.last_mut().expect("commands before what they print").1 = Some(block.text),
            _ => {}
        }
    }
    steps
}

/// Stands between what one block prints and what the next one does.
const END: &str = "\n---- the end of a block\n";

/// One script of blocks of commands, as a person would run them: the programs are built already, and both are waited for.
fn script(steps: &[(String, Option<String>)]) -> String {
    let mut script = "set -euo pipefail\nexec > $HOME/printed.txt\n".to_owned();
    script.push_str("cargo() { [ \"$*\" = 'build --workspace' ]; }\n");
    script.push_str("trap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n");
    for (commands, _) in steps {
        script.push_str(commands);
        if commands.contains(" serve ") {
            script.push_str(
                "until [ -s tenant.json ] && grep -q '^callers need' $HOME/printed.txt; do sleep 0.1; done\n",
            );
        }
        script.extend(["printf '%s' '", END, "'\n"]);
    }
    script
}

/// A port that is free until somebody else takes it.
async fn port() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port().to_string();
    (listener, port)
}

#[tokio::test]
async fn getting_started_leads_from_nothing_to_people() {
    let (kept, tenant) = port().await;
    let (kept_too, service) = port().await;
    // A port may hold the digits of another.
    let placed = |text: &str| text.replace("7070", "SERVICE").replace("7171", &tenant).replace("SERVICE", &service);
    let steps = steps(&page("docs/guides/getting-started.md"));
    let shell = Shell::new(&format!("http://127.0.0.1:{service}"), Path::new("/nonexistent"));
    drop((kept, kept_too));
    let output = shell.run(&placed(&script(&steps))).await;
    let printed = shell.read("printed.txt");
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(printed.matches(END).count(), steps.len(), "{printed}");
    for ((commands, shown), printed) in steps.iter().zip(printed.split(END)) {
        let is_as_shown = shown.as_ref().is_none_or(|shown| prints(&placed(shown), printed));
        assert!(is_as_shown, "{commands}\nprints\n{printed}");
    }
}

fn json_of(printed: &str) -> Value {
    serde_json::from_str(printed).expect("JSON")
}

/// Runs a block of a guide that ends with a connection in use.
async fn connects(shell: &Shell, block: &str) {
    let connected = json_of(&shell.block(block).await);
    assert_eq!(connected["status"], "Active", "{connected:#}");
    assert_eq!(connected["message"], "Integration setup complete");
}

#[tokio::test]
async fn a_tenant_is_connected_in_each_way_of_the_guide() {
    let world = World::start().await;
    let shell = Shell::with(&world, "");
    let tenant = world.simulator.credentials();
    let blocks = page("docs/guides/connect.md").commands();
    let blocks: Vec<_> = blocks.iter().map(|block| block.replace("acme.okta.com", &world.domain())).collect();
    let [make, finish, paste, token, web, invite] = &blocks[..] else { panic!("six blocks") };
    let pending = json_of(&shell.block(make).await);
    world.sim("PATCH", "app", Some(json!({"jwks_uri": pending["public_key_url"]}))).await;
    connects(&shell, &finish.replace("0oa…", &tenant.client_id)).await;
    let key = PastedKey::generate();
    world.sim("PATCH", "app", Some(json!({"jwks": {"keys": [key.public]}}))).await;
    let paste = paste.replace(r#"{"kty":"RSA","…":"…"}"#, &key.jwk.to_string());
    connects(&shell, &paste.replace("0oa…", &tenant.client_id)).await;
    connects(&shell, &token.replace("00…", &tenant.api_token)).await;
    let back = format!("{}/v1/oauth/callback", world.url());
    world.sim("PATCH", "app", Some(json!({"redirect_uris": [back]}))).await;
    let web = web.replace("0oa…", &tenant.web_client_id);
    shell.block(&web.replace("\"…\"", &format!("\"{}\"", tenant.client_secret))).await;
    let invited = json_of(&shell.block(invite).await);
    let headers = [("accept", "application/json")];
    world.request("GET", text(&invited, "authorize_url"), &headers, None).await.expect(200);
    let all = world.all("/v1/connections").await;
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|connection| connection["status"] == "Active"), "{all:#?}");
}

#[tokio::test]
async fn a_connection_is_tested_by_the_command_of_the_guide() {
    let world = World::start().await;
    let shell = Shell::with(&world, text(&world.connect().await, "id"));
    let commands = page("docs/guides/test.md").commands();
    let [test] = &commands[..] else { panic!("one block") };
    let report = json_of(&shell.block(test).await);
    assert_eq!(report["status"], "Active", "{report:#}");
    assert_eq!(report["checks"].as_array().map(Vec::len), Some(11));
}

#[tokio::test]
async fn the_loop_of_the_guide_writes_all_people_into_a_file() {
    let world = World::start().await;
    let id = world.synced().await;
    let shell = Shell::with(&world, &id);
    let commands = page("docs/guides/people.md").commands();
    let [export] = &commands[..] else { panic!("one block") };
    // So few people would be one page.
    shell.block(&export.replace("format=ndjson", "format=ndjson&limit=7")).await;
    let written = shell.read("people.ndjson").lines().map(json_of).collect::<Vec<_>>();
    assert_eq!(written.len(), world.all(&format!("/v1/connections/{id}/people")).await.len());
}

#[tokio::test]
async fn a_request_of_the_guide_that_is_repeated_makes_one_connection() {
    let world = World::start().await;
    let shell = Shell::with(&world, "");
    let commands = page("docs/guides/api.md").commands();
    let [_, make] = &commands[..] else { panic!("two blocks") };
    let made = json_of(&shell.block(make).await);
    assert_eq!(json_of(&shell.block(make).await)["id"], made["id"]);
    assert_eq!(world.all("/v1/connections").await.len(), 1);
}

#[tokio::test]
async fn the_audit_is_read_by_the_command_of_the_page() {
    let world = World::start().await;
    let pending = world.pending().await;
    let id = text(&pending, "id");
    world.api("PATCH", &format!("/v1/connections/{id}"), Some(json!({"name": "Other"}))).await.expect(200);
    let shell = Shell::with(&world, id);
    let commands = page("docs/deploy/security.md").commands();
    let [audit] = &commands[..] else { panic!("one block") };
    let rows = json_of(&shell.block(audit).await);
    assert_eq!(rows["items"][0]["outcome"], "succeeded", "{rows:#}");
}

#[tokio::test]
async fn the_actions_of_the_guide_do_what_it_says() {
    let world = World::start().await;
    let profile = json!({"firstName": "Ana", "lastName": "Abel", "email": "ana.abel@example.com", "login": "ana.abel@example.com"});
    let user = json!({"profile": profile, "credentials": {"password": {"value": "correct horse 9 Battery"}}});
    let user = world.tenant("POST", "/api/v1/users?activate=true", Some(user)).await.expect(200);
    // Okta's searches find a new user a moment later.
    world.sim("POST", "clock", Some(json!({"advance": "10s"}))).await;
    let shell = Shell::with(&world, text(&world.connect().await, "id"));
    let commands = page("docs/guides/actions.md").commands();
    let [permit, search, suspend, preview] = &commands[..] else { panic!("four commands") };
    assert_eq!(json_of(&shell.block(permit).await)["permissions"]["actions"][3], "user.offboard");
    let found = json_of(&shell.block(search).await);
    assert_eq!(found["output"]["items"], json!([{"id": user["id"], "status": "ACTIVE"}]));
    assert_eq!(json_of(&shell.block(suspend).await)["output"]["changed"], true);
    let read = world.tenant("GET", &format!("/api/v1/users/{}", text(&user, "id")), None).await.expect(200);
    assert_eq!(read["status"], "SUSPENDED");
    let told = json_of(&shell.block(preview).await);
    assert_eq!(told["requests"][0]["path"], "/api/v1/users/ana.abel@example.com/lifecycle/suspend");
}

#[tokio::test]
async fn the_schedules_of_the_guide_are_those_that_a_connection_has_and_its_calendar_is_taken() {
    let world = World::start().await;
    let pending = world.pending().await;
    let id = text(&pending, "id");
    let shell = Shell::with(&world, id);
    let commands = page("docs/guides/sync.md").commands();
    let [schedule, live] = &commands[..] else { panic!("two commands") };
    assert_eq!(json_of(&shell.block(schedule).await)["sync"], pending["sync"]);
    assert_eq!(json_of(&shell.block(live).await)["sync"]["live"], true);
    for days in ["? * MON-FRI", "L * ?", "LW * ?", "15W * ?", "? * 6L", "? * 3#2"] {
        let change = json!({"sync": {"full": format!("cron(30 2 {days} *)"), "timezone": "Europe/Berlin"}});
        world.api("PATCH", &format!("/v1/connections/{id}"), Some(change)).await.expect(200);
    }
}

#[tokio::test]
async fn the_streams_of_the_guide_are_read_and_its_question_is_answered() {
    let world = World::with(okta_simulator::Config { access: true, ..unlimited() }).await;
    let id = world.synced().await;
    let shell = Shell::with(&world, &id);
    let commands = page("docs/guides/access.md").commands();
    let [streams, ask] = &commands[..] else { panic!("two commands") };
    assert_eq!(json_of(&shell.block(streams).await)["sync"]["streams"].as_array().map(Vec::len), Some(7));
    assert_eq!(world.sync(&id, "full").await["streams"]["owners"]["complete"], true);
    let admins = json_of(&shell.block(ask).await);
    assert!(admins["items"].as_array().is_some_and(|admins| admins.len() > 2), "{admins:#}");
}

#[tokio::test]
async fn an_agent_is_answered_over_http_and_over_standard_input() {
    let world = World::start().await;
    let id = world.synced().await;
    let shell = Shell::with(&world, &id);
    let commands = page("docs/guides/agents.md").commands();
    let [ask, ping] = &commands[..] else { panic!("two commands") };
    let told = json_of(&shell.block(ask).await);
    assert!(told["result"]["structuredContent"]["people"].as_u64() > Some(0), "{told:#}");
    assert_eq!(json_of(&shell.block(ping).await), json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    let tools = page("docs/guides/agents.md").text;
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let list = world.api("POST", "/v1/mcp", Some(list)).await.expect(200);
    let listed = list["result"]["tools"].as_array().expect("tools").iter();
    let questions = listed.filter(|tool| tool["annotations"]["openWorldHint"] == false);
    for name in questions.map(|tool| text(tool, "name")) {
        assert!(tools.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn every_problem_of_an_action_is_one_that_is_told() {
    let document = &*crate::world::PROMISE.document().to_string();
    let page = page("docs/reference/problems.md");
    let (_, part) = page.text.split_once("| problem | status | what it means |").expect("the table");
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
    let counted = format!("{} alarms (0.10 USD each) and {} metrics", alarms.len(), Metric::ALL.len());
    assert!(page("docs/deploy/cost.md").text.contains(&counted), "{counted}");
    let operations = page("docs/deploy/operations.md").text;
    // Those of the functions' errors are one row.
    for alarm in alarms.iter().filter(|alarm| !alarm.ends_with("Errors") || **alarm == "ConnectErrors") {
        assert!(operations.contains(&format!("\n| `{alarm}Alarm`")), "{alarm}");
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
async fn the_triggers_of_the_guide_are_made_and_its_loop_reads_the_feed_and_continues_where_it_ended() {
    let world = World::start().await;
    let connected = world.connect().await;
    let id = text(&connected, "id");
    world.finished(id, text(&connected, "sync_id")).await;
    let shell = Shell::with(&world, id);
    let commands = page("docs/guides/events.md").commands();
    let [hook, news, search, read] = &commands[..] else { panic!("four commands") };
    for (command, kind) in [(hook, "event_hook"), (news, "new_events"), (search, "event_search")] {
        let trigger = json_of(&shell.block(command).await);
        assert_eq!((&trigger["type"], &trigger["status"]), (&json!(kind), &json!("active")), "{trigger:#}");
    }
    let events_read = async || {
        shell.block(read).await;
        let pages = shell.read("events.jsonl").lines().map(json_of).collect::<Vec<_>>();
        pages.iter().map(|page| page["items"].as_array().map_or(0, Vec::len)).sum::<usize>()
    };
    let path = format!("/v1/connections/{id}");
    world.events_at_last(&path, "okta-connector.sync.completed", 1).await;
    assert_eq!(events_read().await, 1, "how the first sync ended");
    assert_eq!(events_read().await, 1, "nothing twice");
    world.sync(id, "full").await;
    world.events_at_last(&path, "okta-connector.sync.completed", 2).await;
    assert_eq!(events_read().await, 2);
}

/// True where a path is the pattern's, in which a star stands for any text.
fn matches(pattern: &str, path: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('*') else { return pattern == path };
    let Some(path) = path.strip_prefix(before) else { return false };
    path.char_indices().map(|(at, _)| at).chain([path.len()]).any(|at| matches(rest, &path[at..]))
}

#[test]
fn the_proxies_of_the_page_pass_the_public_routes_and_no_others() {
    let page = page("docs/deploy/one-machine.md").text;
    let (_, caddy) = page.split_once("@public path ").expect("Caddy's paths");
    let caddy: Vec<_> = caddy.lines().next().unwrap_or_default().split(' ').map(str::to_owned).collect();
    let (_, nginx) = page.split_once("location ~ ^/v1/(").expect("nginx's paths");
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

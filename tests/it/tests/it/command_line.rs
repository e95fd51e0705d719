//! The command line: the commands of its guide, run by the real program as they are written, and what it prints.

use crate::pages::{page, pages};
use crate::shell::{Shell, prints};
use crate::world::{World, small};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// A command of the guide, and what it says that the command prints.
struct Told {
    command: String,
    prints: String,
}

fn guide() -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    for block in page("docs/guides/command-line.md").blocks() {
        for line in block.text.lines().filter(|_| block.mark == "console") {
            match (line.strip_prefix("$ "), told.last_mut()) {
                (Some(command), _) => told.push(Told { command: command.to_owned(), prints: String::new() }),
                (None, Some(last)) => last.prints.extend([line, "\n"]),
                (None, None) => panic!("an output without a command: {line}"),
            }
        }
    }
    told
}

#[tokio::test]
async fn every_command_of_the_guide_prints_what_it_says() {
    // Without background events: it says how many requests a sync took.
    let world = World::with(okta_simulator::Config { noise: Some(0), ..small() }).await;
    let shell = Shell::of(&world);
    shell.put("token.txt", &world.simulator.credentials().api_token);
    let told = guide();
    assert!(told.len() > 25, "{}", told.len());
    let domain = world.domain();
    let mut wrong = Vec::new();
    for Told { command, prints: shown } in told {
        let line = command.replace("acme.okta.com", &domain);
        let run = shell.run(&line);
        let output = if command.contains("events tail") {
            // Events happen until it has seen one: nobody knows when it has begun to listen.
            let happen = async {
                let id = world.api("GET", "/v1/connections", None).await.expect(200)["items"][0]["id"].clone();
                loop {
                    world.sim("POST", "events", Some(json!({"count": 1, "type": "user.session.start"}))).await;
                    world.poll(id.as_str().expect("an id")).await;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            };
            tokio::select! {
                output = run => output,
                () = happen => unreachable!("it goes on"),
            }
        } else {
            run.await
        };
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{command}: {out}{err}");
        if !prints(&shown, &out) {
            wrong.push(format!("{command} is said to print\n{shown}\nbut prints\n{out}"));
        }
        assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "{command} has colours: {out:?} {err:?}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// All commands with their help, those below a command too.
pub async fn commands(shell: &Shell) -> Vec<(String, String)> {
    let (mut all, mut waiting) = (Vec::new(), vec!["okta-connector".to_owned()]);
    while let Some(command) = waiting.pop() {
        let output = shell.run(&format!("{command} --help")).await;
        let help = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success(), "{command} --help");
        let list = help.split("\nCommands:\n").nth(1).or_else(|| help.split("\nActions:\n").nth(1)).unwrap_or_default();
        let names = list.split("\n\n").next().unwrap_or_default().lines();
        let names = names.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        for name in names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
            waiting.push(format!("{command} {name}"));
        }
        all.push((command, help));
    }
    all
}

#[tokio::test]
async fn no_line_of_help_is_wider_than_a_terminal_and_every_command_is_in_a_guide() {
    let shell = Shell::new("http://127.0.0.1:9", Path::new("/nonexistent"));
    let all = commands(&shell).await;
    assert!(all.len() > 60, "{}", all.len());
    for (command, help) in &all {
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{command}: {line}");
        }
        let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{command} has no example"));
        for example in examples.replace("\\\n", " ").lines().filter(|line| !line.is_empty()) {
            let output = shell.run(&format!("{example} --help")).await;
            assert!(
                output.status.success() && !output.stdout.is_empty() || example.contains('>'),
                "{example}: {output:?}"
            );
        }
    }
    let guides = pages().into_iter().filter(|page| !page.path.starts_with("docs/reference/"));
    let guides: String = guides.map(|page| page.text).collect();
    let is_shown = |command: &str| {
        guides.contains(command) || guides.contains(&command.replace("okta-connector ", "cargo run -- "))
    };
    let own = all.iter().map(|(command, _)| command.as_str()).filter(|command| !command.contains("actions run "));
    for command in own {
        assert!(is_shown(command), "{command} is in no guide");
    }
}

#[tokio::test]
async fn the_exit_code_tells_what_kind_of_failure_it_is() {
    let world = World::start().await;
    let shell = Shell::of(&world);
    for (command, code) in [
        ("okta-connector connections list", 0),
        ("okta-connector connections list | head -0", 0),
        ("set -o pipefail; okta-connector openapi | head -1", 0),
        ("set -o pipefail; okta-connector completions bash | head -1", 0),
        ("okta-connector openapi > /dev/full", 1),
        ("okta-connector connections lost", 2),
        ("okta-connector people find", 2),
        ("okta-connector connections show acme", 4),
        ("okta-connector connections show conn_00000000000000000000000000000000", 4),
        ("okta-connector --url http://127.0.0.1:9 connections list", 9),
        ("okta-connector --url nonsense connections list", 2),
        ("okta-connector --deployment lost connections list", 2),
        ("okta-connector connections add --auth api_token --name A --domain acme.example.com", 6),
    ] {
        let output = shell.run(command).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{command}: {said}");
        // What was done may be followed by what comes next.
        assert!(code == 0 || !said.is_empty(), "{command}: {said}");
    }
    let guarded = crate::callers::Guarded::start().await;
    let without_token = Shell::new(guarded.url(), Path::new("/nonexistent"));
    assert_eq!(without_token.run("okta-connector connections list").await.status.code(), Some(3));
}

#[tokio::test]
async fn a_refusal_says_once_what_is_wrong_and_what_to_do() {
    let world = World::start().await;
    world.synced().await;
    let shell = Shell::of(&world);
    for (command, told) in [
        ("okta-connector groups members none", "No group is called"),
        (
            "okta-connector connections edit acme --allow read && okta-connector actions run user.suspend --user a",
            "--allow",
        ),
        ("okta-connector triggers add new_events --filter 'eventType eq'", "a value is missing"),
        ("okta-connector --url http://127.0.0.1:9 connections list", "http://127.0.0.1:9: "),
        ("OKTA_CONNECTOR_TOKEN=x okta-connector --url http://a.example connections list", "https://"),
    ] {
        let output = shell.run(command).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.matches(told).count() == 1, "{command}: {said}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_command_is_said_without_options_that_the_environment_sets() {
    let shell = Shell::new("http://127.0.0.1:9", Path::new("/nonexistent"));
    let output = shell.run("okta-connector triggers add").await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("<KIND>") && said.contains("--help") && !said.contains("--url"), "{said}");
}

#[tokio::test]
async fn a_cell_without_a_value_is_empty_in_csv_and_a_dash_in_a_table() {
    let world = World::start().await;
    world.synced().await;
    let shell = Shell::of(&world);
    let printed = async |command: &str| {
        let output = shell.run(command).await;
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let csv = printed("okta-connector people find --all -o csv").await;
    let table = printed("okta-connector people find --all").await;
    assert!(csv.contains(",,") && !csv.contains(",-,"), "{csv}");
    assert!(table.contains(" - "), "{table}");
}

#[tokio::test]
async fn a_chain_of_managers_that_leads_back_is_drawn_once_and_marked() {
    let world = World::start().await;
    let id = world.synced().await;
    let people = world.all(&format!("/v1/connections/{id}/people")).await;
    let three: Vec<_> = people.iter().filter(|person| person["status"] == "ACTIVE").take(3).collect();
    for (person, manager) in [(0, 1), (1, 2), (2, 0)] {
        let body = json!({"profile": {"managerId": three[manager]["login"]}});
        let path = format!("/api/v1/users/{}", three[person]["id"].as_str().expect("an id"));
        world.tenant("POST", &path, Some(body)).await.expect(200);
    }
    world.sync(&id, "verify").await;
    let shell = Shell::of(&world);
    let id = three[0]["id"].as_str().expect("an id");
    let output = shell.run(&format!("okta-connector people tree {id} --depth 5")).await;
    let drawn = String::from_utf8(output.stdout).expect("text");
    assert_eq!(drawn.matches("the chain of managers leads back").count(), 1, "{drawn}");
    let name = three[1]["name"].as_str().expect("a name");
    assert_eq!(drawn.matches(name).count(), 1, "{drawn}");
}

#[tokio::test]
async fn a_sync_at_work_is_cancelled() {
    let world = World::start().await;
    let id = world.synced().await;
    let slow = json!({"fault": "latency", "ms": 300, "path": "/api/v1"});
    world.sim("POST", "faults", Some(slow)).await;
    let shell = Shell::of(&world);
    let output = shell.run("okta-connector sync start && okta-connector sync cancel").await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("stops before its next page"), "{output:?}");
    let sync = said.split_whitespace().next().expect("an id");
    assert_eq!(world.finished(&id, sync).await["status"], "cancelled");
}

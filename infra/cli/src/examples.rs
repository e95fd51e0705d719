//! The examples below each command's help. A test sees that every command has one, and that the program takes each.

use clap::Command;

/// Commands without the program's name, and their examples.
pub const EXAMPLES: &[(&str, &[&str])] = &[
    ("", &["okta-connector serve", "okta-connector connections add", "okta-connector people find ana"]),
    ("demo", &["okta-connector demo", "okta-connector demo --users 200 --exit"]),
    (
        "serve",
        &["okta-connector serve --data ./data", "okta-connector serve --public-url https://connector.example.com"],
    ),
    ("console", &["okta-connector console", "okta-connector console --deployment production"]),
    ("open", &["okta-connector open", "okta-connector open --no-browser"]),
    ("openapi", &["okta-connector openapi > openapi.json"]),
    ("completions", &["okta-connector completions bash > ~/.bash_completion"]),
    ("connections", &["okta-connector connections add", "okta-connector connections list"]),
    (
        "connections add",
        &[
            "okta-connector connections add",
            "okta-connector connections add --name Acme --auth private_key_jwt",
            "okta-connector connections add --name Acme --domain acme.okta.com \\\n    --auth api_token --secret-file token.txt --allow read",
        ],
    ),
    ("connections list", &["okta-connector connections list", "okta-connector connections list -o json"]),
    ("connections show", &["okta-connector connections show", "okta-connector connections show acme"]),
    ("connections test", &["okta-connector connections test acme", "okta-connector connections test --strict"]),
    ("connections auth", &["okta-connector connections auth acme --secret-file token.txt"]),
    (
        "connections edit",
        &[
            "okta-connector connections edit acme --full 'daily at 03:00 Europe/Oslo'",
            "okta-connector connections edit acme --incremental 10m --verify never",
            "okta-connector connections edit acme --allow read --allow user.suspend",
        ],
    ),
    ("connections pause", &["okta-connector connections pause acme"]),
    ("connections resume", &["okta-connector connections resume acme"]),
    ("connections remove", &["okta-connector connections remove acme --yes"]),
    ("actions", &["okta-connector actions list", "okta-connector actions run user.get --user ana"]),
    ("actions list", &["okta-connector actions list"]),
    ("actions show", &["okta-connector actions show user.suspend"]),
    (
        "actions run",
        &[
            "okta-connector actions run user.suspend --user ana@example.com --dry-run",
            "okta-connector actions run user.search --q ana",
        ],
    ),
    ("sync", &["okta-connector sync start --watch", "okta-connector sync status"]),
    ("sync start", &["okta-connector sync start --watch", "okta-connector sync start --mode incremental -c acme"]),
    ("sync status", &["okta-connector sync status", "okta-connector sync status --watch"]),
    ("sync cancel", &["okta-connector sync cancel"]),
    ("sync removals", &["okta-connector sync removals", "okta-connector sync removals --all -o csv"]),
    ("sync confirm", &["okta-connector sync confirm --watch"]),
    ("people", &["okta-connector people find ana", "okta-connector people tree 'Ana Abel'"]),
    (
        "people find",
        &[
            "okta-connector people find --title sales --location London",
            "okta-connector people find --manager 'Mei Chen' --sort -updated",
            "okta-connector people find --group Design --all -o csv",
        ],
    ),
    ("people show", &["okta-connector people show ana@example.com", "okta-connector people show 'Ana Abel'"]),
    ("people tree", &["okta-connector people tree ana@example.com --depth 3"]),
    ("people export", &["okta-connector people export --format ndjson > people.ndjson"]),
    ("groups", &["okta-connector groups list", "okta-connector groups members Design"]),
    ("groups list", &["okta-connector groups list design"]),
    ("groups members", &["okta-connector groups members Design --all"]),
    ("groups managers", &["okta-connector groups managers Design"]),
    ("apps", &["okta-connector apps list", "okta-connector apps users Slack"]),
    ("apps list", &["okta-connector apps list slack"]),
    ("apps users", &["okta-connector apps users Slack --all -o csv"]),
    ("access", &["okta-connector access admins", "okta-connector access who-can-grant --app Slack"]),
    ("access admins", &["okta-connector access admins"]),
    (
        "access who-can-grant",
        &["okta-connector access who-can-grant --app Slack", "okta-connector access who-can-grant --group Design"],
    ),
    ("access why", &["okta-connector access why 'Ana Abel' Slack"]),
    ("locations", &["okta-connector locations list", "okta-connector locations people 'Oslo, Norway'"]),
    ("locations list", &["okta-connector locations list --all"]),
    ("locations people", &["okta-connector locations people 'Oslo, Norway'"]),
    ("search", &["okta-connector search finance --types person,group"]),
    ("findings", &["okta-connector findings", "okta-connector findings -c acme -o json"]),
    ("events", &["okta-connector events list", "okta-connector events tail"]),
    (
        "events list",
        &["okta-connector events list --since 2026-01-31T00:00:00Z", "okta-connector events list --trigger sign-ins"],
    ),
    (
        "events tail",
        &[
            "okta-connector events tail --type com.okta.user.session.start",
            "okta-connector events tail --forward-to http://localhost:3000/events",
        ],
    ),
    ("triggers", &["okta-connector triggers list", "okta-connector triggers disable sign-ins"]),
    (
        "triggers add",
        &[
            "okta-connector triggers add event_hook --event-type user.session.start",
            "okta-connector triggers add new_events --filter 'eventType sw \"user.\"'",
            "okta-connector triggers add event_search --filter 'eventType sw \"app.\"' \\\n    --schedule 'daily at 07:00 Europe/Oslo' --lookback 7d",
        ],
    ),
    ("triggers list", &["okta-connector triggers list"]),
    ("triggers show", &["okta-connector triggers show sign-ins"]),
    (
        "triggers edit",
        &[
            "okta-connector triggers edit sign-ins --schedule 5m",
            "okta-connector triggers edit sign-ins --filter 'eventType sw \"user.\"'",
        ],
    ),
    ("triggers enable", &["okta-connector triggers enable sign-ins"]),
    ("triggers disable", &["okta-connector triggers disable sign-ins"]),
    ("triggers remove", &["okta-connector triggers remove sign-ins --yes"]),
    ("keys", &["okta-connector keys list", "okta-connector keys rotate"]),
    ("keys list", &["okta-connector keys list acme"]),
    ("keys rotate", &["okta-connector keys rotate acme --overlap 48h"]),
    ("audit", &["okta-connector audit --limit 20", "okta-connector audit --action user.suspend"]),
    (
        "api",
        &[
            "okta-connector api GET /v1/connections",
            "okta-connector api GET '/v1/connections/{connection}/people' --all",
            "okta-connector api PATCH '/v1/connections/{connection}' -d '{\"name\":\"B\"}'",
            "okta-connector api POST /v1/connections --input connection.json",
        ],
    ),
    ("whoami", &["okta-connector whoami", "okta-connector whoami --deployment production"]),
    ("doctor", &["okta-connector doctor"]),
    ("mcp", &["okta-connector mcp"]),
];

/// The program's commands with their examples.
pub fn with_examples(command: Command) -> Command {
    below("", command)
}

fn below(path: &str, command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    let mut command = match text_of(path) {
        Some(text) => command.after_help(text),
        None => command,
    };
    for name in names {
        let path = format!("{path} {name}").trim_start().to_owned();
        command = command.mut_subcommand(&name, |command| below(&path, command));
    }
    command
}

fn text_of(path: &str) -> Option<String> {
    let (_, examples) = EXAMPLES.iter().find(|(of, _)| *of == path)?;
    Some(format!("Examples:\n  {}", examples.join("\n  ")))
}

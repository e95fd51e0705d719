//! Tables on terminals: as wide as the terminal, with colors and without.

use crate::killed::program;
use crate::world::{World, quiet};
use rexpect::reader::Options;
use rexpect::session::spawn_with_options;
use std::path::Path;
use std::process::Command;

/// What a command shows on a terminal of some width.
fn shown(world: &World, width: usize, setting: (&str, &str), command: &str) -> String {
    let mut shell = Command::new("bash");
    let folder = program().parent().map(Path::to_owned).expect("a folder");
    shell.arg("-c").arg(format!("stty cols {width} rows 40; {command}")).env_clear();
    shell.env("PATH", format!("{}:/usr/bin:/bin", folder.display())).env("TERM", "xterm").env(setting.0, setting.1);
    shell.env("OKTA_CONNECTOR_URL", world.url()).env("OKTA_CONNECTOR_DATA", world.data());
    let options = Options::new().timeout_ms(Some(60_000)).strip_ansi_escape_codes(false);
    let mut session = spawn_with_options(shell, options).expect("a terminal");
    // Each byte comes as a letter of its own.
    let bytes = session.exp_eof().expect("an end").chars().filter_map(|letter| u8::try_from(letter).ok()).collect();
    String::from_utf8(bytes).expect("text").replace('\r', "")
}

fn plain(world: &World, width: usize, command: &str) -> Vec<String> {
    shown(world, width, ("NO_COLOR", "1"), command).lines().map(str::to_owned).collect()
}

async fn synced() -> World {
    let world = World::with(quiet()).await;
    world.synced().await;
    world
}

/// The main tables one below the other.
async fn tables(width: usize) -> String {
    let world = synced().await;
    let lists = ["people find --limit 3", "groups list --limit 3", "apps list --limit 3", "locations list --limit 3"];
    let tables = lists.map(|list| plain(&world, width, &format!("okta-connector {list}")).join("\n"));
    format!("{}\n", tables.join("\n\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_tables_fit_a_terminal_of_80_columns() {
    assert_eq!(tables(80).await, include_str!("screens/80.txt"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_tables_fit_a_terminal_of_120_columns() {
    assert_eq!(tables(120).await, include_str!("screens/120.txt"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_of_a_table_is_wider_than_the_terminal() {
    let world = synced().await;
    for command in [
        "connections list",
        "connections test",
        "people find --all",
        "sync status",
        "findings",
        "events list",
        "audit",
        "keys list",
        "actions list",
        "locations list",
        "search a",
        "doctor | head -6",
    ] {
        for width in [80, 120] {
            for line in plain(&world, width, &format!("okta-connector {command} 2> /dev/null")) {
                let fits = console::measure_text_width(&line) <= width;
                assert!(fits || command.starts_with("doctor"), "{command} at {width}: {line}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn colors_and_glyphs_are_shown_where_the_terminal_has_them_and_nobody_turned_them_off() {
    let world = synced().await;
    let list = "okta-connector connections list";
    let colored = shown(&world, 120, ("LANG", "C.UTF-8"), list);
    assert!(colored.contains('\u{1b}') && colored.contains('✓'), "{colored:?}");
    for (setting, command) in
        [(("NO_COLOR", "1"), list), (("TERM", "dumb"), list), (("A", "B"), "okta-connector connections list | cat")]
    {
        let shown = shown(&world, 120, setting, command);
        assert!(!shown.contains('\u{1b}') && !shown.contains('✓') && shown.contains("Active"), "{setting:?} {shown:?}");
    }
}

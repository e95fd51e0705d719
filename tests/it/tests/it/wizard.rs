//! `connections add` and `connections auth` on a terminal, answered as a person would.

use crate::killed::program;
use crate::world::{World, text};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use rexpect::process::WaitStatus;
use rexpect::reader::Options;
use rexpect::session::{PtySession, spawn_with_options};
use serde_json::{Value, json};
use std::process::Command;

/// A terminal in which the program runs.
struct Terminal(PtySession);

impl Terminal {
    fn run(world: &World, arguments: &[&str]) -> Self {
        let mut command = Command::new(program());
        command.args(arguments).env_clear().env("TERM", "xterm");
        command.env("OKTA_CONNECTOR_URL", world.url()).env("OKTA_CONNECTOR_DATA", world.data());
        let options = Options::new().timeout_ms(Some(60_000)).strip_ansi_escape_codes(true);
        let session = spawn_with_options(command, options).expect("a terminal");
        // As a terminal is before a program changes it.
        let terminal = session.process().get_file_handle().expect("a terminal");
        let mut settings = tcgetattr(&terminal).expect("its settings");
        settings.local_flags.insert(LocalFlags::ECHO);
        tcsetattr(&terminal, SetArg::TCSANOW, &settings).expect("a terminal");
        Self(session)
    }

    /// Waits until the screen shows a text; gives what it showed before it.
    #[track_caller]
    fn shows(&mut self, text: &str) -> String {
        self.0.exp_string(text).unwrap_or_else(|error| panic!("{text:?} is not shown: {error}"))
    }

    fn types(&mut self, line: &str) {
        self.0.send_line(line).expect("a terminal that reads");
    }

    /// Types what is not to be seen, once the terminal hides it; gives what is seen until something else is.
    fn types_unseen(&mut self, prompt: &str, secret: &str, then: &str) -> String {
        self.shows(prompt);
        let terminal = self.0.process().get_file_handle().expect("a terminal");
        while tcgetattr(&terminal).expect("its settings").local_flags.contains(LocalFlags::ECHO) {
            std::thread::yield_now();
        }
        self.types(secret);
        self.shows(then)
    }

    /// A word that begins so.
    fn word(&mut self, begin: &str) -> String {
        self.shows(begin);
        let (rest, _) = self.0.exp_regex("\\s").expect("the word's end");
        format!("{begin}{rest}")
    }

    /// The exit code.
    fn ends(mut self) -> i32 {
        self.0.exp_eof().expect("an end");
        match self.0.process().wait().expect("a status") {
            WaitStatus::Exited(_, code) => code,
            other => panic!("{other:?}"),
        }
    }
}

async fn only_connection(world: &World) -> Value {
    let mut all = world.all("/v1/connections").await;
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_connected_step_by_step_and_a_failed_check_is_explained() {
    let world = World::start().await;
    let mut terminal = Terminal::run(&world, &["connections", "add"]);
    terminal.shows("A name for this tenant");
    terminal.types("Acme");
    terminal.shows("The tenant's address");
    terminal.types(&world.domain());
    terminal.shows("How to sign in");
    terminal.types("");
    terminal.shows("API Services");
    let key_url = terminal.word(&format!("{}/v1/connections/conn_", world.url()));
    let client_id = &world.simulator.credentials().client_id;
    terminal.shows("client ID");
    terminal.types(client_id);
    // Okta does not know the key yet.
    terminal.shows("Okta could not be signed in to");
    terminal.shows("In the Admin Console");
    terminal.shows("Try again");
    world.sim("PATCH", "app", Some(json!({"jwks_uri": key_url}))).await;
    terminal.types("y");
    // Whoever only presses Enter says the same again.
    terminal.shows("The tenant's address");
    terminal.types("");
    terminal.shows("client ID");
    terminal.types("");
    terminal.shows("Integration setup complete");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(only_connection(&world).await["status"], "Active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_only_begun_is_finished_later() {
    let world = World::start().await;
    let pending = world.pending().await;
    world.sim("PATCH", "app", Some(json!({"jwks_uri": pending["public_key_url"]}))).await;
    let mut terminal = Terminal::run(&world, &["connections", "auth", text(&pending, "id")]);
    terminal.shows("The tenant's address");
    terminal.types(&world.domain());
    terminal.shows("client ID");
    terminal.types(&world.simulator.credentials().client_id);
    terminal.shows("Integration setup complete");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(only_connection(&world).await["status"], "Active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_typed_unseen_and_may_be_replaced() {
    let world = World::start().await;
    let domain = world.domain();
    let token = world.simulator.credentials().api_token.clone();
    let mut terminal =
        Terminal::run(&world, &["connections", "add", "--name", "Acme", "--domain", &domain, "--auth", "api_token"]);
    terminal.shows("Create token");
    terminal.shows("can do what its owner can.");
    let seen = terminal.types_unseen("The token", &token, "Integration setup complete");
    assert!(!seen.contains(&token), "{seen}");
    assert_eq!(terminal.ends(), 0);

    let mut terminal = Terminal::run(&world, &["connections", "auth", "Acme"]);
    terminal.shows("can do what its owner can.");
    terminal.types_unseen("The token", "00notoneofokta", "Try again");
    terminal.types("n");
    assert_eq!(terminal.ends(), 10, "somebody said no, and what worked goes on working");
    assert_eq!(only_connection(&world).await["status"], "Active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_signs_in_ends_the_wizard() {
    let world = World::start().await;
    let (domain, credentials) = (world.domain(), world.simulator.credentials());
    let back = format!("{}/v1/oauth/callback", world.url());
    world.sim("PATCH", "app", Some(json!({"redirect_uris": [back]}))).await;
    let add = ["connections", "add", "--name", "Acme", "--domain", &domain, "--auth", "authorization_code"];
    let mut terminal = Terminal::run(&world, &add);
    terminal.shows(&back);
    terminal.shows("client ID");
    terminal.types(&credentials.web_client_id);
    terminal.types_unseen("client secret", &credentials.client_secret, "sign in here");
    let invitation = terminal.word("http");
    world.request("GET", &invitation, &[("accept", "application/json")], None).await.expect(200);
    terminal.shows("Active");
    assert_eq!(terminal.ends(), 0);

    let mut terminal = Terminal::run(&world, &["connections", "auth", "Acme"]);
    terminal.shows("the app that the connection has");
    terminal.types("y");
    terminal.shows("sign in here");
    let invitation = terminal.word("http");
    world.request("GET", &invitation, &[("accept", "application/json")], None).await.expect(200);
    terminal.shows("Active");
    assert_eq!(terminal.ends(), 0);
}

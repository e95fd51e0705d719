//! The command line.

use clap::error::ContextKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use okta_connector::clock::SystemClock;
use okta_connector::http::openapi;
use okta_connector::log::Lines;
use okta_connector::okta::AllowedOrigins;
use okta_connector_cli::{Failure, Options, TOKEN_FILE, aside, data_folder, with_examples};
use okta_connector_local::{Config, Error, Issuer, Service, demo};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use tracing_subscriber::filter::LevelFilter;

/// Okta Connector: the service on one machine, and a command line for any deployment of it.
#[derive(Parser)]
#[command(name = "okta-connector", version, max_term_width = 80)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand)]
enum Command {
    /// Start a simulated Okta tenant and the whole service, and walk through the main job.
    Demo(Demo),
    /// Start the service alone.
    Serve(Serve),
    /// Serve the console on this machine for a deployment, with your credentials.
    Console {
        /// The port on 127.0.0.1; 0 picks a free one.
        #[arg(long, default_value_t = 7080)]
        port: u16,
    },
    /// Open the console of a deployment in the browser.
    Open(Open),
    /// Print the description of the HTTP API, as OpenAPI 3.1.
    Openapi,
    /// Print a script with which a shell completes commands.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
    #[command(flatten)]
    Remote(okta_connector_cli::Command),
}

#[derive(Args)]
struct Demo {
    /// The service's port; a free one if absent.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// People in the simulated tenant.
    #[arg(long, default_value_t = 1_000)]
    users: usize,
    /// End after the walk.
    #[arg(long)]
    exit: bool,
}

#[derive(Args)]
struct Open {
    /// The port on 127.0.0.1; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Only print the address.
    #[arg(long)]
    no_browser: bool,
}

#[derive(Args)]
struct Serve {
    /// The port on 127.0.0.1; 0 picks a free one.
    #[arg(long, default_value_t = 7070)]
    port: u16,
    /// Where state and secrets are kept.
    #[arg(long, env = "OKTA_CONNECTOR_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Where the public routes are reached from outside, https.
    #[arg(long)]
    public_url: Option<String>,
    /// A simulated tenant: an http origin on loopback. May be repeated.
    #[arg(long = "allow-okta-origin", value_name = "ORIGIN")]
    allow_okta_origin: Vec<String>,
    /// Accept callers with a token of this issuer, and nobody else.
    #[arg(long, requires = "jwt_audience")]
    jwt_issuer: Option<String>,
    /// The audience of those tokens.
    #[arg(long, requires = "jwt_issuer")]
    jwt_audience: Option<String>,
    /// The claim that lists a caller's teams.
    #[arg(long, default_value = "teams")]
    jwt_teams_claim: String,
    /// The scope that makes a caller an admin.
    #[arg(long, default_value = "okta-connector.admin")]
    jwt_admin_scope: String,
}

/// Does what the command line says; without a command, prints help.
pub async fn run() -> ExitCode {
    let Cli { command, options } = parsed();
    let Some(command) = command.or_else(of_cargo) else {
        return here(print(commands().render_long_help().to_string().as_bytes()));
    };
    match command {
        Command::Demo(options) => {
            log("error");
            here(demo(options.port, options.users, options.exit).await)
        }
        Command::Serve(options) => {
            log("warn,okta_connector=info,okta_connector_local=info");
            here(serve(options).await)
        }
        Command::Console { port } => told(console(port, false, &options).await),
        Command::Open(open) => told(console(open.port, !open.no_browser, &options).await),
        Command::Remote(command) => told(Box::pin(okta_connector_cli::run(command, options)).await),
        Command::Openapi => here(print(openapi().as_bytes())),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut commands(), "okta-connector", &mut script);
            here(print(&script))
        }
    }
}

/// `cargo run`, by which a developer starts the program, is the demo. Cargo sets this variable for what it runs
/// ([its book](https://doc.rust-lang.org/cargo/reference/environment-variables.html)).
#[expect(clippy::disallowed_methods, reason = "the edge reads the world once")]
fn of_cargo() -> Option<Command> {
    std::env::var_os("CARGO_MANIFEST_DIR")?;
    Some(Command::Demo(Demo { port: 0, users: 1_000, exit: false }))
}

/// All commands with their examples.
fn commands() -> clap::Command {
    with_examples(Cli::command())
}

/// Prints a text. Where the reader has stopped, as `head` does, the rest is not wanted.
fn print(text: &[u8]) -> Result<(), Error> {
    let mut out = std::io::stdout();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => Ok(printed?),
    }
}

/// The command line. What is wrong with it is said without a usage line: that would list each option that an environment
/// variable sets, as if it had to be given.
fn parsed() -> Cli {
    let matches = commands().try_get_matches();
    matches.and_then(|matches| Cli::from_arg_matches(&matches)).unwrap_or_else(|mut error| {
        error.remove(ContextKind::Usage);
        error.exit()
    })
}

/// What came of what was done on this machine.
fn here(done: Result<(), Error>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            aside(&format!("okta-connector: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// What came of what was said to a deployment, wherever it is.
fn told(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            for line in failure.lines() {
                aside(&line);
            }
            failure.exit_code()
        }
    }
}

/// Serves the console of a deployment until Ctrl-C, and opens it in the browser where that is wanted.
async fn console(port: u16, opens: bool, options: &Options) -> Result<(), Failure> {
    let client = options.client().await?;
    let origin = client.origin().clone();
    let bound = okta_connector_local::console(client, port).await;
    let (url, pages) = bound.map_err(|error| Failure::Io(std::io::Error::other(error)))?;
    // The starting program may have stopped reading; the pages are served all the same.
    let _ = writeln!(std::io::stdout(), "the console of {origin} is at {url} (the link works once)");
    let opened = if opens { open_in_browser(&url) } else { None };
    if opens && opened.is_none() {
        aside("No browser could be started: open the link yourself.");
    }
    aside("Ctrl-C ends the console.");
    pages.await;
    Ok(())
}

/// Hands an address to the program that opens addresses here, in a file that only its owner can read: every process of the
/// machine sees the arguments of a program. The file goes when this is dropped.
fn open_in_browser(url: &str) -> Option<tempfile::NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix("okta-connector-").suffix(".html").tempfile().ok()?;
    write!(file, "<!doctype html><meta http-equiv=\"refresh\" content=\"0;url={url}\">").ok()?;
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = std::process::Command::new(opener);
    command.arg(file.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().ok()?;
    Some(file)
}

/// Text for people, or with `OKTA_CONNECTOR_LOG=json` the lines that the functions write on AWS.
#[expect(clippy::disallowed_methods, reason = "the edge reads the world once")]
fn log(filter: &str) {
    match std::env::var("OKTA_CONNECTOR_LOG").as_deref() {
        Ok("json") => {
            let (stack, clock) = ("local".to_owned(), Arc::new(SystemClock));
            let lines = Lines { writer: std::io::stderr, stack, clock };
            // Nobody has set one before.
            let _ = tracing::subscriber::set_global_default(lines.subscriber(LevelFilter::INFO));
        }
        _ => tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init(),
    }
}

async fn serve(options: Serve) -> Result<(), Error> {
    let data = match options.data {
        Some(data) => data,
        None => data_folder().ok_or("there is no data folder; name one with --data")?,
    };
    if options.public_url.as_deref().is_some_and(|url| !url.starts_with("https://")) {
        return Err("--public-url must be https, as in https://connector.example.com".into());
    }
    let issuer = match (&options.jwt_issuer, &options.jwt_audience) {
        (Some(issuer), Some(audience)) => {
            Some(Issuer::new(issuer, audience, &options.jwt_teams_claim, &options.jwt_admin_scope)?)
        }
        _ => None,
    };
    let allowed = AllowedOrigins::parse(options.allow_okta_origin.iter().map(String::as_str))?;
    let Serve { port, public_url, .. } = options;
    let config = Config { port, data, public_url, allowed, issuer, clock: Arc::new(SystemClock) };
    let service = Service::start(config).await?;
    // The starting program may have stopped reading; the service goes on.
    let mut out = std::io::stdout();
    let _ = writeln!(out, "listening on {}", service.url());
    if let Some(console) = service.console_url() {
        let token = service.data().join(TOKEN_FILE);
        let _ = writeln!(out, "the console is at {console} (the link works once)");
        let _ = writeln!(out, "callers need the token in {}", token.display());
    }
    tokio::signal::ctrl_c().await?;
    Ok(())
}

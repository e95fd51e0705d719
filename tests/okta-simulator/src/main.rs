//! The tenant as a program: prints one JSON line when it is ready, serves until Ctrl-C.

use clap::Parser;
use okta_simulator::{Config, Simulator};
use serde_json::json;
use std::io::Write;
use tokio::net::TcpListener;

/// A stateful Okta tenant over HTTP, on this machine only.
#[derive(Parser)]
#[command(version)]
struct Flags {
    /// The port; 0 picks a free one.
    #[arg(long, default_value_t = 7171)]
    port: u16,
    /// Does what real tenants do and examples do not, which it does anyway.
    #[arg(long, conflicts_with = "polite")]
    rude: bool,
    /// Does what examples do, and nothing else.
    #[arg(long)]
    polite: bool,
    /// Begins without administrators, owners and group rules, except the administrator who made the API token.
    #[arg(long)]
    bare: bool,
    #[command(flatten)]
    config: Config,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let flags = Flags::parse();
    let listener = TcpListener::bind(("127.0.0.1", flags.port)).await?;
    let rude = flags.rude || !flags.polite;
    let access = !flags.bare;
    let okta = Simulator::start(Config { rude, access, ..flags.config }, listener).await?;
    let mut ready = json!(okta.credentials());
    ready["listening"] = json!(okta.url());
    // Whoever started it may have stopped reading; the tenant is served all the same.
    let _ = writeln!(std::io::stdout(), "{ready}");
    let _ = write!(std::io::stderr(), "{}", how_to_connect(okta.url(), &okta.credentials().api_token));
    tokio::signal::ctrl_c().await
}

/// Commands to copy, beside the line for programs. The shell's own `printf` shows no other process the token.
fn how_to_connect(url: &str, token: &str) -> String {
    format!(
        "A simulated Okta tenant listens on {url}. To connect it:\n\n  \
         okta-connector serve --allow-okta-origin {url} &\n  \
         printf %s '{token}' | okta-connector connections add --name Acme \\\n    \
         --domain {url} --auth api_token --secret-file - --allow all\n\n"
    )
}

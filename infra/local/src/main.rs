//! `okta-connector`: the service on one machine, and a command line for any deployment.

mod cli;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    cli::run().await
}

//! `okta-connector demo | serve`.

mod cli;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    match cli::run().await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("okta-connector: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

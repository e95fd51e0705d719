//! Polls the System Log of a connection, or runs one of its searches.

use okta_connector::lambda;

#[tokio::main]
async fn main() -> Result<(), lambda::Error> {
    lambda::run_polls().await
}

//! Runs actions, and tells what the API is.

use okta_connector::{http, lambda};

#[tokio::main]
async fn main() -> Result<(), lambda::Error> {
    lambda::serve_actions("action", http::action).await
}

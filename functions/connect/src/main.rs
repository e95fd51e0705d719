//! Connections: set up, changed, deleted; syncs started.

use okta_connector::{http, lambda};

#[tokio::main]
async fn main() -> Result<(), lambda::Error> {
    lambda::serve(http::connect).await
}

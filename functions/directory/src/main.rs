//! Reads what was synced.

use okta_connector::{http, lambda};

#[tokio::main]
async fn main() -> Result<(), lambda::Error> {
    lambda::serve("directory", http::directory).await
}

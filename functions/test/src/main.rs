//! Tests a connection, and once a day all of them.

use okta_connector::{http, lambda, test};

#[tokio::main]
async fn main() -> Result<(), lambda::Error> {
    lambda::serve_daily("test", http::test, async |app| test::test_all(&app).await).await
}

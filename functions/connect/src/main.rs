//! Connections: set up, changed, deleted; syncs started. Every hour all schedules are made what they should be.

use okta_connector::{http, lambda, schedules};

#[tokio::main]
async fn main() -> Result<(), lambda::Error> {
    lambda::serve_daily("connect", http::connect, async |app| schedules::settle_all(&app).await).await
}

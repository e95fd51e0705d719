//! What strangers may reach; no secret is ever read here.

use okta_connector::lambda;

#[tokio::main]
async fn main() -> Result<(), lambda::Error> {
    lambda::serve_public().await
}

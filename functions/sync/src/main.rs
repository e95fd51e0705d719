//! One slice of a sync, for the state machine.

use okta_connector::lambda;

#[tokio::main]
async fn main() -> Result<(), lambda::Error> {
    lambda::run_slices().await
}

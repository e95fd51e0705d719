//! The console's pages, served on this machine.

use crate::Error;
use okta_connector_client::Client;
use okta_connector_console::{Key, router};
use std::future::IntoFuture;
use tokio::net::TcpListener;

/// Binds the pages for a deployment to a port of loopback, and gives their address and what serves them.
pub async fn console(client: Client, port: u16) -> Result<(String, impl Future<Output = std::io::Result<()>>), Error> {
    let key = Key::random().ok_or("there are no random numbers")?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((url, axum::serve(listener, router(client, key)).into_future()))
}

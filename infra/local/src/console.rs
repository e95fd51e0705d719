//! The console's pages, served on this machine.

use crate::Error;
use crate::server::serve;
use okta_connector_client::Client;
use okta_connector_console::{Keys, router};
use tokio::net::TcpListener;

/// Binds the pages for a deployment to a port of loopback, and gives the link that opens them once and what serves them.
pub async fn console(client: Client, port: u16) -> Result<(String, impl Future<Output = ()>), Error> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let at = listener.local_addr()?;
    let (keys, query) = Keys::random(at.port()).ok_or("there are no random numbers")?;
    Ok((format!("http://{at}/?{query}"), serve(listener, router(client, keys))))
}

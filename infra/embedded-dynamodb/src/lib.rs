//! A `DynamoDB` engine inside the process. The product talks to it with its normal client over loopback, so that one
//! machine runs the same code as AWS.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use dynoxide::Database;
use std::io;
use std::path::Path;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running engine; it stops when dropped.
pub struct Engine {
    endpoint: String,
    database: Database,
    server: JoinHandle<()>,
}

impl Engine {
    /// Starts one on a free port of loopback: in a file, or in memory.
    pub async fn start(file: Option<&Path>) -> io::Result<Self> {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await?, file)
    }

    /// Starts one on a listener.
    pub fn start_on(listener: TcpListener, file: Option<&Path>) -> io::Result<Self> {
        let opened = match file {
            Some(file) => Database::new(&file.to_string_lossy()),
            None => Database::memory(),
        };
        let database = opened.map_err(other)?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let server = tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        Ok(Self { endpoint, database, server })
    }

    /// Starts one in memory that holds what a [`snapshot`](Self::snapshot) holds.
    pub async fn start_from(snapshot: &Path) -> io::Result<Self> {
        let engine = Self::start(None).await?;
        engine.database.restore_from(&snapshot.to_string_lossy()).map_err(other)?;
        Ok(engine)
    }

    /// Writes all that it holds by now, between two requests, into a new file.
    pub fn snapshot(&self, file: &Path) -> io::Result<()> {
        self.database.vacuum_into(&file.to_string_lossy()).map_err(other)
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

fn other(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The normal client, for an engine or an emulator on loopback.
pub fn client(endpoint: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

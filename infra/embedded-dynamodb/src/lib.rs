//! A `DynamoDB` engine inside the process. The product talks to it with its normal client, whose requests never leave the
//! process: nothing listens, so no other process of the machine can read or write the table.
//!
//! Tests and measurements put a proxy between client and engine; for them [`Engine::start`] lets the same engine answer over
//! HTTP as well.

mod dispatch;
mod in_process;
mod like_aws;
mod wire;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use dynoxide::Database;
use in_process::InProcess;
pub use like_aws::behave_like_aws;
use std::io;
use std::path::Path;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// An engine; one that answers over HTTP stops when dropped.
pub struct Engine {
    database: Database,
    listening: Option<(String, JoinHandle<()>)>,
}

impl Engine {
    /// Opens one in a file, or in memory.
    pub fn open(file: Option<&Path>) -> io::Result<Self> {
        let opened = match file {
            Some(file) => Database::new(&file.to_string_lossy()),
            None => Database::memory(),
        };
        Ok(Self { database: opened.map_err(other)?, listening: None })
    }

    /// Opens one that answers over HTTP too, on a free port of loopback and without a check of the client: for tests and measurements.
    pub async fn start(file: Option<&Path>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let mut engine = Self::open(file)?;
        let server = tokio::spawn(wire::serve(listener, engine.database.clone()));
        engine.listening = Some((endpoint, server));
        Ok(engine)
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

    /// The normal client, in this process.
    pub fn client(&self) -> Client {
        client_by("http://localhost", SharedHttpClient::new(InProcess::new(self.database.clone())))
    }

    /// Where it answers over HTTP; nowhere unless it was started.
    pub fn endpoint(&self) -> &str {
        self.listening.as_ref().map_or("", |(endpoint, _)| endpoint)
    }
}

fn other(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some((_, server)) = &self.listening {
            server.abort();
        }
    }
}

/// The normal client, for an engine or an emulator on loopback.
pub fn client(endpoint: &str) -> Client {
    client_by(endpoint, aws_smithy_http_client::Builder::new().build_http())
}

fn client_by(endpoint: &str, http: SharedHttpClient) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(endpoint)
        .http_client(http)
        .build();
    Client::from_conf(config)
}

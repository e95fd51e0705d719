//! The whole service with a connected tenant, and a caller of it.

use crate::Error;
use okta_connector::clock::SystemClock;
use okta_connector::okta::AllowedOrigins;
use okta_connector_local::{Config as ServiceConfig, Service};
use okta_simulator::{Config, Simulator};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A service that has synced a tenant once.
pub struct Served {
    pub simulator: Simulator,
    pub caller: Caller,
    /// Of the connection.
    pub path: String,
    _service: Service,
    _data: TempDir,
}

/// A caller of a service.
pub struct Caller {
    pub http: Client,
    url: String,
    token: String,
}

impl Served {
    /// Connects the tenant, and waits for the first sync.
    pub async fn synced(config: Config) -> Result<Self, Error> {
        let simulator = Simulator::start(config, TcpListener::bind("127.0.0.1:0").await?).await?;
        let data = tempfile::tempdir()?;
        let service = Service::start(ServiceConfig {
            port: 0,
            data: data.path().to_owned(),
            public_url: None,
            allowed: AllowedOrigins::parse([simulator.url()])?,
            issuer: None,
            clock: Arc::new(SystemClock),
        })
        .await?;
        let token = std::fs::read_to_string(data.path().join("token"))?;
        let caller = Caller { http: Client::new(), url: service.url().to_owned(), token };
        let auth = json!({"type": "api_token", "token": simulator.credentials().api_token});
        let made = json!({"name": "Acme", "domain": simulator.url(), "auth": auth});
        let (status, connection) = caller.call(Method::POST, "/v1/connections", Some(made)).await?;
        if status != 201 {
            return Err(format!("not connected: {connection:#}").into());
        }
        let path = format!("/v1/connections/{}", connection["id"].as_str().unwrap_or_default());
        loop {
            let (_, syncs) = caller.call(Method::GET, &format!("{path}/syncs"), None).await?;
            let first = &syncs["items"][0];
            if first["status"] == "succeeded" {
                println!("first sync: {} requests, {} s waited", first["requests"], first["waited_seconds"]);
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(Self { simulator, caller, path, _service: service, _data: data })
    }
}

impl Caller {
    /// The status and the body of an answer.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<(u16, Value), Error> {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        Ok((status, response.json().await.unwrap_or_default()))
    }

    /// Runs an incremental sync to its end; gives how long it took, in seconds, and the run.
    pub async fn sync(&self, path: &str) -> Result<(f64, Value), Error> {
        let began = Instant::now();
        let mode = json!({"mode": "incremental"});
        let (status, mut run) = self.call(Method::POST, &format!("{path}/syncs"), Some(mode)).await?;
        if status != 202 {
            return Err(format!("no sync was started: {run:#}").into());
        }
        let id = run["id"].as_str().unwrap_or_default().to_owned();
        while matches!(run["status"].as_str(), Some("running" | "waiting")) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            run = self.call(Method::GET, &format!("{path}/syncs/{id}"), None).await?.1;
        }
        Ok((began.elapsed().as_secs_f64(), run))
    }
}

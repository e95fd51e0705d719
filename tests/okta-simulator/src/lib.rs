//! An Okta tenant over real HTTP: users, groups, apps, the System Log, the token endpoint.
//!
//! It keeps state, answers as Okta does, down to headers, limits and refusals, and lets an operator change its clock,
//! its service app and its luck under `/_sim/`. [`Simulator::start`] serves it from inside a program:
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use okta_simulator::{Config, Simulator};
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let okta = Simulator::start(Config { users: 100, ..Config::default() }, listener).await?;
//! println!("{} with token {}", okta.url(), okta.credentials().api_token);
//! # Ok(())
//! # }
//! ```
//!
//! A file tour: `routes` is the table of endpoints, `pipeline` carries a request through
//! authentication, limits and permissions to its handler in `api`, which changes the `tenant`; `deliveries` tells the
//! event hooks what its log was told.

mod answer;
mod api;
mod auth;
mod call;
mod clock;
mod deliveries;
mod faults;
mod filter;
mod limits;
mod log;
mod page;
mod pipeline;
mod random;
mod role;
mod routes;
mod server;
mod sim;
mod state;
mod tenant;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use filter::literals;
use state::Shared;

/// What the tenant is like.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Users, including the 2 % who are DEPROVISIONED.
    #[arg(long, default_value_t = Config::default().users)]
    pub users: usize,
    /// Groups, including the built-in `Everyone`.
    #[arg(long, default_value_t = Config::default().groups)]
    pub groups: usize,
    /// Apps, including Okta's own Admin Console.
    #[arg(long, default_value_t = Config::default().apps)]
    pub apps: usize,
    /// Group memberships, not counting `Everyone`; about five a user if absent.
    #[arg(long)]
    pub memberships: Option<usize>,
    /// The seed everything is made from.
    #[arg(long, default_value_t = Config::default().seed)]
    pub seed: u64,
    /// How many milliseconds every answer takes at least.
    #[arg(long = "latency-ms", default_value = "0", value_parser = milliseconds)]
    pub latency: Duration,
    /// Whether access tokens are bound to a key (DPoP).
    #[arg(long, value_enum, default_value_t = Config::default().dpop)]
    pub dpop: Dpop,
    /// The size of every rate limit bucket, if not Okta's own; a principal sees half.
    #[arg(long)]
    pub rate_limit: Option<u32>,
    /// Events that the tenant's people cause by themselves, a minute; a few in a rude tenant if absent, none in a polite one.
    #[arg(long)]
    pub noise: Option<u32>,
    /// Whether it does what real tenants do and examples do not: a second built-in group, odd logins, directories and
    /// rare sign-on modes among the apps, background noise, nothing under a user who has left.
    #[arg(skip)]
    pub rude: bool,
    /// Whether it has administrators, owners of groups and group rules from the start, besides the one administrator who
    /// made the API token. It changes no user, no group, no membership and no id.
    #[arg(skip)]
    pub access: bool,
    /// The origin clients reach the tenant by, if not its own: links, `aud` and `htu` follow it.
    #[arg(long)]
    pub public_url: Option<String>,
}

fn milliseconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_millis)
}

impl Default for Config {
    fn default() -> Config {
        Config {
            users: 1000,
            groups: 50,
            apps: 20,
            memberships: None,
            seed: 1,
            latency: Duration::ZERO,
            dpop: Dpop::Required,
            rate_limit: None,
            noise: None,
            rude: true,
            access: false,
            public_url: None,
        }
    }
}

/// Whether the service app's access tokens are bound to a key of the caller's (RFC 9449).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Dpop {
    /// A token request without a proof is refused.
    Required,
    /// A proof is honoured, its absence is not held against anyone.
    Optional,
    /// Proofs are ignored, tokens are bearer tokens.
    Off,
}

/// How callers sign in.
#[derive(Debug, Clone, Serialize)]
pub struct Credentials {
    /// An API token (`Authorization: SSWS …`).
    pub api_token: String,
    /// The service app.
    pub client_id: String,
    /// The web app for user sign-in.
    pub web_client_id: String,
    /// The web app's secret.
    pub client_secret: String,
}

/// A running tenant; dropping it stops it, closes its connections and frees its port.
#[derive(Debug)]
pub struct Simulator {
    url: String,
    credentials: Credentials,
    serving: JoinHandle<()>,
}

impl Simulator {
    /// Makes the tenant and serves it on a listener.
    pub async fn start(config: Config, listener: TcpListener) -> io::Result<Simulator> {
        let url = format!("http://{}", listener.local_addr()?);
        let base = config.public_url.as_deref().unwrap_or(&url).trim_end_matches('/').to_owned();
        let credentials = Credentials::new(config.seed);
        let founding = move || Shared::new(config, base);
        let shared = tokio::task::spawn_blocking(founding).await.map_err(io::Error::other)?;
        let shared = Arc::new(shared);
        let serving = tokio::spawn(async move {
            tokio::join!(server::serve(listener, Arc::clone(&shared)), deliveries::run(shared));
        });
        Ok(Simulator { url, credentials, serving })
    }

    /// Where it listens, for example `http://127.0.0.1:7171`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How to sign in.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // The task owns the listener, every connection and every delivery; all of them end with it.
        self.serving.abort();
    }
}

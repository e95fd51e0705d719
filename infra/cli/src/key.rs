//! `keys`: the keys behind a connection's public key URL.

use crate::connection::agreed;
use crate::output::{Row, moment, plain};
use crate::{Context, Failure, Which};
use clap::{Args, Subcommand};
use okta_connector_client::{Key, Method};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Subcommand)]
pub enum Command {
    /// List the keys that are published.
    List(Which),
    /// Publish a new key, which signs from the end of the overlap on.
    Rotate(Rotate),
}

#[derive(Args)]
pub struct Rotate {
    #[command(flatten)]
    which: Which,
    /// How long the new key is published before it signs, and the old one after: 24h, or 0s for at once.
    #[arg(long, default_value = "24h")]
    overlap: String,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

/// The answer to a rotation.
#[derive(Serialize, Deserialize)]
struct Rotated {
    #[serde(flatten)]
    key: Key,
    keys: Vec<Key>,
}

impl Row for Key {
    const COLUMNS: &'static [&'static str] = &["KEY", "STATE", "SIGNS FROM", "PUBLISHED UNTIL"];

    fn cells(&self) -> Vec<String> {
        let from = moment(Some(&self.signs_from));
        vec![self.key_id.clone(), self.state.clone(), from, moment(self.unpublished_at.as_deref())]
    }
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::List(which) => {
            let connection = context.connection_of(&which).await?;
            let path = format!("/v1/connections/{}/keys", connection.id);
            let keys: Vec<Key> = context.client.pages(path).first(usize::MAX).await?;
            context.output.list(&keys)?;
            if keys.is_empty() {
                context.output.note("No key is published: this connection has no public key URL.");
            }
            Ok(())
        }
        Command::Rotate(rotate) => self::rotate(context, rotate).await,
    }
}

async fn rotate(context: &Context, rotate: Rotate) -> Result<(), Failure> {
    let connection = context.connection_of(&rotate.which).await?;
    let question = format!("Publish a new key for {}, which signs after {}?", plain(&connection.name), rotate.overlap);
    if !rotate.yes && !agreed(&question)? {
        return Err(Failure::BadNews("No key was published.".to_owned()));
    }
    let path = format!("/v1/connections/{}/keys", connection.id);
    let body = json!({"overlap": rotate.overlap});
    let rotated: Rotated = context.client.call(Method::POST, &path, Some(&body)).await?;
    let from = moment(Some(&rotated.key.signs_from));
    context.output.done(&format!("Published key {}, which signs from {from} UTC.", rotated.key.key_id), &rotated)?;
    context.output.next(&format!("okta-connector keys list {}", connection.id));
    Ok(())
}

//! `api`: any request, with the credentials of the command line.

use crate::connection::secret;
use crate::output::{Format, copy, print};
use crate::{Context, Failure};
use clap::Args;
use okta_connector_client::Method;
use serde_json::Value;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

/// In a path: the connection's id.
const CONNECTION: &str = "{connection}";

#[derive(Args)]
pub struct Api {
    /// The method: GET, POST, PUT, PATCH or DELETE.
    #[arg(value_parser = method)]
    method: Method,
    /// The path with its query, as in /v1/connections; {connection} stands for the connection's id.
    path: String,
    /// The body, as JSON.
    #[arg(long, short, value_name = "JSON", conflicts_with = "input")]
    data: Option<String>,
    /// A file that holds the body, as JSON; - is the input.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Follow a list to its end, and print each item as one line of JSON.
    #[arg(long)]
    all: bool,
}

fn method(text: &str) -> Result<Method, String> {
    let upper = text.to_ascii_uppercase();
    match upper.as_str() {
        "GET" | "POST" | "PUT" | "PATCH" | "DELETE" => upper.parse().map_err(|_| "no method".to_owned()),
        _ => Err("write GET, POST, PUT, PATCH or DELETE".to_owned()),
    }
}

pub async fn run(context: &Context, api: Api) -> Result<(), Failure> {
    let path = path(context, &api.path).await?;
    let text = match (&api.data, &api.input) {
        (Some(data), _) => Some(data.clone()),
        (None, Some(file)) => Some(secret(file)?),
        (None, None) => None,
    };
    let wrong = |error: serde_json::Error| Failure::Usage(format!("The body is no JSON: {error}"));
    let body: Option<Value> = text.map(|text| serde_json::from_str(&text).map_err(wrong)).transpose()?;
    if api.all {
        return items(context, &path).await;
    }
    let answer = context.client.text(api.method, &path, body.as_ref()).await?;
    Ok(shown(&answer, context.output.format)?)
}

async fn path(context: &Context, path: &str) -> Result<String, Failure> {
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    if !path.contains(CONNECTION) {
        return Ok(path);
    }
    Ok(path.replace(CONNECTION, &context.connection().await?.id))
}

async fn items(context: &Context, path: &str) -> Result<(), Failure> {
    let mut pages = context.client.pages::<Value>(path);
    while let Some(page) = pages.next().await? {
        for item in page {
            print(&item.to_string())?;
        }
    }
    Ok(())
}

/// JSON for people on a terminal, and where it is asked for; the answer as it came elsewhere.
fn shown(answer: &str, format: Format) -> io::Result<()> {
    let is_pretty = format == Format::Json || io::stdout().is_terminal();
    match serde_json::from_str::<Value>(answer) {
        Ok(value) if is_pretty => print(&serde_json::to_string_pretty(&value)?),
        Ok(_) => print(answer.trim_end()),
        Err(_) => copy(answer),
    }
}

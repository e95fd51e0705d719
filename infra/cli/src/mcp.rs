//! `mcp`: the deployment's tools for an agent's program that speaks over standard input and output.

use crate::output::{aside, print};
use crate::{Context, Failure};
use okta_connector_client::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

/// What a request of the Model Context Protocol says of its client.
const CLIENT: &str = "io.modelcontextprotocol/clientInfo";

/// Hands each line on, and prints what is answered, until the input ends.
pub async fn run(context: &Context) -> Result<(), Failure> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut client = Value::Null;
    while let Some(line) = lines.next_line().await? {
        if line.trim().is_empty() {
            continue;
        }
        let Ok(mut message) = serde_json::from_str::<Value>(&line) else {
            print(&failure(&Value::Null, -32700, "This line is no JSON.").to_string())?;
            continue;
        };
        if message["method"] == "initialize" {
            client = message["params"]["clientInfo"].clone();
        } else if client.is_object() && message["params"]["_meta"][CLIENT].is_null() && message["id"] != Value::Null {
            // In this era of the protocol a client names itself once; the deployment remembers nothing.
            name_client(&mut message, &client);
        }
        let id = message["id"].clone();
        match context.client.call::<Value>(Method::POST, "/v1/mcp", Some(&message)).await {
            Ok(Value::Null) => {}
            Ok(answer) => print(&answer.to_string())?,
            Err(error) if !id.is_null() => print(&failure(&id, -32603, &error.to_string()).to_string())?,
            Err(error) => aside(&error.to_string()),
        }
    }
    Ok(())
}

/// Says in a message who sends it, where there is room for that.
fn name_client(message: &mut Value, client: &Value) {
    let Some(message) = message.as_object_mut() else { return };
    let params = message.entry("params").or_insert_with(|| json!({}));
    let meta = params.as_object_mut().map(|params| params.entry("_meta").or_insert_with(|| json!({})));
    if let Some(meta) = meta.and_then(Value::as_object_mut) {
        meta.insert(CLIENT.to_owned(), client.clone());
    }
}

fn failure(id: &Value, code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

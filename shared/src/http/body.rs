//! JSON bodies: read by their schema, with every fault told at once.

use crate::problem::{Kind, Problem};
use crate::schema;
use axum::body::{Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::response::IntoResponse;
use http::{StatusCode, header};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A body of a type. It is read once it is known that the caller may send it.
pub async fn parse<T: DeserializeOwned + JsonSchema + 'static>(request: Request) -> Result<T, Problem> {
    Ok(schema::read(&read(request).await?, "")?)
}

/// A body of a type whose members are all optional: none at all is an empty one.
pub async fn parse_any<T: DeserializeOwned + JsonSchema + Default + 'static>(request: Request) -> Result<T, Problem> {
    if is_there(&request) { parse(request).await } else { Ok(T::default()) }
}

/// A body that is any JSON: none at all is an empty object.
pub async fn read_any(request: Request) -> Result<Value, Problem> {
    if is_there(&request) { read(request).await } else { Ok(Value::Object(serde_json::Map::new())) }
}

fn is_there(request: &Request) -> bool {
    request.headers().contains_key(header::CONTENT_TYPE) || !request.body().is_end_stream()
}

/// A body that is any JSON.
pub async fn read(request: Request) -> Result<Value, Problem> {
    let media_type =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(Kind::UnsupportedMediaType, "Send the body with Content-Type: application/json."));
    }
    let bytes = bytes(request).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::new(Kind::BadRequest, format!("The body is not JSON: line {line}, column {column}."))
    })
}

/// A body as it came, if it is not too large.
pub async fn bytes(request: Request) -> Result<Bytes, Problem> {
    let read = Bytes::from_request(request, &()).await;
    read.map_err(|rejection| match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(Kind::TooLarge, "The body is too large: at most 256 KB, or 4 MB where a hook delivers.")
        }
        _ => Problem::new(Kind::BadRequest, "The body could not be read."),
    })
}

//! JSON bodies: read by their schema, with every fault told at once.

use crate::problem::{Kind, Problem};
use crate::schema;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::IntoResponse;
use http::{StatusCode, header};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A body that was read.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + JsonSchema> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let value = read(request, state).await?;
        Ok(Self(schema::read(&value, "")?))
    }
}

/// A body that is any JSON.
pub async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Value, Problem> {
    let media_type =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(Kind::UnsupportedMediaType, "Send the body with Content-Type: application/json."));
    }
    let bytes =
        Bytes::from_request(request, state).await.map_err(|rejection| match rejection.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Kind::TooLarge, "A body may have at most 256 KB."),
            _ => Problem::new(Kind::BadRequest, "The body could not be read."),
        })?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::new(Kind::BadRequest, format!("The body is not JSON: line {line}, column {column}."))
    })
}

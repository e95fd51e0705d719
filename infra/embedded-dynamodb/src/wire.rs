//! The engine over HTTP, for a client behind a proxy.

use crate::dispatch::{CONTENT_TYPE, answer};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use dynoxide::Database;
use http::{HeaderMap, StatusCode, header};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

/// Answers for ever.
pub async fn serve(listener: TcpListener, database: Database) {
    // `DynamoDB` takes bodies of 16 MB.
    let limit = DefaultBodyLimit::max(16 * 1024 * 1024);
    let router = Router::new().fallback(operate).layer(limit).with_state(database);
    // It ends with the task that it runs in.
    let _ = axum::serve(listener, router).await;
}

async fn operate(State(database): State<Database>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default().to_owned();
    match spawn_blocking(move || answer(&database, &target, &body)).await {
        Ok((status, body)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

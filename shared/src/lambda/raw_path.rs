//! Paths as API Gateway hands them over: decoded. `lambda_http` parses them as a URL once more, which takes what follows a `#` or
//! a `?` for something else and tidies the rest, so that `/people/ana%23b` would read the person `ana`.

use crate::problem::{Kind, Problem};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use lambda_http::RequestExt;

/// Refuses what would be read as another path.
pub fn refusing(router: Router) -> Router {
    router.layer(from_fn(|request: Request, next: Next| async {
        if !is_read_otherwise(request.raw_http_path()) {
            return next.run(request).await;
        }
        let detail = "This path holds a character that is lost on the way: name the user by the id, which ?q= finds.";
        Problem::new(Kind::BadRequest, detail).into_response()
    }))
}

/// True where the URL standard reads another path (<https://url.spec.whatwg.org/#concept-basic-url-parser>).
fn is_read_otherwise(path: &str) -> bool {
    let is_lost = |letter: char| matches!(letter, '#' | '?' | '\\') || letter.is_control();
    path.contains(is_lost) || path.ends_with(' ') || path.split('/').any(|segment| matches!(segment, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::routing::get;
    use http::StatusCode;
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_path_that_would_be_cut_is_refused() {
        let router = refusing(Router::new().route("/people/{person}", get(async || StatusCode::OK)));
        for (raw, status) in [
            ("/people/ana", StatusCode::OK),
            ("/people/ana@example.com", StatusCode::OK),
            ("/people/ana%40example.com", StatusCode::OK),
            ("/people/ana#b", StatusCode::BAD_REQUEST),
            ("/people/ana?b", StatusCode::BAD_REQUEST),
            ("/people/ana\\groups", StatusCode::BAD_REQUEST),
            ("/people/an\na", StatusCode::BAD_REQUEST),
            ("/people/ana ", StatusCode::BAD_REQUEST),
            ("/people/bo/../ana", StatusCode::BAD_REQUEST),
        ] {
            // As lambda_http parses it.
            let request = http::Request::get("/people/ana").body(Body::empty()).expect("a request");
            let answer = router.clone().oneshot(request.with_raw_http_path(raw)).await.expect("an answer");
            assert_eq!(answer.status(), status, "{raw}");
        }
    }
}

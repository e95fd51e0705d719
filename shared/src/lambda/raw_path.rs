//! Paths as API Gateway hands them over: decoded. What followed a `#`, a `?` or a `%` in a decoded path cannot be told from the
//! end of the path, so that `/people/ana%23b` would read the person `ana`.

use crate::problem::{Kind, Problem};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use lambda_http::RequestExt;

/// Refuses what would be read as another path.
pub fn refusing(router: Router) -> Router {
    router.layer(from_fn(|request: Request, next: Next| async {
        if !request.raw_http_path().contains(['#', '?', '%']) {
            return next.run(request).await;
        }
        let detail = "A path here takes no '#', '?' or '%', encoded or not: name the user by the id, which ?q= finds.";
        Problem::new(Kind::BadRequest, detail).into_response()
    }))
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
            ("/people/ana#b", StatusCode::BAD_REQUEST),
            ("/people/ana?b", StatusCode::BAD_REQUEST),
            ("/people/ana%b", StatusCode::BAD_REQUEST),
        ] {
            // As lambda_http parses it.
            let request = http::Request::get("/people/ana").body(Body::empty()).expect("a request");
            let answer = router.clone().oneshot(request.with_raw_http_path(raw)).await.expect("an answer");
            assert_eq!(answer.status(), status, "{raw}");
        }
    }
}

//! `Idempotency-Key`: around every POST of a caller, in one place.

use super::answer::connection_of;
use super::caller::{Caller, RequestId};
use super::{body, openapi};
use crate::action::{self, Call};
use crate::app::App;
use crate::audit::By;
use crate::idempotency::{Answer, Attempt, Begun, begin, place};
use crate::problem::{Kind, Problem};
use crate::store::Key;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::{Value, json};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The route of agents: its messages have an id of their own, and say in the body whether something was done.
const AGENTS: &str = "/v1/mcp";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The headers that belong to what an answer says.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// Where an answer's credentials are: JSON pointers into its body, as in `/output/activation_token`. They are told once:
/// a repeated request gets null in their place, and `"shown_once": true` beside it. A handler gives it with its answer as
/// an `axum::Extension`.
#[derive(Clone, Debug)]
pub struct OneTime(pub &'static [&'static str]);

/// A router whose POST requests may be repeated under a key.
pub(super) fn repeatable(app: &App, router: Router) -> Router {
    router.route_layer(from_fn_with_state(app.clone(), repeated))
}

async fn repeated(State(app): State<App>, request: Request, next: Next) -> Result<Response, Problem> {
    // A request of nobody is refused further in, and nothing of it is kept.
    let caller = request.extensions().get::<Caller>().cloned();
    let Some(caller) = caller.filter(|_| request.method() == Method::POST && request.headers().contains_key(KEY))
    else {
        return Ok(next.run(request).await);
    };
    let scope = scope(&caller, request.uri(), &key(request.headers())?);
    let (uri, id) = (request.uri().clone(), request.extensions().get::<RequestId>().cloned());
    let (mut request, bytes) = read(request).await?;
    let is_agents = uri.path() == AGENTS;
    match begin(&app, &scope, &comparable(&bytes, is_agents)).await? {
        Begun::Answered(answer) if is_agents => {
            allow_agent(&app, &caller, request, &bytes, &answer).await?;
            Ok(replay(asked_by(answer, &bytes), id))
        }
        Begun::Answered(answer) => {
            allow(&app, &caller, request, &bytes).await?;
            Ok(replay(answer, id))
        }
        Begun::Run(attempt) => {
            request.extensions_mut().insert(attempt.clone());
            Ok(keep(&attempt, &uri, next.run(request).await).await)
        }
    }
}

/// The key: at most 255 visible characters of ASCII.
fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut given = headers.get_all(KEY).iter();
    let text = given.next().and_then(|key| key.to_str().ok()).filter(|_| given.next().is_none());
    let visible = |text: &&str| (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    let wrong = || Problem::new(Kind::BadRequest, "Idempotency-Key must be 1 to 255 visible ASCII characters, once.");
    text.filter(visible).map(str::to_owned).ok_or_else(wrong)
}

/// Who sends what where. API Gateway hands on the query's parameters in any order.
fn scope(caller: &Caller, uri: &Uri, key: &str) -> Key {
    let mut query: Vec<_> = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect();
    query.sort();
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let connection = connection_of(uri.path());
    place(connection.as_ref(), &[&caller.principal, Method::POST.as_str(), uri.path(), &query, key])
}

/// Refuses an earlier answer to a caller who has lost the right to it: an admin may have taken rights or permissions since, or
/// deleted the connection.
async fn allow(app: &App, caller: &Caller, request: Request, body: &[u8]) -> Result<(), Problem> {
    let (mut parts, _) = request.into_parts();
    let path = parts.extensions.get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    if openapi::is_for_admins(&path) {
        caller.require_admin()?;
    }
    let given = parts.uri.path().split('/').collect::<Vec<_>>();
    let ["", "v1", "connections", id, rest @ ..] = given.as_slice() else { return Ok(()) };
    let stored = caller.find(app, id).await?;
    if let ["actions", name] = rest
        && let Some(action) = action::find(name)
    {
        let by = By::from_request_parts(&mut parts, app).await?;
        let input: Value = serde_json::from_slice(body).unwrap_or_else(|_| json!({}));
        let call = Call { app, by: &by, connection: &stored.connection, action, input: &input, attempt: None };
        action::allow(&call).await?;
    }
    Ok(())
}

/// The same of what an agent's action answered: it names the connection and the action.
async fn allow_agent(
    app: &App,
    caller: &Caller,
    request: Request,
    body: &[u8],
    answer: &Answer,
) -> Result<(), Problem> {
    let (mut parts, _) = request.into_parts();
    let told: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let done = &told["result"]["structuredContent"];
    let stored = caller.find(app, done["connection"]["id"].as_str().unwrap_or_default()).await?;
    let action = done["action"].as_str().and_then(action::find).ok_or_else(Problem::not_found)?;
    let by = By::from_request_parts(&mut parts, app).await?;
    let mut asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut input = asked["params"]["arguments"].take();
    if let Some(arguments) = input.as_object_mut() {
        arguments.retain(|name, _| !matches!(name.as_str(), "connection" | "confirm"));
    }
    let call = Call { app, by: &by, connection: &stored.connection, action, input: &input, attempt: None };
    action::allow(&call).await
}

/// An answer under the id of the message that asks now.
fn asked_by(answer: Answer, message: &[u8]) -> Answer {
    let asked: Value = serde_json::from_slice(message).unwrap_or_default();
    let mut told: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    told["id"] = asked["id"].clone();
    Answer { body: told.to_string(), ..answer }
}

/// The body, and the request with it.
async fn read(request: Request) -> Result<(Request, Bytes), Problem> {
    let (parts, body) = request.into_parts();
    let bytes = body::bytes(Request::from_parts(parts.clone(), body)).await?;
    Ok((Request::from_parts(parts, Body::from(bytes.clone())), bytes))
}

/// Two bodies are the same if their JSON is: a client that repeats a request may write its members in another order. An
/// agent's client numbers its messages anew, and says anew who it is.
fn comparable(body: &[u8], is_agents: bool) -> Vec<u8> {
    let Ok(mut json) = serde_json::from_slice::<Value>(body) else { return body.to_vec() };
    if is_agents && let Some(message) = json.as_object_mut() {
        message.remove("id");
        if let Some(params) = message.get_mut("params").and_then(Value::as_object_mut) {
            params.remove("_meta");
        }
    }
    json.to_string().into_bytes()
}

/// Tells an earlier answer again, under the id of the request that asks now.
fn replay(answer: Answer, id: Option<RequestId>) -> Response {
    let mut body = answer.body;
    let problem = answer.headers.iter().any(|(_, value)| value == "application/problem+json");
    if let (true, Some(RequestId(id)), Ok(mut json)) = (problem, id, serde_json::from_str::<Value>(&body)) {
        json["instance"] = id.into();
        body = json.to_string();
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// Keeps an answer that may be told again, and lets go of the request otherwise. The answer is right whatever becomes of
/// what is kept, so a failure is only logged.
async fn keep(attempt: &Attempt, uri: &Uri, response: Response) -> Response {
    let (response, body) = match whole(response).await {
        Ok(whole) => whole,
        Err(problem) => return problem.into_response(),
    };
    let kept = match stored(uri, &response, &body) {
        Some(answer) => attempt.answer(&answer).await,
        None => attempt.forget().await,
    };
    if let Err(error) = kept {
        tracing::error!(path = uri.path(), "the answer to a request with a key was not kept: {error}");
    }
    response
}

/// An answer with its body read. A problem's body is written further out; this is what it will say.
async fn whole(response: Response) -> Result<(Response, String), Problem> {
    if let Some(problem) = response.extensions().get::<Problem>() {
        let body = problem.to_json(None).to_string();
        return Ok((response, body));
    }
    let (parts, body) = response.into_parts();
    let unreadable = |_| Problem::new(Kind::Internal, "The answer could not be read.");
    let bytes = to_bytes(body, usize::MAX).await.map_err(unreadable)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok((Response::from_parts(parts, Body::from(bytes)), text))
}

/// What is kept of an answer; nothing of one that could be another the next time.
fn stored(uri: &Uri, response: &Response, body: &str) -> Option<Answer> {
    let dry = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .any(|(name, value)| name == "dry_run" && value == "true");
    let status = response.status();
    let passing = response.extensions().get::<Problem>().is_some_and(|problem| {
        matches!(problem.kind, Kind::RequestInProgress | Kind::SyncRunning | Kind::VerificationFailed | Kind::OktaBusy)
    });
    let lasting = status.is_success() || matches!(status, StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY);
    let mut json: Option<Value> = serde_json::from_str(body).ok();
    let output = if uri.path() == AGENTS { "/result/structuredContent/output" } else { "/output" };
    let output = json.as_ref().and_then(|json| json.pointer(output));
    let halfway = output.is_some_and(|output| output["complete"] == false);
    // Of what agents are told, only what an action has done would be the same again.
    let is_other = uri.path() == AGENTS && output.is_none();
    if dry || passing || !lasting || halfway || is_other {
        return None;
    }
    let body = match (response.extensions().get::<OneTime>(), &mut json) {
        (None, _) => body.to_owned(),
        (Some(OneTime(pointers)), Some(json)) => {
            pointers.iter().for_each(|pointer| hide(json, pointer));
            json.to_string()
        }
        // Credentials that cannot be found cannot be left out either.
        (Some(_), None) => return None,
    };
    let text = |name: &HeaderName| Some((name.to_string(), response.headers().get(name)?.to_str().ok()?.to_owned()));
    Some(Answer { status: status.as_u16(), headers: KEPT.iter().filter_map(text).collect(), body })
}

/// Leaves a credential out of a body.
fn hide(body: &mut Value, pointer: &str) {
    let Some((holder, name)) = pointer.rsplit_once('/') else { return };
    let Some(holder) = body.pointer_mut(holder).and_then(Value::as_object_mut) else { return };
    if let Some(credential) = holder.get_mut(name).filter(|it| !it.is_null()) {
        *credential = Value::Null;
        holder.insert("shown_once".to_owned(), true.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Extension, Json};
    use serde_json::json;

    /// What is kept of an answer to `POST /v1/x` with this query.
    async fn kept(query: &str, response: impl IntoResponse) -> Option<Answer> {
        let uri = format!("/v1/x?{query}").parse().expect("a path");
        let (response, body) = whole(response.into_response()).await.expect("a body");
        stored(&uri, &response, &body)
    }

    #[tokio::test]
    async fn only_answers_that_would_be_the_same_again_are_kept() {
        let output = |complete: bool| Json(json!({"action": "user.offboard", "output": {"complete": complete}}));
        assert!(kept("", (StatusCode::CREATED, Json(json!({"id": 1})))).await.is_some());
        assert!(kept("", StatusCode::NO_CONTENT).await.is_some());
        assert!(kept("", output(true)).await.is_some());
        assert!(kept("", output(false)).await.is_none());
        assert!(kept("dry_run=true", output(true)).await.is_none());
        assert!(kept("dry_run=false", output(true)).await.is_some());
        for (kind, is_kept) in [
            (Kind::WrongState, true),
            (Kind::ConnectionNotReady, true),
            (Kind::ConnectionPaused, true),
            (Kind::InvalidBody, true),
            (Kind::DifferentOrg, true),
            (Kind::RequestInProgress, false),
            (Kind::OktaBusy, false),
            (Kind::SyncRunning, false),
            (Kind::VerificationFailed, false),
            (Kind::BadRequest, false),
            (Kind::Unauthenticated, false),
            (Kind::Forbidden, false),
            (Kind::NotFound, false),
            (Kind::StaleVersion, false),
            (Kind::UnsupportedMediaType, false),
            (Kind::OktaRateLimited, false),
            (Kind::Internal, false),
            (Kind::OktaUnavailable, false),
            (Kind::OktaTimeout, false),
        ] {
            assert_eq!(kept("", Problem::new(kind, "x")).await.is_some(), is_kept, "{kind:?}");
        }
    }

    #[tokio::test]
    async fn credentials_are_left_out_of_what_is_kept() {
        let body = json!({"output": {"user": {"id": "00u1"}, "activation_token": "canary", "activation_url": null}});
        let pointers = OneTime(&["/output/activation_token", "/output/activation_url", "/output/no/such"]);
        let answer = kept("", (Extension(pointers.clone()), Json(body))).await.expect("it is kept");
        let wanted = json!({
            "output": {"user": {"id": "00u1"}, "activation_token": null, "activation_url": null, "shown_once": true},
        });
        assert_eq!(serde_json::from_str::<Value>(&answer.body).expect("JSON"), wanted);
        let told = (Extension(OneTime(&["/authorize_url"])), Json(json!({"authorize_url": "canary", "expires_at": 1})));
        let answer = kept("", told).await.expect("it is kept");
        assert_eq!(answer.body, json!({"authorize_url": null, "expires_at": 1, "shown_once": true}).to_string());
        assert!(kept("", (Extension(pointers), "canary")).await.is_none());
    }

    #[test]
    fn bodies_with_the_same_json_are_the_same() {
        assert_eq!(comparable(br#"{"b": 1, "a": [2]}"#, false), comparable(br#"{"a":[2],"b":1}"#, false));
        assert_ne!(comparable(br#"{"a":[2]}"#, false), comparable(br#"{"a":[3]}"#, false));
        assert_eq!(comparable(b"no JSON", false), b"no JSON");
        let message =
            |id: u8| format!(r#"{{"id":{id},"method":"tools/call","params":{{"_meta":{{"n":{id}}},"name":"x"}}}}"#);
        assert_eq!(comparable(message(1).as_bytes(), true), comparable(message(2).as_bytes(), true));
        assert_ne!(comparable(message(1).as_bytes(), false), comparable(message(2).as_bytes(), false));
    }
}

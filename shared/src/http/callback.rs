//! Where Okta sends a user's browser back to: the one route of `connect` that strangers may reach. The state in it is
//! what lets them in.

use super::audit::Change;
use super::caller::{RequestId, SourceIp};
use super::html::{self, escaped};
use crate::app::App;
use crate::audit::{Actor, By};
use crate::connect::{self, Outcome, Return};
use crate::connection::Status;
use crate::problem::{Kind, Problem};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Response};
use http::{Extensions, HeaderValue, StatusCode, Uri, header};
use schemars::JsonSchema;
use serde::Serialize;

/// What became of a sign-in.
#[derive(Serialize, JsonSchema)]
pub(super) struct SignedIn {
    /// The connection's status as it now is.
    status: Status,
    /// What happened, for people.
    message: &'static str,
}

/// Finishes a sign-in. A person gets a page, a program that accepts JSON gets JSON.
pub(super) async fn callback(State(app): State<App>, request: Request) -> Response {
    let (headers, uri) = (request.headers(), request.uri());
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let json = accepts.contains("application/json") && !accepts.contains("text/html");
    let outcome = match read(uri) {
        Ok(back) => finish(&app, back, request.extensions()).await,
        Err(problem) => Err(problem),
    };
    let mut response = match outcome {
        Ok(outcome) => tell(&outcome, json),
        Err(problem) if json => problem.into_response(),
        Err(problem) => {
            let (_, status, title) = problem.kind.row();
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, page(title, &problem.detail)).into_response()
        }
    };
    html::guard(&mut response, None);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// The change is that of whoever invited the user.
async fn finish(app: &App, back: Return, request: &Extensions) -> Result<Outcome, Problem> {
    let guest = connect::recognize(app, &back).await?;
    let source_ip = request.get::<SourceIp>().map(|SourceIp(address)| address.clone());
    let request_id = request.get::<RequestId>().map(|RequestId(id)| id.clone()).unwrap_or_default();
    let by = By { actor: Actor { subject: guest.invited_by.clone(), source_ip, client: None }, request_id };
    let connection = &guest.stored.connection;
    let change = Change::new(app, &by, "connection.sign_in").of(&connection.id, &connection.settings.name);
    change.make(connect::finish(app, guest, back)).await
}

/// What the browser brought. Okta may add parameters of its own; none of ours may come twice.
fn read(uri: &Uri) -> Result<Return, Problem> {
    let mut back = Return::default();
    let mut seen = Vec::new();
    for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned() {
        match name.as_str() {
            "state" => back.state = value,
            "code" => back.code = Some(value.into()),
            "error" => back.error = Some(value),
            "error_description" => back.error_description = Some(value),
            _ => continue,
        }
        if seen.contains(&name) {
            return Err(Problem::new(Kind::BadRequest, format!("The query parameter '{name}' is given twice.")));
        }
        seen.push(name);
    }
    Ok(back)
}

fn tell(outcome: &Outcome, json: bool) -> Response {
    let Outcome { stored, message, .. } = outcome;
    let connection = &stored.connection;
    if json {
        return Json(SignedIn { status: connection.status, message }).into_response();
    }
    let next = match (connection.status, &connection.status_reason) {
        (Status::Active, _) => "You can close this window.",
        (_, Some(reason)) => reason,
        (_, None) => "Test the connection to see what is missing.",
    };
    page(message, next).into_response()
}

fn page(title: &str, text: &str) -> Html<String> {
    let (title, text) = (escaped(title), escaped(text));
    Html(format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\
         <body><h1>{title}</h1><p>{text}</p></body></html>\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_sends_is_text_in_the_page() {
        let Html(page) = page("<script>", "a & \"b\" 'c' </p>");
        assert!(page.contains("<h1>&lt;script&gt;</h1><p>a &amp; &quot;b&quot; &#39;c&#39; &lt;/p&gt;</p>"));
    }

    #[test]
    fn a_parameter_that_comes_twice_is_refused_and_others_are_ignored() {
        let read = |query: &str| read(&format!("/v1/oauth/callback?{query}").parse().expect("a URI"));
        let back = read("state=s%26&iss=x&iss=y&error=e").expect("parameters");
        assert_eq!((back.state.as_str(), back.error.as_deref(), back.code.is_none()), ("s&", Some("e"), true));
        assert!(read("state=a&state=b").is_err() && read("code=a&code=").is_err());
    }
}

//! The authorize endpoint: the tenant's owner signs in at once, and is sent back with a code.

use url::Url;

use super::Gate;
use super::sign_ins::{Code, SignIn};
use crate::answer::{Answer, Body, status_code};
use crate::faults::Effects;
use crate::tenant::Tenant;
use crate::tenant::user::Status;

/// Scopes every app may ask for.
const OPENID: &[&str] = &["openid", "profile", "email", "phone", "address", "groups", "offline_access"];

/// A request to the authorize endpoint: its query.
#[derive(Debug)]
pub struct Authorize {
    /// The parameters, decoded.
    pub query: Vec<(String, String)>,
}

/// Why a request is refused, once it is known where to: the name of the error, and the sentence.
type Fault = (&'static str, &'static str);

impl Authorize {
    /// A parameter; an empty one counts as absent.
    pub fn field(&self, name: &str) -> Option<&str> {
        let pair = self.query.iter().find(|pair| pair.0 == name);
        pair.map(|pair| pair.1.as_str()).filter(|value| !value.is_empty())
    }

    fn check(&self) -> Result<(), Fault> {
        let method = self.field("code_challenge_method");
        let faults = [
            (self.field("state").is_none(), "invalid_request", "The authentication request has an invalid 'state'."),
            (self.field("response_type").is_none(), "invalid_request", "The response_type parameter is missing."),
            (
                self.field("response_type").is_some_and(|kind| kind != "code"),
                "unsupported_response_type",
                "The response type is not supported by the authorization server.",
            ),
            (
                self.field("response_mode").is_some_and(|mode| mode != "query"),
                "invalid_request",
                "The response mode is not supported for the requested response type.",
            ),
            (
                self.field("code_challenge").is_some() != method.is_some() || method.is_some_and(|name| name != "S256"),
                "invalid_request",
                "The PKCE code challenge must come with the method 'S256'.",
            ),
        ];
        faults.iter().find(|fault| fault.0).map_or(Ok(()), |fault| Err((fault.1, fault.2)))
    }

    fn scopes(&self, tenant: &Tenant, effects: &Effects) -> Result<Vec<String>, Fault> {
        let asked = || self.field("scope").unwrap_or_default().split_ascii_whitespace();
        let is_granted =
            |scope: &&str| OPENID.contains(scope) || tenant.service.scopes.iter().any(|granted| granted == scope);
        let granted: Vec<String> = asked().filter(is_granted).map(str::to_owned).collect();
        if granted.is_empty() || (granted.len() < asked().count() && !effects.drop_ungranted) {
            return Err((
                "invalid_scope",
                "One or more scopes are not configured for the authorization server resource.",
            ));
        }
        Ok(granted)
    }
}

/// Answers a request: a redirect with a code or an error, or a page if it is not known where to redirect.
pub fn authorize(gate: &mut Gate, tenant: &mut Tenant, request: &Authorize, effects: &Effects) -> Answer {
    if request.field("client_id") != Some(&tenant.service.credentials.web_client_id) {
        return page("Invalid value for 'client_id' parameter.");
    }
    let uri = request.field("redirect_uri").filter(|uri| tenant.service.is_registered(uri));
    let Some(mut to) = uri.and_then(|uri| Url::parse(uri).ok()) else {
        return page("The 'redirect_uri' parameter must be a Login redirect URI in the client app settings.");
    };
    match sign_in(tenant, request, effects) {
        Ok(sign_in) => {
            let code = tenant.random.text(43);
            to.query_pairs_mut().append_pair("code", &code);
            let redirect_uri = uri.unwrap_or_default().to_owned();
            let challenge = request.field("code_challenge").map(str::to_owned);
            gate.sign_ins.keep(code, Code { sign_in, redirect_uri, challenge });
        }
        Err((error, description)) => {
            to.query_pairs_mut().append_pair("error", error).append_pair("error_description", description);
        }
    }
    if let Some(state) = request.field("state") {
        to.query_pairs_mut().append_pair("state", state);
    }
    Answer::empty(status_code(302)).header("location", to.into())
}

/// The owner's sign-in.
fn sign_in(tenant: &Tenant, request: &Authorize, effects: &Effects) -> Result<SignIn, Fault> {
    request.check()?;
    let scopes = request.scopes(tenant, effects)?;
    let owner = tenant.users.get(&tenant.org.owner).filter(|owner| owner.status == Status::Active);
    let user = owner.ok_or(("access_denied", "User is not assigned to the client application."))?.id;
    let nonce = request.field("nonce").map(str::to_owned);
    Ok(SignIn { user, scopes, at: tenant.clock.now().as_second(), nonce, ended: false })
}

fn page(reason: &str) -> Answer {
    let page = format!("<html><head><title>400 Bad Request</title></head><body>{reason}</body></html>\n");
    Answer { status: status_code(400), headers: Vec::new(), body: Body::Html(page) }
}

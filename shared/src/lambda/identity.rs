//! Who calls, as API Gateway found out: a role (IAM) or the claims of a token (JWT). Whoever it did not name is nobody.

use crate::connection::is_team;
use crate::http::{Caller, SourceIp};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, header};
use lambda_http::request::RequestContext;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Once};

/// Which roles and claims mean what.
#[derive(Clone, Debug)]
pub struct Identity {
    admin_roles: BTreeSet<String>,
    team_roles: Vec<(String, String)>,
    teams_claim: String,
    admin_scope: String,
}

impl Identity {
    /// Role ARNs and `team=arn` pairs are separated by commas.
    pub fn new(admin_roles: &str, team_roles: &str, teams_claim: &str, admin_scope: &str) -> Self {
        let list =
            |text: &str| text.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect::<Vec<_>>();
        let named = |text: &str, usual: &str| if text.is_empty() { usual.to_owned() } else { text.to_owned() };
        let pairs = list(team_roles).into_iter().filter_map(|pair| {
            let (team, role) = pair.split_once('=')?;
            is_team(team).then(|| (team.to_owned(), role_of(role)))
        });
        Self {
            admin_roles: list(admin_roles).iter().map(|role| role_of(role)).collect(),
            team_roles: pairs.collect(),
            teams_claim: named(teams_claim, "teams"),
            admin_scope: named(admin_scope, "okta-connector.admin"),
        }
    }

    /// Puts the caller, and the address that it calls from, into each request.
    pub fn layer(self, router: Router) -> Router {
        let identity = Arc::new(self);
        let foreign = Arc::new(Once::new());
        router.layer(from_fn(move |mut request: Request, next: Next| {
            let identity = Arc::clone(&identity);
            let foreign = Arc::clone(&foreign);
            async move {
                if let Some(account) = request.extensions().get::<RequestContext>().and_then(account) {
                    foreign.call_once(|| identity.warn_of_foreign_roles(account));
                }
                request.extensions_mut().remove::<Caller>();
                let context = request.extensions().get::<RequestContext>();
                let caller = context.and_then(|it| identity.caller(it, request.headers()));
                let address = context.and_then(source_ip);
                if let Some(caller) = caller {
                    request.extensions_mut().insert(caller);
                }
                if let Some(address) = address {
                    request.extensions_mut().insert(address);
                }
                next.run(request).await
            }
        }))
    }

    /// API Gateway refuses the roles of other accounts, so that no caller can have these.
    fn warn_of_foreign_roles(&self, account: &str) {
        for role in self.foreign_roles(account) {
            tracing::warn!(
                "no caller can have the {role}: this API is in account {account}, and lets in roles of that alone"
            );
        }
    }

    fn foreign_roles(&self, account: &str) -> Vec<&String> {
        let roles = self.admin_roles.iter().chain(self.team_roles.iter().map(|(_, role)| role));
        roles.filter(|role| role.split(' ').next() != Some(account)).collect()
    }

    fn caller(&self, context: &RequestContext, headers: &HeaderMap) -> Option<Caller> {
        let RequestContext::ApiGatewayV2(context) = context else { return None };
        let authorizer = context.authorizer.as_ref()?;
        if let Some(jwt) = &authorizer.jwt {
            return self.of_token(&jwt.claims, headers);
        }
        self.of_arn(authorizer.iam.as_ref()?.user_arn.as_deref()?)
    }

    /// API Gateway has verified the token. It hands its claims on as text, an array as `[a b]`, in which a group with a blank
    /// in its name looks like two; so this reads the claims from the token itself. Without it, the caller is in no team.
    fn of_token(&self, verified: &HashMap<String, String>, headers: &HeaderMap) -> Option<Caller> {
        let Some(claims) = payload(headers) else {
            let flat = ["sub", "scope", "scp"].into_iter().filter_map(|name| {
                let text = verified.get(name)?.trim_start_matches('[').trim_end_matches(']');
                Some((name.to_owned(), text.into()))
            });
            return Caller::of_claims(&flat.collect(), "", &self.admin_scope);
        };
        let caller = Caller::of_claims(&claims, &self.teams_claim, &self.admin_scope)?;
        (verified.get("sub") == Some(&caller.subject)).then_some(caller)
    }

    fn of_arn(&self, arn: &str) -> Option<Caller> {
        if arn.is_empty() {
            return None;
        }
        let role = role_of(arn);
        let teams = self.team_roles.iter().filter(|(_, it)| *it == role).map(|(team, _)| team.clone()).collect();
        let admin = self.admin_roles.contains(&role);
        Some(Caller { principal: role, ..Caller::named(arn, teams, admin) })
    }
}

/// The claims of a bearer token, unverified.
fn payload(headers: &HeaderMap) -> Option<Map<String, Value>> {
    let token = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let payload = token.rsplit(' ').next()?.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn account(context: &RequestContext) -> Option<&str> {
    let RequestContext::ApiGatewayV2(context) = context else { return None };
    context.account_id.as_deref()
}

fn source_ip(context: &RequestContext) -> Option<SourceIp> {
    let RequestContext::ApiGatewayV2(context) = context else { return None };
    context.http.source_ip.clone().map(SourceIp)
}

/// A role as an assumed session names it: `ACCOUNT role NAME`. A role's path is not part of a session's ARN.
fn role_of(arn: &str) -> String {
    let mut parts = arn.splitn(6, ':');
    let (service, account, resource) = (parts.nth(2), parts.nth(1), parts.next());
    let (Some(service), Some(account), Some(resource)) = (service, account, resource) else { return arn.to_owned() };
    let name = match (service, resource.split_once('/')) {
        ("sts", Some(("assumed-role", rest))) => rest.split('/').next(),
        ("iam", Some(("role", rest))) => rest.rsplit('/').next(),
        _ => None,
    };
    name.map_or_else(|| arn.to_owned(), |name| format!("{account} role {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_session_of_a_role_is_known_by_the_roles_arn() {
        let identity = Identity::new(
            "arn:aws:iam::123456789012:role/path/Admins, arn:aws:iam::123456789012:role/Ops",
            "it-support=arn:aws:iam::123456789012:role/Support,bad team=arn:aws:iam::1:role/X",
            "",
            "",
        );
        for (arn, admin, teams) in [
            ("arn:aws:sts::123456789012:assumed-role/Admins/ana", true, vec![]),
            ("arn:aws:sts::123456789012:assumed-role/Support/bo", false, vec!["it-support"]),
            ("arn:aws:sts::999999999999:assumed-role/Admins/eve", false, vec![]),
            ("arn:aws:iam::123456789012:user/Admins", false, vec![]),
            ("arn:aws:sts::1:assumed-role/X/eve", false, vec![]),
        ] {
            let caller = identity.of_arn(arn).expect("a caller");
            assert_eq!(
                (caller.admin, caller.teams.iter().map(String::as_str).collect::<Vec<_>>()),
                (admin, teams),
                "{arn}"
            );
        }
        assert_eq!(identity.of_arn(""), None);
    }

    #[test]
    fn teams_are_those_of_the_token_itself_and_a_name_with_a_blank_is_no_two() {
        let identity = Identity::new("", "", "groups", "admin.scope");
        let caller = |claims: Value, verified: &str| {
            let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
            let token = format!("Bearer e30.{payload}.c2ln").parse().expect("a header");
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, token)]);
            identity.of_token(&HashMap::from([("sub".to_owned(), verified.to_owned())]), &headers)
        };
        for (claims, admin, teams) in [
            (
                json!({"sub": "ana", "groups": ["it-support", "hr", "no/slash"], "scope": "openid admin.scope"}),
                true,
                vec!["hr", "it-support"],
            ),
            (
                json!({"sub": "ana", "groups": ["Finance Interns", "a,b", "\"hr\""], "scp": ["admin.scope"]}),
                true,
                vec![],
            ),
            (json!({"sub": "ana", "groups": "hr"}), false, vec!["hr"]),
            (json!({"sub": "ana", "groups": "hr red", "scope": "admin.scopes"}), false, vec!["hr", "red"]),
            (json!({"sub": "ana", "groups": 7}), false, vec![]),
        ] {
            let caller = caller(claims.clone(), "ana").expect("a caller");
            assert_eq!(caller.admin, admin, "{claims}");
            assert_eq!(caller.teams.iter().collect::<Vec<_>>(), teams, "{claims}");
        }
        for (claims, verified) in [(json!({"sub": "eve"}), "ana"), (json!({"groups": ["hr"]}), "")] {
            assert_eq!(caller(claims.clone(), verified), None, "{claims}");
        }
        assert_eq!(identity.of_token(&HashMap::new(), &HeaderMap::new()), None);
        let flat = [("sub", "ana"), ("groups", "[hr]"), ("scp", "[openid admin.scope]")];
        let flat = flat.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let caller = identity.of_token(&flat.into(), &HeaderMap::new()).expect("a caller");
        assert_eq!((caller.admin, caller.teams.len()), (true, 0), "without the token itself");
    }

    #[test]
    fn a_role_of_another_account_is_found() {
        let admins = "arn:aws:iam::123456789012:role/Admins,arn:aws:iam::999999999999:role/Other";
        let identity = Identity::new(admins, "hr=arn:aws:iam::999999999999:role/Hr", "", "");
        assert_eq!(identity.foreign_roles("123456789012"), ["999999999999 role Other", "999999999999 role Hr"]);
    }

    #[test]
    fn each_session_of_a_role_is_the_same_principal() {
        let identity = Identity::new("", "", "", "");
        let principal = |arn: &str| identity.of_arn(arn).expect("a caller").principal;
        let session = |name: &str| principal(&format!("arn:aws:sts::123456789012:assumed-role/Ops/{name}"));
        assert_eq!(session("botocore-session-1"), session("botocore-session-2"));
        assert_ne!(session("x"), principal("arn:aws:sts::123456789012:assumed-role/Dev/x"));
        assert_ne!(session("x"), principal("arn:aws:sts::999999999999:assumed-role/Ops/x"));
    }

    #[tokio::test]
    async fn a_request_carries_the_address_that_api_gateway_saw() {
        use axum::Extension;
        use axum::body::{Body, to_bytes};
        use axum::routing::get;
        use tower::ServiceExt;
        let mut context = lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext::default();
        context.http.source_ip = Some("203.0.113.7".to_owned());
        let told = |Extension(SourceIp(address)): Extension<SourceIp>| async { address };
        let router = Identity::new("", "", "", "").layer(Router::new().route("/", get(told)));
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(RequestContext::ApiGatewayV2(context));
        let answer = router.oneshot(request).await.unwrap_or_else(|never| match never {});
        let body = to_bytes(answer.into_body(), 100).await.expect("a body");
        assert_eq!(body, "203.0.113.7");
    }
}

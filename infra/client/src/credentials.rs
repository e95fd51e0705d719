//! How a caller is known: not at all on one machine, by a token, or by a signature with AWS credentials.

use crate::Error;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::{HeaderValue, Request, header};
use secrecy::{ExposeSecret, SecretString};
use std::time::SystemTime;

/// How a caller is known.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// Not at all: a service on this machine takes whoever sits there for an admin.
    None,
    /// By a token of an issuer.
    Bearer(SecretString),
    /// By AWS credentials (`SigV4`), for API Gateway with IAM.
    Iam {
        /// Where they come from.
        credentials: SharedCredentialsProvider,
        /// The region of the API.
        region: String,
    },
}

impl Credentials {
    /// AWS credentials as every tool of AWS finds them: environment, profiles, single sign-on, roles.
    pub async fn iam(profile: Option<&str>, region: &str) -> Result<Self, Error> {
        let mut config = aws_config::defaults(aws_config::BehaviorVersion::latest());
        if let Some(profile) = profile {
            config = config.profile_name(profile);
        }
        let config = config.load().await;
        let credentials =
            config.credentials_provider().ok_or_else(|| Error::Credentials("there are none".to_owned()))?;
        Ok(Self::Iam { credentials, region: region.to_owned() })
    }

    pub(crate) async fn sign(&self, request: &mut Request<String>) -> Result<(), Error> {
        match self {
            Self::None => Ok(()),
            Self::Bearer(token) => bear(token, request),
            Self::Iam { credentials, region } => {
                let found = credentials.provide_credentials().await;
                let identity = found.map_err(|error| Error::Credentials(error.to_string()))?;
                sign_v4(&identity, region, now(), request)
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the token is shown to the deployment that it is for")]
fn bear(token: &SecretString, request: &mut Request<String>) -> Result<(), Error> {
    let bearer = format!("Bearer {}", token.expose_secret());
    let mut value = HeaderValue::from_str(&bearer).map_err(|_| Error::Credentials("it is no token".to_owned()))?;
    value.set_sensitive(true);
    request.headers_mut().insert(header::AUTHORIZATION, value);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a signature says when it was made")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn sign_v4(
    identity: &aws_credential_types::Credentials,
    region: &str,
    now: SystemTime,
    request: &mut Request<String>,
) -> Result<(), Error> {
    let wrong = |error: &dyn std::fmt::Display| Error::Credentials(format!("the request could not be signed: {error}"));
    let identity = identity.clone().into();
    let parameters = v4::SigningParams::builder().identity(&identity).region(region).name("execute-api").time(now);
    let parameters = parameters.settings(SigningSettings::default()).build().map_err(|error| wrong(&error))?.into();
    let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let (method, uri) = (request.method().as_str(), request.uri().to_string());
    let signable = SignableRequest::new(method, uri, headers, SignableBody::Bytes(request.body().as_bytes()));
    let signed = sign(signable.map_err(|error| wrong(&error))?, &parameters).map_err(|error| wrong(&error))?;
    let (instructions, _) = signed.into_parts();
    instructions.apply_to_request_http1x(request);
    Ok(())
}

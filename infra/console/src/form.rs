//! What a form says: names and values, in their order.

use axum::body::Bytes;
use axum::extract::FromRequest;
use std::convert::Infallible;

/// A form's fields.
#[derive(Default)]
pub struct Form(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Infallible;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Self, Infallible> {
        let bytes = Bytes::from_request(request, state).await.unwrap_or_default();
        Ok(Self(url::form_urlencoded::parse(&bytes).into_owned().collect()))
    }
}

impl Form {
    /// A field that was filled in.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(field, value)| field == name && !value.trim().is_empty())?;
        Some(value.trim())
    }

    /// What was written into a field, one item a line or between commas.
    pub fn list(&self, name: &str) -> Vec<String> {
        let text = self.get(name).unwrap_or_default();
        text.split([',', '\n', '\r']).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }
}

//! The access token of a sign-in as it lies in the table, for all processes: sealed with a key that follows from the web
//! app's secret, which lies in the secret store alone.

use crate::okta::{ProofKey, Token};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a key is derived for.
const LABEL: &[u8] = b"okta-connector access token";

/// The key of one sign-in.
pub struct Seal {
    key: [u8; 32],
    sign_in: String,
}

/// A token as text, for as long as it is sealed or opened.
#[derive(Serialize, Deserialize)]
struct Document {
    access_token: String,
    /// PKCS #8, in base64.
    proof_key: Option<String>,
    scopes: BTreeSet<String>,
    renew_at: Timestamp,
}

impl Seal {
    /// Of a sign-in to a web app. What one seals no other opens.
    #[expect(clippy::disallowed_methods, reason = "a key is derived from the secret of the web app")]
    pub fn of(client_secret: &SecretString, sign_in: &str) -> Option<Self> {
        let derived = Salt::new(HKDF_SHA256, sign_in.as_bytes()).extract(client_secret.expose_secret().as_bytes());
        let mut key = [0; 32];
        derived.expand(&[LABEL], HKDF_SHA256).ok()?.fill(&mut key).ok()?;
        Some(Self { key, sign_in: sign_in.to_owned() })
    }

    /// For the table.
    #[expect(clippy::disallowed_methods, reason = "a token is sealed")]
    pub fn close(&self, token: &Token) -> Option<Vec<u8>> {
        let document = Document {
            access_token: token.access_token.expose_secret().to_owned(),
            proof_key: token.bound_to.as_ref().map(|key| STANDARD.encode(key.pkcs8().expose_secret())),
            scopes: token.scopes.clone(),
            renew_at: token.renew_at,
        };
        let mut sealed = serde_json::to_vec(&document).ok()?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.key).ok()?;
        let nonce = key.seal_in_place_append_tag(Aad::from(self.sign_in.as_bytes()), &mut sealed).ok()?;
        sealed.extend_from_slice(nonce.as_ref());
        Some(sealed)
    }

    /// From the table; none where it was sealed for another sign-in, or is not what this version writes.
    pub fn open(&self, sealed: &[u8]) -> Option<Token> {
        let (sealed, nonce) = sealed.split_at_checked(sealed.len().checked_sub(NONCE_LEN)?)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.key).ok()?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = sealed.to_vec();
        let opened = key.open_in_place(nonce, Aad::from(self.sign_in.as_bytes()), &mut bytes).ok()?;
        let document: Document = serde_json::from_slice(opened).ok()?;
        let bound_to = match document.proof_key {
            Some(key) => Some(Arc::new(ProofKey::from_pkcs8(&STANDARD.decode(key).ok()?).ok()?)),
            None => None,
        };
        let Document { access_token, scopes, renew_at, .. } = document;
        Some(Token { access_token: access_token.into(), bound_to, scopes, renew_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test looks for the token")]
    fn a_token_is_opened_by_the_sign_in_that_sealed_it_and_by_no_other() {
        let key = Arc::new(ProofKey::generate().expect("a key"));
        let token = Token {
            access_token: "eyJ.token".to_owned().into(),
            bound_to: Some(key),
            scopes: BTreeSet::from(["okta.users.read".to_owned()]),
            renew_at: Timestamp::UNIX_EPOCH,
        };
        let secret = SecretString::from("secret".to_owned());
        let seal = Seal::of(&secret, "sign-in").expect("a key");
        let sealed = seal.close(&token).expect("bytes");
        assert!(!String::from_utf8_lossy(&sealed).contains("token"));
        let opened = seal.open(&sealed).expect("a token");
        assert_eq!((opened.access_token.expose_secret(), &opened.scopes), ("eyJ.token", &token.scopes));
        let bound_to = |token: &Token| token.bound_to.as_ref().map(|key| key.pkcs8().expose_secret().to_vec());
        assert_eq!(bound_to(&opened), bound_to(&token));
        let other = SecretString::from("other".to_owned());
        for seal in [Seal::of(&secret, "another"), Seal::of(&other, "sign-in")] {
            assert!(seal.expect("a key").open(&sealed).is_none());
        }
        assert!(seal.open(&sealed[1..]).is_none() && seal.open(&[]).is_none());
    }
}

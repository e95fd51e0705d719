//! `DPoP` (RFC 9449): every request carries a fresh proof that we hold the key its token is bound to.
//!
//! Okta burns a proof with every request it sees, a 429 included; so a proof is made for one attempt and never kept.

use super::error::Error;
use aws_lc_rs::digest;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::SecretSlice;
use serde::Serialize;
use url::Url;

/// Stamps lie this far in the past, because Okta refuses one that is even a second ahead of its own clock.
pub const CLOCK_MARGIN_SECONDS: i64 = 15;

/// A key that tokens are bound to; it lives as long as its token, and is stored only with it.
pub struct ProofKey {
    pkcs8: SecretSlice<u8>,
    encoding: EncodingKey,
    public: Jwk,
}

#[derive(Serialize)]
struct Claims<'a> {
    htm: &'a str,
    htu: String,
    iat: i64,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
}

impl ProofKey {
    /// Makes a P-256 key.
    pub fn generate() -> Result<Self, Error> {
        let failed = |_| Error::Key("the system cannot make a key".to_owned());
        let random = aws_lc_rs::rand::SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(failed)?;
        Self::from_pkcs8(pkcs8.as_ref())
    }

    /// One that was stored.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, Error> {
        let encoding = EncodingKey::from_ec_der(pkcs8);
        let mut public =
            Jwk::from_encoding_key(&encoding, Algorithm::ES256).map_err(|error| Error::Key(error.to_string()))?;
        public.common.key_algorithm = None;
        Ok(Self { pkcs8: pkcs8.to_vec().into(), encoding, public })
    }

    /// As it is stored.
    pub fn pkcs8(&self) -> &SecretSlice<u8> {
        &self.pkcs8
    }

    /// A proof for one attempt; `token` is given where the request uses one.
    pub fn prove(
        &self,
        method: &str,
        url: &Url,
        token: Option<&str>,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<String, Error> {
        let mut htu = url.clone();
        htu.set_query(None);
        htu.set_fragment(None);
        let claims = Claims {
            htm: method,
            htu: htu.into(),
            iat: now.as_second() - CLOCK_MARGIN_SECONDS,
            jti: uuid::Uuid::new_v4().to_string(),
            nonce,
            ath: token.map(|token| URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes()))),
        };
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(self.public.clone());
        jsonwebtoken::encode(&header, &claims, &self.encoding).map_err(|error| Error::Key(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_proof_names_the_url_without_its_query_and_is_used_once() {
        let key = ProofKey::generate().expect("a key");
        let url = Url::parse("https://acme.okta.com/api/v1/users?after=x#y").expect("a URL");
        let now = Timestamp::constant(1_700_000_000, 0);
        let part = |proof: &str, n: usize| -> Value {
            let part = proof.split('.').nth(n).expect("a part");
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
        };
        let first = key.prove("GET", &url, Some("token"), None, now).expect("a proof");
        let second = key.prove("GET", &url, Some("token"), Some("nonce"), now).expect("a proof");
        assert_eq!(part(&first, 1)["htu"], "https://acme.okta.com/api/v1/users");
        assert_eq!(part(&first, 1)["ath"], "PEaenWxYddN6Q_NT1PiOYfz4EsZu7jRXRlpAsNpBU-A");
        assert_eq!(part(&second, 1)["nonce"], "nonce");
        assert_ne!(part(&first, 1)["jti"], part(&second, 1)["jti"]);
        let header = part(&first, 0);
        assert_eq!((&header["typ"], &header["alg"]), (&"dpop+jwt".into(), &"ES256".into()));
        let members: Vec<_> = header["jwk"].as_object().expect("a JWK").keys().map(String::as_str).collect();
        assert_eq!(members, ["crv", "kty", "x", "y"]);
    }
}

//! The keys that sign: the connection's own (RSA, `private_key_jwt`), and the one that proves possession (`DPoP`).

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

/// An RSA private key that signs client assertions.
#[derive(Clone)]
pub struct SigningKey {
    encoding: EncodingKey,
}

/// Why a key that somebody pasted cannot be used; the text says what to paste instead.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Unusable(pub(crate) &'static str);

/// A pasted key and the `kid` that came with it.
pub struct Pasted {
    /// The key.
    pub key: SigningKey,
    /// The `kid` of a JWK.
    pub key_id: Option<String>,
}

#[derive(Deserialize)]
struct PrivateJwk {
    kty: String,
    kid: Option<String>,
    n: String,
    e: String,
    d: String,
    p: String,
    q: String,
    dp: String,
    dq: String,
    qi: String,
}

const FORMS: Unusable =
    Unusable("paste an RSA private key as PEM (PKCS#8 or PKCS#1) or as a JWK with its private members");
const TOO_SMALL: Unusable = Unusable("the RSA key is too small; it must have at least 2048 bits");

impl SigningKey {
    /// Makes an RSA-2048 key.
    pub fn generate() -> Result<Self, Unusable> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| Unusable("the system cannot make a key"))?;
        Self::of_pair(&pair)
    }

    /// Reads what people paste: PEM, or a JWK as an object or as text.
    pub fn paste(value: &Value) -> Result<Pasted, Unusable> {
        match value {
            Value::String(text) if text.trim_start().starts_with('{') => {
                Self::of_jwk(serde_json::from_str(text).map_err(|_| FORMS)?)
            }
            Value::String(pem) => Ok(Pasted { key: Self::of_pem(pem)?, key_id: None }),
            Value::Object(_) => Self::of_jwk(serde_json::from_value(value.clone()).map_err(|_| FORMS)?),
            _ => Err(FORMS),
        }
    }

    fn of_pem(pem: &str) -> Result<Self, Unusable> {
        // A key copied out of a JSON file has its line ends written out.
        let pem = pem.trim().replace("\\n", "\n");
        let encoding = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| FORMS)?;
        Self::checked(encoding)
    }

    fn of_jwk(jwk: PrivateJwk) -> Result<Pasted, Unusable> {
        if jwk.kty != "RSA" {
            return Err(FORMS);
        }
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| FORMS);
        let components = aws_lc_rs::rsa::KeyPairComponents {
            public_key: aws_lc_rs::rsa::PublicKeyComponents { n: part(&jwk.n)?, e: part(&jwk.e)? },
            d: part(&jwk.d)?,
            p: part(&jwk.p)?,
            q: part(&jwk.q)?,
            dP: part(&jwk.dp)?,
            dQ: part(&jwk.dq)?,
            qInv: part(&jwk.qi)?,
        };
        let pair = KeyPair::from_components(&components).map_err(|_| FORMS)?;
        Ok(Pasted { key: Self::of_pair(&pair)?, key_id: jwk.kid.filter(|kid| !kid.is_empty()) })
    }

    fn of_pair(pair: &KeyPair) -> Result<Self, Unusable> {
        let der = pair.as_der().map_err(|_| FORMS)?;
        let pem =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()));
        Self::checked(EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| FORMS)?)
    }

    fn checked(encoding: EncodingKey) -> Result<Self, Unusable> {
        let pair = KeyPair::from_der(encoding.as_bytes()).map_err(|_| FORMS)?;
        if pair.public_key().modulus_len() < 256 {
            return Err(TOO_SMALL);
        }
        Ok(Self { encoding })
    }

    /// For the secret store.
    pub fn to_secret(&self) -> SecretString {
        STANDARD.encode(self.encoding.as_bytes()).into()
    }

    /// From the secret store.
    #[expect(clippy::disallowed_methods, reason = "the key is needed to sign with it")]
    pub fn from_secret(secret: &SecretString) -> Result<Self, Unusable> {
        let der = STANDARD.decode(secret.expose_secret()).map_err(|_| FORMS)?;
        Self::checked(EncodingKey::from_rsa_der(&der))
    }

    /// The public half as Okta fetches it, under its RFC 7638 thumbprint.
    pub fn public_jwk(&self) -> Result<Jwk, Unusable> {
        let mut jwk = Jwk::from_encoding_key(&self.encoding, Algorithm::RS256).map_err(|_| FORMS)?;
        jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| FORMS)?);
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(jwk)
    }

    /// What signs with it.
    pub(super) fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pem_of(key: &SigningKey) -> String {
        format!(
            "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
            STANDARD.encode(key.encoding.as_bytes())
        )
    }

    #[test]
    fn a_key_survives_the_secret_store_and_pem() {
        let key = SigningKey::generate().expect("a key");
        let jwk = key.public_jwk().expect("a public key");
        let stored = SigningKey::from_secret(&key.to_secret()).expect("the same key");
        assert_eq!(stored.public_jwk().expect("a public key"), jwk);
        for pem in [pem_of(&key), pem_of(&key).replace('\n', "\\n")] {
            let pasted = SigningKey::paste(&json!(pem)).expect("PKCS#1 PEM");
            assert_eq!(pasted.key.public_jwk().expect("a public key"), jwk);
        }
    }

    #[test]
    fn what_is_no_rsa_private_key_is_refused_with_what_to_paste() {
        for value in [
            json!(""),
            json!(7),
            json!("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"),
            json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA"}),
            json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
            json!("{\"kty\":\"RSA\"}"),
        ] {
            assert_eq!(SigningKey::paste(&value).err(), Some(FORMS), "{value}");
        }
    }
}

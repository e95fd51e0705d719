//! The keys that sign: the connection's own (RSA, `private_key_jwt`), and the one that proves possession (`DPoP`).

mod api_token;
mod der;
mod jwk;
mod lookalike;
mod paste;
mod pem;
mod surroundings;
#[cfg(test)]
mod tests;
mod wrong;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::{ExposeSecret, SecretString};

/// An RSA private key that signs client assertions.
#[derive(Clone)]
pub struct SigningKey {
    encoding: EncodingKey,
}

/// Why a key cannot be made, stored or published. A pasted key has its own errors (`WrongKey`).
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

const NOT_MADE: Unusable = Unusable("the system cannot make a key");
const NOT_STORED: Unusable = Unusable("the stored private key is damaged; connect again with a new key");
const NOT_PUBLISHED: Unusable = Unusable("the key has no public half to publish");

impl SigningKey {
    /// Makes an RSA-2048 key.
    pub fn generate() -> Result<Self, Unusable> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| NOT_MADE)?;
        let pkcs8 = pair.as_der().map_err(|_| NOT_MADE)?;
        let pkcs1 = der::rsa_private_key(pkcs8.as_ref()).map_err(|_| NOT_MADE)?;
        Ok(Self::of_pkcs1(pkcs1))
    }

    /// From DER that was checked to be a PKCS#1 private key.
    fn of_pkcs1(der: &[u8]) -> Self {
        Self { encoding: EncodingKey::from_rsa_der(der) }
    }

    /// For the secret store.
    pub fn to_secret(&self) -> SecretString {
        STANDARD.encode(self.encoding.as_bytes()).into()
    }

    /// From the secret store.
    #[expect(clippy::disallowed_methods, reason = "the key is needed to sign with it")]
    pub fn from_secret(secret: &SecretString) -> Result<Self, Unusable> {
        let der = STANDARD.decode(secret.expose_secret()).map_err(|_| NOT_STORED)?;
        let pkcs1 = der::rsa_private_key(&der).map_err(|_| NOT_STORED)?;
        Ok(Self::of_pkcs1(pkcs1))
    }

    /// The public half as Okta fetches it, under its RFC 7638 thumbprint.
    pub fn public_jwk(&self) -> Result<Jwk, Unusable> {
        let mut jwk = Jwk::from_encoding_key(&self.encoding, Algorithm::RS256).map_err(|_| NOT_PUBLISHED)?;
        jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| NOT_PUBLISHED)?);
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(jwk)
    }

    /// What signs with it.
    pub(super) fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }
}

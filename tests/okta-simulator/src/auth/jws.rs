//! Signed tokens: reading them and checking their signature with a public key.

use aws_lc_rs::digest;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, EcdsaVerificationAlgorithm,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaParameters,
    UnparsedPublicKey,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A token in its three parts.
#[derive(Debug)]
pub struct Jws {
    /// The protected header.
    pub header: Value,
    /// The claims.
    pub claims: Value,
    signed: String,
    signature: Vec<u8>,
}

/// The kinds of signature: an RSA one, or one on a curve with coordinates of so many bytes.
enum Algorithm {
    Rsa(&'static RsaParameters),
    Curve(&'static str, usize, &'static EcdsaVerificationAlgorithm),
}

fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA256),
        "RS384" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA384),
        "RS512" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA512),
        "ES256" => Algorithm::Curve("P-256", 32, &ECDSA_P256_SHA256_FIXED),
        "ES384" => Algorithm::Curve("P-384", 48, &ECDSA_P384_SHA384_FIXED),
        "ES512" => Algorithm::Curve("P-521", 66, &ECDSA_P521_SHA512_FIXED),
        _ => return None,
    })
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(value.as_str()?).ok()
}

impl Jws {
    /// Splits a compact token; none if it is not one.
    pub fn parse(token: &str) -> Option<Jws> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json =
            |part: &str| -> Option<Value> { serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok() };
        Some(Jws {
            header: json(header)?,
            claims: json(claims)?,
            signed: signed.to_owned(),
            signature: BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whether the header names one of Okta's algorithms.
    pub fn is_known_algorithm(&self) -> bool {
        self.header["alg"].as_str().and_then(algorithm).is_some()
    }

    /// Whether a public key made the signature.
    pub fn is_signed_by(&self, key: &Value) -> bool {
        self.check(key).is_some()
    }

    fn check(&self, key: &Value) -> Option<()> {
        let message = self.signed.as_bytes();
        match algorithm(self.header["alg"].as_str()?)? {
            Algorithm::Rsa(parameters) if key["kty"] == "RSA" => {
                let key = PublicKeyComponents { n: bytes(&key["n"])?, e: bytes(&key["e"])? };
                key.verify(parameters, message, &self.signature).ok()
            }
            Algorithm::Curve(curve, size, algorithm) if key["kty"] == "EC" && key["crv"] == curve => {
                let (x, y) = (bytes(&key["x"])?, bytes(&key["y"])?);
                if x.len() != size || y.len() != size {
                    return None;
                }
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                UnparsedPublicKey::new(algorithm, point).verify(message, &self.signature).ok()
            }
            _ => None,
        }
    }
}

/// The SHA-256 of a text in base64url.
pub fn sha256(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// A public key's thumbprint (RFC 7638); none if it is no RSA or EC key.
pub fn thumbprint(key: &Value) -> Option<String> {
    // serde_json writes members in alphabetical order, the order the thumbprint wants.
    let members = match key["kty"].as_str()? {
        "RSA" => json!({ "e": key["e"].as_str()?, "kty": "RSA", "n": key["n"].as_str()? }),
        "EC" => json!({ "crv": key["crv"].as_str()?, "kty": "EC", "x": key["x"].as_str()?, "y": key["y"].as_str()? }),
        _ => return None,
    };
    Some(sha256(&members.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7638, section 3.1.
    #[test]
    fn a_thumbprint_is_that_of_the_standard() {
        let key = json!({
            "kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        });
        assert_eq!(thumbprint(&key).as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    }

    #[test]
    fn what_has_not_three_parts_is_no_token() {
        for token in ["", "a.b", "..", "e30.e30.!", "e30.bm90IGpzb24.e30"] {
            assert!(Jws::parse(token).is_none(), "{token}");
        }
    }
}

//! `DPoP` proofs (RFC 9449): what a request must prove, and that it proves it only once.

use axum::http::HeaderMap;
use url::Url;

use super::Gate;
use super::jws::{Jws, sha256, thumbprint};

/// The refusal of two proofs.
pub const MULTIPLE: &str = "Multiple DPoP proof JWT headers are not allowed.";
/// The refusal of a proof that comes again.
pub const USED: &str = "The DPoP proof JWT has already been used.";
/// Seconds a proof may be old.
const WINDOW: i64 = 300;

/// What a proof must be about.
#[derive(Debug)]
pub struct Expectation<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The request's URL without query.
    pub url: &'a str,
    /// The server's clock in seconds.
    pub now: i64,
    /// The access token sent along and the thumbprint it is bound to.
    pub token: Option<(&'a str, &'a str)>,
}

/// What a valid proof says.
#[derive(Debug)]
pub struct Proof {
    /// The thumbprint of the key that signed it.
    pub thumbprint: String,
    /// The server's nonce in it.
    pub nonce: Option<String>,
}

/// The proofs sent.
pub fn headers(headers: &HeaderMap) -> Vec<&str> {
    headers.get_all("dpop").iter().map(|value| value.to_str().unwrap_or_default()).collect()
}

/// Checks a proof and uses it up; the error is Okta's sentence.
pub fn verify(proof: &str, wanted: &Expectation<'_>, gate: &mut Gate) -> Result<Proof, String> {
    let proof = Jws::parse(proof).ok_or("The DPoP proof JWT is invalid.")?;
    let (thumbprint, claims) = (key(&proof)?, &proof.claims);
    if claims["htm"] != wanted.method {
        return Err("The DPoP proof JWT 'htm' claim is invalid.".into());
    }
    if !claims["htu"].as_str().is_some_and(|htu| is_same(htu, wanted.url)) {
        return Err("The DPoP proof JWT 'htu' claim is invalid.".into());
    }
    let issued = claims["iat"].as_i64().ok_or("The DPoP proof JWT 'iat' claim is invalid.")?;
    if issued > wanted.now {
        return Err("The DPoP proof JWT is issued in the future.".into());
    }
    if issued < wanted.now - WINDOW {
        return Err("The DPoP proof JWT is issued more than five minutes in the past.".into());
    }
    let id = claims["jti"].as_str().filter(|id| !id.is_empty()).ok_or("The DPoP proof JWT 'jti' claim is invalid.")?;
    if !gate.use_once(format!("proof {thumbprint} {id}"), wanted.now + 2 * WINDOW, wanted.now) {
        return Err(USED.into());
    }
    if let Some((token, bound)) = wanted.token {
        if claims["ath"] != sha256(token) {
            return Err("The DPoP proof JWT 'ath' claim does not match the presented access_token.".into());
        }
        if thumbprint != bound {
            return Err("The access_token is not bound to the provided DPoP proof.".into());
        }
    }
    Ok(Proof { thumbprint, nonce: claims["nonce"].as_str().map(str::to_owned) })
}

/// The thumbprint of the key in the header, if the proof is signed with it.
fn key(proof: &Jws) -> Result<String, String> {
    if proof.header["typ"] != "dpop+jwt" {
        return Err("The DPoP proof JWT header 'typ' must be 'dpop+jwt'.".into());
    }
    if !proof.is_known_algorithm() {
        return Err("The DPoP proof JWT header 'alg' is invalid.".into());
    }
    let key = &proof.header["jwk"];
    let private = ["d", "p", "q", "dp", "dq", "qi", "k"].iter().any(|member| key.get(member).is_some());
    let thumbprint = thumbprint(key).filter(|_| !private && key.is_object());
    let thumbprint = thumbprint.ok_or("The DPoP proof JWT header 'jwk' is invalid.")?;
    if !proof.is_signed_by(key) {
        return Err("The DPoP proof JWT signature is invalid.".into());
    }
    Ok(thumbprint)
}

/// Whether two URLs are the same resource; query and fragment make another one. A login's `@` may be escaped in one and
/// not in the other: okta-sdk-python signs `%40` and sends `@`.
fn is_same(claimed: &str, actual: &str) -> bool {
    let plain = |text: &str| {
        let url = Url::parse(&text.replace("%40", "@")).ok();
        url.filter(|url| url.query().is_none() && url.fragment().is_none())
    };
    plain(claimed).is_some_and(|claimed| Some(claimed) == plain(actual))
}

/// The day's nonce; yesterday's and those of two days before are still good.
pub fn nonce(seal: &crate::page::Seal, now: i64) -> String {
    nonce_of(seal, now / 86_400)
}

/// Whether a nonce is one of the last three days'.
pub fn is_good_nonce(seal: &crate::page::Seal, nonce: &str, now: i64) -> bool {
    (0..=3).any(|age| nonce_of(seal, now / 86_400 - age) == nonce)
}

fn nonce_of(seal: &crate::page::Seal, day: i64) -> String {
    sha256(&format!("{:?}", seal.tag(&format!("nonce {day}"))))[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Seal;

    #[test]
    fn a_nonce_is_renewed_daily_and_good_for_three_days() {
        let (seal, day) = (Seal::new(1), 86_400);
        let first = nonce(&seal, 10 * day);
        assert_eq!(first, nonce(&seal, 11 * day - 1));
        assert_ne!(first, nonce(&seal, 11 * day));
        assert!(is_good_nonce(&seal, &first, 13 * day));
        assert!(!is_good_nonce(&seal, &first, 14 * day));
        assert!(!is_good_nonce(&seal, "", 10 * day));
    }

    #[test]
    fn the_query_is_no_part_of_the_url_a_proof_names() {
        assert!(is_same("http://127.0.0.1:7171/api/v1/users", "http://127.0.0.1:7171/api/v1/users"));
        assert!(is_same("http://127.0.0.1:7171/api/v1/users/a%40b", "http://127.0.0.1:7171/api/v1/users/a@b"));
        assert!(!is_same("http://127.0.0.1:7171/api/v1/users?limit=1", "http://127.0.0.1:7171/api/v1/users"));
        assert!(!is_same("http://localhost:7171/api/v1/users", "http://127.0.0.1:7171/api/v1/users"));
    }
}

//! Reads a pasted private key: finds the PEM or the JWK in what was pasted, or names what was pasted instead.

use super::lookalike::{is_base64url, is_client_id, is_jwt, is_path, is_url};
use super::surroundings::{bare, unescape_line_ends};
use super::wrong::WrongKey;
use super::{Pasted, SigningKey, api_token, der, jwk, pem};
use serde_json::Value;

impl SigningKey {
    /// Reads a private key as people paste it: PEM, or a JWK or a JWK set as an object or as text.
    pub fn paste(value: &Value) -> Result<Pasted, WrongKey> {
        match value {
            Value::String(text) => of_text(text),
            Value::Object(_) => jwk::rsa_private_key(std::slice::from_ref(value)),
            _ => Err(WrongKey::Unknown),
        }
    }
}

fn of_text(pasted: &str) -> Result<Pasted, WrongKey> {
    let text = unescape_line_ends(pasted);
    let text = bare(&text);
    let blocks = pem::blocks(text);
    if !blocks.is_empty() {
        let pkcs1 = pem::rsa_private_key(&blocks)?;
        return Ok(Pasted { key: SigningKey::of_pkcs1(&pkcs1), key_id: None });
    }
    if is_binary(text) {
        return Err(WrongKey::Binary);
    }
    match jwk::documents(text) {
        Some(documents) => jwk::rsa_private_key(&documents?),
        None => Err(name(pasted, text)),
    }
}

/// Names what is neither PEM nor JSON; `pasted` still has its backslashes.
fn name(pasted: &str, text: &str) -> WrongKey {
    match text {
        "" => WrongKey::Empty,
        _ if is_path(pasted) => WrongKey::FilePath,
        _ if is_url(text) => WrongKey::Url,
        _ if is_jwt(text) => WrongKey::Jwt,
        _ if is_api_token(text) => WrongKey::ApiToken,
        _ if is_client_id(text) => WrongKey::ClientId,
        _ if text.starts_with("ssh-") || text.starts_with("ecdsa-sha2-") => WrongKey::PublicKey,
        _ if text.contains("PUBLIC KEY") => WrongKey::PublicKey,
        _ if text.starts_with("PuTTY-User-Key-File") => WrongKey::Putty,
        // One of the two lines is there, but not whole.
        _ if text.contains("-----") || text.contains("PRIVATE KEY") => WrongKey::Damaged,
        _ if text.contains("\"kty\"") => WrongKey::JwkDamaged,
        _ => name_base64(text),
    }
}

/// Names base64 without the lines around it, as in an environment variable or a Kubernetes secret.
fn name_base64(text: &str) -> WrongKey {
    // DER of more than 255 bytes, which every RSA key is, begins with 30 82.
    let otherwise = if text.starts_with("MII") { WrongKey::Damaged } else { WrongKey::Unknown };
    match pem::decode(text) {
        Some(bytes) if bytes.starts_with(b"-----BEGIN") || bytes.starts_with(b"{") => WrongKey::Base64,
        Some(bytes) => match der::rsa_private_key(&bytes) {
            Ok(_) | Err(WrongKey::Damaged) => otherwise,
            Err(wrong) => wrong,
        },
        None => otherwise,
    }
}

fn is_binary(text: &str) -> bool {
    text.chars().any(|c| c == char::REPLACEMENT_CHARACTER || (c.is_control() && !c.is_whitespace()))
}

/// Okta's API tokens begin with `00` and have 42 characters.
fn is_api_token(text: &str) -> bool {
    let token = api_token::without_prefix(text);
    token.len() < text.len() || (token.starts_with("00") && token.len() <= 64 && is_base64url(token))
}

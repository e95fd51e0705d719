//! JSON Web Keys (RFC 7517), alone or in a set.

use super::surroundings::is_surrounding;
use super::wrong::WrongKey;
use super::{Pasted, SigningKey, der};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeyPairComponents, PublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

type Members = Map<String, Value>;

/// The JSON in a text, which may have text around it, and typographic or escaped quotes in it.
pub(super) fn documents(text: &str) -> Option<Result<Vec<Value>, WrongKey>> {
    let from = text.find('{')?;
    let json = text.rfind('}').and_then(|to| text.get(from..=to)).unwrap_or(&text[from..]);
    let documents = parse(json).or_else(|| parse(&repaired(json)));
    match documents {
        Some(documents) => Some(Ok(documents)),
        None if json.contains("kty") || json[1..].trim_start().starts_with('"') => Some(Err(WrongKey::JwkDamaged)),
        None => None,
    }
}

fn parse(json: &str) -> Option<Vec<Value>> {
    serde_json::Deserializer::from_str(json).into_iter().collect::<Result<_, _>>().ok()
}

/// With straight quotes that are not escaped, and without the line ends with which a terminal breaks long numbers.
fn repaired(json: &str) -> String {
    json.replace(['\\', '\n', '\r'], "").replace(['“', '”', '„', '‟'], "\"")
}

/// The one private RSA key among JWKs and sets of them; public keys beside it do not matter.
pub(super) fn rsa_private_key(documents: &[Value]) -> Result<Pasted, WrongKey> {
    let is_set = documents.iter().any(|document| document.get("keys").is_some());
    let keys: Vec<_> = documents.iter().flat_map(members).collect();
    let private: Vec<_> = keys.iter().filter(|key| is_rsa(key) && key.contains_key("d")).collect();
    match (private.as_slice(), keys.as_slice()) {
        ([key], _) => of_rsa(key),
        ([], [key]) if !is_set => Err(without_private_rsa_key(key)),
        ([], keys) => match keys.iter().find(|key| key.contains_key("d")) {
            Some(key) => Err(other_type(key)),
            None => Err(WrongKey::JwkSetPublic),
        },
        (several, _) => Err(WrongKey::Several(several.len())),
    }
}

/// The keys of a set, or the one key.
fn members(document: &Value) -> Vec<&Members> {
    match document.get("keys") {
        Some(Value::Array(keys)) => keys.iter().filter_map(Value::as_object).collect(),
        _ => document.as_object().into_iter().collect(),
    }
}

fn key_type(key: &Members) -> Option<&str> {
    key.get("kty").and_then(Value::as_str)
}

fn is_rsa(key: &Members) -> bool {
    key_type(key) == Some("RSA")
}

fn without_private_rsa_key(key: &Members) -> WrongKey {
    match key_type(key) {
        None => WrongKey::NotAJwk,
        Some("RSA") if key.contains_key("p") => WrongKey::JwkIncomplete,
        Some("RSA") => WrongKey::JwkPublic,
        Some("oct") => WrongKey::JwkSymmetric,
        Some(_) => other_type(key),
    }
}

/// Names the type only if it is a known one: the text is the caller's, and must not come back.
fn other_type(key: &Members) -> WrongKey {
    match key_type(key) {
        Some("EC") => WrongKey::JwkOther("EC"),
        Some("OKP") => WrongKey::JwkOther("OKP"),
        _ => WrongKey::JwkOther("unknown"),
    }
}

fn of_rsa(key: &Members) -> Result<Pasted, WrongKey> {
    let n = number(key, "n")?;
    der::check_size(&n)?;
    let components = KeyPairComponents {
        public_key: PublicKeyComponents { n, e: number(key, "e")? },
        d: number(key, "d")?,
        p: number(key, "p")?,
        q: number(key, "q")?,
        dP: number(key, "dp")?,
        dQ: number(key, "dq")?,
        qInv: number(key, "qi")?,
    };
    let pair = KeyPair::from_components(&components).map_err(|_| WrongKey::JwkDamaged)?;
    let pkcs8 = pair.as_der().map_err(|_| WrongKey::JwkDamaged)?;
    let key_id = key.get("kid").and_then(Value::as_str).map(str::to_owned).filter(|kid| !kid.is_empty());
    let key = SigningKey::of_pkcs1(der::rsa_private_key(pkcs8.as_ref())?);
    Ok(Pasted { key, key_id })
}

/// A number of the key, big endian, without leading zeros.
fn number(key: &Members, name: &str) -> Result<Vec<u8>, WrongKey> {
    let text = key.get(name).ok_or(WrongKey::JwkIncomplete)?;
    let text = text.as_str().ok_or(WrongKey::JwkDamaged)?;
    let text: String = text.chars().filter(|c| !is_surrounding(*c)).collect();
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| WrongKey::JwkDamaged)?;
    let digits = bytes.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
    if digits.is_empty() { Err(WrongKey::JwkDamaged) } else { Ok(digits) }
}

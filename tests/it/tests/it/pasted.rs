//! A private key as an administrator has it in a file, to be pasted.

use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use okta_connector::okta::SigningKey;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// An RSA key in the forms in which it is pasted, and its public half for the app.
pub struct PastedKey {
    /// PKCS#1 PEM.
    pub pem: String,
    /// PKCS#8 PEM.
    pub pkcs8: String,
    /// A JWK with its private members and the `kid` of the public half.
    pub jwk: Value,
    /// The public half, as the app keeps it.
    pub public: Value,
}

impl PastedKey {
    /// A new key.
    #[expect(clippy::disallowed_methods, reason = "a test pastes this key")]
    pub fn generate() -> Self {
        let key = SigningKey::generate().expect("a key");
        let public = serde_json::to_value(key.public_jwk().expect("a public key")).expect("JSON");
        let secret = key.to_secret();
        let der = STANDARD.decode(secret.expose_secret()).expect("base64");
        let mut jwk = json!({"kty": "RSA", "kid": public["kid"]});
        for (name, number) in ["version", "n", "e", "d", "p", "q", "dp", "dq", "qi"].iter().zip(integers(&der)).skip(1)
        {
            jwk[name] = URL_SAFE_NO_PAD.encode(number).into();
        }
        Self { pem: pem("RSA PRIVATE KEY", &der), pkcs8: pem("PRIVATE KEY", &pkcs8(&der)), jwk, public }
    }

    /// The key's id.
    pub fn key_id(&self) -> &str {
        self.public["kid"].as_str().expect("a kid")
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A PKCS#1 key of more than 255 bytes in its PKCS#8 wrapping.
fn pkcs8(pkcs1: &[u8]) -> Vec<u8> {
    const RSA: &[u8] = &[2, 1, 0, 48, 13, 6, 9, 42, 134, 72, 134, 247, 13, 1, 1, 1, 5, 0];
    let long = |tag: u8, value: &[u8]| {
        let length = u16::try_from(value.len()).expect("less than 64 KB").to_be_bytes();
        [&[tag, 0x82], &length[..], value].concat()
    };
    long(48, &[RSA, &long(4, pkcs1)].concat())
}

/// The numbers of a DER sequence of integers, without leading zeros.
fn integers(der: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut numbers) = (value(der).0, Vec::new());
    while !rest.is_empty() {
        let (number, after) = value(rest);
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        numbers.push(&number[zeros..]);
        rest = after;
    }
    numbers
}

/// The first value of some DER, and what follows it.
fn value(der: &[u8]) -> (&[u8], &[u8]) {
    let (length, from) = match usize::from(der[1]) {
        short @ 0..0x80 => (short, 2),
        long => {
            let bytes = &der[2..2 + (long & 0x7f)];
            (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), 2 + bytes.len())
        }
    };
    der[from..].split_at(length)
}

#[tokio::test]
async fn a_key_is_found_in_a_set_in_a_bundle_and_with_line_ends_written_out() {
    let world = World::start().await;
    let key = PastedKey::generate();
    world.sim("PATCH", "app", Some(json!({"jwks": {"keys": [key.public]}}))).await;
    let certificate = pem("CERTIFICATE", b"not read");
    for pasted in [
        json!({"keys": [key.public, key.jwk]}),
        json!(json!({"keys": [key.jwk]}).to_string()),
        json!(format!("\u{feff}'{}'", key.jwk)),
        json!(format!("{certificate}{}", key.pkcs8)),
        json!(key.pkcs8.replace('\n', "\\r\\n")),
        json!(key.pem.replace('\n', "\\\\n")),
    ] {
        let reply = world.post_key(&pasted, json!({})).await;
        assert_eq!(reply.status, 201, "{pasted}");
    }
}

#[tokio::test]
async fn a_token_is_accepted_with_what_surrounds_it_and_other_things_are_named() {
    let world = World::start().await;
    let token = &world.simulator.credentials().api_token;
    let connect = async |token: &str| {
        let auth = json!({"type": "api_token", "token": token});
        let body = json!({"name": "A", "domain": world.domain(), "auth": auth, "sync": null});
        world.api("POST", "/v1/connections", Some(body)).await
    };
    for pasted in [format!("\u{feff}{token}\r\n"), format!("\"{token}\""), format!("authorization: ssws {token}")] {
        assert_eq!(connect(&pasted).await.status, 201, "{pasted}");
    }
    let reply = connect(&PastedKey::generate().pem).await.expect(422);
    assert_eq!(reply["errors"][0]["pointer"], "/auth/token");
    let detail = reply["errors"][0]["detail"].as_str().expect("a sentence");
    assert!(detail.contains("auth.private_key"), "{detail}");
    let reply = world.post_key(&json!(token), json!({})).await.expect(422);
    let detail = reply["errors"][0]["detail"].as_str().expect("a sentence");
    assert!(detail.contains("auth.token") && !detail.contains(token.as_str()), "{detail}");
}

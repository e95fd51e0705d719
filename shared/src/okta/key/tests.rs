//! What people paste, row by row.

mod keys;

use super::wrong::{WrongKey, WrongToken};
use super::*;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const TOKEN: &str = "00aBcDeFgHiJkLmNoPqRsTuVwXyZ-0123456789_ab";
const JWT: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
const PATHS: [&str; 12] = [
    "~/key.pem",
    "/home/x/key.pem",
    "/etc/okta/key",
    "C:\\key.pem",
    "C:\\new\\rsa\\okta key",
    "C:\\\\keys\\\\key.pem",
    "\"./keys/key\"",
    "../key",
    "@key.pem",
    "key.pem\n",
    "file:///home/x/key",
    "\\\\server\\share\\key.pem",
];

/// PKCS#1, derived from PKCS#8.
fn pkcs1() -> String {
    let key = SigningKey::paste(&json!(keys::RSA)).expect("a key").key;
    pem("RSA PRIVATE KEY", key.encoding.as_bytes())
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn jwk() -> Value {
    jwk_of(keys::RSA)
}

/// The JWK of a key in PKCS#8 PEM.
fn jwk_of(pem: &str) -> Value {
    let block = &pem::blocks(pem)[0];
    let numbers = der::tests::integers_of_pkcs8(&pem::tests::decoded(block));
    let mut jwk = json!({"kty": "RSA", "kid": "k1"});
    for (name, number) in ["n", "e", "d", "p", "q", "dp", "dq", "qi"].iter().zip(numbers) {
        jwk[name] = URL_SAFE_NO_PAD.encode(number).into();
    }
    jwk
}

fn public_jwk() -> Value {
    json!({"kty": "RSA", "kid": "k0", "n": jwk()["n"], "e": "AQAB"})
}

fn ec_jwk() -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA"})
}

fn public_half(text: &str) -> Jwk {
    let pasted = SigningKey::paste(&json!(text)).unwrap_or_else(|wrong| panic!("{wrong}: {text}"));
    pasted.key.public_jwk().expect("a public key")
}

fn wrong(value: &Value) -> Option<WrongKey> {
    SigningKey::paste(value).err()
}

#[test]
fn a_key_survives_the_secret_store() {
    let key = SigningKey::generate().expect("a key");
    let stored = SigningKey::from_secret(&key.to_secret()).expect("the same key");
    assert_eq!(stored.public_jwk(), key.public_jwk());
    assert_eq!(SigningKey::from_secret(&"AAAA".into()).err(), Some(NOT_STORED));
}

#[test]
fn a_pem_is_found_in_what_surrounds_it() {
    let expected = public_half(keys::RSA);
    for pem in [keys::RSA.to_owned(), pkcs1()] {
        let one_line = pem.replace('\n', " ");
        let in_json = serde_json::to_string(&pem).expect("JSON");
        for text in [
            pem.clone(),
            format!(" \r\n\t{pem}\n\n"),
            format!("\u{feff}{pem}"),
            format!("\"{pem}\""),
            format!("'{pem}'"),
            format!("“{pem}”"),
            format!("`{pem}`"),
            format!("```pem\n{pem}```"),
            format!("\u{feff}“\u{feff}{pem}” "),
            pem.replace('\n', "\\n"),
            pem.replace('\n', "\\r\\n"),
            pem.replace('\n', "\\\\n"),
            pem.replace('\n', "\\\\r\\\\n"),
            pem.replace('\n', "\\\\\\\\n"),
            pem.replace('\n', "\\\n"),
            pem.replace('\n', "\r\n"),
            pem.replace('\n', "\r"),
            pem.replace('\n', "\n    "),
            pem.replace('\n', "\u{a0}\n\u{200b}"),
            pem.replace('\n', "\",\n\""),
            pem.replace('\n', ""),
            pem.replace(['\n', ' '], ""),
            pem.replace('/', "\\/"),
            one_line,
            in_json.clone(),
            serde_json::to_string(&in_json).expect("JSON"),
            format!("{{\"private_key\": {in_json}, \"kid\": \"k\"}}"),
            format!("Bag Attributes\n    localKeyID: A2 6D\nKey Attributes: <No Attributes>\n{pem}"),
            format!("Private key: {pem} (do not share)"),
            format!("export KEY=\"{pem}\"\n"),
            format!("{}{pem}", keys::CERTIFICATE),
            format!("{pem}{}{}", keys::PUBLIC, keys::CERTIFICATE),
            format!("{}{pem}", &keys::CERTIFICATE[..300]),
        ] {
            assert_eq!(public_half(&text), expected, "{text}");
        }
    }
}

#[test]
fn a_jwk_is_found_as_an_object_in_a_set_and_in_text() {
    let expected = public_half(keys::RSA);
    let (key, text) = (jwk(), jwk().to_string());
    let pretty = serde_json::to_string_pretty(&key).expect("JSON");
    let set = json!({"keys": [public_jwk(), key, ec_jwk()]});
    for value in [
        key.clone(),
        json!({"keys": [key]}),
        set.clone(),
        json!(text),
        json!(format!("\u{feff} {text}\n")),
        json!(format!("'{text}'")),
        json!(format!("“{text}”")),
        json!(format!("```json\n{pretty}\n```")),
        json!(Value::from(text.clone()).to_string()),
        json!(text.replace('"', "\\\"")),
        json!(text.replace('"', "“")),
        json!(format!("OKTA_KEY={text}")),
        json!(pretty.replace('\n', "\\n")),
        json!(pretty.replace('\n', "\r\n")),
        json!(format!("{}\n{pretty}", public_jwk())),
        json!(set.to_string()),
        json!(Value::from(set.to_string()).to_string()),
    ] {
        let pasted = SigningKey::paste(&value).unwrap_or_else(|wrong| panic!("{wrong}: {value}"));
        assert_eq!(pasted.key.public_jwk().expect("a public key"), expected, "{value}");
        assert_eq!(pasted.key_id.as_deref(), Some("k1"), "{value}");
    }
}

#[test]
fn pem_that_is_not_the_right_key_is_named() {
    let cut = &keys::RSA[..900];
    let altered = keys::RSA.replacen("MII", "MIJ", 1);
    let several = format!("{}{}", keys::RSA, pkcs1());
    let der = |pem| pem::tests::decoded(&pem::blocks(pem)[0]);
    for (text, expected) in [
        (keys::ENCRYPTED_PKCS8, WrongKey::EncryptedPkcs8),
        (keys::ENCRYPTED_PKCS1, WrongKey::EncryptedPkcs1),
        (&keys::ENCRYPTED_PKCS1.replace('\n', " "), WrongKey::EncryptedPkcs1),
        (&format!("{}{}", keys::CERTIFICATE, keys::ENCRYPTED_PKCS8), WrongKey::EncryptedPkcs8),
        (&pem("PRIVATE KEY", &der(keys::ENCRYPTED_PKCS8)), WrongKey::EncryptedPkcs8),
        (keys::EC, WrongKey::Ec),
        (keys::EC_PKCS8, WrongKey::Ec),
        (keys::ED25519, WrongKey::EdDsa),
        (keys::X25519, WrongKey::OtherAlgorithm),
        (&pem("DSA PRIVATE KEY", b"x"), WrongKey::OtherAlgorithm),
        (&pem("PGP PRIVATE KEY BLOCK", b"x"), WrongKey::OtherAlgorithm),
        (keys::RSA_PSS, WrongKey::RsaPss),
        (keys::SMALL, WrongKey::TooSmall(1024)),
        (keys::SMALL_PKCS8, WrongKey::TooSmall(1024)),
        (keys::PUBLIC, WrongKey::PublicKey),
        (keys::PUBLIC_PKCS1, WrongKey::PublicKey),
        (&pem("PRIVATE KEY", &der(keys::PUBLIC)), WrongKey::PublicKey),
        (keys::CERTIFICATE, WrongKey::Certificate),
        (keys::REQUEST, WrongKey::CertificateRequest),
        (&keys::REQUEST.replace("CERTIFICATE", "NEW CERTIFICATE"), WrongKey::CertificateRequest),
        (keys::OPENSSH, WrongKey::OpenSsh),
        (&several, WrongKey::Several(2)),
        (&format!("{several}{}", keys::EC), WrongKey::Several(3)),
        (cut, WrongKey::Damaged),
        (&format!("{cut}\n{}", keys::CERTIFICATE), WrongKey::Damaged),
        (&altered, WrongKey::Damaged),
        (&keys::RSA[..20], WrongKey::Damaged),
        (&keys::RSA[30..], WrongKey::Damaged),
        (&keys::RSA.replace('Q', "*"), WrongKey::Damaged),
        (&keys::RSA.replace("END PRIVATE", "END RSA PRIVATE"), WrongKey::Damaged),
        (&pem("PRIVATE KEY", b""), WrongKey::Damaged),
        (&keys::RSA.replace("-----", "—"), WrongKey::Damaged),
    ] {
        assert_eq!(wrong(&json!(text)), Some(expected), "{text}");
    }
}

#[test]
fn a_jwk_that_is_not_the_right_key_is_named() {
    let key = jwk();
    let without = |name: &str| {
        let mut key = jwk();
        key.as_object_mut().and_then(|members| members.remove(name));
        key
    };
    let mut altered = jwk();
    altered["p"] = altered["q"].clone();
    let symmetric = json!({"kty": "oct", "k": "AAAA"});
    let text = key.to_string();
    for (value, expected) in [
        (public_jwk(), WrongKey::JwkPublic),
        (json!(public_jwk().to_string()), WrongKey::JwkPublic),
        (without("qi"), WrongKey::JwkIncomplete),
        (without("d"), WrongKey::JwkIncomplete),
        (ec_jwk(), WrongKey::JwkOther("EC")),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": "AA"}), WrongKey::JwkOther("OKP")),
        (json!({"kty": "canary", "d": "AA"}), WrongKey::JwkOther("unknown")),
        (symmetric.clone(), WrongKey::JwkSymmetric),
        (jwk_of(keys::SMALL_PKCS8), WrongKey::TooSmall(1024)),
        (altered, WrongKey::JwkDamaged),
        (json!({"kty": "RSA", "d": 7, "n": key["n"]}), WrongKey::JwkIncomplete),
        (json!(&text[..text.len() / 2]), WrongKey::JwkDamaged),
        (json!(&text[1..]), WrongKey::JwkDamaged),
        (json!({"keys": [public_jwk()]}), WrongKey::JwkSetPublic),
        (json!({"keys": [public_jwk(), symmetric]}), WrongKey::JwkSetPublic),
        (json!({"keys": []}), WrongKey::JwkSetPublic),
        (json!({"keys": [ec_jwk()]}), WrongKey::JwkOther("EC")),
        (json!({"keys": [key, key, public_jwk()]}), WrongKey::Several(2)),
        (json!(format!("{text}\n{text}")), WrongKey::Several(2)),
        (json!({"d": key["d"]}), WrongKey::NotAJwk),
        (json!({}), WrongKey::NotAJwk),
        (json!("{}"), WrongKey::NotAJwk),
    ] {
        assert_eq!(wrong(&value), Some(expected), "{value}");
    }
}

#[test]
fn what_is_no_key_at_all_is_named() {
    let body = |pem: &str| pem.lines().filter(|line| !line.starts_with('-')).collect::<Vec<_>>().join("\n");
    let quoted = |text: &str| format!("\"{text}\"");
    for (text, expected) in [
        (String::new(), WrongKey::Empty),
        (" \n\u{feff}\"\" ".to_owned(), WrongKey::Empty),
        ("https://acme.okta.com/oauth2/v1/keys".to_owned(), WrongKey::Url),
        (JWT.to_owned(), WrongKey::Jwt),
        (format!("Bearer {JWT}"), WrongKey::Jwt),
        (TOKEN.to_owned(), WrongKey::ApiToken),
        (quoted(TOKEN), WrongKey::ApiToken),
        (format!("ssws {TOKEN}\n"), WrongKey::ApiToken),
        ("Authorization: SSWS abc".to_owned(), WrongKey::ApiToken),
        ("0oa1b2c3d4e5f6g7h8i9".to_owned(), WrongKey::ClientId),
        (keys::SSH_PUBLIC.to_owned(), WrongKey::PublicKey),
        ("PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none".to_owned(), WrongKey::Putty),
        (STANDARD.encode(keys::RSA), WrongKey::Base64),
        (STANDARD.encode(jwk().to_string()), WrongKey::Base64),
        (body(keys::RSA), WrongKey::Damaged),
        (body(keys::RSA)[..700].to_owned(), WrongKey::Damaged),
        (body(keys::EC_PKCS8), WrongKey::Ec),
        (body(keys::ENCRYPTED_PKCS8), WrongKey::EncryptedPkcs8),
        (body(keys::CERTIFICATE), WrongKey::Certificate),
        (keys::PKCS12.to_owned(), WrongKey::Pkcs12),
        ("0\u{82}\u{4}\u{1}{\"kty\"".to_owned(), WrongKey::Binary),
        ("0\u{fffd}\u{fffd}\t".to_owned(), WrongKey::Binary),
        ("-\0-\0-\0-\0-\0B\0".to_owned(), WrongKey::Binary),
        ("nope".to_owned(), WrongKey::Unknown),
        ("${OKTA_KEY}".to_owned(), WrongKey::Unknown),
    ] {
        assert_eq!(wrong(&json!(text)), Some(expected), "{text}");
    }
    for path in PATHS {
        assert_eq!(wrong(&json!(path)), Some(WrongKey::FilePath), "{path}");
        assert_eq!(Pasted::api_token(path).err(), Some(WrongToken::FilePath), "{path}");
    }
    for value in [json!(7), json!(true), json!([keys::RSA])] {
        assert_eq!(wrong(&value), Some(WrongKey::Unknown), "{value}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test compares the token")]
fn a_token_is_found_in_what_surrounds_it() {
    for text in [
        TOKEN.to_owned(),
        format!(" \t{TOKEN}\r\n"),
        format!("{TOKEN}\\n"),
        format!("\\r\\n{TOKEN}\\\\n"),
        format!("\u{feff}{TOKEN}\u{200b}"),
        format!("\"{TOKEN}\""),
        format!("'{TOKEN}'\n"),
        format!("“{TOKEN}”"),
        format!("`{TOKEN}`"),
        format!("\\\"{TOKEN}\\\""),
        format!("SSWS {TOKEN}"),
        format!("ssws\t{TOKEN}"),
        format!("SSWS \"{TOKEN}\""),
        format!("\"SSWS {TOKEN}\""),
        format!("SSWS SSWS {TOKEN}"),
        format!("Authorization: SSWS {TOKEN}\r\n"),
        format!("authorization:Ssws  {TOKEN}"),
        format!("AUTHORIZATION: {TOKEN}"),
        format!("-H 'Authorization: SSWS {TOKEN}'"),
        format!("\"Authorization\": \"SSWS {TOKEN}\""),
    ] {
        let token = Pasted::api_token(&text).map(|token| token.expose_secret().to_owned());
        assert_eq!(token, Ok(TOKEN.to_owned()), "{text}");
    }
}

#[test]
fn what_is_no_token_is_named() {
    for (text, expected) in [
        ("", WrongToken::Empty),
        (" \"\" \n", WrongToken::Empty),
        ("SSWS ", WrongToken::Empty),
        ("Authorization: SSWS", WrongToken::Empty),
        (keys::RSA, WrongToken::Key),
        (keys::CERTIFICATE, WrongToken::Key),
        (&keys::RSA.replace('\n', "\\n"), WrongToken::Key),
        (&jwk().to_string(), WrongToken::Key),
        (&json!({"keys": [jwk()]}).to_string(), WrongToken::Key),
        (JWT, WrongToken::Jwt),
        (&format!("Bearer {JWT}"), WrongToken::Jwt),
        ("0oa1b2c3d4e5f6g7h8i9", WrongToken::ClientId),
        ("https://acme.okta.com", WrongToken::Url),
        ("00a b", WrongToken::Blank),
        ("00a\nb", WrongToken::Blank),
        ("00a\\nb", WrongToken::Blank),
        ("00a\u{a0}b", WrongToken::Blank),
        ("00a\0b", WrongToken::Blank),
        ("00a\u{7f}b", WrongToken::Blank),
        ("00ä", WrongToken::NotAscii),
        ("00a\u{200b}b", WrongToken::NotAscii),
        ("00a—b", WrongToken::NotAscii),
        ("$OKTA_TOKEN", WrongToken::Unknown),
        ("<token>", WrongToken::Unknown),
        ("{\"token\":\"00\"}", WrongToken::Unknown),
        (&"0".repeat(1_025), WrongToken::TooLong),
    ] {
        assert_eq!(Pasted::api_token(text).err(), Some(expected), "{text}");
    }
}

#[test]
fn a_sentence_holds_the_command_that_helps() {
    for (wrong, part) in [
        (WrongKey::EncryptedPkcs8, "`openssl pkcs8 -topk8 -nocrypt -in key.pem -out plain.pem`"),
        (WrongKey::EncryptedPkcs1, "`openssl rsa -in key.pem -out plain.pem`"),
        (WrongKey::OpenSsh, "`ssh-keygen -p -m PEM -N \"\" -f key`"),
        (WrongKey::Pkcs12, "`openssl pkcs12 -in key.p12 -nocerts -nodes -out key.pem`"),
        (WrongKey::TooSmall(1024), "has 1024 bits, and at least 2048"),
        (WrongKey::Several(3), "3 private keys"),
        (WrongKey::JwkOther("EC"), "(kty EC)"),
        (WrongKey::JwkDamaged, "from the first { to the last }"),
        (WrongKey::Ec, "Generate new key"),
    ] {
        let sentence = wrong.to_string();
        assert!(sentence.contains(part), "{sentence}");
    }
}

#[test]
fn any_text_is_read_or_named_and_never_repeated() {
    use proptest::prelude::*;
    let pieces = prop::collection::vec(
        prop_oneof![
            Just("-----BEGIN ".to_owned()),
            Just("-----END ".to_owned()),
            Just("PRIVATE KEY-----".to_owned()),
            Just("{\"kty\":\"RSA\",".to_owned()),
            Just("\\".to_owned()),
            "canary[a-z0-9]{8}",
            "\\PC{0,6}",
        ],
        0..8,
    );
    proptest!(|(pieces in pieces)| {
        let text = pieces.concat();
        let sentence = SigningKey::paste(&json!(text)).err().map(|wrong| wrong.to_string()).unwrap_or_default();
        prop_assert!(!sentence.contains("canary"), "{}", sentence);
        let sentence = Pasted::api_token(&text).err().map(|wrong| wrong.to_string()).unwrap_or_default();
        prop_assert!(!sentence.contains("canary"), "{}", sentence);
    });
}

#[test]
fn no_der_makes_it_panic() {
    use proptest::prelude::*;
    let whole = pem::tests::decoded(&pem::blocks(keys::RSA)[0]);
    proptest!(|(at in 0..whole.len(), byte: u8, cut in 0..=whole.len())| {
        let mut der = whole.clone();
        der[at] = byte;
        let _ = super::der::rsa_private_key(&der[..cut]);
    });
}

//! As much of DER (X.690) as is needed to find an RSA private key, and to name what is not one.

use super::wrong::WrongKey;
use aws_lc_rs::rsa::KeyPair;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const ED448: &[u8] = &[0x2b, 0x65, 0x71];

#[derive(Clone, Copy)]
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    /// With its tag and length.
    whole: &'a [u8],
}

/// The PKCS#1 private key in some DER: itself, or what a PKCS#8 key wraps.
pub(super) fn rsa_private_key(der: &[u8]) -> Result<&[u8], WrongKey> {
    let outer = first(der).filter(|outer| outer.tag == SEQUENCE).ok_or(WrongKey::Damaged)?;
    let parts = elements(outer.content).ok_or(WrongKey::Damaged)?;
    let tags: Vec<_> = parts.iter().map(|part| part.tag).collect();
    match (tags.as_slice(), parts.as_slice()) {
        ([INTEGER, INTEGER] | [SEQUENCE, BIT_STRING], _) => Err(WrongKey::PublicKey),
        ([INTEGER, INTEGER, ..], [_, modulus, ..]) => pkcs1(outer, modulus),
        ([INTEGER, SEQUENCE, OCTET_STRING, ..], [_, algorithm, key, ..]) => pkcs8(algorithm, key),
        ([INTEGER, SEQUENCE, ..], _) => Err(WrongKey::Pkcs12),
        ([INTEGER, OCTET_STRING, ..], _) => Err(WrongKey::Ec),
        ([SEQUENCE, OCTET_STRING], _) => Err(WrongKey::EncryptedPkcs8),
        ([SEQUENCE, SEQUENCE, BIT_STRING], _) => Err(WrongKey::Certificate),
        _ => Err(WrongKey::Damaged),
    }
}

/// RFC 5958, `OneAsymmetricKey`.
fn pkcs8<'a>(algorithm: &Element<'a>, key: &Element<'a>) -> Result<&'a [u8], WrongKey> {
    let algorithm = first(algorithm.content).filter(|id| id.tag == OBJECT_IDENTIFIER).ok_or(WrongKey::Damaged)?;
    match algorithm.content {
        RSA => {}
        RSA_PSS => return Err(WrongKey::RsaPss),
        EC => return Err(WrongKey::Ec),
        ED25519 | ED448 => return Err(WrongKey::EdDsa),
        _ => return Err(WrongKey::OtherAlgorithm),
    }
    let outer = first(key.content).filter(|outer| outer.tag == SEQUENCE).ok_or(WrongKey::Damaged)?;
    let parts = elements(outer.content).ok_or(WrongKey::Damaged)?;
    let modulus = parts.get(1).filter(|part| part.tag == INTEGER).ok_or(WrongKey::Damaged)?;
    pkcs1(outer, modulus)
}

/// RFC 8017, `RSAPrivateKey`.
fn pkcs1<'a>(outer: Element<'a>, modulus: &Element<'a>) -> Result<&'a [u8], WrongKey> {
    check_size(modulus.content)?;
    KeyPair::from_der(outer.whole).map_err(|_| WrongKey::Damaged)?;
    Ok(outer.whole)
}

/// Refuses a modulus (big endian) that is too small to be safe, or too large for the crypto library.
pub(super) fn check_size(modulus: &[u8]) -> Result<(), WrongKey> {
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let digits = &modulus[zeros..];
    let first_bits = digits.first().map_or(0, |byte| byte.leading_zeros() as usize);
    match digits.len() * 8 - first_bits {
        bits @ ..2_048 => Err(WrongKey::TooSmall(bits)),
        bits @ 8_193.. => Err(WrongKey::TooLarge(bits)),
        _ => Ok(()),
    }
}

fn first(der: &[u8]) -> Option<Element<'_>> {
    split(der).map(|(element, _)| element)
}

fn elements(der: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut found = Vec::new();
    let mut rest = der;
    while !rest.is_empty() {
        let (element, after) = split(rest)?;
        found.push(element);
        rest = after;
    }
    Some(found)
}

/// The first element, and what follows it; nothing if it is cut off.
fn split(der: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&[tag, length], after) = der.split_first_chunk()?;
    let (length, content) = match length {
        0..=0x7f => (usize::from(length), after),
        0x81..=0x84 => {
            let (bytes, content) = after.split_at_checked(usize::from(length & 0x7f))?;
            (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), content)
        }
        _ => return None,
    };
    let (content, rest) = content.split_at_checked(length)?;
    let whole = &der[..der.len() - rest.len()];
    Some((Element { tag, content, whole }, rest))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The numbers of an RSA key, from the modulus on.
    pub(in super::super) fn integers_of_pkcs8(der: &[u8]) -> Vec<Vec<u8>> {
        let outer = first(der).expect("a sequence");
        let parts = elements(outer.content).expect("a PKCS#8 key");
        let key = first(parts[2].content).expect("a PKCS#1 key");
        let numbers = elements(key.content).expect("integers");
        let digits = |number: &Element<'_>| number.content.iter().copied().skip_while(|byte| *byte == 0).collect();
        numbers.iter().skip(1).map(digits).collect()
    }
}

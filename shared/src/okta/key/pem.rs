//! PEM (RFC 7468), as leniently as people copy it: on one line, indented, quoted, with text around it.

use super::der;
use super::surroundings::is_surrounding;
use super::wrong::WrongKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

const DASHES: &str = "-----";

/// What stands between a BEGIN and an END line.
pub(super) struct Block<'a> {
    /// Without blanks: `RSAPRIVATEKEY`.
    label: String,
    body: &'a str,
    /// True if the END line that belongs to it follows.
    is_closed: bool,
}

/// All blocks of a text, also those that are cut off.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, begun)) = rest.split_once("-----BEGIN") {
        let Some((label, after)) = begun.split_once(DASHES) else { break };
        let (body, tail) = after.split_at(after.find(DASHES).unwrap_or(after.len()));
        let label = without_blanks(label);
        let end = tail.strip_prefix("-----END").and_then(|tail| tail.split_once(DASHES));
        let is_closed = end.is_some_and(|(end, _)| without_blanks(end) == label);
        blocks.push(Block { label, body, is_closed });
        rest = tail;
    }
    blocks
}

/// The PKCS#1 DER of the one private key among the blocks; certificates and public keys beside it do not matter.
pub(super) fn rsa_private_key(blocks: &[Block<'_>]) -> Result<Vec<u8>, WrongKey> {
    let private: Vec<_> = blocks.iter().filter(|block| block.label.contains("PRIVATEKEY")).collect();
    match private.as_slice() {
        [] => Err(blocks.first().map_or(WrongKey::Unknown, Block::without_private_key)),
        [block] => block.rsa_private_key(),
        several => Err(WrongKey::Several(several.len())),
    }
}

impl Block<'_> {
    fn rsa_private_key(&self) -> Result<Vec<u8>, WrongKey> {
        match self.label.as_str() {
            "ENCRYPTEDPRIVATEKEY" => return Err(WrongKey::EncryptedPkcs8),
            "OPENSSHPRIVATEKEY" => return Err(WrongKey::OpenSsh),
            "ECPRIVATEKEY" => return Err(WrongKey::Ec),
            "RSA-PSSPRIVATEKEY" => return Err(WrongKey::RsaPss),
            "PRIVATEKEY" | "RSAPRIVATEKEY" => {}
            _ => return Err(WrongKey::OtherAlgorithm),
        }
        // `Proc-Type: 4,ENCRYPTED` of RFC 1421, as OpenSSL writes it in PKCS#1 files.
        if self.body.contains("4,ENCRYPTED") {
            return Err(WrongKey::EncryptedPkcs1);
        }
        let der = decode(self.body).filter(|_| self.is_closed).ok_or(WrongKey::Damaged)?;
        der::rsa_private_key(&der).map(<[u8]>::to_vec)
    }

    fn without_private_key(&self) -> WrongKey {
        match self.label.as_str() {
            label if label.contains("PUBLICKEY") => WrongKey::PublicKey,
            label if label.ends_with("CERTIFICATEREQUEST") => WrongKey::CertificateRequest,
            label if label.ends_with("CERTIFICATE") => WrongKey::Certificate,
            "PKCS7" | "CMS" => WrongKey::Certificate,
            _ => WrongKey::Unknown,
        }
    }
}

/// Decodes base64 with line ends, indentation, quotes and header lines in it.
pub(super) fn decode(body: &str) -> Option<Vec<u8>> {
    let lines = body.split(['\n', '\r']).filter(|line| !line.contains(':'));
    let base64: String = lines.flat_map(str::chars).filter(|c| !is_surrounding(*c) && *c != ',').collect();
    STANDARD_NO_PAD.decode(base64.trim_end_matches('=')).ok().filter(|bytes| !bytes.is_empty())
}

fn without_blanks(label: &str) -> String {
    label.split_whitespace().collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The DER in a block.
    pub(in super::super) fn decoded(block: &Block<'_>) -> Vec<u8> {
        decode(block.body).expect("base64")
    }
}

//! Content packed into one attribute, and its fingerprint.

use crate::store::Error;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{Read, Write};

/// JSON, compressed.
pub fn pack<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let json = serde_json::to_vec(value).map_err(|_| Error::Corrupt)?;
    encoder.write_all(&json).and_then(|()| encoder.finish()).map_err(|_| Error::Corrupt)
}

/// What `pack` made.
pub fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let mut json = Vec::new();
    ZlibDecoder::new(bytes).read_to_end(&mut json).map_err(|_| Error::Corrupt)?;
    serde_json::from_slice(&json).map_err(|_| Error::Corrupt)
}

/// The first half of content's SHA-256.
pub fn half_hash(content: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&digest(&SHA256, content).as_ref()[..16]);
    half
}

/// A name for content, made of half its hash.
pub fn fingerprint(content: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(half_hash(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let ids = vec!["00u1".to_owned(), "00ü2".to_owned()];
        assert_eq!(unpack::<Vec<String>>(&pack(&ids).expect("packed")).expect("unpacked"), ids);
        assert!(unpack::<Vec<String>>(b"no").is_err());
    }
}

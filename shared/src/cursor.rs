//! Cursors: a place in a list, opaque, and tied to the query that gave it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A cursor for a place in the list that `tie` describes.
pub fn encode(tie: &str, place: &str) -> String {
    let mut bytes = mark(tie, place).to_vec();
    bytes.extend_from_slice(place.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The place, if the cursor belongs to the list.
pub fn decode(tie: &str, cursor: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (marked, place) = bytes.split_at_checked(6)?;
    let place = std::str::from_utf8(place).ok()?;
    (marked == mark(tie, place)).then(|| place.to_owned())
}

/// Not a secret: a caller who makes one up only finds another place of a list that they may read anyway.
fn mark(tie: &str, place: &str) -> [u8; 6] {
    let hash = digest(&SHA256, format!("{tie}\n{place}").as_bytes());
    let mut mark = [0; 6];
    mark.copy_from_slice(&hash.as_ref()[..6]);
    mark
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_gives_back_its_place_to_its_own_query_alone(tie in ".*", other in ".*", place in ".*") {
            let cursor = encode(&tie, &place);
            prop_assert_eq!(decode(&tie, &cursor), Some(place));
            prop_assert!(tie == other || decode(&other, &cursor).is_none());
        }

        #[test]
        fn no_text_is_taken_for_a_cursor(text in ".*") {
            prop_assert_eq!(decode("/v1/connections?", &text), None);
        }
    }
}

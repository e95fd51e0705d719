//! Listings: a page of items, its cursor, and the two `Link` headers.
//!
//! A cursor is a key to continue after, not an offset, signed together with the listing it belongs to. Changed,
//! invented or taken to another listing it is refused; the page size may change between pages.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::answer::{Answer, Refusal};
use crate::call::{Address, Call};

/// Parameters that move within a listing; all others choose the listing.
const MOVING: [&str; 2] = ["after", "limit"];
/// Bytes of the signature a cursor carries.
const TAG: usize = 9;

/// The tenant's secret for cursors and nonces.
#[derive(Debug, Clone)]
pub struct Seal(hmac::Key);

impl Seal {
    /// A seal for one seed.
    pub fn new(seed: u64) -> Seal {
        Seal(hmac::Key::new(hmac::HMAC_SHA256, &seed.to_be_bytes()))
    }

    /// The tag of some text.
    pub fn tag(&self, text: &str) -> Vec<u8> {
        hmac::sign(&self.0, text.as_bytes()).as_ref()[..TAG].to_vec()
    }
}

/// Where a listing stands and how much of it is wanted.
#[derive(Debug)]
pub struct Page {
    /// Continue after this key.
    pub after: Option<String>,
    /// Items wanted.
    pub limit: usize,
    default: usize,
    served: usize,
}

impl Page {
    /// Reads `limit` and `after`; a limit above `max` counts as `max`, a bad cursor is refused with `code`.
    pub fn of(call: &Call, seal: &Seal, default: usize, max: usize, code: &'static str) -> Result<Page, Refusal> {
        let limit = match call.query("limit") {
            None => default,
            Some(text) => text.parse::<usize>().map_err(|_| Refusal::invalid("limit", "limit: must be a number"))?,
        };
        let (served, after) = match call.query("after") {
            None => (0, None),
            Some(cursor) => {
                let (served, key) =
                    open(seal, &call.address, cursor).ok_or_else(|| Refusal::because(code, "Invalid cursor."))?;
                (served, Some(key))
            }
        };
        Ok(Page { after, limit: limit.clamp(1, max), default, served })
    }

    /// The page: up to `limit` of the items that follow the cursor, each with its key.
    pub fn answer(self, call: &Call, seal: &Seal, base: &str, items: impl Iterator<Item = (String, Value)>) -> Answer {
        let default = self.default;
        let (page, next) = self.cut(call, seal, items);
        let answer = Answer::ok(Value::Array(page)).header("link", link(&call.address, base, "self", default, None));
        match next {
            Some(cursor) => answer.header("link", link(&call.address, base, "next", default, Some(&cursor))),
            None => answer,
        }
    }

    /// The page as a member of an object that has the link to the next one among its own links, as everything under
    /// `/api/v1/iam` has it.
    pub fn enclosed(
        self,
        call: &Call,
        seal: &Seal,
        base: &str,
        name: &str,
        items: impl Iterator<Item = (String, Value)>,
    ) -> Value {
        let (page, next) = self.cut(call, seal, items);
        let mut links = Map::new();
        if let Some(cursor) = next {
            links.insert("next".into(), json!({ "href": url(&call.address, base, 0, Some(&cursor)) }));
        }
        json!({ name: page, "_links": links })
    }

    /// Up to `limit` of the items, and the cursor of what follows them.
    fn cut(
        self,
        call: &Call,
        seal: &Seal,
        items: impl Iterator<Item = (String, Value)>,
    ) -> (Vec<Value>, Option<String>) {
        let cut = call.effects.cut_list.map_or(usize::MAX, |after| after.saturating_sub(self.served));
        let mut items = items.take(cut);
        let mut page = Vec::new();
        let mut last = String::new();
        for (key, item) in items.by_ref().take(self.limit) {
            last = key;
            page.push(item);
        }
        let served = self.served + page.len();
        let more = page.len() == self.limit && items.next().is_some();
        let next = more.then(|| close(seal, &call.address, served, &last));
        (page, next)
    }
}

/// An empty listing: only its self link.
pub fn empty(call: &Call, base: &str) -> Answer {
    Answer::ok(Value::Array(Vec::new())).header("link", link(&call.address, base, "self", 0, None))
}

/// One `Link` header.
pub fn link(address: &Address, base: &str, rel: &str, default: usize, after: Option<&str>) -> String {
    format!("<{}>; rel=\"{rel}\"", url(address, base, default, after))
}

/// Where a page is; parameters come back sorted, a default limit is spelled out.
fn url(address: &Address, base: &str, default: usize, after: Option<&str>) -> String {
    let mut pairs: Vec<(&str, &str)> = address.query.iter().map(|pair| (pair.0.as_str(), pair.1.as_str())).collect();
    let default_text = default.to_string();
    if default > 0 && pairs.iter().all(|pair| pair.0 != "limit") {
        pairs.push(("limit", &default_text));
    }
    if let Some(after) = after {
        pairs.retain(|pair| pair.0 != "after");
        pairs.push(("after", after));
    }
    pairs.sort_unstable();
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{base}{}{mark}{query}", address.path)
}

/// What a cursor is bound to: the path and every parameter that chooses the listing.
fn listing(address: &Address, served: usize, key: &str) -> String {
    let mut pairs: Vec<_> = address.query.iter().filter(|pair| !MOVING.contains(&pair.0.as_str())).collect();
    pairs.sort_unstable();
    let mut text = format!("{}\n{served}\n{key}\n", address.path);
    for (name, value) in pairs {
        let _ = writeln!(text, "{name}={value}");
    }
    text
}

/// Makes a cursor.
pub fn close(seal: &Seal, address: &Address, served: usize, key: &str) -> String {
    let mut bytes = seal.tag(&listing(address, served, key));
    bytes.extend(u32::try_from(served).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend(key.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor made by [`close`] for the same listing.
pub fn open(seal: &Seal, address: &Address, cursor: &str) -> Option<(usize, String)> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (tag, rest) = bytes.split_at_checked(TAG)?;
    let (served, key) = rest.split_at_checked(4)?;
    let served = usize::try_from(u32::from_be_bytes(served.try_into().ok()?)).ok()?;
    let key = std::str::from_utf8(key).ok()?;
    (seal.tag(&listing(address, served, key)) == tag).then(|| (served, key.to_owned()))
}

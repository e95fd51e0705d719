//! Requests that are sent again: whoever repeats one under the same key gets the answer of the first, and what it did is
//! not done twice.
//!
//! An attempt owns its request by a nonce. It is taken over when it is older than any function lives, and from then on
//! every write of the earlier one is refused.

use crate::app::App;
use crate::clock;
use crate::id::ConnectionId;
use crate::problem::{Kind, Problem};
use crate::store::{Condition, Error, Item, Key, Write, keys};
use crate::synced::{pack, unpack};
use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, OnceLock};

/// A key is remembered for a day.
const KEPT_SECONDS: i64 = 86_400;
/// No function works longer on a request; API Gateway gives up after 30 s.
const LONGEST_SECONDS: i64 = 30;
/// DynamoDB's items hold 400 KB.
const MOST_BYTES: usize = 380_000;

/// An answer that is kept for whoever repeats the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// The headers that belong to what it says.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

/// What is known of a request that may be repeated.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    /// The keyed hash of its body.
    body: String,
    /// When the attempt that owns it began.
    since: Timestamp,
    /// When the first attempt sent what must not be sent twice.
    sent: Option<Timestamp>,
}

/// What becomes of a request.
pub enum Begun {
    /// It is worked on.
    Run(Attempt),
    /// It was answered before.
    Answered(Answer),
}

/// An attempt at a request, which its handler finds in the request's extensions.
#[derive(Clone)]
pub struct Attempt {
    /// Whether an earlier attempt ended without an answer.
    pub taken_over: bool,
    /// When this attempt began.
    pub since: Timestamp,
    /// When an earlier attempt was about to send what must not be sent twice, by Okta's clock.
    pub sent: Option<Timestamp>,
    claim: Arc<Claim>,
}

/// What makes an attempt the owner of its request.
struct Claim {
    app: App,
    key: Key,
    body: String,
    nonce: String,
    /// When this attempt was about to send.
    sent: OnceLock<Timestamp>,
}

/// Where a request is remembered: each part with its length, so that no parts are taken for others.
pub fn place(connection: Option<&ConnectionId>, parts: &[&str]) -> Key {
    let mut hash = Context::new(&SHA256);
    for part in parts {
        hash.update(&part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    keys::request(connection, &URL_SAFE_NO_PAD.encode(hash.finish()))
}

/// Begins an attempt at the request with this place and body, unless it was answered or somebody is at it.
pub async fn begin(app: &App, key: &Key, body: &[u8]) -> Result<Begun, Problem> {
    let body = URL_SAFE_NO_PAD.encode(app.keyed_hash("request body", body).await?);
    for _ in 0..8 {
        let mut attempt =
            Attempt { taken_over: false, since: app.now(), sent: None, claim: Arc::new(Claim::new(app, key, &body)) };
        if attempt.write(None, Condition::absent_or_expired(attempt.since)).await? {
            return Ok(Begun::Run(attempt));
        }
        let Some(item) = app.store.get(key).await? else { continue };
        let earlier: Record = item.parse()?;
        if earlier.body != body {
            return Err(Problem::new(
                Kind::KeyReused,
                "This Idempotency-Key was sent with another body within the last 24 hours; use a new key.",
            ));
        }
        if let Some(answer) = item.get_bytes("answer") {
            return Ok(Begun::Answered(unpack(answer)?));
        }
        let until = clock::after(earlier.since, LONGEST_SECONDS);
        if attempt.since < until {
            let detail = "The same request is still being worked on; try again to get its answer.";
            return Err(Problem::new(Kind::RequestInProgress, detail).retry_at(until));
        }
        (attempt.taken_over, attempt.sent) = (true, earlier.sent);
        if attempt.write(None, Condition::text("nonce", item.get("nonce").unwrap_or_default())).await? {
            return Ok(Begun::Run(attempt));
        }
    }
    Err(Problem::new(Kind::RequestInProgress, "The same request is sent too often at once; try again."))
}

impl Claim {
    fn new(app: &App, key: &Key, body: &str) -> Self {
        let nonce = uuid::Uuid::new_v4().simple().to_string();
        Self { app: app.clone(), key: key.clone(), body: body.to_owned(), nonce, sent: OnceLock::new() }
    }
}

impl Attempt {
    /// Remembers that what must not be sent twice is about to be sent, at a moment of Okta's clock. The earliest moment
    /// is kept, because what was sent then may still be found. It fails where a later attempt has taken over: then
    /// nothing may be sent any more.
    pub async fn mark_sent(&self, at: Timestamp) -> Result<(), Problem> {
        let _ = self.claim.sent.set(at);
        if self.write(None, self.ours()).await? {
            Ok(())
        } else {
            Err(Problem::new(Kind::RequestInProgress, "The same request was sent again and is worked on there."))
        }
    }

    /// Keeps the answer for whoever repeats the request. One that is too large for an item is not kept: only reading
    /// answers so much, and what is read may be read again.
    pub async fn answer(&self, answer: &Answer) -> Result<(), Error> {
        let packed = pack(answer)?;
        if packed.len() > MOST_BYTES {
            return self.forget().await;
        }
        self.write(Some(packed), self.ours()).await.map(|_| ())
    }

    /// Ends without an answer that is kept: the next one works on the request again, at once. What was sent stays known.
    pub async fn forget(&self) -> Result<(), Error> {
        let write = if self.first_sent().is_some() {
            let over = Self { since: Timestamp::UNIX_EPOCH, ..self.clone() };
            Write::PutIf(over.item(None)?, self.ours())
        } else {
            Write::DeleteIf(self.claim.key.clone(), self.ours())
        };
        self.transact(write).await.map(|_| ())
    }

    /// What the request is known by, and no other of any caller: all its attempts have the same.
    pub fn mark(&self) -> String {
        format!("{}/{}", self.claim.key.pk, self.claim.key.sk)
    }

    fn first_sent(&self) -> Option<Timestamp> {
        self.sent.or_else(|| self.claim.sent.get().copied())
    }

    fn ours(&self) -> Condition {
        Condition::text("nonce", &self.claim.nonce)
    }

    fn item(&self, answer: Option<Vec<u8>>) -> Result<Item, Error> {
        let claim = &self.claim;
        let record = Record { body: claim.body.clone(), since: self.since, sent: self.first_sent() };
        let expires = clock::after(claim.app.now(), KEPT_SECONDS);
        let item = Item::at(&claim.key).text("nonce", claim.nonce.as_str()).expires(expires).document(&record)?;
        Ok(match answer {
            Some(answer) => item.bytes("answer", answer),
            None => item,
        })
    }

    async fn write(&self, answer: Option<Vec<u8>>, condition: Condition) -> Result<bool, Error> {
        self.transact(Write::PutIf(self.item(answer)?, condition)).await
    }

    /// False where the condition did not hold.
    async fn transact(&self, write: Write) -> Result<bool, Error> {
        match self.claim.app.store.transact(vec![write]).await {
            Ok(()) => Ok(true),
            Err(Error::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_parts_of_a_request_are_taken_for_others() {
        let places = [
            ["ada", "POST", "/v1/connections", "", "k"],
            ["ada", "POST", "/v1/connections", "k", ""],
            ["ad", "aPOST", "/v1/connections", "", "k"],
            ["ada", "POST", "/v1/connections/", "", "k"],
        ];
        let distinct: std::collections::BTreeSet<_> = places.iter().map(|parts| place(None, parts).pk).collect();
        assert_eq!(distinct.len(), places.len());
        assert_eq!(place(None, &places[0]), place(None, &places[0]));
    }
}

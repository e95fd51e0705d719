//! What DynamoDB on AWS does and an engine in a file does not: it throttles, refuses a write beside a transaction on the same
//! item, leaves keys of a batch unprocessed, and ends a page where it likes. For tests.

use crate::dispatch::Answer;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// One of so many reads is throttled; the SDK waits for a second then.
const THROTTLED_READS: u64 = 400;
/// One of so many writes meets a transaction or is throttled.
const REFUSED_WRITES: u64 = 15;
/// One of so many batches and pages ends early.
const CUT_SHORT: u64 = 4;
/// The same request is refused at most so often in a row: what DynamoDB refuses so passes.
const MOST_IN_A_ROW: u32 = 2;

static WAYS: OnceLock<Ways> = OnceLock::new();

struct Ways {
    seed: u64,
    latency: Duration,
    calls: AtomicU64,
    /// How often in a row each request was refused, by its hash.
    refused: Mutex<HashMap<u64, u32>>,
}

/// From now on every engine of this process behaves so, and takes so long for each answer.
pub fn behave_like_aws(seed: u64, latency: Duration) {
    let _ = WAYS.set(Ways { seed, latency, calls: AtomicU64::new(0), refused: Mutex::default() });
}

/// Answers in DynamoDB's place, or lets the engine answer a request, which may have become another one.
pub fn answer(operation: &str, body: &[u8], engine: impl FnOnce(&[u8]) -> Answer) -> Answer {
    match WAYS.get() {
        Some(ways) => ways.answer(operation, body, engine),
        None => engine(body),
    }
}

impl Ways {
    fn answer(&self, operation: &str, body: &[u8], engine: impl FnOnce(&[u8]) -> Answer) -> Answer {
        std::thread::sleep(self.latency);
        let chance = self.chance();
        let one_in = |many: u64| chance.is_multiple_of(many);
        let refusal = match operation {
            "TransactWriteItems" if one_in(REFUSED_WRITES) => Some(cancelled(body, chance)),
            "PutItem" | "UpdateItem" | "DeleteItem" if one_in(REFUSED_WRITES) => {
                let kinds = ["TransactionConflictException", "ProvisionedThroughputExceededException"];
                Some(error(kinds[usize::from(one_in(2 * REFUSED_WRITES))]))
            }
            "GetItem" | "Query" | "BatchGetItem" if one_in(THROTTLED_READS) => {
                Some(error("ProvisionedThroughputExceededException"))
            }
            _ => None,
        };
        if let Some(refusal) = refusal.filter(|_| self.may_refuse(operation, body)) {
            return refusal;
        }
        match operation {
            "BatchGetItem" if one_in(CUT_SHORT) => unprocessed(body, engine),
            "Query" if one_in(CUT_SHORT) => engine(&shorter(body)),
            _ => engine(body),
        }
    }

    /// A number for each call (splitmix64).
    fn chance(&self) -> u64 {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let mut z = self.seed.wrapping_add(call.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn may_refuse(&self, operation: &str, body: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        (operation, body).hash(&mut hasher);
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let count = refused.entry(hasher.finish()).or_default();
        *count += 1;
        if *count > MOST_IN_A_ROW {
            *count = 0;
            return false;
        }
        true
    }
}

fn error(kind: &str) -> Answer {
    let error = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "As on AWS."});
    (400, error.to_string())
}

/// One item of the transaction is part of another one, or its partition has no capacity left.
fn cancelled(body: &[u8], chance: u64) -> Answer {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let items = request["TransactItems"].as_array().map_or(0, Vec::len).max(1);
    let chosen = usize::try_from(chance >> 32).unwrap_or_default() % items;
    let code = if chance >> 63 == 0 { "TransactionConflict" } else { "ThrottlingError" };
    let reasons: Vec<_> = (0..items).map(|item| json!({"Code": if item == chosen { code } else { "None" }})).collect();
    let error = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": "As on AWS.", "CancellationReasons": reasons,
    });
    (400, error.to_string())
}

/// Answers the first half of the keys.
fn unprocessed(body: &[u8], engine: impl FnOnce(&[u8]) -> Answer) -> Answer {
    let mut request: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut left = Map::new();
    for (table, wanted) in request["RequestItems"].as_object_mut().into_iter().flatten() {
        let Some(keys) = wanted["Keys"].as_array_mut().filter(|keys| keys.len() > 1) else { continue };
        let rest = keys.split_off(keys.len() / 2);
        let mut unprocessed = wanted.clone();
        unprocessed["Keys"] = rest.into();
        left.insert(table.clone(), unprocessed);
    }
    let (status, answer) = engine(request.to_string().as_bytes());
    match serde_json::from_str::<Value>(&answer) {
        Ok(mut answer) if status == 200 => {
            answer["UnprocessedKeys"] = left.into();
            (status, answer.to_string())
        }
        _ => (status, answer),
    }
}

/// A query whose page ends after a few items.
fn shorter(body: &[u8]) -> Vec<u8> {
    let mut request: Value = serde_json::from_slice(body).unwrap_or_default();
    let wanted = request["Limit"].as_u64().unwrap_or(u64::MAX);
    request["Limit"] = wanted.min(7).into();
    request.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways() -> Ways {
        Ways { seed: 1, latency: Duration::ZERO, calls: AtomicU64::new(0), refused: Mutex::default() }
    }

    #[test]
    fn some_writes_are_refused_and_each_passes_in_the_end() {
        let ways = ways();
        let body = json!({"TransactItems": [{}, {}, {}]}).to_string();
        let mut statuses = Vec::new();
        for _ in 0..1_000 {
            let (status, answer) = ways.answer("TransactWriteItems", body.as_bytes(), |_| (200, String::new()));
            assert_eq!(status == 400, answer.contains("TransactionCanceledException") && answer.contains("\"None\""));
            statuses.push(status);
        }
        assert!(statuses.contains(&400));
        assert!(statuses.windows(3).all(|three| three.contains(&200)));
    }

    #[test]
    fn a_batch_answers_some_keys_and_names_the_others() {
        let body = json!({"RequestItems": {"t": {"Keys": [1, 2, 3], "ConsistentRead": true}}}).to_string();
        let (status, answer) = unprocessed(body.as_bytes(), |body| {
            let asked: Value = serde_json::from_slice(body).expect("JSON");
            assert_eq!(asked["RequestItems"]["t"]["Keys"], json!([1]));
            (200, json!({"Responses": {"t": []}, "UnprocessedKeys": {}}).to_string())
        });
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(
            (status, &answer["UnprocessedKeys"]),
            (200, &json!({"t": {"Keys": [2, 3], "ConsistentRead": true}}))
        );
    }
}

//! What is sent again, and after what pause: a pure decision on one outcome.

use super::answer::Answer;
use super::error::{Error, Refusal, retry_after};
use super::limits::Limit;
use super::request::Repeat;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Okta's code for a session, or a token, that it does not accept.
const INVALID_SESSION: &str = "E0000005";
/// Okta's code for "in maintenance, try a write again later".
const READ_ONLY_MODE: &str = "E0000010";
const MOST_TRIES: u32 = 4;
/// A tenant in trouble that asks for a longer pause is not waited for here.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// What came of one attempt.
pub enum Outcome {
    /// A whole answer, good or bad.
    Answer(Answer),
    /// Nothing was sent.
    Unsent(Error),
    /// Something was sent, and no whole answer came.
    Lost(Error),
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The outcome stands.
    Settled,
    /// Send it again after a pause.
    Again(Pause),
    /// Send it again with a new token.
    NewToken,
    /// Send it again with a new proof of possession, and with this nonce where Okta gave one.
    NewProof(Option<String>),
}

/// A pause before the next attempt.
#[derive(Debug, PartialEq, Eq)]
pub enum Pause {
    /// Until the limit's window ends; may be longer than there is time.
    Limit(SignedDuration),
    /// A short one that grows, so that many do not come back at once.
    Short(Duration),
}

/// What has been tried for one request.
#[derive(Default)]
pub struct Tries {
    failed: u32,
    limited: u32,
    renewed: bool,
    proved: bool,
}

/// Decides on one outcome. `now` counts only where the answer does not say when it was given.
pub fn judge(repeat: Repeat, outcome: &Outcome, tries: &mut Tries, now: Timestamp) -> Verdict {
    let again = match outcome {
        Outcome::Answer(answer) => return judge_answer(repeat, answer, tries, now),
        Outcome::Unsent(Error::Unreachable) => true,
        Outcome::Lost(Error::Broken | Error::Timeout) => repeat == Repeat::Safe,
        Outcome::Unsent(_) | Outcome::Lost(_) => false,
    };
    if again { once_more(tries) } else { Verdict::Settled }
}

fn judge_answer(repeat: Repeat, answer: &Answer, tries: &mut Tries, now: Timestamp) -> Verdict {
    let retry_after = || retry_after(&answer.headers).map(|seconds| SignedDuration::from_secs(seconds.into()));
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS => match Limit::of(&answer.headers, now) {
            Some(limit) if !limit.is_concurrency() && tries.limited < 2 => {
                tries.limited += 1;
                Verdict::Again(Pause::Limit(limit.wait))
            }
            Some(limit) if !limit.is_concurrency() => Verdict::Settled,
            _ => after(retry_after(), tries),
        },
        StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => judge_credential(answer, tries),
        StatusCode::BAD_GATEWAY if repeat == Repeat::Safe => once_more(tries),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            let untouched = || Refusal::of(answer.status, &answer.headers, &answer.body).code == READ_ONLY_MODE;
            let asks_too_much = retry_after().is_some_and(|pause| pause > LONGEST_PAUSE);
            let may_repeat = !asks_too_much && (repeat == Repeat::Safe || untouched());
            if may_repeat { after(retry_after(), tries) } else { Verdict::Settled }
        }
        _ => Verdict::Settled,
    }
}

/// A token or a proof that is not accepted is replaced once: such a request was never carried out.
fn judge_credential(answer: &Answer, tries: &mut Tries) -> Verdict {
    let refusal = Refusal::of(answer.status, &answer.headers, &answer.body);
    match refusal.challenge.as_deref() {
        Some("use_dpop_nonce" | "invalid_dpop_proof") if !tries.proved => {
            tries.proved = true;
            let nonce = answer.headers.get("dpop-nonce").and_then(|nonce| nonce.to_str().ok());
            Verdict::NewProof(nonce.map(str::to_owned))
        }
        challenge if !tries.renewed && (challenge == Some("invalid_token") || refusal.code == INVALID_SESSION) => {
            tries.renewed = true;
            Verdict::NewToken
        }
        _ => Verdict::Settled,
    }
}

/// Once more after the pause that Okta asks for; after a short one where it asks for none.
fn after(pause: Option<SignedDuration>, tries: &mut Tries) -> Verdict {
    match (once_more(tries), pause) {
        (Verdict::Again(_), Some(pause)) => Verdict::Again(Pause::Limit(pause)),
        (verdict, _) => verdict,
    }
}

fn once_more(tries: &mut Tries) -> Verdict {
    tries.failed += 1;
    if tries.failed >= MOST_TRIES {
        return Verdict::Settled;
    }
    let base = 100 << tries.failed;
    Verdict::Again(Pause::Short(Duration::from_millis(base + jitter(base))))
}

/// A random number below `bound`.
fn jitter(bound: u64) -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().1 % bound
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Outcome {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a header value"));
        }
        let status = StatusCode::from_u16(status).expect("a status");
        Outcome::Answer(Answer { status, headers: map, body: body.as_bytes().to_vec() })
    }

    fn repeats(repeat: Repeat, outcome: &Outcome) -> bool {
        judge(repeat, outcome, &mut Tries::default(), NOW) != Verdict::Settled
    }

    #[test]
    fn a_write_is_repeated_only_where_it_cannot_have_happened() {
        let limited = [("x-rate-limit-limit", "50"), ("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", "9")];
        let maintenance = "{\"errorCode\":\"E0000010\"}";
        for (outcome, read, write) in [
            (answer(429, &limited, ""), true, true),
            (answer(503, &[], ""), true, false),
            (answer(503, &[], maintenance), true, true),
            (answer(504, &[], ""), true, false),
            (answer(500, &[], ""), false, false),
            (answer(502, &[], ""), true, false),
            (answer(503, &[("retry-after", "3")], ""), true, false),
            (answer(403, &[], "{\"errorCode\":\"E0000005\"}"), true, true),
            (answer(403, &[], "{\"errorCode\":\"E0000006\"}"), false, false),
            (answer(401, &[("www-authenticate", "DPoP error=\"use_dpop_nonce\"")], ""), true, true),
            (answer(400, &[("www-authenticate", "DPoP error=\"invalid_dpop_proof\"")], ""), true, true),
            (answer(404, &[], ""), false, false),
            (answer(200, &[], "{}"), false, false),
            (answer(401, &[("www-authenticate", "Bearer error=\"invalid_token\"")], ""), true, true),
            (Outcome::Unsent(Error::Unreachable), true, true),
            (Outcome::Unsent(Error::UnknownHost(String::new())), false, false),
            (Outcome::Lost(Error::Broken), true, false),
            (Outcome::Lost(Error::Timeout), true, false),
            (Outcome::Lost(Error::Unreadable(String::new())), false, false),
        ] {
            assert_eq!((repeats(Repeat::Safe, &outcome), repeats(Repeat::OnlyIfUnsent, &outcome)), (read, write));
        }
    }

    #[test]
    fn every_request_ends() {
        let mut tries = Tries::default();
        let judged = (0..)
            .take_while(|_| judge(Repeat::Safe, &Outcome::Lost(Error::Broken), &mut tries, NOW) != Verdict::Settled);
        assert_eq!(judged.count(), 3);
        let later = answer(429, &[("retry-after", "3")], "");
        let pause = Pause::Limit(SignedDuration::from_secs(3));
        assert_eq!(judge(Repeat::Safe, &later, &mut Tries::default(), NOW), Verdict::Again(pause));
        let nonce = answer(401, &[("www-authenticate", "DPoP error=\"use_dpop_nonce\""), ("dpop-nonce", "n")], "");
        let mut tries = Tries::default();
        assert_eq!(judge(Repeat::Safe, &nonce, &mut tries, NOW), Verdict::NewProof(Some("n".to_owned())));
        assert_eq!(judge(Repeat::Safe, &nonce, &mut tries, NOW), Verdict::Settled);
        let invalid = answer(401, &[("www-authenticate", "DPoP error=\"invalid_token\"")], "");
        let mut tries = Tries::default();
        assert_eq!(judge(Repeat::Safe, &invalid, &mut tries, NOW), Verdict::NewToken);
        assert_eq!(judge(Repeat::Safe, &invalid, &mut tries, NOW), Verdict::Settled);
    }
}

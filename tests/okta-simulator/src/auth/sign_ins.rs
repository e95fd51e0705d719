//! Users who signed in to the web app: their codes, their refresh tokens, and what ends both.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::random::Id;

/// Seconds a code is good for.
const CODE: i64 = 300;
/// Seconds from the sign-in to the end of its refresh tokens; using them does not move it.
const REFRESH: i64 = 90 * 86_400;
/// Seconds a refresh token still works after it was replaced, in case the answer was lost.
const LEEWAY: i64 = 30;

/// One user's sign-in; tokens name it by its place.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// Who signed in.
    pub user: Id,
    /// The scopes asked for, all of which the app had.
    pub scopes: Vec<String>,
    /// When, in seconds since 1970.
    pub at: i64,
    /// What the client wants to find in the ID token.
    pub nonce: Option<String>,
    /// Whether its tokens are worth nothing any more.
    pub ended: bool,
}

/// What a code may be exchanged for, and by whom.
#[derive(Debug, Clone)]
pub struct Code {
    /// The sign-in.
    pub sign_in: SignIn,
    /// Where it was sent.
    pub redirect_uri: String,
    /// The SHA-256 of the verifier that must come with it.
    pub challenge: Option<String>,
}

#[derive(Debug)]
struct RefreshToken {
    text: String,
    sign_in: usize,
    uses: u64,
    replaced: Option<i64>,
}

/// All sign-ins, codes and refresh tokens.
#[derive(Debug, Default)]
pub struct SignIns {
    all: Vec<SignIn>,
    codes: HashMap<String, Code>,
    tokens: Vec<RefreshToken>,
    reuse_detected: u64,
}

impl SignIns {
    /// Keeps a code until it is used or old.
    pub fn keep(&mut self, code: String, meaning: Code) {
        self.codes.insert(code, meaning);
    }

    /// Uses up a code; none if it is unknown, used or old.
    pub fn take(&mut self, code: &str, now: i64) -> Option<Code> {
        self.codes.remove(code).filter(|code| now < code.sign_in.at + CODE)
    }

    /// Remembers a sign-in; the answer is its place.
    pub fn open(&mut self, sign_in: SignIn) -> usize {
        self.all.push(sign_in);
        self.all.len() - 1
    }

    /// The sign-in at a place, unless it has ended.
    pub fn live(&self, place: usize) -> Option<&SignIn> {
        self.all.get(place).filter(|sign_in| !sign_in.ended)
    }

    /// Keeps a new refresh token.
    pub fn issue(&mut self, text: String, sign_in: usize) {
        self.tokens.push(RefreshToken { text, sign_in, uses: 0, replaced: None });
    }

    /// Uses a refresh token: the place of its sign-in, or nothing if it is unknown, expired or was used before. Using
    /// one long after it was replaced means that it was stolen, and ends the sign-in.
    pub fn refresh(&mut self, text: &str, now: i64, rotate: bool) -> Option<usize> {
        let token = self.tokens.iter_mut().find(|token| token.text == text)?;
        token.uses += 1;
        let sign_in = self.all.get_mut(token.sign_in)?;
        if token.replaced.is_some_and(|at| now - at > LEEWAY) {
            sign_in.ended = true;
            self.reuse_detected += 1;
        }
        if sign_in.ended || now >= sign_in.at + REFRESH {
            return None;
        }
        if rotate && token.replaced.is_none() {
            token.replaced = Some(now);
        }
        Some(token.sign_in)
    }

    /// Ends the sign-in of a refresh token, if there is one.
    pub fn revoke(&mut self, text: &str) {
        let place = self.tokens.iter().find(|token| token.text == text).map(|token| token.sign_in);
        if let Some(sign_in) = place.and_then(|place| self.all.get_mut(place)) {
            sign_in.ended = true;
        }
    }

    /// Ends every sign-in, as an administrator who revokes all tokens of the app.
    pub fn end_all(&mut self) {
        self.all.iter_mut().for_each(|sign_in| sign_in.ended = true);
    }

    /// Ends every sign-in of a user.
    pub fn end(&mut self, user: Id) {
        let own = self.all.iter_mut().filter(|sign_in| sign_in.user == user);
        own.for_each(|sign_in| sign_in.ended = true);
        self.codes.retain(|_, code| code.sign_in.user != user);
    }

    /// How often each refresh token was used, oldest first.
    pub fn uses(&self) -> Value {
        self.tokens.iter().map(|token| json!(token.uses)).collect()
    }

    /// How often a replaced refresh token was used too late.
    pub fn reuse_detected(&self) -> u64 {
        self.reuse_detected
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Ids;

    fn signed_in(token: &str) -> SignIns {
        let mut sign_ins = SignIns::default();
        let user = Ids::new(1).next(*b"00u");
        let place = sign_ins.open(SignIn { user, scopes: Vec::new(), at: 0, nonce: None, ended: false });
        sign_ins.issue(token.into(), place);
        sign_ins
    }

    #[test]
    fn a_replaced_token_works_for_half_a_minute_and_then_ends_everything() {
        let mut sign_ins = signed_in("a");
        assert_eq!(sign_ins.refresh("a", 100, true), Some(0));
        sign_ins.issue("b".into(), 0);
        assert_eq!(sign_ins.refresh("a", 130, true), Some(0));
        assert_eq!(sign_ins.refresh("a", 131, true), None);
        assert_eq!(sign_ins.refresh("b", 131, true), None);
        assert_eq!((sign_ins.uses(), sign_ins.reuse_detected()), (json!([3, 1]), 1));
    }

    #[test]
    fn a_static_token_is_used_until_ninety_days_after_the_sign_in() {
        let mut sign_ins = signed_in("a");
        assert_eq!(sign_ins.refresh("a", 100, false), Some(0));
        assert_eq!(sign_ins.refresh("a", REFRESH - 1, false), Some(0));
        assert_eq!(sign_ins.refresh("a", REFRESH, false), None);
        assert_eq!(sign_ins.reuse_detected(), 0);
    }
}

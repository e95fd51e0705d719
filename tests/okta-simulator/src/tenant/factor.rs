//! A factor a user has enrolled and how Okta shows one.

use serde_json::{Value, json};

use super::user::User;
use crate::clock::Stamp;
use crate::random::Id;

/// What a factor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorKind {
    /// A push to Okta Verify.
    Push,
    /// The one-time password of Okta Verify.
    Totp,
    /// The key of Okta Verify.
    SignedNonce,
    /// The one-time password of Google Authenticator.
    GoogleTotp,
    /// A text message.
    Sms,
    /// An email.
    Email,
    /// A security key or a built-in authenticator.
    WebAuthn,
}

impl FactorKind {
    const ALL: [FactorKind; 7] = [
        FactorKind::Push,
        FactorKind::Totp,
        FactorKind::SignedNonce,
        FactorKind::GoogleTotp,
        FactorKind::Sms,
        FactorKind::Email,
        FactorKind::WebAuthn,
    ];

    /// The first kind whose type Okta writes so.
    pub fn parse(name: &str) -> Option<FactorKind> {
        FactorKind::ALL.into_iter().find(|kind| kind.row().0 == name)
    }

    /// The type and the provider as Okta writes them, and what ids start with.
    pub const fn row(self) -> (&'static str, &'static str, [u8; 3]) {
        match self {
            FactorKind::Push => ("push", "OKTA", *b"opf"),
            FactorKind::Totp => ("token:software:totp", "OKTA", *b"ost"),
            FactorKind::SignedNonce => ("signed_nonce", "OKTA", *b"crp"),
            FactorKind::GoogleTotp => ("token:software:totp", "GOOGLE", *b"uft"),
            FactorKind::Sms => ("sms", "OKTA", *b"mbl"),
            FactorKind::Email => ("email", "OKTA", *b"emf"),
            FactorKind::WebAuthn => ("webauthn", "FIDO", *b"fwf"),
        }
    }

    /// Whether it goes when another one goes: push and signed nonce take all of Okta Verify along.
    pub const fn goes_with(self, other: FactorKind) -> bool {
        matches!(other, FactorKind::Push | FactorKind::SignedNonce)
            && matches!(self, FactorKind::Push | FactorKind::Totp | FactorKind::SignedNonce)
    }
}

/// An enrolled factor.
#[derive(Debug, Clone)]
pub struct Factor {
    /// The id.
    pub id: Id,
    /// What it is.
    pub kind: FactorKind,
    /// When it was enrolled.
    pub created: Stamp,
}

impl Factor {
    /// The factor as Okta shows it, alone and in listings.
    pub fn json(&self, user: &User, base: &str) -> Value {
        let owner = format!("{base}/api/v1/users/{}", user.id);
        let own = format!("{owner}/factors/{}", self.id);
        let mut links = json!({
            "self": { "href": own, "hints": { "allow": ["GET", "DELETE"] } },
            "user": { "href": owner, "hints": { "allow": ["GET"] } },
        });
        if self.kind != FactorKind::SignedNonce {
            links["verify"] = json!({ "href": format!("{own}/verify"), "hints": { "allow": ["POST"] } });
        }
        let (name, provider, _) = self.kind.row();
        json!({
            "id": self.id,
            "factorType": name,
            "provider": provider,
            "vendorName": provider,
            "status": "ACTIVE",
            "created": self.created,
            "lastUpdated": self.created,
            "profile": self.profile(user),
            "_links": links,
        })
    }

    fn profile(&self, user: &User) -> Value {
        match self.kind {
            FactorKind::Push | FactorKind::SignedNonce => json!({
                "credentialId": user.login(), "deviceType": "SmartPhone_IPhone", "name": "iPhone",
                "platform": "IOS", "version": "18.0.0",
            }),
            FactorKind::Totp | FactorKind::GoogleTotp => json!({ "credentialId": user.login() }),
            FactorKind::Sms => json!({ "phoneNumber": phone(user) }),
            FactorKind::Email => json!({ "email": user.text("email") }),
            FactorKind::WebAuthn => json!({ "credentialId": self.id, "authenticatorName": "MacBook Touch ID" }),
        }
    }
}

/// The mobile phone as E.164 writes it, or some number.
fn phone(user: &User) -> String {
    let digits: String = user.text("mobilePhone").chars().filter(char::is_ascii_digit).take(14).collect();
    if digits.is_empty() || digits.starts_with('0') { "+15550100100".to_owned() } else { format!("+{digits}") }
}

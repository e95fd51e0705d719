//! What an app shows by the way people sign in to it: official SDKs refuse a body without it.

use serde_json::{Value, json};

use super::App;

impl App {
    /// The member `credentials`.
    pub(super) fn credentials(&self) -> Value {
        let mut credentials = json!({
            "userNameTemplate": { "template": "${source.login}", "type": "BUILT_IN" }, "signing": {},
        });
        match self.sign_on {
            Some("BASIC_AUTH" | "BROWSER_PLUGIN" | "SECURE_PASSWORD_STORE" | "AUTO_LOGIN") => {
                credentials["scheme"] = json!("EDIT_USERNAME_AND_PASSWORD");
                credentials["revealPassword"] = json!(false);
            }
            Some("SAML_2_0" | "OPENID_CONNECT") => credentials["signing"] = json!({ "kid": self.key() }),
            _ => {}
        }
        if self.is_client() {
            credentials["oauthClient"] = json!({
                "autoKeyRotation": true, "client_id": self.id, "token_endpoint_auth_method": "client_secret_basic",
                "pkce_required": true,
            });
        }
        credentials
    }

    /// The member `settings`.
    pub(super) fn settings(&self, base: &str) -> Value {
        let mut settings = json!({
            "app": self.own_settings(),
            "notifications": { "vpn": { "network": { "connection": "DISABLED" }, "message": null, "helpUrl": null } },
            "manualProvisioning": false, "implicitAssignment": false, "notes": { "admin": null, "enduser": null },
        });
        match self.sign_on {
            Some("SAML_2_0") => settings["signOn"] = self.saml(),
            Some("AUTO_LOGIN") => settings["signOn"] = json!({ "loginUrl": self.site("login") }),
            _ => {}
        }
        if self.is_client() {
            settings["oauthClient"] = self.client(base);
        }
        settings
    }

    /// Whether it is an app of the organization's that signs in as a client. Okta's own console shows nothing of one
    /// (recorded).
    pub fn is_client(&self) -> bool {
        self.sign_on == Some("OPENID_CONNECT") && self.name != "saasure"
    }

    /// What its integration asks for.
    fn own_settings(&self) -> Value {
        match self.sign_on {
            Some("BASIC_AUTH") => json!({ "url": self.site(""), "authURL": self.site("auth") }),
            Some("BOOKMARK") => json!({ "requestIntegration": false, "url": self.site("") }),
            Some("BROWSER_PLUGIN") => json!({
                "url": self.site("login"), "usernameField": "#user", "passwordField": "#password",
                "buttonField": "#sign-in",
            }),
            Some("SECURE_PASSWORD_STORE") => json!({
                "url": self.site("login"), "usernameField": "#user", "passwordField": "#password",
            }),
            _ => json!({}),
        }
    }

    fn client(&self, base: &str) -> Value {
        json!({
            "redirect_uris": [self.site("callback")],
            "post_logout_redirect_uris": [base], "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token"], "application_type": "web",
            "consent_method": "REQUIRED", "issuer_mode": "ORG_URL", "wildcard_redirect": "DISABLED",
            "idp_initiated_login": { "mode": "DISABLED", "default_scope": [] }, "dpop_bound_access_tokens": false,
            "refresh_token": { "rotation_type": "STATIC" },
        })
    }

    /// What real tenants show as null is left out: Okta's description of it forbids null.
    fn saml(&self) -> Value {
        let consumer = self.site("saml/acs");
        json!({
            "ssoAcsUrl": consumer, "recipient": consumer, "destination": consumer, "audience": self.site(""),
            "idpIssuer": "http://www.okta.com/${org.externalKey}", "subjectNameIdTemplate": "${user.userName}",
            "subjectNameIdFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
            "responseSigned": true, "assertionSigned": true, "signatureAlgorithm": "RSA_SHA256",
            "digestAlgorithm": "SHA256", "honorForceAuthn": true, "requestCompressed": false,
            "authnContextClassRef": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
            "attributeStatements": [], "allowMultipleAcsEndpoints": false, "acsEndpoints": [],
            "assertionEncryption": { "enabled": false },
        })
    }

    /// An address of the app's.
    fn site(&self, path: &str) -> String {
        format!("https://{}.example/{path}", self.name.replace('_', "-"))
    }

    /// The id of the key it signs with, as long as Okta's.
    fn key(&self) -> String {
        format!("{0}{0}key", self.id)
    }
}

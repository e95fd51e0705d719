//! Passwords, factors and sessions of users.

use super::{Again, Given, Row};

pub const ROWS: &[Row] = &[
    Row {
        name: "user.expire_password",
        given: &[Given::User(r#"{"status": "ACTIVE", "sessions": 2}"#)],
        input: r#"{"user": "{user}"}"#,
        sends: &["GET /api/v1/users/{user}", "POST /api/v1/users/{user}/lifecycle/expire_password"],
        output: r#"{"changed": true, "user": {"id": "{user}", "login": "{login}", "status": "PASSWORD_EXPIRED"}, "temporary_password": null}"#,
        after: &[
            ("/_sim/users/{user}", r#"{"status": "PASSWORD_EXPIRED", "sessions": 2}"#),
            ("/api/v1/users/{user}", r#"{"status": "PASSWORD_EXPIRED"}"#),
        ],
        events: &["user.account.expire_password {user}"],
        again: Again::Unchanged,
        wrong: &["STAGED", "SUSPENDED", "DEPROVISIONED"],
    },
    Row {
        name: "user.reset_password",
        given: &[Given::User(r#"{"status": "ACTIVE"}"#)],
        input: r#"{"user": "{user}"}"#,
        sends: &[
            "GET /api/v1/users/{user}",
            "POST /api/v1/users/{user}/lifecycle/reset_password?sendEmail=true&revokeSessions=false",
            "GET /api/v1/users/{user}",
        ],
        output: r#"{"changed": true, "user": {"id": "{user}", "login": "{login}", "status": "RECOVERY"}, "reset_password_url": null}"#,
        after: &[
            ("/_sim/users/{user}", r#"{"status": "RECOVERY"}"#),
            ("/api/v1/users/{user}", r#"{"status": "RECOVERY"}"#),
        ],
        events: &["user.account.reset_password {user}"],
        again: Again::Anew,
        wrong: &["STAGED", "SUSPENDED", "DEPROVISIONED"],
    },
    Row {
        name: "user.forgot_password",
        given: &[Given::User(r#"{"status": "ACTIVE", "recovery": true}"#)],
        input: r#"{"user": "{user}"}"#,
        sends: &["GET /api/v1/users/{user}", "POST /api/v1/users/{user}/credentials/forgot_password?sendEmail=false"],
        output: r#"{"changed": false, "user": {"id": "{user}", "login": "{login}", "status": "ACTIVE"}, "reset_password_url": "…"}"#,
        after: &[("/_sim/users/{user}", r#"{"status": "ACTIVE"}"#)],
        events: &["user.account.reset_password {user}"],
        again: Again::Anew,
        wrong: &["STAGED", "LOCKED_OUT", "DEPROVISIONED"],
    },
    Row {
        name: "user.reset_mfa",
        given: &[Given::User(r#"{"status": "ACTIVE", "factors": ["push", "sms"]}"#)],
        input: r#"{"user": "{user}"}"#,
        sends: &[
            "GET /api/v1/users/{user}",
            "GET /api/v1/users/{user}/factors",
            "POST /api/v1/users/{user}/lifecycle/reset_factors",
        ],
        output: r#"{"changed": true, "user": {"id": "{user}", "login": "{login}", "status": "ACTIVE"}, "factors_removed": 2}"#,
        after: &[("/_sim/users/{user}", r#"{"factors": []}"#), ("/api/v1/users/{user}/factors", "[]")],
        events: &["user.mfa.factor.reset_all {user}"],
        again: Again::Asked,
        wrong: &["DEPROVISIONED"],
    },
    Row {
        name: "user.clear_sessions",
        given: &[Given::User(r#"{"status": "ACTIVE", "sessions": 2}"#)],
        input: r#"{"user": "{user}"}"#,
        sends: &[
            "GET /api/v1/users/{user}",
            "DELETE /api/v1/users/{user}/sessions?oauthTokens=false&forgetDevices=true",
        ],
        output: r#"{"changed": true, "user": {"id": "{user}", "login": "{login}", "status": "ACTIVE"}}"#,
        after: &[("/_sim/users/{user}", r#"{"sessions": 0}"#)],
        events: &["user.session.clear {user}"],
        again: Again::Anew,
        wrong: &["DEPROVISIONED"],
    },
];

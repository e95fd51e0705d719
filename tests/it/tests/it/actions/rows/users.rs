//! Users.

use super::{Again, Given, READ, Row};

pub const LIFE: &[Row] = &[
    Row {
        name: "user.create",
        given: &[Given::NewLogin],
        input: r#"{"profile": {"login": "{login}", "email": "{login}", "firstName": "New", "lastName": "Person"}}"#,
        sends: &[
            "GET /api/v1/users/{login}",
            r#"POST /api/v1/users?activate=true {"profile": {"login": "{login}", "email": "{login}", "firstName": "New", "lastName": "Person"}}"#,
        ],
        output: r#"{"changed": true, "user": {"status": "PROVISIONED", "profile": {"login": "{login}"}}}"#,
        after: &[
            ("/_sim/users/{login}", r#"{"status": "PROVISIONED", "groups": []}"#),
            ("/api/v1/users/{login}", r#"{"status": "PROVISIONED", "profile": {"firstName": "New"}}"#),
        ],
        events: &["user.lifecycle.create {user}", "user.lifecycle.activate {user}"],
        again: Again::Refused("already-exists"),
        wrong: &[],
    },
    Row {
        name: "user.update",
        given: &[Given::User(r#"{"status": "ACTIVE"}"#)],
        input: r#"{"user": "{user}", "profile": {"lastName": "Baker"}}"#,
        sends: &["GET /api/v1/users/{user}", r#"POST /api/v1/users/{user} {"profile": {"lastName": "Baker"}}"#],
        output: r#"{"changed": true, "user": {"id": "{user}", "profile": {"lastName": "Baker", "login": "{login}"}}}"#,
        after: &[
            ("/_sim/users/{user}", r#"{"profile": {"lastName": "Baker", "firstName": "Row"}}"#),
            ("/api/v1/users/{user}", r#"{"profile": {"lastName": "Baker"}}"#),
        ],
        events: &["user.account.update_profile {user}"],
        again: Again::Unchanged,
        wrong: &["DEPROVISIONED"],
    },
    Row {
        name: "user.activate",
        given: &[Given::User(r#"{"status": "STAGED"}"#)],
        input: r#"{"user": "{user}"}"#,
        sends: &[
            "GET /api/v1/users/{user}",
            "POST /api/v1/users/{user}/lifecycle/activate?sendEmail=true",
            "GET /api/v1/users/{user}",
        ],
        output: r#"{"changed": true, "user": {"id": "{user}", "login": "{login}", "status": "PROVISIONED"}, "activation_url": null}"#,
        after: &[
            ("/_sim/users/{user}", r#"{"status": "PROVISIONED"}"#),
            ("/api/v1/users/{user}", r#"{"status": "PROVISIONED"}"#),
        ],
        events: &["user.lifecycle.activate {user}"],
        again: Again::Unchanged,
        wrong: &["SUSPENDED", "LOCKED_OUT"],
    },
    Row {
        name: "user.reactivate",
        given: &[Given::User(r#"{"status": "PROVISIONED"}"#)],
        input: r#"{"user": "{user}"}"#,
        sends: &[
            "GET /api/v1/users/{user}",
            "POST /api/v1/users/{user}/lifecycle/reactivate?sendEmail=true",
            "GET /api/v1/users/{user}",
        ],
        output: r#"{"changed": true, "user": {"id": "{user}", "login": "{login}", "status": "PROVISIONED"}, "activation_url": null}"#,
        after: &[("/_sim/users/{user}", r#"{"status": "PROVISIONED"}"#)],
        events: &["user.lifecycle.reactivate {user}"],
        again: Again::Anew,
        wrong: &["ACTIVE", "STAGED", "DEPROVISIONED"],
    },
    Row {
        name: "user.deactivate",
        given: &[Given::User(r#"{"status": "ACTIVE", "sessions": 1}"#), Given::Group, Given::Member],
        input: r#"{"user": "{user}"}"#,
        sends: &[
            "GET /api/v1/users/{user}",
            "POST /api/v1/users/{user}/lifecycle/deactivate?sendEmail=false",
            "GET /api/v1/users/{user}",
        ],
        output: r#"{"changed": true, "user": {"id": "{user}", "login": "{login}", "status": "DEPROVISIONED"}}"#,
        after: &[
            ("/_sim/users/{user}", r#"{"status": "DEPROVISIONED", "groups": [], "sessions": 0}"#),
            ("/api/v1/users/{user}", r#"{"status": "DEPROVISIONED"}"#),
            ("/api/v1/groups/{group}/users", "[]"),
        ],
        events: &["user.lifecycle.deactivate {user}", "group.user_membership.remove {user} {group}"],
        again: Again::Unchanged,
        wrong: &[],
    },
    Row {
        name: "user.suspend",
        given: &[Given::User(r#"{"status": "ACTIVE"}"#), Given::Group, Given::Member],
        input: r#"{"user": "{user}"}"#,
        sends: &["GET /api/v1/users/{user}", "POST /api/v1/users/{user}/lifecycle/suspend", "GET /api/v1/users/{user}"],
        output: r#"{"changed": true, "user": {"id": "{user}", "login": "{login}", "status": "SUSPENDED"}}"#,
        after: &[
            ("/_sim/users/{user}", r#"{"status": "SUSPENDED", "groups": ["{group}"]}"#),
            ("/api/v1/users/{user}", r#"{"status": "SUSPENDED"}"#),
        ],
        events: &["user.lifecycle.suspend {user}"],
        again: Again::Unchanged,
        wrong: &["STAGED", "PROVISIONED", "DEPROVISIONED"],
    },
    Row {
        name: "user.unsuspend",
        given: &[Given::User(r#"{"status": "SUSPENDED"}"#)],
        input: r#"{"user": "{user}"}"#,
        sends: &[
            "GET /api/v1/users/{user}",
            "POST /api/v1/users/{user}/lifecycle/unsuspend",
            "GET /api/v1/users/{user}",
        ],
        output: r#"{"changed": true, "user": {"id": "{user}", "login": "{login}", "status": "ACTIVE"}}"#,
        after: &[
            ("/_sim/users/{user}", r#"{"status": "ACTIVE"}"#),
            ("/api/v1/users/{user}", r#"{"status": "ACTIVE"}"#),
        ],
        events: &["user.lifecycle.unsuspend {user}"],
        again: Again::Unchanged,
        wrong: &["LOCKED_OUT", "DEPROVISIONED"],
    },
    Row {
        name: "user.unlock",
        given: &[Given::User(r#"{"status": "LOCKED_OUT"}"#)],
        input: r#"{"user": "{user}"}"#,
        sends: &["GET /api/v1/users/{user}", "POST /api/v1/users/{user}/lifecycle/unlock", "GET /api/v1/users/{user}"],
        output: r#"{"changed": true, "user": {"id": "{user}", "login": "{login}", "status": "ACTIVE"}}"#,
        after: &[
            ("/_sim/users/{user}", r#"{"status": "ACTIVE"}"#),
            ("/api/v1/users/{user}", r#"{"status": "ACTIVE"}"#),
        ],
        events: &["user.account.unlock {user}"],
        again: Again::Asked,
        wrong: &[],
    },
    Row {
        name: "user.delete",
        given: &[Given::User(r#"{"status": "ACTIVE"}"#)],
        input: r#"{"user": "{user}"}"#,
        sends: &[
            "GET /api/v1/users/{user}",
            "DELETE /api/v1/users/{user}?sendEmail=false",
            "GET /api/v1/users/{user}",
            "DELETE /api/v1/users/{user}?sendEmail=false",
            "GET /api/v1/users/{user}",
        ],
        output: r#"{"deleted": true, "user": {"id": "{user}", "login": "{login}", "status": "DEPROVISIONED"}}"#,
        after: &[("/_sim/users/{user}", "404"), ("/api/v1/users/{user}", "404")],
        events: &[
            "user.lifecycle.deactivate {user}",
            "user.lifecycle.delete.initiated {user}",
            "user.lifecycle.delete.completed {user}",
        ],
        again: Again::Refused("okta-not-found"),
        wrong: &[],
    },
    Row {
        name: "user.offboard",
        given: &[
            Given::User(r#"{"status": "ACTIVE", "sessions": 2, "factors": ["sms", "email"]}"#),
            Given::Group,
            Given::Member,
        ],
        input: r#"{"user": "{user}"}"#,
        sends: &[
            "GET /api/v1/users/{user}",
            "POST /api/v1/users/{user}/lifecycle/suspend",
            "DELETE /api/v1/users/{user}/sessions?oauthTokens=true&forgetDevices=true",
            "GET /api/v1/users/{user}/factors",
            "POST /api/v1/users/{user}/lifecycle/reset_factors",
            "GET /api/v1/users/{user}/groups",
            "DELETE /api/v1/groups/{group}/users/{user}",
            "POST /api/v1/users/{user}/lifecycle/deactivate?sendEmail=false",
            "GET /api/v1/users/{user}",
        ],
        output: r#"{"complete": true, "user": {"id": "{user}", "login": "{login}", "status": "DEPROVISIONED"}, "steps": [
            {"step": "suspend", "status": "done"}, {"step": "clear_sessions", "status": "done"},
            {"step": "reset_mfa", "status": "done"}, {"step": "leave_groups", "status": "done"},
            {"step": "deactivate", "status": "done"}]}"#,
        after: &[
            ("/_sim/users/{user}", r#"{"status": "DEPROVISIONED", "sessions": 0, "factors": [], "groups": []}"#),
            ("/api/v1/users/{user}", r#"{"status": "DEPROVISIONED"}"#),
        ],
        events: &[
            "user.lifecycle.suspend {user}",
            "user.session.clear {user}",
            "user.mfa.factor.reset_all {user}",
            "group.user_membership.remove {user} {group}",
            "user.lifecycle.deactivate {user}",
        ],
        again: Again::Unchanged,
        wrong: &[],
    },
];

pub const READS: &[Row] = &[
    Row {
        name: "user.get",
        given: &[Given::User(r#"{"status": "LOCKED_OUT"}"#)],
        input: r#"{"user": "{user}"}"#,
        sends: &["GET /api/v1/users/{user}"],
        output: r#"{"user": {"id": "{user}", "status": "LOCKED_OUT", "profile": {"login": "{login}"}}}"#,
        ..READ
    },
    Row {
        name: "user.search",
        given: &[Given::Person],
        input: r#"{"where": [{"attribute": "login", "op": "eq", "value": "{login}"}], "sort_by": "lastName", "limit": 5}"#,
        sends: &[
            r#"GET /api/v1/users?search=profile.login eq "{login}"&limit=5&sortBy=profile.lastName&sortOrder=asc"#,
        ],
        output: r#"{"items": [{"id": "{user}", "profile": {"login": "{login}"}}], "next_cursor": null}"#,
        ..READ
    },
    Row {
        name: "user.list_factors",
        given: &[Given::User(r#"{"status": "ACTIVE", "factors": ["push", "sms"]}"#)],
        input: r#"{"user": "{user}"}"#,
        sends: &["GET /api/v1/users/{user}", "GET /api/v1/users/{user}/factors"],
        output: r#"{"items": [{"factorType": "push"}, {"factorType": "sms"}], "next_cursor": null}"#,
        ..READ
    },
    Row {
        name: "user.list_groups",
        given: &[Given::User(r#"{"status": "ACTIVE"}"#), Given::Group, Given::Member],
        input: r#"{"user": "{user}", "fields": ["profile.name"]}"#,
        sends: &["GET /api/v1/users/{user}", "GET /api/v1/users/{user}/groups"],
        output: r#"{"items": [{"profile": {"name": "Everyone"}}, {"id": "{group}", "profile": {"name": "{name}"}}], "next_cursor": null}"#,
        ..READ
    },
    Row {
        name: "user.list_apps",
        given: &[Given::User(r#"{"status": "ACTIVE"}"#), Given::App, Given::Assigned],
        input: r#"{"user": "{user}"}"#,
        sends: &["GET /api/v1/users/{user}", "GET /api/v1/users/{user}/appLinks"],
        output: r#"{"items": [{"id": "{app}", "label": "{label}", "name": "slack"}], "next_cursor": null}"#,
        ..READ
    },
];

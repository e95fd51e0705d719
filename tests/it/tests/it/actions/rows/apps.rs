//! Apps.

use super::{Again, Given, READ, Row};

pub const ROWS: &[Row] = &[
    Row {
        name: "app.list",
        given: &[],
        input: r#"{"query": "google", "fields": ["label"]}"#,
        sends: &["GET /api/v1/apps?limit=50&q=google&includeNonDeleted=true"],
        output: r#"{"items": [{"label": "Google Workspace"}, {"label": "Google Workspace 2"}], "next_cursor": null}"#,
        ..READ
    },
    Row {
        name: "app.list_users",
        given: &[Given::Console],
        input: r#"{"app": "{app}"}"#,
        sends: &["GET /api/v1/apps/{app}", "GET /api/v1/apps/{app}/users?limit=50"],
        output: r#"{"items": [{"id": "{user}", "scope": "USER"}], "next_cursor": null}"#,
        ..READ
    },
    Row {
        name: "app.assign_user",
        given: &[Given::User("{}"), Given::App],
        input: r#"{"app": "{app}", "user": "{user}"}"#,
        sends: &[
            "GET /api/v1/apps/{app}",
            "GET /api/v1/users/{user}",
            "GET /api/v1/apps/{app}/users/{user}",
            r#"POST /api/v1/apps/{app}/users {"id": "{user}", "scope": "USER"}"#,
        ],
        output: r#"{"changed": true, "app": {"id": "{app}", "label": "{label}"}, "user": {"id": "{user}", "login": "{login}", "status": "ACTIVE"}}"#,
        after: &[
            ("/_sim/users/{user}", r#"{"apps": ["{app}"]}"#),
            ("/api/v1/apps/{app}/users/{user}", r#"{"scope": "USER"}"#),
        ],
        events: &["application.user_membership.add {user} {app}"],
        again: Again::Unchanged,
        wrong: &["DEPROVISIONED"],
    },
    Row {
        name: "app.unassign_user",
        given: &[Given::User("{}"), Given::App, Given::Assigned],
        input: r#"{"app": "{app}", "user": "{user}"}"#,
        sends: &[
            "GET /api/v1/apps/{app}",
            "GET /api/v1/users/{user}",
            "GET /api/v1/apps/{app}/users/{user}",
            "DELETE /api/v1/apps/{app}/users/{user}",
        ],
        output: r#"{"changed": true, "app": {"id": "{app}", "label": "{label}"}, "user": {"id": "{user}", "login": "{login}", "status": "ACTIVE"}}"#,
        after: &[("/_sim/users/{user}", r#"{"apps": []}"#), ("/api/v1/apps/{app}/users/{user}", "404")],
        events: &["application.user_membership.remove {user} {app}"],
        again: Again::Unchanged,
        wrong: &[],
    },
];

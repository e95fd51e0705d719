//! Groups.

use super::{Again, Given, READ, Row};

pub const ROWS: &[Row] = &[
    Row {
        name: "group.list",
        given: &[Given::Group],
        input: r#"{"query": "{name}"}"#,
        sends: &[r#"GET /api/v1/groups?limit=50&search=profile.name co "{name}""#],
        output: r#"{"items": [{"id": "{group}", "type": "OKTA_GROUP"}], "next_cursor": null}"#,
        ..READ
    },
    Row {
        name: "group.find",
        given: &[Given::Group],
        input: r#"{"name": "{name}"}"#,
        sends: &[r#"GET /api/v1/groups?limit=50&search=profile.name eq "{name}""#],
        output: r#"{"items": [{"id": "{group}", "profile": {"name": "{name}"}}], "next_cursor": null}"#,
        ..READ
    },
    Row {
        name: "group.get",
        given: &[Given::User("{}"), Given::Group, Given::Member],
        input: r#"{"group": "{group}", "limit": 1}"#,
        sends: &["GET /api/v1/groups/{group}", "GET /api/v1/groups/{group}/users?limit=1"],
        output: r#"{"group": {"id": "{group}", "profile": {"name": "{name}"}}, "members": {"items": [{"id": "{user}"}], "next_cursor": null}}"#,
        ..READ
    },
    Row {
        name: "group.list_members",
        given: &[Given::User("{}"), Given::Group, Given::Member],
        input: r#"{"group": "{group}"}"#,
        sends: &["GET /api/v1/groups/{group}", "GET /api/v1/groups/{group}/users?limit=50"],
        output: r#"{"items": [{"id": "{user}", "profile": {"login": "{login}"}}], "next_cursor": null}"#,
        ..READ
    },
    Row {
        name: "group.add_user",
        given: &[Given::User("{}"), Given::Group],
        input: r#"{"group": "{group}", "user": "{user}"}"#,
        sends: &[
            "GET /api/v1/groups/{group}",
            "GET /api/v1/users/{user}",
            "GET /api/v1/users/{user}/groups",
            "PUT /api/v1/groups/{group}/users/{user}",
        ],
        output: r#"{"changed": true, "group": {"id": "{group}", "name": "{name}"}, "user": {"id": "{user}", "login": "{login}", "status": "ACTIVE"}}"#,
        after: &[
            ("/_sim/users/{user}", r#"{"groups": ["{group}"]}"#),
            ("/api/v1/groups/{group}/users", r#"[{"id": "{user}"}]"#),
        ],
        events: &["group.user_membership.add {user} {group}"],
        again: Again::Unchanged,
        wrong: &["DEPROVISIONED"],
    },
    Row {
        name: "group.remove_user",
        given: &[Given::User("{}"), Given::Group, Given::Member],
        input: r#"{"group": "{group}", "user": "{user}"}"#,
        sends: &[
            "GET /api/v1/groups/{group}",
            "GET /api/v1/users/{user}",
            "GET /api/v1/users/{user}/groups",
            "DELETE /api/v1/groups/{group}/users/{user}",
        ],
        output: r#"{"changed": true, "group": {"id": "{group}", "name": "{name}"}, "user": {"id": "{user}", "login": "{login}", "status": "ACTIVE"}}"#,
        after: &[("/_sim/users/{user}", r#"{"groups": []}"#), ("/api/v1/groups/{group}/users", "[]")],
        events: &["group.user_membership.remove {user} {group}"],
        again: Again::Unchanged,
        wrong: &[],
    },
    Row {
        name: "group.create",
        given: &[Given::NewName],
        input: r#"{"name": "{name}", "description": "For a row"}"#,
        sends: &[r#"POST /api/v1/groups {"profile": {"name": "{name}", "description": "For a row"}}"#],
        output: r#"{"changed": true, "group": {"type": "OKTA_GROUP", "profile": {"name": "{name}"}}}"#,
        after: &[(
            r"/api/v1/groups?search=profile.name+eq+%22{name}%22",
            r#"[{"profile": {"description": "For a row"}}]"#,
        )],
        events: &["group.lifecycle.create {group}"],
        again: Again::Refused("already-exists"),
        wrong: &[],
    },
    Row {
        name: "group.delete",
        given: &[Given::User("{}"), Given::Group, Given::Member],
        input: r#"{"group": "{group}"}"#,
        sends: &["GET /api/v1/groups/{group}", "DELETE /api/v1/groups/{group}"],
        output: r#"{"deleted": true, "group": {"id": "{group}", "name": "{name}"}}"#,
        after: &[("/api/v1/groups/{group}", "404"), ("/_sim/users/{user}", r#"{"status": "ACTIVE", "groups": []}"#)],
        events: &["group.lifecycle.delete {group}"],
        again: Again::Refused("okta-not-found"),
        wrong: &[],
    },
];

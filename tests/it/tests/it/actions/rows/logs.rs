//! The System Log.

use super::{Given, READ, Row};

pub const ROWS: &[Row] = &[
    Row {
        name: "log.search",
        given: &[],
        input: r#"{"filter": "eventType eq \"user.session.start\"", "limit": 2}"#,
        sends: &[r#"GET /api/v1/logs?sortOrder=DESCENDING&limit=2&filter=eventType eq "user.session.start""#],
        output: r#"{"items": [{"eventType": "user.session.start"}, {"eventType": "user.session.start"}], "next_cursor": "…"}"#,
        ..READ
    },
    Row {
        name: "log.recent_logons_by_ip",
        given: &[Given::User("{}"), Given::Logon, Given::Times],
        input: r#"{"ip": "203.0.113.99", "since": "{earlier}", "until": "{later}"}"#,
        sends: &[
            r#"GET /api/v1/logs?since={earlier}&until={later}&sortOrder=DESCENDING&limit=1000&filter=((eventType eq "user.session.start" or eventType sw "user.authentication") and (client.ipAddress eq "203.0.113.99" or request.ipChain.ip eq "203.0.113.99"))"#,
        ],
        output: r#"{"ip": "203.0.113.99", "from": "{earlier}", "to": "{later}", "truncated": false,
            "users": [{"user": {"id": "{user}", "login": "{login}"}, "failures": 0, "successes": 1}]}"#,
        ..READ
    },
];

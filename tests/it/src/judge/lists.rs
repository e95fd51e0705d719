//! Where the description is silent or wrong: each exception by name, with the reason for it.
//!
//! Sections are those of the fact sheet that lies beside the description.

use super::By;

/// A field that the description wrongly forbids to be null in an answer.
pub struct Null {
    /// The name of the schema among the description's components.
    pub schema: &'static str,
    /// The field, with dots where it is nested.
    pub field: &'static str,
    /// What shows the null.
    pub seen_in: Source,
}

/// Where a fact is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The recording of that name, without `.json`.
    Recording(&'static str),
    /// The documentation of the System Log: "almost everything" may be null, these fields by name (6). No recording has
    /// log events.
    Documentation,
    /// A report of a user of one of Okta's SDKs.
    Report(&'static str),
    /// The log events that users of the System Log have published as examples.
    PublishedEvents,
}

const APPS: Source = Source::Recording("applications.list_applications_pagination_with_after");
const GROUPS: Source = Source::Recording("groups.search_group");

/// The nulls that Okta sends although its description forbids them.
pub const NULLS_OKTA_SENDS: &[Null] = &[
    null("ApplicationAccessibility", "errorRedirectUrl", APPS),
    null("ApplicationAccessibility", "loginRedirectUrl", APPS),
    null("Application", "universalLogout", APPS),
    null("Application", "signOnMode", Source::Report("okta-sdk-dotnet#821")),
    null("OktaUserGroupProfile", "description", GROUPS),
    null("LogEvent", "actor", Source::Documentation),
    null("LogEvent", "client", Source::Documentation),
    null("LogEvent", "legacyEventType", Source::PublishedEvents),
    null("LogEvent", "target", Source::Documentation),
    null("LogAuthenticationContext", "externalSessionId", Source::Documentation),
    null("LogActor", "detailEntry", Source::PublishedEvents),
    null("LogAuthenticationContext", "authenticationProvider", Source::PublishedEvents),
    null("LogAuthenticationContext", "credentialProvider", Source::PublishedEvents),
    null("LogAuthenticationContext", "credentialType", Source::PublishedEvents),
    null("LogAuthenticationContext", "interface", Source::PublishedEvents),
    null("LogAuthenticationContext", "issuer", Source::PublishedEvents),
    null("LogClient", "id", Source::PublishedEvents),
    null("LogGeographicalContext", "postalCode", Source::PublishedEvents),
    null("LogIpAddress", "source", Source::PublishedEvents),
    null("LogOutcome", "reason", Source::PublishedEvents),
    null("LogTarget", "detailEntry", Source::PublishedEvents),
    null("LogTransaction", "detail", Source::PublishedEvents),
];

const fn null(schema: &'static str, field: &'static str, seen_in: Source) -> Null {
    Null { schema, field, seen_in }
}

/// A query parameter as Okta takes it, added to the description or in place of what is described.
pub struct Parameter {
    /// The operation's method.
    pub method: &'static str,
    /// The operation's path template.
    pub template: &'static str,
    /// The parameter's name.
    pub name: &'static str,
    /// Its schema, as JSON in the dialect of the description.
    pub schema: &'static str,
    /// Why the description does not do.
    pub reason: &'static str,
}

const STRING: &str = r#"{"type": "string"}"#;
const TIME: &str = r#"{"type": "string", "format": "date-time"}"#;

/// The query parameters on which Okta and its description differ.
pub const PARAMETERS_OKTA_TAKES: &[Parameter] = &[
    Parameter {
        method: "GET",
        template: "/api/v1/users",
        name: "limit",
        schema: r#"{"type": "integer", "minimum": 1, "maximum": 200}"#,
        reason: "described without bounds; the maximum is 200 (2.1)",
    },
    Parameter {
        method: "GET",
        template: "/api/v1/groups",
        name: "limit",
        schema: r#"{"type": "integer", "minimum": 1, "maximum": 10000}"#,
        reason: "described without a minimum",
    },
    Parameter {
        method: "GET",
        template: "/api/v1/groups",
        name: "fields",
        schema: STRING,
        reason: "newer than the description (10)",
    },
    Parameter {
        method: "GET",
        template: "/api/v1/groups/{groupId}/users",
        name: "limit",
        schema: r#"{"type": "integer", "minimum": 1, "maximum": 1000}"#,
        reason: "described without bounds; the default of 1000 is the most that is recorded (2.2)",
    },
    Parameter {
        method: "GET",
        template: "/api/v1/groups/{groupId}/users",
        name: "search",
        schema: STRING,
        reason: "newer than the description (2.2, 10)",
    },
    Parameter {
        method: "GET",
        template: "/api/v1/groups/{groupId}/users",
        name: "expand",
        schema: STRING,
        reason: "newer than the description (2.2)",
    },
    Parameter {
        method: "GET",
        template: "/api/v1/groups/{groupId}/apps",
        name: "limit",
        schema: r#"{"type": "integer", "minimum": 1, "maximum": 200}"#,
        reason: "described without bounds; lists of apps end at 200 (3)",
    },
    Parameter {
        method: "GET",
        template: "/api/v1/users/{id}/groups",
        name: "limit",
        schema: r#"{"type": "integer", "minimum": 1, "maximum": 200}"#,
        reason: "described without paging, but its recorded link to itself has limit=200: a next link is followed verbatim",
    },
    Parameter {
        method: "GET",
        template: "/api/v1/users/{id}/groups",
        name: "after",
        schema: STRING,
        reason: "described without paging, but its recorded link to itself has limit=200: a next link is followed verbatim",
    },
    Parameter {
        method: "GET",
        template: "/api/v1/logs",
        name: "limit",
        schema: r#"{"type": "integer", "minimum": 0, "maximum": 1000}"#,
        reason: "its bounds are described in words only, as a format (6)",
    },
    Parameter {
        method: "GET",
        template: "/api/v1/logs",
        name: "since",
        schema: TIME,
        reason: "described with a format that no validator knows, \"ISO 8601 compliant timestamp\" (6)",
    },
    Parameter {
        method: "GET",
        template: "/api/v1/logs",
        name: "until",
        schema: TIME,
        reason: "described with a format that no validator knows, \"ISO 8601 compliant timestamp\" (6)",
    },
];

/// A status that Okta answers although the description does not name it for the operation.
pub struct Undocumented {
    /// The status.
    pub status: u16,
    /// Methods and path templates; empty means every operation.
    pub operations: &'static [(&'static str, &'static str)],
    /// What else the answer must be to be accepted.
    pub answer: Answer,
    /// From where this is known.
    pub by: By,
    /// Why Okta answers so.
    pub reason: &'static str,
}

/// What an answer of an undocumented status must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An Okta error with one of these codes.
    Codes(&'static [&'static str]),
    /// Any, if `WWW-Authenticate` names the error.
    Challenge,
    /// Any: it does not come from Okta's API itself.
    Anything,
}

const LISTS: &[(&str, &str)] = &[
    ("GET", "/api/v1/users"),
    ("GET", "/api/v1/groups"),
    ("GET", "/api/v1/groups/{groupId}/users"),
    ("GET", "/api/v1/groups/{groupId}/apps"),
    ("GET", "/api/v1/apps/{appId}/users"),
    ("GET", "/api/v1/apps/{appId}/groups"),
    ("GET", "/api/v1/devices"),
];

/// The statuses that Okta answers and the description leaves out.
pub const UNDOCUMENTED_STATUSES: &[Undocumented] = &[
    Undocumented {
        status: 400,
        operations: &[],
        answer: Answer::Challenge,
        by: By::OwnSchema,
        reason: "a DPoP proof that is missing, replayed or too old, or a bound token sent as Bearer (1.4)",
    },
    Undocumented {
        status: 400,
        operations: &[],
        answer: Answer::Codes(&["E0000002", "E0000003", "E0000018", "E0000019", "E0000021"]),
        by: By::OwnSchema,
        reason: "a malformed request, or a wrong Accept or Content-Type (2, 8)",
    },
    Undocumented {
        status: 400,
        operations: &[("GET", "/api/v1/apps")],
        answer: Answer::Codes(&["E0000029"]),
        by: By::Recording,
        reason: "a cursor that is not valid (3)",
    },
    Undocumented {
        status: 400,
        operations: &[("GET", "/api/v1/apps")],
        answer: Answer::Codes(&["E0000031", "E0000053"]),
        by: By::OwnSchema,
        reason: "a filter that is not valid (8)",
    },
    Undocumented {
        status: 400,
        operations: LISTS,
        answer: Answer::Codes(&["E0000029", "E0000031", "E0000033", "E0000053", "E0000094"]),
        by: By::OwnSchema,
        reason: "a cursor, search or filter that is not valid, or two of q, search and filter (2.1, 3, 8)",
    },
    Undocumented {
        status: 401,
        operations: &[],
        answer: Answer::Codes(&["E0000011"]),
        by: By::OwnSchema,
        reason: "an API token that is revoked, expired or never was one (1.1)",
    },
    Undocumented {
        status: 401,
        operations: &[],
        answer: Answer::Codes(&["E0000015"]),
        by: By::OwnSchema,
        reason: "a feature that the organization has not licensed (1.6)",
    },
    Undocumented {
        status: 401,
        operations: &[],
        answer: Answer::Challenge,
        by: By::OwnSchema,
        reason: "an OAuth token that is expired, revoked or of another organization (1.6)",
    },
    Undocumented {
        status: 404,
        operations: &[("GET", "/api/v1/users/{userId}/devices"), ("GET", "/api/v1/devices")],
        answer: Answer::Codes(&["E0000007", "E0000008"]),
        by: By::OwnSchema,
        reason: "devices exist on Identity Engine only, and a user may not exist (2.1)",
    },
    Undocumented {
        status: 405,
        operations: &[],
        answer: Answer::Codes(&["E0000022"]),
        by: By::OwnSchema,
        reason: "a method that the path does not support (8)",
    },
    Undocumented {
        status: 406,
        operations: &[],
        answer: Answer::Codes(&["E0000122"]),
        by: By::OwnSchema,
        reason: "an Accept that Okta cannot satisfy (2)",
    },
    Undocumented {
        status: 409,
        operations: &[("POST", "/api/v1/users/{id}"), ("PUT", "/api/v1/users/{id}")],
        answer: Answer::Codes(&["E0000112"]),
        by: By::OwnSchema,
        reason: "a user who is still being activated (2.1)",
    },
    Undocumented {
        status: 409,
        operations: &[("POST", "/api/v1/apps/{appId}/users")],
        answer: Answer::Codes(&["E0000062"]),
        by: By::OwnSchema,
        reason: "an assignment that was made meanwhile, in Okta's list of error codes (8)",
    },
    Undocumented {
        status: 411,
        operations: &[],
        answer: Answer::Anything,
        by: By::OwnSchema,
        reason: "a POST or PUT without a body and without Content-Length (2)",
    },
    Undocumented {
        status: 412,
        operations: &[("POST", "/api/v1/users/{id}"), ("PUT", "/api/v1/users/{id}")],
        answer: Answer::Codes(&["E0000231"]),
        by: By::OwnSchema,
        reason: "a user who has changed since the ETag of If-Match (2.1)",
    },
    Undocumented {
        status: 414,
        operations: &[],
        answer: Answer::Codes(&["E0000256"]),
        by: By::OwnSchema,
        reason: "a search so long that its echo in the Link header is too (8)",
    },
    Undocumented {
        status: 429,
        operations: &[],
        answer: Answer::Codes(&["E0000047"]),
        by: By::OwnSchema,
        reason: "a rate limit, where the description forgets it (5)",
    },
    Undocumented {
        status: 500,
        operations: &[],
        answer: Answer::Codes(&["E0000009"]),
        by: By::OwnSchema,
        reason: "a failure inside Okta, on lists usually a timeout (2.1, 6, 8)",
    },
    Undocumented {
        status: 501,
        operations: &[
            ("PUT", "/api/v1/groups/{groupId}/users/{userId}"),
            ("DELETE", "/api/v1/groups/{groupId}/users/{userId}"),
        ],
        answer: Answer::Codes(&["E0000060"]),
        by: By::OwnSchema,
        reason: "members of a group that is not Okta's own; 403 since 2026 (2.2)",
    },
    Undocumented {
        status: 503,
        operations: &[],
        answer: Answer::Codes(&["E0000010", "E0000100"]),
        by: By::OwnSchema,
        reason: "maintenance in read-only mode, or a search that could not run (8)",
    },
];

/// The status that each error code comes with (8). A code that is not here is not judged.
pub const ERROR_CODES: &[(&str, u16)] = &[
    ("E0000001", 400),
    ("E0000002", 400),
    ("E0000003", 400),
    ("E0000004", 401),
    ("E0000005", 403),
    ("E0000006", 403),
    ("E0000007", 404),
    ("E0000008", 404),
    ("E0000009", 500),
    ("E0000010", 503),
    ("E0000011", 401),
    ("E0000014", 403),
    ("E0000015", 401),
    ("E0000016", 403),
    ("E0000017", 403),
    ("E0000018", 400),
    ("E0000019", 400),
    ("E0000021", 400),
    ("E0000022", 405),
    ("E0000023", 403),
    ("E0000028", 400),
    ("E0000029", 400),
    ("E0000031", 400),
    ("E0000032", 403),
    ("E0000033", 400),
    ("E0000034", 403),
    ("E0000038", 403),
    ("E0000047", 429),
    ("E0000053", 400),
    ("E0000056", 403),
    ("E0000060", 501),
    ("E0000077", 403),
    ("E0000078", 403),
    ("E0000080", 403),
    ("E0000093", 400),
    ("E0000094", 400),
    ("E0000100", 503),
    ("E0000111", 403),
    ("E0000112", 409),
    ("E0000117", 403),
    ("E0000122", 406),
    ("E0000231", 412),
    ("E0000242", 400),
    ("E0000256", 414),
    ("E0000260", 403),
];

/// The lists that the recordings show with a link to themselves, even when empty.
pub const LISTS_WITH_SELF: &[&str] = &[
    "/api/v1/users",
    "/api/v1/users/{id}/groups",
    "/api/v1/users/{userId}/grants",
    "/api/v1/groups/{groupId}/users",
    "/api/v1/apps",
];

/// The lists whose search by `q` has one page only (2.1, 2.2).
pub const UNPAGED_WITH_Q: &[&str] = &["/api/v1/users", "/api/v1/groups"];

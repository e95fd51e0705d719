//! The attributes of an event of the log, as Okta's OpenAPI description has them (`LogEvent`).

use Shape::{Flag, Number, Open, Parts, Scalar, Text};

/// What lies at an attribute. A list is as its members are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// Text or a number, from event to event.
    Scalar,
    /// Anything, with members of any names.
    Open,
    /// An object of these members.
    Parts(Members),
}

/// Attributes by their names.
pub type Members = &'static [(&'static str, Shape)];

/// What a filter is about.
#[derive(Debug)]
pub struct Subject {
    /// Its attributes.
    pub members: Members,
    /// What it is called, with `of` before it.
    pub name: &'static str,
    /// A filter of it.
    pub example: &'static str,
}

/// The events of the System Log.
pub static EVENTS: Subject =
    Subject { members: EVENT, name: "the log's events", example: r#"eventType eq "user.session.start""# };

const EVENT: Members = &[
    (
        "actor",
        Parts(&[("alternateId", Text), ("detailEntry", Open), ("displayName", Text), ("id", Text), ("type", Text)]),
    ),
    (
        "authenticationContext",
        Parts(&[
            ("authenticationProvider", Text),
            ("authenticationStep", Number),
            ("credentialProvider", Text),
            ("credentialType", Text),
            ("externalSessionId", Text),
            ("interface", Text),
            ("issuer", Parts(&[("id", Text), ("type", Text)])),
        ]),
    ),
    (
        "client",
        Parts(&[
            ("device", Text),
            ("geographicalContext", PLACE),
            ("id", Text),
            ("ipAddress", Text),
            ("userAgent", Parts(&[("browser", Text), ("os", Text), ("rawUserAgent", Text)])),
            ("zone", Text),
        ]),
    ),
    ("debugContext", Parts(&[("debugData", Open)])),
    // In every event, and not in the description.
    ("device", Open),
    ("displayMessage", Text),
    ("eventType", Text),
    ("legacyEventType", Text),
    ("outcome", Parts(&[("reason", Text), ("result", Text)])),
    (
        "request",
        Parts(&[(
            "ipChain",
            Parts(&[
                ("geographicalContext", PLACE),
                ("ip", Text),
                ("ipDetails", ADDRESS),
                ("source", Text),
                ("version", Text),
            ]),
        )]),
    ),
    (
        "securityContext",
        Parts(&[
            ("asNumber", Number),
            ("asOrg", Text),
            ("botProtection", Parts(&[("level", Text)])),
            ("domain", Text),
            ("ipDetails", ADDRESS),
            ("isProxy", Flag),
            ("isp", Text),
            (
                "risk",
                Parts(&[
                    ("detectionName", Text),
                    ("issuer", Text),
                    ("level", Text),
                    ("previousLevel", Text),
                    ("reasons", Text),
                ]),
            ),
            ("userBehaviors", Parts(&[("id", Text), ("name", Text), ("result", Text)])),
        ]),
    ),
    ("severity", Text),
    (
        "target",
        Parts(&[
            ("alternateId", Text),
            ("changeDetails", Open),
            ("detailEntry", Open),
            ("displayName", Text),
            ("id", Text),
            ("type", Text),
        ]),
    ),
    ("transaction", Parts(&[("detail", Open), ("id", Text), ("type", Text)])),
    ("uuid", Text),
    ("version", Text),
];

const PLACE: Shape = Parts(&[
    ("city", Text),
    ("country", Text),
    ("geolocation", Parts(&[("lat", Number), ("lon", Number)])),
    ("postalCode", Scalar),
    ("state", Text),
]);

const ADDRESS: Shape = Parts(&[
    ("asNumber", Number),
    ("asOrg", Text),
    ("domain", Text),
    ("ipServiceCategories", Parts(&[("isAnonymous", Flag), ("operator", Text), ("type", Text)])),
    ("isp", Text),
]);

/// What lies at a dotted path; else a sentence for whoever wrote it.
pub fn find(path: &str, subject: &Subject) -> Result<Shape, String> {
    if path == "published" && subject.name == EVENTS.name {
        return Err("no filter may use published: leave it out, the time of an event is not filtered".to_owned());
    }
    let mut shape = Parts(subject.members);
    let mut end = 0;
    for name in path.split('.') {
        let above = path[..end].trim_end_matches('.');
        let named = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$');
        if name.is_empty() || !name.chars().all(named) {
            return Err(format!("`{}` is no attribute: write names with dots between, as in actor.id", cut(path)));
        }
        shape = match shape {
            Open => Open,
            Parts(members) => member(members, name).ok_or_else(|| unknown(path, above, members, name, subject))?,
            _ => return Err(format!("`{above}` has no parts: write {above} alone")),
        };
        end += name.len() + 1;
    }
    Ok(shape)
}

fn member(members: Members, name: &str) -> Option<Shape> {
    members.iter().find(|(known, _)| *known == name).map(|(_, shape)| *shape)
}

fn unknown(path: &str, above: &str, members: Members, name: &str, subject: &Subject) -> String {
    let plain = |name: &str| name.replace(['_', '-'], "").to_lowercase();
    let dot = if above.is_empty() { "" } else { "." };
    let meant = members.iter().find(|(known, _)| plain(known) == plain(name));
    let instead = match meant {
        Some((known, _)) => format!("{above}{dot}{known}"),
        None => format!("one of {}", parts(above, members)),
    };
    format!("`{}` is no attribute of {}: write {instead}", cut(path), subject.name)
}

/// The attributes below another.
pub fn parts(above: &str, members: Members) -> String {
    let dot = if above.is_empty() { "" } else { "." };
    members.iter().map(|(name, _)| format!("{above}{dot}{name}")).collect::<Vec<_>>().join(", ")
}

/// The beginning of a text, to be told.
pub fn cut(text: &str) -> &str {
    text.char_indices().nth(60).map_or(text, |(end, _)| &text[..end])
}

//! An app, its assignments, and how Okta shows them.

mod sign_on;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Org;
use super::user::User;
use crate::clock::Stamp;
use crate::filter::Found;
use crate::log::Party;
use crate::random::Id;

/// Links on a dashboard: name and title, which is empty where the app's label says it all.
pub type Links = &'static [(&'static str, &'static str)];

/// A direct assignment of a user.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// When it was made.
    pub created: Stamp,
    /// When its profile was last given.
    pub last_updated: Stamp,
    /// The profile in the app.
    pub profile: Map<String, Value>,
}

impl Assignment {
    /// A new one.
    pub fn new(now: Stamp) -> Assignment {
        Assignment { created: now, last_updated: now, profile: Map::new() }
    }
}

/// An app.
#[derive(Debug)]
pub struct App {
    /// The id.
    pub id: Id,
    /// The integration's name.
    pub name: String,
    /// The name people see.
    pub label: String,
    /// Whether it is in use.
    pub active: bool,
    /// How people sign in to it; not at all to a directory (okta-sdk-dotnet#822).
    pub sign_on: Option<&'static str>,
    /// When it was made.
    pub created: Stamp,
    /// The last change.
    pub last_updated: Stamp,
    /// The links people see on their dashboard. Some apps have several, some none.
    pub links: Links,
    /// Users assigned directly.
    pub users: BTreeMap<Id, Assignment>,
    /// Groups assigned, in order of priority.
    pub groups: BTreeSet<Id>,
}

impl App {
    /// The app as target of an event.
    pub fn party(&self) -> Party {
        Party { id: self.id.to_string(), kind: "AppInstance", alternate: self.label.clone(), name: self.label.clone() }
    }

    /// Whether it is a directory, whose groups may hold roles.
    pub fn is_directory(&self) -> bool {
        self.name == "active_directory"
    }

    /// The status as Okta writes it.
    pub fn status(&self) -> &'static str {
        if self.active { "ACTIVE" } else { "INACTIVE" }
    }

    /// The value of a filter attribute; whom it is assigned to is the listing's business.
    pub fn found(&self, attribute: &str) -> Found<'_> {
        match attribute {
            "id" => self.id.as_str().into(),
            "status" => self.status().into(),
            "name" => self.name.as_str().into(),
            _ => Found::Missing,
        }
    }

    /// The app as Okta shows it, alone and in listings.
    pub fn json(&self, org: &Org, base: &str) -> Value {
        let own = format!("{base}/api/v1/apps/{}", self.id);
        let turn = if self.active { "deactivate" } else { "activate" };
        let mut links = json!({
            "uploadLogo": { "href": format!("{own}/logo"), "hints": { "allow": ["POST"] } },
            "appLinks": self.links().map(|(name, _, href)| json!({
                "name": name, "href": format!("{base}{href}"), "type": "text/html",
            })).collect::<Value>(),
            "policies": { "href": format!("{own}/policies"), "hints": { "allow": ["PUT"] } },
            "groups": { "href": format!("{own}/groups") },
            "users": { "href": format!("{own}/users") },
            "logo": [{ "name": "medium", "href": format!("{base}/assets/img/logos/{}.png", self.name), "type": "image/png" }],
        });
        links[turn] = json!({ "href": format!("{own}/lifecycle/{turn}") });
        json!({
            "id": self.id,
            "orn": format!("orn:okta:idp:{}:apps:{}:{}", org.id, self.name, self.id),
            "name": self.name,
            "label": self.label,
            "status": self.status(),
            "created": self.created,
            "lastUpdated": self.last_updated,
            "accessibility": { "selfService": false, "errorRedirectUrl": null, "loginRedirectUrl": null },
            "visibility": {
                "autoLaunch": false, "autoSubmitToolbar": false,
                "hide": { "iOS": false, "web": false }, "appLinks": self.links.iter().map(|link| (link.0.to_owned(), true.into())).collect::<Map<_, _>>(),
            },
            "features": [],
            "signOnMode": self.sign_on,
            "credentials": self.credentials(),
            "universalLogout": null,
            "settings": self.settings(base),
            "_links": links,
        })
    }

    /// The links people see: name, title and path.
    fn links(&self) -> impl Iterator<Item = (&'static str, &'static str, String)> {
        let place = |number: usize| format!("/home/{}/{}/{}", self.name, self.id, number + 1);
        self.links.iter().enumerate().map(move |(number, (name, title))| (*name, *title, place(number)))
    }

    /// The links on a user's dashboard, without their order.
    pub fn dashboard(&self, user: &User, base: &str) -> impl Iterator<Item = Value> {
        let assignment = format!("0ua{}{}", &user.id.as_str()[3..12], &self.id.as_str()[3..11]);
        self.links().map(move |(_, title, href)| {
            json!({
                "id": user.id,
                "label": if title.is_empty() { self.label.clone() } else { format!("{} {title}", self.label) },
                "linkUrl": format!("{base}{href}"),
                "logoUrl": format!("{base}/assets/img/logos/{}.png", self.name),
                "appName": self.name,
                "appInstanceId": self.id,
                "appAssignmentId": assignment,
                "credentialsSetup": false,
                "hidden": false,
            })
        })
    }

    /// A user's assignment, direct or through a group.
    pub fn assignment(&self, user: &User, base: &str) -> Value {
        let direct = self.users.get(&user.id);
        let granted = Assignment::new(self.last_updated.max(user.created));
        let shown = direct.unwrap_or(&granted);
        let mut links = json!({
            "app": { "href": format!("{base}/api/v1/apps/{}", self.id) },
            "user": { "href": format!("{base}/api/v1/users/{}", user.id) },
        });
        let through = self.groups.iter().find(|group| user.groups.contains(group));
        if let (None, Some(group)) = (direct, through) {
            links["group"] = json!({ "href": format!("{base}/api/v1/groups/{group}"), "name": group });
        }
        json!({
            "id": user.id,
            "externalId": format!("ext-{}", user.id),
            "created": shown.created,
            "lastUpdated": shown.last_updated,
            "scope": if direct.is_some() { "USER" } else { "GROUP" },
            "status": "ACTIVE",
            "statusChanged": shown.created,
            "passwordChanged": null,
            "syncState": "DISABLED",
            "credentials": { "userName": user.login() },
            "profile": shown.profile,
            "_links": links,
        })
    }

    /// A group's assignment; its priority is its place among the app's groups.
    pub fn group_assignment(&self, group: Id, base: &str) -> Value {
        let app = format!("{base}/api/v1/apps/{}", self.id);
        json!({
            "id": group,
            "lastUpdated": self.last_updated,
            "priority": self.groups.range(..group).count(),
            "profile": {},
            "_links": {
                "app": { "href": app },
                "self": { "href": format!("{app}/groups/{group}") },
                "group": { "href": format!("{base}/api/v1/groups/{group}") },
            },
        })
    }
}

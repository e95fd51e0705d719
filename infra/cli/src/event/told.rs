//! Who an event is about, and what happened, in words: names in place of ids.

use crate::output::{Row, moment};
use crate::{Context, Failure};
use okta_connector_client::{CloudEvent, Error, segment};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;

/// So many changed attributes are named.
const MOST: usize = 4;

/// An event with its words. Programs get the event alone.
#[derive(Serialize)]
pub struct Told {
    #[serde(flatten)]
    pub event: CloudEvent,
    #[serde(skip)]
    pub who: String,
    #[serde(skip)]
    pub what: String,
}

impl Told {
    /// Without words.
    pub fn plain(event: CloudEvent) -> Self {
        Self { event, who: String::new(), what: String::new() }
    }
}

impl Row for Told {
    const COLUMNS: &'static [&'static str] = &["TIME", "TYPE", "SUBJECT", "ID", "WHO", "WHAT"];

    fn cells(&self) -> Vec<String> {
        let event = &self.event;
        let time = moment(Some(&event.time));
        vec![time, event.kind.clone(), event.subject.clone(), event.id.clone(), self.who.clone(), self.what.clone()]
    }
}

impl Told {
    /// The columns for people, who need no ids.
    pub const WORDS: &'static [&'static str] = &["TIME", "TYPE", "WHO", "WHAT"];

    /// What is in them.
    pub fn words(&self) -> Vec<String> {
        vec![moment(Some(&self.event.time)), self.event.kind.clone(), self.who.clone(), self.what.clone()]
    }
}

/// Finds the words. It asks for each name once.
pub struct Teller<'a> {
    context: &'a Context,
    names: HashMap<String, String>,
}

impl<'a> Teller<'a> {
    pub fn new(context: &'a Context) -> Self {
        Self { context, names: HashMap::new() }
    }

    /// The event with its words.
    pub async fn tell(&mut self, event: CloudEvent) -> Result<Told, Failure> {
        let (who, what) = match event.kind.strip_prefix("okta-connector.") {
            Some(kind) => self.of_directory(kind, &event.data).await?,
            None => of_okta(&event.data),
        };
        Ok(Told { event, who, what })
    }

    /// Of what a sync found changed, as in `membership.added`.
    async fn of_directory(&mut self, kind: &str, data: &Value) -> Result<(String, String), Failure> {
        let id = data["id"].as_str().unwrap_or_default();
        let (object, verb) = kind.split_once('.').unwrap_or((kind, ""));
        let list = match object {
            "user" => "users",
            "group" | "membership" => "groups",
            "app" | "assignment" => "apps",
            "sync" => return Ok((String::new(), of_sync(data))),
            _ => return Ok((String::new(), of_search(data))),
        };
        let Some((container, user)) = id.split_once('/') else {
            let verb = if verb == "updated" { changes(data) } else { verb.to_owned() };
            return Ok((self.name(list, id).await?, verb));
        };
        let container = self.name(list, container).await?;
        let what = match (object, verb) {
            ("membership", "added") => format!("joined {container}"),
            ("membership", _) => format!("left {container}"),
            (_, "added") => format!("got {container}"),
            (_, "removed") => format!("lost {container}"),
            _ => format!("assignment of {container} changed"),
        };
        Ok((self.name("users", user).await?, what))
    }

    /// The name of something in the directory; of what is gone, its id.
    async fn name(&mut self, list: &str, id: &str) -> Result<String, Failure> {
        if let Some(name) = self.names.get(id) {
            return Ok(name.clone());
        }
        let path = self.context.path(&format!("/{list}/{}", segment(id))).await?;
        let name = match self.context.client.get::<Value>(&path).await {
            Ok(object) => name_of(&object).unwrap_or_else(|| id.to_owned()),
            Err(Error::Problem(_)) => id.to_owned(),
            Err(error) => return Err(error.into()),
        };
        self.names.insert(id.to_owned(), name.clone());
        Ok(name)
    }
}

fn name_of(object: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let profile = &object["profile"];
    let both = [&profile["firstName"], &profile["lastName"]].into_iter().filter_map(text).collect::<Vec<_>>().join(" ");
    let both = Some(both).filter(|both| !both.is_empty());
    let own = text(&object["name"]).filter(|_| object["label"].is_null());
    text(&object["label"])
        .or(own)
        .or_else(|| text(&profile["displayName"]))
        .or(both)
        .or_else(|| text(&profile["login"]))
}

/// Which attributes of an object are others now, as in `status, title`.
fn changes(data: &Value) -> String {
    let changed = data["changed"].as_object();
    let names: Vec<_> = changed.into_iter().flatten().map(|(path, _)| path.trim_start_matches("profile.")).collect();
    match names.len() {
        0 => "updated".to_owned(),
        count if count > MOST => format!("{} and {} more changed", names[..MOST].join(", "), count - MOST),
        _ => format!("{} changed", names.join(", ")),
    }
}

/// Of an event of Okta's log: its actor, and what it did to whom.
fn of_okta(data: &Value) -> (String, String) {
    let name = |of: &Value| of["displayName"].as_str().or(of["alternateId"].as_str()).unwrap_or_default().to_owned();
    let actor = name(&data["actor"]);
    let message = data["displayMessage"].as_str().unwrap_or_default();
    let targets = data["target"].as_array().into_iter().flatten().map(name);
    let others: Vec<_> = targets.filter(|target| !target.is_empty() && *target != actor).collect();
    let mut what = message.to_owned();
    if !others.is_empty() {
        what = format!("{what}: {}", others.join(", "));
    }
    match data["outcome"]["result"].as_str() {
        Some("SUCCESS") | None => (actor, what),
        Some(result) => (actor, format!("{what} ({})", result.to_lowercase())),
    }
}

fn of_sync(data: &Value) -> String {
    let text = |name: &str| data[name].as_str().unwrap_or_default();
    format!("{} sync {}", text("mode"), text("status").replace('_', " "))
}

fn of_search(data: &Value) -> String {
    data["count"].as_u64().map(|count| format!("{count} events found")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_of_okta_says_who_did_what_to_whom() {
        let event = json!({
            "actor": {"displayName": "Ana"}, "displayMessage": "Add user to group membership",
            "target": [{"displayName": "Bo"}, {"displayName": "Design"}], "outcome": {"result": "SUCCESS"},
        });
        assert_eq!(of_okta(&event), ("Ana".to_owned(), "Add user to group membership: Bo, Design".to_owned()));
        let failed =
            json!({"actor": {"alternateId": "ana"}, "displayMessage": "Sign in", "outcome": {"result": "FAILURE"}});
        assert_eq!(of_okta(&failed), ("ana".to_owned(), "Sign in (failure)".to_owned()));
    }

    #[test]
    fn a_change_names_the_attributes() {
        let changed = json!({"changed": {"profile.title": {}, "status": {}}});
        assert_eq!(changes(&changed), "title, status changed");
        assert_eq!(changes(&json!({"changed": {}})), "updated");
    }
}

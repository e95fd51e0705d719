//! All actions, in one visible list, each with what can be told of it without running it.

use super::user::{credentials, lifecycle, mfa, offboard, profile, read};
use super::{Action, Prepared, app, group, log};
use crate::connection::{Effect, Fault};
use crate::schema;
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde::Serialize;
use serde_json::Value;
use std::sync::OnceLock;

/// Every action.
static CATALOGUE: [Entry; 34] = [
    entry::<read::GetUser>(),
    entry::<profile::CreateUser>(),
    entry::<profile::UpdateUser>(),
    entry::<read::SearchUsers>(),
    entry::<lifecycle::DeleteUser>(),
    entry::<lifecycle::ActivateUser>(),
    entry::<lifecycle::ReactivateUser>(),
    entry::<lifecycle::DeactivateUser>(),
    entry::<lifecycle::SuspendUser>(),
    entry::<lifecycle::UnsuspendUser>(),
    entry::<lifecycle::UnlockUser>(),
    entry::<credentials::ExpirePassword>(),
    entry::<credentials::ResetPassword>(),
    entry::<credentials::ForgotPassword>(),
    entry::<mfa::ResetMfa>(),
    entry::<mfa::ListFactors>(),
    entry::<read::ListUserGroups>(),
    entry::<read::ListUserApps>(),
    entry::<credentials::ClearSessions>(),
    entry::<offboard::OffboardUser>(),
    entry::<group::ListGroups>(),
    entry::<group::FindGroups>(),
    entry::<group::GetGroup>(),
    entry::<group::ListMembers>(),
    entry::<group::AddUser>(),
    entry::<group::RemoveUser>(),
    entry::<group::CreateGroup>(),
    entry::<group::DeleteGroup>(),
    entry::<app::ListApps>(),
    entry::<app::ListAppUsers>(),
    entry::<app::AssignUser>(),
    entry::<app::UnassignUser>(),
    entry::<log::SearchLog>(),
    entry::<log::RecentLogonsByIp>(),
];

/// One action of the catalogue.
pub struct Entry {
    /// Its name in the API.
    pub name: &'static str,
    scopes: &'static [&'static str],
    schemas: fn() -> (Schema, Schema),
    inline: fn(&mut SchemaGenerator, &mut SchemaGenerator) -> (Schema, Schema),
    read: fn(&Value) -> Read,
    /// Made when it is first asked for: it takes two schemas.
    description: OnceLock<Description>,
}

/// An action with its input, or everything that is wrong with it.
type Read = Result<Box<dyn Prepared>, Vec<Fault>>;

/// What a caller may know of an action.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Action")]
pub struct Description {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a few words.
    pub title: String,
    /// What it does.
    pub description: String,
    /// What it does to the tenant.
    pub effect: Effect,
    /// The scopes it needs.
    pub scopes: &'static [&'static str],
    /// The JSON Schema of its input.
    pub input_schema: Schema,
    /// The JSON Schema of its output.
    pub output_schema: Schema,
}

const fn entry<A: Action>() -> Entry {
    Entry {
        name: A::NAME,
        scopes: A::SCOPES,
        schemas: schemas::<A>,
        inline: inline::<A>,
        read: prepare::<A>,
        description: OnceLock::new(),
    }
}

fn schemas<A: Action>() -> (Schema, Schema) {
    let schema = SchemaSettings::draft2020_12;
    // What goes in is described as it is read, what comes out as it is written.
    let input = SchemaGenerator::new(schema()).into_root_schema_for::<A>();
    let output = SchemaGenerator::new(schema().for_serialize()).into_root_schema_for::<A::Output>();
    (input, output)
}

fn inline<A: Action>(input: &mut SchemaGenerator, output: &mut SchemaGenerator) -> (Schema, Schema) {
    (A::json_schema(input), A::Output::json_schema(output))
}

fn prepare<A: Action>(input: &Value) -> Read {
    let action: A = schema::read(input, "")?;
    let faults = action.faults();
    if faults.is_empty() { Ok(Box::new(action)) } else { Err(faults) }
}

/// All actions, in the order in which they are told.
pub fn list() -> &'static [Entry] {
    &CATALOGUE
}

/// The action of a name.
pub fn find(name: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.name == name)
}

impl Entry {
    /// What it does to a tenant.
    pub fn effect(&self) -> Effect {
        Effect::of(self.name)
    }

    /// Reads an input, and tells everything that is wrong with it.
    pub fn read(&self, input: &Value) -> Read {
        (self.read)(input)
    }

    /// The schemas of its input and output, whose parts the generators keep.
    pub fn schemas(&self, input: &mut SchemaGenerator, output: &mut SchemaGenerator) -> (Schema, Schema) {
        (self.inline)(input, output)
    }

    /// What a caller may know of it.
    pub fn describe(&self) -> &Description {
        self.description.get_or_init(|| self.described())
    }

    fn described(&self) -> Description {
        let (mut input_schema, mut output_schema) = (self.schemas)();
        let text = |schema: &Schema| schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        let description = text(&input_schema).replace('\n', " ");
        let title = description.split([':', '.']).next().unwrap_or_default().to_owned();
        input_schema.insert("title".to_owned(), title.clone().into());
        output_schema.insert("title".to_owned(), format!("{title}: what comes back").into());
        Description {
            name: self.name,
            title,
            description,
            effect: self.effect(),
            scopes: self.scopes,
            input_schema,
            output_schema,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::ACTIONS;

    #[test]
    fn permissions_know_the_names_of_the_catalogue() {
        let names: Vec<_> = list().iter().map(|entry| entry.name).collect();
        assert_eq!(names, ACTIONS);
    }

    #[test]
    fn every_action_has_a_title_a_sentence_scopes_and_documented_members() {
        for entry in list() {
            let told = entry.describe();
            assert!(!told.title.is_empty() && told.description.ends_with('.'), "{}", told.name);
            assert!(told.description.len() > told.title.len() && !told.scopes.is_empty(), "{}", told.name);
            let members = told.input_schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
            for (member, schema) in members {
                assert!(schema.get("description").is_some(), "{} has no sentence about {member}", told.name);
            }
            assert_eq!(told.input_schema.get("additionalProperties"), Some(&false.into()), "{}", told.name);
        }
    }
}

//! `groups`, `apps`, `locations`.

use crate::output::{Row, or_empty};
use crate::{Context, Failure, Most};
use clap::Subcommand;
use okta_connector_client::{DirectoryApp, DirectoryAppUser, Group, Location, Person, User, query, segment};

#[derive(Subcommand)]
pub enum Groups {
    /// All groups, or those whose name begins with something.
    List {
        /// What the name begins with.
        text: Option<String>,
        #[command(flatten)]
        most: Most,
    },
    /// Who is in one.
    Members {
        /// The group's id.
        group: String,
        #[command(flatten)]
        most: Most,
    },
}

#[derive(Subcommand)]
pub enum Apps {
    /// All apps, or those whose label begins with something.
    List {
        /// What the label begins with.
        text: Option<String>,
        #[command(flatten)]
        most: Most,
    },
    /// Who has one, and by which groups.
    Users {
        /// The app's id.
        app: String,
        #[command(flatten)]
        most: Most,
    },
}

#[derive(Subcommand)]
pub enum Locations {
    /// All places.
    List {
        #[command(flatten)]
        most: Most,
    },
    /// Who works at one.
    People {
        /// The location's id.
        location: String,
        #[command(flatten)]
        most: Most,
    },
}

impl Row for Group {
    const COLUMNS: &'static [&'static str] = &["ID", "NAME", "TYPE", "MEMBERS", "DESCRIPTION"];

    fn cells(&self) -> Vec<String> {
        let members = self.members_count.map(|count| count.to_string());
        vec![
            self.id.clone(),
            self.name.clone(),
            self.kind.clone(),
            or_empty(members.as_deref()),
            or_empty(self.description.as_deref()),
        ]
    }
}

impl Row for User {
    const COLUMNS: &'static [&'static str] = &["ID", "NAME", "LOGIN", "STATUS"];

    fn cells(&self) -> Vec<String> {
        let text = |name: &str| self.profile.get(name).and_then(|value| value.as_str());
        let name = [text("firstName"), text("lastName")].into_iter().flatten().collect::<Vec<_>>().join(" ");
        vec![self.id.clone(), name, or_empty(text("login")), self.status.clone()]
    }
}

impl Row for DirectoryApp {
    const COLUMNS: &'static [&'static str] = &["ID", "LABEL", "STATUS", "USERS", "GROUPS"];

    fn cells(&self) -> Vec<String> {
        let count = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
        vec![
            self.id.clone(),
            self.label.clone(),
            or_empty(self.status.as_deref()),
            count(self.users_count),
            count(self.groups_count),
        ]
    }
}

impl Row for DirectoryAppUser {
    const COLUMNS: &'static [&'static str] = &["NAME", "LOGIN", "SCOPE", "BY GROUPS"];

    fn cells(&self) -> Vec<String> {
        let groups: Vec<_> = self.groups.iter().map(|group| group.name.as_str()).collect();
        vec![self.user.name.clone(), self.user.login.clone(), self.scope.clone(), groups.join(", ")]
    }
}

impl Row for Location {
    const COLUMNS: &'static [&'static str] = &["ID", "NAME", "COUNTRY", "PEOPLE"];

    fn cells(&self) -> Vec<String> {
        let country = or_empty(self.country_code.as_deref());
        vec![self.id.clone(), self.name.clone(), country, self.people_count.to_string()]
    }
}

pub async fn groups(context: &Context, command: Groups) -> Result<(), Failure> {
    match command {
        Groups::List { text, most } => {
            list::<Group>(context, &format!("/groups{}", query(&[("q", text.as_deref())])), most).await
        }
        Groups::Members { group, most } => {
            list::<User>(context, &format!("/groups/{}/members", segment(&group)), most).await
        }
    }
}

pub async fn apps(context: &Context, command: Apps) -> Result<(), Failure> {
    match command {
        Apps::List { text, most } => {
            list::<DirectoryApp>(context, &format!("/apps{}", query(&[("q", text.as_deref())])), most).await
        }
        Apps::Users { app, most } => {
            list::<DirectoryAppUser>(context, &format!("/apps/{}/users", segment(&app)), most).await
        }
    }
}

pub async fn locations(context: &Context, command: Locations) -> Result<(), Failure> {
    match command {
        Locations::List { most } => list::<Location>(context, "/locations", most).await,
        Locations::People { location, most } => {
            list::<Person>(context, &format!("/locations/{}/people", segment(&location)), most).await
        }
    }
}

async fn list<T: Row + serde::de::DeserializeOwned>(context: &Context, rest: &str, most: Most) -> Result<(), Failure> {
    let path = context.path(rest).await?;
    let items: Vec<T> = context.client.pages(path).first(most.count()).await?;
    Ok(context.output.list(&items)?)
}

//! `groups`, `apps`, `locations`.

use crate::names::{APP, GROUP, LOCATION, PERSON, id};
use crate::output::{Format, Row, or_empty};
use crate::{Context, Failure, Most};
use clap::Subcommand;
use okta_connector_client::{
    Access, AccessPath, AdminRole, DirectoryApp, DirectoryAppUser, Granter, Group, Location, Managing, Person, User,
    query, segment,
};

#[derive(Subcommand)]
pub enum Groups {
    /// List all groups, or those with a word in their name that begins so.
    #[command(alias = "find")]
    List {
        /// How a word of the name begins.
        text: Option<String>,
        #[command(flatten)]
        most: Most,
    },
    /// List the members of a group.
    Members {
        /// The group: its id or name.
        group: String,
        #[command(flatten)]
        most: Most,
    },
    /// List the managers of a group's members, those of most members first.
    Managers {
        /// The group: its id or name.
        group: String,
        #[command(flatten)]
        most: Most,
    },
}

#[derive(Subcommand)]
pub enum Apps {
    /// List all apps, or those with a word in their label that begins so.
    #[command(alias = "find")]
    List {
        /// How a word of the label begins.
        text: Option<String>,
        #[command(flatten)]
        most: Most,
    },
    /// List who has an app, and by which groups.
    Users {
        /// The app: its id or label.
        app: String,
        #[command(flatten)]
        most: Most,
    },
}

#[derive(Subcommand)]
pub enum Rights {
    /// List the admin roles that users, groups and OAuth clients hold.
    Admins {
        #[command(flatten)]
        most: Most,
    },
    /// List who can give an app to somebody, or add a member to a group, and why.
    WhoCanGrant {
        /// The app: its id or label.
        #[arg(long, required_unless_present = "group", conflicts_with = "group")]
        app: Option<String>,
        /// The group: its id or name.
        #[arg(long)]
        group: Option<String>,
        #[command(flatten)]
        most: Most,
    },
    /// Show why a person has an app, as far as the directory knows.
    Why {
        /// The person: their id, login, email or name.
        person: String,
        /// The app: its id or label.
        app: String,
    },
}

#[derive(Subcommand)]
pub enum Locations {
    /// List all places.
    List {
        #[command(flatten)]
        most: Most,
    },
    /// List who works at a place.
    People {
        /// The location: its id or name.
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

impl Row for Managing {
    const COLUMNS: &'static [&'static str] = &["ID", "NAME", "LOGIN", "MEMBERS", "SHARE"];

    fn cells(&self) -> Vec<String> {
        let share = format!("{:.0} %", self.share * 100.0);
        vec![self.user.id.clone(), self.user.name.clone(), self.user.login.clone(), self.members.to_string(), share]
    }
}

impl Row for AccessPath {
    const COLUMNS: &'static [&'static str] = &["HOW", "GROUP", "WHY"];

    fn cells(&self) -> Vec<String> {
        let group = self.group.as_ref().map(|group| group.name.as_str());
        vec![self.kind.clone(), or_empty(group), self.text.clone()]
    }
}

impl Row for AdminRole {
    const COLUMNS: &'static [&'static str] = &["HOLDER", "TYPE", "ROLE", "FOR", "STATUS"];

    fn cells(&self) -> Vec<String> {
        let holder = self.principal.name.as_ref().unwrap_or(&self.principal.id).clone();
        vec![holder, self.principal.kind.clone(), self.role.label.clone(), self.extent(), self.status.clone()]
    }
}

impl Row for Granter {
    const COLUMNS: &'static [&'static str] = &["NAME", "LOGIN", "WHY"];

    fn cells(&self) -> Vec<String> {
        let reasons: Vec<_> = self.reasons.iter().map(|reason| reason.text.as_str()).collect();
        vec![self.user.name.clone(), self.user.login.clone(), reasons.join(" ")]
    }
}

pub async fn rights(context: &Context, command: Rights) -> Result<(), Failure> {
    match command {
        Rights::Admins { most } => list::<AdminRole>(context, "/admins", most).await,
        Rights::WhoCanGrant { app: Some(app), most, .. } => {
            let app = segment(&id(context, &APP, &app).await?);
            list::<Granter>(context, &format!("/apps/{app}/granters"), most).await
        }
        Rights::WhoCanGrant { group, most, .. } => {
            let group = segment(&id(context, &GROUP, &group.unwrap_or_default()).await?);
            list::<Granter>(context, &format!("/groups/{group}/granters"), most).await
        }
        Rights::Why { person, app } => why(context, &app, &person).await,
    }
}

pub async fn groups(context: &Context, command: Groups) -> Result<(), Failure> {
    match command {
        Groups::List { text, most } => {
            list::<Group>(context, &format!("/groups{}", query(&[("q", text.as_deref())])), most).await
        }
        Groups::Members { group, most } => {
            let group = segment(&id(context, &GROUP, &group).await?);
            list::<User>(context, &format!("/groups/{group}/members"), most).await
        }
        Groups::Managers { group, most } => {
            let group = segment(&id(context, &GROUP, &group).await?);
            list::<Managing>(context, &format!("/groups/{group}/managers"), most).await
        }
    }
}

pub async fn apps(context: &Context, command: Apps) -> Result<(), Failure> {
    match command {
        Apps::List { text, most } => {
            list::<DirectoryApp>(context, &format!("/apps{}", query(&[("q", text.as_deref())])), most).await
        }
        Apps::Users { app, most } => {
            let app = segment(&id(context, &APP, &app).await?);
            list::<DirectoryAppUser>(context, &format!("/apps/{app}/users"), most).await
        }
    }
}

pub async fn locations(context: &Context, command: Locations) -> Result<(), Failure> {
    match command {
        Locations::List { most } => list::<Location>(context, "/locations", most).await,
        Locations::People { location, most } => {
            let location = segment(&id(context, &LOCATION, &location).await?);
            list::<Person>(context, &format!("/locations/{location}/people"), most).await
        }
    }
}

async fn why(context: &Context, app: &str, person: &str) -> Result<(), Failure> {
    let app = segment(&id(context, &APP, app).await?);
    let user = segment(&id(context, &PERSON, person).await?);
    let path = context.path(&format!("/users/{user}/apps/{app}/why")).await?;
    let access: Access = context.client.get(&path).await?;
    if matches!(context.output.format, Format::Json | Format::Ndjson) {
        return Ok(context.output.one(&access)?);
    }
    context.output.list(&access.paths)?;
    if !access.assigned {
        context.output.note("The person does not have this app.");
    }
    Ok(())
}

async fn list<T: Row + serde::de::DeserializeOwned>(context: &Context, rest: &str, most: Most) -> Result<(), Failure> {
    let path = context.path(rest).await?;
    let items: Vec<T> = context.client.pages(path).first(most.count()).await?;
    context.output.list(&items)?;
    context.note_empty(items.is_empty(), "Nothing matches.").await
}

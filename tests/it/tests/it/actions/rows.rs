//! The table: for each action the state it starts from, its input, and everything that comes of it.

mod apps;
mod credentials;
mod groups;
mod logs;
mod users;
mod variants;

/// What there is before an action is called. The names that each gives stand in braces.
#[derive(Clone, Copy, Debug)]
pub enum Given {
    /// `{user}` and `{login}`: a new ACTIVE user without groups, apps and factors, arranged so.
    User(&'static str),
    /// `{user}` and `{login}`: somebody whom the search index knows.
    Person,
    /// `{login}`: one that nobody has.
    NewLogin,
    /// `{group}` and `{name}`: a new group.
    Group,
    /// `{name}`: one that no group has.
    NewName,
    /// The user is in the group.
    Member,
    /// `{app}` and `{label}`: an app that new users do not have.
    App,
    /// The user has the app.
    Assigned,
    /// `{app}`, `{user}`, `{login}`: Okta's own app, which has one user.
    Console,
    /// `{earlier}` and `{later}`: an hour before and after now.
    Times,
    /// The user has signed in from 203.0.113.99.
    Logon,
}

/// What comes of calling an action again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It was so already: nothing is changed.
    Unchanged,
    /// Reading does not tell: it is sent again, and Okta finds nothing to do.
    Asked,
    /// It is done again.
    Anew,
    /// It is refused.
    Refused(&'static str),
}

/// One action.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// What there is before it.
    pub given: &'static [Given],
    /// Its input.
    pub input: &'static str,
    /// What it sends to Okta: method, path, decoded query, body.
    pub sends: &'static [&'static str],
    /// What it must answer, among other things.
    pub output: &'static str,
    /// What is read afterwards, from the operator (`/_sim/…`) and from Okta; `404` where there must be nothing.
    pub after: &'static [(&'static str, &'static str)],
    /// The events that it causes: type and targets.
    pub events: &'static [&'static str],
    /// What comes of calling it again.
    pub again: Again,
    /// The statuses of the user in which Okta refuses it.
    pub wrong: &'static [&'static str],
}

/// An action that changes nothing.
const READ: Row = Row {
    name: "",
    given: &[],
    input: "{}",
    sends: &[],
    output: "{}",
    after: &[],
    events: &[],
    again: Again::Anew,
    wrong: &[],
};

/// One row for each action.
pub fn all() -> impl Iterator<Item = Row> {
    [users::LIFE, credentials::ROWS, users::READS, groups::ROWS, apps::ROWS, logs::ROWS].into_iter().flatten().copied()
}

/// Further ways to call some of them.
pub fn variants() -> impl Iterator<Item = Row> {
    variants::ROWS.iter().copied()
}

impl Row {
    /// What it sends that changes something.
    pub fn changes(&self) -> impl Iterator<Item = &'static str> {
        self.sends.iter().copied().filter(|sent| !sent.starts_with("GET "))
    }

    /// Whether it changes nothing.
    pub fn reads(&self) -> bool {
        self.changes().next().is_none()
    }

    /// The request that it is about: the first that changes something, or the last read.
    pub fn heart(&self) -> &'static str {
        self.changes().next().unwrap_or_else(|| self.sends[self.sends.len() - 1])
    }
}

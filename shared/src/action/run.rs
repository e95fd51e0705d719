//! What an action works with while it runs: the tenant, and the record of what was done to it.

use super::object::{Found, Object, User};
use super::touched::{made, touched};
use crate::audit::{Audit, Target};
use crate::clock;
use crate::connection::{AuthType, Connection};
use crate::id::ConnectionId;
use crate::idempotency::Attempt;
use crate::okta::{Answer, Client, Error, Expression, Origin, Page, Request, UserId, api, date};
use crate::problem::{Kind, Problem};
use crate::synced::Candidate;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

/// Okta's log shows a change after seconds, and at most after some minutes.
const LOG_DELAY_SECONDS: i64 = 600;
/// When what the log does not show yet is worth another look.
const LOG_RETRY_SECONDS: i64 = 15;

/// One run of one action.
pub struct Run {
    connection: ConnectionId,
    /// Our client, where it is not a user that signs in.
    client_id: Option<String>,
    client: Client,
    audit: Audit,
    attempt: Option<Attempt>,
    /// True once the audit says that something is about to be changed.
    intended: bool,
    /// The user that it is about, as it was read.
    user: Option<User>,
    request_ids: Vec<String>,
    served: Option<Timestamp>,
    /// What it may have changed of the directory.
    touched: Vec<Candidate>,
}

/// What remains of a run that has ended.
pub struct Ended {
    /// The audit of what was done.
    pub audit: Audit,
    /// Okta's ids of all requests, in order.
    pub okta_request_ids: Vec<String>,
    /// What may have changed of the directory.
    pub touched: Vec<Candidate>,
}

impl Run {
    /// Begins a run.
    pub fn new(connection: &Connection, client: Client, audit: Audit, attempt: Option<Attempt>) -> Self {
        let by_key = connection.auth.auth_type == AuthType::PrivateKeyJwt;
        let (connection, client_id) = (connection.id.clone(), connection.auth.client_id.clone().filter(|_| by_key));
        Self {
            connection,
            client_id,
            client,
            audit,
            attempt,
            intended: false,
            user: None,
            request_ids: Vec::new(),
            served: None,
            touched: Vec::new(),
        }
    }

    /// Gives what remains of it.
    pub fn end(self) -> Ended {
        Ended { audit: self.audit, okta_request_ids: self.request_ids, touched: self.touched }
    }

    /// The connection.
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// The tenant.
    pub fn origin(&self) -> &Origin {
        self.client.origin()
    }

    /// The time, as the tenant's last answer told it.
    pub fn okta_time(&self) -> Timestamp {
        self.served.unwrap_or_else(|| self.client.now())
    }

    /// Names whom or what it is about, for the audit.
    pub fn about(&mut self, target: Target) {
        self.audit.target(target);
    }

    /// Names the user that it is about.
    pub fn about_user(&mut self, user: User) {
        self.audit.target(Target::user(user.id.as_str(), user.login.as_str()));
        self.user = Some(user);
    }

    /// Sends a request that changes nothing.
    pub async fn read(&mut self, request: &Request) -> Result<Answer, Error> {
        let answer = self.client.send(request).await;
        self.note(&answer);
        answer
    }

    /// Sends a request that changes nothing, and reads its answer.
    pub async fn fetch<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, Error> {
        parse(request, &self.read(request).await?)
    }

    /// Sends a request that changes nothing, and reads a page.
    pub async fn read_page(&mut self, request: &Request) -> Result<Page<Object>, Error> {
        let answer = self.read(request).await?;
        self.client.page_of(request, &answer)
    }

    /// A page of a list. What Okta does not find below a user who was read a moment ago, the user does not have: a
    /// deprovisioned one has nothing at all.
    pub async fn listed(&mut self, request: &Request) -> Result<Page<Object>, Problem> {
        match self.read_page(request).await {
            Err(Error::Api(refusal)) if refusal.is_absence() && self.is_below_user(request) => {
                if self.status() == "DEPROVISIONED" {
                    return Ok(Page { items: Vec::new(), bad: Vec::new(), next: None, served: self.okta_time() });
                }
                Err(self.refused(Error::Api(refusal)))
            }
            page => Ok(page?),
        }
    }

    fn is_below_user(&self, request: &Request) -> bool {
        self.user.as_ref().is_some_and(|user| request.path().starts_with(&format!("/api/v1/users/{}/", user.id)))
    }

    /// Sends a request that changes something. It is recorded before it is sent.
    pub async fn change(&mut self, request: &Request) -> Result<Answer, Problem> {
        // Without a token nothing is sent, so that is no lost answer.
        self.client.token().await?;
        self.intend().await?;
        // Also where the answer is lost or a refusal: that costs a look.
        self.touched.extend(touched(request));
        let answer = self.client.send(request).await;
        self.note(&answer);
        self.touched.extend(answer.iter().flat_map(|answer| made(request, &answer.body)));
        answer.map_err(|error| self.refused(error))
    }

    /// Sends a request that changes something, and reads its answer.
    pub async fn change_for<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, Problem> {
        let answer = self.change(request).await?;
        parse(request, &answer).map_err(|error| self.refused(error))
    }

    /// Sends a request that makes something, and reads what was made. Where the caller may repeat the request, it is
    /// marked, so that the System Log tells what this very request made.
    pub async fn create(&mut self, mut request: Request) -> Result<Object, Problem> {
        self.client.token().await?;
        if let Some(attempt) = &self.attempt {
            let second = Timestamp::from_second(self.okta_time().as_second()).unwrap_or_else(|_| self.okta_time());
            attempt.mark_sent(second).await?;
            request = request.marked(format!("({})", attempt.mark()));
        }
        self.change_for(&request).await
    }

    /// True for a user that an earlier attempt of this very request made, whose answer was lost: the System Log shows its
    /// creation by ourselves since then, under the request's mark.
    pub async fn made(&mut self, user: &Found<UserId>) -> Result<bool, Problem> {
        let Some((mark, sent)) = self.attempt.as_ref().and_then(|it| Some((it.mark(), it.sent?))) else {
            return Ok(false);
        };
        let principal = match self.client_id.clone() {
            Some(client) => client,
            None => self.fetch::<Object>(&api::get_me()).await?.text("id").to_owned(),
        };
        let filter = Expression::all([
            Expression::equals("eventType", "user.lifecycle.create"),
            Expression::equals("target.id", user.id.as_str()),
        ]);
        let since = sent.to_string();
        let listing = api::search_logs(&[("since", &since), ("sortOrder", "DESCENDING"), ("filter", filter.as_str())]);
        let events = match self.read_page(&listing).await {
            Ok(page) => page.items,
            // Without the log nothing shows that it is ours.
            Err(Error::Api(refusal)) if refusal.status.is_client_error() => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let is_ours = |event: &Object| {
            let agent = event.get("client").and_then(|client| client["userAgent"]["rawUserAgent"].as_str());
            let actor = event.get("actor").and_then(|actor| actor["id"].as_str());
            actor == Some(principal.as_str()) && agent.is_some_and(|agent| agent.contains(&mark))
        };
        if events.iter().any(is_ours) {
            return Ok(true);
        }
        // Okta's log is late by seconds, sometimes by minutes: a user made since we asked, whose creation the log does not
        // show at all yet, may be ours.
        let created = user.object.text("created").parse::<Timestamp>().ok();
        let age = self.okta_time().duration_since(sent).as_secs();
        if events.is_empty() && created.is_some_and(|created| created >= sent) && age < LOG_DELAY_SECONDS {
            let detail = "The user was made a moment ago, and Okta's log does not show by whom yet; send the same request again.";
            let again = clock::after(self.client.now(), LOG_RETRY_SECONDS);
            return Err(Problem::new(Kind::RequestInProgress, detail).retry_at(again));
        }
        Ok(false)
    }

    /// The status of the user that it is about, as it was read.
    pub fn status(&self) -> &str {
        self.user.as_ref().map_or("", |user| user.status.as_str())
    }

    /// Writes down that something is about to be changed; what cannot be written down is not done.
    async fn intend(&mut self) -> Result<(), Problem> {
        if !self.intended {
            self.audit.intend().await?;
            self.intended = true;
        }
        Ok(())
    }

    fn note(&mut self, answer: &Result<Answer, Error>) {
        let id = match answer {
            Ok(answer) => {
                self.served = date(&answer.headers).or(self.served);
                answer.request_id()
            }
            Err(Error::Api(refusal)) => refusal.request_id.clone(),
            Err(_) => None,
        };
        self.request_ids.extend(id);
    }

    /// What became of a change that has no good answer.
    fn refused(&self, error: Error) -> Problem {
        // Okta may have made the change before it failed, unless it says that it has not.
        let lost = match &error {
            Error::Timeout | Error::Broken | Error::Unreadable(_) => true,
            Error::Api(refusal) => refusal.status.is_server_error() && !refusal.says_not_done(),
            _ => false,
        };
        if lost {
            let detail = format!(
                "A change was sent to Okta and its answer was lost ({error}). Look up {} before you repeat it.",
                self.audit.about().map_or_else(|| "what it was about".to_owned(), Target::to_string)
            );
            let members = Problem::from(error).members;
            return Problem { members, ..Problem::new(Kind::OutcomeUnknown, detail) };
        }
        let problem = Problem::from(error);
        match self.user.as_ref().map(|user| user.status.as_str()) {
            // Okta answers 404 for what a user in this state does not have: the user itself was read a moment ago.
            Some(status) if matches!(problem.kind, Kind::WrongState | Kind::OktaNotFound) => {
                let detail = format!("Okta does not do this for a user who is {status}: {}", problem.detail);
                Problem { kind: Kind::WrongState, detail, ..problem }.with("current_status", status)
            }
            _ => problem,
        }
    }
}

fn parse<T: DeserializeOwned>(request: &Request, answer: &Answer) -> Result<T, Error> {
    let unreadable = || Error::Unreadable(format!("the answer to {} is not as expected", request.path()));
    serde_json::from_slice(&answer.body).map_err(|_| unreadable())
}

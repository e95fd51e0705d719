//! What a request to Okta may change of the directory.

use crate::okta::{AppId, GroupId, Request, UserId};
use crate::synced::{Candidate, Move};
use http::Method;
use serde_json::Value;

/// What is named in a request that changes something.
pub(super) fn touched(request: &Request) -> Vec<Candidate> {
    let user = |id: &str| UserId::parse(id).ok();
    let group = |id: &str| GroupId::parse(id).ok();
    let app = |id: &str| AppId::parse(id).ok();
    let way = if request.method == Method::DELETE { Move::Out } else { Move::In };
    match parts(request)[..] {
        // Okta takes the groups and apps of those away who leave.
        ["users", id] if request.method == Method::DELETE => with_belongings(id),
        ["users", id, "lifecycle", "deactivate"] => with_belongings(id),
        // No sync reads these.
        ["users", _, "sessions" | "factors", ..] => Vec::new(),
        ["groups", in_group, "users", id] => {
            let both = group(in_group).zip(user(id));
            both.map(|(group, user)| Candidate::Membership(group, user, way)).into_iter().collect()
        }
        ["apps", of_app, "users", id] => assigned(app(of_app), user(id)),
        ["apps", of_app, "users"] => {
            assigned(app(of_app), request.body.as_ref().and_then(|body| user(body["id"].as_str()?)))
        }
        // Also what no action sends today: one request too many costs less than an action that is left out.
        ["users", id, ..] => user(id).map(Candidate::User).into_iter().collect(),
        ["groups", id, ..] => group(id).map(Candidate::Group).into_iter().collect(),
        ["apps", id, ..] => app(id).map(Candidate::App).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The object that a request created, by the id in its answer.
pub(super) fn made(request: &Request, answer: &[u8]) -> Vec<Candidate> {
    let is_new = matches!(parts(request)[..], ["users" | "groups"]) && request.method == Method::POST;
    let answer: Value = if is_new { serde_json::from_slice(answer).unwrap_or_default() } else { Value::Null };
    let Some(id) = answer["id"].as_str() else { return Vec::new() };
    if parts(request) == ["groups"] {
        return GroupId::parse(id).ok().map(Candidate::Group).into_iter().collect();
    }
    with_belongings(id)
}

/// A user, and what they belong to.
fn with_belongings(id: &str) -> Vec<Candidate> {
    let Ok(user) = UserId::parse(id) else { return Vec::new() };
    vec![Candidate::User(user.clone()), Candidate::Belongings(user)]
}

fn assigned(app: Option<AppId>, user: Option<UserId>) -> Vec<Candidate> {
    app.zip(user).map(|(app, user)| Candidate::Assignment(app, user)).into_iter().collect()
}

/// The parts of the path behind `/api/v1`.
fn parts(request: &Request) -> Vec<&str> {
    request.path().strip_prefix("/api/v1/").unwrap_or_default().split('/').collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::okta::api;
    use serde_json::json;

    #[test]
    fn a_request_names_what_it_may_change_of_the_directory() {
        let user = UserId::parse("00u1").expect("an id");
        let group = GroupId::parse("00g1").expect("an id");
        let app = AppId::parse("0oa1").expect("an id");
        let whole = vec![Candidate::User(user.clone()), Candidate::Belongings(user.clone())];
        let membership = |way| vec![Candidate::Membership(group.clone(), user.clone(), way)];
        let assignment = vec![Candidate::Assignment(app.clone(), user.clone())];
        for (request, expected) in [
            (api::update_user(&user, &json!({})), whole[..1].to_vec()),
            (api::suspend_user(&user), whole[..1].to_vec()),
            (api::deactivate_user(&user, false), whole.clone()),
            (api::delete_user(&user, false), whole.clone()),
            (api::clear_sessions(&user, true, false), Vec::new()),
            (api::delete_group(&group), vec![Candidate::Group(group.clone())]),
            (api::add_to_group(&group, &user), membership(Move::In)),
            (api::remove_from_group(&group, &user), membership(Move::Out)),
            (api::unassign_app_user(&app, &user), assignment.clone()),
            (api::update_app_user(&app, &user, &json!({})), assignment),
            (Request::put("groups", "/api/v1/groups/00g1/owners".to_owned()), vec![Candidate::Group(group.clone())]),
            (
                Request::put("apps", "/api/v1/apps/0oa1/lifecycle/activate".to_owned()),
                vec![Candidate::App(app.clone())],
            ),
        ] {
            assert_eq!(touched(&request), expected, "{} {}", request.method, request.path());
        }
        let created = api::create_user(json!({"profile": {}}), true);
        assert_eq!((touched(&created), made(&created, br#"{"id": "00u1"}"#)), (Vec::new(), whole));
        assert_eq!(made(&created, b"no JSON"), Vec::new());
    }
}

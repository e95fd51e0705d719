//! The console: pages for operators, made here from answers of the public API. It has no state but the keys of its
//! link, its cookie and its forms, and shows nothing that its own caller may not see.

mod access;
mod action;
mod audit;
mod chart;
mod connection;
mod directory;
mod event;
mod form;
mod gate;
mod page;
mod person;
mod setup;
mod sync;

pub use gate::Keys;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};
use http::StatusCode;
use okta_connector_client::Client;
use std::sync::Arc;

/// What every page works with.
#[derive(Clone)]
struct Console {
    client: Client,
    keys: Arc<Keys>,
}

/// The pages, over a deployment that `client` speaks to.
pub fn router(client: Client, keys: Keys) -> Router {
    let console = Console { client, keys: Arc::new(keys) };
    let pages = Router::new()
        .route("/", get(async || Redirect::to("/connections")))
        .route("/connections", get(connection::cards).post(setup::create))
        .route("/connections/new", get(setup::wizard))
        .route("/connections/{id}", get(connection::show))
        .route("/connections/{id}/settings", get(connection::show).post(connection::edit))
        .route("/connections/{id}/pause", get(connection::show).post(connection::pause))
        .route("/connections/{id}/auth", get(connection::show).post(setup::authenticate))
        .route("/connections/{id}/authorize", post(setup::authorize))
        .route("/connections/{id}/test", get(connection::show).post(connection::test))
        .route("/connections/{id}/delete", post(connection::delete))
        .route("/connections/{id}/syncs", get(sync::history).post(sync::start))
        .route("/connections/{id}/syncs/live", get(sync::live))
        .route("/connections/{id}/syncs/past", get(sync::past_alone))
        .route("/connections/{id}/syncs/{sync}/removals", get(sync::removals).post(sync::confirm))
        .route("/connections/{id}/people", get(person::search))
        .route("/connections/{id}/people/found", get(person::found))
        .route("/connections/{id}/people/{person}", get(person::profile))
        .route("/connections/{id}/admins", get(access::admins))
        .route("/connections/{id}/findings", get(person::findings))
        .route("/connections/{id}/groups", get(directory::groups))
        .route("/connections/{id}/groups/{group}", get(directory::group))
        .route("/connections/{id}/apps", get(directory::apps))
        .route("/connections/{id}/apps/{app}", get(directory::app))
        .route("/connections/{id}/locations", get(directory::locations))
        .route("/connections/{id}/locations/{location}", get(directory::location))
        .route("/connections/{id}/actions", get(action::list))
        .route("/connections/{id}/actions/{name}", get(action::form).post(action::run))
        .route("/connections/{id}/events", get(event::feed))
        .route("/connections/{id}/events/new", get(event::new))
        .route("/connections/{id}/triggers", post(event::add_trigger))
        .route("/connections/{id}/triggers/{trigger}/delete", post(event::remove_trigger))
        .route("/audit", get(audit::rows))
        .fallback(async || (StatusCode::NOT_FOUND, page::plain("Not found", "There is no such page.")))
        .with_state(console.clone());
    gate::guard(pages.merge(page::assets()), console.keys)
}

//! A connection as callers see it: never a secret.

use crate::connection::{AuthType, Connection, HostedKey, KeySource};
use crate::synced::State;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The resource.
pub fn resource(connection: &Connection, state: &State, public_url: &str, now: Timestamp) -> Value {
    let auth = &connection.auth;
    let keys: Vec<_> = connection.keys.iter().filter_map(|key| key_resource(key, &connection.keys, now)).collect();
    let hosted = auth.key_source == Some(KeySource::Hosted) || !connection.keys.is_empty();
    json!({
        "id": connection.id,
        "name": connection.settings.name,
        "domain": connection.domain,
        "org_id": connection.org_id,
        "engine": connection.engine,
        "status": connection.status,
        "status_reason": connection.status_reason,
        "paused": connection.settings.paused,
        "auth": {
            "type": auth.auth_type,
            "client_id": auth.client_id,
            "key_id": connection.signing_key_id(now),
            "key_source": auth.key_source,
            "dpop": auth.dpop,
            "scopes": auth.scopes,
        },
        "staged_auth": connection.staged.as_ref().map(|staged| json!({
            "type": AuthType::AuthorizationCode,
            "client_id": staged.client_id,
        })),
        "public_key_url": hosted.then(|| format!("{public_url}/v1/connections/{}/jwks.json", connection.id)),
        "redirect_uri": format!("{public_url}/v1/oauth/callback"),
        "keys": keys,
        "teams": connection.settings.teams,
        "permissions": connection.settings.permissions,
        "sync": connection.settings.sync,
        "attributes": connection.settings.attributes,
        "counts": {
            "users": state.counts.users,
            "groups": state.counts.groups,
            "apps": state.counts.apps,
            "locations": state.counts.locations,
        },
        "last_sync": state.last,
        "created_at": connection.created_at,
        "updated_at": connection.updated_at,
        "tested_at": connection.tested_at,
        "version": connection.version,
    })
}

/// A key; `None` once it is no longer published.
pub fn key_resource(key: &HostedKey, all: &[HostedKey], now: Timestamp) -> Option<Value> {
    let state = key.state(all, now)?;
    Some(json!({
        "key_id": key.key_id,
        "state": state,
        "signs_from": key.signs_from,
        "unpublished_at": key.unpublished_at,
    }))
}

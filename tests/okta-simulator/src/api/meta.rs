//! The organization and what describes its objects: types, schemas, settings.

#![expect(clippy::unnecessary_wraps, reason = "every handler of the table has one type")]

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::page;
use crate::tenant::{Tenant, UserType, schema};

/// Nothing is here.
pub fn nothing(_: &mut Tenant, _: &Call) -> Outcome {
    Err(Refusal::Gateway(StatusCode::NOT_FOUND))
}

/// Something is here, but not for this method.
pub fn wrong_method(_: &mut Tenant, _: &Call) -> Outcome {
    Err(Refusal::code("E0000022"))
}

/// A feature this organization has not bought.
pub fn unlicensed(_: &mut Tenant, _: &Call) -> Outcome {
    Err(Refusal::code("E0000015"))
}

/// `GET /.well-known/okta-organization`
pub fn well_known(tenant: &mut Tenant, _: &Call) -> Outcome {
    Ok(Answer::ok(json!({
        "id": tenant.org.id,
        "pipeline": "idx",
        "_links": { "organization": { "href": tenant.base } },
        "settings": { "analyticsCollectionEnabled": false, "bugReportingEnabled": true, "omEnabled": false },
    })))
}

/// `GET /api/v1/org`
pub fn org(tenant: &mut Tenant, _: &Call) -> Outcome {
    Ok(Answer::ok(json!({
        "id": tenant.org.id,
        "subdomain": "acme",
        "companyName": "Acme Corporation",
        "status": "ACTIVE",
        "website": "https://acme.example",
        "phoneNumber": "+1-555-000-0000",
        "address1": "500 Howard Street",
        "address2": "Floor 4",
        "city": "San Francisco",
        "state": "CA",
        "postalCode": "94105",
        "country": "US",
        "created": tenant.org.created,
        "lastUpdated": tenant.org.created,
        "_links": { "contacts": { "href": format!("{}/api/v1/org/contacts", tenant.base) } },
    })))
}

/// `GET /api/v1/org/settings/clientPrivilegesSetting`
pub fn client_privileges(_: &mut Tenant, _: &Call) -> Outcome {
    Ok(Answer::ok(json!({ "clientPrivilegesSetting": false })))
}

fn type_json(tenant: &Tenant, kind: &UserType) -> Value {
    let link = |rel: &str, href: String| json!({ "rel": rel, "href": href, "method": "GET" });
    json!({
        "id": kind.id,
        "name": kind.name,
        "displayName": kind.title,
        "description": format!("{} profile template", kind.title),
        "createdBy": tenant.org.system,
        "lastUpdatedBy": tenant.org.system,
        "created": tenant.org.created,
        "lastUpdated": tenant.org.created,
        "default": kind.id == tenant.org.types[0].id,
        "_links": {
            "schema": link("schema", format!("{}/api/v1/meta/schemas/user/{}", tenant.base, kind.schema)),
            "self": link("self", format!("{}/api/v1/meta/types/user/{}", tenant.base, kind.id)),
        },
    })
}

/// `GET /api/v1/meta/types/user`
pub fn types(tenant: &mut Tenant, _: &Call) -> Outcome {
    Ok(Answer::ok(tenant.org.types.iter().map(|kind| type_json(tenant, kind)).collect()))
}

/// `GET /api/v1/meta/types/user/{id}`
pub fn user_type(tenant: &mut Tenant, call: &Call) -> Outcome {
    let id = call.param("id");
    let kind = tenant.org.types.iter().find(|kind| kind.id.as_str() == id || (id == "default" && kind.name == "user"));
    kind.map(|kind| Answer::ok(type_json(tenant, kind))).ok_or_else(|| Refusal::missing(id, "CVDType"))
}

/// `GET /api/v1/meta/schemas/user/{id}`
pub fn schema(tenant: &mut Tenant, call: &Call) -> Outcome {
    let id = call.param("id");
    let mut types = tenant.org.types.iter();
    let kind = types.find(|kind| kind.schema.as_str() == id || (id == "default" && kind.name == "user"));
    let kind = kind.ok_or_else(|| Refusal::missing(id, "UserSchema"))?;
    Ok(Answer::ok(schema::json(&tenant.org, kind, &tenant.base)))
}

/// `GET /api/v1/meta/schemas/user/linkedObjects`: one relation, manager and subordinate.
pub fn linked_objects(tenant: &mut Tenant, _: &Call) -> Outcome {
    let end = |name: &str, title: &str| json!({ "name": name, "title": title, "description": title, "type": "USER" });
    Ok(Answer::ok(json!([{
        "primary": end("manager", "Manager"),
        "associated": end("subordinate", "Subordinate"),
        "_links": { "self": { "href": format!("{}/api/v1/meta/schemas/user/linkedObjects/manager", tenant.base) } },
    }])))
}

/// What a caller without a role, or one whom a fault misleads, sees of a listing.
pub fn empty(tenant: &Tenant, call: &Call) -> Answer {
    page::empty(call, &tenant.base)
}

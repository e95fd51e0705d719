//! What every list of the directory can be asked for: a filter, an order, and how many there are.

use crate::directory::{Order, Selection};
use crate::http::params::{Params, bad};
use crate::http::route::{Of, Operation};
use crate::okta::{FilterSubject, LogFilter, Members, Shape};
use crate::problem::Problem;

const PLACE: Members = &[("id", Shape::Text), ("name", Shape::Text)];

/// People, as a list shows them.
pub(super) static PEOPLE: FilterSubject = FilterSubject {
    members: &[
        ("cost_center", Shape::Text),
        ("custom", Shape::Open),
        ("department", Shape::Text),
        ("division", Shape::Text),
        ("email", Shape::Text),
        ("employee_number", Shape::Text),
        ("id", Shape::Text),
        ("location", Shape::Parts(PLACE)),
        ("login", Shape::Text),
        ("manager", Shape::Parts(PLACE)),
        ("name", Shape::Text),
        ("reports_count", Shape::Number),
        ("status", Shape::Text),
        ("title", Shape::Text),
        ("user_type", Shape::Text),
    ],
    name: "people",
    example: r#"department eq "Sales""#,
};

/// Users, as a list shows them.
pub(super) static USERS: FilterSubject = FilterSubject {
    members: &[
        ("activated", Shape::Text),
        ("created", Shape::Text),
        ("id", Shape::Text),
        ("last_login", Shape::Text),
        ("last_updated", Shape::Text),
        ("password_changed", Shape::Text),
        ("profile", Shape::Open),
        ("provider", Shape::Open),
        ("realm_id", Shape::Text),
        ("status", Shape::Text),
        ("status_changed", Shape::Text),
        ("synced_at", Shape::Text),
        ("type", Shape::Parts(PLACE)),
    ],
    name: "users",
    example: r#"profile.department eq "Sales""#,
};

/// Groups, as a list shows them.
pub(super) static GROUPS: FilterSubject = FilterSubject {
    members: &[
        ("created", Shape::Text),
        ("custom", Shape::Open),
        ("description", Shape::Text),
        ("id", Shape::Text),
        ("last_membership_updated", Shape::Text),
        ("last_updated", Shape::Text),
        ("members_count", Shape::Number),
        ("name", Shape::Text),
        ("synced_at", Shape::Text),
        ("type", Shape::Text),
    ],
    name: "groups",
    example: r#"type eq "APP_GROUP""#,
};

/// Apps, as a list shows them.
pub(super) static APPS: FilterSubject = FilterSubject {
    members: &[
        ("assignments_at", Shape::Text),
        ("created", Shape::Text),
        ("groups_count", Shape::Number),
        ("id", Shape::Text),
        ("label", Shape::Text),
        ("last_updated", Shape::Text),
        ("name", Shape::Text),
        ("okta_owned", Shape::Flag),
        ("sign_on_mode", Shape::Text),
        ("status", Shape::Text),
        ("synced_at", Shape::Text),
        ("users_count", Shape::Number),
    ],
    name: "apps",
    example: r#"sign_on_mode eq "SAML_2_0""#,
};

/// The parameters.
pub(super) fn selects(operation: Operation, orders: &'static [&'static str]) -> Operation {
    let filter = "Only what this filter holds for, in SCIM's grammar on the attributes of an item, as in \
        department eq \"Sales\" and not (custom.region pr): eq, ne, co, sw, ew, pr, gt, ge, lt, le, and, or, not ( ). A page \
        that ends early because much was looked at says \"partial\": true and has a next_cursor.";
    operation
        .query("filter", Of::Filter, filter)
        .query("sort", Of::Choice(orders), "In this order, with - in front the other way round.")
        .query("count", Of::Flag, "With \"total\", how many there are; null where that takes too much reading.")
}

/// What was asked for.
pub(super) fn selection(
    params: &mut Params,
    orders: &[&'static str],
    subject: &'static FilterSubject,
) -> Result<Selection, Problem> {
    let filter = params.text("filter").map(|text| LogFilter::parse_of(&text, subject)).transpose();
    let filter = filter.map_err(|fault| bad("filter", &format!("cannot be read {fault}")))?;
    let order = params.one_of("sort", orders)?.map(Order::of);
    Ok(Selection { filter, order, count: params.flag("count")? })
}

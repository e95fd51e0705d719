//! Locations: where people work, as the roster tells it.

use super::{Directory, Listed, cut};
use crate::problem::Problem;
use crate::synced::roster::Location;
use serde_json::json;

/// The length of a location's id.
const ID: usize = 36;

/// A page of locations by name, behind a place.
pub fn locations(directory: &Directory<'_>, after: Option<&str>, limit: usize) -> Listed {
    let all = directory.places().map_or(&[][..], |places| places.all());
    // The id first, whose length is known; a name may hold anything.
    let after = after.and_then(|after| after.split_at_checked(ID)).map(|(id, name)| (name.to_owned(), id.to_owned()));
    let first = after.map_or(0, |after| all.partition_point(|location| location.order() <= after));
    let place = |location: &Location| {
        let (name, id) = location.order();
        format!("{id}{name}")
    };
    cut(all[first..].iter().map(|location| (place(location), json!(location))), limit)
}

/// One location.
pub fn location<'a>(directory: &'a Directory<'_>, id: &str) -> Result<&'a Location, Problem> {
    let places = directory.places().ok_or_else(Problem::not_found)?;
    let place = places.place(id).ok_or_else(Problem::not_found)?;
    Ok(&places.all()[place])
}

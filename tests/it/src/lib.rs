//! What the integration tests stand on: a [`proxy`] in front of each outside service that records, lies and kills, and
//! a [`judge`] that holds every recorded exchange with Okta against Okta's own description.

pub mod judge;
pub mod proxy;

//! What the integration tests stand on: a [`proxy`] in front of each outside service that records, lies and kills, a
//! [`judge`] that holds every recorded exchange with Okta against Okta's own description, and a [`promise`] that holds the
//! service's answers against the service's own.

pub mod campaign;
pub mod judge;
pub mod promise;
pub mod proxy;

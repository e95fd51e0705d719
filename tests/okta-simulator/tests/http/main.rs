//! The simulator through its only entrance, HTTP: as an API token, as a service app with proofs, as a user, as the operator.

mod access;
mod app;
mod deliveries;
mod directory;
mod faults;
mod hooks;
mod listings;
mod logs;
mod noise;
mod odd;
mod ordered;
mod receiver;
mod recorded;
mod rude;
mod sign_in;
mod world;

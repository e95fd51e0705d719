//! The simulator through its only entrance, HTTP: as an API token, as a service app with proofs, as a user, as the operator.

mod access;
mod admins;
mod app;
mod deliveries;
mod described;
mod directory;
mod faults;
mod hooks;
mod listings;
mod logs;
mod noise;
mod odd;
mod ordered;
mod owners;
mod receiver;
mod recorded;
mod rude;
mod rules;
mod sign_in;
mod targets;
mod world;

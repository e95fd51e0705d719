//! The product from outside: the whole service over real HTTP, in front of a simulated tenant.

mod client;
mod direct;
mod findings;
mod main_job;
mod pasted;
mod properties;
mod recorded;
mod tour;
mod world;

//! The product from outside: the whole service over real HTTP, in front of a simulated tenant.

mod direct;
mod findings;
mod main_job;
mod pasted;
mod recorded;
mod tour;
mod world;

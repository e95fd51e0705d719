//! The product's Okta client against a tenant that misbehaves: what is sent again, what is not, and what is never sent.

mod bodies;
mod dpop;
mod hosts;
mod limits;
mod retries;

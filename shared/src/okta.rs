//! Okta's API: requests described as values, sent in one place.
//!
//! `api` describes, `client` sends, `origin` and `resolver` decide which hosts are spoken to, `granting`, `token` and
//! `dpop` prove who asks, `limits` and `retry` decide when to ask again.

mod answer;
pub mod api;
mod client;
mod dpop;
mod error;
mod granting;
mod id;
mod key;
mod limits;
mod link;
mod log_filter;
mod meaning;
mod model;
mod null;
mod origin;
mod readable;
mod request;
mod resolver;
mod retry;
mod search;
mod token;
mod transport;

pub use answer::Answer;
pub use client::{Client, Credential, Patience};
pub use dpop::ProofKey;
pub use error::{Error, Refusal, TokenRefusal};
pub use granting::{RefreshTokens, Taken, Wanted};
pub use id::{AppId, ClientId, GroupId, NotAnId, Principal, SchemaId, TypeId, UserId, segment};
pub use key::{Pasted, SigningKey, Unusable};
pub use limits::{Sender, date};
pub use log_filter::{FilterFault, LogFilter, Members, Shape, Subject as FilterSubject};
pub use meaning::Meaning;
pub use model::{
    App, AppGroup, AppTarget, Assignee, Attribute, BadRecord, Group, GroupProfile, GroupRule, GroupTarget, LogEvent,
    Member, OAuthApp, Organization, Owner, Page, Permission, Provider, Resource, ResourceSet, Role, TypeRef, User,
    UserSchema, UserType,
};
pub use origin::{AllowedOrigins, Domain, Origin, Refused};
pub use readable::readable;
pub use request::{Repeat, Request, Target};
pub use resolver::SystemResolver;
pub use search::{Expression, Operator, is_attribute};
pub use token::{Code, Granted, PrivateKeyJwt, Token, WebApp};
pub use transport::Transport;

//! Routes, each registered together with what is told of it: there is no route without a description, and no description
//! without a route.

use super::export::FORMATS;
use crate::problem::Kind;
use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// The schema of a type, made where it is told.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// Routes with their descriptions.
pub(super) struct Routes<S> {
    router: Router<S>,
    section: &'static str,
    operations: Vec<Operation>,
}

/// What is told of a method of a path.
pub(super) struct Operation {
    /// The method.
    pub verb: Verb,
    /// The path, its parameters in braces.
    pub path: &'static str,
    /// Its name, for programs that are made from the description.
    pub id: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Under which heading it stands.
    pub section: &'static str,
    /// Who may call it.
    pub access: Access,
    /// The query parameters beside those of a list.
    pub query: Vec<Query>,
    /// Whether it takes `limit` and `cursor`.
    pub paged: bool,
    /// Whether it takes `format`.
    pub exported: bool,
    /// Whether it takes `If-Match`.
    pub if_match: bool,
    /// Its body, and whether there must be one.
    pub body: Option<(SchemaOf, bool)>,
    /// What it answers where it succeeds.
    pub answer: Answer,
    /// The problems that are its own.
    pub problems: Vec<Kind>,
}

/// A method.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// Who may call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anybody.
    Public,
    /// Whoever is known; connections of other teams are not there for them.
    Known,
    /// Admins.
    Admin,
}

/// A query parameter.
pub(super) struct Query {
    pub name: &'static str,
    pub of: Of,
    pub text: &'static str,
}

/// What a query parameter holds.
#[derive(Clone, Copy)]
pub(super) enum Of {
    /// A text.
    Word,
    /// A filter in SCIM's grammar.
    Filter,
    /// Words out of these, separated by commas.
    Words(&'static [&'static str]),
    /// A moment.
    Time,
    /// True or false.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Some of these words, separated by commas, as they are written here.
    Choices(&'static [&'static str]),
}

/// What is answered where nothing went wrong.
pub(super) struct Answer {
    /// The status.
    pub status: u16,
    /// The JSON.
    pub json: Option<SchemaOf>,
    /// Whether it is a page, or can be.
    pub html: bool,
    /// Whether it speaks JSON-RPC, whose refusals are messages of their own.
    pub json_rpc: bool,
    /// The headers of its own.
    pub headers: Vec<Header>,
}

/// A header of an answer.
#[derive(Clone, Copy)]
pub(super) enum Header {
    /// The version of what is told.
    ETag,
    /// Where it is.
    Location,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes yet, under a heading.
    pub fn new(section: &'static str) -> Self {
        Self { router: Router::new(), section, operations: Vec::new() }
    }

    /// What follows stands under another heading.
    pub fn section(self, section: &'static str) -> Self {
        Self { section, ..self }
    }

    /// With a route.
    pub fn on<H: Handler<T, S>, T: 'static>(mut self, operation: Operation, handler: H) -> Self {
        self.router = self.router.route(operation.path, on(operation.verb.filter(), handler));
        self.operations.push(Operation { section: self.section, ..operation });
        self
    }

    /// With other routes.
    pub fn and(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.operations.extend(other.operations);
        self
    }

    /// The routes, ready to be served.
    pub fn with_state(self, state: S) -> Router {
        self.router.with_state(state)
    }

    /// The descriptions.
    pub fn operations(self) -> Vec<Operation> {
        self.operations
    }
}

impl Verb {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

impl Operation {
    fn new(verb: Verb, path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self {
            verb,
            path,
            id,
            summary,
            section: "",
            access: Access::Known,
            query: Vec::new(),
            paged: false,
            exported: false,
            if_match: false,
            body: None,
            answer: Answer { status: 200, json: None, html: false, json_rpc: false, headers: Vec::new() },
            problems: Vec::new(),
        }
    }

    /// `GET`, with the operation's name and sentence.
    pub fn get(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new(Verb::Get, path, id, summary)
    }

    /// `POST`.
    pub fn post(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new(Verb::Post, path, id, summary)
    }

    /// `PUT`.
    pub fn put(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new(Verb::Put, path, id, summary)
    }

    /// `PATCH`.
    pub fn patch(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new(Verb::Patch, path, id, summary)
    }

    /// `DELETE`.
    pub fn delete(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new(Verb::Delete, path, id, summary)
    }

    /// For anybody.
    pub fn public(self) -> Self {
        Self { access: Access::Public, ..self }
    }

    /// For admins.
    pub fn admin(self) -> Self {
        Self { access: Access::Admin, ..self }
    }

    /// With a query parameter.
    pub fn query(mut self, name: &'static str, of: Of, text: &'static str) -> Self {
        self.query.push(Query { name, of, text });
        self
    }

    /// With `If-Match`.
    pub fn if_match(self) -> Self {
        Self { if_match: true, ..self }
    }

    /// With a body.
    pub fn body(self, schema: SchemaOf) -> Self {
        Self { body: Some((schema, true)), ..self }
    }

    /// With a body that may be left out.
    pub fn body_if_any(self, schema: SchemaOf) -> Self {
        Self { body: Some((schema, false)), ..self }
    }

    /// Answers JSON of a type.
    pub fn answers<T: JsonSchema>(mut self, status: u16) -> Self {
        self.answer.status = status;
        self.answer.json = Some(of::<T>);
        self
    }

    /// Answers one of two types.
    pub fn answers_either<T: JsonSchema, U: JsonSchema>(mut self) -> Self {
        self.answer.json =
            Some(|schemas| json_schema!({ "anyOf": [schemas.subschema_for::<T>(), schemas.subschema_for::<U>()] }));
        self
    }

    /// Answers a page of a list.
    pub fn lists<T: JsonSchema>(mut self) -> Self {
        self.paged = true;
        self.answer.json = Some(page_of::<T>);
        self
    }

    /// Answers a page of a list, as a file too.
    pub fn exports<T: JsonSchema>(self) -> Self {
        let text = "The page as a file: CSV (RFC 4180) with a header row, or one JSON object a line. The next page is in \
            the header `Link`. Of CSV, a cell that begins like a formula has an apostrophe in front.";
        Self { exported: true, ..self.query("format", Of::Choice(&FORMATS), text).lists::<T>() }
    }

    /// Answers nothing but its status.
    pub fn answers_nothing(mut self) -> Self {
        self.answer.status = 204;
        self
    }

    /// Speaks JSON-RPC.
    pub fn json_rpc(mut self) -> Self {
        self.answer.json_rpc = true;
        self
    }

    /// Answers a page for people; JSON too where it has a type.
    pub fn html(mut self) -> Self {
        self.answer.html = true;
        self
    }

    /// Answers with a header.
    pub fn with(mut self, header: Header) -> Self {
        self.answer.headers.push(header);
        self
    }

    /// With problems of its own.
    pub fn problems(mut self, problems: &[Kind]) -> Self {
        self.problems.extend(problems);
        self
    }
}

/// The schema of a type, by reference where it has a name.
pub(super) fn of<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    schemas.subschema_for::<T>()
}

fn page_of<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "items": { "type": "array", "items": schemas.subschema_for::<T>() },
            "next_cursor": {
                "type": ["string", "null"],
                "description": "The cursor of the next page; null where the list ends here."
            },
            "total": {
                "type": ["integer", "null"],
                "description": "How many there are, where `count=true` asked for it; null where that takes too much reading."
            },
            "partial": {
                "type": "boolean",
                "description": "True where more may be found behind a page that is not full."
            },
            "as_of": {
                "type": ["string", "null"],
                "format": "date-time",
                "description": "Of a list of what a sync read: when the sync began that last read all of it; null before that."
            }
        },
        "required": ["items", "next_cursor"]
    })
}

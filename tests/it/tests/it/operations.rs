//! What the functions ask of AWS while the tests run, by function, for whoever holds it against the policies of the
//! template: `.ci/run` does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, Once, PoisonError};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// From now on each operation is written down once in the file that `AWS_OPERATIONS` names, if it names one.
#[expect(clippy::disallowed_methods, reason = "a test's own knob")]
pub fn record() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        if let Some(file) = std::env::var_os("AWS_OPERATIONS") {
            let recorder = Recorder { file: file.into(), seen: Mutex::default() };
            let subscriber = tracing_subscriber::registry().with(recorder.with_filter(Ours));
            tracing::subscriber::set_global_default(subscriber).expect("nobody else listens to the whole process");
        }
    });
}

/// The spans that name functions, and the lines that tell of operations.
struct Ours;

impl<S> Filter<S> for Ours {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        metadata.target() == "okta_connector::aws"
            || metadata.is_span() && metadata.fields().field("function").is_some()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }
}

struct Recorder {
    file: PathBuf,
    seen: Mutex<BTreeSet<String>>,
}

#[derive(Clone, Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    /// What no function asks for is a test's own.
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(Fields(of_span)) = span.extensions().get() {
                fields.0.extend(of_span.clone());
            }
        }
        event.record(&mut fields);
        let mut line = String::new();
        for name in ["function", "action", "index", "key"] {
            let _ = write!(line, "{}\t", fields.0.get(name).map_or("-", String::as_str));
        }
        let is_new =
            !line.starts_with('-') && self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(line.clone());
        if is_new {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(&self.file);
            file.and_then(|mut file| writeln!(file, "{}", line.trim_end())).expect("the file can be written");
        }
    }
}

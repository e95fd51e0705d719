//! What a process writes of itself: one JSON object a line, with what the spans around it tell of the request, the
//! function and the connection. A line that tells a metric is in CloudWatch's embedded metric format as well:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use crate::clock::SharedClock;
use crate::metric;
use serde_json::{Map, Value, json};
use std::fmt;
use std::io::Write;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterFn, LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// The namespace of the metrics.
const NAMESPACE: &str = "OktaConnector";

/// Writes the lines.
pub struct Lines<W> {
    /// Where to.
    pub writer: W,
    /// The deployment, which is the one dimension of its metrics.
    pub stack: String,
    /// Time.
    pub clock: SharedClock,
}

impl<W> Lines<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    /// A subscriber that writes our own lines from a level on, and warnings of the libraries.
    pub fn subscriber(self, level: LevelFilter) -> impl Subscriber + Send + Sync {
        let ours = Targets::new().with_targets([("okta_connector", level), (metric::TARGET, LevelFilter::INFO)]);
        let lines = ours.with_default(LevelFilter::WARN);
        // What is told of a request is of use whatever the level of the line; the runtime's spans tell which invocation it is.
        let known = |target: &str| target.starts_with("okta_connector") || target.starts_with("lambda_runtime");
        let filter = FilterFn::new(move |metadata| {
            if metadata.is_span() {
                *metadata.level() <= Level::INFO && known(metadata.target())
            } else {
                lines.would_enable(metadata.target(), metadata.level())
            }
        });
        // What is finer is off at once, wherever it stands.
        let filter = filter.with_max_level_hint(level.max(LevelFilter::INFO));
        tracing_subscriber::registry().with(self.with_filter(filter))
    }

    fn line(&self, metadata: &Metadata<'_>, members: Fields) -> Map<String, Value> {
        let now = self.clock.now();
        let Fields(mut line) = members;
        line.insert("timestamp".to_owned(), json!(format!("{now:.3}")));
        line.insert("level".to_owned(), json!(metadata.level().as_str()));
        if metadata.target() == metric::TARGET
            && let (Some(Value::String(metric)), Some(unit), Some(value)) =
                (line.remove("metric"), line.remove("unit"), line.remove("value"))
        {
            let metrics = json!([{"Name": metric, "Unit": unit}]);
            let directive = json!({"Namespace": NAMESPACE, "Dimensions": [["Stack"]], "Metrics": metrics});
            let about = json!({"Timestamp": now.as_millisecond(), "CloudWatchMetrics": [directive]});
            line.extend([("_aws".to_owned(), about), ("Stack".to_owned(), json!(self.stack)), (metric, value)]);
        }
        line
    }
}

/// What an event or a span tells.
#[derive(Clone, Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        // The runtime's own names for an invocation, as CloudWatch's queries and X-Ray know them otherwise.
        let name = match field.name() {
            "requestId" => "aws_request_id",
            "xrayTraceId" => "trace_id",
            name => name,
        };
        self.0.insert(name.to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, json!(format!("{value:?}")));
    }
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root) {
            if let Some(Fields(of_span)) = span.extensions().get() {
                fields.0.extend(of_span.clone());
            }
        }
        event.record(&mut fields);
        let line = format!("{}\n", Value::Object(self.line(event.metadata(), fields)));
        // Where the log cannot be written there is nobody to tell.
        let _ = self.writer.make_writer().write_all(line.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Still;
    use std::sync::{Arc, Mutex};

    fn written(level: LevelFilter, work: impl FnOnce()) -> Vec<Value> {
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let lines = Lines { writer: Written(Arc::clone(&written)), stack: "acme".to_owned(), clock: Arc::new(Still) };
        // With a single subscriber in the process, what is off on another thread may be off for all of them.
        let _second = tracing::Dispatch::new(tracing_subscriber::registry());
        tracing::subscriber::with_default(lines.subscriber(level), work);
        let text = String::from_utf8(written.lock().expect("no panic").clone()).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    struct Written(Arc<Mutex<Vec<u8>>>);

    impl<'a> MakeWriter<'a> for Written {
        type Writer = tracing_subscriber::fmt::writer::MutexGuardWriter<'a, Vec<u8>>;

        fn make_writer(&'a self) -> Self::Writer {
            self.0.make_writer()
        }
    }

    #[test]
    fn a_line_tells_what_the_spans_around_it_tell() {
        let lines = written(LevelFilter::WARN, || {
            let invocation = tracing::info_span!("invocation", requestId = "aws-1", xrayTraceId = "Root=1-2");
            invocation.in_scope(|| {
                let request = tracing::info_span!("request", request_id = "r-1", connection = tracing::field::Empty);
                request.in_scope(|| {
                    request.record("connection", "conn_1");
                    tracing::warn!(status = 403_u16, "Okta said \"no\"\nand that was it");
                    tracing::info!("nobody asked");
                });
            });
        });
        let told = json!({
            "timestamp": "1970-01-01T00:00:00.000Z", "level": "WARN", "message": "Okta said \"no\"\nand that was it",
            "aws_request_id": "aws-1", "trace_id": "Root=1-2", "request_id": "r-1", "connection": "conn_1", "status": 403,
        });
        assert_eq!(lines, [told]);
    }

    #[test]
    fn a_metric_is_told_in_the_embedded_metric_format() {
        let lines = written(LevelFilter::ERROR, || metric::tell(metric::Metric::SyncDelay, 90));
        let told = json!({
            "timestamp": "1970-01-01T00:00:00.000Z", "level": "INFO", "message": "SyncDelay: 90", "Stack": "acme",
            "SyncDelay": 90, "_aws": {"Timestamp": 0, "CloudWatchMetrics": [{
                "Namespace": "OktaConnector", "Dimensions": [["Stack"]], "Metrics": [{"Name": "SyncDelay", "Unit": "Seconds"}],
            }]},
        });
        assert_eq!(lines, [told]);
    }

    #[test]
    fn there_are_at_most_ten_metrics() {
        assert!(metric::Metric::ALL.len() <= 10);
    }
}

//! What the functions ask of AWS while the tests run, by function, for whoever holds it against the policies of the
//! template: `.ci/run` does.

use embedded_dynamodb::behave_like_aws;
use okta_connector::clock::SystemClock;
use okta_connector::log::Lines;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;
use tracing::level_filters::LevelFilter;

/// From now on each operation is written down once in the file that `AWS_OPERATIONS` names, if it names one. With
/// `DYNAMODB_LIKE_AWS` the tables of this process behave as on AWS.
#[expect(clippy::disallowed_methods, reason = "a test's own knob")]
pub fn record() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        if let Ok(seed) = std::env::var("DYNAMODB_LIKE_AWS") {
            behave_like_aws(seed.parse().expect("DYNAMODB_LIKE_AWS is a number, the seed"), Duration::ZERO);
        }
        if let Some(file) = std::env::var_os("AWS_OPERATIONS") {
            let recorder = Arc::new(Recorder { file: file.into(), seen: Mutex::default() });
            let writer = move || Taker(Arc::clone(&recorder));
            let lines = Lines { writer, stack: String::new(), clock: Arc::new(SystemClock) };
            let all = lines.subscriber(LevelFilter::DEBUG);
            tracing::subscriber::set_global_default(all).expect("nobody else listens to the whole process");
        }
    });
}

struct Recorder {
    file: PathBuf,
    seen: Mutex<BTreeSet<String>>,
}

/// Takes lines of the log, each whole.
struct Taker(Arc<Recorder>);

impl Write for Taker {
    /// What no function asks for is a test's own.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let told: Value = serde_json::from_slice(line).unwrap_or_default();
        let asks = told["message"].as_str().is_some_and(|message| message.starts_with("asks AWS"));
        if asks && told["function"].is_string() {
            let names = ["function", "action", "index", "key"];
            let operation = names.map(|name| told[name].as_str().unwrap_or("-")).join("\t");
            let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.insert(operation.clone()) {
                let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&self.0.file)?;
                writeln!(file, "{operation}")?;
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

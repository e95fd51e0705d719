//! How far something is: a progress bar on a terminal, plain lines when piped.

use indicatif::{ProgressBar, ProgressStyle};
use std::cell::RefCell;
use std::io::IsTerminal;

/// A bar for so many objects.
pub struct Bar {
    drawn: Option<ProgressBar>,
    phase: RefCell<String>,
    total: u64,
}

impl Bar {
    /// Looks whether somebody watches.
    pub fn new(total: u64) -> Self {
        let drawn = std::io::stdout().is_terminal().then(|| {
            let style = ProgressStyle::with_template("  {bar:40} {pos}/{len} {msg}");
            ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { drawn, phase: RefCell::default(), total }
    }

    /// Moves it; when piped, a line for each new phase.
    pub fn set(&self, done: u64, phase: &str) {
        if let Some(drawn) = &self.drawn {
            drawn.set_position(done);
            drawn.set_message(phase.to_owned());
        } else if *self.phase.borrow() != phase {
            println!("  {phase}, {done} of {} objects", self.total);
            phase.clone_into(&mut self.phase.borrow_mut());
        }
    }

    /// Takes it away.
    pub fn finish(&self) {
        if let Some(drawn) = &self.drawn {
            drawn.finish_and_clear();
        }
    }
}

//! What the judge has seen.

use super::By;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Exchanges counted by operation and by what judged them; `None` counts those that were refused.
#[derive(Debug, Default)]
pub(super) struct Tally {
    operations: BTreeMap<(String, String), BTreeMap<Option<By>, usize>>,
    ignored: usize,
    unknown: usize,
}

impl Tally {
    pub(super) fn count(&mut self, method: &str, template: &str, by: Option<By>) {
        // Keyed by template first, so that the operations of one path stand together.
        let verdicts = self.operations.entry((template.to_owned(), method.to_owned())).or_default();
        *verdicts.entry(by).or_default() += 1;
    }

    pub(super) fn ignore(&mut self) {
        self.ignored += 1;
    }

    pub(super) fn refuse_unknown(&mut self) {
        self.unknown += 1;
    }

    pub(super) fn operations(&self) -> BTreeSet<(String, String)> {
        self.operations.keys().map(|(template, method)| (method.clone(), template.clone())).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut totals = BTreeMap::from([(Some(By::Ignored), self.ignored), (None, self.unknown)]);
        for ((template, method), verdicts) in &self.operations {
            writeln!(f, "{method} {template}: {}", listed(verdicts))?;
            for (by, count) in verdicts {
                *totals.entry(*by).or_default() += count;
            }
        }
        write!(f, "all: {}", listed(&totals))
    }
}

fn listed(verdicts: &BTreeMap<Option<By>, usize>) -> String {
    let text = |(by, count): (&Option<By>, &usize)| match by {
        Some(by) => format!("{count} {by}"),
        None => format!("{count} refused"),
    };
    let parts: Vec<_> = verdicts.iter().filter(|(_, count)| **count > 0).map(text).collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_each_operation_by_what_judged_it() {
        let mut tally = Tally::default();
        for by in [Some(By::Description), Some(By::Description), Some(By::OwnSchema), None] {
            tally.count("GET", "/api/v1/users", by);
        }
        tally.count("POST", "/oauth2/v1/token", Some(By::OwnSchema));
        tally.ignore();
        tally.refuse_unknown();
        assert_eq!(
            tally.to_string(),
            "GET /api/v1/users: 1 refused, 2 description, 1 own schema\n\
             POST /oauth2/v1/token: 1 own schema\n\
             all: 2 refused, 2 description, 2 own schema, 1 ignored"
        );
        assert_eq!(tally.operations().len(), 2);
    }
}

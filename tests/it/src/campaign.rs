//! Which cases of a campaign a test tries. A campaign is a test with more cases than a developer can wait for, such as
//! a sync that is killed at each of its outbound calls. By default a test tries a stratified sample; the seed of the
//! sample changes with each commit. `CAMPAIGN=full` tries every case; `CAMPAIGN_SEED=n` tries another sample.

use crate::proxy::{KillSwitch, When};
use std::process::Command;
use std::sync::LazyLock;

/// How many strata a sample of kill points has.
const STRATA: usize = 10;

/// The cases that one test tries.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    seed: u64,
    full: bool,
}

/// An outbound call at which a process dies, and on which side of its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// Counted from 1.
    pub call: usize,
    /// Before the call takes effect or after it.
    pub when: When,
}

impl Point {
    /// Before and after each of so many calls.
    pub fn every(calls: usize) -> Vec<Self> {
        (1..=calls).flat_map(|call| [When::Before, When::After].map(|when| Self { call, when })).collect()
    }

    /// A switch that kills here.
    pub fn switch(self) -> KillSwitch {
        KillSwitch::new(self.call, self.when)
    }
}

static FULL: LazyLock<bool> = LazyLock::new(|| match variable("CAMPAIGN").as_deref() {
    None | Some("" | "sample") => false,
    Some("full") => true,
    Some(other) => panic!("CAMPAIGN is `full` or `sample`, not `{other}`"),
});

static SEED: LazyLock<u64> = LazyLock::new(|| match variable("CAMPAIGN_SEED") {
    Some(seed) => seed.parse().expect("CAMPAIGN_SEED is a whole number"),
    None => seed_of_commit().unwrap_or_default(),
});

#[expect(clippy::disallowed_methods, reason = "the two knobs of the tests")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The first digits of the commit that is checked out; none where there is no Git.
fn seed_of_commit() -> Option<u64> {
    let mut git = Command::new("git");
    let output = git.args(["rev-parse", "--short=8", "HEAD"]).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
    u64::from_str_radix(String::from_utf8(output.stdout).ok()?.trim(), 16).ok()
}

impl Campaign {
    /// The campaign as the environment asks for it. Prints how to repeat it; the test runner shows that where the test
    /// fails.
    pub fn start() -> Self {
        let campaign = Self { seed: *SEED, full: *FULL };
        if campaign.full {
            println!("every case was asked for: CAMPAIGN=full");
        } else {
            println!("repeat this sample with CAMPAIGN_SEED={}; CAMPAIGN=full tries every case", campaign.seed);
        }
        campaign
    }

    /// Whether every case is tried. What holds only over all cases is asserted only then.
    pub fn is_full(self) -> bool {
        self.full
    }

    /// Where to kill a process that makes so many calls: before and after each in full, otherwise at the first, the last,
    /// and one of each tenth.
    pub fn points(self, calls: usize) -> Vec<Point> {
        if self.full { Point::every(calls) } else { self.strata(calls, STRATA, true) }
    }

    /// Where to kill a process whose calls are too many to kill it at each: at `full` calls spread over all in full,
    /// otherwise at `sampled`.
    pub fn spread(self, calls: usize, sampled: usize, full: usize) -> Vec<Point> {
        self.strata(calls, self.count(sampled, full), false)
    }

    /// How many of numbered cases are tried.
    pub fn count(self, sampled: usize, full: usize) -> usize {
        if self.full { full } else { sampled }
    }

    /// Which of `all` numbered cases are tried: each in full, otherwise `sampled` of them.
    pub fn cases(self, sampled: usize, all: u64) -> Vec<u64> {
        if self.full {
            return (0..all).collect();
        }
        let first = mixed(self.seed) % all;
        (0..all.min(sampled as u64)).map(|place| (first + place * all / sampled.max(1) as u64) % all).collect()
    }

    /// Which of these cases are tried: each in full, otherwise so many of them, spread over all.
    pub fn some_of<T>(self, sampled: usize, all: &[T]) -> impl Iterator<Item = &T> {
        let chosen = self.cases(sampled, all.len() as u64);
        chosen.into_iter().filter_map(|place| all.get(usize::try_from(place).ok()?))
    }

    /// Numbers from 1 up to `most`, `full` apart in full and otherwise `sampled`, from another first one with each seed.
    pub fn every(self, sampled: usize, full: usize, most: i64) -> impl Iterator<Item = i64> {
        let step = self.count(sampled, full);
        let first = 1 + i64::try_from(mixed(self.seed) % step as u64).unwrap_or_default();
        (first..most).step_by(step)
    }

    /// What random cases are made from.
    pub fn seed(self) -> u64 {
        self.seed
    }

    /// One call of each stratum, and the first and the last where asked for; the sides alternate.
    fn strata(self, calls: usize, strata: usize, ends: bool) -> Vec<Point> {
        let strata = strata.min(calls);
        let inside = |stratum: usize| {
            let from = stratum * calls / strata;
            let to = (stratum + 1) * calls / strata;
            1 + from
                + usize::try_from(mixed(self.seed.wrapping_add(stratum as u64)) % (to - from) as u64)
                    .unwrap_or_default()
        };
        let mut chosen: Vec<usize> = (0..strata).map(inside).collect();
        if ends && calls > 0 {
            chosen.extend([1, calls]);
        }
        chosen.sort_unstable();
        chosen.dedup();
        let side = |place: usize| {
            if self.seed.wrapping_add(place as u64).is_multiple_of(2) { When::Before } else { When::After }
        };
        chosen.into_iter().enumerate().map(|(place, call)| Point { call, when: side(place) }).collect()
    }
}

/// A number that looks random, the same for the same input: the finalizer of `SplitMix64`
/// (<https://prng.di.unimi.it/splitmix64.c>).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seed: u64) -> Campaign {
        Campaign { seed, full: false }
    }

    #[test]
    fn a_sample_has_the_first_call_the_last_and_one_of_each_tenth() {
        for seed in 0..200 {
            let points = sample(seed).points(304);
            let calls: Vec<_> = points.iter().map(|point| point.call).collect();
            assert!(calls.is_sorted() && calls.first() == Some(&1) && calls.last() == Some(&304), "{calls:?}");
            for tenth in 0..10 {
                let of_tenth = |call: &&usize| (tenth * 304 / 10..(tenth + 1) * 304 / 10).contains(&(**call - 1));
                assert!(calls.iter().any(|call| of_tenth(&call)), "seed {seed}, tenth {tenth}: {calls:?}");
            }
            assert!(points.windows(2).all(|pair| pair[0].when != pair[1].when), "the sides alternate: {points:?}");
        }
    }

    #[test]
    fn seeds_try_each_call_on_each_side_in_the_end() {
        let tried: std::collections::BTreeSet<_> = (0..2_000).flat_map(|seed| sample(seed).points(50)).collect();
        assert_eq!(tried.into_iter().collect::<Vec<_>>(), Point::every(50));
    }

    #[test]
    fn few_calls_are_each_tried() {
        for calls in 0..=10 {
            let tried: Vec<_> = sample(7).points(calls).iter().map(|point| point.call).collect();
            assert_eq!(tried, (1..=calls).collect::<Vec<_>>());
        }
    }

    #[test]
    fn full_is_every_point_and_every_case() {
        let full = Campaign { seed: 3, full: true };
        assert_eq!(full.points(4), Point::every(4));
        assert_eq!(full.cases(2, 5), [0, 1, 2, 3, 4]);
        assert_eq!((full.count(1, 9), full.spread(1_000, 2, 100).len()), (9, 100));
    }

    #[test]
    fn sampled_cases_differ_and_change_with_the_seed() {
        let chosen: std::collections::BTreeSet<_> = sample(1).cases(3, 50).into_iter().collect();
        assert_eq!(chosen.len(), 3);
        assert!((1..20).any(|seed| sample(seed).cases(3, 50) != sample(0).cases(3, 50)));
    }
}

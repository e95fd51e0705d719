//! Who manages whom, worked out from what profiles say: an Okta id, a login, an email or an employee number.

use super::Row;
use crate::fold::fold;
use std::collections::{HashMap, HashSet};

/// Of the people in a cycle of managers, a finding names so many.
const MOST_NAMED: usize = 10;

/// The tree of managers over the lines of a roster.
pub struct Tree {
    managers: Vec<Option<u32>>,
    direct: Vec<u32>,
    all: Vec<u32>,
    findings: Vec<Finding>,
}

/// Something that is wrong with a person's manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `manager_cycle`, `manager_dangling` or `manager_ambiguous`.
    pub kind: &'static str,
    /// The person's place in the roster.
    pub place: usize,
    /// What was found.
    pub detail: String,
}

/// What a value can name, surest first.
enum Named {
    Missing,
    One(u32),
    Several,
}

impl Tree {
    /// Of lines ordered by id.
    pub fn new(rows: &[Row]) -> Self {
        let mut tree = Self {
            managers: vec![None; rows.len()],
            direct: vec![0; rows.len()],
            all: vec![0; rows.len()],
            findings: Vec::new(),
        };
        tree.resolve(rows);
        let cycles = tree.cycles();
        for cycle in &cycles {
            tree.find_cycle(cycle, rows);
        }
        tree.count(&cycles);
        tree
    }

    /// A person's manager.
    pub fn manager(&self, place: usize) -> Option<usize> {
        self.managers.get(place).copied().flatten().map(|manager| manager as usize)
    }

    /// The managers above a person, nearest first; a cycle ends where it would begin again.
    pub fn chain(&self, place: usize) -> Vec<usize> {
        let (mut chain, mut seen) = (Vec::new(), HashSet::from([place]));
        let mut above = self.manager(place);
        while let Some(manager) = above {
            if !seen.insert(manager) {
                break;
            }
            chain.push(manager);
            above = self.manager(manager);
        }
        chain
    }

    /// How many report to a person directly.
    pub fn reports_count(&self, place: usize) -> u32 {
        self.direct.get(place).copied().unwrap_or_default()
    }

    /// How many report to a person directly or through others.
    pub fn all_reports_count(&self, place: usize) -> u32 {
        self.all.get(place).copied().unwrap_or_default()
    }

    /// Who reports to a person directly; a person is never their own report.
    pub fn reports(&self, place: usize) -> impl Iterator<Item = usize> {
        let manager = u32::try_from(place).ok();
        let all = self.managers.iter().enumerate();
        all.filter(move |(it, above)| *it != place && above.is_some() && **above == manager).map(|(place, _)| place)
    }

    /// What is wrong with people's managers.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    fn resolve(&mut self, rows: &[Row]) {
        let index = Index::new(rows);
        for (place, row) in rows.iter().enumerate().filter(|(_, row)| row.is_person()) {
            let Some(value) = &row.manager else { continue };
            match index.find(value) {
                Named::One(manager) => self.managers[place] = Some(manager),
                Named::Several => self.find("manager_ambiguous", place, format!("'{value}' names several people")),
                Named::Missing => {
                    self.find("manager_dangling", place, format!("'{value}' names no person of this directory"));
                }
            }
        }
    }

    /// Cycles of managers: each person's manager is the next one, that of the last the first.
    fn cycles(&self) -> Vec<Vec<usize>> {
        // 0: not looked at, 1: on the way that is being walked, 2: done.
        let mut seen = vec![0_u8; self.managers.len()];
        let mut cycles = Vec::new();
        for start in 0..self.managers.len() {
            let mut way = Vec::new();
            let mut at = Some(start);
            while let Some(place) = at.filter(|place| seen[*place] == 0) {
                seen[place] = 1;
                way.push(place);
                at = self.manager(place);
            }
            if let Some(back) = at.filter(|place| seen[*place] == 1) {
                let begins = way.iter().position(|place| *place == back).unwrap_or_default();
                cycles.push(way[begins..].to_vec());
            }
            for place in way {
                seen[place] = 2;
            }
        }
        cycles
    }

    /// Each person of a cycle keeps their manager, and has a finding with the names of the chain.
    fn find_cycle(&mut self, cycle: &[usize], rows: &[Row]) {
        let more = if cycle.len() > MOST_NAMED { " → …" } else { "" };
        for (at, place) in cycle.iter().enumerate() {
            let chain = cycle[at..].iter().chain(&cycle[..at]).take(MOST_NAMED);
            let names: Vec<_> = chain.map(|place| rows[*place].name.as_str()).collect();
            let detail = match names.as_slice() {
                [name] => format!("{name} is their own manager"),
                names => {
                    let chain = names.join(" → ");
                    format!("the chain of managers leads back to this person: {chain}{more} → {}", names[0])
                }
            };
            self.find("manager_cycle", *place, detail);
        }
    }

    /// A person's manager, unless they are their own.
    fn above(&self, place: usize) -> Option<usize> {
        self.manager(place).filter(|manager| *manager != place)
    }

    /// Leaves first: each adds its count to its manager's. A cycle has no leaf: below each of its members are all the others
    /// and their reports.
    fn count(&mut self, cycles: &[Vec<usize>]) {
        for place in 0..self.managers.len() {
            if let Some(manager) = self.above(place) {
                self.direct[manager] += 1;
            }
        }
        let mut waiting = self.direct.clone();
        let mut ready: Vec<_> = (0..waiting.len()).filter(|place| waiting[*place] == 0).collect();
        while let Some(place) = ready.pop() {
            let Some(manager) = self.above(place) else { continue };
            self.all[manager] += self.all[place] + 1;
            waiting[manager] -= 1;
            if waiting[manager] == 0 {
                ready.push(manager);
            }
        }
        for cycle in cycles {
            let below: u32 = cycle.iter().map(|place| self.all[*place] + 1).sum();
            for place in cycle {
                self.all[*place] = below - 1;
            }
        }
    }

    fn find(&mut self, kind: &'static str, place: usize, detail: String) {
        self.findings.push(Finding { kind, place, detail });
    }
}

/// Who is meant by each text that names a manager.
struct Index<'a> {
    rows: &'a [Row],
    others: HashMap<String, Named>,
}

impl<'a> Index<'a> {
    fn new(rows: &'a [Row]) -> Self {
        let people = || (0_u32..).zip(rows).filter(|(_, row)| row.is_person());
        let wanted = people().filter_map(|(_, row)| Some((fold(row.manager.as_deref()?.trim()), Named::Missing)));
        let mut index = Self { rows, others: wanted.collect() };
        for (place, row) in people() {
            for text in [Some(&row.login), row.email.as_ref(), row.employee_number.as_ref()].into_iter().flatten() {
                index.add(&fold(text), place);
            }
        }
        index
    }

    fn add(&mut self, name: &str, place: u32) {
        let Some(meant) = self.others.get_mut(name) else { return };
        *meant = match meant {
            Named::Missing => Named::One(place),
            Named::One(other) if *other == place => Named::One(place),
            _ => Named::Several,
        };
    }

    fn find(&self, value: &str) -> Named {
        let value = value.trim();
        if let Ok(place) = self.rows.binary_search_by(|row| row.id.as_str().cmp(value)) {
            let one = u32::try_from(place).map_or(Named::Missing, Named::One);
            return if self.rows[place].is_person() { one } else { Named::Missing };
        }
        match self.others.get(&fold(value)) {
            Some(Named::One(place)) => Named::One(*place),
            Some(Named::Several) => Named::Several,
            _ => Named::Missing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Roster;
    use super::*;
    use crate::okta::UserId;
    use jiff::Timestamp;

    fn row(id: &str, login: &str, number: Option<&str>, manager: Option<&str>) -> Row {
        Row {
            id: UserId::parse(id).expect("an id"),
            status: "ACTIVE".to_owned(),
            updated: Timestamp::UNIX_EPOCH,
            name: id.to_owned(),
            login: login.to_owned(),
            email: Some(format!("mail-{login}")),
            employee_number: number.map(str::to_owned),
            manager: manager.map(str::to_owned),
            title: None,
            department: None,
            location: Vec::new(),
        }
    }

    fn names(roster: &Roster, places: impl IntoIterator<Item = usize>) -> Vec<&str> {
        places.into_iter().map(|place| roster.rows[place].id.as_str()).collect()
    }

    #[test]
    fn a_manager_is_named_by_id_login_email_or_employee_number() {
        let rows = vec![
            row("00u1", "ana@example.com", Some("E-1"), None),
            row("00u2", "b", None, Some("00u1")),
            row("00u3", "c", None, Some("ANA@example.com")),
            row("00u4", "d", None, Some("mail-ana@example.com")),
            row("00u5", "e", None, Some(" e-1 ")),
            row("00u6", "f", None, Some("00u5")),
        ];
        let roster = Roster::new(rows);
        assert_eq!(names(&roster, roster.tree.reports(0)), ["00u2", "00u3", "00u4", "00u5"]);
        assert_eq!((roster.tree.reports_count(0), roster.tree.all_reports_count(0)), (4, 5));
        assert_eq!(names(&roster, roster.tree.chain(5)), ["00u5", "00u1"]);
        assert_eq!(roster.tree.findings(), []);
    }

    #[test]
    fn what_names_nobody_or_several_or_leads_back_is_a_finding() {
        let mut gone = row("00u7", "gone", None, None);
        gone.status = "DEPROVISIONED".to_owned();
        let roster = Roster::new(vec![
            row("00u1", "a", Some("7"), Some("00u2")),
            row("00u2", "b", Some("7"), Some("00u1")),
            row("00u3", "c", None, Some("nobody")),
            row("00u4", "d", None, Some("7")),
            row("00u5", "e", None, Some("00u5")),
            row("00u6", "f", None, Some("00u1")),
            gone,
            row("00u8", "g", None, Some("00u7")),
        ]);
        let mut found: Vec<_> = roster.tree.findings().iter().map(|it| (it.place + 1, it.kind)).collect();
        found.sort_unstable();
        let cycle = "manager_cycle";
        let expected = [
            (1, cycle),
            (2, cycle),
            (3, "manager_dangling"),
            (4, "manager_ambiguous"),
            (5, cycle),
            (8, "manager_dangling"),
        ];
        assert_eq!(found, expected);
        assert_eq!(names(&roster, roster.tree.chain(5)), ["00u1", "00u2"]);
        assert_eq!(names(&roster, roster.tree.chain(0)), ["00u2"]);
    }

    #[test]
    fn below_each_of_a_cycle_are_all_the_others_and_their_reports() {
        let roster = Roster::new(vec![
            row("00u1", "a", None, Some("00u2")),
            row("00u2", "b", None, Some("00u3")),
            row("00u3", "c", None, Some("00u1")),
            row("00u4", "d", None, Some("00u3")),
            row("00u5", "e", None, Some("00u4")),
            row("00u6", "f", None, Some("00u6")),
            row("00u7", "g", None, Some("00u6")),
        ]);
        let counts = |place| (roster.tree.reports_count(place), roster.tree.all_reports_count(place));
        let of_cycle = [counts(0), counts(1), counts(2)];
        assert_eq!(of_cycle, [(1, 4), (1, 4), (2, 4)]);
        assert_eq!([counts(3), counts(5)], [(1, 1), (1, 1)]);
        assert_eq!(names(&roster, roster.tree.reports(5)), ["00u7"]);
        let details: Vec<_> = roster.tree.findings().iter().map(|finding| finding.detail.as_str()).collect();
        assert_eq!(details[0], "the chain of managers leads back to this person: 00u1 → 00u2 → 00u3 → 00u1");
        assert_eq!(details[3], "00u6 is their own manager");
    }
}

//! Founding a tenant: organization, people, groups, apps, memberships and a recent past.

mod admins;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::SignedDuration;

use super::admin::Admins;
use super::app::{App, Assignment, Links};
use super::group::{Group, GroupKind};
use super::noise::Noise;
use super::service::ServiceApp;
use super::terms::Terms;
use super::{Tenant, people};
use crate::Config;
use crate::clock::{Clock, Stamp, moved};
use crate::log::{Entry, Log};
use crate::page::Seal;
use crate::random::{Id, Ids, Random};

/// The one link most apps have.
const LOGIN: Links = &[("login", "")];

/// Apps after Okta's own: integration name, label, how one signs in, links on the dashboard.
const APPS: &[(&str, &str, &str, Links)] = &[
    ("google", "Google Workspace", "SAML_2_0", &[("mail", "Mail"), ("calendar", "Calendar")]),
    ("slack", "Slack", "SAML_2_0", LOGIN),
    ("salesforce", "Salesforce", "SAML_2_0", LOGIN),
    ("zoomus", "Zoom", "SAML_2_0", LOGIN),
    ("bookmark", "Company Handbook", "BOOKMARK", LOGIN),
    ("github_enterprise", "GitHub", "SAML_2_0", LOGIN),
    ("atlassian", "Atlassian Cloud", "SAML_2_0", LOGIN),
    ("workday", "Workday", "SAML_2_0", &[]),
    ("amazon_aws", "AWS Account Federation", "SAML_2_0", LOGIN),
    ("template_basic_auth", "Expenses", "BASIC_AUTH", LOGIN),
];

/// More of them in a rude tenant: a directory, which nobody signs in to, and modes that few apps have.
const RUDE_APPS: &[(&str, &str, &str, Links)] = &[
    ("active_directory", "corp.acme.example", "", &[]),
    ("template_swa", "Legacy Portal", "BROWSER_PLUGIN", LOGIN),
    ("template_sps", "Timesheet", "SECURE_PASSWORD_STORE", LOGIN),
    ("acme_intranet", "Intranet", "AUTO_LOGIN", LOGIN),
    ("oidc_client", "Field App", "OPENID_CONNECT", LOGIN),
];

/// Events a minute in a rude tenant by default.
const RUDE_NOISE: u32 = 6;

/// What Okta says of the group of all administrators (recorded).
const ADMINISTRATORS: &str = "Okta manages this group, which contains all administrators in your organization.";

/// Sign-ins of the past days that a new tenant's log begins with.
const PAST_SIGN_INS: usize = 200;

impl Tenant {
    /// A tenant as a configuration describes it; the same seed makes the same one.
    pub fn found(config: &Config, seed: u64, base: String) -> Tenant {
        let clock = Clock::default();
        let founded = clock.now();
        let now = Stamp::of(founded);
        let mut ids = Ids::new(seed);
        let org = people::org(&mut ids, now);
        let everyone = ids.next(*b"00g");
        let noise = config.noise.unwrap_or(if config.rude { RUDE_NOISE } else { 0 });
        let mut tenant = Tenant {
            org,
            base,
            clock,
            ids,
            random: Random::new(seed, "tokens"),
            seal: Seal::new(seed),
            users: BTreeMap::new(),
            logins: BTreeMap::new(),
            groups: BTreeMap::new(),
            everyone,
            administrators: None,
            rude: config.rude,
            apps: BTreeMap::new(),
            log: Log::default(),
            hooks: BTreeMap::new(),
            outbox: Vec::new(),
            crowd: Random::new(seed, "sign-ins"),
            roll: Vec::with_capacity(config.users),
            unindexed: HashMap::new(),
            service: ServiceApp::new(config),
            noise: Noise::new(noise, seed, founded),
            admins: Admins::new(seed),
            owners: BTreeMap::new(),
            rules: BTreeMap::new(),
            terms: Terms::default(),
            signed_out: Vec::new(),
            touched: BTreeSet::new(),
        };
        let mut random = Random::new(seed, "people");
        tenant.add_apps(config.apps);
        tenant.add_groups(config.groups.max(if config.rude { 2 } else { 1 }));
        people::hire(&mut tenant, config.users, &mut random);
        if config.rude {
            people::rename_oddly(&mut tenant);
        }
        tenant.add_memberships(config.memberships, &mut random);
        tenant.add_assignments(&mut random);
        tenant.equip(&mut Random::new(seed, "factors"));
        tenant.remember_sign_ins();
        if config.access {
            tenant.appoint();
        }
        tenant
    }

    fn add_apps(&mut self, count: usize) {
        let created = self.org.created;
        let more = if self.rude { RUDE_APPS } else { &[] };
        let known = [APPS, more].concat();
        for index in 0..count {
            let round = index.saturating_sub(1) / known.len();
            let (name, label, sign_on, links) = match index.checked_sub(1) {
                None => ("saasure", "Okta Admin Console", "OPENID_CONNECT", &[][..]),
                Some(index) => known[index % known.len()],
            };
            let label = if round == 0 { label.to_owned() } else { format!("{label} {}", round + 1) };
            let id = self.ids.next(*b"0oa");
            let app = App {
                id,
                name: name.to_owned(),
                label,
                active: index == 0 || index % 7 != 5,
                sign_on: Some(sign_on).filter(|mode| !mode.is_empty()),
                created,
                last_updated: created,
                links,
                users: BTreeMap::new(),
                groups: BTreeSet::new(),
            };
            self.apps.insert(id, app);
        }
    }

    /// The built-in groups first, then a fifth imported from apps, the rest Okta's own.
    fn add_groups(&mut self, count: usize) {
        let created = self.org.created;
        let names: Vec<&str> = people::department_names().chain(people::office_names()).collect();
        let sources: Vec<Id> = self.apps.keys().skip(1).copied().collect();
        for index in 0..count {
            let imported = index % 5 == 4 && !sources.is_empty();
            let name = names[index.saturating_sub(1) % names.len()];
            let round = index.saturating_sub(1) / names.len();
            let name = if round == 0 { name.to_owned() } else { format!("{name} Team {}", round + 1) };
            let (id, kind, name, description) = match index {
                0 => (self.everyone, GroupKind::BuiltIn, "Everyone".to_owned(), Some("All users in your organization")),
                1 if self.rude => (
                    *self.administrators.insert(self.ids.next(*b"00g")),
                    GroupKind::BuiltIn,
                    "Okta Administrators".to_owned(),
                    Some(ADMINISTRATORS),
                ),
                _ if imported => {
                    (self.ids.next(*b"00g"), GroupKind::AppGroup, format!("{name} (imported)"), Some("Imported"))
                }
                _ => (self.ids.next(*b"00g"), GroupKind::OktaGroup, name, Some("Made for a new tenant")),
            };
            let group = Group {
                id,
                kind,
                name,
                description: description.map(str::to_owned),
                created,
                last_updated: created,
                last_membership_updated: created,
                members: BTreeSet::new(),
                source: imported.then(|| sources[index % sources.len()]),
            };
            self.groups.insert(id, group);
        }
    }

    /// The groups that are not built in.
    fn chosen_groups(&self) -> Vec<Id> {
        let chosen = self.groups.values().filter(|group| group.kind != GroupKind::BuiltIn);
        chosen.map(|group| group.id).collect()
    }

    /// Exactly `wanted` memberships, or about five a person; the first groups are the biggest.
    fn add_memberships(&mut self, wanted: Option<usize>, random: &mut Random) {
        let groups = self.chosen_groups();
        let people: Vec<Id> = self.users.values().filter(|user| user.is_present()).map(|user| user.id).collect();
        if groups.is_empty() || people.is_empty() {
            return;
        }
        let wanted = wanted.unwrap_or(people.len() * 5).min(people.len() * groups.len());
        let strides: Vec<usize> = (1..=groups.len()).filter(|stride| coprime(*stride, groups.len())).collect();
        for (index, person) in people.iter().enumerate() {
            let share = wanted / people.len() + usize::from(index < wanted % people.len());
            // A stride without a common divisor visits every group once, so that no membership repeats.
            let (one, two) = (random.below(groups.len()), random.below(groups.len()));
            let (start, stride) = (one.min(two), *random.pick(&strides));
            for step in 0..share {
                self.join(*person, groups[(start + step * stride) % groups.len()]);
            }
        }
        let created = self.org.created;
        for group in self.groups.values_mut() {
            group.last_membership_updated = created;
        }
    }

    /// Each app but Okta's own gets a few groups and some people directly.
    fn add_assignments(&mut self, random: &mut Random) {
        let groups = self.chosen_groups();
        let people: Vec<Id> = self.users.values().filter(|user| user.is_present()).map(|user| user.id).collect();
        let created = self.org.created;
        for app in self.apps.values_mut().skip(1) {
            for _ in 0..groups.len().min(2) {
                app.groups.insert(*random.pick(&groups));
            }
            for _ in 0..people.len().min(30) {
                app.users.insert(*random.pick(&people), Assignment::new(created));
            }
        }
        if let (Some(console), Some(owner)) = (self.apps.values_mut().next(), people.first()) {
            console.users.insert(*owner, Assignment::new(created));
        }
    }

    fn remember_sign_ins(&mut self) {
        for step in (0..PAST_SIGN_INS).rev() {
            let Some(party) = self.anyone(|_| {}) else { continue };
            let ago = SignedDuration::from_mins(i64::try_from(step).unwrap_or(0) * 20 + 5);
            let entry = Entry::new("user.session.start", party.clone(), vec![party]);
            self.log.write(entry, moved(self.clock.now(), -ago), &mut self.random);
        }
    }
}

fn coprime(left: usize, right: usize) -> bool {
    let (mut a, mut b) = (left, right);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant::user::Status;
    use std::collections::HashSet;

    fn tenant(config: &Config) -> Tenant {
        Tenant::found(config, config.seed, "http://127.0.0.1:1".into())
    }

    #[test]
    fn a_tenant_has_exactly_what_was_asked_for() {
        let tenant = tenant(&Config { users: 300, memberships: Some(1_234), ..Config::default() });
        assert_eq!((tenant.users.len(), tenant.groups.len(), tenant.apps.len()), (300, 50, 20));
        assert_eq!(tenant.groups.values().map(|group| group.members.len()).sum::<usize>(), 1_234);
        assert_eq!(tenant.users.values().map(|user| user.groups.len()).sum::<usize>(), 1_234);
        let census = people::census(&tenant.users);
        assert_eq!(census["DEPROVISIONED"], 6);
        assert!(census.values().all(|count| *count > 0), "{census:?}");
        let first_app = tenant.apps.values().next().map(|app| app.name.as_str());
        assert_eq!(first_app, Some("saasure"));
    }

    #[test]
    fn one_seed_makes_one_tenant() {
        let people = |seed| -> Vec<String> {
            let tenant = tenant(&Config { users: 50, seed, ..Config::default() });
            tenant.users.values().map(|user| format!("{} {:?}", user.id, user.profile)).collect()
        };
        assert_eq!(people(3), people(3));
        assert_ne!(people(3), people(4));
    }

    #[test]
    fn a_rude_tenant_has_what_examples_leave_out() {
        let tenant = tenant(&Config { rude: true, ..Config::default() });
        assert_eq!((tenant.users.len(), tenant.groups.len(), tenant.apps.len()), (1000, 50, 20));
        let administrators = tenant.administrators.and_then(|id| tenant.groups.get(&id)).expect("administrators");
        assert_eq!((administrators.kind, administrators.members.len()), (GroupKind::BuiltIn, 0));
        let odd = |mark: char| tenant.users.values().any(|user| user.login().contains(mark));
        assert!(r#"?#/\'"%+"#.chars().all(odd));
        assert_eq!(tenant.users.values().filter(|user| !user.login().contains('@')).count(), 1);
        assert!(
            tenant.users.values().all(|user| tenant.logins.get(&crate::tenant::fold(user.login())) == Some(&user.id))
        );
        assert!(tenant.apps.values().any(|app| app.sign_on.is_none()) && tenant.apps.values().any(|app| !app.active));
    }

    /// Follows `managerId` the way a careful reader would.
    #[test]
    fn managers_form_one_ring_and_one_reference_leads_nowhere() {
        let tenant = tenant(&Config { users: 1000, ..Config::default() });
        let mut names = HashMap::new();
        for user in tenant.users.values() {
            names.extend([user.id.as_str(), user.login(), user.text("employeeNumber")].map(|name| (name, user.id)));
        }
        let boss = |id: &Id| names.get(tenant.users[id].text("managerId")).copied();
        let dangling = tenant.users.values().filter(|user| {
            let manager = user.text("managerId");
            !manager.is_empty() && !names.contains_key(manager)
        });
        assert_eq!(dangling.count(), 1);
        let in_ring = |start: &Id| {
            let mut at = *start;
            (0..4).any(|_| boss(&at).is_some_and(|next| std::mem::replace(&mut at, next) != next && at == *start))
        };
        assert_eq!(tenant.users.keys().filter(|id| in_ring(id)).count(), 2);
        let managers: HashSet<Id> = tenant.users.keys().filter_map(boss).collect();
        assert!(managers.iter().all(|id| tenant.users[id].status != Status::Deprovisioned));
    }
}

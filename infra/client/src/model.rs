//! What the API tells, as its description has it. Words of a closed list are text here: a newer deployment may have more.

mod action;
mod connection;
mod directory;
mod event;
mod sync;

pub use action::*;
pub use connection::*;
pub use directory::*;
pub use event::*;
pub use sync::*;

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn assert_as_described<T: Default + Serialize>(name: &str) {
        let description: Value = serde_json::from_str(include_str!("../../openapi.json")).expect("JSON");
        let schema = &description["components"]["schemas"][name];
        let names = |object: &Value| object.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let described: BTreeSet<String> = names(&schema["properties"]);
        let optional: BTreeSet<String> = {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            described.iter().filter(|name| !required.iter().any(|it| it == *name)).cloned().collect()
        };
        let known: BTreeSet<String> = names(&serde_json::to_value(T::default()).expect("JSON"));
        assert!(known.is_subset(&described), "{name}: {:?}", known.difference(&described));
        let missing: BTreeSet<_> = described.difference(&known).cloned().collect();
        assert!(missing.is_subset(&optional), "{name}: {missing:?} is told and not known");
    }

    #[test]
    fn what_is_known_of_the_api_is_what_its_description_tells() {
        assert_as_described::<Connection>("Connection");
        assert_as_described::<SetUp>("SetUp");
        assert_as_described::<Auth>("Auth");
        assert_as_described::<Key>("Key");
        assert_as_described::<SyncSettings>("SyncSettings");
        assert_as_described::<Attributes>("Attributes");
        assert_as_described::<Counts>("Counts");
        assert_as_described::<LastSync>("LastSync");
        assert_as_described::<Check>("Check");
        assert_as_described::<TestReport>("TestReport");
        assert_as_described::<Caller>("Caller");
        assert_as_described::<Action>("Action");
        assert_as_described::<Performed>("Performed");
        assert_as_described::<Rehearsal>("Rehearsal");
        assert_as_described::<Sync>("Sync");
        assert_as_described::<Person>("Person");
        assert_as_described::<PersonInFull>("PersonInFull");
        assert_as_described::<User>("User");
        assert_as_described::<Group>("Group");
        assert_as_described::<DirectoryApp>("DirectoryApp");
        assert_as_described::<DirectoryAppUser>("DirectoryAppUser");
        assert_as_described::<Hit>("Hit");
        assert_as_described::<Managing>("Managing");
        assert_as_described::<Access>("Access");
        assert_as_described::<AccessPath>("AccessPath");
        assert_as_described::<Location>("Location");
        assert_as_described::<DirectoryFinding>("DirectoryFinding");
        assert_as_described::<AdminRole>("AdminRole");
        assert_as_described::<Granter>("Granter");
        assert_as_described::<GroupOwner>("GroupOwner");
        assert_as_described::<Trigger>("Trigger");
        assert_as_described::<CloudEvent>("CloudEvent");
        assert_as_described::<AuditRow>("AuditRow");
    }
}

use super::*;
use crate::okta::UserId;
use crate::synced::Roster;
use jiff::Timestamp;
use proptest::prelude::*;

/// A line of somebody whose profile says this, by attribute.
fn row(number: usize, told: &[(&str, &str)]) -> Row {
    Row {
        id: UserId::parse(&format!("00u{number}")).expect("an id"),
        status: "ACTIVE".to_owned(),
        updated: Timestamp::UNIX_EPOCH,
        name: "x".to_owned(),
        login: format!("{number}@example.com"),
        email: None,
        employee_number: None,
        manager: None,
        title: None,
        department: None,
        location: told.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
    }
}

/// Lines of people who work in a city of a country.
fn rows(told: &[(&str, &str)]) -> Vec<Row> {
    told.iter().enumerate().map(|(n, (city, code))| row(n, &[("city", city), ("countryCode", code)])).collect()
}

#[test]
fn spellings_of_a_place_are_one_location_shown_as_most_people_spell_it() {
    let rows = rows(&[("Berlin", "DE"), ("BERLIN ,", "Germany"), (" berlin", "DEU"), ("Berlin", "Deutschland")]);
    let roster = Roster::new(rows);
    let [berlin] = roster.places.all() else { panic!("one location, not {:?}", roster.places.all()) };
    assert_eq!((berlin.name.as_str(), berlin.people_count), ("Berlin, Germany", 4));
    assert_eq!((berlin.city.as_deref(), berlin.country_code.as_deref()), (Some("Berlin"), Some("DE")));
    assert!((0..4).all(|line| roster.places.of(line) == Some(0)));
    assert!(roster.rows.iter().all(|row| row.location.is_empty()), "what is worked out is not held twice");
}

#[test]
fn every_attribute_takes_part_and_has_its_field() {
    let told = [
        ("officeLocation", "HQ"),
        ("streetAddress", "5 Howard St."),
        ("city", "San Francisco"),
        ("state", "CA"),
        ("zipCode", "94 105"),
        ("countryCode", "US"),
    ];
    let mut other = told;
    other[0].1 = "Annex";
    let places = Places::new(&[row(1, &told), row(2, &other), row(3, &told[1..])]);
    let [plain, annex, hq] = places.all() else { panic!("three locations") };
    assert_eq!(annex.name, "Annex, 5 Howard St., San Francisco, CA, 94 105, United States");
    assert_eq!(plain.street_address.as_deref(), Some("5 Howard St."));
    assert_eq!((hq.state.as_deref(), hq.postal_code.as_deref()), (Some("CA"), Some("94 105")));
    assert_eq!(places.of(0), places.place(&hq.id));
}

#[test]
fn an_unknown_country_is_a_place_without_a_code() {
    let places = Places::new(&rows(&[("Poseidonis", "Atlantis"), ("Poseidonis", "ATLANTIS")]));
    let [only] = places.all() else { panic!("one location") };
    assert_eq!((only.name.as_str(), only.country_code.as_deref()), ("Poseidonis, ATLANTIS", None));
}

#[test]
fn whoever_says_nothing_and_whoever_has_left_works_nowhere() {
    let mut gone = row(1, &[("city", "Oslo")]);
    gone.status = "DEPROVISIONED".to_owned();
    let places = Places::new(&[gone, row(2, &[]), row(3, &[("city", " - ")])]);
    assert_eq!((places.all(), places.of(0), places.of(1), places.of(2)), (&[][..], None, None, None));
}

#[test]
fn a_location_keeps_its_id_whatever_happens_to_others() {
    let id = |told: &[(&str, &str)]| Places::new(&rows(told)).all().iter().map(|it| it.id.clone()).collect::<Vec<_>>();
    let oslo = id(&[("Oslo", "NO")]);
    assert_eq!(oslo, id(&[("OSLO", "Norway")]));
    assert!(id(&[("Bergen", "NO"), ("Oslo", "")]).iter().all(|id| *id != oslo[0]));
    assert_eq!(oslo, ["loc_b7aec611f8c257bafc37b50f40d301f9"], "stored by callers: it must never change");
}

#[test]
fn a_census_tells_what_came_and_went() {
    let mut census = Census::default();
    census.before(&rows(&[("Oslo", "NO"), ("Oslo", "NO"), ("Rome", "IT"), ("Bonn", "DE")]));
    census.now(&rows(&[("OSLO", "NOR"), ("Rome", "IT"), ("Lima", "PE"), ("Kiel", "DE")]));
    assert_eq!(census.progress(), Progress { seen: 4, added: 2, changed: 1, removed: 1 });
}

proptest! {
    #[test]
    fn the_order_of_people_changes_nothing(
        told in prop::collection::vec(("[a-cA-C ,é]{0,3}", prop::sample::select(vec!["DE", "Germany", "x", ""])), 0..20),
        turn in 0_usize..20,
    ) {
        let told: Vec<_> = told.iter().map(|(city, code)| (city.as_str(), *code)).collect();
        let mut lines = rows(&told);
        let places = Roster::new(lines.clone()).places;
        lines.rotate_left(turn.min(told.len()));
        lines.reverse();
        let turned = Roster::new(lines).places;
        prop_assert_eq!(places.all(), turned.all());
        prop_assert_eq!(&places.of, &turned.of);
        // Whatever order they have by id, too.
        let reversed = Places::new(&rows(&told.iter().rev().copied().collect::<Vec<_>>()));
        prop_assert_eq!(places.all(), reversed.all());
    }

    #[test]
    fn each_person_with_a_part_is_counted_once(told in prop::collection::vec(("\\PC{0,3}", "\\PC{0,3}"), 0..10)) {
        let told: Vec<_> = told.iter().map(|(city, code)| (city.as_str(), code.as_str())).collect();
        let places = Places::new(&rows(&told));
        let counted: u32 = places.all().iter().map(|it| it.people_count).sum();
        prop_assert_eq!(counted as usize, (0..told.len()).filter(|line| places.of(*line).is_some()).count());
        prop_assert!(places.all().iter().all(|it| it.people_count > 0 && !it.name.is_empty()));
    }
}

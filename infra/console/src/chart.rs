//! The chart around a person: the chain of managers above, the reports below in as many columns as are readable.

use maud::{Markup, html};
use okta_connector_client::{Named, PersonInFull, segment};

const WIDTH: usize = 190;
const HEIGHT: usize = 36;
const GAP: usize = 14;
/// Of a name, so many letters fit.
const LETTERS: usize = 24;
/// So many reports stand beside each other.
const COLUMNS: usize = 5;

/// So far to the right of the lines that lead to them.
const INDENT: usize = 24;

/// Draws it; names lead to people. All above stand at the left edge, where a narrow screen begins.
pub fn draw(person: &PersonInFull, people: &str) -> Markup {
    let reports = &person.reports.items;
    let columns = reports.len().clamp(1, COLUMNS);
    let width = GAP + INDENT + columns * (WIDTH + GAP);
    let own = GAP + person.manager_chain.len() * (HEIGHT + GAP);
    let first = own + HEIGHT + GAP;
    let rows = reports.len().div_ceil(columns);
    let height = first + rows * (HEIGHT + GAP);
    let itself = Named { id: person.person.id.clone(), name: person.person.name.clone() };
    let row = |row: usize| first + row * (HEIGHT + GAP);
    let trunk = GAP + INDENT / 2;
    html! {
        p { (described(person)) }
        div.chart tabindex="0" role="group" aria-label={ "Chart of " (person.person.name) } {
            svg width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } {
                @for (at, manager) in person.manager_chain.iter().rev().enumerate() {
                    @let y = GAP + at * (HEIGHT + GAP);
                    path d={ "M" (GAP + WIDTH / 2) " " (y + HEIGHT) "v" (GAP) } {}
                    (node(manager, GAP, y, people, "node"))
                }
                @if let Some(last) = rows.checked_sub(1) { path d={ "M" (trunk) " " (own + HEIGHT) "V" (row(last) + HEIGHT / 2) } {} }
                @for at in 0..rows { path d={ "M" (trunk) " " (row(at) + HEIGHT / 2) "h" (INDENT / 2) } {} }
                (node(&itself, GAP, own, people, "node self"))
                @for (at, report) in reports.iter().enumerate() {
                    (node(report, GAP + INDENT + at % columns * (WIDTH + GAP), row(at / columns), people, "node"))
                }
            }
        }
        @if person.reports.total > reports.len() as u64 {
            p { "… and " (person.reports.total - reports.len() as u64) " reports more." }
        }
    }
}

/// What the chart shows, in words.
fn described(person: &PersonInFull) -> String {
    let name = &person.person.name;
    let above = match person.manager_chain.first() {
        Some(manager) => format!("{name} reports to {}", manager.name),
        None => format!("{name} reports to nobody"),
    };
    let below = format!("has {} reports, {} with all below", person.reports.total, person.all_reports_count);
    let top = person.manager_chain.last();
    let leads_back = top.is_some_and(|top| person.reports.items.iter().any(|report| report.id == top.id));
    let mark = if leads_back { format!(" The chain of managers leads back to {name}.") } else { String::new() };
    format!("{above}, and {below}.{mark}")
}

fn node(who: &Named, x: usize, y: usize, people: &str, class: &str) -> Markup {
    html! {
        a href={ (people) "/" (segment(&who.id)) } {
            rect class=(class) x=(x) y=(y) width=(WIDTH) height=(HEIGHT) rx="6" {}
            text x=(x + 10) y=(y + 23) { (shortened(&who.name)) }
            title { (who.name) }
        }
    }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        name.to_owned()
    } else {
        name.chars().take(LETTERS - 1).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use okta_connector_client::{Person, Shown};

    fn manager_of(count: usize) -> PersonInFull {
        let named = |number: usize| Named { id: format!("00u{number}"), name: format!("Person <{number}>") };
        let reports = Shown { items: (0..count.min(200)).map(named).collect(), total: count as u64 };
        let person = Person { id: "00ux".to_owned(), name: "Ana".to_owned(), ..Person::default() };
        PersonInFull {
            person,
            reports,
            all_reports_count: count as u64,
            manager_chain: vec![named(900)],
            ..PersonInFull::default()
        }
    }

    #[test]
    fn a_manager_of_two_hundred_is_readable_and_no_name_is_markup() {
        let drawn = draw(&manager_of(200), "/people").into_string();
        assert_eq!(drawn.matches("<rect").count(), 202);
        assert!(drawn.contains("Person &lt;199&gt;") && !drawn.contains("Person <"));
        // As many columns as fit, and as many rows as it takes.
        assert!(drawn.contains(&format!("width=\"{}\"", GAP + INDENT + COLUMNS * (WIDTH + GAP))));
    }

    #[test]
    fn a_chain_that_leads_back_is_told() {
        let mut person = manager_of(3);
        assert!(!draw(&person, "/people").into_string().contains("leads back"));
        person.manager_chain.push(person.reports.items[0].clone());
        assert!(draw(&person, "/people").into_string().contains("The chain of managers leads back to Ana."));
    }

    #[test]
    fn what_is_left_out_is_told() {
        assert!(draw(&manager_of(250), "/people").into_string().contains("and 50 reports more"));
    }
}

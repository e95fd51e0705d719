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

/// Draws it; names lead to people.
pub fn draw(person: &PersonInFull, people: &str) -> Markup {
    let reports = &person.reports.items;
    let columns = reports.len().clamp(1, COLUMNS);
    let width = columns * (WIDTH + GAP) + GAP;
    let rows_above = person.manager_chain.len();
    let middle = (width - WIDTH) / 2;
    let own = GAP + rows_above * (HEIGHT + GAP);
    let first = own + HEIGHT + 2 * GAP;
    let height = first + reports.len().div_ceil(columns) * (HEIGHT + GAP) + GAP;
    let itself = Named { id: person.person.id.clone(), name: person.person.name.clone() };
    let below = |at: usize| (GAP + at % columns * (WIDTH + GAP), first + at / columns * (HEIGHT + GAP));
    html! {
        p { (described(person)) }
        div.chart tabindex="0" role="group" aria-label={ "Chart of " (person.person.name) } {
            svg width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } {
                @for (at, manager) in person.manager_chain.iter().rev().enumerate() {
                    @let y = GAP + at * (HEIGHT + GAP);
                    path d={ "M" (middle + WIDTH / 2) " " (y + HEIGHT) "v" (GAP) } {}
                    (node(manager, middle, y, people, "node"))
                }
                @if !reports.is_empty() { path d={ "M" (middle + WIDTH / 2) " " (own + HEIGHT) "v" (GAP) } {} }
                (node(&itself, middle, own, people, "node self"))
                @for (at, report) in reports.iter().enumerate() {
                    @let (x, y) = below(at);
                    (node(report, x, y, people, "node"))
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
    format!("{above}, and has {} reports, {} with all below.", person.reports.total, person.all_reports_count)
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
        assert!(drawn.contains(&format!("width=\"{}\"", COLUMNS * (WIDTH + GAP) + GAP)));
    }

    #[test]
    fn what_is_left_out_is_told() {
        assert!(draw(&manager_of(250), "/people").into_string().contains("and 50 reports more"));
    }
}

//! Where tables are drawn: a terminal of some width, with colors or without, or a file or a pipe, which get all of it.
//!
//! A terminal that is too narrow shows no ids, since names do wherever ids do; then long texts end in an ellipsis; then the
//! columns at the right are left out.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};
use console::{Term, measure_text_width, truncate_str};

/// Columns that are shown whole or not at all.
const IDS: [&str; 1] = ["ID"];
/// Columns whose long texts go on below themselves: all of an explanation is wanted.
const EXPLAINED: [&str; 2] = ["DETAIL", "WHY"];
/// No text is shortened to less than this.
const SHORTEST: usize = 12;
/// Between two columns.
const GAP: usize = 2;
/// Columns whose words have a color and a glyph.
const STATES: [&str; 2] = ["STATUS", "OUTCOME"];

/// Where tables are drawn.
#[derive(Clone, Copy)]
pub struct Screen {
    /// Columns of the terminal; none where the output is a file or a pipe.
    pub width: Option<u16>,
    /// Whether it shows colors and glyphs.
    pub styled: bool,
}

/// How a word of a closed list is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Good,
    Bad,
    Attention,
    Quiet,
}

impl Tone {
    /// Of a cell's first word.
    fn of(cell: &str) -> Option<Self> {
        let word = cell.split([' ', ',', ':']).next().unwrap_or_default();
        Some(match word.to_ascii_lowercase().as_str() {
            "active" | "ok" | "succeeded" | "done" | "already" => Self::Good,
            "inactive" | "failed" | "failing" | "denied" | "locked_out" => Self::Bad,
            "degraded" | "needs_confirmation" | "pending" | "suspended" | "unknown" | "recovery"
            | "password_expired" | "warning" | "waiting" => Self::Attention,
            "running" | "started" | "skipped" | "disabled" | "cancelled" | "superseded" | "deprovisioned"
            | "staged" | "provisioned" | "off" => Self::Quiet,
            _ => return None,
        })
    }

    fn glyph(self) -> char {
        match self {
            Self::Good => '✓',
            Self::Bad => '✗',
            Self::Attention => '!',
            Self::Quiet => '○',
        }
    }

    fn color(self) -> Color {
        match self {
            Self::Good => Color::Green,
            Self::Bad => Color::Red,
            Self::Attention => Color::Yellow,
            Self::Quiet => Color::DarkGrey,
        }
    }
}

impl Screen {
    /// Colors are off where `NO_COLOR` is set, and on a dumb terminal.
    pub fn of_standard_output() -> Self {
        let terminal = Term::stdout();
        let width = terminal.is_term().then(|| terminal.size().1);
        Self { width, styled: width.is_some() && console::colors_enabled() }
    }

    /// The lines of a table. Without columns its rows are a name and what it stands for.
    pub fn lines(self, columns: &[&str], rows: &[Vec<String>]) -> Vec<String> {
        let shown = match self.width {
            Some(width) if !columns.is_empty() => fitted(columns, rows, width.into()),
            _ => (0..rows.first().map_or(columns.len(), Vec::len)).map(|at| (at, usize::MAX)).collect(),
        };
        let mut table = Table::new();
        table.load_style(presets::NOTHING).force_no_tty();
        if !columns.is_empty() {
            table.set_header(shown.iter().map(|(at, _)| self.header(columns[*at])));
        }
        for cells in rows {
            let cell = |(at, width): &(usize, usize)| {
                let column = columns.get(*at).copied();
                let goes_on = column.is_some_and(|name| EXPLAINED.contains(&name));
                let text = if goes_on { cells[*at].clone() } else { cut(&cells[*at], *width) };
                self.cell(column, *at, &text)
            };
            table.add_row(shown.iter().map(cell).collect::<Vec<_>>());
        }
        if let Some(width) = self.width.filter(|_| columns.is_empty()) {
            // A long value goes on below itself. The blanks at the ends of a line are taken off again.
            table.set_width(width.saturating_add(2)).set_content_arrangement(ContentArrangement::Dynamic);
        }
        if self.width.is_some() && !columns.is_empty() {
            arrange(&mut table, columns, rows, &shown);
        }
        if self.styled {
            table.enforce_styling().style_text_only();
        }
        // Each cell stands between two blanks, also at the ends of a line.
        table.lines().map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()).collect()
    }

    fn header(self, name: &str) -> Cell {
        let cell = Cell::new(name);
        if self.styled { cell.add_attribute(Attribute::Dim) } else { cell }
    }

    fn cell(self, column: Option<&str>, at: usize, text: &str) -> Cell {
        if !self.styled {
            return Cell::new(text);
        }
        match column {
            None if at == 0 => Cell::new(text).add_attribute(Attribute::Dim),
            Some(name) if STATES.contains(&name) => match Tone::of(text) {
                Some(tone) => Cell::new(format!("{} {text}", tone.glyph())).fg(tone.color()),
                None => Cell::new(text),
            },
            Some(name) if IDS.contains(&name) => Cell::new(text).add_attribute(Attribute::Dim),
            _ => Cell::new(text),
        }
    }
}

/// Counts stand at the right of their column, and an explanation goes on below itself.
fn arrange(table: &mut Table, columns: &[&str], rows: &[Vec<String>], shown: &[(usize, usize)]) {
    for (place, (at, width)) in shown.iter().enumerate() {
        let Some(column) = table.column_mut(place) else { continue };
        if is_count(rows, *at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        if EXPLAINED.contains(&columns[*at]) {
            let width = u16::try_from(width + GAP).unwrap_or(u16::MAX);
            column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(width)));
        }
    }
}

fn cut(text: &str, width: usize) -> String {
    truncate_str(text, width, "…").into_owned()
}

/// The columns that a terminal has room for, and how wide each may be.
fn fitted(columns: &[&str], rows: &[Vec<String>], room: usize) -> Vec<(usize, usize)> {
    let of = |at: usize| {
        // A status has a glyph.
        let glyph = if STATES.contains(&columns[at]) { 2 } else { 0 };
        let cells = rows.iter().map(|cells| measure_text_width(&cells[at]) + glyph);
        (at, cells.chain([measure_text_width(columns[at])]).max().unwrap_or_default())
    };
    let mut shown: Vec<(usize, usize)> = (0..columns.len()).map(of).collect();
    if width_of(&shown) > room && shown.len() > 1 {
        shown.retain(|(at, _)| !IDS.contains(&columns[*at]));
    }
    let floor = |(at, width): &(usize, usize)| if is_whole(rows, *at) { *width } else { SHORTEST.min(*width) };
    while shown.len() > 1 && shown.iter().map(|it| floor(it) + GAP).sum::<usize>() > room + GAP {
        shown.pop();
    }
    while width_of(&shown) > room {
        let widest = shown.iter_mut().filter(|it| it.1 > floor(it)).max_by_key(|(_, width)| *width);
        let Some((_, width)) = widest else { break };
        *width -= 1;
    }
    // A glyph stands before the text that is cut.
    let text = |(at, width): (usize, usize)| (at, if STATES.contains(&columns[at]) { width - 2 } else { width });
    shown.into_iter().map(text).collect()
}

fn width_of(shown: &[(usize, usize)]) -> usize {
    shown.iter().map(|(_, width)| width + GAP).sum::<usize>().saturating_sub(GAP)
}

/// Counts and moments mean something else when they are cut.
fn is_whole(rows: &[Vec<String>], at: usize) -> bool {
    let is_moment = |cell: &str| {
        cell == "-" || (cell.len() == 19 && cell.bytes().all(|b| b.is_ascii_digit() || b"-: ".contains(&b)))
    };
    is_count(rows, at) || rows.iter().all(|cells| is_moment(&cells[at]))
}

fn is_count(rows: &[Vec<String>], at: usize) -> bool {
    let mut cells = rows.iter().filter_map(|cells| cells.get(at)).filter(|cell| *cell != "-").peekable();
    cells.peek().is_some()
        && cells.all(|cell| measure_text_width(cell) < 12 && cell.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 4] = ["ID", "NAME", "STATUS", "USERS"];

    fn rows() -> Vec<Vec<String>> {
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        vec![
            row(["conn_00000000000000000000000000000001", "Acme", "Active", "981"]),
            row(["conn_00000000000000000000000000000002", "A tenant with a long name indeed", "Inactive", "7"]),
        ]
    }

    fn drawn(width: Option<u16>) -> Vec<String> {
        Screen { width, styled: false }.lines(&COLUMNS, &rows())
    }

    #[test]
    fn a_pipe_gets_every_cell_whole() {
        let lines = drawn(None);
        assert_eq!(
            lines[0],
            "ID                                     NAME                              STATUS    USERS"
        );
        assert!(lines[2].ends_with("A tenant with a long name indeed  Inactive  7"), "{lines:#?}");
    }

    #[test]
    fn a_narrow_terminal_shows_no_ids_and_shortens_long_texts() {
        assert_eq!(
            drawn(Some(120)),
            [
                "ID                                     NAME                              STATUS    USERS",
                "conn_00000000000000000000000000000001  Acme                              Active      981",
                "conn_00000000000000000000000000000002  A tenant with a long name indeed  Inactive      7",
            ]
        );
        assert_eq!(
            drawn(Some(80)),
            [
                "NAME                              STATUS    USERS",
                "Acme                              Active      981",
                "A tenant with a long name indeed  Inactive      7",
            ]
        );
        let narrow = drawn(Some(50));
        assert!(narrow.iter().all(|line| line.chars().count() <= 50), "{narrow:#?}");
        assert!(narrow[2].contains('…') && narrow[2].contains("Inactive"), "{narrow:#?}");
    }

    #[test]
    fn the_columns_at_the_right_go_where_there_is_no_room_for_them() {
        assert_eq!(drawn(Some(20)), ["NAME", "Acme", "A tenant with a lon…"]);
    }

    #[test]
    fn an_explanation_goes_on_below_itself() {
        let rows = [vec!["ok".to_owned(), "a detail that has more words than there is room".to_owned()]];
        let lines = Screen { width: Some(30), styled: false }.lines(&["STATUS", "DETAIL"], &rows);
        assert_eq!(
            lines,
            ["STATUS  DETAIL", "ok      a detail that has more", "        words than there is", "        room"]
        );
    }

    #[test]
    fn a_status_has_a_color_and_a_glyph_where_colors_are_shown() {
        let lines = Screen { width: Some(80), styled: true }.lines(&COLUMNS, &rows());
        assert!(lines[1].contains("✓ Active") && lines[2].contains("✗ Inactive"), "{lines:#?}");
        assert!(lines[1].contains("\u{1b}["), "{lines:#?}");
    }
}

//! Results as tables of text.

use std::fmt::Write as _;

/// Lays rows out in columns, as psql does.
pub(super) fn render(names: &[String], rows: &[Vec<Option<String>>]) -> String {
    let width = |column: usize| {
        let values = rows.iter().filter_map(|row| row.get(column)?.as_deref());
        let name = names.get(column).map(String::as_str);
        name.into_iter().chain(values).flat_map(str::lines).map(|line| line.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..names.len()).map(width).collect();
    let mut table = String::new();
    let head: Vec<String> = names.iter().zip(&widths).map(|(name, &width)| format!(" {name:^width$} ")).collect();
    let _ = writeln!(table, "{}", head.join("|").trim_end());
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(width.saturating_add(2))).collect();
    let _ = writeln!(table, "{}", rule.join("+"));
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(value, &width)| format!(" {:<width$} ", value.as_deref().unwrap_or("").replace('\n', " ")))
            .collect();
        let _ = writeln!(table, "{}", cells.join("|").trim_end());
    }
    let _ = writeln!(table, "({} row{})", rows.len(), if rows.len() == 1 { "" } else { "s" });
    table
}

/// Lays one row out as a name and a value a line.
pub(super) fn render_pairs(pairs: &[(String, Option<String>)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in pairs {
        let _ = writeln!(text, "{name:<width$}  {}", value.as_deref().unwrap_or("-"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_value() {
        let names = ["id", "name"].map(str::to_owned);
        let rows = [vec![Some("1".to_owned()), Some("größer".to_owned())], vec![Some("22".to_owned()), None]];
        assert_eq!(render(&names, &rows), " id |  name\n----+--------\n 1  | größer\n 22 |\n(2 rows)\n");
    }
}

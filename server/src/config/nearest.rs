//! The key that a misspelt one was probably meant to be.

use super::keys::KEYS;

/// The known key with the least edit distance to a path; of its section's keys first if the section is right.
pub(super) fn nearest_key(path: &str) -> &'static str {
    let nearest = KEYS.iter().map(|key| key.path).min_by_key(|known| {
        let whole = distance(path, known);
        // A key without its section is as near as the key itself.
        let last = known.rsplit('.').next().unwrap_or(known);
        (whole.min(distance(path, last).saturating_add(1)), whole)
    });
    nearest.expect("BUG: there are keys")
}

/// The number of insertions, deletions and replacements between two texts (Levenshtein, one row at a time).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i.saturating_add(1);
        let mut next = vec![left];
        for (above, y) in row.iter().skip(1).zip(&b) {
            let replaced = diagonal.saturating_add(usize::from(x != *y));
            left = replaced.min(left.saturating_add(1)).min(above.saturating_add(1));
            next.push(left);
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [("", "", 0), ("abc", "", 3), ("", "ab", 2), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn misspelt_keys() {
        assert_eq!(nearest_key("sync.compresion"), "sync.compression");
        assert_eq!(nearest_key("nodeid"), "node_id");
        assert_eq!(nearest_key("pg.listn"), "pg.listen");
        assert_eq!(nearest_key("cloud_endpoint"), "sync.cloud_endpoint");
        assert_eq!(nearest_key("sync.queue.max_capacty"), "sync.queue.max_capacity");
    }
}

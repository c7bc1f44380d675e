//! The known word that somebody probably meant, for messages about misspelt names.

/// The known name that differs from `word` by a typing error or two.
pub(crate) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    if word.len() > 64 {
        return None;
    }
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    known.map(|name| (distance(word, name), name)).filter(|(d, _)| *d <= allowed).min_by_key(|(d, _)| *d).map(|(_, name)| name)
}

/// Insertions, deletions and changes between two words; upper and lower case, `_`, `-` and `.` count as the same.
fn distance(a: &str, b: &str) -> usize {
    let plain =
        |text: &str| -> Vec<char> { text.chars().map(|c| if c == '-' || c == '.' { '_' } else { c.to_ascii_lowercase() }).collect() };
    let (a, b) = (plain(a), plain(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_find_their_name() {
        let known = ["partitions", "replication_factor", "name", "config"];
        assert_eq!(nearest("partition", known.into_iter()), Some("partitions"));
        assert_eq!(nearest("replication-factor", known.into_iter()), Some("replication_factor"));
        assert_eq!(nearest("retention", known.into_iter()), None);
    }
}

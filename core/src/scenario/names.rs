//! Which names topics and clients may have, fleets spelled out, and how a wrong one is told.

use super::limits;
use crate::nearest::nearest;

/// Kafka's own words about a bad topic name.
pub(crate) fn topic_fault(name: &str) -> Option<String> {
    let why = match name {
        "" => "the empty string is not allowed".to_owned(),
        "." | ".." => format!("'{name}' is not allowed"),
        _ if name.len() > limits::NAME => {
            format!("the length of '{}…' is longer than the max allowed length {}", head(name), limits::NAME)
        }
        _ if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) => {
            format!("'{}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'", shown(name))
        }
        _ => return None,
    };
    Some(format!("Topic name is invalid: {why}."))
}

/// Topics with one of these in common would share their metric names.
pub(crate) fn collision_key(topic: &str) -> String {
    topic.replace('.', "_")
}

/// Names of clients, groups and racks: letters and digits of any script, so that commands and links can carry them.
pub(crate) fn name_fault(what: &str, name: &str) -> Option<String> {
    if name.is_empty() {
        return Some(format!("The {what} name is empty. Write letters, digits, '.', '_' or '-'."));
    }
    if name.chars().count() > limits::NAME {
        return Some(format!("The {what} name `{}…` is longer than {} characters.", head(name), limits::NAME));
    }
    let bad = name.chars().find(|c| !fits_a_name(*c))?;
    let bad = if invisible(bad) { '\u{fffd}' } else { bad };
    Some(format!("The {what} name `{}` contains '{bad}'. Write letters, digits, '.', '_' or '-'.", shown(name)))
}

/// Of other scripts than ours everything that can be seen: a table of their letters would be most of what visitors download here.
fn fits_a_name(c: char) -> bool {
    match c.is_ascii() {
        true => c.is_ascii_alphanumeric() || "._-".contains(c),
        false => !c.is_whitespace() && !invisible(c),
    }
}

/// `truck-{1..20}` as its twenty names; any other name is one client. More than `room` names are never made.
pub(crate) fn spell_out(name: &str, room: u32) -> Result<Vec<String>, String> {
    let Some(open) = name.find('{') else { return Ok(vec![name.to_owned()]) };
    let bad = || format!("`{}` is not a fleet. Write one range of numbers, as in \"truck-{{1..20}}\".", shown(name));
    let (front, rest) = name.split_at(open);
    let (range, back) = rest[1..].split_once('}').ok_or_else(bad)?;
    let (first, last) = range.split_once("..").ok_or_else(bad)?;
    let plain = |text: &str| {
        let fits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
        (fits && (text == "0" || !text.starts_with('0'))).then(|| text.parse::<u32>().ok()).flatten()
    };
    let (first, last) = plain(first).zip(plain(last)).ok_or_else(bad)?;
    if back.contains(['{', '}']) || first > last {
        return Err(bad());
    }
    if last - first >= room {
        return Err(too_many(&format!("The {} clients of `{}`", last - first + 1, shown(name))));
    }
    Ok((first..=last).map(|i| format!("{front}{i}{back}")).collect())
}

/// Clients of a file are limited all together.
pub(crate) fn too_many(what: &str) -> String {
    format!("{what} bring the file over the limit of {} producers and group members. Write fewer.", limits::CLIENTS)
}

/// `Did you mean …?` when something is near, else the whole list.
pub(crate) fn hint(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => format!("Known here: {}.", known.join(", ")),
    }
}

/// Text of the user inside a message: short, and without characters that could disturb a terminal or a page.
pub(crate) fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(80).map(|c| if invisible(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(80).is_some() {
        out.push('…');
    }
    out
}

fn head(text: &str) -> String {
    text.chars().take(20).map(|c| if invisible(c) { '\u{fffd}' } else { c }).collect()
}

/// Control, bidirectional-override and zero-width characters.
pub(crate) fn invisible(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_is_spelled_out_in_the_order_of_its_numbers() {
        assert_eq!(spell_out("truck-{9..11}", 3).unwrap(), ["truck-9", "truck-10", "truck-11"]);
        assert_eq!(spell_out("{1..2}-west", 10).unwrap(), ["1-west", "2-west"]);
        assert_eq!(spell_out("solo", 1).unwrap(), ["solo"]);
        assert!(spell_out("truck-{1..4}", 3).unwrap_err().contains("limit"));
        for bad in ["t-{1..}", "t-{5..1}", "t-{1..2}{1..2}", "t-{a..b}", "t-{01..20}", "t-{1..2", "t-{1..999999999}", "t-{1..9999999999}"] {
            assert!(spell_out(bad, 1_000).is_err(), "{bad}");
        }
    }

    #[test]
    fn topic_names_follow_kafka() {
        assert_eq!(topic_fault("trucks_gps"), None);
        assert!(topic_fault("").unwrap().contains("the empty string is not allowed"));
        assert!(topic_fault("..").unwrap().contains("'..' is not allowed"));
        assert!(topic_fault("lkw gps").unwrap().contains("other than ASCII alphanumerics"));
        assert!(topic_fault(&"x".repeat(250)).unwrap().contains("249"));
    }
}

//! How numbers, times and sizes read on the page: tabular, with units, the same everywhere.

use playground_core::time::SimTime;

/// `0:05:23` and `.400`: the clock's calm part and its quick part.
pub fn clock(us: u64) -> (String, String) {
    let text = SimTime(us).to_string();
    let dot = text.find('.').unwrap_or(text.len());
    (text[..dot].to_owned(), text[dot..].to_owned())
}

/// `member 2` of a group, by the client's name.
pub fn member(group: &str, client: &str) -> String {
    client.strip_prefix(group).map_or(client.to_owned(), |rest| format!("member{}", rest.replace('-', " ")))
}

/// `1:02` or `2:00:07`: a moment in a list.
pub fn moment(us: u64) -> String {
    let s = us / 1_000_000;
    let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") }
}

/// `12 s`, `3 min 20 s`: how long ago something was.
pub fn age(ms: u64) -> String {
    match ms / 1_000 {
        0 if ms > 0 => format!("{ms} ms"),
        s @ 0..120 => format!("{s} s"),
        s => format!("{} min {} s", s / 60, s % 60),
    }
}

/// `1,234,567`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `812 B`, `3.1 KB`, `1.2 MB`.
pub fn bytes(n: u64) -> String {
    let (tenth, unit) = match n {
        0..=999 => return format!("{n} B"),
        1_000..=999_999 => (100, "KB"),
        1_000_000..=999_999_999 => (100_000, "MB"),
        _ => (100_000_000, "GB"),
    };
    format!("{} {unit}", tenths(((n + tenth / 2) / tenth) as i64))
}

/// `12.5` from 125: the page's one way to print a fraction. Floats are never printed; that code is bigger than this page.
pub fn tenths(n: i64) -> String {
    let sign = if n < 0 { "-" } else { "" };
    format!("{sign}{}.{}", n.unsigned_abs() / 10, n.unsigned_abs() % 10)
}

/// An attribute that is a word, not a presence: `aria-pressed`, `aria-selected`.
pub fn yes(is: bool) -> &'static str {
    if is { "true" } else { "false" }
}

/// A coordinate of a picture, to the tenth of a unit.
pub fn coordinate(x: f64) -> String {
    tenths((x * 10.0).round() as i64)
}

/// `points` of an SVG line or polygon.
pub fn points(list: impl Iterator<Item = (f64, f64)>) -> String {
    let mut text = String::new();
    for (x, y) in list {
        text.push_str(&coordinate(x));
        text.push(',');
        text.push_str(&coordinate(y));
        text.push(' ');
    }
    text
}

/// `1 record`, `20 records`.
pub fn plural(n: u64, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {one}s", count(n)) }
}

/// Virtual milliseconds in a wall second as the speed select shows it: `0.1×`, `10×`, `1,000×`.
pub fn speed(speed_milli: u64) -> String {
    let (whole, milli) = (speed_milli / 1000, speed_milli % 1000);
    if milli == 0 {
        return format!("{}×", count(whole));
    }
    let fraction = format!("{milli:03}");
    format!("{whole}.{}×", fraction.trim_end_matches('0'))
}

/// `P0 P1 P2` for few partitions, `P0–P9` for a run of many.
pub fn partitions(list: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &p in list {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == p => *last = p,
            _ => runs.push((p, p)),
        }
    }
    let text = |&(a, b): &(u32, u32)| match b - a {
        0 => format!("P{a}"),
        1 => format!("P{a} P{b}"),
        _ => format!("P{a}–P{b}"),
    };
    runs.iter().map(text).collect::<Vec<_>>().join(" ")
}

/// The part all names share, cut at a word's end: `truck-` of `truck-1`, `truck-20`. Empty when too little is shared.
pub fn common_prefix<'a>(names: &[&'a str]) -> &'a str {
    let Some((first, rest)) = names.split_first() else { return "" };
    let shared = rest.iter().fold(first.len(), |n, name| n.min(first.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count()));
    let cut = first[..shared].rfind('-').map_or(0, |i| i + 1);
    if rest.is_empty() { "" } else { &first[..cut] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_has_a_calm_and_a_quick_part() {
        assert_eq!(clock(323_400_000), ("0:05:23".to_owned(), ".400".to_owned()));
        assert_eq!(moment(62_999_999), "1:02");
        assert_eq!(moment(7_207_000_000), "2:00:07");
    }

    #[test]
    fn counts_are_grouped_and_speeds_read_as_factors() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(speed(100), "0.1×");
        assert_eq!(speed(1_250), "1.25×");
        assert_eq!(speed(10_000_000), "10,000×");
        assert_eq!(plural(1, "record"), "1 record");
    }

    #[test]
    fn fractions_are_printed_to_the_tenth() {
        assert_eq!([tenths(125), tenths(-3), tenths(0)], ["12.5", "-0.3", "0.0"]);
        assert_eq!([coordinate(12.34), coordinate(-0.96)], ["12.3", "-1.0"]);
        assert_eq!([bytes(812), bytes(3_149), bytes(1_250_000)], ["812 B", "3.1 KB", "1.3 MB"]);
    }

    #[test]
    fn runs_of_partitions_are_joined() {
        assert_eq!(partitions(&[0, 1, 2, 3, 4]), "P0–P4");
        assert_eq!(partitions(&[1, 2, 7]), "P1 P2 P7");
        assert_eq!(partitions(&[]), "");
    }

    #[test]
    fn a_fleet_shares_the_name_before_the_dash() {
        assert_eq!(common_prefix(&["truck-1", "truck-12", "truck-2"]), "truck-");
        assert_eq!(common_prefix(&["truck-1"]), "");
        assert_eq!(common_prefix(&["alpha", "beta"]), "");
    }
}

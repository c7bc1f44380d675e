//! The same texts are read as by the `toml` crate, and refused where it refuses them.

use super::*;
use crate::rng::{Seed, SimRng};
use ::toml::de::{DeTable, DeValue};

/// A value without places, as text.
fn ours(value: &Value<'_>) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Integer(integer) => format!("{}#{}", integer.digits, integer.radix),
        Value::Float(float) => float.clone(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Datetime => "date".to_owned(),
        Value::Array(list) => format!("[{}]", list.iter().map(|item| ours(item.get_ref())).collect::<Vec<_>>().join(",")),
        Value::Table(table) => our_table(table),
    }
}

fn our_table(table: &Table<'_>) -> String {
    table.iter().map(|(key, node)| format!("{:?}={};", key.get_ref(), ours(node.get_ref()))).collect()
}

fn theirs(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(integer) => format!("{}#{}", integer.as_str(), integer.radix()),
        DeValue::Float(float) => float.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) => "date".to_owned(),
        DeValue::Array(list) => format!("[{}]", list.iter().map(|item| theirs(item.get_ref())).collect::<Vec<_>>().join(",")),
        DeValue::Table(table) => their_table(table),
    }
}

fn their_table(table: &DeTable<'_>) -> String {
    table.iter().map(|(key, node)| format!("{:?}={};", key.get_ref(), theirs(node.get_ref()))).collect()
}

/// What both make of a text: its tree, or a refusal.
fn both(text: &str) -> (Option<String>, Option<String>) {
    let (table, broken) = parse(text);
    let other = DeTable::parse(text).ok().filter(|_| text.parse::<::toml::Table>().is_ok());
    (broken.is_empty().then(|| our_table(&table)), other.map(|other| their_table(other.get_ref())))
}

const GOOD: &[&str] = &[
    "",
    "\u{feff}a = 1",
    "# only a comment\r\n\r\n",
    "a = 1\r\nb = \"x\" # behind\n\tc\t=\ttrue",
    "a.b.c = 1\na.b.d = 2\n\"a\".e = 'x'\n'' = 0\n\"q\\u00e9\" = 1",
    "1 = 1\n2.1 = 3\n-_ = 4",
    "n = [0, +1, -17, 1_000, 0xDEAD_beef, 0o755, 0b1101, +0, -0]",
    "f = [1.0, +3.14, -0.01, 5e+22, 1E06, -2E-2, 6.626e-34, 224_617.445_991, inf, -inf, +nan, 0e0]",
    "d = [1979-05-27T07:32:00Z, 1979-05-27 07:32:00.5-07:00, 1979-05-27, 07:32:00]\ne = 1979-05-27 # day",
    "s = \"a\\tb\\n\\\"\\\\\\u00e4\\U0001F600\\x41\\e\"\nl = 'd\\x'",
    "m = \"\"\"\nline\nnext \"\" two\"\"\"\nn = '''\n'it's''''\no = \"\"\"x\"\"\"\"\"",
    "m = \"\"\"a \\\n   \n  b\"\"\"",
    "a = [ 1, # one\n 2,\n\n]\nb = [[1], [\"x\", {y = 1}]]\nc = []",
    "t = { a = 1, b.c = 2, 'd' = { } , e = [{}] }\nu = {}",
    "t = {\n a = 1, # one\n b = 2,\n}",
    "[a]\nx = 1\n[a.b]\ny = 2\n[c.d.e]\n[c]\nz = 3\n[ g . 'h' ]",
    "[[p]]\nn = 1\n[[p]]\nn = 2\n[p.q]\nr = 3\n[[p.s]]\nt = 4\n[[p.s]]",
    "[fruit]\napple.color = 1\napple.taste.sweet = true\n[fruit.apple.texture]\nsmooth = true",
    "[a.b.c]\nz = 9\n[a]\nb.d = 1",
];

const BAD: &[&str] = &[
    "a",
    "a =",
    "= 1",
    "a = 1 b = 2",
    "a = b",
    "a = 01",
    "a = 1_",
    "a = _1",
    "a = 1__0",
    "a = 1.",
    "a = .5",
    "a = 1.e2",
    "a = 1e",
    "a = 0x",
    "a = -0x1",
    "a = 0xg",
    "a = +true",
    "a = \"x",
    "a = 'x\n'",
    "a = \"\\q\"",
    "a = \"\\u12\"",
    "a = \"\\ud800\"",
    "a = \"\"\"x",
    "a = '''x''",
    "a = [1 2]",
    "a = [1,,2]",
    "a = [,]",
    "a = [",
    "a = {b = 1",
    "a = {b = 1 c = 2}",
    "a = {,}",
    "a = {b}",
    "a..b = 1",
    ".a = 1",
    "a. = 1",
    "a = 1\na = 2",
    "a.b = 1\na = 2",
    "a = 1\na.b = 2",
    "[a]\n[a]",
    "[a]\nb = 1\n[a.b]",
    "a = {}\n[a]",
    "a = {}\n[a.b]",
    "a = {}\na.b = 1",
    "[[a]]\n[a]",
    "[a]\n[[a]]",
    "a = []\n[[a]]",
    "[a.b]\n[a]\nb.c = 1",
    "a.b = 1\n[a]",
    "[a",
    "[[a]",
    "[]",
    "[a.]",
    "[a] x = 1",
    "a = {b = 1, b = 2}",
    "a = {b.c = 1, b = 2}",
    "a = \"\u{1}\"",
    "# \u{1}",
    "a = 1\rb = 2",
    "\u{e4} = 1",
    "a\n= 1",
    "a =\n1",
    "\"\"\"a\"\"\" = 1",
    "a = truex",
    "a = \"x\"y",
    "[fruit]\napple.color = 1\n[fruit.apple]",
    "a = '\u{7f}'",
    "a = \"\"\"\\ x\"\"\"",
];

#[test]
fn texts_are_read_as_the_toml_crate_reads_them() {
    for text in GOOD {
        let (mine, other) = both(text);
        assert!(other.is_some(), "{text:?} is TOML");
        assert_eq!(mine, other, "{text:?}");
    }
}

#[test]
fn what_is_not_toml_is_refused() {
    for text in BAD {
        assert_eq!(both(text), (None, None), "{text:?}");
    }
}

/// A hundred thousand spoilt texts: both readers say the same of each.
#[test]
fn chance_finds_no_text_that_is_read_differently() {
    let mut rng = SimRng::new(Seed(1), 0);
    let scraps = [
        "\"", "'", "\"\"\"", "[", "]", "[[", "{", "}", "=", ".", ",", "#", "\n", "\r\n", " ", "\\", "a", "a.b", "0", "1_0", "-", "+", "e",
        "x",
    ];
    let (mut read, mut refused) = (0, 0);
    for _ in 0..100_000 {
        let mut text = GOOD[rng.below(GOOD.len() as u64) as usize].to_owned();
        for _ in 0..1 + rng.below(3) {
            let at = rng.below(text.len() as u64 + 1) as usize;
            let end = (at + rng.below(3) as usize).min(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(end) {
                text.replace_range(at..end, scraps[rng.below(scraps.len() as u64) as usize]);
            }
        }
        let (mine, other) = both(&text);
        // Dates and exponents are not looked into, since no field takes them as such; an end of line inside a text stays as it was written; and the crate
        // allows one around the = of an inline table, which TOML does not.
        let unseen = mine.as_ref().is_some_and(|mine| mine.contains("date") || mine.contains('e'));
        if mine == other || unseen || text.contains('\r') || (mine.is_none() && text.contains('{')) {
            read += u32::from(mine.is_some());
            refused += u32::from(mine.is_none());
            continue;
        }
        panic!("{text:?}\nhere: {mine:?}\nthere: {other:?}");
    }
    assert!(read > 10_000 && refused > 10_000, "{read} read, {refused} refused");
}

#[test]
fn places_are_those_of_keys_values_and_headers() {
    let text = "a = 'x'\n[[t]]\nb.c = [1, 23]\n";
    let (table, _) = parse(text);
    let shown = |span: Range<usize>| &text[span];
    assert_eq!(table.get("a").map(|node| shown(node.span())), Some("'x'"));
    let list = table.get("t").expect("a list").get_ref();
    let item = &list.as_array().expect("a list")[0];
    assert_eq!(shown(item.span()), "[[t]]");
    let (key, b) = item.get_ref().as_table().expect("a table").iter().next().expect("b");
    assert_eq!(shown(key.span()), "b");
    let numbers = b.get_ref().as_table().expect("a table").get("c").expect("c").get_ref();
    assert_eq!(shown(numbers.as_array().expect("numbers")[1].span()), "23");
}

#[test]
fn every_broken_line_is_told_once_and_hostile_texts_end() {
    let at = |text: &str| parse(text).1.into_iter().map(|broken| broken.at).collect::<Vec<_>>();
    assert_eq!(at("a = \"open\nb = = 1\nc = 3\n[d\nc = 4\n"), [9, 14, 26]);
    for text in ["[".repeat(50_000), format!("a = {}", "[".repeat(50_000)), format!("a = {}", "{a=".repeat(50_000)), "a.".repeat(50_000)] {
        assert_eq!(at(&text).len(), 1);
    }
    let fields: String = (0..100_000).rev().map(|i| format!("a{i:06}=1\n")).collect();
    assert!(!at(&fields).is_empty(), "a table has a limit");
}

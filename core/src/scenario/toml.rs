//! TOML 1.1 as a tree with places, for scenario files: what [`reader`](super::reader) walks.
//!
//! Numbers stay text, so that a message can repeat what was written. A date is known as one and no field takes it. After a broken
//! line the next one is read, so that all of them are told at once.

use super::limits;
use std::borrow::Cow;
use std::ops::Range;

/// A value and where it stands, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spanned<T> {
    value: T,
    span: Range<usize>,
}

pub(super) type Key<'t> = Spanned<Cow<'t, str>>;
pub(super) type Node<'t> = Spanned<Value<'t>>;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'t> {
    String(Cow<'t, str>),
    Integer(Integer),
    /// As written, without underscores.
    Float(String),
    Boolean(bool),
    Datetime,
    Array(Vec<Node<'t>>),
    Table(Table<'t>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Integer {
    /// With its sign, without underscores and `0x`.
    pub(super) digits: String,
    pub(super) radix: u32,
}

/// Sorted by key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table<'t> {
    entries: Vec<(Key<'t>, Node<'t>)>,
    made: Made,
}

/// How a table came to be, which decides who may still add to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    /// On the way to another, `a` of `[a.b]`.
    OnTheWay,
    /// `[a]`, `[[a]]`, or the file itself.
    ByHeader,
    /// `a` of `a.b = 1`.
    ByDots,
    /// `{ … }`, complete.
    Inline,
}

/// A text that is not TOML, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) at: usize,
    pub(super) message: &'static str,
}

type Read<T> = Result<T, Broken>;

/// How deep values, and names with dots, may go.
const DEPTH: u32 = 32;
const TOO_DEEP: &str = "it is nested too deeply";
const TAKEN: &str = "this name has a value already";

impl<T> Spanned<T> {
    pub(super) fn get_ref(&self) -> &T {
        &self.value
    }

    pub(super) fn get_mut(&mut self) -> &mut T {
        &mut self.value
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

impl<'t> Value<'t> {
    pub(super) fn as_str(&self) -> Option<&str> {
        if let Value::String(text) = self { Some(text) } else { None }
    }

    pub(super) fn as_array(&self) -> Option<&[Node<'t>]> {
        if let Value::Array(list) = self { Some(list) } else { None }
    }

    pub(super) fn as_array_mut(&mut self) -> Option<&mut [Node<'t>]> {
        if let Value::Array(list) = self { Some(list) } else { None }
    }

    pub(super) fn as_table(&self) -> Option<&Table<'t>> {
        if let Value::Table(table) = self { Some(table) } else { None }
    }

    pub(super) fn as_table_mut(&mut self) -> Option<&mut Table<'t>> {
        if let Value::Table(table) = self { Some(table) } else { None }
    }
}

impl<'t> Table<'t> {
    fn new(made: Made) -> Self {
        Table { entries: Vec::new(), made }
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|(other, _)| (*other.value).cmp(key))
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node<'t>> {
        self.place(key).ok().map(|place| &self.entries[place].1)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Node<'t>> {
        self.place(key).ok().map(|place| &mut self.entries[place].1)
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<Node<'t>> {
        self.place(key).ok().map(|place| self.entries.remove(place).1)
    }

    /// Gives a field its value, whether or not it had one.
    pub(super) fn put(&mut self, key: &str, node: Node<'t>) {
        match self.place(key) {
            Ok(place) => self.entries[place].1 = node,
            Err(place) => self.entries.insert(place, (Spanned { value: Cow::Owned(key.to_owned()), span: node.span() }, node)),
        }
    }

    /// The table of this name, made when it is missing; `None` when the name stands for something else.
    pub(super) fn table(&mut self, key: &str) -> Option<&mut Table<'t>> {
        if self.get(key).is_none() {
            self.put(key, Spanned { value: Value::Table(Table::new(Made::ByHeader)), span: 0..0 });
        }
        self.get_mut(key)?.value.as_table_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key<'t>, &Node<'t>)> {
        self.entries.iter().map(|(key, node)| (key, node))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Key<'t>> {
        self.entries.iter().map(|(key, _)| key)
    }

    fn add(&mut self, place: usize, key: Key<'t>, value: Value<'t>, span: Range<usize>) -> Read<()> {
        if self.entries.len() > limits::ENTRIES {
            return Err(Broken { at: key.span.start, message: "one table has too many fields" });
        }
        self.entries.insert(place, (key, Spanned { value, span }));
        Ok(())
    }

    /// The table at the end of a path, made where it is missing.
    fn descend(&mut self, path: &[Key<'t>], made: Made) -> Read<&mut Table<'t>> {
        let mut table = self;
        for key in path {
            let place = match table.place(&key.value) {
                Ok(place) => place,
                Err(place) => {
                    table.add(place, key.clone(), Value::Table(Table::new(made)), key.span())?;
                    place
                }
            };
            let header = made == Made::OnTheWay;
            let inner = match &mut table.entries[place].1.value {
                Value::Table(inner) => Some(inner),
                // A list of tables stands for its last one.
                Value::Array(list) if header => list.last_mut().and_then(|last| last.value.as_table_mut()),
                _ => None,
            };
            let may_enter =
                |inner: &&mut Table<'t>| inner.made == made || inner.made == Made::OnTheWay || (header && inner.made != Made::Inline);
            table = inner.filter(may_enter).ok_or(Broken { at: key.span.start, message: TAKEN })?;
        }
        Ok(table)
    }

    /// `a.b = 1`.
    fn insert(&mut self, mut path: Vec<Key<'t>>, node: Node<'t>) -> Read<()> {
        let Some(key) = path.pop() else { return Ok(()) };
        let table = self.descend(&path, Made::ByDots)?;
        match table.place(&key.value) {
            Ok(_) => Err(Broken { at: key.span.start, message: TAKEN }),
            Err(place) => table.add(place, key, node.value, node.span),
        }
    }

    /// `[a.b]`, or `[[a.b]]` when it is one of a list.
    fn open(&mut self, path: &[Key<'t>], listed: bool, span: Range<usize>) -> Read<()> {
        let Some((key, way)) = path.split_last() else { return Ok(()) };
        let parent = self.descend(way, Made::OnTheWay)?;
        let table = Value::Table(Table::new(Made::ByHeader));
        let place = match parent.place(&key.value) {
            Err(place) => {
                let value = if listed { Value::Array(vec![Spanned { value: table, span: span.clone() }]) } else { table };
                return parent.add(place, key.clone(), value, span);
            }
            Ok(place) => place,
        };
        let node = &mut parent.entries[place].1;
        match &mut node.value {
            Value::Table(known) if !listed && known.made == Made::OnTheWay => {
                known.made = Made::ByHeader;
                node.span = span;
            }
            Value::Array(list) if listed && list.last().is_some_and(Spanned::opened) => list.push(Spanned { value: table, span }),
            _ => return Err(Broken { at: key.span.start, message: TAKEN }),
        }
        Ok(())
    }
}

impl Node<'_> {
    /// One of a list of `[[tables]]`, which may grow.
    fn opened(&self) -> bool {
        self.value.as_table().is_some_and(|table| table.made == Made::ByHeader)
    }
}

/// Reads a whole text; what could be read, and what was broken, one fault a line at most.
pub(super) fn parse(text: &str) -> (Table<'_>, Vec<Broken>) {
    let mut parser = Parser { text, at: if text.starts_with('\u{feff}') { 3 } else { 0 } };
    let (mut root, mut broken) = (Table::new(Made::ByHeader), Vec::new());
    // Where fields go; nowhere below a broken header.
    let mut section = Some(Vec::new());
    while parser.at < text.len() {
        if let Err(fault) = parser.line(&mut root, &mut section) {
            broken.push(fault);
            parser.at = parser.rest().find('\n').map_or(text.len(), |end| parser.at + end + 1);
        }
    }
    (root, broken)
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn broken<T>(&self, message: &'static str) -> Read<T> {
        Err(Broken { at: self.at, message })
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8, message: &'static str) -> Read<()> {
        if self.take(byte) { Ok(()) } else { self.broken(message) }
    }

    /// Steps over bytes, all of them ASCII, and gives them.
    fn run(&mut self, member: impl Fn(u8) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.bytes().take_while(|byte| member(*byte)).count();
        self.at += length;
        &rest[..length]
    }

    fn blank(&mut self) {
        self.run(|byte| byte == b' ' || byte == b'\t');
    }

    fn newline(&mut self) -> bool {
        self.at += usize::from(self.rest().starts_with("\r\n"));
        self.take(b'\n')
    }

    fn comment(&mut self) {
        if self.peek() == Some(b'#') {
            while self.peek().is_some_and(|byte| !control(byte)) {
                self.at += 1;
            }
        }
    }

    /// White space, comments and ends of lines, between the parts of a list.
    fn gap(&mut self) {
        loop {
            self.blank();
            self.comment();
            if !self.newline() {
                return;
            }
        }
    }

    fn line(&mut self, root: &mut Table<'t>, section: &mut Option<Vec<Key<'t>>>) -> Read<()> {
        self.blank();
        if self.peek() == Some(b'[') {
            *section = None;
            *section = Some(self.header(root)?);
        } else if !matches!(self.peek(), None | Some(b'\n' | b'\r' | b'#')) {
            let (path, node) = self.field(0)?;
            if let Some(section) = section {
                // It was opened by its header, so nothing is made on the way.
                root.descend(section, Made::OnTheWay)?.insert(path, node)?;
            }
        }
        self.blank();
        self.comment();
        if self.at < self.text.len() && !self.newline() {
            return self.broken("the line should end here");
        }
        Ok(())
    }

    fn header(&mut self, root: &mut Table<'t>) -> Read<Vec<Key<'t>>> {
        let start = self.at;
        self.at += 1;
        let listed = self.take(b'[');
        let path = self.path()?;
        self.expect(b']', "a closing ] is missing")?;
        if listed {
            self.expect(b']', "a second closing ] is missing")?;
        }
        root.open(&path, listed, start..self.at)?;
        Ok(path)
    }

    fn field(&mut self, depth: u32) -> Read<(Vec<Key<'t>>, Node<'t>)> {
        let path = self.path()?;
        self.expect(b'=', "an = is missing")?;
        self.blank();
        Ok((path, self.value(depth)?))
    }

    fn path(&mut self) -> Read<Vec<Key<'t>>> {
        let mut path = Vec::new();
        loop {
            self.blank();
            let start = self.at;
            let value = match self.peek() {
                Some(b'"' | b'\'') if !self.triple() => self.string()?,
                _ => Cow::Borrowed(self.run(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')),
            };
            if self.at == start {
                return self.broken("a name is missing");
            }
            path.push(Spanned { value, span: start..self.at });
            self.blank();
            if !self.take(b'.') {
                return Ok(path);
            }
            if path.len() as u32 >= DEPTH {
                return self.broken(TOO_DEEP);
            }
        }
    }

    fn value(&mut self, depth: u32) -> Read<Node<'t>> {
        if depth > DEPTH {
            return self.broken(TOO_DEEP);
        }
        let start = self.at;
        let value = match self.peek() {
            Some(b'"' | b'\'') => Value::String(self.string()?),
            Some(b'[') => Value::Array(self.list(depth)?),
            Some(b'{') => Value::Table(self.inline(depth)?),
            _ => self.scalar()?,
        };
        Ok(Spanned { value, span: start..self.at })
    }

    fn list(&mut self, depth: u32) -> Read<Vec<Node<'t>>> {
        let mut list = Vec::new();
        self.at += 1;
        while !self.closes(b']', list.is_empty())? {
            list.push(self.value(depth + 1)?);
        }
        Ok(list)
    }

    fn inline(&mut self, depth: u32) -> Read<Table<'t>> {
        let mut table = Table::new(Made::ByHeader);
        self.at += 1;
        while !self.closes(b'}', table.entries.is_empty())? {
            let (path, node) = self.field(depth + 1)?;
            table.insert(path, node)?;
        }
        table.made = Made::Inline;
        Ok(table)
    }

    /// True behind the end of a list; false before its next part, which a comma divides from the one before.
    fn closes(&mut self, end: u8, first: bool) -> Read<bool> {
        self.gap();
        let comma = !first && self.take(b',');
        self.gap();
        if self.take(end) {
            return Ok(true);
        }
        if first || comma { Ok(false) } else { self.broken("a comma or the end of the list is missing") }
    }

    fn triple(&self) -> bool {
        self.rest().starts_with("\"\"\"") || self.rest().starts_with("'''")
    }

    /// A text in quotes of any kind.
    fn string(&mut self) -> Read<Cow<'t, str>> {
        let triple = self.triple();
        let quote = self.peek().unwrap_or(b'"');
        self.at += if triple { 3 } else { 1 };
        if triple {
            self.newline();
        }
        let (mut text, mut from) = (Cow::Borrowed(""), self.at);
        loop {
            match self.peek() {
                Some(byte) if byte == quote => {
                    let quotes = self.rest().bytes().take(5).take_while(|byte| *byte == quote).count();
                    if triple && quotes < 3 {
                        self.at += quotes;
                        continue;
                    }
                    // Up to two quotes may stand right before the closing three.
                    let inside = if triple { quotes - 3 } else { 0 };
                    text += &self.text[from..self.at + inside];
                    self.at += if triple { quotes } else { 1 };
                    return Ok(text);
                }
                Some(b'\\') if quote == b'"' => {
                    text += &self.text[from..self.at];
                    self.at += 1;
                    self.escape(text.to_mut(), triple)?;
                    from = self.at;
                }
                Some(b'\n' | b'\r') if triple && self.newline() => {}
                Some(byte) if !control(byte) => self.at += 1,
                _ => return self.broken("the text is not closed, or has a character that must be escaped"),
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self, text: &mut String, triple: bool) -> Read<()> {
        let kind = self.peek();
        let length = match kind {
            Some(b'x') => 2,
            Some(b'u') => 4,
            Some(b'U') => 8,
            _ => 0,
        };
        let c = match kind {
            Some(b'b') => Some('\u{8}'),
            Some(b't') => Some('\t'),
            Some(b'n') => Some('\n'),
            Some(b'f') => Some('\u{c}'),
            Some(b'r') => Some('\r'),
            Some(b'e') => Some('\u{1b}'),
            Some(b'"' | b'\\') => kind.map(char::from),
            _ if length > 0 => {
                let digits = self.rest().get(1..=length).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32)
            }
            _ => None,
        };
        if let Some(c) = c {
            text.push(c);
            self.at += 1 + length;
            return Ok(());
        }
        // The end of a line and all white space after it go.
        self.blank();
        if !triple || !self.newline() {
            return self.broken("there is no such escape; write \\\\ for a backslash");
        }
        while self.newline() || matches!(self.peek(), Some(b' ' | b'\t')) {
            self.blank();
        }
        Ok(())
    }

    /// A number, a truth or a date.
    fn scalar(&mut self) -> Read<Value<'t>> {
        let start = self.at;
        let word = self.run(|byte| byte.is_ascii_alphanumeric() || b"+-_.:".contains(&byte));
        if is_date(word) {
            // The time may follow behind a space.
            let rest = self.rest().as_bytes();
            if word.len() == 10 && rest.first() == Some(&b' ') && rest.get(3) == Some(&b':') {
                self.at += 1;
                self.run(|byte| byte.is_ascii_digit() || b"+-.:Zz".contains(&byte));
            }
            return Ok(Value::Datetime);
        }
        let value = match word {
            "true" => Some(Value::Boolean(true)),
            "false" => Some(Value::Boolean(false)),
            _ => number(word),
        };
        value.ok_or(Broken { at: start, message: "a value is missing, or a text without quotes" })
    }
}

/// Not allowed in comments and one-line texts.
fn control(byte: u8) -> bool {
    byte != b'\t' && byte.is_ascii_control()
}

/// `1979-05-27…` or `07:32:00…`.
fn is_date(word: &str) -> bool {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    matches!((digits, word.as_bytes().get(digits)), (4, Some(b'-')) | (2, Some(b':')))
}

fn number<'t>(word: &str) -> Option<Value<'t>> {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    let radix = match unsigned.get(..2) {
        Some("0x") => 16,
        Some("0o") => 8,
        Some("0b") => 2,
        _ => 10,
    };
    if radix != 10 {
        let digits = word.strip_prefix('0').map(|rest| &rest[1..])?;
        return grouped(digits, radix).then(|| Value::Integer(Integer { digits: digits.replace('_', ""), radix }));
    }
    if unsigned == "inf" || unsigned == "nan" {
        return Some(Value::Float(word.to_owned()));
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    let exponent_digits = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if leading_zero || ![Some(whole), fraction, exponent_digits].into_iter().flatten().all(|digits| grouped(digits, 10)) {
        return None;
    }
    let digits = word.replace('_', "");
    Some(if fraction.or(exponent).is_some() { Value::Float(digits) } else { Value::Integer(Integer { digits, radix }) })
}

/// Digits, with single underscores between them.
fn grouped(text: &str, radix: u32) -> bool {
    text.split('_').all(|group| !group.is_empty() && group.chars().all(|c| c.is_digit(radix)))
}

#[cfg(test)]
mod tests;

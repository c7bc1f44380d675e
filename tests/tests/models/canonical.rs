//! One number for a cluster and its auditor as a model sees them: two states with the same number go on alike.
//!
//! Everything `Debug` shows counts, so that a field nobody thought of makes more states, never fewer. Left out or made coarser is
//! what would keep a search from ever meeting a state again:
//! - moments: of each only whether it is over, by less or by more than [`PATIENCE`], to come, or never. So the search goes on from
//!   one state of those that differ only in how much time is left; all it visits are real runs;
//! - ids of requests and of parked ones: only their order counts;
//! - counters nobody decides by (steps, retries, events told), and lengths of pauses;
//! - the page cache, which matters in power cuts alone.

use playground_core::cluster::Cluster;
use playground_core::cluster::choosing::What;
use playground_core::cluster::invariant::Auditor;
use playground_core::ids::NodeId;
use playground_core::protocol::Envelope;
use std::collections::BTreeMap;

/// Sessions, lag and requests of the model end after so long.
pub const PATIENCE_US: u64 = 9_000_000;

/// Fields that do not count, by name.
const LEFT_OUT: &[&str] = &[
    // Of the world: how it came here, what it is made of, and what is shown.
    "scenario",
    "now",
    "steps",
    "queue",
    "mid_instant",
    "spins",
    "events",
    "elections",
    "deletions",
    "last_elected",
    "last_takeover",
    "troubles",
    "outbox",
    "hops",
    "history",
    "series",
    "traffic",
    "arrived",
    "changes",
    "witness",
    "last_arrival",
    "sent_at",
    "truncations",
    // Settings.
    "config",
    "timing",
    "spec",
    // Chance, and how often something was tried.
    "rng",
    "backoff_rng",
    "retries",
    "requests",
    "failures",
    "attempts",
    "refusals",
    "errors",
    // Why, for the trace.
    "because",
    "struck",
    "causes",
    "why",
    // Numbers to come; what is derived; buffers.
    "next_correlation",
    "next_id",
    "deadlines",
    "joins",
    "spare",
    "cache",
    // Of the auditor: what the cluster shows too.
    "copies",
];

pub fn number(cluster: &Cluster, auditor: &Auditor, rest: &impl std::fmt::Debug) -> u64 {
    let now = (cluster.now().micros(), cluster.now().timestamp_ms());
    let mut reader = Reader { now, ..Reader::default() };
    reader.read(&format!("{cluster:?}"));
    let mut under_way: BTreeMap<(NodeId, NodeId), Vec<&Envelope>> = BTreeMap::new();
    for event in cluster.pending() {
        if let What::Arrives(envelope) = event.what {
            under_way.entry((envelope.from, envelope.to)).or_default().push(envelope);
        }
    }
    reader.read(&format!("{under_way:?}"));
    reader.read(&format!("{:?}", auditor.remembered()));
    reader.read(&format!("{rest:?}"));
    reader.number()
}

/// Reads what `Debug` writes.
#[derive(Default)]
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// In microseconds of the run, and in milliseconds since 1970.
    now: (u64, i64),
    words: Vec<u64>,
    /// Places in `words` that hold an id, whose it is, and the id.
    ids: Vec<(usize, u64, u64)>,
    /// Who is described; who asked what the next id names; to whom a message goes.
    owner: u64,
    asker: Option<u64>,
    to: u64,
}

fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

impl Reader<'_> {
    fn read(&mut self, text: &str) {
        let mut inner =
            Reader { text: text.as_bytes(), at: 0, words: std::mem::take(&mut self.words), ids: std::mem::take(&mut self.ids), ..*self };
        inner.value(false);
        assert_eq!(inner.at, text.len(), "all of it was read");
        (self.words, self.ids) = (inner.words, inner.ids);
    }

    /// Ids of one asker become their ranks.
    fn number(mut self) -> u64 {
        let mut known: Vec<(u64, u64)> = self.ids.iter().map(|(_, owner, id)| (*owner, *id)).collect();
        known.sort_unstable();
        known.dedup();
        for (place, owner, id) in self.ids {
            let first = known.partition_point(|(other, _)| *other < owner);
            self.words[place] = (known.partition_point(|other| *other < (owner, id)) - first) as u64;
        }
        self.words.iter().fold(0x9e37_79b9_7f4a_7c15, |hash: u64, word| {
            let mixed = (hash.rotate_left(23) ^ word).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed ^ mixed >> 29
        })
    }

    fn word(&mut self, word: u64) {
        self.words.push(word);
    }

    fn id(&mut self, owner: u64, id: u64) {
        self.ids.push((self.words.len(), owner, id));
        self.words.push(0);
    }

    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(b' ')
    }

    fn skip(&mut self, what: &[u8]) {
        while self.at < self.text.len() && what.contains(&self.text[self.at]) {
            self.at += 1;
        }
    }

    fn ident(&mut self) -> &str {
        let from = self.at;
        while self.peek().is_ascii_alphanumeric() || self.peek() == b'_' {
            self.at += 1;
        }
        std::str::from_utf8(&self.text[from..self.at]).expect("names are plain")
    }

    fn integer(&mut self) -> i128 {
        let from = self.at;
        self.skip(b"-0123456789");
        std::str::from_utf8(&self.text[from..self.at]).ok().and_then(|text| text.parse().ok()).expect("an integer")
    }

    /// Goes past a value without a look at it.
    fn pass(&mut self) {
        let mut open = 0;
        loop {
            match self.peek() {
                b'"' => self.quoted(),
                b'[' | b'(' | b'{' => open += 1,
                b']' | b')' | b'}' | b',' if open == 0 => return,
                b' ' if open == 0 && self.text[self.at..].starts_with(b" }") => return,
                b']' | b')' | b'}' => open -= 1,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Up to the quotation mark at the end of a text.
    fn quoted(&mut self) {
        self.at += 1;
        while self.peek() != b'"' {
            self.at += if self.peek() == b'\\' { 2 } else { 1 };
        }
    }

    /// `parked`: bare numbers are ids of parked requests.
    fn value(&mut self, parked: bool) {
        match self.peek() {
            b'"' => {
                let from = self.at;
                self.quoted();
                self.at += 1;
                self.word(hash(&self.text[from..self.at]));
            }
            open @ (b'[' | b'(' | b'{') => {
                self.word(u64::from(open));
                self.elements(parked);
            }
            b'-' | b'0'..=b'9' => {
                let integer = self.integer();
                if parked { self.id(!self.owner, integer as u64) } else { self.word(integer as u64) }
            }
            _ => self.named(),
        }
    }

    /// The inside of a list, a tuple or a map, with its brackets.
    fn elements(&mut self, parked: bool) {
        self.at += 1;
        self.skip(b" ");
        while !b"])}".contains(&self.peek()) {
            // A place in a line that was left early holds nothing.
            let hole = parked
                && self.peek() == b'('
                && self.text[self.at..].split(|byte| *byte == b')').next().is_some_and(|tuple| tuple.ends_with(b", None"));
            if hole {
                self.pass();
            } else {
                self.value(parked);
            }
            if self.peek() == b':' {
                self.skip(b": ");
                self.value(parked);
            }
            self.skip(b", ");
        }
        self.at += 1;
        self.word(u64::from(b']'));
    }

    /// A variant or a structure by its name, with what it holds.
    fn named(&mut self) {
        let from = self.at;
        let name = self.ident().to_owned();
        assert!(!name.is_empty(), "{}", String::from_utf8_lossy(&self.text[from..self.text.len().min(from + 60)]));
        if self.text[self.at..].starts_with(b" {") {
            self.at += 2;
            self.word(hash(name.as_bytes()));
            return self.fields(&name);
        }
        match (name.as_str(), self.peek()) {
            ("SimTime", b'(') => {
                self.at += 1;
                let at = self.integer() as u64;
                self.at += 1;
                self.word(match at {
                    u64::MAX => 0,
                    at if at > self.now.0 => 1,
                    at if at + PATIENCE_US > self.now.0 => 2,
                    _ => 3,
                });
            }
            ("CorrelationId", b'(') => {
                self.at += 1;
                let id = self.integer() as u64;
                self.at += 1;
                let owner = self.asker.take().unwrap_or(self.owner);
                self.id(owner, id);
            }
            ("EventId", b'(') => {
                self.at += 1;
                self.integer();
                self.at += 1;
            }
            (_, b'(') => {
                self.word(hash(name.as_bytes()));
                if name == "Response" {
                    self.asker = Some(self.to);
                }
                if name == "Producer" {
                    // `AnswerTo`: who asked stands before the id.
                    let whom = self.text[self.at + 1..].split(|byte| *byte == b' ').next().unwrap_or_default();
                    self.asker = Some(hash(whom.strip_suffix(b",").unwrap_or(whom)));
                }
                self.elements(false);
            }
            _ => self.word(hash(name.as_bytes())),
        }
    }

    fn fields(&mut self, of: &str) {
        self.skip(b" ");
        let owner = self.owner;
        while self.peek() != b'}' {
            let field = self.ident().to_owned();
            self.skip(b": ");
            let from = self.at;
            let out = LEFT_OUT.contains(&field.as_str());
            match field.as_str() {
                _ if out => self.pass(),
                "last_caught_up_ms" | "last_fetch_ms" => {
                    let age = self.now.1 - self.integer() as i64;
                    self.word(u64::from(age < PATIENCE_US as i64 / 1_000));
                }
                "places" | "produces" | "fetches" | "waiter" => self.value(true),
                _ => self.value(false),
            }
            let said = &self.text[from..self.at];
            match (of, field.as_str()) {
                (_, "from") => self.asker = Some(hash(said)),
                (_, "to") => self.to = hash(said),
                ("Broker", "id") => self.owner = hash(&[b"Broker(", said, b")"].concat()),
                ("Producer", "id") => self.owner = hash(&[b"Client(", said, b")"].concat()),
                ("Raft", "id") => self.owner = hash(&[b"Controller(", said, b")"].concat()),
                _ => {}
            }
            self.skip(b", ");
        }
        if of == "Envelope" {
            self.asker = None;
        }
        self.owner = if ["Broker", "Producer"].contains(&of) { owner } else { self.owner };
        self.at += 1;
        self.word(u64::from(b'}'));
    }
}

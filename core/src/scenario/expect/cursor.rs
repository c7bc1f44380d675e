//! Reads an expression from left to right, and knows at every point which byte a fault stands at.

use super::{BrokerState, COMPARISONS, Compare, ExprFault, GROUP_STATES, Kind, Value};

pub(super) struct Cursor<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Past white space; where it ends.
    pub(super) fn skip(&mut self) -> usize {
        self.at = self.text.len() - self.rest().trim_start().len();
        self.at
    }

    pub(super) fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !wanted(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    pub(super) fn fault(&self, at: usize, message: String) -> ExprFault {
        ExprFault { at, message }
    }

    pub(super) fn comparison(&mut self, kind: Kind) -> Result<Compare, ExprFault> {
        let at = self.skip();
        let (token, compare) = *COMPARISONS
            .iter()
            .find(|(token, _)| self.rest().starts_with(token))
            .ok_or_else(|| self.fault(at, "A comparison is missing. Write ==, !=, <, <=, > or >=.".to_owned()))?;
        self.at += token.len();
        match matches!(kind, Kind::Number | Kind::Offset) || matches!(compare, Compare::Equal | Compare::Unequal) {
            true => Ok(compare),
            false => Err(self.fault(at, format!("`{token}` compares numbers only. Write == or !=."))),
        }
    }

    pub(super) fn value(&mut self, kind: Kind) -> Result<Value, ExprFault> {
        let at = self.skip();
        match kind {
            Kind::Number => {
                let text = self.take(|c| c.is_ascii_digit() || c == '-');
                text.parse().map(Value::Number).map_err(|_| self.fault(at, "Compare with a whole number.".to_owned()))
            }
            Kind::Broker | Kind::Offset => match self.take(|c| c.is_ascii_alphanumeric() || c == '-') {
                "none" => Ok(Value::None),
                text => text
                    .parse()
                    .map(|id: u32| Value::Number(i64::from(id)))
                    .map_err(|_| self.fault(at, "Compare with a number, or with none.".to_owned())),
            },
            Kind::Brokers => self.brokers(at),
            Kind::GroupState => self.word(at, &GROUP_STATES),
            Kind::BrokerState => self.word(at, &BrokerState::NAMES),
        }
    }

    fn brokers(&mut self, at: usize) -> Result<Value, ExprFault> {
        let wrong = |cursor: &Self| cursor.fault(at, "Compare with a list of broker ids, as in [101, 102].".to_owned());
        if !self.eat("[") {
            return Err(wrong(self));
        }
        let inside = self.take(|c| c != ']');
        if !self.eat("]") {
            return Err(wrong(self));
        }
        let ids = inside.split(',').map(str::trim).filter(|_| !inside.trim().is_empty()).map(str::parse::<i32>);
        let mut ids = ids.collect::<Result<Vec<i32>, _>>().map_err(|_| wrong(self))?;
        crate::sorted::settle(&mut ids, i32::lt);
        Ok(Value::Brokers(ids))
    }

    fn word(&mut self, at: usize, words: &'static [&'static str]) -> Result<Value, ExprFault> {
        let text = self.take(|c| c.is_ascii_alphabetic());
        let found = words.iter().find(|word| word.eq_ignore_ascii_case(text));
        found.map(|word| Value::Word(word)).ok_or_else(|| self.fault(at, format!("Compare with one of: {}.", words.join(", "))))
    }
}

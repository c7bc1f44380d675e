//! Arguments of a call: places by order, options by name, as `--name value` or `--name=value`.

use super::{BadInput, bad};

pub(super) struct Args {
    places: Vec<String>,
    values: Vec<(&'static str, String)>,
    flags: Vec<&'static str>,
}

impl Args {
    /// Takes exactly the named places, and no option that is not named.
    pub(super) fn read(arguments: &[String], places: &[&str], values: &[&'static str], flags: &[&'static str]) -> Result<Self, BadInput> {
        let mut args = Args { places: Vec::new(), values: Vec::new(), flags: Vec::new() };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let Some(option) = argument.strip_prefix("--") else {
                args.places.push(argument.clone());
                continue;
            };
            let (name, inline) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
            if let Some(flag) = flags.iter().find(|flag| **flag == name && inline.is_none()) {
                args.flags.push(flag);
            } else if let Some(value) = values.iter().find(|value| **value == name) {
                let given = inline.map(str::to_owned).or_else(|| rest.next().cloned());
                let Some(given) = given else { return bad(format!("`--{name}` needs a value.")) };
                args.values.push((value, given));
            } else {
                let known: Vec<String> = values.iter().chain(flags).map(|name| format!("--{name}")).collect();
                return bad(format!("`{argument}` is no option here. {}", known_options(&known)));
            }
        }
        if args.places.len() != places.len() {
            return bad(format!("Write {} here, and nothing more.", places.join(" ")));
        }
        Ok(args)
    }

    pub(super) fn at(&self, place: usize) -> &str {
        &self.places[place]
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.flags.contains(&name)
    }

    /// The last one given.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.all(name).last()
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

fn known_options(known: &[String]) -> String {
    if known.is_empty() { "There are none.".to_owned() } else { format!("There are {}.", known.join(", ")) }
}

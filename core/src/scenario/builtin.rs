//! The scenarios that come with the playground, by name.

/// Name and text of each, in the order a menu shows them.
pub const BUILTINS: &[(&str, &str)] = &[("trucks_gps", include_str!("../../scenarios/trucks_gps.toml"))];

/// The text of a built-in scenario.
pub fn builtin(name: &str) -> Option<&'static str> {
    BUILTINS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn every_built_in_scenario_can_be_read() {
        for (name, text) in BUILTINS {
            let scenario = Scenario::parse(text).unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
            assert!(!scenario.title.is_empty(), "{name} has a title");
        }
    }
}

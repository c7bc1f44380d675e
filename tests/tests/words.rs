//! The words the page explains: terms and settings, each said shortly and once.

use playground_core::config::{BrokerConfig, ConsumerConfig, ProducerConfig, Settings, TopicConfig};
use std::collections::BTreeSet;
use std::path::PathBuf;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../core/words").join(name)
}

fn lines_of<C: Settings>() -> String {
    C::default().describe().iter().map(|row| format!("{}\t{}\t{}\n", C::SCOPE, row.key, row.meaning)).collect()
}

/// `UPDATE_WORDS=1` writes it from the tables of settings.
#[test]
fn the_page_explains_every_setting_as_the_engine_does() {
    let all = lines_of::<TopicConfig>() + &lines_of::<BrokerConfig>() + &lines_of::<ProducerConfig>() + &lines_of::<ConsumerConfig>();
    let path = file("settings.tsv");
    if std::env::var_os("UPDATE_WORDS").is_some() {
        std::fs::write(&path, &all).expect("it can be written");
    }
    assert_eq!(std::fs::read_to_string(path).expect("it is there"), all, "run with UPDATE_WORDS=1");
    assert!(all.lines().all(|line| line.split('\t').count() == 3 && !line.ends_with('\t')), "every setting has a meaning");
}

#[test]
fn each_term_is_explained_once_and_in_short_sentences() {
    let text = std::fs::read_to_string(file("terms.tsv")).expect("it is there");
    let mut names = BTreeSet::new();
    for line in text.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [word, aliases, meaning] = columns[..] else { panic!("three columns: {line}") };
        let own: BTreeSet<String> =
            [word].into_iter().chain(aliases.split(", ")).filter(|name| !name.is_empty()).map(str::to_lowercase).collect();
        for name in own {
            assert!(names.insert(name.clone()), "`{name}` is explained twice");
        }
        assert!(meaning.ends_with('.'), "{word}: end the sentence");
        for sentence in meaning.split(". ") {
            assert!(sentence.split(' ').count() <= 20, "{word}: too long: {sentence}");
        }
        for filler in ["simply", "just", "obviously", "easy", "!"] {
            assert!(!meaning.contains(filler), "{word}: without `{filler}`");
        }
    }
    assert!(names.len() > 30);
}

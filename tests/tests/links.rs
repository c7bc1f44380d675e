//! Share links: what was packed opens the same, what was damaged says so, and both sizes of the contract hold.

use playground_core::ids::BrokerId;
use playground_core::rng::{Seed, SimRng};
use playground_core::scenario::link::{LinkError, pack, unpack};
use playground_core::scenario::{Scenario, builtin};
use playground_core::time::SimTime;
use playground_core::view::Subject;
use std::time::Instant;

fn parsed(text: &str) -> Scenario {
    Scenario::parse(text).unwrap_or_else(|faults| panic!("{}", faults.iter().map(|f| format!("{f}\n")).collect::<String>()))
}

fn trucks(timeline: &str) -> Scenario {
    parsed(&format!("{}\n{timeline}", builtin("trucks_gps").expect("built in")))
}

/// Twelve brokers, eight topics, a hundred producers as fleets and singles, groups, sixty actions.
fn large() -> Scenario {
    let topics = ["orders", "payments", "shipments", "clicks", "inventory", "alerts", "users", "telemetry"];
    let mut text = String::from("title = \"Twelve brokers under fire\"\nseed = 20260\n[cluster]\nbrokers = { count = 12, first = 101 }\n");
    text.push_str("config = { \"broker.session.timeout.ms\" = 6000, \"replica.lag.time.max.ms\" = 10000 }\n");
    for (i, topic) in topics.iter().enumerate() {
        let (partitions, factor) = ([12, 24, 6, 48, 12, 3, 8, 36][i], [3, 3, 2, 3, 3, 4, 3, 2][i]);
        text.push_str(&format!("[[topic]]\nname = \"{topic}\"\npartitions = {partitions}\nreplication_factor = {factor}\n"));
        text.push_str(&format!("config = {{ \"min.insync.replicas\" = {} }}\n", factor - 1));
    }
    let fleets = [("web", 25), ("mobile", 20), ("sensor", 18), ("till", 12)];
    for (i, (name, size)) in fleets.iter().enumerate() {
        let topic = topics[i * 2];
        text.push_str(&format!("[[producer]]\nname = \"{name}-{{1..{size}}}\"\ntopic = \"{topic}\"\nkey = \"{{name}}\"\n"));
        text.push_str(&format!("value = '{{\"from\":\"{{name}}\",\"seq\":{{n}},\"at\":{{ts}}}}'\nevery = \"{}ms\"\n", 250 * (i + 2)));
    }
    let singles = [
        "checkout",
        "refunds",
        "ledger",
        "fraud-check",
        "parcel-scan",
        "route-plan",
        "stock-count",
        "price-feed",
        "newsletter",
        "signup",
        "login-audit",
        "recommender",
        "search-index",
        "ad-clicks",
        "heat-map",
        "gateway",
        "weather",
        "crm-sync",
        "erp-export",
        "pager",
        "backup",
        "geo-lookup",
        "image-resize",
        "chat",
        "survey",
    ];
    for (i, name) in singles.iter().enumerate() {
        text.push_str(&format!("[[producer]]\nname = \"{name}\"\ntopic = \"{}\"\n", topics[(i * 5 + 3) % 8]));
        match i % 3 {
            0 => text.push_str(&format!("key = \"user-{{zipf:{}}}\"\nrate = {}\n", 100 * (i + 1), 10 + 7 * i)),
            1 => text.push_str(&format!("every = \"{}s\"\nconfig = {{ acks = \"1\" }}\n", 1 + i)),
            _ => text.push_str(&format!("key = \"{{n}}\"\nrate = {}\nconfig = {{ \"linger.ms\" = {} }}\n", 5 + i, 10 * i)),
        }
    }
    for (i, group) in ["billing", "warehouse", "analytics", "search", "fraud", "mailing"].iter().enumerate() {
        text.push_str(&format!(
            "[[group]]\nname = \"{group}\"\ntopics = [\"{}\", \"{}\"]\nmembers = {}\n",
            topics[i],
            topics[i + 2],
            i + 2
        ));
        text.push_str("config = { \"auto.offset.reset\" = \"earliest\" }\n");
    }
    text.push_str("[timeline]\n");
    let mut rng = SimRng::new(Seed(5), 0);
    let mut at = 20;
    for _ in 0..30 {
        let broker = 101 + rng.below(12);
        at += 5 + rng.below(40);
        text.push_str(&format!("{at}s = \"kill {broker}\"\n"));
        at += 5 + rng.below(30);
        text.push_str(&format!("{at}s = \"start {broker}\"\n"));
    }
    let scenario = parsed(&text);
    assert_eq!(scenario.cluster.brokers.len(), 12);
    assert_eq!(scenario.topics.len(), 8);
    assert_eq!(scenario.producers.iter().map(|producer| producer.members.len()).sum::<usize>(), 100);
    assert_eq!(scenario.timeline.len(), 60);
    scenario
}

fn subjects() -> Vec<Subject> {
    vec![
        Subject::Broker(102),
        Subject::Partition { topic: "trucks_gps".into(), partition: 3 },
        Subject::Record { topic: "a-b.c-1".into(), partition: 7, offset: 41 },
        Subject::Client("truck-3".into()),
        Subject::Group("location-dashboard".into()),
    ]
}

#[test]
fn the_fleet_with_a_crash_fits_into_400_characters() {
    let link = pack(&trucks("[timeline]\n14s = \"kill 102\"\n45s = \"start 102\""), Some(SimTime(15_000_000)), Some(&subjects()[1]));
    println!("trucks_gps: {} characters: {link}", link.len());
    assert!(link.len() <= 400, "{} characters: {link}", link.len());
}

#[test]
fn a_fleet_unlike_any_the_playground_ships_fits_too() {
    let text = "seed = 99\n[cluster]\nbrokers = [7, 9, 11, 13, 17]\nconfig = { \"offsets.topic.num.partitions\" = 8 }\n\
        [[topic]]\nname = \"hafen.kran\"\npartitions = 17\nreplication_factor = 4\n\
        [[producer]]\nname = \"kran-{3..14}\"\ntopic = \"hafen.kran\"\nkey = \"halle-{zipf:13}\"\nvalue = '{\"last\":{n},\"wo\":[{lat},{lon}]}'\nrate = 37\n\
        [[group]]\nname = \"leitstand\"\ntopics = [\"hafen.kran\"]\nmembers = 5\ncommit = \"after\"\nprocess = \"3ms\"\n\
        [timeline]\n33s = \"kill 11\"\n77s = \"start 11\"\n";
    let link = pack(&parsed(text), None, None);
    println!("another fleet: {} characters", link.len());
    assert!(link.len() <= 400, "{} characters", link.len());
}

#[test]
fn the_large_scenario_fits_into_1900_characters() {
    let scenario = large();
    let begun = Instant::now();
    let link = pack(&scenario, None, None);
    let opened = unpack(&link).expect("opens");
    println!("large: {} characters, {} bytes as a file, round trip {:?}", link.len(), scenario.to_toml().len(), begun.elapsed());
    assert_eq!(opened.scenario, scenario);
    assert!(link.len() <= 1_900, "{} characters", link.len());
}

#[test]
fn a_link_opens_as_what_was_packed() {
    let scenario = trucks("[timeline]\n14s = \"kill 102\"");
    for select in subjects() {
        let opened = unpack(&pack(&scenario, Some(SimTime(1_500)), Some(&select))).expect("opens");
        assert_eq!(opened.select, Some(select));
        assert_eq!(opened.at, Some(SimTime(1_500)));
        assert_eq!(opened.scenario, scenario);
    }
    let opened = unpack(&pack(&scenario, None, None)).expect("opens");
    assert_eq!((opened.at, opened.select), (None, None));
}

#[test]
fn a_whole_address_opens_and_a_view_may_be_added_behind_it() {
    let link = pack(&trucks(""), Some(SimTime(1)), None);
    for address in [format!("#{link}"), format!("https://example.org/?embed=1#{link}"), format!(" {link}\n")] {
        assert_eq!(unpack(&address).expect("opens").scenario, trucks(""));
    }
    let opened = unpack(&format!("#{link}&t=90s&sel=broker:101")).expect("opens");
    assert_eq!((opened.at, opened.select), (Some(SimTime(90_000_000)), Some(Subject::Broker(101))));
}

#[test]
fn no_link_ends_in_a_character_that_sites_cut() {
    for seed in 1..200 {
        let link = pack(&parsed(&format!("seed = {seed}")), None, None);
        assert!(!link.ends_with(['_', '-', '.', '~']), "{link}");
        let rest = link.strip_prefix("k1.").expect("its form");
        assert!(rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{link} needs no escapes");
    }
}

#[test]
fn every_truncation_is_noticed() {
    let link = pack(&large(), None, None);
    for length in 3..link.len() {
        let error = unpack(&link[..length]).expect_err("it is cut off");
        assert!(matches!(error, LinkError::Truncated | LinkError::Damaged), "{length}: {error}");
    }
}

#[test]
fn every_changed_character_is_noticed() {
    let link = pack(&trucks("[timeline]\n14s = \"kill 102\""), None, None);
    for place in 3..link.len() {
        for other in ['A', 'z', '0', '_', '-', '!', 'ä'] {
            let mut changed: Vec<char> = link.chars().collect();
            if changed[place] == other {
                continue;
            }
            changed[place] = other;
            let changed: String = changed.into_iter().collect();
            let error = unpack(&changed).expect_err("it is damaged");
            assert!(matches!(error, LinkError::Truncated | LinkError::Damaged), "{place} {other}: {error}");
        }
    }
}

#[test]
fn strange_links_say_what_is_wrong() {
    let message = |link: &str| unpack(link).expect_err(link).to_string();
    assert!(message("k2.abc").contains("newer version"));
    assert!(message("").contains("no link of the playground"));
    assert!(message("hello").contains("no link of the playground"));
    assert!(message(&"a".repeat(32_769)).contains("32769 characters; the limit is 32768"));
    assert!(message("k1.").contains("cut off"));
    assert!(message("k1.k").contains("cut off"));
}

#[test]
fn a_link_that_unpacks_to_more_than_a_mebibyte_is_refused() {
    assert_eq!(unpack(&miniz_bomb()), Err(LinkError::UnpacksTooLarge));
}

/// A valid link around two mebibytes of spaces.
fn miniz_bomb() -> String {
    let mut bytes = vec![1_u8];
    bytes.extend(miniz_oxide::deflate::compress_to_vec(&vec![b' '; 2 << 20], 10));
    let sum = crc32c::crc32c(&bytes);
    bytes.extend(sum.to_be_bytes());
    format!("k1.{}k", data_encoding::BASE64URL_NOPAD.encode(&bytes))
}

#[test]
fn any_text_is_answered_and_never_a_panic() {
    for seed in 0..2_000 {
        let mut rng = SimRng::new(Seed(seed), 2);
        let alphabet: Vec<char> = "k1.=&@#:-_sAZaz09trucks_gpskill%é".chars().collect();
        let text: String = (0..rng.below(60)).map(|_| alphabet[rng.below(alphabet.len() as u64) as usize]).collect();
        let _ = unpack(&text);
        let _ = unpack(&format!("k1.{text}k"));
        let _ = unpack(&format!("s=trucks_gps&{text}"));
        // A right checksum around wrong bytes.
        let mut bytes: Vec<u8> = std::iter::once(1).chain((0..rng.below(40)).map(|_| rng.next_u32() as u8)).collect();
        bytes.extend(crc32c::crc32c(&bytes).to_be_bytes());
        let _ = unpack(&format!("k1.{}k", data_encoding::BASE64URL_NOPAD.encode(&bytes)));
    }
}

#[test]
fn links_can_be_written_by_hand() {
    let opened = unpack("#s=trucks_gps&acks=1&kill=102@14s&start=102@1m&kill=101@2s&seed=9&t=15s&sel=client:truck-1").expect("opens");
    let scenario = opened.scenario;
    assert_eq!(scenario.seed, 9);
    assert_eq!(opened.at, Some(SimTime(15_000_000)));
    assert_eq!(opened.select, Some(Subject::Client("truck-1".into())));
    let lines: Vec<String> = scenario.timeline.iter().map(|entry| format!("{} {}", entry.at, entry.command)).collect();
    assert_eq!(lines, ["0:00:02.000 kill 101", "0:00:14.000 kill 102", "0:01:00.000 start 102"]);
    assert!(scenario.producers.iter().all(|producer| !producer.config.enable_idempotence), "acks=1 switches idempotence off");
    assert_eq!(unpack("s=trucks_gps").expect("opens").scenario, trucks(""));
}

#[test]
fn hand_written_mistakes_are_named() {
    let message = |link: &str| unpack(link).expect_err(link).to_string();
    assert!(message("s=truck_gps").contains("Did you mean `trucks_gps`?"));
    assert!(message("s=trucks_gps&kil=102@14s").contains("Did you mean `kill`?"));
    assert!(message("s=trucks_gps&kill=102").contains("kill=102@14s"));
    assert!(message("s=trucks_gps&kill=999@14s").contains("Brokers here: 101, 102, 103"));
    assert!(message("s=trucks_gps&acks=2").contains("Write one of: all, 1, 0"));
    assert!(message("s=trucks_gps&t=soon").contains("t=15s"));
    assert!(message("s=trucks_gps&sel=moon").contains("sel=broker:102"));
}

#[test]
fn a_link_of_this_version_opens_for_ever() {
    // Packed when version 1 was made. Never change it; a new form gets a new version.
    let opened = unpack(include_str!("../links/trucks_gps_v1.txt")).expect("opens");
    assert_eq!(opened.scenario.seed, 7);
    assert_eq!(opened.scenario.cluster.brokers, [BrokerId(101), BrokerId(102), BrokerId(103)]);
    assert_eq!(opened.scenario.timeline.len(), 2);
    assert_eq!(opened.scenario.producers[0].members.len(), 20);
    assert_eq!(opened.at, Some(SimTime(15_000_000)));
    assert_eq!(opened.select, Some(Subject::Partition { topic: "trucks_gps".into(), partition: 3 }));
}

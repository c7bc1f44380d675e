//! Groups: who reads what, and what a group keeps when brokers die.

use playground_tests::story::{Story, Told};

fn four_partitions(members: u32) -> Told {
    Story::brokers(3)
        .topic("orders", 4, 3)
        .producer("p", "orders", "rate = 20")
        .field("key = \"{n}\"")
        .group("g", "orders", members)
        .run_until("60s")
}

/// How many partitions each member reads.
fn shares(told: &Told) -> Vec<usize> {
    told.view().groups[0].members.iter().map(|member| member.assignment.values().map(Vec::len).sum()).collect()
}

#[test]
fn partitions_are_divided_among_the_members() {
    for (members, expected) in [(1, vec![4]), (2, vec![2, 2]), (3, vec![1, 1, 2]), (4, vec![1, 1, 1, 1])] {
        let told = four_partitions(members).expect(&["state(g) == Stable", "duplicates(g) == 0", "skipped(g) == 0", "acked_lost == 0"]);
        let mut shares = shares(&told);
        shares.sort_unstable();
        assert_eq!(shares, expected);
        assert!(told.view().ledger.delivered["g"] >= 1_190, "{members} members read all of it");
    }
}

#[test]
fn a_fifth_member_of_four_partitions_is_idle() {
    let told = four_partitions(5).expect(&["state(g) == Stable"]);
    let mut shares = shares(&told);
    shares.sort_unstable();
    assert_eq!(shares, [0, 1, 1, 1, 1]);
}

#[test]
fn no_partition_has_two_owners() {
    let told = four_partitions(3);
    let view = told.view();
    let mut owned: Vec<u32> = view.groups[0].members.iter().flat_map(|member| member.assignment["orders"].clone()).collect();
    owned.sort_unstable();
    assert_eq!(owned, [0, 1, 2, 3]);
}

#[test]
fn two_groups_each_get_everything() {
    let story = Story::brokers(3).topic("orders", 4, 3).producer("p", "orders", "rate = 20").field("records = 400");
    story.group("billing", "orders", 2).group("shipping", "orders", 3).run_until("60s").expect(&[
        "delivered(billing) == 400",
        "delivered(shipping) == 400",
        "lag(billing) == 0",
        "lag(shipping) == 0",
    ]);
}

/// A topic that does not touch the coordinator's death: on the two other brokers.
fn with_coordinator() -> (Told, i32) {
    let story = Story::brokers(3).topic("orders", 3, 3).producer("p", "orders", "rate = 20").group("g", "orders", 2);
    let told = story.run_until("32s").expect(&["state(g) == Stable"]);
    let coordinator = told.view().groups[0].coordinator.expect("a stable group has one");
    (told, coordinator)
}

#[test]
fn a_group_outlives_its_coordinator_with_its_generation() {
    let (told, coordinator) = with_coordinator();
    let generation = told.view().groups[0].generation;
    let told =
        told.then(&format!("kill {coordinator}")).until("60s").expect(&["state(g) == Stable", "skipped(g) == 0", "duplicates(g) == 0"]);
    let group = &told.view().groups[0];
    assert_ne!(group.coordinator, Some(coordinator));
    assert_eq!(group.generation, generation, "nobody had to join again");
    assert!(group.members.iter().all(|member| !member.assignment.is_empty()));
}

#[test]
fn bookmarks_go_on_from_what_was_committed() {
    let (told, coordinator) = with_coordinator();
    let before: Vec<Option<u64>> = told.view().groups[0].offsets["orders"].iter().map(|offset| offset.committed).collect();
    assert!(before.iter().any(Option::is_some));
    let told = told.then(&format!("kill {coordinator}")).until("42s");
    let after: Vec<Option<u64>> = told.view().groups[0].offsets["orders"].iter().map(|offset| offset.committed).collect();
    assert!(before.iter().zip(&after).all(|(before, after)| before <= after), "{before:?} then {after:?}");
    told.until("2m").expect(&["skipped(g) == 0", "acked_lost == 0", "lag(g) <= 120"]);
}

#[test]
fn the_coordinator_returns_with_its_leadership_and_nothing_is_skipped() {
    let (told, coordinator) = with_coordinator();
    let told = told.then(&format!("kill {coordinator}")).until("60s").then(&format!("start {coordinator}")).until("330s");
    let told = told.expect(&["state(g) == Stable", "skipped(g) == 0", "out_of_order(g) == 0", "acked_lost == 0"]);
    assert_eq!(told.view().groups[0].coordinator, Some(coordinator), "the preferred leader leads again after the 300 s check");
}

#[test]
fn a_new_group_starts_after_the_initial_rebalance_delay() {
    let story = Story::brokers(1).broker_config("offsets.topic.replication.factor", "1").topic("orders", 2, 1);
    let told = story.producer("p", "orders", "rate = 1").group("g", "orders", 2).run_until("20s");
    let stable = told.events("group_rebalanced");
    assert_eq!(stable.len(), 1, "both members are in the first generation");
    let joined = told.events("member_joined");
    let waited = stable[0].at_us - joined[0].at_us;
    assert!((3_000_000..=6_100_000).contains(&waited), "{waited}");
}

#[test]
fn a_coordinator_that_leads_on_in_a_newer_epoch_forgets_nobody_who_waits() {
    let story = Story::brokers(1).broker_config("offsets.topic.replication.factor", "1").broker_config("offsets.topic.num.partitions", "1");
    let story = story.broker_config("group.initial.rebalance.delay.ms", "30000").topic("orders", 2, 1).group("g", "orders", 2);
    // Fenced and elected again while it hears nothing: it learns of both at once.
    let told = story.at("3s", "cut 101 controllers").at("17s", "heal 101 controllers").run_until("50s");
    let terms = told.events("leader_elected").iter().filter(|event| event.subject == "__consumer_offsets-0").count();
    assert_eq!(terms, 2, "it lost its office and got it back");
    let told = told.until("70s").expect(&["state(g) == Stable"]);
    assert_eq!(told.events("member_joined").len(), 2, "nobody had to join again");
}

/// Six partitions; two members read them when a third one joins, and the second does not hear of it for four seconds. How long the
/// first one got nothing at a stretch, in milliseconds.
fn longest_pause(strategy: &str) -> u64 {
    let story = Story::brokers(3).network("10ms", "0ms").topic("orders", 6, 3).producer("shop-{1..24}", "orders", "every = \"50ms\"");
    let story = story.field("key = \"{name}\"").group("g", "orders", 3).field("start = [\"0s\", \"0s\", \"20s\"]");
    let story = story.at("20s", "pause g-2").at("24s", "resume g-2");
    let mut told = story.with("partition.assignment.strategy", &format!("\"{strategy}\"")).run_until("19s");
    let (mut seen, mut since, mut longest) = (0, 19_000, 0);
    for at in (19_050..40_000).step_by(50) {
        told = told.until(&format!("{at}ms"));
        let delivered = told.client("g-1").delivered;
        longest = longest.max(at - since);
        if delivered > seen {
            (seen, since) = (delivered, at);
        }
    }
    told.expect(&["owned(g-1) == 2", "owned(g-2) == 2", "owned(g-3) == 2", "skipped(g) == 0"]);
    longest
}

#[test]
fn under_eager_rebalancing_everybody_waits_for_the_last_one() {
    let pause = longest_pause("range");
    assert!((1_000..5_000).contains(&pause), "{pause} ms");
}

#[test]
fn under_cooperative_rebalancing_nobody_waits() {
    let pause = longest_pause("cooperative-sticky");
    assert!(pause <= 300, "{pause} ms");
}

#[test]
fn while_one_member_has_no_cooperative_assignor_first_the_group_is_eager() {
    // The default: ready for cooperative rebalancing, and eager until range is taken out of the list.
    let told = Story::brokers(3).topic("orders", 4, 3).group("g", "orders", 2).run_until("20s");
    assert_eq!(told.view().groups[0].assignor, "range");
}

#[test]
fn a_group_forgets_its_bookmarks_in_a_topic_that_is_deleted() {
    let story = Story::brokers(3).topic("orders", 2, 3).producer("p", "orders", "rate = 20").field("records = 100").group("g", "orders", 1);
    let told = story.run_until("30s");
    let committed = |told: &Told| -> usize {
        let brokers = told.cluster.brokers().iter();
        let shards = brokers.flat_map(|broker| broker.groups().shards().values());
        shards.filter_map(|shard| shard.offsets.get("g")).map(|offsets| offsets.len()).sum()
    };
    assert_eq!(committed(&told), 2);
    let told = told.then("kafka-topics.sh --delete --topic orders").until("40s");
    assert_eq!(committed(&told), 0);
}

/// Runs a line that only reads.
fn shell(told: &Told, line: &str) -> String {
    playground_core::shell::reading::answer(&told.cluster, line).expect("a line that reads").expect("an answer")
}

#[test]
fn picture_table_and_shell_show_the_same_lag() {
    let told = four_partitions(2);
    let view = told.view();
    let printed = shell(&told, "kafka-consumer-groups.sh --describe --group g");
    let mut seen = 0;
    for row in printed.lines().filter(|row| row.starts_with("g ")) {
        let cells: Vec<&str> = row.split_whitespace().collect();
        let offset = &view.groups[0].offsets["orders"][cells[2].parse::<usize>().unwrap()];
        let shown = [offset.committed.unwrap(), offset.log_end, offset.lag.unwrap()];
        assert_eq!(cells[3..6], shown.map(|number| number.to_string()));
        assert_eq!(offset.lag, Some(offset.log_end - offset.committed.unwrap()));
        assert_eq!(cells[8], offset.client.clone().unwrap());
        seen += 1;
    }
    assert_eq!(seen, 4, "{printed}");
}

#[test]
fn a_reset_is_refused_while_the_group_is_active_and_plans_while_it_is_not() {
    const LINE: &str = "kafka-consumer-groups.sh --reset-offsets --group g --topic orders:1,3 --to-offset 5";
    let told = four_partitions(1);
    let refused = playground_core::shell::reading::answer(&told.cluster, LINE).unwrap().unwrap_err();
    assert_eq!(
        refused,
        "\nError: Assignments can only be reset if the group 'g' is inactive, but the current state is Stable.\n\n\
         GROUP           TOPIC           PARTITION  NEW-OFFSET"
    );
    let told = told.then("stop g").until("61s");
    let before = told.view();
    let plan = "\nGROUP           TOPIC           PARTITION  NEW-OFFSET\n\
                g               orders          1          5\ng               orders          3          5";
    assert_eq!(shell(&told, LINE), plan);
    assert_eq!(told.view().groups, before.groups, "a plan changes nothing");
    let told = told.then(&format!("{LINE} --execute"));
    let committed = told.view().groups[0].offsets["orders"].iter().map(|offset| offset.committed.unwrap()).collect::<Vec<_>>();
    assert_eq!((committed[1], committed[3]), (5, 5));
    assert!(committed[0] > 100 && committed[2] > 100, "the others stay: {committed:?}");
}

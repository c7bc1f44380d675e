//! What the page is told when it asks.

use super::*;
use crate::cluster::series::Metric;
use crate::scenario::builtin::home;
use crate::shell::parse_line;
use crate::time::{EPOCH_MS, SimTime};

fn trucks(seconds: u64) -> Cluster {
    let mut cluster = Cluster::new(&home());
    cluster.run_until(SimTime(seconds * 1_000_000));
    cluster
}

fn browse(cluster: &Cluster, asked: Browse) -> Messages {
    let asked = Browse { topic: "trucks_gps".to_owned(), limit: if asked.limit == 0 { 1_000 } else { asked.limit }, ..asked };
    match answer(cluster, &Question::Messages(asked)) {
        Some(Answer::Messages(messages)) => messages,
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_committed_records_are_found_from_either_end() {
    let cluster = trucks(90);
    let all = browse(&cluster, Browse { start: Start::Beginning, ..Browse::default() });
    assert_eq!(all.rows.len(), cluster.records("trucks_gps", None).len());
    assert!(!all.more && all.rows.len() > 60, "{}, more: {}", all.rows.len(), all.more);
    assert!(all.rows.windows(2).all(|pair| pair[0].timestamp_ms <= pair[1].timestamp_ms));
    let mut back = browse(&cluster, Browse::default()).rows;
    back.reverse();
    assert_eq!(back, all.rows);
    let newest = browse(&cluster, Browse { limit: 7, ..Browse::default() });
    assert_eq!((newest.rows.len(), newest.more), (7, true));
    assert_eq!(newest.rows[0], all.rows[all.rows.len() - 1]);
}

#[test]
fn a_partition_an_offset_a_time_and_texts_narrow_it() {
    let cluster = trucks(40);
    let rows = |asked: Browse| browse(&cluster, asked).rows;
    let from = rows(Browse { partition: Some(4), start: Start::Offset(3), ..Browse::default() });
    assert!(from.iter().all(|row| row.partition == 4) && from[0].offset == 3);
    let at = EPOCH_MS + 30_000;
    let late = rows(Browse { start: Start::Time(at), ..Browse::default() });
    assert!(!late.is_empty() && late[0].timestamp_ms >= at);
    let one = rows(Browse { key: "truck-7".to_owned(), ..Browse::default() });
    assert!(!one.is_empty() && one.iter().all(|row| row.key.as_deref() == Some("truck-7")));
    assert!(rows(Browse { value: "no such text".to_owned(), ..Browse::default() }).is_empty());
    assert!(rows(Browse { header: "a=b".to_owned(), ..Browse::default() }).is_empty());
    let row = &one[0];
    assert_eq!((row.batch.copies.len(), row.batch.producer_id >= 0, row.key_bytes), (3, true, 7));
}

#[test]
fn settings_say_what_was_given_and_what_would_be() {
    let cluster = trucks(1);
    let configs = |entity: Entity| match answer(&cluster, &Question::Configs(entity)) {
        Some(Answer::Configs(rows)) => rows,
        other => panic!("{other:?}"),
    };
    let broker = configs(Entity::Broker(101));
    let lag = broker.iter().find(|row| row.key == "replica.lag.time.max.ms").expect("it is modelled");
    assert_eq!((lag.value.as_str(), lag.default.as_str(), lag.unit.as_str(), lag.source), ("30000", "30000", "ms", Source::Default));
    let member = configs(Entity::Client("location-dashboard-1".to_owned()));
    assert!(member.iter().any(|row| row.key == "session.timeout.ms" && row.scope == "consumer"));
    assert!(answer(&cluster, &Question::Configs(Entity::Topic("nothing".to_owned()))).is_none());
}

#[test]
fn the_series_adds_up_to_what_the_referee_counted() {
    let cluster = trucks(90);
    let series = SeriesView::of(&cluster);
    let last = |metric: Metric| *series.columns[metric as usize].last().expect("a point");
    assert_eq!(*series.at_us.last().expect("a point"), 90_000_000);
    assert!(series.columns.iter().all(|column| column.len() == series.at_us.len()));
    assert!(last(Metric::MessagesIn) >= cluster.referee().acked);
    assert_eq!(last(Metric::MessagesOut), cluster.referee().groups.iter().map(|group| group.delivered).sum::<u64>());
    assert_eq!((last(Metric::BrokersUp), last(Metric::UnderReplicated), last(Metric::Offline)), (3, 0, 0));
    assert!(last(Metric::QueueUs) > 0 && last(Metric::RequestUs) > last(Metric::BrokerUs) && last(Metric::BrokerUs) > 0);
    assert!(series.columns[Metric::ProduceP99 as usize].iter().any(|us| *us > 1_000));
    assert_eq!(series.lags.len(), 2);
}

#[test]
fn what_was_counted_outlives_a_crash() {
    let mut cluster = trucks(60);
    let of = |cluster: &Cluster, metric: Metric| cluster.measured()[metric as usize];
    let before = of(&cluster, Metric::MessagesIn);
    cluster.apply(&parse_line("kill 102").expect("a line")).expect("it runs");
    assert_eq!(of(&cluster, Metric::MessagesIn), before);
    cluster.run_until(SimTime(80_000_000));
    assert!(of(&cluster, Metric::UnderReplicated) > 0 && of(&cluster, Metric::BrokersUp) == 2);
    let series = SeriesView::of(&cluster);
    assert!(series.columns[Metric::MessagesIn as usize].windows(2).all(|pair| pair[0] <= pair[1]));
}

#[test]
fn the_past_shows_the_past() {
    let mut cluster = trucks(20);
    let before = SeriesView::of(&cluster);
    let snapshot = cluster.clone();
    cluster.run_until(SimTime(200_000_000));
    assert_eq!(SeriesView::of(&snapshot), before);
    let mut again = snapshot;
    again.run_until(SimTime(200_000_000));
    assert_eq!(SeriesView::of(&again), SeriesView::of(&cluster));
}

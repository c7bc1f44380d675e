//! Where a copy of a log went another way than the log that counts: records its broker took and nobody copied.

use super::CellView;
use super::build::{TAIL, cell};
use crate::broker::partition::Replica;

/// The newest records of `replica` that `speaker` has not, oldest first: another leader epoch at an offset is another record.
#[inline(never)]
pub(super) fn own(replica: &Replica, speaker: &Replica) -> Vec<CellView> {
    let mut cells = Vec::new();
    let start = speaker.log.log_start();
    for stored in replica.log.newest_first() {
        if stored.base_offset < start || speaker.log.contains(stored.base_offset, stored.leader_epoch) || cells.len() as u32 >= TAIL {
            break;
        }
        let mut batch: Vec<CellView> = stored.batch.records().map(|record| cell(stored, record.offset_delta, record.key)).collect();
        batch.reverse();
        cells.append(&mut batch);
    }
    cells.truncate(TAIL as usize);
    cells.reverse();
    cells
}

#[cfg(test)]
mod tests {
    use crate::session::Session;
    use crate::time::SimTime;
    use crate::view::{ClusterView, PartitionView};

    const RUN: &str = r#"
kafka = "4.3"
seed = 7

[cluster]
brokers = [101, 102, 103]

[[topic]]
name = "orders"
partitions = 1
replication_factor = 3

[[producer]]
name = "shop"
topic = "orders"
key = "{n}"
every = "1ms"
config = { acks = "1", "linger.ms" = 0 }
"#;

    fn at(session: &mut Session, second: u64) -> PartitionView {
        while session.advance(SimTime(second * 1_000_000), u64::MAX) != crate::session::Progress::Reached {}
        ClusterView::of(session.cluster()).topics[0].partitions[0].clone()
    }

    fn say(session: &mut Session, line: &str) {
        session.submit(crate::shell::parse_line(line).unwrap()).unwrap();
    }

    #[test]
    fn a_leader_that_fell_kept_records_nobody_copied_and_loses_them_when_it_is_back() {
        let mut session = Session::read(RUN).unwrap();
        let before = at(&mut session, 10);
        let leader = before.leader.unwrap();
        assert!(before.copies.iter().all(|copy| copy.own.is_empty()), "nothing parts them while one leads");
        before.isr.iter().filter(|id| **id != leader).for_each(|id| say(&mut session, &format!("cut {leader} {id}")));
        at(&mut session, 12);
        say(&mut session, &format!("kill {leader}"));
        let fallen = at(&mut session, 30).copies.into_iter().find(|copy| copy.broker == leader).unwrap();
        assert!(!fallen.own.is_empty());
        assert_eq!(fallen.own.last().unwrap().offset + 1, fallen.log_end);
        say(&mut session, "heal");
        say(&mut session, &format!("start {leader}"));
        assert!(at(&mut session, 60).copies.iter().all(|copy| copy.own.is_empty()));
    }
}

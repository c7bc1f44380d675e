//! Where replicas lived before KRaft: Kafka 3.9's `AdminUtils`, which looks at neither fencing nor the order of ids.
//!
//! The first replicas go round the brokers from a random start, the others follow at a shift that grows with every full round.

use super::placement::UsableBroker;
use crate::error::{ErrorCode, Refusal};
use crate::ids::BrokerId;
use crate::sorted::{SortedSet, settle};

/// Chance of one placement: where the round starts, and how far the second replica is from the first.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    pub index: u32,
    pub shift: u32,
    /// Partitions the topic has already.
    pub first_partition: u32,
}

/// Replica lists for `partitions` new partitions.
pub fn rounds(brokers: &[UsableBroker], partitions: i32, copies: i32, start: Start) -> Result<Vec<Vec<BrokerId>>, Refusal> {
    let refuse = |code, message: &str| Err(Refusal::new(code, message));
    if partitions <= 0 {
        return refuse(ErrorCode::InvalidPartitions, "Number of partitions must be larger than 0.");
    }
    if copies <= 0 {
        return refuse(ErrorCode::InvalidReplicationFactor, "Replication factor must be larger than 0.");
    }
    if copies as usize > brokers.len() {
        let message = format!("Replication factor: {copies} larger than available brokers: {}.", brokers.len());
        return refuse(ErrorCode::InvalidReplicationFactor, &message);
    }
    let with_rack = brokers.iter().filter(|broker| broker.rack.is_some()).count();
    if with_rack != 0 && with_rack != brokers.len() {
        return refuse(ErrorCode::InvalidRequest, "Not all brokers have rack information for replica rack aware assignment.");
    }
    let racks: SortedSet<Option<&str>> = brokers.iter().map(|broker| broker.rack.as_deref()).collect();
    let list = if with_rack == 0 { brokers.iter().collect() } else { alternating(brokers, &racks) };
    let numbered = start.first_partition..start.first_partition + partitions as u32;
    let mut shift = start.shift;
    let mut placed = Vec::new();
    for partition in numbered {
        if partition > 0 && partition.is_multiple_of(brokers.len() as u32) {
            shift += 1;
        }
        placed.push(place(&list, partition, copies as usize, start.index, shift, racks.len() as u32));
    }
    Ok(placed)
}

fn place(list: &[&UsableBroker], partition: u32, copies: usize, start: u32, shift: u32, racks: u32) -> Vec<BrokerId> {
    let brokers = list.len() as u32;
    let first = (partition + start) % brokers;
    let leader = list[first as usize];
    let mut replicas = vec![leader.id];
    let mut used = SortedSet::from([leader.rack.as_deref()]);
    // Without racks, all brokers share one, which the leader has used up: then nothing is passed over.
    let stride = if leader.rack.is_some() { shift * racks } else { shift };
    let mut k = 0;
    while replicas.len() < copies {
        let broker = list[((first + 1 + (stride + k) % (brokers - 1)) % brokers) as usize];
        let rack = broker.rack.as_deref();
        if (!used.contains(&rack) || used.len() as u32 == racks) && !replicas.contains(&broker.id) {
            replicas.push(broker.id);
            used.insert(rack);
        }
        k += 1;
    }
    replicas
}

/// One broker of each rack in turn, racks by name and brokers by id.
fn alternating<'a>(brokers: &'a [UsableBroker], racks: &SortedSet<Option<&str>>) -> Vec<&'a UsableBroker> {
    let of_rack = |rack: &Option<&str>| {
        let mut members: Vec<&UsableBroker> = brokers.iter().filter(|broker| broker.rack.as_deref() == *rack).collect();
        settle(&mut members, |a, b| a.id < b.id);
        members
    };
    let racks: Vec<Vec<&UsableBroker>> = racks.iter().map(of_rack).collect();
    let rounds = racks.iter().map(Vec::len).max().unwrap_or(0);
    (0..rounds).flat_map(|round| racks.iter().filter_map(move |rack| rack.get(round).copied())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn brokers(racks: &[(i32, Option<&str>)]) -> Vec<UsableBroker> {
        racks.iter().map(|(id, rack)| UsableBroker { id: BrokerId(*id), rack: rack.map(Arc::from), fenced: false }).collect()
    }

    #[test]
    fn followers_shift_with_every_round() {
        let start = Start { index: 0, shift: 0, first_partition: 0 };
        let placed = rounds(&brokers(&[(0, None), (1, None), (2, None)]), 4, 2, start).unwrap();
        let ids: Vec<Vec<i32>> = placed.iter().map(|replicas| replicas.iter().map(|broker| broker.0).collect()).collect();
        assert_eq!(ids, [[0, 1], [1, 2], [2, 0], [0, 2]]);
    }

    #[test]
    fn racks_alternate_and_are_known_of_all_or_of_none() {
        let some = brokers(&[(0, Some("a")), (1, Some("a")), (2, Some("b")), (3, Some("b"))]);
        let start = Start { index: 0, shift: 0, first_partition: 0 };
        for replicas in rounds(&some, 8, 2, start).unwrap() {
            assert_ne!(replicas[0].0 / 2, replicas[1].0 / 2, "{replicas:?}");
        }
        assert!(rounds(&brokers(&[(0, Some("a")), (1, None)]), 1, 1, start).is_err());
    }
}

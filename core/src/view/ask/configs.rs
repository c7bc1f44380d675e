//! The settings of a topic, a broker or a client: what is in force, what would be without it, and where it comes from.

use super::{ConfigView, Entity, Source};
use crate::cluster::Cluster;
use crate::config::{BrokerConfig, Profile, Settings};
use crate::ids::BrokerId;

pub(super) fn configs(cluster: &Cluster, entity: &Entity) -> Option<Vec<ConfigView>> {
    let config = &cluster.scenario().cluster.config;
    let profile = config.profile;
    match entity {
        Entity::Topic(name) => {
            let topic = cluster.controller().image().topic_named(name)?;
            Some(rows(&*topic.config, profile, Source::Dynamic))
        }
        Entity::Broker(id) => cluster.broker(BrokerId(*id)).map(|_| rows::<BrokerConfig>(config, profile, Source::Static)),
        Entity::Client(name) => {
            let producer = cluster.producers().iter().find(|producer| *producer.name == **name);
            let member = |consumer: &usize| *cluster.consumers()[*consumer].name == **name;
            let group = || (0..cluster.consumers().len()).find(member).map(|consumer| cluster.group_of(consumer as u32) as usize);
            match producer {
                Some(producer) => Some(rows(producer.config(), profile, Source::Static)),
                None => group().map(|group| rows(&cluster.scenario().groups[group].config, profile, Source::Static)),
            }
        }
    }
}

fn rows<C: Settings>(config: &C, profile: Profile, given: Source) -> Vec<ConfigView> {
    let changed = config.given_in(profile);
    let defaults = C::of(profile).describe();
    let row = |(row, default): (crate::config::Described, crate::config::Described)| ConfigView {
        scope: C::SCOPE.to_owned(),
        key: row.key.to_owned(),
        default: default.value,
        unit: row.unit.to_owned(),
        kafka_type: row.kafka_type.to_owned(),
        valid: row.valid,
        source: if changed.contains_key(row.key) { given } else { Source::Default },
        value: row.value,
    };
    config.describe().into_iter().zip(defaults).map(row).collect()
}

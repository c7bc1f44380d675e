//! Bugs planted on purpose, each one guard taken away: what the swarm must find. Without the feature `planted`, which nothing but
//! tests switches on, every question here is `false` at compile time and leaves no trace.

macro_rules! bugs {
    ($($name:ident: $sentence:literal,)*) => {
        /// A bug that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug {
            $(#[doc = $sentence] $name,)*
        }

        impl Bug {
            pub const ALL: &'static [Bug] = &[$(Bug::$name,)*];

            pub const fn name(self) -> &'static str {
                match self {
                    $(Bug::$name => stringify!($name),)*
                }
            }

            /// What is wrong then.
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Bug::$name => $sentence,)*
                }
            }
        }
    };
}

bugs! {
    TruncateToHighWatermark: "a follower cuts its log to its high watermark and never asks for epochs (before KIP-101)",
    Kip101Only: "a follower asks once where its last epoch ends, and believes an answer about another epoch (before KIP-279)",
    Kip279Only: "a follower asks once where its last epoch ends, and fetches unchecked from then on (before KIP-320)",
    ExpansionWithoutGuard: "a follower joins the ISR wherever its log ends",
    PendingIsrDoesNotCount: "the high watermark ignores members that are about to join",
    PendingIsrIsDropped: "a refused AlterPartition always withdraws what was proposed",
    HighWatermarkUnderMinIsr: "the high watermark moves below min.insync.replicas",
    HighWatermarkOfTheLeaderAlone: "the high watermark is the leader's own log end",
    UnknownFollowerCountsAsCaughtUp: "a follower that has not fetched yet does not hold the high watermark",
    TruncationKeepsHighWatermark: "a cut log keeps its high watermark",
    CheckpointIsIgnored: "a starting broker takes its log end for its high watermark",
    OldIsrIsBelieved: "an old word on the ISR replaces a new one",
    AcksAllWithoutMinIsr: "acks=all is accepted below min.insync.replicas",
    AckBeforeCommit: "acks=all is answered before it is committed",
    WaitersForgetTheLeader: "a deposed leader answers waiting producers with success",
    ReadsBeyondTheHighWatermark: "consumers read up to the log end",
    LatestBeforeTheEpoch: "a new leader tells a latest offset before its epoch is committed (before KIP-207)",
    DivergenceIsNotTold: "a leader never tells a follower that its log differs",
    EpochsAreNotLearned: "a follower does not note the epochs it copies",
    ProducersSurviveTruncation: "a cut log remembers producers' batches it no longer has",
    SequencesAreNotChecked: "a leader takes any sequence for the next",
    DuplicatesAreAppended: "a leader does not know batches again",
    AnyPartitionEpochReports: "the controller takes an ISR for an old partition epoch",
    FencedStayInSync: "a fenced broker stays in its ISRs",
    UncleanElectionAlways: "a replica outside the ISR is elected whatever the setting",
    EpochStaysAtElection: "a new leader keeps the leader epoch",
    PartitionEpochStays: "a change of a partition keeps its partition epoch",
    EligibleForEver: "the ELR is kept when the ISR is large enough",
    EligibleAfterUncleanStop: "a process that did not stop in order stays in sync and eligible",
    NobodyIsEligible: "members that leave a small ISR are not eligible",
    IsrIgnoredAtElection: "the first live replica is elected, in sync or not",
    FollowerStampsItsOwnEpoch: "a follower stamps what it copies with its own leader epoch",
    LeaderStampsNoEpoch: "a leader stamps what it appends with epoch 0",
    OffsetsSkip: "a leader leaves an offset free after each batch",
    CutTooDeep: "a follower that diverges cuts one record too many",
    EpochsEndAtTheLogEnd: "a leader says of every epoch that it ends where the log ends (before KIP-101)",
    RefusedAndAppended: "NOT_ENOUGH_REPLICAS is answered after the batch was appended",
    HighWatermarkFalls: "a leader's high watermark follows a follower that fell back",
    LeaderBelievesInAllReplicas: "a new leader takes all replicas for its ISR",
    BrokerEpochsStartAgain: "each registration gets broker epoch 0",
    EligibleAndInSync: "who joins the ISR stays eligible beside it",
    FencedLeaderStays: "an election keeps a leader that is fenced",
    LeadersKeepOffice: "a deposed leader goes on leading in the new epoch",
    MovedTooEarly: "a reassignment is over before its new replicas are in sync",
    MovedInSync: "a reassignment takes its new replicas for in sync at once",
    MovedAndStillLeads: "a leader that was reassigned away goes on leading",
    VotesAreForgotten: "a voter that restarts has lost quorum-state: its vote, and an epoch of which no record was written",
    VoteForShortLogs: "a voter elects a candidate with a shorter log",
    MinorityCommits: "one voter commits alone",
    OldGenerationsCommit: "a classic group takes commits of any member and generation",
    OldEpochsCommit: "a group of the new protocol takes commits of any member and epoch",
    AllGetTheLeadersShare: "all members of a classic group are given what its leader is",
    SharesAreLeftOut: "the assignor range hands out no odd partitions",
    GivenBeforeReleased: "a member of the new protocol is given partitions that another still has",
    EpochsFall: "a member of the new protocol that gives partitions up falls back by an epoch",
    GenerationStays: "a rebalance keeps the generation",
    BookmarksAreNotLoaded: "a new coordinator does not read committed offsets",
    BookmarksBeforeTheyAreWritten: "a commit is acknowledged before it is written",
    CommitsOfTheNext: "a member commits one record more than it has read",
    CommitsOfWhatIsInHand: "auto commit counts what the application still works on as done",
    ReadsWhatItGaveUp: "a member keeps partitions that a rebalance took from it",
}

#[cfg(feature = "planted")]
mod switch {
    use super::Bug;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// 0: none; else one more than the bug's number.
    static PLANTED: AtomicU32 = AtomicU32::new(0);

    /// Plants a bug in every cluster of this process, or takes it out.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.store(bug.map_or(0, |bug| bug as u32 + 1), Ordering::SeqCst);
    }

    #[inline]
    pub fn planted(bug: Bug) -> bool {
        PLANTED.load(Ordering::Relaxed) == bug as u32 + 1
    }
}

#[cfg(feature = "planted")]
pub use switch::{plant, planted};

#[cfg(not(feature = "planted"))]
#[inline]
pub const fn planted(_: Bug) -> bool {
    false
}

//! The names of what must hold, and what a broken one looks like.

use crate::time::SimTime;
use std::fmt;

/// A row of the list of invariants: replication (`I`), producers (`P`) and groups (`G`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    I1,
    I2,
    I3,
    I4,
    I5,
    I6,
    I7,
    I8,
    I9,
    I10,
    I11,
    I12,
    I13,
    I14,
    I15,
    I16,
    I17,
    I18,
    I19,
    I20,
    I21,
    I22,
    I23,
    P1,
    P2,
    P3,
    P4,
    P5,
    /// The quorum of controllers.
    K1,
    G1,
    G2,
    G3,
    G4,
    G5,
    G6,
    G7,
    G8,
    /// After the storm: leaders, ISRs and marks come back.
    R3,
}

impl Row {
    pub const ALL: [Row; 38] = [
        Row::I1,
        Row::I2,
        Row::I3,
        Row::I4,
        Row::I5,
        Row::I6,
        Row::I7,
        Row::I8,
        Row::I9,
        Row::I10,
        Row::I11,
        Row::I12,
        Row::I13,
        Row::I14,
        Row::I15,
        Row::I16,
        Row::I17,
        Row::I18,
        Row::I19,
        Row::I20,
        Row::I21,
        Row::I22,
        Row::I23,
        Row::P1,
        Row::P2,
        Row::P3,
        Row::P4,
        Row::P5,
        Row::K1,
        Row::G1,
        Row::G2,
        Row::G3,
        Row::G4,
        Row::G5,
        Row::G6,
        Row::G7,
        Row::G8,
        Row::R3,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Row::I1 => "I1 committed durability",
            Row::I2 => "I2 leader completeness",
            Row::I3 => "I3 leader-candidate completeness",
            Row::I4 => "I4 replication quorum superset",
            Row::I5 => "I5 weak ISR",
            Row::I6 => "I6 log matching",
            Row::I7 => "I7 log matching by epoch",
            Row::I8 => "I8 epochs in the log",
            Row::I9 => "I9 high watermark monotone",
            Row::I10 => "I10 order of marks",
            Row::I11 => "I11 high watermark needs min ISR",
            Row::I12 => "I12 one leader per epoch",
            Row::I13 => "I13 epochs monotone",
            Row::I14 => "I14 ISR shape",
            Row::I15 => "I15 ISR admission",
            Row::I16 => "I16 unclean exclusion",
            Row::I17 => "I17 metadata log matching",
            Row::I18 => "I18 acks=all answer",
            Row::I19 => "I19 acks=1 loss explained",
            Row::I20 => "I20 consistent read",
            Row::I21 => "I21 read bound",
            Row::I22 => "I22 well-formed log",
            Row::I23 => "I23 truncation above the true high watermark",
            Row::P1 => "P1 order per partition",
            Row::P2 => "P2 no duplicate",
            Row::P3 => "P3 producer fencing",
            Row::P4 => "P4 failed means failed",
            Row::P5 => "P5 every send ends",
            Row::K1 => "K1 quorum safety",
            Row::G1 => "G1 exclusive ownership",
            Row::G2 => "G2 commit fenced",
            Row::G3 => "G3 generation and member epoch monotone",
            Row::G4 => "G4 revoke before assign",
            Row::G5 => "G5 client sanity",
            Row::G6 => "G6 committed offset durable",
            Row::G7 => "G7 at least once",
            Row::G8 => "G8 group converges",
            Row::R3 => "R3 liveness",
        }
    }
}

/// A broken invariant: our bug, never a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub row: Row,
    pub at: SimTime,
    pub step: u64,
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}, step {}: {}", self.row.name(), self.at, self.step, self.text)
    }
}

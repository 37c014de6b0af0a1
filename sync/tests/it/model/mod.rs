//! The model test: one hub and some edges, every kind of trouble, and a plain definition of what must come out.
//!
//! Each run follows from its seed, which a failure prints. `HELIOS_MODEL_RUNS` sets how many runs there are,
//! `HELIOS_MODEL_SEED` runs one seed alone.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

mod cases;
mod concurrent;
mod expect;
mod nodes;
mod rng;
mod seen;
mod workload;
mod world;

use rng::Rng;
use seen::Seen;
use world::{Plan, World};

const RUNS: u64 = 2400;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

fn plan(seed: u64) -> Plan {
    let mut rng = Rng::new(seed ^ 0x5eed);
    let restores_hub = rng.one_in(4);
    // What a hub loses has to be merged and pulled before.
    let length = if restores_hub { 240 } else { 120 };
    Plan {
        edges: 2 + rng.index(2),
        steps: 30 + rng.index(length),
        skewed: rng.one_in(6),
        restores_edges: rng.one_in(2),
        restores_hub,
    }
}

fn run(seed: u64) -> Seen {
    let plan = plan(seed);
    std::panic::catch_unwind(|| World::new(seed, plan).run()).unwrap_or_else(|panic| {
        eprintln!("seed {seed} failed: {plan:?}; run it alone with HELIOS_MODEL_SEED={seed}");
        std::panic::resume_unwind(panic)
    })
}

/// A quarter of all seeds, so that the four quarters can run side by side.
fn run_quarter(quarter: u64) {
    if let Some(seed) = number("HELIOS_MODEL_SEED") {
        if quarter == 0 {
            run(seed);
        }
        return;
    }
    let runs = number("HELIOS_MODEL_RUNS").unwrap_or(RUNS);
    let mut seen = Seen::default();
    for seed in (0..runs).filter(|seed| seed % 4 == quarter) {
        seen.add(run(seed));
    }
    eprintln!("{seen:?}");
    assert!(runs < RUNS || seen.has_all(), "something was never put to the test: {seen:?}");
}

#[test]
fn fleets_converge_first_quarter() {
    run_quarter(0);
}

#[test]
fn fleets_converge_second_quarter() {
    run_quarter(1);
}

#[test]
fn fleets_converge_third_quarter() {
    run_quarter(2);
}

#[test]
fn fleets_converge_fourth_quarter() {
    run_quarter(3);
}

//! What spies learn compared with the published figures, how long stems are, how rarely embargoes cut them,
//! and that black holes only delay payments. Everything is seeded: every run gives the same figures.
#![allow(clippy::unwrap_used)]

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use sotto_dandelion::{
    Params, Reason,
    simulate::{Anonymity, Forwarding, Journey, Network, PUBLISHED, Scenario, anonymity},
};
use std::time::Duration;

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(7)
}

/// As many nodes as in the published simulation.
fn measure(spies: f64, forwarding: Forwarding, fluff: f64) -> Anonymity {
    anonymity(&mut rng(), &Scenario::new(100, spies, forwarding, fluff).unwrap(), 60, 15)
}

#[test]
fn the_published_figures_are_reproduced() {
    for row in PUBLISHED {
        for forwarding in Forwarding::PUBLISHED {
            let ours = measure(row.spies, forwarding, 0.0);
            let recall = if forwarding == Forwarding::Diffusion { row.diffusion_recall } else { row.spies };
            let near = |a: f64, b: f64| (a - b).abs() <= 0.02;
            assert!(near(ours.precision, row.precision(forwarding)), "{row:?} {forwarding:?} {ours:?}");
            assert!(near(ours.recall, recall), "{row:?} {forwarding:?} {ours:?}");
        }
    }
}

#[test]
fn the_relay_is_near_the_lower_bounds_and_far_from_diffusion() {
    for row in PUBLISHED {
        let (ours, p) = (measure(row.spies, Forwarding::Relay, 0.0), row.spies);
        assert!((ours.recall - p).abs() < 0.015, "{p} {ours:?}");
        assert!((p * p..p * p + 0.15).contains(&ours.precision), "{p} {ours:?}");
        assert!(ours.precision < row.diffusion - 0.04, "{p} {ours:?}");
        let with_diffusers = measure(p, Forwarding::Relay, 0.125);
        assert!(with_diffusers.recall < row.diffusion_recall, "{p} {with_diffusers:?}");
    }
}

/// Four hours of 100 nodes, 1,500 payments.
fn hours(black_holes: f64, params: Params) -> Vec<Journey> {
    let span = Duration::from_secs(4 * 3_600);
    let journeys = Network { nodes: 100, black_holes, payments: 1_500, span, params }.run(&mut rng());
    assert_eq!(journeys.len(), 1_500, "every payment is fluffed");
    journeys
}

fn params(fluff: f64, early: f64) -> Params {
    Params::new(fluff, Duration::from_millis(175), early, Duration::from_secs(600)).unwrap()
}

/// The share of journeys with a property, and a tolerance of four standard deviations.
fn share(journeys: &[Journey], is: impl Fn(&Journey) -> bool) -> (f64, f64) {
    let n = journeys.len() as f64;
    let share = journeys.iter().filter(|j| is(j)).count() as f64 / n;
    (share, 4.0 * (0.25 / n).sqrt())
}

#[test]
fn embargoes_cut_no_more_stems_than_configured() {
    for (fluff, early) in [(0.125, 0.1), (0.125, 0.3), (0.25, 0.1), (0.5, 0.03)] {
        let journeys = hours(0.0, params(fluff, early));
        let (cut, _) = share(&journeys, |j| j.reason == Reason::Embargo);
        assert!(cut <= early, "q {fluff}, ε {early}: {cut}");
        assert!(cut >= early / 4.0, "q {fluff}, ε {early}: {cut}: the embargo is far too long");
    }
}

#[test]
fn stems_have_the_length_of_a_geometric_distribution() {
    let (fluff, journeys) = (0.25_f64, hours(0.0, params(0.25, 0.01)));
    // Nodes draw their roles once an epoch, so stems share them: 100 nodes in 24 epochs are 2,400 draws.
    let roles_off = 4.0 * (fluff * (1.0 - fluff) / 2_400.0).sqrt();
    for k in 1..8 {
        let (longer, journeys_off) = share(&journeys, |j| j.hops >= k);
        let hops = f64::from(k - 1);
        let expected = (1.0 - fluff).powf(hops);
        let off = journeys_off.hypot(hops * expected / (1.0 - fluff) * roles_off);
        assert!((longer - expected).abs() < off, "{k} hops or more: {longer}, not {expected}");
    }
}

#[test]
fn black_holes_delay_a_payment_by_an_embargo_at_most() {
    let params = Params::default();
    for black_holes in [0.3, 0.99] {
        let honest = ((1.0 - black_holes) * 100.0_f64).round() as usize;
        let journeys = hours(black_holes, params);
        assert!(journeys.iter().all(|j| j.known == honest), "every honest node learns every payment");
        let intercepted: Vec<_> = journeys.into_iter().filter(|j| j.intercepted).collect();
        assert!(intercepted.len() > 700, "{}", intercepted.len());
        for embargoes in [0.5, 1.0, 2.0, 3.0] {
            let (later, off) = share(&intercepted, |j| j.stem_time > params.embargo().mul_f64(embargoes));
            assert!(later <= (-embargoes).exp() + off, "{later} are later than {embargoes} embargoes");
        }
    }
}

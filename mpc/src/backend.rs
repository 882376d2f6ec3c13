//! Half gates and AES streams in bulk, in one implementation for each kind of processor; all produce the same
//! bytes.
//!
//! [`Backend::detect`] picks the fastest implementation that this processor supports. `portable` is the
//! reference: it states the equations, and tests hold the others against it. `aes` contains all `unsafe` code
//! of this crate.
//!
//! Half gates work on slices: AND gate `first + i` has the inputs `a[i]` and `b[i]`, the output `c[i]` and
//! the table `tables[i]`, which is `TG ‖ TE`. Gate numbers are below 2⁶³, so `2g + 1` fits into 64 bits.
//!
//! The hashes alone, one or two blocks under each key, serve the malicious protocol: number `first + i`
//! hashes `x[i]`, or `x[i]` and `x[i] ⊕ Δ`, under the key `S ⊕ (first + i)`.
//!
//! The AES streams serve oblivious transfer. There are four: stream `x` has the block `r_x = AES_{k_x}(p)` at
//! position `p`. Only XORs of these blocks are ever needed.

#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
mod aes;
mod ahead;
mod context;
mod portable;
mod three_halves;

use std::fmt;
use std::sync::OnceLock;

pub(crate) use ahead::Ahead;
use context::Kernels;
pub(crate) use context::{EvaluateContext, GarbleContext, Matrices, PairContext, Sums, Table};
pub(crate) use three_halves::{EvaluateScratch, GarbleScratch, GateWires, HalvesTable, Packed, pack};

use crate::Block;
use crate::hash::HashKey;

/// An implementation of the garbling kernels: `portable`, on x86-64 `aesni`, `vaes` and `vaes512`, on 64-bit ARM `neon`.
///
/// A value of this type is proof that this processor supports the implementation. All compute the same.
///
/// ```
/// use sotto_mpc::Backend;
///
/// assert!(Backend::available().any(|backend| backend == Backend::detect()));
/// assert_eq!(Backend::available().next(), Some(Backend::PORTABLE)); // the slowest comes first
/// ```
#[derive(Clone, Copy)]
pub struct Backend(&'static Kernels);

/// What this process uses.
static CHOSEN: OnceLock<Backend> = OnceLock::new();

impl PartialEq for Backend {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Backend {}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl Backend {
    /// The implementation that every processor supports, with constant-time AES in software where there are no AES
    /// instructions.
    pub const PORTABLE: Self = Self(&portable::PORTABLE);

    /// All implementations that this processor supports, the slowest first.
    pub fn available() -> impl DoubleEndedIterator<Item = Self> {
        [
            Some(Self::PORTABLE.0),
            #[cfg(target_arch = "x86_64")]
            aes::x86::aes_ni(),
            #[cfg(target_arch = "x86_64")]
            aes::x86::vaes(),
            #[cfg(target_arch = "x86_64")]
            aes::x86::vaes_512(),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            aes::neon::neon(),
        ]
        .into_iter()
        .flatten()
        .map(Self)
    }

    /// The implementation that this process uses: the fastest that its processor supports, unless
    /// [`choose`](Self::choose) has set another.
    #[must_use]
    pub fn detect() -> Self {
        *CHOSEN.get_or_init(|| Self::available().next_back().unwrap_or(Self::PORTABLE))
    }

    /// Makes this process use an implementation, for measurements. Returns what it uses, which is another if it has
    /// garbled already.
    pub fn choose(self) -> Self {
        *CHOSEN.get_or_init(|| self)
    }

    /// The name by which people choose it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// Garbles gates: reads the false labels `a` and `b`, writes the false labels `c` and the tables. An
    /// `ahead` is for one key.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub(crate) fn garble(
        self,
        gates: &GarbleContext<'_>,
        ahead: &mut Ahead,
        a: &[Block],
        b: &[Block],
        c: &mut [Block],
        tables: &mut [Table],
    ) {
        assert!(a.len() == b.len() && a.len() == c.len() && a.len() == tables.len());
        if let Some(kernels) = &self.0.scheduled
            && let Some(schedules) = ahead.of(kernels, gates.key, gates.first, a.len())
        {
            return (kernels.garble)(gates.delta, schedules, a, b, c, tables);
        }
        (self.0.garble)(gates, a, b, c, tables);
    }

    /// Evaluates gates: reads the active labels `a` and `b` and the tables, writes the active labels `c`. An
    /// `ahead` is for one key.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub(crate) fn evaluate(
        self,
        gates: &EvaluateContext<'_>,
        ahead: &mut Ahead,
        a: &[Block],
        b: &[Block],
        tables: &[Table],
        c: &mut [Block],
    ) {
        assert!(a.len() == b.len() && a.len() == c.len() && a.len() == tables.len());
        if let Some(kernels) = &self.0.scheduled
            && let Some(schedules) = ahead.of(kernels, gates.key, gates.first, a.len())
        {
            return (kernels.evaluate)(schedules, a, b, tables, c);
        }
        (self.0.evaluate)(gates, a, b, tables, c);
    }

    /// Writes `h[i] = H(x[i], S ⊕ (first + i))`, numbers modulo 2⁶⁴.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub(crate) fn hash(self, key: &HashKey, first: u64, x: &[Block], h: &mut [Block]) {
        assert!(x.len() == h.len());
        (self.0.hash)(key, first, x, h);
    }

    /// Writes `h[i] = [H(x[i], S ⊕ (first + i)), H(x[i] ⊕ Δ, S ⊕ (first + i))]`, numbers modulo 2⁶⁴.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub(crate) fn hash_both(self, keys: &PairContext<'_>, x: &[Block], h: &mut [[Block; 2]]) {
        assert!(x.len() == h.len());
        (self.0.hash_both)(keys, x, h);
    }

    /// Transposes two matrices of 128 × 128 bits.
    pub(crate) fn transpose(self, matrices: &mut Matrices) {
        (self.0.transpose)(matrices);
    }

    /// XORs `r_1 ⊕ r_3` into `low` and `r_2 ⊕ r_3` into `high`, and writes `r_0 ⊕ r_1 ⊕ r_2 ⊕ r_3` to `sum`,
    /// for the positions from `first` on (modulo 2⁶⁴).
    ///
    /// # Panics
    /// If the slices differ in length.
    pub(crate) fn fold_streams(self, keys: &[Block; 4], first: u64, sums: Sums<'_>) {
        assert!(sums.low.len() == sums.sum.len() && sums.high.len() == sums.sum.len());
        (self.0.fold_streams)(keys, first, sums);
    }

    /// The same with `r_0` to `r_3` given.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub(crate) fn fold_sums(self, r: [&[[Block; 4]]; 4], sums: Sums<'_>) {
        let n = sums.sum.len();
        assert!(sums.low.len() == n && sums.high.len() == n && r.iter().all(|r| r.len() == n));
        (self.0.fold_sums)(r, sums);
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::Delta;
    use crate::hash::HashKey;

    struct Fixture {
        delta: Delta,
        key: HashKey,
        first: u64,
        a: Vec<Block>,
        b: Vec<Block>,
    }

    fn fixture(n: usize, first: u64) -> Fixture {
        let mut rng = ChaCha20Rng::seed_from_u64(n as u64);
        let mut labels = |n| (0..n).map(|_| Block::random(&mut rng)).collect();
        let (a, b) = (labels(n), labels(n));
        Fixture { delta: Delta::random(&mut rng), key: HashKey::new(Block::random(&mut rng)), first, a, b }
    }

    fn garble(backend: Backend, f: &Fixture) -> (Vec<Block>, Vec<Table>) {
        let (mut c, mut tables) = (vec![Block::ZERO; f.a.len()], vec![[0; 32]; f.a.len()]);
        let gates = GarbleContext { delta: &f.delta, key: &f.key, first: f.first };
        backend.garble(&gates, &mut Ahead::default(), &f.a, &f.b, &mut c, &mut tables);
        (c, tables)
    }

    fn evaluate(backend: Backend, f: &Fixture, a: &[Block], b: &[Block], tables: &[Table]) -> Vec<Block> {
        let mut c = vec![Block::ZERO; a.len()];
        let gates = EvaluateContext { key: &f.key, first: f.first };
        backend.evaluate(&gates, &mut Ahead::default(), a, b, tables, &mut c);
        c
    }

    #[test]
    fn evaluation_of_all_four_inputs_gives_the_label_of_their_and() {
        for backend in Backend::available() {
            let f = fixture(67, 5);
            let (c, tables) = garble(backend, &f);
            for (x, y) in [(false, false), (false, true), (true, false), (true, true)] {
                let active = |w: &[Block], x| w.iter().map(|w0| *w0 ^ f.delta.times(x)).collect::<Vec<_>>();
                let active_c = evaluate(backend, &f, &active(&f.a, x), &active(&f.b, y), &tables);
                assert_eq!(active_c, active(&c, x && y), "{backend:?}");
            }
        }
    }

    #[test]
    fn every_backend_equals_portable_at_every_length() {
        // The last start has gate numbers up to the largest allowed.
        for n in (0..=19).chain([64, 101]) {
            for first in [0, 1, (1 << 48) - 3, (1 << 63) - n as u64] {
                let f = fixture(n, first);
                let expected = garble(Backend::PORTABLE, &f);
                let active = evaluate(Backend::PORTABLE, &f, &f.a, &f.b, &expected.1);
                for backend in Backend::available() {
                    assert_eq!(garble(backend, &f), expected, "{backend:?} garbles {n} from {first}");
                    assert_eq!(
                        evaluate(backend, &f, &f.a, &f.b, &expected.1),
                        active,
                        "{backend:?} evaluates {n}"
                    );
                }
            }
        }
    }

    #[test]
    fn bytes_do_not_depend_on_how_gates_are_sliced() {
        let whole = fixture(23, 9);
        let (expected_c, expected_tables) = garble(Backend::detect(), &whole);
        let (mut c, mut tables) = (Vec::new(), Vec::new());
        for (i, (a, b)) in whole.a.chunks(5).zip(whole.b.chunks(5)).enumerate() {
            let mut part = fixture(23, 9 + 5 * i as u64);
            (part.a, part.b) = (a.to_vec(), b.to_vec());
            let (part_c, part_tables) = garble(Backend::detect(), &part);
            c.extend(part_c);
            tables.extend(part_tables);
        }
        assert_eq!((c, tables), (expected_c, expected_tables));
    }

    /// Also where key schedules are made ahead of the gates.
    #[test]
    fn short_slices_that_follow_one_another_equal_portable() {
        const N: usize = 200;
        let f = fixture(N, 9);
        let expected = garble(Backend::PORTABLE, &f);
        let active = evaluate(Backend::PORTABLE, &f, &f.a, &f.b, &expected.1);
        for backend in Backend::available() {
            let (mut c, mut tables) = (vec![Block::ZERO; N], vec![[0; 32]; N]);
            let mut evaluated = c.clone();
            let (mut garbler, mut evaluator) = (Ahead::default(), Ahead::default());
            let mut at = 0;
            for n in [1, 1, 1, 2, 3, 4, 1, 3, 3, 3, 9, 1, 1].into_iter().cycle() {
                let (now, first) = (at..N.min(at + n), 9 + at as u64);
                let gates = GarbleContext { delta: &f.delta, key: &f.key, first };
                let (a, b) = (&f.a[now.clone()], &f.b[now.clone()]);
                backend.garble(&gates, &mut garbler, a, b, &mut c[now.clone()], &mut tables[now.clone()]);
                let gates = EvaluateContext { key: &f.key, first };
                backend.evaluate(&gates, &mut evaluator, a, b, &tables[now.clone()], &mut evaluated[now]);
                at += n;
                if at >= N {
                    break;
                }
            }
            assert_eq!((c, tables), expected, "{backend:?}");
            assert_eq!(evaluated, active, "{backend:?}");
        }
    }

    /// Schedules are made at the second short slice of a run, serve gates once each, and are not used for others.
    #[test]
    fn schedules_are_made_ahead_for_short_slices_that_follow_one_another() {
        let key = HashKey::new(Block::new(7));
        for backend in Backend::available().skip(1) {
            let mut ahead = Ahead::default();
            let mut expected = [[[Block::ZERO; 2]; 11]; context::AHEAD];
            let kernels = backend.0.scheduled.as_ref().unwrap();
            for (first, n, made) in [
                (0, 1, None),
                (1, 1, Some(1)),
                (2, 3, Some(1)),
                (5, 4, None),
                (9, 1, None),
                (10, 2, Some(10)),
                (12, 3, Some(10)),
                (15, 3, Some(10)),
                (18, 2, Some(18)),
                (1, 1, None),
                (u64::MAX, 1, None),
                (0, 1, Some(0)),
            ] {
                let found = ahead.of(kernels, &key, first, n).map(<[_]>::to_vec);
                let wanted = made.map(|made: u64| {
                    (kernels.schedule)(&key, made, &mut expected);
                    expected[(first - made) as usize..][..n].to_vec()
                });
                assert_eq!(found, wanted, "{backend:?}: {n} from {first}");
            }
        }
    }

    #[test]
    fn every_backend_folds_four_streams_like_portable_at_every_length() {
        let fold = |backend: Backend, n: usize, first: u64| {
            let keys = [1, 2, 3, 4].map(|k| Block::new(k << 64 | 0xfeed));
            let [mut low, mut high, mut sum] = [5, 6, 7].map(|x| vec![[Block::new(x); 4]; n]);
            backend.fold_streams(&keys, first, Sums { low: &mut low, high: &mut high, sum: &mut sum });
            [low, high, sum]
        };
        for n in [0, 1, 2, 3, 16, 17] {
            for first in [0, 1, (1 << 32) - 2, u64::MAX - 4] {
                let expected = fold(Backend::PORTABLE, n, first);
                for backend in Backend::available() {
                    assert_eq!(fold(backend, n, first), expected, "{backend:?}: {n} from {first}");
                }
            }
        }
    }

    #[test]
    fn every_backend_hashes_like_portable_at_every_length() {
        for n in (0..=19).chain([64, 101]) {
            for first in [0, 1, (1 << 48) - 3, u64::MAX - 4] {
                let f = fixture(n, first);
                let pairs = PairContext { delta: &f.delta, key: &f.key, first };
                let hashes = |backend: Backend| {
                    let (mut h, mut both) = (vec![Block::ZERO; n], vec![[Block::ZERO; 2]; n]);
                    backend.hash(&f.key, first, &f.a, &mut h);
                    backend.hash_both(&pairs, &f.a, &mut both);
                    (h, both)
                };
                let (h, both) = hashes(Backend::PORTABLE);
                for (i, (h, [h0, h1])) in h.into_iter().zip(both).enumerate() {
                    let hash = f.key.tweaked(first.wrapping_add(i as u64).into());
                    assert_eq!((h, h0), (hash.of(f.a[i]), hash.of(f.a[i])));
                    assert_eq!(h1, hash.of(f.a[i] ^ f.delta.block()));
                }
                for backend in Backend::available() {
                    assert_eq!(hashes(backend), hashes(Backend::PORTABLE), "{backend:?}: {n} from {first}");
                }
            }
        }
    }

    #[test]
    fn another_gate_number_or_key_gives_other_tables() {
        let f = fixture(1, 5);
        let (_, tables) = garble(Backend::detect(), &f);
        assert_ne!(garble(Backend::detect(), &fixture(1, 6)).1, tables);
        let other = Fixture { key: HashKey::new(Block::new(1)), ..fixture(1, 5) };
        assert_ne!(garble(Backend::detect(), &other).1, tables);
    }

    /// `cargo test -p sotto-mpc --release -- --ignored --nocapture kernel_rates`
    #[test]
    #[ignore = "a measurement"]
    fn kernel_rates() {
        for backend in Backend::available() {
            let f = fixture(2048, 0);
            let (mut c, mut tables) = garble(backend, &f);
            let rounds = if backend == Backend::PORTABLE { 100 } else { 5000 };
            let rate =
                |start: std::time::Instant| (rounds * 2048) as f64 / start.elapsed().as_secs_f64() / 1e6;
            let start = std::time::Instant::now();
            for _ in 0..rounds {
                let gates = GarbleContext { delta: &f.delta, key: &f.key, first: f.first };
                backend.garble(&gates, &mut Ahead::default(), &f.a, &f.b, &mut c, &mut tables);
                std::hint::black_box(&mut tables);
            }
            let garbled = rate(start);
            let start = std::time::Instant::now();
            for _ in 0..rounds {
                let gates = EvaluateContext { key: &f.key, first: f.first };
                backend.evaluate(&gates, &mut Ahead::default(), &f.a, &f.b, &tables, &mut c);
                std::hint::black_box(&mut c);
            }
            println!(
                "{backend:?}: garble {garbled:.1}, evaluate {:.1} million AND gates a second",
                rate(start)
            );
        }
    }
}

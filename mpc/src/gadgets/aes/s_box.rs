//! The AES S-box in 32 AND gates: the smallest known circuit.
//!
//! ```text
//! x ─ linear map ─► y ─ inversion in GF(2⁸) over a tower of fields ─► z ─ linear map ─► s
//! ```
//!
//! XOR gates are free, so only the inversion in the middle costs anything. The letters are those of the
//! paper; `x0` and `s0` are the highest bits.
//!
//! Source: Boyar and Peralta, *A new combinational logic minimization technique with applications to
//! cryptology*, SEA 2010, figures 5 to 7.

use crate::Fancy;

/// A byte, lowest bit first.
pub(super) type Byte<W> = [W; 8];

/// A value of the S-box circuit, of all bytes.
#[derive(Clone, Copy)]
struct Value(usize);

/// The values of the circuit computed so far, each of `N` bytes.
struct Lanes<'f, F: Fancy + ?Sized, const N: usize> {
    f: &'f mut F,
    values: Vec<[F::Wire; N]>,
}

impl<F: Fancy + ?Sized, const N: usize> Lanes<'_, F, N> {
    fn xor(&mut self, Value(a): Value, Value(b): Value) -> Value {
        let (a, b) = (&self.values[a], &self.values[b]);
        let sum = core::array::from_fn(|i| self.f.xor(a[i], b[i]));
        self.values.push(sum);
        Value(self.values.len() - 1)
    }

    fn xnor(&mut self, a: Value, b: Value) -> Value {
        let Value(sum) = self.xor(a, b);
        for bit in &mut self.values[sum] {
            *bit = self.f.not(*bit);
        }
        Value(sum)
    }

    /// Independent AND gates, as one slice.
    fn and<const K: usize>(&mut self, pairs: [(Value, Value); K]) -> Result<[Value; K], F::Error> {
        let a = pairs.map(|(Value(a), _)| self.values[a]);
        let b = pairs.map(|(_, Value(b))| self.values[b]);
        let first = self.values.len();
        self.values.resize(first + K, [F::Wire::default(); N]);
        self.f.and_n(a.as_flattened(), b.as_flattened(), self.values[first..].as_flattened_mut())?;
        Ok(core::array::from_fn(|i| Value(first + i)))
    }
}

/// The S-box of `N` bytes in lock-step: 32 gates for each, in six layers.
pub(super) fn s_box<F: Fancy + ?Sized, const N: usize>(
    f: &mut F,
    bytes: &[Byte<F::Wire>; N],
) -> Result<[Byte<F::Wire>; N], F::Error> {
    let mut l = Lanes { f, values: Vec::with_capacity(128) };
    for bit in (0..8).rev() {
        l.values.push(bytes.map(|byte| byte[bit]));
    }
    let x = core::array::from_fn(Value);
    let y = top(&mut l, x);
    let t = invert(&mut l, &y)?;
    let z = multiply(&mut l, &y, t)?;
    let s = bottom(&mut l, z);
    Ok(core::array::from_fn(|byte| {
        core::array::from_fn(|bit| {
            let Value(s) = s[7 - bit];
            l.values[s][byte]
        })
    }))
}

/// The linear map at the top: `y1` to `y21`, and at index 0 `x7`, which the inversion also reads.
fn top<F: Fancy + ?Sized, const N: usize>(l: &mut Lanes<'_, F, N>, x: [Value; 8]) -> [Value; 22] {
    let [x0, x1, x2, x3, x4, x5, x6, x7] = x;
    let y14 = l.xor(x3, x5);
    let y13 = l.xor(x0, x6);
    let y9 = l.xor(x0, x3);
    let y8 = l.xor(x0, x5);
    let t0 = l.xor(x1, x2);
    let y1 = l.xor(t0, x7);
    let y4 = l.xor(y1, x3);
    let y12 = l.xor(y13, y14);
    let y2 = l.xor(y1, x0);
    let y5 = l.xor(y1, x6);
    let y3 = l.xor(y5, y8);
    let t1 = l.xor(x4, y12);
    let y15 = l.xor(t1, x5);
    let y20 = l.xor(t1, x1);
    let y6 = l.xor(y15, x7);
    let y10 = l.xor(y15, t0);
    let y11 = l.xor(y20, y9);
    let y7 = l.xor(x7, y11);
    let y17 = l.xor(y10, y11);
    let y19 = l.xor(y10, y8);
    let y16 = l.xor(t0, y11);
    let y21 = l.xor(y13, y16);
    let y18 = l.xor(x0, y16);
    [x7, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11, y12, y13, y14, y15, y16, y17, y18, y19, y20, y21]
}

/// The wires by which the inversion multiplies.
struct Inverse {
    t29: Value,
    t33: Value,
    t37: Value,
    t40: Value,
    t41: Value,
    t42: Value,
    t43: Value,
    t44: Value,
    t45: Value,
}

/// The inversion in GF(2⁴): 14 gates in five layers.
fn invert<F: Fancy + ?Sized, const N: usize>(
    l: &mut Lanes<'_, F, N>,
    y: &[Value; 22],
) -> Result<Inverse, F::Error> {
    let [x7, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11, y12, y13, y14, y15, y16, y17, y18, y19, y20, y21] =
        *y;
    let [t2, t3, t5, t7, t8, t10, t12, t13, t15] = l.and([
        (y12, y15),
        (y3, y6),
        (y4, x7),
        (y13, y16),
        (y5, y1),
        (y2, y7),
        (y9, y11),
        (y14, y17),
        (y8, y10),
    ])?;
    let t4 = l.xor(t3, t2);
    let t6 = l.xor(t5, t2);
    let t9 = l.xor(t8, t7);
    let t11 = l.xor(t10, t7);
    let t14 = l.xor(t13, t12);
    let t16 = l.xor(t15, t12);
    let t17 = l.xor(t4, t14);
    let t18 = l.xor(t6, t16);
    let t19 = l.xor(t9, t14);
    let t20 = l.xor(t11, t16);
    let t21 = l.xor(t17, y20);
    let t22 = l.xor(t18, y19);
    let t23 = l.xor(t19, y21);
    let t24 = l.xor(t20, y18);
    let t25 = l.xor(t21, t22);
    let [t26] = l.and([(t21, t23)])?;
    let t27 = l.xor(t24, t26);
    let t30 = l.xor(t23, t24);
    let t31 = l.xor(t22, t26);
    let [t28, t32] = l.and([(t25, t27), (t31, t30)])?;
    let t29 = l.xor(t28, t22);
    let t33 = l.xor(t32, t24);
    let t34 = l.xor(t23, t33);
    let t35 = l.xor(t27, t33);
    let [t36] = l.and([(t24, t35)])?;
    let t37 = l.xor(t36, t34);
    let t38 = l.xor(t27, t36);
    let [t39] = l.and([(t29, t38)])?;
    let t40 = l.xor(t25, t39);
    let t41 = l.xor(t40, t37);
    let t42 = l.xor(t29, t33);
    let t43 = l.xor(t29, t40);
    let t44 = l.xor(t33, t37);
    let t45 = l.xor(t42, t41);
    Ok(Inverse { t29, t33, t37, t40, t41, t42, t43, t44, t45 })
}

/// The products with the inverse: 18 gates in one layer.
fn multiply<F: Fancy + ?Sized, const N: usize>(
    l: &mut Lanes<'_, F, N>,
    y: &[Value; 22],
    t: Inverse,
) -> Result<[Value; 18], F::Error> {
    let [x7, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11, y12, y13, y14, y15, y16, y17, ..] = *y;
    let Inverse { t29, t33, t37, t40, t41, t42, t43, t44, t45 } = t;
    l.and([
        (t44, y15),
        (t37, y6),
        (t33, x7),
        (t43, y16),
        (t40, y1),
        (t29, y7),
        (t42, y11),
        (t45, y17),
        (t41, y10),
        (t44, y12),
        (t37, y3),
        (t33, y4),
        (t43, y13),
        (t40, y5),
        (t29, y2),
        (t42, y9),
        (t45, y14),
        (t41, y8),
    ])
}

/// The linear map at the bottom, and the affine constant.
fn bottom<F: Fancy + ?Sized, const N: usize>(l: &mut Lanes<'_, F, N>, z: [Value; 18]) -> [Value; 8] {
    let [z0, z1, z2, z3, z4, z5, z6, z7, z8, z9, z10, z11, z12, z13, z14, z15, z16, z17] = z;
    let t46 = l.xor(z15, z16);
    let t47 = l.xor(z10, z11);
    let t48 = l.xor(z5, z13);
    let t49 = l.xor(z9, z10);
    let t50 = l.xor(z2, z12);
    let t51 = l.xor(z2, z5);
    let t52 = l.xor(z7, z8);
    let t53 = l.xor(z0, z3);
    let t54 = l.xor(z6, z7);
    let t55 = l.xor(z16, z17);
    let t56 = l.xor(z12, t48);
    let t57 = l.xor(t50, t53);
    let t58 = l.xor(z4, t46);
    let t59 = l.xor(z3, t54);
    let t60 = l.xor(t46, t57);
    let t61 = l.xor(z14, t57);
    let t62 = l.xor(t52, t58);
    let t63 = l.xor(t49, t58);
    let t64 = l.xor(z4, t59);
    let t65 = l.xor(t61, t62);
    let t66 = l.xor(z1, t63);
    let s0 = l.xor(t59, t63);
    let s6 = l.xnor(t56, t62);
    let s7 = l.xnor(t48, t60);
    let t67 = l.xor(t64, t65);
    let s3 = l.xor(t53, t66);
    let s4 = l.xor(t51, t66);
    let s5 = l.xor(t47, t65);
    let s1 = l.xnor(t64, s3);
    let s2 = l.xnor(t55, t67);
    [s0, s1, s2, s3, s4, s5, s6, s7]
}

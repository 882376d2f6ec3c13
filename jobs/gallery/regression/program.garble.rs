// The straight line that fits claims by age best, over the policies of two insurers: least squares, computed exactly and
// rounded once. Fewer than fifty policies, or all of one age, give none.

struct Policy { age: u8, claims: u32 }

struct Line { policies: u32, at_zero: (bool, i64), by_year: (bool, i64) }

pub fn main(first: [Policy; 140], second: [Policy; 110]) -> Line {
    let mut n = 0i64;
    let mut x = 0i64;
    let mut y = 0i64;
    let mut xx = 0i64;
    let mut xy = 0i64;
    for policy in first {
        let (age, claims) = (policy.age as i64, policy.claims as i64);
        n = n + 1i64;
        x = x + age;
        y = y + claims;
        xx = xx + age * age;
        xy = xy + age * claims;
    }
    for policy in second {
        let (age, claims) = (policy.age as i64, policy.claims as i64);
        n = n + 1i64;
        x = x + age;
        y = y + claims;
        xx = xx + age * age;
        xy = xy + age * claims;
    }
    let spread = n * xx - x * x;
    let shown = (n >= 50i64) & (spread > 0i64);
    let by = if shown { spread } else { 1i64 };
    let at_zero = if shown { (y * xx - x * xy) / by } else { 0i64 };
    let by_year = if shown { (n * xy - x * y) / by } else { 0i64 };
    Line { policies: n as u32, at_zero: (shown, at_zero), by_year: (shown, by_year) }
}

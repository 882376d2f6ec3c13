// The middle of nine salaries, three from each of three owners, and nothing else of them.

fn in_order(pair: (u32, u32)) -> (u32, u32) {
    if pair.0 > pair.1 { (pair.1, pair.0) } else { pair }
}

pub fn main(first: [u32; 3], second: [u32; 3], third: [u32; 3]) -> u32 {
    let mut all = [0u32; 9];
    for i in 0usize..3usize {
        all[i] = first[i];
        all[i + 3usize] = second[i];
        all[i + 6usize] = third[i];
    }
    // Each round puts the largest of those left at their end: after five, the middle is in its place.
    for round in 0usize..5usize {
        for i in 0usize..8usize {
            if i < 8usize - round {
                let pair = in_order((all[i], all[i + 1usize]));
                all[i] = pair.0;
                all[i + 1usize] = pair.1;
            }
        }
    }
    all[4]
}

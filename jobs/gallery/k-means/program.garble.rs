// One step of k-means over the customers of two shops: each customer belongs to the nearest of three centres, and each
// centre moves to the mean of its customers. A centre with fewer than twenty is not shown.

struct Customer { visits: u16, spent: u16 }

struct Centre { customers: (bool, u32), visits: (bool, u32), spent: (bool, u32) }

fn square(a: u16, b: u16) -> u32 {
    let difference = if a > b { a - b } else { b - a };
    (difference as u32) * (difference as u32)
}

fn distance(a: Customer, b: Customer) -> u32 {
    square(a.visits, b.visits) + square(a.spent, b.spent)
}

fn nearest(customer: Customer, centres: [Customer; 3]) -> usize {
    let (a, b, c) = (distance(customer, centres[0]), distance(customer, centres[1]), distance(customer, centres[2]));
    if (a <= b) & (a <= c) { 0usize } else { if b <= c { 1usize } else { 2usize } }
}

fn mean(sum: u32, count: u32) -> u32 {
    if count > 0u32 { sum / count } else { 0u32 }
}

pub fn main(centres: [Customer; 3], first: [Customer; 120], second: [Customer; 100]) -> [Centre; 3] {
    let mut count = [0u32; 3];
    let mut visits = [0u32; 3];
    let mut spent = [0u32; 3];
    for customer in first {
        let k = nearest(customer, centres);
        count[k] = count[k] + 1u32;
        visits[k] = visits[k] + (customer.visits as u32);
        spent[k] = spent[k] + (customer.spent as u32);
    }
    for customer in second {
        let k = nearest(customer, centres);
        count[k] = count[k] + 1u32;
        visits[k] = visits[k] + (customer.visits as u32);
        spent[k] = spent[k] + (customer.spent as u32);
    }
    let mut moved = [Centre { customers: (false, 0u32), visits: (false, 0u32), spent: (false, 0u32) }; 3];
    for k in 0usize..3usize {
        if count[k] >= 20u32 {
            let customers = (true, count[k]);
            let (x, y) = (mean(visits[k], count[k]), mean(spent[k], count[k]));
            moved[k] = Centre { customers, visits: (true, x), spent: (true, y) };
        } else { }
    }
    moved
}

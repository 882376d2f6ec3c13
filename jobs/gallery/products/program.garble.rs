// The three products of which three shops together sold the most, and how many. Of equal ones the first comes first.

enum Product { Apples, Bread, Cheese, Dates, Eggs, Flour, Grapes, Honey }

struct Sale { product: Product, units: u8 }

struct Top { product: Product, units: u32 }

fn place(product: Product) -> usize {
    match product {
        Product::Apples => 0usize,
        Product::Bread => 1usize,
        Product::Cheese => 2usize,
        Product::Dates => 3usize,
        Product::Eggs => 4usize,
        Product::Flour => 5usize,
        Product::Grapes => 6usize,
        Product::Honey => 7usize,
    }
}

// The product that sold most, and the table without it.
fn best(units: [u32; 8]) -> (Top, [u32; 8]) {
    let mut top = Top { product: Product::Apples, units: units[0] };
    if units[1] > top.units { top = Top { product: Product::Bread, units: units[1] }; } else { }
    if units[2] > top.units { top = Top { product: Product::Cheese, units: units[2] }; } else { }
    if units[3] > top.units { top = Top { product: Product::Dates, units: units[3] }; } else { }
    if units[4] > top.units { top = Top { product: Product::Eggs, units: units[4] }; } else { }
    if units[5] > top.units { top = Top { product: Product::Flour, units: units[5] }; } else { }
    if units[6] > top.units { top = Top { product: Product::Grapes, units: units[6] }; } else { }
    if units[7] > top.units { top = Top { product: Product::Honey, units: units[7] }; } else { }
    let mut rest = units;
    rest[place(top.product)] = 0u32;
    (top, rest)
}

pub fn main(first: [Sale; 160], second: [Sale; 130], third: [Sale; 100]) -> [Top; 3] {
    let mut units = [0u32; 8];
    for sale in first {
        let product = place(sale.product);
        units[product] = units[product] + (sale.units as u32);
    }
    for sale in second {
        let product = place(sale.product);
        units[product] = units[product] + (sale.units as u32);
    }
    for sale in third {
        let product = place(sale.product);
        units[product] = units[product] + (sale.units as u32);
    }
    let (one, rest) = best(units);
    let (two, rest) = best(rest);
    let (three, _) = best(rest);
    [one, two, three]
}

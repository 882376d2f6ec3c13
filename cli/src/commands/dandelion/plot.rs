//! Draws precision and recall over the share of spies, as SVG.
//!
//! ```text
//!   1 ┤           ── recall   ── precision   (lines: measured)
//!     │        ·              o x            (marks: published)
//!   0 └───────────── share of spies 0 … 0.5
//! ```

use sotto_dandelion::simulate::{Anonymity, PUBLISHED};
use std::fmt::Write as _;

/// One measured point: the share of spies, and what they learn.
pub(crate) type Point = (f64, Anonymity);

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 480.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 200.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 60.0;
/// The upper ends of the axes.
const MOST_SHARE: f64 = 0.5;
const MOST_FIGURE: f64 = 0.8;

const RELAY: &str = "#0b6e4f";
const DIFFUSION: &str = "#b3261e";

/// Precision solid, recall dashed; published precision as circles, published recall as crosses.
pub(crate) fn svg(relay: &[Point], diffusion: &[Point], setting: &str) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">What spies learn of a payment's source</text>\n\
         <text x=\"{LEFT}\" y=\"40\" fill=\"#555\">{setting}</text>\n"
    );
    axes(&mut out);
    for (points, colour) in [(relay, RELAY), (diffusion, DIFFUSION)] {
        line(&mut out, points.iter().map(|(p, a)| (*p, a.precision)), colour, "");
        line(&mut out, points.iter().map(|(p, a)| (*p, a.recall)), colour, " stroke-dasharray=\"6 4\"");
    }
    for row in PUBLISHED {
        circle(&mut out, row.spies, row.per_edge, RELAY);
        circle(&mut out, row.spies, row.diffusion, DIFFUSION);
        cross(&mut out, row.spies, row.diffusion_recall, DIFFUSION);
    }
    legend(&mut out);
    out + "</svg>\n"
}

/// The position of a point in the drawing.
fn at(share: f64, figure: f64) -> (f64, f64) {
    let x = LEFT + share / MOST_SHARE * (WIDTH - LEFT - RIGHT);
    (x, HEIGHT - BOTTOM - figure / MOST_FIGURE * (HEIGHT - TOP - BOTTOM))
}

/// Appends; writing to a string cannot fail.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

fn axes(out: &mut String) {
    let ((left, bottom), (right, _)) = (at(0.0, 0.0), at(MOST_SHARE, MOST_FIGURE));
    for step in 0..=8 {
        let figure = f64::from(step) / 10.0;
        let (_, y) = at(0.0, figure);
        put(out, format_args!("<path d=\"M{left:.1} {y:.1}H{right:.1}\" stroke=\"#ddd\"/>\n"));
        let (x, y) = (left - 8.0, y + 4.0);
        put(out, format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{figure:.1}</text>\n"));
    }
    for step in 0..=5 {
        let share = f64::from(step) / 10.0;
        let ((x, _), y) = (at(share, 0.0), bottom + 18.0);
        put(out, format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{share:.1}</text>\n"));
    }
    let (x, y) = ((left + right) / 2.0, bottom + 40.0);
    put(out, format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">share of spies</text>\n"));
}

fn line(out: &mut String, points: impl Iterator<Item = (f64, f64)>, colour: &str, dashes: &str) {
    let points: Vec<String> =
        points.map(|(share, figure)| at(share, figure)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let points = points.join(" ");
    put(
        out,
        format_args!(
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dashes}/>\n"
        ),
    );
}

fn circle(out: &mut String, share: f64, figure: f64, colour: &str) {
    let (x, y) = at(share, figure);
    put(
        out,
        format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"none\" stroke=\"{colour}\"/>\n"),
    );
}

fn cross(out: &mut String, share: f64, figure: f64, colour: &str) {
    let (x, y) = at(share, figure);
    let (x, y) = (x - 4.0, y - 4.0);
    put(out, format_args!("<path d=\"M{x:.1} {y:.1}l8 8m0 -8l-8 8\" stroke=\"{colour}\"/>\n"));
}

/// The meaning of each line and mark, to the right of the drawing.
fn legend(out: &mut String) {
    let left = WIDTH - RIGHT + 20.0;
    let entries = [
        (RELAY, "relay: precision", "solid"),
        (RELAY, "relay: recall", "dashed"),
        (RELAY, "published, per edge", "circle"),
        (DIFFUSION, "diffusion: precision", "solid"),
        (DIFFUSION, "diffusion: recall", "dashed"),
        (DIFFUSION, "published precision", "circle"),
        (DIFFUSION, "published recall", "cross"),
    ];
    for (i, (colour, text, mark)) in (0u8..).zip(entries) {
        let y = TOP + 20.0 + f64::from(i) * 24.0;
        let (end, middle) = (left + 26.0, left + 13.0);
        let drawn = match mark {
            "circle" => {
                format!("<circle cx=\"{middle}\" cy=\"{y}\" r=\"4\" fill=\"none\" stroke=\"{colour}\"/>")
            }
            "cross" => format!("<path d=\"M{left} {y}m9 -4l8 8m0 -8l-8 8\" stroke=\"{colour}\"/>"),
            "dashed" => format!(
                "<path d=\"M{left} {y}H{end}\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"6 4\"/>"
            ),
            _ => format!("<path d=\"M{left} {y}H{end}\" stroke=\"{colour}\" stroke-width=\"2\"/>"),
        };
        let (x, y) = (left + 34.0, y + 4.0);
        put(out, format_args!("{drawn}<text x=\"{x}\" y=\"{y}\">{text}</text>\n"));
    }
}

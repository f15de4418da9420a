//! The chart: for each rule, which part of the runs had waited no longer than what the axis says. SVG, written by hand,
//! since four lines and two axes need no library.

use std::fmt::Write as _;
use std::time::Duration;

use super::replay::Outcome;
use super::report::short;
use super::trace::Trace;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 56.0;
/// Colours that people with any kind of sight tell apart (M. Okabe, K. Ito, 2008), and dashes for those who print.
const STROKES: [(&str, &str); 4] =
    [("#0072b2", ""), ("#d55e00", "6 3"), ("#009e73", "2 3"), ("#cc79a7", "8 3 2 3")];
/// Points that the axis names, in seconds.
const TICKS: [f64; 9] = [1.0, 10.0, 60.0, 600.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0, 2_592_000.0];
/// A line is drawn through so many points.
const POINTS: usize = 200;

/// Draws it.
#[must_use]
pub fn draw(trace: &Trace, outcomes: &[Outcome]) -> String {
    let waits: Vec<Vec<f64>> = outcomes.iter().map(|outcome| ascending(trace, outcome)).collect();
    let longest = waits.iter().filter_map(|waits| waits.last()).copied().fold(10.0, f64::max);
    let across = |seconds: f64| LEFT + (WIDTH - LEFT - RIGHT) * (seconds.max(1.0).ln() / longest.ln());
    let down = |part: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - part);

    let mut svg = String::new();
    // Writing to a text can't fail.
    let mut line = |text: std::fmt::Arguments<'_>| writeln!(svg, "{text}").unwrap_or_default();
    line(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">"
    ));
    line(format_args!("<title>Part of the runs that had started after a wait, by rule</title>"));
    line(format_args!("<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>"));
    for quarter in 0..=4 {
        let (part, y) = (25 * quarter, down(f64::from(quarter) / 4.0));
        line(format_args!(
            "<path d=\"M{LEFT} {y:.1}H{:.1}\" stroke=\"#dddddd\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{part} %</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 4.0
        ));
    }
    for tick in TICKS.into_iter().filter(|tick| *tick <= longest) {
        let x = across(tick);
        line(format_args!(
            "<path d=\"M{x:.1} {TOP}V{:.1}\" stroke=\"#eeeeee\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - BOTTOM,
            HEIGHT - BOTTOM + 18.0,
            short(Duration::from_secs_f64(tick))
        ));
    }
    line(format_args!(
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">wait (at most)</text>",
        f64::midpoint(LEFT, WIDTH - RIGHT),
        HEIGHT - 12.0
    ));
    for (at, ((outcome, waits), (colour, dashes))) in outcomes.iter().zip(&waits).zip(STROKES).enumerate() {
        let mut path = String::new();
        for (x, part) in points(waits).map(|(seconds, part)| (across(seconds), part)) {
            let command = if path.is_empty() { 'M' } else { 'L' };
            write!(path, "{command}{x:.1} {:.1}", down(part)).unwrap_or_default();
        }
        let style =
            format!("stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\" fill=\"none\"");
        #[expect(clippy::cast_precision_loss, reason = "four rules")]
        let x = LEFT + 150.0 * at as f64;
        line(format_args!("<path d=\"{path}\" {style}/>"));
        line(format_args!(
            "<path d=\"M{x:.1} 24h28\" {style}/><text x=\"{:.1}\" y=\"28\">{}</text>",
            x + 34.0,
            outcome.rule.as_str()
        ));
    }
    line(format_args!("</svg>"));
    svg
}

/// The waits in seconds.
fn ascending(trace: &Trace, outcome: &Outcome) -> Vec<f64> {
    let starts = trace.runs().iter().zip(&outcome.starts);
    let mut waits: Vec<f64> =
        starts.filter_map(|(run, at)| Some((*at)?.since(run.submitted).as_secs_f64())).collect();
    waits.sort_by(f64::total_cmp);
    waits
}

/// Some waits, evenly chosen, each with the part of all that are no longer; the last among them.
fn points(waits: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    let count = waits.len().min(POINTS);
    (1..=count).filter_map(move |step| {
        let rank = step * waits.len() / count;
        #[expect(clippy::cast_precision_loss, reason = "counts stop far below 2^53")]
        Some((*waits.get(rank - 1)?, rank as f64 / waits.len() as f64))
    })
}

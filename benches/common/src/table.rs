//! One table per bench: what was measured, against what, and the target. Judges nothing and fails nothing:
//! a figure from a busy machine is still a figure.

/// How long a bench takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Less than a minute.
    Quick,
    /// With `--long`: steadier figures.
    Long,
}

impl Length {
    /// From the command line of the bench; whatever else `cargo bench` passes is ignored.
    pub fn asked() -> Self {
        if std::env::args().any(|a| a == "--long") { Self::Long } else { Self::Quick }
    }

    /// One of two values.
    pub fn pick<T>(self, quick: T, long: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Long => long,
        }
    }
}

/// A line of the table.
#[derive(Debug, Default)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// The figure.
    pub figure: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The same unit, measured in the same run without the work in question.
    pub against: Option<f64>,
    /// Figure / against, or what the target is about.
    pub ratio: Option<f64>,
    /// What we want, in words.
    pub target: &'static str,
}

/// Prints the rows under a title.
#[expect(clippy::print_stdout, reason = "a bench is there to print")]
pub fn print(title: &str, rows: &[Row]) {
    println!("\n{title}");
    let head = ["measured", "figure", "unit", "against", "ratio", "target"].map(str::to_owned);
    let cells: Vec<[String; 6]> = std::iter::once(head)
        .chain(rows.iter().map(|r| {
            [
                r.what.clone(),
                number(r.figure),
                r.unit.to_owned(),
                r.against.map(number).unwrap_or_default(),
                r.ratio.map(|x| format!("{x:.2}")).unwrap_or_default(),
                r.target.to_owned(),
            ]
        }))
        .collect();
    let width = |i: usize| cells.iter().map(|c| c[i].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    for [what, figure, unit, against, ratio, target] in &cells {
        let [w0, w1, w2, w3, w4, _] = widths;
        println!("  {what:w0$}  {figure:>w1$} {unit:w2$}  {against:>w3$}  {ratio:>w4$}  {target}");
    }
}

/// `1,234,567` above a thousand, two digits behind the point below ten.
fn number(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2}");
    }
    if value < 1000.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

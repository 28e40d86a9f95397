//! What is wanted of figures, and whether it came.

use serde_json::{Value, json};

use super::Row;
use super::measure::Figure;
use super::report::target;

/// A figure that was wanted.
pub struct Goal {
    what: String,
    came: f64,
    bound: Bound,
    unit: &'static str,
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    pub fn at_least(what: impl Into<String>, came: f64, wanted: f64, unit: &'static str) -> Self {
        Self { what: what.into(), came, bound: Bound::AtLeast(wanted), unit }
    }

    pub fn at_most(what: impl Into<String>, came: f64, wanted: f64, unit: &'static str) -> Self {
        Self { what: what.into(), came, bound: Bound::AtMost(wanted), unit }
    }

    /// How many times as much of `figure` the row `peer` takes as the row `ours`.
    pub fn times(rows: &[Row], figure: Figure, ours: &str, peer: &str, wanted: f64) -> Self {
        let what = match figure {
            Figure::Wall => format!("{ours}: faster than {peer}"),
            Figure::Cpu => format!("{ours}: less CPU than {peer}"),
            Figure::Memory => format!("{ours}: less memory than {peer}"),
            Figure::Output => format!("{ours}: smaller than {peer}"),
        };
        let times = median(rows, figure, peer) / median(rows, figure, ours);
        Self::at_least(what, times, wanted, " ×")
    }

    fn met(&self) -> bool {
        match self.bound {
            Bound::AtLeast(wanted) => self.came >= wanted,
            Bound::AtMost(wanted) => self.came <= wanted,
        }
    }

    /// A row of a table: what, what came, what was wanted, whether it came.
    pub fn row(&self) -> String {
        let unit = self.unit;
        let wanted = match self.bound {
            Bound::AtLeast(wanted) => format!("at least {wanted}{unit}"),
            Bound::AtMost(wanted) => format!("at most {wanted}{unit}"),
        };
        format!("| {} | {:.2}{unit} | {wanted} | {} |\n", self.what, self.came, target(self.met()))
    }

    pub fn json(&self) -> Value {
        let (bound, wanted) = match self.bound {
            Bound::AtLeast(wanted) => ("at least", wanted),
            Bound::AtMost(wanted) => ("at most", wanted),
        };
        let (what, came, unit) = (&self.what, self.came, self.unit.trim());
        json!({ "what": what, "came": came, "bound": bound, "wanted": wanted, "unit": unit, "met": self.met() })
    }
}

/// The median of a figure of the row called `name`.
pub fn median(rows: &[Row], figure: Figure, name: &str) -> f64 {
    let row = rows.iter().find(|row| row.name == name);
    row.map_or(f64::NAN, |row| row.runs.figure(|run| figure.of(run)).0)
}

/// In what rows of ours are worse than those of peers they are held against: sentences.
pub fn worse(rows: &[Row], pairs: &[(&'static str, &'static str)]) -> Vec<String> {
    let mut said = Vec::new();
    for (ours, peer) in pairs {
        for figure in Figure::ALL {
            let times = median(rows, figure, ours) / median(rows, figure, peer);
            // What is not a number was not measured; less than a hundredth is noise.
            if times > 1.01 {
                let what = match figure {
                    Figure::Wall => "takes",
                    Figure::Cpu => "takes processor time:",
                    Figure::Memory => "needs memory:",
                    Figure::Output => "writes",
                };
                let unit = if figure == Figure::Wall { " as long" } else { " as much" };
                said.push(format!("{ours} {what} {times:.2} ×{unit} as {peer}"));
            }
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::super::measure::{Run, Runs};
    use super::*;

    fn row(name: &'static str, wall: f64, output: f64) -> Row {
        Row { name, runs: Runs::of(vec![Run { wall, cpu: wall, memory: 1.0, output }]) }
    }

    #[test]
    fn goals_are_met_or_missed() {
        let rows = [row("ours", 2.0, f64::NAN), row("peer", 5.0, 7.0)];
        let goal = |wanted| Goal::times(&rows, Figure::Wall, "ours", "peer", wanted).row();
        assert_eq!(goal(2.5), "| ours: faster than peer | 2.50 × | at least 2.5 × | met |\n");
        assert_eq!(goal(3.0), "| ours: faster than peer | 2.50 × | at least 3 × | missed |\n");
        // What was not measured is not met.
        let smaller = Goal::times(&rows, Figure::Output, "ours", "peer", 1.0);
        assert!(!smaller.met());
    }

    #[test]
    fn what_is_worse_is_said() {
        let rows = [row("ours", 2.0, 14.0), row("peer", 5.0, 7.0)];
        assert_eq!(worse(&rows, &[("ours", "peer")]), ["ours writes 2.00 × as much as peer"]);
    }
}

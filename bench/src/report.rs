//! The report: ratios first, absolute figures beside them, and what was measured on what.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::server::Server;

/// The rounds of both sides for one workload.
pub struct Comparison {
    title: String,
    ours: Vec<f64>,
    rival: Vec<f64>,
}

impl Comparison {
    /// A comparison with no rounds yet.
    pub const fn new(title: String) -> Self {
        Self { title, ours: Vec::new(), rival: Vec::new() }
    }

    /// Adds a round of both.
    pub fn push(&mut self, ours: f64, rival: f64) {
        self.ours.push(ours);
        self.rival.push(rival);
    }

    /// Median of the ratios of neighbouring rounds; above 1 means that ours is faster.
    fn ratio(&self) -> f64 {
        median(self.ours.iter().zip(&self.rival).map(|(ours, rival)| ours / rival).collect())
    }

    fn row(&self) -> String {
        let (ours, rival) = (median(self.ours.clone()), median(self.rival.clone()));
        format!("| {} | {ours:.0} | {rival:.0} | {:.2}× |", self.title, self.ratio())
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// All comparisons of a run.
pub struct Report {
    head: String,
    comparisons: Vec<Comparison>,
}

impl Report {
    /// A report that says when, where and of what.
    pub async fn new(ours: &Server, rival: &Server) -> Result<Self> {
        let mut head = String::new();
        writeln!(head, "- Date: {}", output("date", &["-u", "+%Y-%m-%d"]))?;
        writeln!(head, "- Machine: {}, {} processors, Linux {}", processor(), processors(), output("uname", &["-r"]))?;
        writeln!(head, "- Ours: {}", ours.version().await?)?;
        writeln!(head, "- Rival: {}, as `initdb` configures it", rival.version().await?)?;
        Ok(Self { head, comparisons: Vec::new() })
    }

    /// Adds a line.
    pub fn push(&mut self, comparison: Comparison) {
        self.comparisons.push(comparison);
    }

    /// The table alone.
    pub fn summary(&self) -> String {
        let mut table = String::from("| | HeliosDB Edge, tps | PostgreSQL 15, tps | ratio |\n|---|---:|---:|---:|");
        for comparison in &self.comparisons {
            table.push('\n');
            table.push_str(&comparison.row());
        }
        table
    }

    /// Writes `benchmarks.md` and its plot into the folder.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let text = format!(
            "# Benchmarks\n\nWritten by `make bench`; both sides run on the same machine in the same run, in turns, driven by \
             pgbench over loopback.\nA ratio is the median of the ratios of neighbouring rounds; above 1 ours is faster. The \
             machine is shared: quote ratios,\nnot the figures beside them.\n\n{}\n{}\n\n![ratios](benchmarks.svg)\n",
            self.head,
            self.summary()
        );
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("benchmarks.md"), text)?;
        std::fs::write(folder.join("benchmarks.svg"), self.plot()?)?;
        Ok(())
    }

    /// A bar a comparison, with a line at 1.
    fn plot(&self) -> Result<String> {
        const LEFT: f64 = 330.0;
        const UNIT: f64 = 200.0;
        let mut svg = String::new();
        let height = 30 * self.comparisons.len() + 30;
        writeln!(
            svg,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="900" height="{height}" font-family="sans-serif" font-size="13">"#
        )?;
        writeln!(svg, r#"<rect width="100%" height="100%" fill="white"/>"#)?;
        let mut y = 10;
        for comparison in &self.comparisons {
            let ratio = comparison.ratio();
            let (width, text) = (ratio * UNIT, y + 16);
            writeln!(svg, r#"<text x="{}" y="{text}" text-anchor="end">{}</text>"#, LEFT - 8.0, comparison.title)?;
            writeln!(svg, r##"<rect x="{LEFT}" y="{y}" width="{width:.0}" height="22" fill="#2a7ab8"/>"##)?;
            writeln!(svg, r#"<text x="{:.0}" y="{text}">{ratio:.2}×</text>"#, LEFT + width + 6.0)?;
            y += 30;
        }
        let one = LEFT + UNIT;
        writeln!(svg, r#"<line x1="{one}" y1="4" x2="{one}" y2="{y}" stroke="black" stroke-dasharray="4"/>"#)?;
        writeln!(svg, r#"<text x="{one}" y="{}" text-anchor="middle">PostgreSQL 15 = 1</text>"#, y + 14)?;
        writeln!(svg, "</svg>")?;
        Ok(svg)
    }
}

fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1).map(str::to_owned));
    name.unwrap_or_else(|| "an unknown processor".to_owned())
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

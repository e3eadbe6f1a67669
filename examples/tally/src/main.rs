//! Counts the words of its input and prints them as JSON, the most frequent first.

use std::collections::BTreeMap;
use std::io::{self, Read};

use regex::Regex;
use serde_json::{json, Value};

/// Words of two letters and more with their counts: highest count first, then by the alphabet.
fn tally(text: &str, word: &Regex) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for found in word.find_iter(text) {
        *counts.entry(found.as_str().to_lowercase()).or_default() += 1;
    }
    let mut words: Vec<_> = counts.into_iter().collect();
    words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    words
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let word = Regex::new(r"\p{Alphabetic}{2,}")?;
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let rows: Vec<Value> = tally(&text, &word)
        .into_iter()
        .map(|(word, count)| json!({ "word": word, "count": count }))
        .collect();
    println!("{}", serde_json::to_string_pretty(&Value::Array(rows))?);
    Ok(())
}

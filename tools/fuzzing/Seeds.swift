import DukkanFuzzing

// With a second file in it a target is no script, whose own `main` would stand against that of `Fuzzer.swift`.

// Command bench measures Moldau's speed and prints it as Markdown tables of ratios:
// against a bare franz-go loop that moves the same bytes, and against Apache Kafka
// Connect and its converters and transforms on the same machine in the same run.
//
// What is measured runs in processes of its own, so that the CPU time and the memory of
// each can be read from /proc: Moldau's binary, Apache's worker, and this program again
// for the bare loops and for Moldau's converters. Rounds alternate between the
// contestants, and every number is the median of its rounds. The servers come from
// test/refstack. Where there is no Java, the broker is the embedded one and what needs
// Java is left out, with a word.
package main

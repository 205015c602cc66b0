// Package datagen generates records: for demonstrations, tests and benchmarks. What
// it generates depends on the seed and the number of the record alone, so a
// generator goes on anywhere.
//
// Wikipedia generates events in the shape of Wikimedia's stream of recent changes
// and can be used without the connector.
package datagen

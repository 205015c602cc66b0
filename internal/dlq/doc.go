// Package dlq reads dead-letter topics, groups their records by what went wrong, and
// writes them again to where they came from, each once.
//
// It knows topics and headers alone. Which settings a client has is said in
// runtime/kafka, and how records are shown on a terminal in cmd.
package dlq

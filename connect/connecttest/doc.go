// Package connecttest holds what plugins are tested with: contexts that stand in
// for the runtime, and suites that check what the runtime relies on. A plugin runs
// its suite in a few lines:
//
//	func TestConformance(t *testing.T) {
//		connecttest.Source{New: func() connect.SourceConnector { return New() }, Config: props, Want: 10}.Run(t)
//	}
//
// It runs no Kafka client and no runtime.
package connecttest

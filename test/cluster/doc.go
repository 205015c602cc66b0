// Package cluster tests clusters of whole workers, all but their REST API, in virtual
// time: the stores, the group, the herder and the worker of runtime/ on embedded brokers
// with connections in memory. Random histories of faults and requests are made from a
// seed; docs/chaos.md says how to replay one.
//
// It has no code but tests.
package cluster

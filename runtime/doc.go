// Package runtime is the root of the worker: everything between the plugin API
// (package connect) and the REST layer (package api). It holds no code of its
// own; each concern is a sub-package, and they point one way:
//
//	state     ids, states, statuses, config snapshot, assignment: values only
//	settings  worker, connector and client settings as typed structs
//	kafka     settings to Kafka clients, topic creation, a compacted topic as a log
//	store     config, offset and status stores over a log, a file or memory
//	assign    who runs what: eager and incremental cooperative assignment
//	group     membership of the group of workers, and its wire format
//	task      the data path of one source or sink task
//	worker    makes what runs here equal to what is assigned here
//	metrics   metric names and their registry
//	herder    the coordinator: events in, actions out
//
// Nothing below runtime knows the REST layer, the UI or the table of plugins
// that ship with the binary. Packages state and assign do not read the clock
// and do not talk to Kafka.
package runtime
